//! What keeps a content from being submitted, and what not even a draft may hold.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::world::*;
use crate::application::*;
use crate::permit::{Grade, RowFilter, Tier};

#[test]
fn what_is_missing_is_named_and_kept_in_the_draft() {
    use ProblemKind::{Missing, NotAllowed, Past, TooLong};
    use content_with as with;
    let problem = |field: &str, kind| Problem::new(field, kind);
    let member = |content: &mut Content, change: fn(&mut Member)| change(content.members.get_mut(&user("co")).unwrap());
    for (content, expected) in [
        (with(|content| content.title = text("　")), problem("title", Missing)),
        (with(|content| content.project = None), problem("project", Missing)),
        (with(|content| content.applicant_kind = None), problem("applicant-kind", Missing)),
        (with(|content| content.members.clear()), problem("members", Missing)),
        (with(|content| member(content, |member| member.place = text(""))), problem("members", Missing)),
        (with(|content| member(content, |member| member.country = text("US"))), problem("country", NotAllowed)),
        (with(|content| member(content, |member| member.country = text("jp"))), problem("country", NotAllowed)),
        (with(|content| content.datasets.clear()), problem("datasets", Missing)),
        (with(|content| content.datasets.get_mut("ndb").unwrap().tables.clear()), problem("datasets", Missing)),
        (
            with(|content| drop(content.datasets.insert(text("ltc"), dataset(&[("ltc.x", &[])])))),
            problem("datasets", Missing),
        ),
        (with(|content| content.datasets.get_mut("ndb").unwrap().release.clear()), problem("datasets", Missing)),
        (
            with(|content| {
                content.datasets.get_mut("dpc").unwrap().tables.values_mut().for_each(|ask| ask.reason.clear());
            }),
            problem("reasons", Missing),
        ),
        (with(|content| content.profile = text("none")), problem("profile", Missing)),
        (with(|content| content.period = None), problem("period", Missing)),
        (
            with(|content| content.period = Some(Period { from: date(2027, 1, 2), until: date(2027, 1, 1) })),
            problem("period", NotAllowed),
        ),
        (with(|content| content.period = Period::new(date(2020, 1, 1), date(2026, 11, 21))), problem("period", Past)),
        (with(|content| content.ethics = None), problem("ethics", Missing)),
        (with(|content| content.ethics.as_mut().unwrap().until = date(2026, 11, 21)), problem("ethics", Past)),
        (with(|content| content.ethics.as_mut().unwrap().approved_on = Date::MAX), problem("ethics", NotAllowed)),
        (with(|content| content.shells[0].sql.clear()), problem("shells", Missing)),
        (with(|content| content.urgent = true), problem("urgent", NotAllowed)),
        (with(|content| drop(content.answers.remove("benefit"))), problem("benefit", Missing)),
        (
            with(|content| drop(content.answers.insert(text("no-advertising"), text("no")))),
            problem("no-advertising", Missing),
        ),
        (with(|content| drop(content.answers.insert(text("summary"), "あ".repeat(401)))), problem("summary", TooLong)),
    ] {
        let mut stream = Stream::new();
        stream.run(vec![("pi", Command::Draft { content })]);
        assert_eq!(stream.refused("pi", Command::Submit {}).problems(), [expected]);
    }
    let mut stream = Stream::new();
    stream.run(vec![("pi", Command::Draft { content: Content::default() })]);
    let refusal = stream.refused("pi", Command::Submit {});
    assert!(refusal.problems().len() > 12);
    assert_eq!(refusal.ja().matches('」').count(), refusal.problems().len());
}

fn long() -> String {
    "あ".repeat(3_500_000)
}

fn many(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|number| number.to_string())
}

fn ask(tables: u32) -> DatasetAsk {
    let table = TableAsk { columns: words(&["a"]), reason: text("要") };
    DatasetAsk { release: text("2026.1"), tables: many(tables).map(|name| (name, table.clone())).collect() }
}

type Change = Box<dyn Fn(&mut Content)>;

fn filter(column: &str) -> RowFilter {
    RowFilter { column: text(column), any_of: BTreeSet::new(), from: Some(text("202401")), to: None }
}

#[test]
fn ten_megabytes_are_no_draft() {
    let filtered = |change: &dyn Fn(&mut Content)| {
        content_with(|content| {
            content.row_filter = vec![filter("month")];
            change(content);
        })
    };
    let changes: Vec<Change> = vec![
        Box::new(move |content| content.title = long()),
        Box::new(move |content| content.profile = long()),
        Box::new(move |content| drop(content.answers.insert(text("purpose"), long()))),
        Box::new(move |content| drop(content.answers.insert(long(), text("x")))),
        Box::new(move |content| content.answers.extend(many(101).map(|word| (word, text("x"))))),
        Box::new(move |content| content.members.values_mut().for_each(|member| member.place = long())),
        Box::new(move |content| content.members.values_mut().for_each(|member| member.country = long())),
        Box::new(move |content| content.ethics.as_mut().unwrap().board = long()),
        Box::new(move |content| content.ethics.as_mut().unwrap().number = long()),
        Box::new(move |content| content.shells[0].title = long()),
        Box::new(move |content| content.shells[0].sql = long()),
        Box::new(move |content| content.shells[0].columns.push(long())),
        Box::new(move |content| content.row_filter = vec![filter(&long())]),
        Box::new(move |content| content.row_filter[0].any_of.extend(many(501))),
        Box::new(move |content| content.row_filter = vec![filter("month"); 51]),
        Box::new(move |content| content.shells = vec![content.shells[0].clone(); 51]),
        Box::new(move |content| drop(content.datasets.insert(long(), dataset(&[])))),
        Box::new(move |content| content.datasets.get_mut("ndb").unwrap().release = long()),
        Box::new(move |content| {
            drop(content.datasets.get_mut("ndb").unwrap().tables.insert(long(), TableAsk::default()));
        }),
        Box::new(move |content| drop(content.datasets.insert(text("ltc"), dataset(&[("t", &[&long()])])))),
        Box::new(move |content| content.datasets.extend(many(51).map(|name| (name, dataset(&[]))))),
        Box::new(move |content| drop(content.datasets.insert(text("ltc"), ask(501)))),
        Box::new(move |content| content.attachments = vec![Attachment { sha256: text("0"), name: long(), bytes: 1 }]),
        Box::new(move |content| content.attachments = vec![Attachment { sha256: long(), name: text("a"), bytes: 1 }]),
        Box::new(move |content| {
            content.attachments = vec![Attachment { sha256: text("0"), name: text("a"), bytes: 1 }; 21];
        }),
    ];
    for (place, change) in changes.iter().enumerate() {
        let content = filtered(change);
        let mut stream = Stream::new();
        let drafted = stream.refused("pi", Command::Draft { content: content.clone() });
        assert!(drafted.problems().iter().all(|problem| problem.kind == ProblemKind::TooLong), "{place}");
        stream.run(vec![("pi", Command::Draft { content: Content::default() })]);
        assert!(!stream.refused("pi", Command::Edit { content }).problems().is_empty(), "{place}");
    }
}

/// A part's word, and a change of it.
type Part = (&'static str, fn(&mut Content));

#[test]
fn every_part_that_differs_is_named() {
    let changes: [Part; 16] = [
        ("project", |content| content.project = None),
        ("title", |content| content.title.push('x')),
        ("applicant-kind", |content| content.applicant_kind = None),
        ("urgent", |content| content.urgent = true),
        ("members", |content| content.members.clear()),
        ("datasets", |content| content.datasets.clear()),
        ("tier", |content| content.tier = Tier::Anonymized),
        ("profile", |content| content.profile.clear()),
        ("grade", |content| content.grade = Grade::Preview),
        ("period", |content| content.period = None),
        ("ethics", |content| content.ethics = None),
        ("shells", |content| content.shells.clear()),
        ("attachments", |content| {
            content.attachments.push(Attachment { sha256: text("0"), name: text("a"), bytes: 1 });
        }),
        ("rows", |content| content.row_filter = vec![filter("month")]),
        ("purpose", |content| drop(content.answers.remove("purpose"))),
        ("invented", |content| drop(content.answers.insert(text("invented"), text("x")))),
    ];
    for (part, change) in changes {
        assert_eq!(content_with(change).changes(&content()), words(&[part]), "{part}");
    }
    // A part that was forgotten here would pass the secretariat's lane unseen.
    let written = serde_json::to_value(content()).unwrap();
    let fields: BTreeSet<_> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields.len(), 15, "{fields:?}: name the new part in `Content::changes`");
}

#[test]
fn a_shell_whose_query_changed_does_not_pass_for_tried() {
    let mut shell = content().shells.remove(0);
    assert_eq!(shell.trial(), Trial::Current);
    shell.sql.push_str(" order by sex");
    assert_eq!(shell.trial(), Trial::Changed);
    shell.columns.clear();
    assert_eq!(shell.trial(), Trial::Never);
    // None of it keeps anybody from submitting.
    let untried = content_with(|content| content.shells[0].columns.clear());
    assert!(untried.problems(Rules::current(), TODAY).is_empty());
}
