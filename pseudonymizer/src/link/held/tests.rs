//! Tests of what is held: incremental equals rebuild, forgotten equals never handed over, keys stay, and a run that is killed leaves
//! the last one's results.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use std::sync::LazyLock;

use jiff::Timestamp;
use policies::LinkagePolicy;
use policies::linkage::Hubs;
use proptest::prelude::*;

use crate::link::atoms::Atom;
use crate::link::fixture::{Zones, atom, atom_id, crosswalk, policy};
use crate::link::session::Session;
use crate::link::{Churn, ForgetJob, Forgotten, LinkError, LinkJob, LinkReport, Marker, Pass, forget, run};

use super::view::{keyed_at, sources_of};

type Persons = BTreeMap<[u8; 16], u64>;

/// The built-in policy, but that few atoms make a placeholder.
fn strict() -> &'static LinkagePolicy {
    static POLICY: LazyLock<LinkagePolicy> =
        LazyLock::new(|| LinkagePolicy { hubs: Hubs { atoms: 8, identities: 3, components: 2 }, ..policy().clone() });
    &POLICY
}

fn any_policy() -> impl Strategy<Value = &'static LinkagePolicy> {
    prop_oneof![1 => Just(policy()), 2 => Just(strict())]
}

fn add(zones: &Zones, out: &str, folders: &[PathBuf], small: u64) -> Result<LinkReport, LinkError> {
    add_by(policy(), zones, out, folders, small)
}

fn add_by(
    policy: &LinkagePolicy,
    zones: &Zones,
    out: &str,
    folders: &[PathBuf],
    small: u64,
) -> Result<LinkReport, LinkError> {
    let session = Session::open(&zones.linkage, &zones.path(out), policy, Timestamp::UNIX_EPOCH)?;
    let (keys, out) = (&zones.linkage, zones.path(out));
    session.compacting(small).link(&LinkJob::new(keys, &out, folders, policy), &mut |_| {})
}

fn persons(zones: &Zones, out: &str) -> Persons {
    let rows = crosswalk(&zones.path(out), &zones.enclave);
    rows.into_iter().filter_map(|(id, (key, _))| Some((id, key?))).collect()
}

/// The partition: sets of ids.
fn sets(persons: &Persons) -> BTreeSet<BTreeSet<[u8; 16]>> {
    let mut sets: BTreeMap<u64, BTreeSet<[u8; 16]>> = BTreeMap::new();
    for (id, key) in persons {
        sets.entry(*key).or_default().insert(*id);
    }
    sets.into_values().collect()
}

/// What a report counts, but what happened in its run.
fn counted(report: &LinkReport) -> LinkReport {
    let mut report = LinkReport {
        born: 0,
        merged: 0,
        split: 0,
        crosswalk: String::new(),
        events: String::new(),
        held_already: Vec::new(),
        churn: Churn::default(),
        pass: Pass::default(),
        ..report.clone()
    };
    // What was joined and refused is told of the atoms that a run linked.
    (report.joined_by, report.vetoes) = (BTreeMap::new(), BTreeMap::new());
    report.hubs.retain(|_, count| *count > 0);
    report
}

/// Atoms with few different tokens, so that they meet, and a name that so many share that it joins nothing, now or later.
fn any_atoms(most: usize) -> impl Strategy<Value = Vec<Atom>> {
    let token = |kind: &'static str, share: f64, many: u8| {
        proptest::option::weighted(share, 0..many).prop_map(move |v| v.map_or(String::new(), |v| format!("{kind}={v}")))
    };
    let tokens = (
        token("a1", 0.2, 30),
        token("a3", 0.6, 30),
        token("b1", 0.7, 4),
        token("b2", 0.2, 12),
        token("b3", 0.3, 3),
        token("c1", 0.2, 20),
        token("d1", 0.3, 15),
        token("c2", 0.2, 20),
    );
    let one = (0..4_usize, 0..40_u32, 0..6_u32, tokens).prop_map(|(source, first, long, t)| {
        let month = |month: u32| format!("{}-{}", 2020 + month / 12, month % 12 + 1);
        let months = format!("{}..{}", month(first), month(first + long));
        let source = catalog::SOURCES[source];
        format!("{source} {months} {} {} {} {} {} {} {} {}", t.0, t.1, t.2, t.3, t.4, t.5, t.6, t.7)
    });
    proptest::collection::vec(one, 1..most)
        .prop_map(|all| (0..).zip(&all).map(|(number, words): (u32, _)| atom(&format!("{number} {words}"))).collect())
}

/// Writes batches of the atoms by the labels, each of one source.
fn batches(zones: &Zones, atoms: &[Atom], labels: &[u8]) -> Vec<PathBuf> {
    let mut by_batch: BTreeMap<(u8, u8), Vec<Atom>> = BTreeMap::new();
    for (atom, label) in atoms.iter().zip(labels) {
        by_batch.entry((*label, atom.source)).or_default().push(atom.clone());
    }
    let write = |((label, source), rows): (&(u8, u8), &Vec<Atom>)| {
        zones.tokens(&format!("b{label}-{source}"), catalog::SOURCES[usize::from(*source)], rows, &[])
    };
    by_batch.iter().map(write).collect()
}

/// Keys of persons that are whole and have nobody else's atoms stay; no key is given twice.
fn check_keys(before: &Persons, after: &Persons, ever: &mut BTreeSet<u64>) {
    let old: BTreeMap<[u8; 16], u64> = before.clone();
    for set in sets(after) {
        let key = after[set.first().unwrap()];
        let were: BTreeSet<u64> = set.iter().filter_map(|id| old.get(id)).copied().collect();
        match were.len() {
            0 => assert!(ever.insert(key), "a key was given twice"),
            1 => {
                let only = *were.first().unwrap();
                let whole = before
                    .iter()
                    .filter(|(_, key)| **key == only)
                    .all(|(id, _)| after.get(id).is_none_or(|now| *now == key));
                assert!(key == only || !whole, "a person that is whole lost its key");
                assert!(key == only || ever.insert(key));
            }
            _ => assert!(were.contains(&key) || ever.insert(key)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]

    /// In whatever batches and order the atoms come, with or without a new base between, the same persons come of it, and the same
    /// counts.
    #[test]
    fn incremental_equals_rebuild(
        (atoms, labels) in any_atoms(60).prop_flat_map(|atoms| {
            let labels = proptest::collection::vec(0..6_u8, atoms.len());
            (Just(atoms), labels)
        }),
        order in Just(()).prop_perturb(|(), mut rng| rng.next_u64()),
        small in prop_oneof![Just(0), Just(u64::MAX)],
        policy in any_policy(),
    ) {
        let zones = Zones::new();
        let mut folders = batches(&zones, &atoms, &labels);
        let whole = add_by(policy, &zones, "whole", &folders, small).unwrap();
        let turn = usize::try_from(order).unwrap_or(0) % folders.len();
        folders.rotate_left(turn);
        if order % 2 == 0 {
            folders.reverse();
        }
        let (mut before, mut ever, mut report) = (Persons::new(), BTreeSet::new(), LinkReport::default());
        for pair in folders.chunks(2) {
            report = add_by(policy, &zones, "parts", pair, small).unwrap();
            let after = persons(&zones, "parts");
            check_keys(&before, &after, &mut ever);
            before = after;
        }
        prop_assert_eq!(sets(&persons(&zones, "whole")), sets(&before));
        prop_assert_eq!(counted(&whole), counted(&report));
        let grades = |out: &str| -> BTreeMap<[u8; 16], String> {
            crosswalk(&zones.path(out), &zones.enclave).into_iter().map(|(id, (_, grade))| (id, grade)).collect()
        };
        prop_assert_eq!(grades("whole"), grades("parts"));
        let view: Persons =
            keyed_at(&zones.linkage, &zones.path("parts"), None).unwrap().into_iter().map(|row| (row.0, row.1)).collect();
        prop_assert_eq!(&view, &before);
        // A rebuild of all changes nothing, the keys neither.
        let (out, all) = (zones.path("parts"), folders.clone());
        let job = LinkJob { rebuild: true, ..LinkJob::new(&zones.linkage, &out, &all, policy) };
        let again = run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).unwrap();
        prop_assert_eq!((again.born, again.merged, again.split), (0, 0, 0));
        prop_assert_eq!(persons(&zones, "parts"), before);
    }

    /// What is forgotten might as well never have been handed over; whoever is left keeps the key.
    #[test]
    fn forgotten_equals_never_handed_over(
        (atoms, labels) in any_atoms(60).prop_flat_map(|atoms| {
            let labels = proptest::collection::vec(0..4_u8, atoms.len());
            (Just(atoms), labels)
        }),
        by_source in any::<bool>(),
        small in prop_oneof![Just(0), Just(u64::MAX)],
        policy in any_policy(),
    ) {
        let zones = Zones::new();
        let folders = batches(&zones, &atoms, &labels);
        for folder in &folders {
            add_by(policy, &zones, "link", std::slice::from_ref(folder), small).unwrap();
        }
        let before = persons(&zones, "link");
        let (gone, source) = (&atoms[0], catalog::SOURCES[usize::from(atoms[0].source)]);
        let name = format!("b{}-{}", labels[0], gone.source);
        let out = zones.path("link");
        let what = if by_source { Forgotten::Source(source) } else { Forgotten::Batch(&name) };
        let job = ForgetJob { keys: &zones.linkage, out: &out, what, policy };
        let report = forget(&job, Timestamp::UNIX_EPOCH).unwrap();
        let goes = |atom: &Atom, label: u8| atom.source == gone.source && (by_source || label == labels[0]);
        let stay = |(atom, label): &(&Atom, &u8)| !goes(atom, **label);
        let (rest, their): (Vec<Atom>, Vec<u8>) =
            atoms.iter().zip(&labels).filter(stay).map(|(atom, label)| (atom.clone(), *label)).unzip();
        let after = persons(&zones, "link");
        let left: BTreeSet<[u8; 16]> = rest.iter().map(|atom| atom.id).collect();
        prop_assert_eq!(after.keys().copied().collect::<BTreeSet<_>>(), left);
        if !rest.is_empty() {
            let folders = batches(&zones, &rest, &their);
            let never = add_by(policy, &zones, "never", &folders, small).unwrap();
            prop_assert_eq!(sets(&persons(&zones, "never")), sets(&after));
            prop_assert_eq!(never.persons, report.persons);
        }
        check_keys(&before, &after, &mut before.values().copied().collect());
        let twice = forget(&job, Timestamp::UNIX_EPOCH);
        let unheld = matches!(twice, Err(LinkError::Unheld { .. }));
        prop_assert!(unheld);
        // And what was forgotten may come again.
        if !by_source {
            let folder = folders.iter().find(|folder| folder.parent().unwrap().ends_with(&name)).unwrap();
            batches(&zones, &atoms, &labels);
            add_by(policy, &zones, "link", std::slice::from_ref(folder), small).unwrap();
            add_by(policy, &zones, "again", &folders, small).unwrap();
            prop_assert_eq!(sets(&persons(&zones, "link")), sets(&persons(&zones, "again")));
        }
    }
}

fn three(zones: &Zones) -> Vec<PathBuf> {
    let batch = |n: u8, words: &[&str]| {
        let rows: Vec<Atom> = words.iter().map(|words| atom(words)).collect();
        zones.tokens(&format!("n{n}"), "ndb", &rows, &[])
    };
    vec![
        batch(1, &["1 ndb 2020-01..2020-12 a3=a b1=yamada", "2 ndb 2020-01..2020-12 a3=b b1=suzuki"]),
        batch(2, &["3 ndb 2021-01..2021-12 a3=c b1=yamada", "4 ndb 2021-01..2021-02 a3=d"]),
        batch(3, &["5 ndb 2021-01..2021-02 a1=z a3=a b1=yamada", "6 ndb 2021-01..2021-02 a1=z a3=b b1=suzuki"]),
    ]
}

#[test]
fn a_batch_that_is_held_is_skipped_and_one_that_does_not_fit_is_refused() {
    let zones = Zones::new();
    let folders = three(&zones);
    let first = add(&zones, "link", &folders[..2], 0).unwrap();
    let marker = Marker::beside(&zones.path("link")).unwrap().1;
    let nothing = add(&zones, "link", &folders[..2], 0).unwrap();
    assert_eq!((nothing.held_already, &*nothing.events), (vec!["n1".to_owned(), "n2".to_owned()], ""));
    assert_eq!((nothing.crosswalk, Marker::beside(&zones.path("link")).unwrap().1), (first.crosswalk, marker));
    let both = add(&zones, "link", &folders[1..], 0).unwrap();
    assert_eq!((both.held_already, both.atoms, both.merged), (vec!["n2".to_owned()], 6, 1));

    let other = zones.tokens("x", "ndb", &[atom("9 ndb a3=a")], &[("sudare.batch", "n1")]);
    let atom_again = zones.tokens("y", "ndb", &[atom("1 ndb a3=a")], &[]);
    let epoch = zones.tokens("z", "ndb", &[atom("8 ndb a3=a")], &[("sudare.epoch", "other")]);
    let refused = |folder: PathBuf| add(&zones, "link", &[folder], 0);
    assert!(matches!(refused(other), Err(LinkError::Changed { .. })));
    assert!(matches!(refused(atom_again), Err(LinkError::Twice { .. })));
    assert!(matches!(refused(epoch), Err(LinkError::Mixed { what: "epoch key", .. })));
    let mut strict = policy().clone();
    strict.overlap_months_max = 0;
    let out = zones.path("link");
    let job = LinkJob::new(&zones.linkage, &out, &folders, &strict);
    // All are held: nothing is linked, by no policy.
    assert!(run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).is_ok());
    let new = [zones.tokens("w", "ndb", &[atom("7 ndb a3=a")], &[])];
    let job = LinkJob { tokens: &new, ..job };
    assert!(matches!(run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}), Err(LinkError::Mixed { .. })));
}

#[test]
fn earlier_runs_are_seen_as_long_as_they_are_held() {
    let zones = Zones::new();
    let out = zones.path("link");
    let mut then = Vec::new();
    for folder in three(&zones) {
        add(&zones, "link", &[folder], u64::MAX).unwrap();
        then.push(persons(&zones, "link"));
    }
    let at = |run| keyed_at(&zones.linkage, &out, run);
    for (run, then) in (1..).zip(&then) {
        let view = at(Some(run)).unwrap();
        assert!(view.is_sorted() && view.iter().all(|row| row.2 == 0));
        assert_eq!(&view.into_iter().map(|row| (row.0, row.1)).collect::<Persons>(), then);
    }
    assert!(matches!(at(Some(4)), Err(LinkError::Gone { run: 4, .. })));
    assert_eq!(sources_of(&zones.linkage, &out, None).unwrap(), catalog::SOURCES);
    assert!(keyed_at(&zones.enclave, &out, None).is_err());
    let more = zones.tokens("more", "infection", &[atom("9 registry b1=yamada")], &[]);
    add(&zones, "link", &[more], 0).unwrap();
    assert!(matches!(at(Some(3)), Err(LinkError::Gone { run: 3, .. })), "a new base took its place");
    assert_eq!(at(None).unwrap().len(), 7);
    assert_eq!(sources_of(&zones.linkage, &out, None).unwrap().last().unwrap(), "infection");
}

/// Keys of who was merged or divided are sealed to the enclave, and nothing of them is legible.
#[test]
fn events_name_keys_to_the_enclave_alone() {
    let zones = Zones::new();
    let mut keys = BTreeSet::new();
    for folder in three(&zones) {
        add(&zones, "link", &[folder], u64::MAX).unwrap();
        keys.extend(persons(&zones, "link").into_values());
    }
    let out = zones.path("link");
    let marker = Marker::beside(&out).unwrap().1;
    assert_eq!(marker.events.len(), 1);
    let sealed = out.join(&marker.events[0].name);
    let rows: Vec<_> = crate::seal::BatchReader::open(&sealed, &zones.enclave.seal().unwrap()).unwrap().collect();
    assert_eq!(rows[0].as_ref().unwrap().num_rows(), 1);
    assert!(crate::seal::BatchReader::open(&sealed, &zones.linkage.seal().unwrap()).is_err());
    let text = fs::read_to_string(out.join("events.jsonl")).unwrap();
    let merged = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let merged: Vec<_> = merged.filter(|line| line["event"] == "merged").collect();
    assert_eq!(merged.len(), 1);
    assert_eq!((&merged[0]["kinds"], &merged[0]["run"]), (&serde_json::json!(["a3", "b1"]), &3.into()));
    assert!(keys.iter().all(|key| !text.contains(&key.to_string()) && !text.contains(&format!("{key:016x}"))));
}

mod killed;
mod placeholders;
