//! Tests of the report.

use std::collections::{BTreeSet, HashSet};

use catalog::SOURCES;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::atoms::Atom;
use super::super::evidence::{Pattern, ScoredPair};
use super::super::fixture::{atom, policy};
use super::super::rules;
use super::super::scored::Bin;
use super::*;

fn sources() -> Vec<String> {
    SOURCES.map(str::to_owned).to_vec()
}

fn report(words: &[&str]) -> LinkReport {
    let atoms = Atoms::new(words.iter().map(|words| atom(words)).collect()).unwrap();
    let partition = rules::strong(&atoms, policy(), &[]).scored(&[]);
    LinkReport::of(&atoms, &partition, &sources())
}

#[test]
fn persons_tokens_and_sizes_are_counted_by_source() {
    let found = report(&[
        "1 ndb 2020-01..2020-06 a3=a b1=yamada d1=h",
        "2 ltc 2020-01..2020-12 c1=c b1=yamada",
        "3 dpc 2020-02..2020-02 d1=h",
        "4 ndb 2020-01..2020-12 a3=b b1=suzuki",
    ]);
    assert_eq!((found.atoms, found.persons, found.singles), (4, 2, 1));
    let pairs = ["ndb+ltc", "ndb+dpc", "ltc+dpc", "ndb+ehr"].map(|pair| found.persons_by_pair[pair]);
    assert_eq!(pairs, [1, 1, 1, 0]);
    assert_eq!(found.persons_by_source["ndb"], 2);
    assert_eq!((found.coverage["ndb"]["a3"], found.coverage["ndb"]["d1"], found.coverage["ltc"]["a3"]), (2, 1, 0));
    assert!(!found.coverage.contains_key("ehr"), "a source without atoms has no coverage");
    let sizes: Vec<(&str, u64)> = found.clusters.iter().map(|it| (it.size.as_str(), it.persons)).collect();
    assert_eq!(sizes, [("1", 1), ("2", 0), ("3-5", 1), ("6-10", 0), ("11-20", 0), ("21-50", 0), ("51-", 0)]);
}

#[test]
fn what_is_asked_about_is_told_by_sources_and_reason() {
    let words = [
        "1 ndb 2020-01..2020-12 a3=a b1=yamada",
        "2 ltc 2020-01..2020-12 c1=c b1=suzuki",
        "3 ndb 2020-01..2020-12 a3=b b1=sato",
    ];
    let atoms = Atoms::new(words.iter().map(|words| atom(words)).collect()).unwrap();
    let place = |words: &str| {
        let id = atom(words).id;
        u32::try_from(atoms.ids().iter().position(|known| *known == id).unwrap()).unwrap()
    };
    let [one, two, three] = words.map(place);
    let pair = |a: u32, b: u32, probability: f64| ScoredPair {
        a: a.min(b),
        b: a.max(b),
        weight: ScoredPair::weight_of(probability),
        pattern: Pattern(0),
    };
    let partition = rules::strong(&atoms, policy(), &[]).scored(&[pair(one, two, 0.7), pair(one, three, 0.999)]);
    let found = LinkReport::of(&atoms, &partition, &sources());
    assert_eq!(found.grey_by_pair, BTreeMap::from([("ndb+ltc".to_owned(), 1), ("ndb+ndb".to_owned(), 1)]));
    assert_eq!(found.grey_because, BTreeMap::from([("medical_lines_overlap".to_owned(), 1), ("weight".to_owned(), 1)]));
}

#[test]
fn churn_counts_known_atoms_and_those_whose_person_is_another() {
    let churn = Churn::of([(None, 1), (Some(1), 1), (Some(2), 3), (Some(4), 4)].into_iter());
    assert_eq!((churn.atoms_known, churn.atoms_moved), (3, 1));
}

#[test]
fn what_is_over_a_cap_is_told_from_what_conflicts() {
    let line = |n: u32| format!("{n} ndb {}-1..{}-2 a3=n{n} b1=yamada", 1990 + n, 1990 + n);
    let conflict = ["90 ndb 2020-01..2020-12 a3=x b1=sato", "91 ndb 2020-01..2020-12 a3=y b1=sato"].map(str::to_owned);
    let lines: Vec<String> = (0..12).map(line).chain(conflict).collect();
    let mut caps = policy().clone();
    caps.caps.insurer_lines = 4;
    let atoms = Atoms::new(lines.iter().map(|words| atom(words)).collect()).unwrap();
    let partition = rules::strong(&atoms, &caps, &[]).scored(&[]);
    let found = LinkReport::of(&atoms, &partition, &sources());
    assert_eq!(found.vetoes.get("medical_lines_overlap"), Some(&1));
    assert!(
        found
            .vetoes
            .keys()
            .chain(found.quarantined.keys())
            .all(|name| { name.starts_with("too_many_") == found.quarantined.contains_key(name) })
    );
    let told: u64 = found.vetoes.values().chain(found.quarantined.values()).sum();
    assert_eq!(told, partition.vetoes.values().sum::<u64>());
}

#[test]
fn an_older_report_still_reads() {
    let mut older = serde_json::to_value(LinkReport::default()).unwrap();
    for new in [
        "coverage",
        "clusters",
        "grey_by_pair",
        "grey_because",
        "churn",
        "pass",
        "quarantined",
        "scored",
        "held_already",
    ] {
        assert!(older.as_object_mut().unwrap().remove(new).is_some());
    }
    assert_eq!(serde_json::from_value::<LinkReport>(older).unwrap(), LinkReport::default());
}

#[test]
fn what_leaves_tells_no_small_count_and_no_batch() {
    let mut report = report(&["1 ndb 2020-01..2020-06 a3=a", "2 ltc 2020-01..2020-12 c1=c"]);
    report.pass = Pass { batches_added: vec!["b1c2".to_owned()], ..Pass::full(3, policy()) };
    report.atoms = 1004;
    let public = report.public().unwrap();
    assert_eq!((&public["atoms"], &public["persons"], &public["merged"]), (&json!(1000), &json!("<10"), &json!("<10")));
    assert_eq!((&public["pass"]["run"], &public["pass"]["last_full"]), (&json!(3), &json!(3)));
    assert!(!public.to_string().contains("b1c2"));
}

#[test]
fn what_leaves_of_scores_is_rounded() {
    let bin = |from, to, pairs, persons| Bin { from, to, pairs, persons };
    let calibration = vec![bin(0.99, 0.999, 14, 13.9), bin(0.999, 1.0, 9, 8.99), bin(0.0, 0.01, 1_000_004, 11.2)];
    let scored = ScoredReport {
        candidates: 1_000_027,
        accepted: 23,
        precision: Some(0.998_765_432),
        calibration,
        ..ScoredReport::default()
    };
    let public = LinkReport { scored: Some(scored), ..LinkReport::default() }.public().unwrap();
    let bins = json!([
        { "from": 0.99, "to": 0.999, "pairs": 10, "persons": 10 },
        { "from": 0.999, "to": 1.0, "pairs": "<10", "persons": "<10" },
        { "from": 0.0, "to": 0.01, "pairs": 1_000_000, "persons": 10 },
    ]);
    assert_eq!(public["scored"]["calibration"], bins);
    assert_eq!((&public["scored"]["accepted"], &public["scored"]["precision"]), (&json!(20), &json!(0.9988)));
}

/// Every number of a value.
fn numbers(value: &Value, found: &mut HashSet<u64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| numbers(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| numbers(value, found)),
        Value::Number(number) => {
            found.insert(number.as_u64().unwrap());
        }
        Value::Bool(_) | Value::Null | Value::String(_) => {}
    }
}

fn any_atoms() -> impl Strategy<Value = Vec<Atom>> {
    let one = (0..4_usize, 0..6_u8, 0..6_u8, 0..24_u32).prop_map(|(source, number, name, first)| {
        let month = |month: u32| format!("{}-{}", 2020 + month / 12, month % 12 + 1);
        format!("{} {}..{} a3={number} b1={name}", SOURCES[source], month(first), month(first + 2))
    });
    proptest::collection::vec(one, 1..40)
        .prop_map(|all| all.iter().enumerate().map(|(at, words)| atom(&format!("{at} {words}"))).collect())
}

/// Of the atoms alone, without those of other persons: what they say of one another stays.
fn report_of(read: &[Atom]) -> LinkReport {
    let atoms = Atoms::new(read.to_vec()).unwrap();
    let partition = rules::strong(&atoms, policy(), &[]).scored(&[]);
    LinkReport::of(&atoms, &partition, &sources())
}

/// A block of atoms that shares no token with any other block.
fn block(number: usize, read: Vec<Atom>) -> Vec<Atom> {
    let number = u8::try_from(number).unwrap() + 1;
    let own = |mut atom: Atom| {
        atom.id[0] ^= number;
        atom.id[1] = number;
        atom.tokens.iter_mut().flatten().for_each(|token| token[0] = number);
        atom
    };
    read.into_iter().map(own).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Counts of an increment are those of a full pass.
    #[test]
    fn a_part_counted_anew_gives_the_whole(
        [kept, was, is] in [any_atoms(), any_atoms(), any_atoms()]
    ) {
        let (kept, was, is) = (block(0, kept), block(1, was), block(2, is));
        let whole = report_of(&[kept.clone(), was.clone()].concat());
        let moved = whole.moved(&report_of(&was), &report_of(&is));
        let part = report_of(&is);
        let wanted = report_of(&[kept, is].concat());
        prop_assert_eq!((moved.atoms, moved.persons, moved.singles), (wanted.atoms, wanted.persons, wanted.singles));
        prop_assert_eq!(&moved.clusters, &wanted.clusters);
        prop_assert_eq!(&moved.coverage, &wanted.coverage);
        prop_assert_eq!(&moved.persons_by_pair, &wanted.persons_by_pair);
        prop_assert_eq!(moved.hubs, wanted.hubs);
        // What was joined and refused is told of the part alone.
        prop_assert_eq!((moved.joined_by, moved.vetoes), (part.joined_by, part.vetoes));
    }

    /// Against counting with sets, and nothing small leaves.
    #[test]
    fn counts_are_those_of_the_persons(read in any_atoms()) {
        let atoms = Atoms::new(read).unwrap();
        let partition = rules::strong(&atoms, policy(), &[]).scored(&[]);
        let found = LinkReport::of(&atoms, &partition, &sources());
        let mut persons: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for (root, source) in partition.roots.iter().zip(atoms.sources()) {
            persons.entry(*root).or_default().push(*source);
        }
        prop_assert_eq!(found.persons, persons.len() as u64);
        prop_assert_eq!(found.singles, persons.values().filter(|all| all.len() == 1).count() as u64);
        prop_assert_eq!(found.clusters.iter().map(|it| it.persons).sum::<u64>(), found.persons);
        for (a, b) in [(0_u8, 1_u8), (0, 3), (2, 3), (1, 2)] {
            let both = persons.values().map(|all| all.iter().copied().collect::<BTreeSet<u8>>());
            let both = both.filter(|set| set.contains(&a) && set.contains(&b)).count() as u64;
            prop_assert_eq!(found.persons_by_pair[&pair_name(b, a, &sources())], both);
        }
        let public = found.public().unwrap();
        let mut shown = HashSet::new();
        numbers(&public, &mut shown);
        shown.remove(&0); // run and last_full of a report that no run has written
        prop_assert!(shown.iter().all(|number| *number >= 10 && *number % 10 == 0), "{}", public);
    }
}
