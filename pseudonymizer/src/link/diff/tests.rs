//! Tests of the comparison.

use std::collections::BTreeSet;
use std::fs;

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::fixture::{Zones, atom};
use super::super::{LinkJob, run};
use super::*;

fn id(number: u8) -> [u8; 16] {
    [number; 16]
}

/// A side by words: `1.7.0` is atom 1 of person 7 in source 0.
fn side(words: &str) -> Vec<Keyed> {
    let one = |word: &str| {
        let mut parts = word.split('.').map(|part| part.parse::<u8>().unwrap());
        (id(parts.next().unwrap()), u64::from(parts.next().unwrap()), parts.next().unwrap())
    };
    words.split_whitespace().map(one).collect()
}

fn sources() -> Vec<String> {
    catalog::SOURCES.map(str::to_owned).to_vec()
}

#[test]
fn each_thing_that_happens_is_told_from_the_others() {
    let a = side("1.1.0 2.1.1 3.2.0 4.3.0 5.4.0 6.4.0 7.5.0 8.6.0 9.6.1 10.7.0 11.7.0");
    let b = side("1.1.0 2.1.1 3.9.0 4.9.0 5.4.0 6.8.0 8.6.0 9.10.1 10.10.0 11.7.0 12.11.0");
    let found = diff(&a, &b, &sources());
    let cases = Persons { unchanged: 1, merged: 1, split: 1, regrouped: 1, born: 1, retired: 1 };
    assert_eq!(found.cases, cases, "{found:?}");
    assert_eq!((found.atoms_both, found.atoms_only_a, found.atoms_only_b, found.atoms_moved), (10, 1, 1, 5));
    assert_eq!((found.merged_from, found.split_into, found.regrouped_from, found.regrouped_into), (2, 2, 2, 3));
    let only = |change: fn(&mut Persons)| {
        let mut persons = Persons::default();
        change(&mut persons);
        persons
    };
    assert_eq!(found.by_pair["ndb+ltc"], only(|it| (it.unchanged, it.regrouped) = (1, 1)));
    assert_eq!(found.by_pair["ndb"], only(|it| (it.merged, it.split, it.born, it.retired) = (1, 1, 1, 1)));
    let sizes: BTreeMap<&str, &Persons> = found.by_size.iter().map(|(size, it)| (size.as_str(), it)).collect();
    assert_eq!(*sizes["1"], only(|it| (it.born, it.retired) = (1, 1)));
    assert_eq!(*sizes["3-5"], only(|it| it.regrouped = 1));
}

#[test]
fn a_person_whose_atoms_come_and_go_is_the_same_person() {
    let found = diff(&side("1.1.0 2.1.0"), &side("2.5.0 3.5.1"), &sources());
    assert_eq!(found.cases, Persons { unchanged: 1, ..Persons::default() });
    assert_eq!((found.atoms_moved, found.atoms_only_a, found.atoms_only_b), (1, 1, 1));
    assert_eq!(diff(&[], &[], &sources()).persons_a, 0);
}

#[test]
fn folders_of_link_are_compared_and_others_refused() {
    let zones = Zones::new();
    let first = zones.tokens("n1", "ndb", &[atom("1 ndb a3=a b1=yamada"), atom("2 ndb a3=b b1=suzuki")], &[]);
    let bridge =
        [atom("3 ndb 2021-01..2021-02 a1=z a3=a b1=yamada"), atom("4 ndb 2021-03..2021-04 a1=z a3=b b1=suzuki")];
    let second = zones.tokens("n2", "ndb", &bridge, &[]);
    let link = |name: &str, tokens: &[PathBuf]| {
        let out = zones.path(name);
        let job = LinkJob::new(&zones.linkage, &out, tokens, super::super::fixture::policy());
        run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).unwrap();
        Side { folder: out, run: None }
    };
    let (a, b) = (link("a", std::slice::from_ref(&first)), link("b", &[first.clone(), second]));
    let found = compare(&zones.linkage, &a, &b).unwrap();
    assert_eq!((found.persons_a, found.persons_b, found.cases.merged, found.merged_from), (2, 1, 1, 2));
    let back = compare(&zones.linkage, &b, &Side { run: Some(1), ..a.clone() }).unwrap();
    assert_eq!((back.cases.split, back.split_into), (1, 2));

    let absent = Side { folder: zones.path("absent"), run: None };
    assert!(matches!(compare(&zones.linkage, &a, &absent), Err(LinkError::Unfinished { .. })));
    assert!(!absent.folder.exists(), "looking makes nothing");
    let other = Side { run: Some(7), ..a.clone() };
    assert!(matches!(compare(&zones.linkage, &other, &b), Err(LinkError::Gone { run: 7, .. })));
    let left = fs::read_dir(&a.folder).unwrap().flatten();
    assert_eq!(left.filter(|entry| entry.file_name().to_string_lossy().contains("partial")).count(), 0);
}

#[test]
fn a_side_is_a_folder_with_or_without_a_run() {
    let side = |text: &str| text.parse::<Side>().unwrap();
    assert_eq!(side("link/x@12"), Side { folder: "link/x".into(), run: Some(12) });
    for whole in ["link/x", "link@home/x", "x@", "x@-1", "x@4294967296"] {
        assert_eq!(side(whole), Side { folder: whole.into(), run: None });
    }
}

/// Persons as sets of atoms.
fn sets(side: &[Keyed]) -> Vec<BTreeSet<[u8; 16]>> {
    let mut persons: BTreeMap<u64, BTreeSet<[u8; 16]>> = BTreeMap::new();
    for (atom, key, _) in side {
        persons.entry(*key).or_default().insert(*atom);
    }
    persons.into_values().collect()
}

/// The same by following from each set to those that share an atom with it, until nothing is added.
fn brute(a: &[Keyed], b: &[Keyed]) -> Persons {
    let (a, b) = (sets(a), sets(b));
    let mut left: Vec<(bool, BTreeSet<[u8; 16]>)> =
        a.into_iter().map(|set| (true, set)).chain(b.into_iter().map(|set| (false, set))).collect();
    let mut found = Persons::default();
    while let Some((side, mut atoms)) = left.pop() {
        let mut sides = vec![side];
        while let Some(place) = left.iter().position(|(_, set)| !set.is_disjoint(&atoms)) {
            let (side, set) = left.swap_remove(place);
            sides.push(side);
            atoms.extend(set);
        }
        let from = sides.iter().filter(|side| **side).count();
        match (from, sides.len() - from) {
            (0, _) => found.born += 1,
            (_, 0) => found.retired += 1,
            (1, 1) => found.unchanged += 1,
            (_, 1) => found.merged += 1,
            (1, _) => found.split += 1,
            _ => found.regrouped += 1,
        }
    }
    found
}

fn any_side() -> impl Strategy<Value = Vec<Keyed>> {
    let of = |number: u8| number % 4;
    proptest::collection::btree_map(0..24_u8, 0..12_u64, 0..24)
        .prop_map(move |atoms| atoms.into_iter().map(|(number, key)| (id(number), key, of(number))).collect())
}

fn total(persons: &Persons) -> u64 {
    let Persons { unchanged, merged, split, regrouped, born, retired } = persons;
    unchanged + merged + split + regrouped + born + retired
}

fn turned(persons: Persons) -> Persons {
    Persons { merged: persons.split, split: persons.merged, born: persons.retired, retired: persons.born, ..persons }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// As told by following sets.
    #[test]
    fn cases_are_those_of_brute_force(a in any_side(), b in any_side()) {
        prop_assert_eq!(diff(&a, &b, &sources()).cases, brute(&a, &b));
    }

    /// Every atom and every person of either side is counted once.
    #[test]
    fn counts_add_up(a in any_side(), b in any_side()) {
        let found = diff(&a, &b, &sources());
        let cases = found.cases;
        prop_assert_eq!(found.atoms_both + found.atoms_only_a, a.len() as u64);
        prop_assert_eq!(found.atoms_both + found.atoms_only_b, b.len() as u64);
        prop_assert_eq!(found.persons_a, sets(&a).len() as u64);
        prop_assert_eq!(found.persons_b, sets(&b).len() as u64);
        prop_assert_eq!(
            found.persons_a,
            cases.unchanged + cases.retired + found.merged_from + cases.split + found.regrouped_from
        );
        prop_assert_eq!(
            found.persons_b,
            cases.unchanged + cases.born + cases.merged + found.split_into + found.regrouped_into
        );
        prop_assert_eq!(found.by_size.iter().map(|(_, persons)| total(persons)).sum::<u64>(), total(&cases));
    }

    /// Backwards, what was merged is split and what was born is retired; nothing else is different.
    #[test]
    fn backwards_is_the_mirror(a in any_side(), b in any_side()) {
        let (there, back) = (diff(&a, &b, &sources()), diff(&b, &a, &sources()));
        prop_assert_eq!(turned(there.cases), back.cases);
        prop_assert_eq!(there.atoms_moved, back.atoms_moved);
        prop_assert_eq!((there.merged_from, there.split_into), (back.split_into, back.merged_from));
        prop_assert_eq!((there.regrouped_from, there.regrouped_into), (back.regrouped_into, back.regrouped_from));
        let pairs: BTreeMap<String, Persons> =
            there.by_pair.iter().map(|(pair, persons)| (pair.clone(), turned(*persons))).collect();
        prop_assert_eq!(pairs, back.by_pair);
        let sizes: Vec<(String, Persons)> =
            there.by_size.iter().map(|(size, persons)| (size.clone(), turned(*persons))).collect();
        prop_assert_eq!(sizes, back.by_size);
    }

    /// Other keys for the same persons change nothing but that they are others.
    #[test]
    fn keys_are_only_names(a in any_side(), b in any_side()) {
        let renamed: Vec<Keyed> = b.iter().map(|(atom, key, source)| (*atom, key + 1000, *source)).collect();
        let (one, other) = (diff(&a, &b, &sources()), diff(&a, &renamed, &sources()));
        prop_assert_eq!(other.atoms_moved, other.atoms_both);
        prop_assert_eq!(LinkDiff { atoms_moved: one.atoms_moved, ..other }, one);
        let same = diff(&a, &a, &sources());
        prop_assert_eq!(same.cases, Persons { unchanged: same.persons_a, ..Persons::default() });
    }
}
