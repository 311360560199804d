//! What lies on the desk: a record or a request, read from its JSON, with the hash that the desk computes itself.

use jiff::Timestamp;
use policies::application::EventRecord;
use policies::passkey::{Base64Url, Enrolment, EnrolmentRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line of what is signed.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) text: String,
}

/// What is to be signed.
pub(super) struct Paper {
    pub(super) challenge: Base64Url,
    kind: String,
    whole: Value,
    facts: Vec<(&'static str, &'static str, String)>,
}

/// An enrolment as the portal hands it over.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    enrolment: Enrolment,
    made_at: Timestamp,
}

/// Words for what is signed: of an event, in Japanese and English.
const TITLES: &[(&str, &str, &str)] = &[
    ("accepted", "形式審査を終えて受理する", "Accept as complete"),
    ("condition-confirmed", "条件が満たされたことを確認する", "Confirm that a condition is met"),
    ("decided", "決定を記録する", "Record a decision"),
    ("enrolment", "署名用のパスキーの登録を申し込む", "Ask for a passkey to be enrolled for signing"),
    ("holder-answered", "保有者として回答する", "Answer as the holder"),
    ("pledge-signed", "誓約する", "Sign the pledge"),
    ("resumed", "利用の停止を解除する", "Lift a suspension"),
    ("vote-cast", "投票する", "Cast a vote"),
];

impl Paper {
    /// Reads what was handed over. None if it is no such thing, or a record whose hash is not its own.
    pub(super) fn read(paper: &str, document: &str) -> Option<Self> {
        match paper {
            "record" => Self::record(&serde_json::from_str(document).ok()?),
            "enrolment" => Self::enrolment(&serde_json::from_str(document).ok()?),
            _ => None,
        }
    }

    fn record(record: &EventRecord) -> Option<Self> {
        if !record.is_whole() {
            return None;
        }
        let facts = vec![
            ("申出", "Application", record.application.to_string()),
            ("署名する人", "Who signs", record.by.user.to_string()),
            ("資格", "As", words(&record.by.roles)),
            ("時刻", "Time", record.at.to_string()),
        ];
        Some(Self {
            challenge: Base64Url::of(record.challenge()?),
            kind: record.event.kind().to_owned(),
            whole: serde_json::to_value(record).ok()?,
            facts,
        })
    }

    fn enrolment(wanted: &Wanted) -> Option<Self> {
        let Enrolment { user, roles, seats, holds, affiliation, .. } = &wanted.enrolment;
        let facts = vec![
            ("署名する人", "Who signs", user.to_string()),
            ("資格", "As", words(roles)),
            ("委員会の区分", "Seats", words(seats)),
            ("代表する情報源", "Speaks for", words(holds)),
            ("所属", "Works at", affiliation.to_string()),
        ];
        Some(Self {
            challenge: Base64Url::of(EnrolmentRequest::challenge(&wanted.enrolment, wanted.made_at).ok()?),
            kind: "enrolment".to_owned(),
            whole: serde_json::to_value(wanted).ok()?,
            facts,
        })
    }

    /// What the person does.
    pub(super) fn title(&self, ja: bool) -> &str {
        let known = TITLES.iter().find(|(kind, ..)| *kind == self.kind);
        known.map_or(self.kind.as_str(), |(_, japanese, english)| if ja { japanese } else { english })
    }

    /// Who and for what, then the content of the act itself, all of it.
    pub(super) fn lines(&self, ja: bool) -> Vec<Line> {
        let fact = |(japanese, english, text): &(&str, &str, String)| Line {
            label: (if ja { japanese } else { english }).to_string(),
            text: text.clone(),
        };
        let mut lines: Vec<Line> = self.facts.iter().map(fact).collect();
        if let Some(event) = self.whole.get("event") {
            flatten("", event, &mut lines);
        }
        lines.retain(|line| line.label != "kind" && !line.text.is_empty());
        lines
    }

    /// Everything that the signature covers.
    pub(super) fn all(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        flatten("", &self.whole, &mut lines);
        lines
    }
}

fn words(of: &std::collections::BTreeSet<impl ToString>) -> String {
    of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Each value under its path.
fn flatten(path: &str, value: &Value, lines: &mut Vec<Line>) {
    let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} › {name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&under(name), value, lines)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| flatten(&under(&(place + 1).to_string()), item, lines));
        }
        Value::String(text) => lines.push(Line { label: path.to_owned(), text: text.clone() }),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => lines.push(Line { label: path.to_owned(), text: value.to_string() }),
    }
}
