//! The day of a meeting, drafts that were never handed in, and members who have to accept.

use jiff::civil::{Date, date};

use super::world::*;
use crate::application::*;

#[test]
fn a_meeting_votes_and_decides_on_its_day() {
    let mut steps = to_vote();
    steps.pop();
    let mut stream = Stream::steps([steps, vec![("office", schedule(Way::Meeting, date(2026, 12, 1)))]].concat());
    stream.later(8);
    assert_eq!(stream.refused("r1", ballot(Ballot::For)), Refusal::TooEarly);
    for command in [grant(), reject(), conclude(Decision::Undecided {})] {
        assert_eq!(stream.refused("chair", command), Refusal::TooEarly);
    }
    // Half past midnight in Japan is the day before elsewhere.
    stream.now = "2026-11-30T15:30:00Z".parse().unwrap();
    stream.run([votes(), vec![("chair", grant())]].concat());
    assert_eq!(stream.stage(), Stage::Granted);
}

#[test]
fn a_meeting_that_cannot_be_held_is_put_off_and_called_again() {
    let mut steps = to_vote();
    steps.pop();
    let mut stream = Stream::steps([steps, vec![("office", schedule(Way::Meeting, date(2026, 12, 1)))]].concat());
    let put_off = conclude(Decision::Deferred { reason: text("定足数に足りない見込み") });
    stream.run(vec![("chair", put_off), ("office", schedule(Way::Meeting, TODAY))]);
    stream.run([votes(), vec![("chair", grant())]].concat());
}

#[test]
fn a_draft_that_was_never_handed_in_stays_private_when_it_is_withdrawn() {
    let mut stream = Stream::steps(to_review().into_iter().take(3).collect());
    assert!(stream.state.is_private());
    stream.run(vec![("pi", Command::Withdraw {})]);
    assert!(stream.state.is_private() && stream.stage() == Stage::Withdrawn);
    let comment = Command::Comment { field: String::new(), text: text("?"), audience: Audience::Internal };
    assert_eq!(stream.refused("office", comment), Refusal::OutOfTurn);
    // What was handed in was read, and stays readable.
    let mut stream = Stream::steps(to_review().into_iter().take(4).collect());
    assert!(!stream.state.is_private());
    stream.run(vec![("pi", Command::Withdraw {})]);
    assert!(!stream.state.is_private());
}

#[test]
fn nobody_is_named_to_the_committee_who_did_not_accept() {
    let mut stream = Stream::new();
    stream.run(vec![
        ("pi", Command::Draft { content: content() }),
        ("pi", Command::Submit {}),
        ("pi", join(Date::MAX)),
    ]);
    assert_eq!(stream.refused("office", accept()), Refusal::MembersNotJoined);
    // The secretariat sends it back, and the applicant takes the name out.
    let alone = content_with(|content| drop(content.members.remove(&user("co"))));
    stream.run(vec![
        ("office", Command::Return { comment: text("承諾がありません") }),
        ("pi", Command::Edit { content: alone }),
        ("pi", Command::Submit {}),
        ("office", accept()),
    ]);
    // An amendment's new member is asked as well.
    let more = content_with(|content| {
        let member = content.members.get(&user("co")).unwrap().clone();
        content.members.insert(user("outsider"), member);
    });
    let mut stream = Stream::steps(to_permit());
    stream.run(vec![("pi", Command::Amend { content: more }), ("pi", Command::Submit {})]);
    assert_eq!(stream.refused("office", accept()), Refusal::MembersNotJoined);
    stream.run(vec![("outsider", join(Date::MAX)), ("office", accept())]);
}
