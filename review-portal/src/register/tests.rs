//! The register against streams of events.

use std::collections::BTreeSet;

use policies::Role;
use policies::application::{Actor, Content, Draft};

use super::*;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap()
}

/// The records of events on these days.
fn stream(number: u32, events: &[(i64, Event)]) -> Vec<EventRecord> {
    let id: ApplicationId = format!("A-2026-{number:06}").parse().unwrap();
    let by = Actor {
        user: "office".parse().unwrap(),
        roles: BTreeSet::from([Role::Secretariat]),
        organisation: "Ministry".parse().unwrap(),
    };
    let mut records: Vec<EventRecord> = Vec::new();
    for (day, event) in events {
        let draft = Draft { at: at(*day), by: by.clone(), event: event.clone() };
        let next = EventRecord::after(&id, records.last(), draft);
        records.push(next);
    }
    records
}

fn register_of(streams: &[Vec<EventRecord>], now: Timestamp) -> PublicRegister {
    let lives: Vec<_> = streams.iter().filter_map(|records| Life::of(records)).collect();
    of(&lives, now)
}

fn drafted(title: &str) -> Event {
    let members = [("pi", "University B"), ("co", "University A"), ("li", "University A")];
    let members = members.map(|(user, at)| (user.parse().unwrap(), at.parse().unwrap()));
    let content = Content {
        title: title.to_owned(),
        purpose: "not for the public".to_owned(),
        members: members.into(),
        ..Content::default()
    };
    Event::Drafted { applicant: "pi".parse().unwrap(), content }
}

fn granted(number: u32, first: i64, permit: i64) -> Vec<EventRecord> {
    let decision = Decision::GrantedWithConditions { conditions: "no municipalities".to_owned() };
    stream(
        number,
        &[
            (first, drafted("granted")),
            (first + 1, Event::Submitted {}),
            (first + 3, Event::Returned { comment: "funding".to_owned() }),
            (first + 10, Event::Submitted {}),
            (first + 11, Event::Accepted {}),
            (first + 15, Event::VotingOpened {}),
            (first + 20, Event::Decided { decision }),
            (permit, Event::PermitIssued { permit: "P-2026-000001".parse().unwrap() }),
        ],
    )
}

fn refused(number: u32) -> Vec<EventRecord> {
    let decision = Decision::Rejected { reason: "an advertisement".to_owned() };
    stream(
        number,
        &[
            (0, drafted("refused")),
            (1, Event::Submitted {}),
            (2, Event::Accepted {}),
            (3, Event::VotingOpened {}),
            (4, Event::Decided { decision: Decision::Deferred { reason: "later".to_owned() } }),
            (8, Event::VotingOpened {}),
            (9, Event::Decided { decision }),
        ],
    )
}

#[test]
fn drafts_and_what_is_under_review_are_not_public() {
    let streams = [
        stream(1, &[(0, drafted("draft"))]),
        stream(2, &[(0, drafted("handed in")), (1, Event::Submitted {})]),
        stream(3, &[(0, drafted("taken back")), (1, Event::Submitted {}), (2, Event::Withdrawn {})]),
        Vec::new(),
    ];
    let register = register_of(&streams, at(5));
    let shown = format!("{:?}{:?}{:?}", register.projects, register.refusals, register.incidents);
    assert_eq!(shown, "[][][]");
    let figures = register.figures;
    assert_eq!((figures.handed_in, figures.under_way, figures.granted, figures.refused), (2, 1, 0, 0));
    // The step in which it was taken back lies behind it; the one it is in does not.
    assert_eq!(figures.steps.iter().map(|step| step.applications).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_grant_shows_its_institutions_once_and_no_person() {
    let register = register_of(&[granted(1, 0, 30)], at(40));
    let project = register.projects.first().unwrap();
    assert_eq!(project.institutions, ["University A", "University B"]);
    assert_eq!((project.state, project.since), (ProjectState::Running, at(30)));
    assert_eq!(project.conditions.as_deref(), Some("no municipalities"));
    let shown = format!("{register:?}");
    for secret in ["\"pi\"", "\"co\"", "not for the public"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn a_revocation_stays_public_after_the_use_was_closed() {
    let mut events = granted(1, 0, 30).into_iter().map(|record| (0, record.event)).collect::<Vec<_>>();
    events.push((50, Event::Revoked { reason: "used for something else".to_owned() }));
    let revoked = register_of(&[stream(1, &events)], at(60));
    assert_eq!(revoked.projects.first().unwrap().state, ProjectState::Revoked);
    events.push((55, Event::Closed { report: "erased".to_owned() }));
    let closed = register_of(&[stream(1, &events)], at(60));
    assert_eq!(closed.projects.first().unwrap().state, ProjectState::Closed);
    for register in [revoked, closed] {
        let incident = register.incidents.first().unwrap();
        assert_eq!((incident.reason.as_str(), incident.at), ("used for something else", at(50)));
    }
}

#[test]
fn a_refusal_shows_the_last_reason_and_nobody() {
    let register = register_of(&[refused(1)], at(10));
    let refusal = register.refusals.first().unwrap();
    assert_eq!((refusal.reason.as_str(), refusal.at), ("an advertisement", at(9)));
    assert!(register.projects.is_empty());
    assert!(!format!("{register:?}").contains("University"));
}

#[test]
fn repeated_steps_add_up_and_of_two_the_median_is_between() {
    let register = register_of(&[granted(1, 0, 30), refused(2), granted(3, 0, 25)], at(40));
    let steps: Vec<_> =
        register.figures.steps.iter().map(|it| (it.step, it.applications, it.median, it.longest)).collect();
    assert_eq!(
        steps,
        [(Step::Check, 3, 3, 3), (Step::Review, 3, 4, 4), (Step::Vote, 3, 5, 6), (Step::Pledge, 2, 8, 10),]
    );
    let figures = register.figures;
    assert_eq!((figures.handed_in, figures.granted, figures.refused, figures.under_way), (3, 2, 1, 0));
    let days: Vec<_> = register.projects.iter().map(|project| project.since).collect();
    assert_eq!(days, [at(30), at(25)], "the latest change first");
}
