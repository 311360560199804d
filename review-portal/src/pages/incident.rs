//! `GET /applications/{application}/incidents/{number}` and `…/report.pdf`: an incident on one page (事故等報告書), made from its
//! events: what happened, when each report to the ministry was due and went, to whom, what was done.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use jiff::civil::Date;
use policies::UserId;
use policies::application::{Application, Incident, IncidentStep, Rules, Usage, day_of};

use super::document::{Around, mark, printed, shown};
use crate::access::{Allowed, Read};
use crate::accounts;
use crate::dates;
use crate::documents::{Block, Document, Fact, Letterhead, Span, Table, Words};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::visit::{Frame, name};

/// What the report is made from.
struct Report<'a> {
    frame: &'a Frame,
    rules: &'static Rules,
    state: &'a Application,
    usage: &'a Usage,
    incident: &'a Incident,
    /// Its number within the application, from 1.
    number: usize,
    /// Names with affiliations.
    people: BTreeMap<UserId, String>,
    today: Date,
}

/// `GET /applications/{application}/incidents/{number}`
pub(crate) async fn show(
    allowed: Allowed<Read>,
    State(portal): State<Portal>,
    Path((_, number)): Path<(String, usize)>,
) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let frame = allowed.visit.frame(&portal);
    let document = report(&portal, &frame, state, number).await?;
    shown(frame, document, Around::application(&state.id, &format!("incidents/{number}/report.pdf")))
}

/// `GET /applications/{application}/incidents/{number}/report.pdf`
pub(crate) async fn paper(
    allowed: Allowed<Read>,
    State(portal): State<Portal>,
    Path((_, number)): Path<(String, usize)>,
) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let document = report(&portal, &allowed.visit.frame(&portal), state, number).await?;
    printed(document, &format!("incident-{}-{number}", state.id)).await
}

async fn report(portal: &Portal, frame: &Frame, state: &Application, number: usize) -> Result<Document, PortalError> {
    let usage = state.usage.as_ref().ok_or(PortalError::NotFound)?;
    let incident = number.checked_sub(1).and_then(|at| usage.incidents.get(at)).ok_or(PortalError::NotFound)?;
    let people = accounts::list(&portal.db).await?;
    let called = |user: accounts::User| {
        let words = format!("{} ({})", name(&user, frame.language), user.affiliation);
        (user.id, words)
    };
    let people = people.into_iter().map(called).collect();
    let (rules, today) = (Rules::current(), day_of(portal.now()));
    Ok(Report { frame, rules, state, usage, incident, number, people, today }.document())
}

/// A step's word, and what was written about it.
pub(super) fn step(step: &IncidentStep) -> (&'static str, &str) {
    match step {
        IncidentStep::Closed { text } => ("closed", text),
        IncidentStep::FinalReport { addressee } => ("final-report", addressee),
        IncidentStep::FirstReport { addressee } => ("first-report", addressee),
        IncidentStep::Note { text } => ("note", text),
    }
}

impl Report<'_> {
    fn document(&self) -> Document {
        let frame = self.frame;
        let head = &self.rules.letterhead.secretariat;
        let sender = if frame.is_ja() { &head.ja } else { &head.en }.clone();
        // Dated by the last thing that happened: the same events give the same paper.
        let last = self.incident.steps.last().map_or(self.incident.at, |(at, _)| *at);
        Document {
            language: frame.lang(),
            kind: String::new(),
            title: frame.say("incident.report.title"),
            number: format!("{} / {}", self.state.id, self.number),
            date: dates::formal(dates::today(last), frame.language),
            letterhead: Some(Letterhead { addressee: vec![frame.say("incident.report.to")], sender: vec![sender] }),
            blocks: vec![
                self.facts(),
                Block::heading(frame.say("incident.report.what")),
                Block::text(&self.incident.report.text),
                Block::heading(frame.say("incident.report.deadlines")),
                self.deadlines(),
                Block::heading(frame.say("incident.report.course")),
                self.course(),
            ],
            mark: mark(frame),
        }
    }

    fn facts(&self) -> Block {
        let (frame, report) = (self.frame, &self.incident.report);
        let line = |key: &str, words: String| Fact::line(frame.say(key), vec![Span::text(words)]);
        let by = self.people.get(&self.incident.by).cloned().unwrap_or_else(|| self.incident.by.to_string());
        let datasets = self.usage.content.datasets.iter();
        let datasets: Vec<_> = datasets.map(|(id, ask)| format!("{}/{}", id.to_uppercase(), ask.release)).collect();
        let kind = Span::strong(frame.say_of("incident", report.kind.as_str()));
        let is_closed = if self.incident.is_closed() { "closed" } else { "open" };
        let mut facts = vec![
            Fact::line(frame.say("incident.kind"), vec![kind]),
            line("incident.severity", frame.say_of("incident.severity", &report.severity.to_string())),
            line("incident.noticed-on", frame.day(report.noticed_on).text),
            line("incident.report.at", format!("{}　{by}", frame.minute(&self.incident.at))),
            line("field.title", self.usage.content.title.clone()),
            line("project.permit", format!("{}　{}", self.usage.permit, datasets.join(" "))),
            line("incident.report.use", self.stage()),
            line("incident.report.state", frame.say_of("incident.state", is_closed)),
        ];
        let suspended = self.usage.suspended.as_ref();
        facts.extend(suspended.map(|reason| line("incident.report.suspended", reason.clone())));
        Block::Facts(facts)
    }

    /// How the use stands.
    fn stage(&self) -> String {
        self.frame.say_of("stage", self.state.stage(self.rules, self.today).as_str())
    }

    /// The first and the final report: by when, when it went, to whom.
    fn deadlines(&self) -> Block {
        let frame = self.frame;
        let name = frame.say("incident.report.deadlines");
        let head = ["which", "due", "sent", "addressee"].map(|word| frame.say_of("incident.report", word)).to_vec();
        let due = self.incident.due(self.rules.incident);
        let rows = ["first-report", "final-report"].into_iter().zip(due).map(|(word, due)| self.deadline(word, due));
        Block::Table(Table { name, head, rows: rows.collect() })
    }

    fn deadline(&self, word: &str, due: Date) -> Vec<Vec<Block>> {
        let frame = self.frame;
        let mut steps = self.incident.steps.iter().map(|(at, told)| (at, step(told)));
        let sent = steps.find(|(_, (told, _))| *told == word);
        let (mut when, last): (Words, Date) = match sent {
            Some((at, _)) => (vec![Span::Time(frame.minute(at))], day_of(*at)),
            None => (vec![Span::text(frame.say("incident.report.unsent"))], self.today),
        };
        if last > due {
            when.extend([Span::text(" "), Span::Alert(frame.say("incident.report.late"))]);
        }
        let which = frame.say_of("incident.report", word);
        let addressee = sent.map_or("－", |(_, (_, addressee))| addressee);
        vec![
            vec![Block::text(which)],
            vec![Block::Text(vec![Span::Time(frame.day(due))])],
            vec![Block::Text(when)],
            vec![Block::text(addressee)],
        ]
    }

    /// What was done, in its order.
    fn course(&self) -> Block {
        let frame = self.frame;
        let told = self.incident.steps.iter().map(|(at, told)| {
            let (word, text) = step(told);
            let when = frame.minute(at);
            Fact::line(
                when.text,
                vec![Span::strong(frame.say_of("incident.step", word)), Span::text(format!("\n{text}"))],
            )
        });
        let facts: Vec<_> = told.collect();
        if facts.is_empty() { Block::text(frame.say("incident.report.none")) } else { Block::Facts(facts) }
    }
}
