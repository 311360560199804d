//! From a draft to a decision: what each of the steps asks for.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use super::world::*;
use crate::application::*;

#[test]
fn the_whole_way_leads_to_a_permit() {
    let mut stream = Stream::steps(to_pledges());
    assert_eq!(stream.stage(), Stage::Pledged);
    let permit = stream.permit().unwrap();
    assert_eq!(permit.members.len(), 2);
    assert_eq!(permit.expires_at.to_string(), "2029-03-31T15:00:00Z");
    assert_eq!(permit.members.get(&user("co")).unwrap().until.to_string(), "2027-05-22T15:00:00Z");
    assert_eq!(permit.members.get(&user("co")).unwrap().place, "研究室");
    assert_eq!(permit.profile, "ndb-publication-2024");
    assert_eq!(permit.conditions, ["市区町村別の表は作らない"]);
    let claims = permit.datasets.get("ndb").unwrap().tables.get("ndb.claims").unwrap();
    assert_eq!(*claims, words(&["sex"]));
    stream.run(vec![("office", record_permit(1))]);
    assert!(stream.state.is_permitted());
    assert_eq!(stream.stage(), Stage::Active);
    assert!(stream.state.round.is_none());
    assert_eq!(stream.refused("pi", Command::Edit { content: content() }), Refusal::OutOfTurn);
}

#[test]
fn each_stage_of_the_first_way_is_shown() {
    let mut stream = Stream::new();
    let mut stages = vec![stream.stage()];
    for step in to_permit() {
        stream.run(vec![step]);
        if stages.last() != Some(&stream.stage()) {
            stages.push(stream.stage());
        }
    }
    let expected = [
        Stage::Unwritten,
        Stage::Draft,
        Stage::Submitted,
        Stage::UnderReview,
        Stage::MeetingScheduled,
        Stage::GrantedWithConditions,
        Stage::Granted,
        Stage::Pledged,
        Stage::Active,
    ];
    assert_eq!(stages, expected);
}

#[test]
fn a_return_says_why_and_what_was_changed_is_seen() {
    let mut stream = Stream::steps(to_review().into_iter().take(4).collect());
    let comment =
        Command::Comment {
            field: text("funding"), text: text("資金源がありません"), audience: Audience::Applicant
        };
    stream.run(vec![("office", comment), ("office", Command::Return { comment: text("資金源を") })]);
    assert_eq!(stream.stage(), Stage::Returned);
    let corrected = content_with(|content| {
        content.answers.insert(text("funding"), text("科研費"));
    });
    stream.run(vec![("pi", Command::Edit { content: corrected }), ("pi", Command::Submit {})]);
    let round = stream.state.round.as_ref().unwrap();
    assert_eq!(round.before.as_ref().unwrap().changes(&round.content), words(&["funding"]));
    // A dataset that the correction brings has its holder asked.
    stream.run(vec![("office", Command::Return { comment: text("LTC も必要では") })]);
    stream.run(vec![("pi", Command::Edit { content: widened() }), ("pi", Command::Submit {}), ("office", accept())]);
    let holders = &stream.state.round.as_ref().unwrap().holders;
    assert_eq!(holders.keys().map(String::as_str).collect::<Vec<_>>(), ["H1-dpc", "H1-ltc", "H1-ndb"]);
}

/// To the votes, with a dataset of a holder who may refuse.
fn with_registry(consent: Option<bool>) -> Stream {
    let registry = content_with(|content| {
        content.datasets.insert(text("registry"), dataset(&[("registry.cases", &["site"])]));
    });
    let mut steps = to_vote();
    steps[0].1 = Command::Draft { content: registry };
    if let Some(consent) = consent {
        steps.push(("registry", answer("H1-registry", Some(consent))));
    }
    Stream::steps([steps, votes()].concat())
}

#[test]
fn without_consent_nothing_is_granted() {
    for consent in [None, Some(false)] {
        let mut stream = with_registry(consent);
        stream.later(60);
        assert_eq!(stream.refused("chair", grant()), Refusal::HolderNotHeard, "{consent:?}");
        assert_eq!(stream.refused("chair", grant_with(&[])), Refusal::HolderNotHeard);
        assert_eq!(stream.refused("ndb", answer("H1-registry", Some(true))), Refusal::NotTheHolder);
        assert_eq!(
            stream.refused("registry", answer("H1-registry", None)),
            consent.map_or(Refusal::NotAsked, |_| Refusal::AlreadyAnswered)
        );
    }
    let mut stream = with_registry(Some(true));
    stream.run(vec![("chair", grant())]);
    // A consent is signed by who gives it.
    let (place, record) =
        stream.records.iter().enumerate().find(|(_, record)| record.by.user == user("registry")).unwrap();
    let mut unsigned = stream.records[..=place].to_vec();
    unsigned[place] = EventRecord { signature: None, ..record.clone() };
    assert!(matches!(Application::verify(&unsigned, &*KEYRING), Err(StreamError::Unsigned { .. })));
}

#[test]
fn an_opinion_may_be_missing_once_its_days_are_over() {
    let steps: Vec<Step> = [to_vote(), votes()].concat();
    let silent = steps.into_iter().filter(|(who, _)| *who != "dpc").collect();
    let mut stream = Stream::steps(silent);
    assert_eq!(stream.refused("chair", grant()), Refusal::HolderNotHeard);
    stream.later(14);
    assert_eq!(stream.refused("chair", grant()), Refusal::HolderNotHeard);
    stream.later(1);
    stream.run(vec![("chair", grant())]);
}

/// A review by reviewers with these cards; nothing is declared yet.
fn reviewed_by(cards: Vec<(&str, ReviewerCard)>) -> Stream {
    let mut stream = Stream::steps(to_review());
    let reviewers = cards.into_iter().map(|(name, card)| (user(name), card)).collect();
    stream.run(vec![("office", Command::AssignReviewers { reviewers })]);
    stream
}

#[test]
fn conflicts_are_found_by_department_institution_and_papers() {
    let rules = Rules::current();
    let institution = Rules {
        conflict: rules::ConflictRules { scope: rules::ConflictScope::Institution, ..rules.conflict },
        ..rules.clone()
    };
    let wrote = |year| ReviewerCard { coauthors: BTreeMap::from([(user("co"), year)]), ..card("r1") };
    for (name, card, by_department, by_institution) in [
        ("r3", card("r3"), true, true),
        ("near", card("near"), false, true),
        ("near", ReviewerCard { affiliation: "A大学".parse().unwrap(), ..card("near") }, true, true),
        ("r1", card("r1"), false, false),
        ("r1", wrote(2021), true, true),
        ("r1", wrote(2020), false, false),
        ("r1", wrote(i16::MAX), true, true),
        ("r1", wrote(i16::MIN), false, false),
    ] {
        let stream = reviewed_by(vec![(name, card)]);
        assert_eq!(stream.state.is_conflicted(rules, &user(name), TODAY), by_department, "{name}");
        assert_eq!(stream.state.is_conflicted(&institution, &user(name), TODAY), by_institution, "{name}");
        assert!(!stream.state.is_conflicted(rules, &user("outsider"), TODAY));
        // The ends of the calendar are days like others.
        for day in [Date::MIN, Date::MAX] {
            stream.state.is_conflicted(rules, &user(name), day);
        }
    }
}

#[test]
fn a_conflict_is_found_whatever_the_papers_say() {
    // The card names another institution, the account at the time of the act does not.
    let elsewhere = ReviewerCard { affiliation: "Z大学 / 法学部".parse().unwrap(), ..card("r3") };
    let mut stream = reviewed_by(vec![("r3", elsewhere)]);
    assert_eq!(stream.refused("r3", no_conflict()), Refusal::ConflictOfInterest);
    // The content names another institution for a member, whose account does not.
    let hidden = content_with(|content| {
        let members = content.members.values_mut();
        members.for_each(|member| member.affiliation = "Z大学 / 法学部".parse().unwrap());
    });
    let mut steps = to_review();
    steps[0].1 = Command::Draft { content: hidden };
    let mut stream = Stream::steps([steps, vec![("office", assign(&["r3"]))]].concat());
    assert_eq!(stream.refused("r3", no_conflict()), Refusal::ConflictOfInterest);
    // The applicant writes for others, and is no member.
    let for_others = content_with(|content| {
        content.members.remove(&user("pi"));
    });
    let mut steps = to_review();
    steps.remove(2);
    steps[0].1 = Command::Draft { content: for_others };
    let mut stream = Stream::steps([steps, vec![("office", assign(&["r3"]))]].concat());
    assert_eq!(stream.refused("r3", no_conflict()), Refusal::ConflictOfInterest);
    assert_eq!(stream.refused("office", assign(&["pi"])), Refusal::OwnApplication);
}

#[test]
fn a_conflict_stays_when_the_reviewers_are_named_again() {
    let mut stream = Stream::steps(to_vote().into_iter().take(14).collect());
    stream.run(vec![("r1", conflict()), ("office", assign(&["r2"])), ("office", assign(&["r1", "r2", "r3", "chair"]))]);
    let rules = Rules::current();
    for (name, conflicted) in [("r1", true), ("r2", false), ("r3", true), ("chair", false)] {
        assert_eq!(stream.state.is_conflicted(rules, &user(name), TODAY), conflicted, "{name}");
        if conflicted {
            assert_eq!(stream.refused(name, no_conflict()), Refusal::ConflictOfInterest);
            assert_eq!(stream.refused(name, opinion()), Refusal::ConflictOfInterest);
        }
    }
    // The opinion of r1 went with the conflict; that of r2, who was named throughout, stands.
    assert_eq!(stream.state.round.as_ref().unwrap().opinions.keys().collect::<Vec<_>>(), [&user("r2")]);
}

#[test]
fn a_conflict_found_late_takes_vote_and_opinion_away() {
    let mut stream = Stream::steps([to_vote(), votes(), vec![("r2", conflict())]].concat());
    let tally = stream.state.tally(Rules::current(), TODAY);
    assert_eq!((tally.approvals, tally.votes(), tally.missing), (1, 1, 0));
    assert_eq!(stream.refused("chair", grant()), Refusal::NoQuorum);
    stream.run(vec![("chair", conclude(Decision::Undecided {}))]);
    assert_eq!(stream.stage(), Stage::UnderReview);
}

#[test]
fn a_conflicted_chair_neither_schedules_nor_decides() {
    let mut stream = Stream::steps([to_vote(), votes(), vec![("chair", conflict())]].concat());
    for command in
        [grant(), reject(), conclude(Decision::Undecided {}), conclude(Decision::Deferred { reason: text("次回") })]
    {
        assert_eq!(stream.refused("chair", command), Refusal::ConflictOfInterest);
    }
    let mut stream = Stream::steps(to_vote().into_iter().take(14).collect());
    stream.run(vec![("chair", conflict())]);
    assert_eq!(stream.refused("chair", schedule(Way::Meeting, TODAY)), Refusal::ConflictOfInterest);
    assert_eq!(stream.refused("chair", no_conflict()), Refusal::ConflictOfInterest);
}

#[test]
fn opinions_are_hidden_until_all_are_in() {
    let mut stream = Stream::steps(to_vote().into_iter().take(12).collect());
    let are_in = |stream: &Stream| stream.state.are_opinions_in(Rules::current(), TODAY);
    assert!(!are_in(&stream));
    stream.run(vec![("r1", opinion())]);
    assert!(!are_in(&stream));
    stream.run(vec![("r2", opinion())]);
    assert!(are_in(&stream));
}

/// Votes by r1 and r2, then the chair's decisions that are refused and the one that is not.
fn voted(first: Ballot, second: Ballot) -> Stream {
    Stream::steps([to_vote(), vec![("r1", ballot(first)), ("r2", ballot(second))]].concat())
}

#[test]
fn votes_carry_what_they_carry() {
    use Ballot::{Abstain, Against, For};
    let undecided = || conclude(Decision::Undecided {});
    for (first, second, granted, rejected, without) in [
        (For, For, Ok(()), Err(Refusal::NotByMajority), Err(Refusal::NotByMajority)),
        (Against, Against, Err(Refusal::NotByMajority), Ok(()), Err(Refusal::NotByMajority)),
        // A tie is the chair's.
        (For, Against, Ok(()), Ok(()), Err(Refusal::NotByMajority)),
        (Against, For, Ok(()), Ok(()), Err(Refusal::NotByMajority)),
        // Who abstains is present and does not count.
        (For, Abstain, Err(Refusal::NoQuorum), Err(Refusal::NoQuorum), Ok(())),
        (Abstain, Abstain, Err(Refusal::NoQuorum), Err(Refusal::NoQuorum), Ok(())),
    ] {
        assert_eq!(voted(first, second).act("chair", grant()), granted, "{first:?} {second:?}");
        assert_eq!(voted(first, second).act("chair", reject()), rejected, "{first:?} {second:?}");
        assert_eq!(voted(first, second).act("chair", undecided()), without, "{first:?} {second:?}");
    }
    let rules = Rules::current();
    let without_cast = Rules { vote: rules::VoteRules { casting_vote: false, ..rules.vote.clone() }, ..rules.clone() };
    assert_eq!(rules.is_majority(1, 2), Majority::Tie);
    assert_eq!(without_cast.is_majority(1, 2), Majority::Against);
    assert_eq!(rules.is_majority(0, 0), Majority::Against);
}

#[test]
fn a_seat_that_does_not_vote_is_missing() {
    let four = assign(&["r1", "r2", "near", "chair"]);
    let mut steps = to_vote();
    steps[7].1 = four;
    steps[11] = ("near", no_conflict());
    let mut stream = Stream::steps(steps);
    stream.run(vec![("r1", ballot(Ballot::For)), ("near", ballot(Ballot::For))]);
    // Two votes, but security and epidemiology are held by nobody who voted.
    assert_eq!(stream.refused("chair", grant()), Refusal::SeatMissing);
    stream.run(vec![("r2", ballot(Ballot::Abstain)), ("chair", grant())]);
}

#[test]
fn no_decision_leads_to_a_new_vote() {
    let mut stream = Stream::steps([to_vote(), vec![("r1", ballot(Ballot::Against))]].concat());
    stream.run(vec![("chair", conclude(Decision::Undecided {})), ("chair", schedule(Way::Meeting, TODAY))]);
    assert!(stream.state.round.as_ref().unwrap().votes.is_empty());
    stream.run([votes(), vec![("chair", conclude(Decision::Deferred { reason: text("資料を") }))]].concat());
    assert_eq!(stream.stage(), Stage::Deferred);
    stream.run(vec![("office", schedule(Way::Meeting, TODAY))]);
    stream.run([votes(), vec![("chair", grant())]].concat());
    let decisions: Vec<_> = stream.state.outcomes.iter().map(|outcome| outcome.decision.as_str()).collect();
    assert_eq!(decisions, ["no-decision", "deferred", "granted"]);
}

#[test]
fn a_circulation_needs_every_vote_by_its_day() {
    let last = date(2026, 11, 29);
    let mut steps = to_vote();
    steps.pop();
    let mut stream = Stream::steps([steps, vec![("office", schedule(Way::Circulation, last))]].concat());
    stream.run(vec![("r1", ballot(Ballot::For))]);
    assert_eq!(stream.refused("chair", grant()), Refusal::NoQuorum);
    stream.on(date(2026, 11, 30));
    assert_eq!(stream.refused("r2", ballot(Ballot::For)), Refusal::DateInThePast);
    stream.on(last);
    stream.run(vec![("r2", ballot(Ballot::For)), ("chair", grant())]);
}

#[test]
fn urgent_review_is_for_public_bodies_and_told_to_the_next_meeting() {
    let urgent = |kind| {
        content_with(|content| {
            content.urgent = true;
            content.applicant_kind = Some(kind);
        })
    };
    let mut stream = Stream::new();
    stream.run(vec![("pi", Command::Draft { content: urgent(ApplicantKind::Company) })]);
    let refusal = stream.refused("pi", Command::Submit {});
    assert_eq!(refusal.problems(), [Problem::new("urgent", ProblemKind::NotAllowed)]);
    let mut steps = to_vote();
    steps[0].1 = Command::Draft { content: urgent(ApplicantKind::PublicBody) };
    steps.pop();
    steps.push(("office", schedule(Way::Circulation, date(2026, 11, 25))));
    let mut stream = Stream::steps([steps, votes(), vec![("chair", grant())]].concat());
    let outcome = stream.state.outcomes.last().unwrap();
    assert!(outcome.lane == Lane::Urgent && outcome.is_to_be_reported());
    let report = |on| Command::ReportToMeeting { on };
    stream.later(20);
    // Neither before it was decided nor in the future.
    assert_eq!(stream.refused("office", report(date(2026, 11, 21))), Refusal::OutOfTurn);
    assert_eq!(stream.refused("office", report(date(2026, 12, 13))), Refusal::OutOfTurn);
    stream.run(vec![("office", report(date(2026, 12, 12)))]);
    assert!(!stream.state.outcomes.iter().any(Outcome::is_to_be_reported));
    assert_eq!(stream.refused("office", report(date(2026, 12, 12))), Refusal::OutOfTurn);
}

#[test]
fn who_holds_every_role_still_does_not_judge_the_own_application() {
    let mut steps = to_review();
    steps[0].1 = Command::Draft {
        content: content_with(|content| {
            let member = content.members.get(&user("co")).unwrap().clone();
            content.members.insert(user("all"), member);
        }),
    };
    steps.insert(1, ("all", join(Date::MAX)));
    let mut stream = Stream::steps(steps);
    for command in [answer("H1-ndb", None), assign(&["r1"]), accept()] {
        assert!(matches!(stream.refused("all", command), Refusal::OwnApplication | Refusal::OutOfTurn));
    }
    stream.run(review(1).into_iter().skip(2).collect());
    assert_eq!(stream.refused("all", no_conflict()), Refusal::ConflictOfInterest);
    for command in [grant(), reject()] {
        assert_eq!(stream.refused("all", command), Refusal::OwnApplication);
    }
    assert_eq!(stream.refused("all", ballot(Ballot::For)), Refusal::NotAssigned);
}
