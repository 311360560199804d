//! Precedents among applications that share some, all or no columns.

use policies::application::Event;

use super::*;
use crate::board::tests::{content, decided, id, stream};

fn application(number: u32, columns: &[&str], decision: Decision) -> Application {
    let mut events = decided(decision);
    if let Some((_, _, Event::Drafted { content: drafted })) = events.first_mut() {
        *drafted = content(columns);
    }
    Application::replay(id(number), &stream(number, events))
}

#[test]
fn those_that_share_the_most_columns_stand_first() {
    let rejected = || Decision::Rejected { reason: "an advertisement".to_owned() };
    let others = [
        application(1, &["sex"], Decision::Granted {}),
        application(2, &["sex", "age"], rejected()),
        application(3, &["drug"], Decision::Granted {}),
        application(4, &["sex", "age"], Decision::Deferred { reason: "later".to_owned() }),
        application(5, &["sex", "age"], Decision::Granted {}),
    ];
    let asked = content(&["sex", "age", "area"]);
    let found = ranked(&id(5), &asked, &others, 9);
    let ids: Vec<_> = found.iter().map(|precedent| precedent.id.clone()).collect();
    assert_eq!(ids, [id(2), id(1)], "no other columns, nothing open, not itself");
    let first = found.first().unwrap();
    assert_eq!((first.shared.len(), first.asked), (2, 3));
    assert_eq!(first.decision, rejected());
    assert_eq!(ranked(&id(5), &asked, &others, 1).len(), 1);
}
