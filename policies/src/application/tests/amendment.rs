//! What is asked to be changed of what runs: the committee's way, the secretariat's lane, and what stays meanwhile.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::running::{members, running, tables};
use super::world::*;
use crate::application::*;
use crate::permit::Permit;

#[test]
fn no_amendment_brings_back_what_a_restriction_or_a_condition_took() {
    let narrowing =
        Narrowing { columns: words(&["ndb.drugs"]), members: BTreeSet::from([user("co")]), ..Narrowing::default() };
    let mut stream = running();
    stream.run(vec![("office", restrict(narrowing))]);
    stream.run([amendment(), vec![("chair", grant()), ("office", record_permit(2))]].concat());
    let permit = stream.permit().unwrap();
    assert_eq!(members(&permit), ["pi"]);
    assert_eq!(
        tables(&permit),
        words(&["ndb.claims.sex", "dpc.stays.days", "person.birth_month", "ltc.certifications.level"])
    );
    assert_eq!(permit.conditions, ["市区町村別の表は作らない"]);
}

#[test]
fn a_restriction_reaches_the_permit_while_an_amendment_waits() {
    let conditions = conclude(Decision::GrantedWithConditions {
        conditions: vec![Condition { text: text("倫理審査の変更"), ..condition(&[]) }],
    });
    let mut stream = Stream::steps([to_permit(), amendment(), vec![("chair", conditions)]].concat());
    let narrowing = Narrowing { columns: words(&["ndb.drugs"]), ..Narrowing::default() };
    stream.run(vec![("office", restrict(narrowing))]);
    assert_eq!(tables(&stream.permit().unwrap()), words(&["ndb.claims.sex", "dpc.stays.days", "person.birth_month"]));
    stream.run(vec![("office", record_permit(2))]);
    assert_eq!(stream.stage(), Stage::AmendmentRequested);
    assert!(stream.state.round.is_some() && stream.state.usage.as_ref().unwrap().content == content());
    let met = Command::ReportCondition { condition: 1, text: text("済") };
    stream.run(vec![("pi", met), ("office", Command::ConfirmCondition { condition: 1 }), ("office", record_permit(3))]);
    let permit = stream.permit().unwrap();
    assert!(tables(&permit).contains("ltc.certifications.level") && !tables(&permit).contains("ndb.drugs.code"));
    assert_eq!(permit.conditions, ["市区町村別の表は作らない", "倫理審査の変更"]);
}

#[test]
fn the_permit_stays_while_an_amendment_is_on_its_way() {
    let mut stream = running();
    let before = stream.permit().unwrap();
    let head = |permit: Permit| Permit { application_head: String::new(), ..permit };
    for step in amendment() {
        stream.run(vec![step]);
        assert_eq!(head(stream.permit().unwrap()), head(before.clone()));
        assert!(stream.state.is_permitted() && stream.stage() == Stage::AmendmentRequested);
    }
    let conditional = Stream::steps(
        [to_permit(), amendment(), vec![("chair", grant_with(&[])), ("pi", Command::Withdraw {})]].concat(),
    );
    assert!(conditional.state.round.is_none() && conditional.stage() == Stage::Active);
    assert_eq!(Stream::steps(to_grant()).refused("pi", Command::Withdraw {}), Refusal::OutOfTurn);
    for end in [("chair", reject()), ("pi", Command::Withdraw {})] {
        let mut stream = Stream::steps([to_permit(), amendment().into_iter().take(14).collect()].concat());
        let votes = if end.0 == "chair" {
            vec![("r1", ballot(Ballot::Against)), ("r2", ballot(Ballot::Against))]
        } else {
            Vec::new()
        };
        stream.run([votes, vec![end]].concat());
        assert_eq!((stream.stage(), stream.state.round.is_none()), (Stage::Active, true));
        assert_eq!(head(stream.permit().unwrap()), head(before.clone()));
    }
    let mut stream = Stream::steps([to_permit(), amendment(), vec![("chair", grant())]].concat());
    assert!(tables(&stream.permit().unwrap()).contains("ltc.certifications.level"));
    stream.run(vec![("office", record_permit(2)), ("pi", Command::Amend { content: content() })]);
    assert_eq!(stream.state.round.as_ref().unwrap().number, 3);
}

fn amended(content: Content) -> Stream {
    let mut stream = running();
    stream.run(vec![("pi", Command::Amend { content }), ("pi", Command::Submit {})]);
    stream
}

#[test]
fn the_secretariat_decides_a_short_extension_and_nothing_else() {
    let period = |from, until| content_with(|content| content.period = Period::new(from, until));
    let both = content_with(|content| {
        content.period = extended().period;
        content.title = text("別の題");
    });
    let more = content_with(|content| {
        content.period = extended().period;
        let tables = &mut content.datasets.get_mut("ndb").unwrap().tables;
        tables.get_mut("ndb.claims").unwrap().columns.insert(text("birth_date"));
    });
    let funded = content_with(|content| drop(content.answers.insert(text("funding"), text("科研費"))));
    let ethics = content_with(|content| content.ethics.as_mut().unwrap().until = date(2033, 3, 31));
    for (name, content, alone) in [
        ("a year", extended(), true),
        ("a day more than a year", period(TODAY, date(2030, 4, 1)), false),
        ("the end of time", period(TODAY, Date::MAX), false),
        ("shorter", period(TODAY, date(2027, 3, 31)), true),
        ("another first day", period(date(2026, 11, 23), date(2029, 3, 31)), false),
        ("funding", funded, true),
        ("ethics", ethics, true),
        ("a title beside it", both, false),
        ("a column beside it", more, false),
        ("a table", widened(), false),
    ] {
        let mut stream = amended(content);
        let decided = stream.act("office", grant());
        assert_eq!(decided, if alone { Ok(()) } else { Err(Refusal::OutOfTurn) }, "{name}");
        if alone {
            stream.run(vec![("office", record_permit(2))]);
            // What the committee asked for still holds.
            let permit = stream.permit().unwrap();
            assert_eq!(permit.conditions, ["市区町村別の表は作らない"], "{name}");
            assert!(!tables(&permit).contains("ndb.claims.municipality"));
            assert_eq!(stream.state.outcomes.last().unwrap().lane, Lane::Secretariat);
        }
    }
}

#[test]
fn the_secretariat_alone_grants_or_rejects_and_without_a_conflict() {
    let mut stream = amended(extended());
    for decision in [
        Decision::Undecided {},
        Decision::Deferred { reason: text("次回") },
        Decision::GrantedWithConditions { conditions: vec![condition(&[])] },
    ] {
        assert_eq!(stream.refused("office", conclude(decision)), Refusal::OutOfTurn);
    }
    assert_eq!(stream.refused("chair", grant()), Refusal::WrongRole);
    let near = Actor { affiliation: "A大学 / 医学部".parse().unwrap(), ..actor("office") };
    assert_eq!(stream.act_as(&near, grant()), Err(Refusal::ConflictOfInterest));
    let before = stream.state.usage.clone();
    stream.run(vec![("office", reject())]);
    assert!(stream.state.round.is_none() && stream.state.usage == before);
    // Handed to the committee after all, it is the committee's.
    let mut stream = amended(extended());
    stream.run(vec![("office", accept())]);
    assert_eq!(stream.refused("office", grant()), Refusal::OutOfTurn);
    stream.run([review(2), votes(), vec![("chair", grant())]].concat());
    assert_eq!(stream.state.outcomes.last().unwrap().lane, Lane::Committee);
}

#[test]
fn a_holder_who_may_refuse_is_asked_again_for_an_extension() {
    let with_registry = |mut content: Content| {
        content.datasets.insert(text("registry"), dataset(&[("registry.cases", &["site"])]));
        content
    };
    let mut steps = to_permit();
    steps[0].1 = Command::Draft { content: with_registry(content()) };
    steps.insert(5, ("registry", answer("H1-registry", Some(true))));
    let mut stream = Stream::steps(steps);
    stream.run(vec![("pi", Command::Amend { content: with_registry(extended()) }), ("pi", Command::Submit {})]);
    assert_eq!(stream.refused("office", grant()), Refusal::OutOfTurn);
    stream.run([vec![("office", accept())], review(2), votes()].concat());
    assert_eq!(stream.refused("chair", grant()), Refusal::HolderNotHeard);
    stream.run(vec![("registry", answer("H2-registry", Some(true))), ("chair", grant())]);
}
