//! Who is reminded of what, and once.

use std::collections::BTreeSet;

use jiff::Span;
use policies::application::Event;

use super::*;
use crate::board::tests::{course, day, reviewed, used, user};

fn keys(course: &Course, today: i32) -> BTreeSet<String> {
    reminders(Rules::current(), course, day(today)).into_iter().map(|reminder| reminder.key).collect()
}

/// However often it is looked, a warning has one key; each is told even if the day itself was missed.
#[test]
fn each_warning_has_one_key_whatever_the_day() {
    let course = course(used());
    let all: BTreeSet<_> = (0..150).flat_map(|today| keys(&course, today)).collect();
    let training = |when: &str| format!("training/pi/{}/{when}", day(100));
    let ethics = format!("ethics/{}/60", day(200));
    let expected: BTreeSet<_> = ["60", "30", "7", "lapsed"].map(training).into_iter().chain([ethics]).collect();
    assert_eq!(all, expected);
    let every_fifth: BTreeSet<_> = (0..150).step_by(5).flat_map(|today| keys(&course, today)).collect();
    assert_eq!(every_fifth, all);
}

#[test]
fn only_what_is_overdue_is_reminded_of() {
    let asked: Vec<_> = reviewed().into_iter().filter(|(count, ..)| *count <= 20).collect();
    let course = course(asked);
    assert!(keys(&course, 34).is_empty(), "the last day is not over");
    let due = reminders(Rules::current(), &course, day(35));
    let to: Vec<_> = due.iter().flat_map(|reminder| reminder.to.clone()).collect();
    assert_eq!(to, ["r1", "r2", "r3"].map(|name| Who::Reviewer(user(name))));
    assert_eq!(keys(&course, 35), keys(&course, 90), "the same turn is told of once");
}

#[test]
fn results_are_asked_for_before_their_day_until_they_are_filed() {
    let mut events = used();
    events.push((60, "pi", Event::Closed { report: "erased".to_owned() }));
    let closed = course(events.clone());
    let last = day(60).saturating_add(Span::new().months(18));
    let until = (last - day(0)).get_days();
    assert!(keys(&closed, until - 181).is_empty());
    let all: BTreeSet<_> = (until - 200..=until).flat_map(|today| keys(&closed, today)).collect();
    let named = |warning: &str| format!("results/{last}/{warning}");
    assert_eq!(all, ["180", "60", "7"].map(named).into_iter().filter(|key| all.contains(key)).collect());
    assert_eq!(all.len(), 3);
    let due = reminders(Rules::current(), &closed, day(until - 60));
    assert!(due.iter().any(|due| due.what == What::Results && due.to == [Who::Applicant] && due.last == last));
    // Over its day it is overdue, and once filed it is nobody's to remind of.
    assert!(keys(&closed, until + 1).iter().any(|key| key.starts_with("overdue/file-results/")));
    events.push((70, "pi", Event::ResultsFiled { summary: "what came out".to_owned() }));
    assert!(
        (until - 200..until + 50)
            .all(|today| keys(&course(events.clone()), today).iter().all(|key| !key.contains("results/")))
    );
}
