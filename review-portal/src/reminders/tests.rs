//! Who is reminded of what, and once.

use std::collections::BTreeSet;

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
