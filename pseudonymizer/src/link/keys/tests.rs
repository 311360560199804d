//! Tests of keys.

use std::convert::Infallible;

use super::super::atoms::{Atom, KINDS, Months};
use super::*;

/// Gives keys to atoms that begin in `months`, lie in components `roots`, and were persons `prior` (0 for a new atom).
fn run(months: &[i32], roots: &[u32], prior: &[(u32, &[Person])], fresh: &[u64]) -> (Vec<u64>, Vec<Event>) {
    let atom = |(id, first): (u8, &i32)| {
        let months = (*first > 0).then_some(Months { first: *first, last: *first });
        Atom { id: [id; 16], source: 0, batch: 0, tokens: [None; KINDS], months }
    };
    let atoms = Atoms::new((0..).zip(months).map(atom).collect()).unwrap();
    let persons: Vec<Person> = prior.first().map(|(_, persons)| persons.to_vec()).unwrap_or_default();
    let of: Vec<u32> = prior.iter().map(|(place, _)| *place).collect();
    let prior = Prior { persons: &persons, of: &of };
    let given = |count| Ok::<_, Infallible>(fresh.iter().copied().take(count).collect());
    let made = assign(&atoms, roots, &prior, 2, given).unwrap();
    (roots.iter().map(|root| made.keys.get(*root).unwrap().key).collect(), made.events)
}

fn person(key: u64, anchor: u8) -> Person {
    Person { key, born: 1, grade: Grade::Strong, anchor: Some([anchor; 16]) }
}

#[test]
fn a_known_person_keeps_the_key_and_gives_it_to_new_atoms() {
    let known = [person(5, 0), person(6, 2)];
    let (keys, events) = run(&[1, 2, 3], &[0, 0, 2], &[(0, &known), (NONE, &known), (1, &known)], &[]);
    assert_eq!((keys, events), (vec![5, 5, 6], vec![]));
}

#[test]
fn of_merged_persons_the_one_that_began_first_keeps_the_key() {
    let known = [person(5, 0), person(6, 1)];
    let of = [(0, &known[..]), (1, &known), (1, &known)];
    let (keys, events) = run(&[3, 2, 1], &[0, 0, 0], &of, &[]);
    assert_eq!(keys, [6, 6, 6]);
    let kinds = BTreeSet::new();
    assert_eq!(events, [Event::Merged { persons: 2, atoms: 3, from: vec![5], to: 6, kinds }]);
    // As early: the one with more atoms, then the one with the lesser anchor.
    assert_eq!(run(&[2, 2, 2], &[0, 0, 0], &of, &[]).0, [6, 6, 6]);
    assert_eq!(run(&[2, 2], &[0, 0], &of[..2], &[]).0, [5, 5]);
    assert_eq!(run(&[0, 2], &[0, 0], &of[..2], &[]).0, [6, 6], "who says nothing of time comes last");
}

#[test]
fn of_a_divided_person_the_part_with_the_anchor_keeps_the_key() {
    let known = [person(5, 0)];
    let of = [(0, &known[..]), (0, &known), (0, &known)];
    let (keys, events) = run(&[3, 2, 1], &[0, 1, 1], &of, &[9]);
    assert_eq!(keys, [5, 9, 9]);
    assert_eq!(events, [Event::Split { persons: 2, atoms: 3, from: 5, to: vec![9], kinds: BTreeSet::new() }]);
    // The anchor is gone: the part that begins first.
    let known = [person(5, 7)];
    let of = [(0, &known[..]), (0, &known), (0, &known)];
    assert_eq!(run(&[3, 2, 1], &[0, 1, 1], &of, &[9]).0, [9, 5, 5]);
}

#[test]
fn a_part_that_goes_over_to_another_person_is_a_split_and_a_merger() {
    let known = [person(5, 0), person(6, 2)];
    let of = [(0, &known[..]), (0, &known), (1, &known)];
    let (keys, events) = run(&[1, 1, 2], &[0, 1, 1], &of, &[]);
    assert_eq!(keys, [5, 6, 6]);
    assert!(matches!(&events[..], [Event::Merged { to: 6, .. }, Event::Split { from: 5, .. }]), "{events:?}");
}

#[test]
fn who_has_no_atom_left_is_retired_and_new_ones_are_born() {
    let known = [person(5, 9)];
    let (keys, events) = run(&[1, 1, 1], &[0, 0, 2], &[(NONE, &known), (NONE, &known), (NONE, &known)], &[7, 8]);
    assert_eq!(keys, [7, 7, 8]);
    assert_eq!(events, [Event::Born { persons: 2, atoms: 3 }, Event::Retired { keys: vec![5] }]);
}
