//! Pages of the list: each person finds just what a look at every application would give, once, in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use policies::ProjectId;
use policies::application::{Certificate, Decision, Event, EventRecord};

use super::*;
use crate::application::model::{Model, is_open};
use crate::application::{open, open_to};
use crate::board::tests::{course, day, decided, reviewed, stream, submitted, used};
use crate::board::{ends, turns};
use crate::tests::world::World;
use crate::{Database, PortalAnswer, PortalRefusal, QueryRunner, Watch, accounts, serve};

/// No query is run here.
struct Nobody;

#[async_trait::async_trait]
impl QueryRunner for Nobody {
    async fn run(&self, _: &str, _: Option<&ProjectId>, _: &str, _: &Watch<'_>) -> Result<PortalAnswer, PortalRefusal> {
        std::future::pending().await
    }
}

async fn portal(world: &World) -> Portal {
    serve::open(&world.config, Arc::new(Nobody), (world.address, false)).await.unwrap()
}

/// Drafts, applications under review, decided and in use, many of each; the last one changed last.
async fn written(db: &Database) -> Vec<Application> {
    let granted = || Decision::Granted {};
    let mut work = db.begin().await.unwrap();
    let mut states = Vec::new();
    for number in 1..=60_u32 {
        let events = match number % 5 {
            0 => submitted().into_iter().take(1).collect(),
            1 => submitted(),
            2 => reviewed(),
            3 => decided(granted()),
            _ => used(),
        };
        let records: Vec<EventRecord> = stream(number, events);
        Model::of(&records, i64::from(number) * 10).unwrap().write(&mut work).await.unwrap();
        states.push(Application::replay(records.first().unwrap().application.clone(), &records));
    }
    work.commit().await.unwrap();
    states
}

/// What a look at every application gives: numbers, the latest change first.
fn seen(portal: &Portal, states: &[Application], user: &User) -> Vec<String> {
    let today = day_of(portal.now());
    let may = |state: &&Application| {
        let relation = relation(state, user, today);
        let may = |what| portal.may(Some(&user.roles), relation, what);
        may(Action::ApplicationRead) || may(Action::ApplicationJudgeInterest)
    };
    states.iter().rev().filter(may).map(|state| state.id.to_string()).collect()
}

fn numbers(listing: &Listing) -> Vec<String> {
    listing.lines.iter().map(|line| line.state.id.to_string()).collect()
}

#[tokio::test]
async fn pages_hold_all_that_a_person_may_see_once_and_nothing_else() {
    let world = World::new().await;
    let portal = portal(&world).await;
    let states = written(&portal.db).await;
    let (mut most, mut least) = (0, usize::MAX);
    for user in accounts::list(&portal.db).await.unwrap() {
        let expected = seen(&portal, &states, &user);
        (most, least) = (most.max(expected.len()), least.min(expected.len()));
        for lines in [1, 7, 60] {
            let (mut found, mut part, mut pages) = (Vec::new(), Part::default(), Vec::new());
            loop {
                let page = page_of(&portal, &user, part, lines).await.unwrap();
                assert!(page.lines.len() <= lines);
                found.extend(numbers(&page));
                pages.push(page.clone());
                match page.older {
                    Some(older) => part = Part { before: Some(older), after: None },
                    None => break,
                }
            }
            assert_eq!(found, expected, "{} by {lines}", user.id);
            assert!(pages.first().unwrap().newer.is_none());
            // And back again, page by page.
            for pair in pages.windows(2) {
                let (newer, older) = (pair.first().unwrap(), pair.last().unwrap());
                let part = Part { before: None, after: older.newer };
                assert_eq!(
                    numbers(&page_of(&portal, &user, part, lines).await.unwrap()),
                    numbers(newer),
                    "{}",
                    user.id
                );
            }
        }
        // What waits is looked for among the same.
        let open = open_to(&portal, &user).await.unwrap();
        let open: BTreeSet<_> = open.iter().map(|course| course.state.id.to_string()).collect();
        let all: BTreeSet<_> = states.iter().filter(|state| is_open(state)).map(|state| state.id.to_string()).collect();
        assert!(expected.iter().filter(|id| all.contains(*id)).all(|id| open.contains(id)), "{}", user.id);
    }
    assert_eq!((most, least), (60, 0), "somebody sees all, somebody nothing");
}

/// What is over waits for nobody on whatever day, and nothing of it comes to its end.
#[test]
fn what_is_not_open_waits_for_nobody() {
    let rules = Rules::current();
    let certificate = Certificate { text: "erased".to_owned(), sha256: None };
    let mut over = used();
    over.extend([
        (60, "pi", Event::Closed { report: "erased".to_owned() }),
        (61, "office", Event::DeletionCertified { certificate }),
        (62, "pi", Event::ResultsFiled { summary: "what came out".to_owned() }),
        (63, "office", Event::ResultsPublished { filing: 1 }),
    ]);
    let rejected = decided(Decision::Rejected { reason: "no".to_owned() });
    let withdrawn = submitted().into_iter().chain([(3, "pi", Event::Withdrawn {})]).collect();
    for events in [over, rejected, withdrawn] {
        for length in 1..=events.len() {
            let course = course(events.iter().take(length).cloned().collect());
            let open = is_open(&course.state);
            assert_eq!(open, length < events.len(), "{length}");
            let days = (0..500).map(day);
            let waits = |day| !turns(rules, &course, day).is_empty() || !ends(rules, &course.state, day).is_empty();
            assert!(open || !days.into_iter().any(waits), "{length}");
        }
    }
}

/// A course that was read is given again until its row is written, also by a rebuild, which moves nothing in the list.
#[tokio::test]
async fn what_is_kept_is_never_older_than_its_row() {
    let world = World::new().await;
    let portal = portal(&world).await;
    written(&portal.db).await;
    let first = || async { open(&portal).await.unwrap().into_iter().next().unwrap() };
    let before = first().await;
    assert!(Arc::ptr_eq(&before, &first().await), "not read again");
    let records = stream(1, reviewed());
    let mut work = portal.db.begin().await.unwrap();
    Model::of(&records, 10).unwrap().write(&mut work).await.unwrap();
    work.commit().await.unwrap();
    let after = first().await;
    assert_eq!(after.state.id, before.state.id);
    assert_ne!(after.state, before.state);
    let withdrawn = submitted().into_iter().take(1).chain([(3, "pi", Event::Withdrawn {})]).collect();
    let mut work = portal.db.begin().await.unwrap();
    Model::of(&stream(1, withdrawn), 10).unwrap().write(&mut work).await.unwrap();
    work.commit().await.unwrap();
    assert_ne!(first().await.state.id, before.state.id, "taken back: it is over");
}
