//! Whose turn it is in streams of events, day by day.

use std::collections::BTreeSet;

use policies::Role;
use policies::application::{
    Actor, ApplicantKind, Condition, Content, DatasetAsk, Decision, Draft, Ethics, Finding, FindingsByCriterion,
    Fulfilment, HolderAnswer, IncidentKind, IncidentReport, Member, Opinion, Period, ReviewerCard, Sitting, TableAsk,
    Training, Vote, Way,
};

use policies::ApplicationId;

use super::*;
use crate::language::Language;
use crate::register::Life;

/// The day of every first event.
pub(crate) const FIRST: Date = jiff::civil::date(2026, 11, 22);

pub(crate) fn day(count: i32) -> Date {
    after(FIRST, count)
}

pub(crate) fn noon(day: Date) -> Timestamp {
    format!("{day}T12:00:00+09:00").parse().unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) fn id(number: u32) -> ApplicationId {
    format!("A-2026-{number:06}").parse().unwrap()
}

pub(crate) fn content(columns: &[&str]) -> Content {
    let ask = TableAsk { columns: columns.iter().map(|&it| it.to_owned()).collect(), reason: "-".to_owned() };
    let ask = DatasetAsk { release: "2026.1".to_owned(), tables: [("ndb.claims".to_owned(), ask)].into() };
    let member = Member {
        affiliation: "University A / Medicine".parse().unwrap(),
        place: "a room".to_owned(),
        country: "JP".to_owned(),
        networks: BTreeSet::new(),
    };
    let ethics = Ethics { board: "board".to_owned(), number: "1".to_owned(), approved_on: FIRST, until: day(200) };
    Content {
        title: "hips".to_owned(),
        applicant_kind: Some(ApplicantKind::University),
        members: [(user("pi"), member)].into(),
        datasets: [("ndb".to_owned(), ask)].into(),
        period: Period::new(FIRST, day(300)),
        ethics: Some(ethics),
        ..Content::default()
    }
}

pub(crate) fn findings() -> FindingsByCriterion {
    let finding = || Finding { fulfilment: Fulfilment::Met, reason: "plain".to_owned() };
    Rules::current().criterion_ids().map(|word| (word.to_owned(), finding())).collect()
}

/// The records of events on these days, by these people.
pub(crate) fn stream(number: u32, events: Vec<(i32, &str, Event)>) -> Vec<EventRecord> {
    let mut records: Vec<EventRecord> = Vec::new();
    for (count, who, event) in events {
        let by = Actor {
            user: user(who),
            affiliation: format!("{who} institute").parse().unwrap(),
            roles: BTreeSet::from([Role::Secretariat]),
            seats: BTreeSet::new(),
            holds: BTreeSet::new(),
        };
        records.push(EventRecord::after(&id(number), records.last(), Draft { at: noon(day(count)), by, event }));
    }
    records
}

fn card(name: &str, seats: &[&str]) -> (UserId, ReviewerCard) {
    let affiliation = format!("{name} institute").parse().unwrap();
    let seats = seats.iter().map(|&seat| seat.to_owned()).collect();
    (user(name), ReviewerCard { affiliation, seats, coauthors: BTreeMap::new() })
}

pub(crate) fn submitted() -> Vec<(i32, &'static str, Event)> {
    vec![(0, "pi", Event::Drafted { content: content(&["sex", "age"]) }), (0, "pi", Event::Submitted {})]
}

/// Accepted on day 5, the reviewers named on day 20; R3 has a conflict.
pub(crate) fn reviewed() -> Vec<(i32, &'static str, Event)> {
    let reviewers = [card("r1", &["patients", "law"]), card("r2", &["security", "epidemiology"]), card("r3", &["law"])];
    let answer = HolderAnswer { consent: None, text: "no objection".to_owned() };
    let none = || Event::InterestDeclared { conflict: None };
    let opinion = || Event::OpinionGiven { opinion: Opinion { findings: findings(), text: String::new() } };
    let mut events = submitted();
    events.extend([
        (5, "office", Event::Accepted { checklist: BTreeSet::new() }),
        (6, "steward", Event::HolderAnswered { request: "H1-ndb".to_owned(), answer }),
        (20, "office", Event::ReviewersAssigned { reviewers: reviewers.into() }),
        (21, "r1", none()),
        (21, "r3", Event::InterestDeclared { conflict: Some("a friend".to_owned()) }),
        (22, "r2", none()),
        (23, "r1", opinion()),
        (24, "r2", opinion()),
    ]);
    events
}

/// Decided on day 30, by two votes.
pub(crate) fn decided(decision: Decision) -> Vec<(i32, &'static str, Event)> {
    let vote = |ballot| Event::VoteCast { vote: Vote { ballot, comment: "only among us".to_owned() } };
    let mut events = reviewed();
    events.extend([
        (25, "office", Event::Scheduled { sitting: Sitting { on: day(30), way: Way::Meeting } }),
        (30, "r1", vote(policies::application::Ballot::For)),
        (30, "r2", vote(policies::application::Ballot::Abstain)),
        (30, "chair", Event::Decided { decision, findings: findings() }),
    ]);
    events
}

fn training() -> Training {
    Training { course: "course".to_owned(), until: day(100), sha256: None }
}

/// In use from day 40; the training holds until day 100, the ethics approval until 200, the period until 300.
pub(crate) fn used() -> Vec<(i32, &'static str, Event)> {
    let training = training();
    let version = Rules::current().pledge.version.clone();
    let mut events = decided(Decision::Granted {});
    events.extend([
        (31, "pi", Event::MemberJoined { training }),
        (32, "pi", Event::PledgeSigned { version }),
        (40, "office", Event::PermitIssued { permit: "P-2026-000001".parse().unwrap() }),
    ]);
    events
}

pub(crate) fn course(events: Vec<(i32, &'static str, Event)>) -> Course {
    let records = stream(1, events);
    let life = Life::of(&records).unwrap();
    Course { state: life.state, asked: asked(&records), since: life.turned }
}

/// Who, what, since and until when, in days from the first.
fn told(events: Vec<(i32, &'static str, Event)>, today: i32) -> Vec<(String, &'static str, i32, Option<i32>)> {
    let count = |date: Date| (date - FIRST).get_days();
    let line = |turn: Turn| {
        let who = match &turn.who {
            Who::Holder(name) => format!("holder {name}"),
            Who::Member(user) | Who::Owner(user) | Who::Reviewer(user) => format!("{} {user}", turn.who.word()),
            Who::Applicant | Who::Chair | Who::Secretariat => turn.who.word().to_owned(),
        };
        (who, turn.task.as_str(), count(turn.since), turn.due.map(count))
    };
    turns(Rules::current(), &course(events), day(today)).into_iter().map(line).collect()
}

fn until(events: Vec<(i32, &'static str, Event)>, last: i32) -> Vec<(i32, &'static str, Event)> {
    events.into_iter().filter(|(count, ..)| *count <= last).collect()
}

fn line(who: &str, task: &'static str, since: i32, due: Option<i32>) -> (String, &'static str, i32, Option<i32>) {
    (who.to_owned(), task, since, due)
}

#[test]
fn each_step_waits_for_whom_the_rules_say() {
    // Who is named and has not accepted is waited for beside the secretariat.
    let mut checked = submitted();
    assert_eq!(
        told(checked.clone(), 3),
        [line("member pi", "join", 0, None), line("secretariat", "check", 0, Some(7))]
    );
    checked.push((2, "pi", Event::MemberJoined { training: training() }));
    assert_eq!(told(checked, 3), [line("secretariat", "check", 0, Some(7))]);
    let accepted = told(until(reviewed(), 5), 5);
    assert_eq!(accepted, [line("holder ndb", "answer-holder", 5, Some(19)), line("secretariat", "assign", 5, None)]);
    // A reviewer's days begin with the request, not with the review.
    let asked = told(until(reviewed(), 20), 20);
    let reviewer = |name: &str, task| line(&format!("reviewer {name}"), task, 20, Some(34));
    let declare = "declare-interest";
    assert_eq!(asked, [reviewer("r1", declare), reviewer("r2", declare), reviewer("r3", declare)]);
    // Whoever has a conflict is not waited for.
    assert_eq!(told(until(reviewed(), 21), 21), [reviewer("r1", "give-opinion"), reviewer("r2", declare)]);
    assert_eq!(told(reviewed(), 24), [line("secretariat", "schedule", 5, None)]);
}

#[test]
fn a_sitting_waits_for_votes_and_then_for_the_chair() {
    // Nobody votes before the meeting; on its day the chair leads it.
    let called = || until(decided(Decision::Granted {}), 25);
    assert_eq!(told(called(), 26), []);
    let votes = [line("reviewer r1", "vote", 30, Some(30)), line("reviewer r2", "vote", 30, Some(30))];
    let chair = line("chair", "decide", 25, Some(30));
    assert_eq!(told(called(), 30), [votes[0].clone(), votes[1].clone(), chair]);
    // By circulation from the call on.
    let mut circulated = reviewed();
    circulated.push((25, "office", Event::Scheduled { sitting: Sitting { on: day(30), way: Way::Circulation } }));
    let votes = [line("reviewer r1", "vote", 25, Some(30)), line("reviewer r2", "vote", 25, Some(30))];
    assert_eq!(told(circulated, 26), votes);
    let over = told(until(decided(Decision::Granted {}), 25), 31);
    assert_eq!(over.last(), Some(&line("chair", "decide", 25, Some(30))));
}

#[test]
fn conditions_come_before_pledges_and_both_before_the_permit() {
    let condition = Condition { text: "-".to_owned(), owner: user("co"), due: day(50), excludes: BTreeSet::new() };
    let with = || decided(Decision::GrantedWithConditions { conditions: vec![condition.clone()] });
    assert_eq!(told(with(), 30), [line("owner co", "report-condition", 30, Some(50))]);
    let mut reported = with();
    reported.push((35, "co", Event::ConditionReported { condition: 1, text: "done".to_owned() }));
    assert_eq!(told(reported, 35), [line("secretariat", "confirm-condition", 30, Some(50))]);
    assert_eq!(told(decided(Decision::Granted {}), 30), [line("member pi", "join", 30, None)]);
    assert_eq!(told(until(used(), 31), 31), [line("member pi", "pledge", 30, None)]);
    assert_eq!(told(until(used(), 32), 32), [line("secretariat", "permit", 30, None)]);
    assert!(told(used(), 50).is_empty());
    let rejected = Decision::Rejected { reason: "no".to_owned() };
    assert!(told(decided(rejected), 50).is_empty());
}

#[test]
fn a_use_waits_when_something_is_open() {
    assert_eq!(told(used(), 101), [line("member pi", "join", 100, None)]);
    let over = told(used(), 301);
    assert_eq!(over.first(), Some(&line("applicant", "close", 300, Some(300))));
    let report = IncidentReport { kind: IncidentKind::Loss, severity: 1, text: "-".to_owned(), noticed_on: day(50) };
    let mut lost = used();
    lost.push((50, "pi", Event::IncidentReported { report }));
    assert_eq!(told(lost, 51), [line("secretariat", "first-report", 50, Some(53))]);
    let mut closed = used();
    closed.push((60, "pi", Event::Closed { report: "erased".to_owned() }));
    // Eighteen months after the closure, see policies/committee.
    let due = Some((day(60).saturating_add(Span::new().months(18)) - FIRST).get_days());
    let certify = line("secretariat", "certify-deletion", 60, None);
    assert_eq!(told(closed.clone(), 61), [certify.clone(), line("applicant", "file-results", 60, due)]);
    closed.push((70, "pi", Event::ResultsFiled { summary: "what came out".to_owned() }));
    assert_eq!(told(closed.clone(), 71), [certify.clone(), line("secretariat", "publish-results", 60, None)]);
    closed.push((80, "office", Event::ResultsPublished { filing: 1 }));
    assert_eq!(told(closed, 81), [certify]);
}

#[test]
fn ends_are_told_from_sixty_days_before_and_after_they_lapsed() {
    let state = course(used()).state;
    let told = |today| {
        let ends = ends(Rules::current(), &state, day(today)).into_iter();
        ends.map(|end| (end.what.word(), end.warning)).collect::<Vec<_>>()
    };
    assert_eq!(told(39), []);
    assert_eq!(told(40), [("training", Some(60))]);
    assert_eq!(told(70), [("training", Some(30))]);
    assert_eq!(told(71), [("training", Some(30))]);
    assert_eq!(told(93), [("training", Some(7))]);
    assert_eq!(told(100), [("training", Some(7))]);
    assert_eq!(told(101), [("training", None)]);
    assert_eq!(told(245), [("training", None), ("ethics", None), ("period", Some(60))]);
}

#[test]
fn every_word_has_its_sentence() {
    let said = |key: String| assert_ne!(Language::Ja.say(&key), key);
    for task in Task::ALL {
        said(format!("board.task.{}", task.as_str()));
    }
    for word in Who::WORDS {
        said(format!("board.who.{word}"));
    }
    for what in ["ethics", "period", "training"] {
        said(format!("board.end.{what}"));
        for part in ["subject", "body"] {
            said(format!("reminder.{what}.{part}"));
            said(format!("reminder.{what}-lapsed.{part}"));
            said(format!("reminder.overdue.{part}"));
        }
    }
    for decision in ["granted", "granted-with-conditions", "deferred", "rejected"] {
        said(format!("letter.intro.{decision}"));
        said(format!("letter.after.{decision}"));
    }
    for class in ["sensitive", "quasi", "key", "unknown"] {
        said(format!("sheet.class.{class}"));
    }
    for scope in ["department", "institution"] {
        said(format!("decisions.scope.{scope}"));
    }
}
