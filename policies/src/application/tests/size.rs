//! However much is written, the office can still narrow, stop and end.

use super::world::*;
use crate::application::*;

/// As long as a content may be.
fn long(shells: usize) -> Content {
    let shell = |number: usize| Shell {
        title: number.to_string(),
        sql: "x".repeat(20_000),
        columns: Vec::new(),
        tried: String::new(),
    };
    content_with(|content| content.shells = (0..shells).map(shell).collect())
}

#[test]
fn what_is_written_again_and_again_leaves_place_for_what_stops_a_use() {
    let mut stream = Stream::steps(to_permit());
    stream.run(vec![("pi", Command::Amend { content: long(25) })]);
    let mut edits = 0;
    while stream.act("pi", Command::Edit { content: long(24 + edits % 2) }).is_ok() {
        edits += 1;
        assert!(edits < 100);
    }
    assert!(edits > 40, "{edits}");
    assert_eq!(stream.refused("pi", Command::Edit { content: long(25) }), Refusal::StreamFull);
    let comment = || Command::Comment { field: text(""), text: "長".repeat(10_000), audience: Audience::Applicant };
    while stream.act("co", comment()).is_ok() {}
    assert_eq!(stream.refused("co", comment()), Refusal::StreamFull);
    let Command::ReportIncident { mut report } = incident() else { panic!("another command") };
    report.text = "長".repeat(10_000);
    assert_eq!(stream.refused("co", Command::ReportIncident { report }), Refusal::StreamFull);
    stream.run(vec![("office", incident()), ("office", comment()), ("pi", Command::Withdraw {})]);
    while stream.act("office", comment()).is_ok() {}
    assert_eq!(stream.refused("office", comment()), Refusal::StreamFull);
    let narrowing = Narrowing { limits: vec!["長".repeat(10_000)], ..Narrowing::default() };
    stream.run(vec![
        ("office", restrict(narrowing)),
        ("chair", Command::Suspend { reason: text("調査") }),
        ("office", Command::Resume { reason: text("済") }),
        ("office", record_permit(2)),
        ("pi", Command::Close { report: text("消去した") }),
    ]);
    let written: usize = stream.records.iter().map(|record| serde_json::to_vec(record).unwrap().len()).sum();
    assert!(written <= stream.state.bytes && stream.state.bytes <= STREAM_MAX);
}

#[test]
fn a_content_has_an_end() {
    let refused = Stream::new().refused("pi", Command::Draft { content: long(30) });
    assert_eq!(refused, Refusal::Incomplete(vec![Problem::new("shells", ProblemKind::TooLong)]));
}
