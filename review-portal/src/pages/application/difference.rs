//! Two contents side by side: exactly the parts that differ, in words.

use policies::application::{ApplicantKind, Content, FieldKind, FormField, Problem, Rules, Shell};
use policies::{Grade, Tier};

use crate::visit::Frame;

/// A part that differs.
pub(super) struct Line {
    pub(super) title: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// The parts in which `after` differs from `before`; of lists only the entries that do.
pub(super) fn lines(frame: &Frame, before: &Content, after: &Content) -> Vec<Line> {
    let line = |part: &String| {
        let (old, new) = (entries(frame, before, part), entries(frame, after, part));
        let only = |ours: &[String], theirs: &[String]| {
            let own: Vec<_> = ours.iter().filter(|entry| !theirs.contains(entry)).cloned().collect();
            // The same entries in another order are shown whole.
            if own.is_empty() && ours.len() >= theirs.len() { ours.to_vec() } else { own }
        };
        let is_list = old.len() > 1 || new.len() > 1;
        let (old, new) = if is_list { (only(&old, &new), only(&new, &old)) } else { (old, new) };
        let words = |entries: Vec<String>| {
            let text = entries.join("\n");
            if text.trim().is_empty() { frame.say("difference.nothing") } else { text }
        };
        Line { title: title(frame, part), before: words(old), after: words(new) }
    };
    before.changes(after).iter().map(line).collect()
}

/// A part's name in the reader's language.
pub(super) fn title(frame: &Frame, part: &str) -> String {
    let (ja, en) = Problem::name_of(part);
    if frame.is_ja() { ja } else { en }
}

/// A part of the content in words, an entry each.
pub(super) fn entries(frame: &Frame, content: &Content, part: &str) -> Vec<String> {
    let one = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    match part {
        "project" => content.project.iter().map(ToString::to_string).collect(),
        "title" => one(&content.title),
        "applicant-kind" => {
            let word = content.applicant_kind.map(ApplicantKind::as_str);
            word.map(|word| frame.say_of("applicant-kind", word)).into_iter().collect()
        }
        "urgent" => one(&frame.say(if content.urgent { "difference.yes" } else { "difference.no" })),
        "members" => members(content),
        "datasets" => datasets(content),
        "rows" => rows(content),
        "tier" => {
            let anonymized = content.tier == Tier::Anonymized;
            one(&frame.say(if anonymized { "tier.anonymized" } else { "tier.pseudonymized" }))
        }
        "profile" if content.profile.is_empty() => Vec::new(),
        "profile" => one(&frame.say_of("profile", &content.profile)),
        "grade" => one(&frame.say(if content.grade == Grade::Exact { "grade.exact" } else { "grade.preview" })),
        "period" => content
            .period
            .iter()
            .map(|period| format!("{} – {}", frame.day(period.from), frame.day(period.until)))
            .collect(),
        "ethics" => content
            .ethics
            .iter()
            .map(|ethics| {
                let dates = format!("{} – {}", frame.day(ethics.approved_on), frame.day(ethics.until));
                format!("{} {}\n{dates}", ethics.board, ethics.number)
            })
            .collect(),
        "shells" => {
            let shell = |shell: &Shell| format!("{}\n{}\n{}", shell.title, shell.sql, shell.columns.join(", "));
            content.shells.iter().map(|table| shell(table).trim_end().to_owned()).collect()
        }
        "attachments" => {
            let file = |file: &policies::application::Attachment| {
                let digest: String = file.sha256.chars().take(12).collect();
                format!("{} ({digest}…, {} kB)", file.name, file.bytes.div_ceil(1024))
            };
            content.attachments.iter().map(file).collect()
        }
        question => Rules::current().form.fields().find(|field| field.id == question).map_or_else(
            || one(content.answer(question)),
            |field| one(&answer(frame, field, content.answer(question))),
        ),
    }
}

/// An answer in words.
pub(super) fn answer(frame: &Frame, field: &FormField, answer: &str) -> String {
    match field.kind {
        FieldKind::Choice => {
            let option = field.options.iter().find(|option| option.id == answer);
            option.map_or(answer, |option| if frame.is_ja() { &option.ja } else { &option.en }).to_owned()
        }
        FieldKind::Confirm => frame.say(if answer == "yes" { "difference.yes" } else { "difference.no" }),
        FieldKind::Line | FieldKind::Text => answer.to_owned(),
    }
}

fn members(content: &Content) -> Vec<String> {
    let member = |(user, member): (&policies::UserId, &policies::application::Member)| {
        let networks: Vec<_> = member.networks.iter().map(ToString::to_string).collect();
        let place = format!("{} ({}) {}", member.place, member.country, networks.join(" "));
        format!("{user}: {} · {}", member.affiliation, place.trim())
    };
    content.members.iter().map(member).collect()
}

fn datasets(content: &Content) -> Vec<String> {
    let asks = content.datasets.iter().flat_map(|(dataset, ask)| {
        ask.tables.iter().map(move |(table, asked)| {
            let columns: Vec<_> = asked.columns.iter().map(String::as_str).collect();
            format!("{dataset}/{} {table}: {}\n{}", ask.release, columns.join(", "), asked.reason)
        })
    });
    asks.collect()
}

fn rows(content: &Content) -> Vec<String> {
    let row = |filter: &policies::RowFilter| {
        let values: Vec<_> = filter.any_of.iter().map(String::as_str).collect();
        let mut text = format!("{}: {}", filter.column, values.join(", "));
        if filter.from.is_some() || filter.to.is_some() {
            let end = |end: &Option<String>| end.clone().unwrap_or_default();
            text = format!("{text} {} – {}", end(&filter.from), end(&filter.to));
        }
        text
    };
    content.row_filter.iter().map(row).collect()
}
