//! Minutes from streams of events.

use policies::application::{Decision, Way};

use super::*;
use crate::board::tests::{course, day, decided, id, reviewed, stream, user};

fn items(events: Vec<(i32, &str, Event)>, today: i32) -> Vec<Item> {
    sittings(&id(1), &stream(1, events), Rules::current(), day(today))
}

#[test]
fn minutes_count_votes_and_name_who_was_recused() {
    let items = items(decided(Decision::Granted {}), 31);
    let [item] = items.as_slice() else { panic!("{} sittings", items.len()) };
    let minutes = item.result.as_ref().unwrap();
    assert_eq!(item.recused, BTreeSet::from([user("r3")]));
    assert_eq!(item.present().cloned().collect::<Vec<_>>(), [user("r1"), user("r2")]);
    assert_eq!(item.absent().count(), 0);
    assert_eq!((minutes.tally.approvals, minutes.tally.against, minutes.tally.abstentions), (1, 0, 1));
    assert_eq!(minutes.outcome.decision, Decision::Granted {});
    assert_eq!(item.missing_seats(Rules::current()).count(), 0);
}

/// A vote that came to nothing keeps its minutes when the committee sits again.
#[test]
fn what_a_later_sitting_replaced_stands_in_its_own_minutes() {
    let mut events = decided(Decision::Undecided {});
    events.push((35, "office", Event::Scheduled { sitting: Sitting { on: day(40), way: Way::Circulation } }));
    let items = items(events.clone(), 36);
    let [first, second] = items.as_slice() else { panic!("{} sittings", items.len()) };
    assert_eq!((first.sitting.on, second.sitting.on), (day(30), day(40)));
    assert_eq!(first.result.as_ref().unwrap().tally.approvals, 1);
    assert!(second.result.is_none());
    assert_eq!(second.present().count(), 2, "who may vote");
    assert_eq!(days_of(&course(events).state), [day(30), day(40)].into());
}

#[test]
fn nothing_stands_on_an_agenda_before_it_is_scheduled() {
    assert!(items(reviewed(), 25).is_empty());
    assert!(days_of(&course(reviewed()).state).is_empty());
}
