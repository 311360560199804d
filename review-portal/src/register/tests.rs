//! The register against streams of events.

use std::collections::BTreeSet;

use policies::Role;
use policies::application::{
    Actor, Certificate, Condition, Content, Decision, Draft, Event, EventRecord, FindingsByCriterion, IncidentKind,
    IncidentReport, IncidentStep, Member, Rules, Sitting, Training, Way,
};

use super::*;
use crate::application::model::Model;
use crate::database::tests::opened;
use crate::dates;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap()
}

fn day(day: i64) -> jiff::civil::Date {
    dates::today(at(day))
}

fn actor(user: &str, role: Role) -> Actor {
    Actor {
        user: user.parse().unwrap(),
        affiliation: "Ministry".parse().unwrap(),
        roles: BTreeSet::from([role]),
        seats: BTreeSet::new(),
        holds: BTreeSet::new(),
    }
}

/// The records of events on these days: the applicant's own by the applicant, all others by the office.
fn stream(number: u32, events: &[(i64, Event)]) -> Vec<EventRecord> {
    let id: ApplicationId = format!("A-2026-{number:06}").parse().unwrap();
    let mut records: Vec<EventRecord> = Vec::new();
    for (day, event) in events {
        let own = ["drafted", "submitted", "withdrawn", "member-joined", "pledge-signed", "condition-reported"];
        let is_own = own.contains(&event.kind());
        let by = if is_own { actor("pi", Role::Researcher) } else { actor("office", Role::Secretariat) };
        let next = EventRecord::after(&id, records.last(), Draft { at: at(*day), by, event: event.clone() });
        records.push(next);
    }
    records
}

/// The register of a database in which these streams were written.
async fn register_of(streams: &[Vec<EventRecord>]) -> PublicRegister {
    read_of(streams, Parts::default()).await
}

async fn read_of(streams: &[Vec<EventRecord>], parts: Parts) -> PublicRegister {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    let account = "insert into account (id, name_ja, name_en, organisation, roles, password, created_at)
                   values ('pi', 'x', 'x', 'x', 'researcher', 'x', '')";
    sqlx::query(account).execute(db.pool()).await.unwrap();
    let mut work = db.begin().await.unwrap();
    for (position, records) in (1..).zip(streams) {
        Model::of(records, position).unwrap().write(&mut work).await.unwrap();
    }
    work.commit().await.unwrap();
    register(&db, parts).await.unwrap()
}

fn drafted(title: &str) -> Event {
    let members = [("pi", "University B / Medicine"), ("co", "University A / Law"), ("li", "University A")];
    let member = |at: &str| Member {
        affiliation: at.parse().unwrap(),
        place: "a room of their own".to_owned(),
        country: "JP".to_owned(),
        networks: BTreeSet::new(),
    };
    let answers = [("purpose", "not for the public"), ("summary", "what everybody may read")];
    let content = Content {
        title: title.to_owned(),
        answers: answers.map(|(field, text)| (field.to_owned(), text.to_owned())).into(),
        members: members.map(|(user, at)| (user.parse().unwrap(), member(at))).into(),
        ..Content::default()
    };
    Event::Drafted { content }
}

fn accepted() -> Event {
    Event::Accepted { checklist: BTreeSet::new() }
}

fn scheduled(on: i64) -> Event {
    Event::Scheduled { sitting: Sitting { on: day(on), way: Way::Meeting } }
}

fn decided(decision: Decision) -> Event {
    Event::Decided { decision, findings: FindingsByCriterion::new() }
}

fn granted(number: u32, first: i64, permit: i64) -> Vec<EventRecord> {
    let condition = Condition {
        text: "no municipalities".to_owned(),
        owner: "pi".parse().unwrap(),
        due: day(first + 90),
        excludes: BTreeSet::new(),
    };
    let training = Training { course: "a course".to_owned(), until: day(first + 900), sha256: None };
    let version = Rules::current().pledge.version.clone();
    stream(
        number,
        &[
            (first, drafted("granted")),
            (first + 1, Event::Submitted {}),
            (first + 3, Event::Returned { comment: "funding".to_owned() }),
            (first + 10, Event::Submitted {}),
            (first + 11, accepted()),
            (first + 15, scheduled(first + 20)),
            (first + 20, decided(Decision::GrantedWithConditions { conditions: vec![condition] })),
            (first + 21, Event::ConditionReported { condition: 1, text: "done".to_owned() }),
            (first + 22, Event::ConditionConfirmed { condition: 1 }),
            (first + 23, Event::MemberJoined { training }),
            (first + 24, Event::PledgeSigned { version }),
            (permit, Event::PermitIssued { permit: "P-2026-000001".parse().unwrap() }),
        ],
    )
}

fn refused(number: u32) -> Vec<EventRecord> {
    stream(
        number,
        &[
            (0, drafted("refused")),
            (1, Event::Submitted {}),
            (2, accepted()),
            (3, scheduled(4)),
            (4, decided(Decision::Deferred { reason: "later".to_owned() })),
            (8, scheduled(9)),
            (9, decided(Decision::Rejected { reason: "an advertisement".to_owned() })),
        ],
    )
}

#[tokio::test]
async fn drafts_and_what_is_under_review_are_not_public() {
    let streams = [
        stream(1, &[(0, drafted("draft"))]),
        stream(2, &[(0, drafted("handed in")), (1, Event::Submitted {})]),
        stream(3, &[(0, drafted("taken back")), (1, Event::Submitted {}), (2, Event::Withdrawn {})]),
    ];
    let register = register_of(&streams).await;
    let shown = format!("{:?}{:?}{:?}", register.projects.items, register.refusals.items, register.troubles.items);
    assert_eq!(shown, "[][][]");
    let figures = register.figures;
    assert_eq!((figures.handed_in, figures.under_way, figures.granted, figures.refused), (2, 1, 0, 0));
    // The step in which it was taken back lies behind it; the one it is in does not.
    assert_eq!(figures.steps.iter().map(|step| step.applications).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_grant_shows_its_institutions_once_and_no_person() {
    let register = register_of(&[granted(1, 0, 30)]).await;
    let project = register.projects.items.first().unwrap();
    assert_eq!(project.institutions, ["University A", "University B"]);
    assert_eq!((project.state, project.since), (ProjectState::Running, at(30)));
    assert_eq!(project.conditions.as_deref(), Some("no municipalities"));
    assert_eq!(project.summary.as_deref(), Some("what everybody may read"));
    let shown = format!("{register:?}");
    for secret in ["\"pi\"", "\"co\"", "not for the public", "a room of their own", "Medicine"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

async fn continued(events: &[(i64, Event)]) -> PublicRegister {
    let before = granted(1, 0, 30).into_iter().map(|record| (0, record.event));
    let first_days = [0, 1, 3, 10, 11, 15, 20, 21, 22, 23, 24, 30];
    let before = before.zip(first_days).map(|((_, event), day)| (day, event));
    let all: Vec<_> = before.chain(events.iter().cloned()).collect();
    register_of(&[stream(1, &all)]).await
}

#[tokio::test]
async fn a_revocation_stays_public_after_the_deletion_was_certified() {
    let revoked = (50, Event::Revoked { reason: "used for something else".to_owned() });
    let certificate = Certificate { text: "erased".to_owned(), sha256: None };
    let certified = (55, Event::DeletionCertified { certificate });
    for register in [continued(std::slice::from_ref(&revoked)).await, continued(&[revoked, certified]).await] {
        assert_eq!(register.projects.items.first().unwrap().state, ProjectState::Revoked);
        let Some(Trouble::Revocation(revocation)) = register.troubles.items.first() else { panic!("no revocation") };
        assert_eq!((revocation.reason.as_str(), revocation.at), ("used for something else", at(50)));
    }
    let closed = continued(&[(50, Event::Closed { report: "erased by Dr Somebody".to_owned() })]).await;
    assert_eq!(closed.projects.items.first().unwrap().state, ProjectState::Closed);
    assert!(closed.troubles.items.is_empty() && !format!("{closed:?}").contains("Dr Somebody"));
}

#[tokio::test]
async fn an_incident_is_public_by_its_kind_and_never_in_its_reporters_words() {
    let report = IncidentReport {
        kind: IncidentKind::Loss,
        severity: 2,
        text: "Dr Somebody lost it".to_owned(),
        noticed_on: day(40),
    };
    let reported = (40, Event::IncidentReported { report });
    let step = IncidentStep::Closed { text: "Dr Somebody found it".to_owned() };
    let followed = (45, Event::IncidentFollowed { incident: 1, step });
    for (events, is_closed) in [(vec![reported.clone()], false), (vec![reported, followed], true)] {
        let register = continued(&events).await;
        let Some(Trouble::Incident(incident)) = register.troubles.items.first() else { panic!("no incident") };
        assert_eq!((incident.kind.as_str(), incident.is_closed, incident.at), ("loss", is_closed, at(40)));
        assert!(!format!("{register:?}").contains("Somebody"));
    }
}

#[tokio::test]
async fn a_refusal_shows_the_last_reason_and_nobody() {
    let register = register_of(&[refused(1)]).await;
    let refusal = register.refusals.items.first().unwrap();
    assert_eq!((refusal.reason.as_str(), refusal.at), ("an advertisement", at(9)));
    assert!(register.projects.items.is_empty());
    assert!(!format!("{register:?}").contains("University"));
}

#[tokio::test]
async fn repeated_steps_add_up_and_of_two_the_median_is_between() {
    let register = register_of(&[granted(1, 0, 30), refused(2), granted(3, 0, 25)]).await;
    let steps: Vec<_> =
        register.figures.steps.iter().map(|it| (it.step, it.applications, it.median, it.longest)).collect();
    assert_eq!(
        steps,
        [(Step::Check, 3, 3, 3), (Step::Review, 3, 4, 4), (Step::Vote, 3, 5, 6), (Step::Pledge, 2, 8, 10),]
    );
    let figures = register.figures;
    assert_eq!((figures.handed_in, figures.granted, figures.refused, figures.under_way), (3, 2, 1, 0));
    let days: Vec<_> = register.projects.items.iter().map(|project| project.since).collect();
    assert_eq!(days, [at(30), at(25)], "the latest change first");
}

/// Forty-five projects and as many refusals: each stands on one page, the latest change first, and lists turn their pages alone.
#[tokio::test]
async fn nothing_is_missing_or_doubled_over_the_pages() {
    let streams: Vec<_> = (0..45)
        .flat_map(|number| {
            [granted(2 * number + 1, i64::from(number), i64::from(number) + 50), refused(2 * number + 2)]
        })
        .collect();
    let (mut projects, mut refusals) = (Vec::new(), BTreeSet::new());
    for page in 1..=3 {
        let register = read_of(&streams, Parts { projects: page, refusals: 4 - page, troubles: 9 }).await;
        assert_eq!((register.projects.page, register.projects.pages), (page, 3));
        assert_eq!((register.refusals.page, register.troubles.page), (4 - page, 1));
        projects.extend(register.projects.items.into_iter().map(|project| (project.since, project.id)));
        refusals.extend(register.refusals.items.into_iter().map(|refusal| refusal.id));
        assert_eq!((register.figures.granted, register.figures.refused), (45, 45));
    }
    assert!(projects.is_sorted_by(|one, other| one.0 > other.0) && projects.len() == 45);
    assert_eq!(refusals.len(), 45);
    assert_eq!(read_of(&streams, Parts { projects: 99, ..Parts::default() }).await.projects.page, 3);
}
