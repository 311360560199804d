//! Tests of the rules.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::super::atoms::Atom;
use super::super::evidence::Pattern;
use super::super::fixture::{atom, atom_id, policy};
use super::*;

mod examples;
mod given;
mod properties;
mod slice;

/// Atoms by their numbers, and what is known of pairs of them.
#[derive(Clone, Debug, Default)]
struct Case {
    atoms: Vec<Atom>,
    verdicts: Vec<(u128, u128, bool)>,
    pairs: Vec<(u128, u128, i32)>,
}

static NUMBERS: LazyLock<BTreeMap<[u8; 16], u128>> =
    LazyLock::new(|| (0..1000).map(|number| (atom_id(number), number)).collect());

type Persons = BTreeSet<BTreeSet<u128>>;

impl Case {
    fn of(atoms: &[&str]) -> Self {
        Self { atoms: atoms.iter().map(|words| atom(words)).collect(), ..Self::default() }
    }

    fn same(mut self, a: u128, b: u128) -> Self {
        self.verdicts.push((a, b, true));
        self
    }

    fn different(mut self, a: u128, b: u128) -> Self {
        self.verdicts.push((a, b, false));
        self
    }

    fn pair(mut self, a: u128, b: u128, weight: i32) -> Self {
        self.pairs.push((a, b, weight));
        self
    }

    /// Sets of atom numbers that are one person, and the whole partition.
    fn run(&self, policy: &LinkagePolicy) -> (Persons, Partition) {
        let all = Atoms::new(self.atoms.clone()).unwrap();
        let number = |id: &[u8; 16]| NUMBERS[id];
        let places: BTreeMap<u128, u32> = all.ids().iter().map(number).zip(0..).collect();
        let two = |a: &u128, b: &u128| (places[a].min(places[b]), places[a].max(places[b]));
        let verdict = |(a, b, same): &(u128, u128, bool)| Verdict { a: two(a, b).0, b: two(a, b).1, same: *same };
        let pair = |(a, b, weight): &(u128, u128, i32)| {
            let (a, b) = two(a, b);
            ScoredPair { a, b, weight: *weight, pattern: Pattern(0) }
        };
        let verdicts: Vec<Verdict> = self.verdicts.iter().map(verdict).collect();
        let pairs: Vec<ScoredPair> = self.pairs.iter().map(pair).collect();
        let partition = strong(&all, policy, &verdicts).scored(&pairs);
        let mut sets: BTreeMap<u32, BTreeSet<u128>> = BTreeMap::new();
        for (id, root) in all.ids().iter().zip(&partition.roots) {
            sets.entry(*root).or_default().insert(number(id));
        }
        (sets.into_values().collect(), partition)
    }

    /// `expected`: persons as `1,2 3`; returns how often things were refused.
    fn is(&self, expected: &str) -> BTreeMap<&'static str, u64> {
        let (found, partition) = self.run(policy());
        assert_eq!(found, sets(expected));
        partition.vetoes
    }
}

fn sets(persons: &str) -> Persons {
    let person = |numbers: &str| numbers.split(',').map(|number| number.parse().unwrap()).collect();
    persons.split_whitespace().map(person).collect()
}

fn persons(atoms: &[Atom]) -> (Persons, Partition) {
    Case { atoms: atoms.to_vec(), ..Case::default() }.run(policy())
}

fn check(atoms: &[&str], expected: &str) {
    Case::of(atoms).is(expected);
}

#[test]
fn twins_under_one_number_stay_apart() {
    let twins = [
        "1 ndb 2020-01..2020-12 a1=n01 a3=n b1=haruto b3=haruto",
        "2 ndb 2020-01..2020-12 a1=n02 a3=n b1=minato b3=minato",
    ];
    check(&twins, "1 2");
    let unsure = "3 ndb 2020-03..2020-04 a3=n";
    check(&[twins[0], twins[1], unsure], "1 2 3");
    let as_unsure = "5 ndb 2020-07..2020-07 a3=n";
    check(&[twins[0], twins[1], unsure, as_unsure], "1 2 3 5");
    let named = "4 ehr 2020-05..2020-05 a3=n b1=minato b3=minato";
    check(&[twins[0], twins[1], named], "1 2,4");
}

#[test]
fn a_name_changed_by_marriage_goes_on_in_the_same_chart() {
    let before = ["1 ndb 2021-04..2021-06 a3=n b1=before d1=c", "2 ndb 2021-04..2021-06 a3=n b1=before"];
    let after = ["3 ndb 2021-07..2021-12 a1=n00 a3=n b1=married d1=c", "4 ndb 2021-08..2021-08 a3=n b1=married"];
    check(&[before[0], before[1], after[0], after[1]], "1,2,3,4");
    check(&[before[1], after[0], after[1]], "2,3,4");
    let at_once = "2 ndb 2021-04..2021-12 a3=n b1=before";
    check(&[at_once, after[0], after[1]], "2 3,4");
    check(&["2 ndb 2021-09..2021-09 a3=n b1=before", after[0], after[1]], "2 3,4");
    let twins =
        ["1 ndb 2021-04..2021-06 a1=n01 a3=n b1=haruto d1=c", "2 ndb 2021-07..2021-12 a1=n02 a3=n b1=minato d1=c"];
    check(&twins, "1 2");
}

#[test]
fn one_number_is_one_person_when_names_do_not_differ() {
    check(&["1 ndb 2020-01..2020-06 a3=n", "2 ndb 2020-02..2020-05 a3=n b1=haruto"], "1,2");
    check(&["1 ndb 2020-01..2020-06 a3=n b1=shiyo b3=sho", "2 ndb 2020-02..2020-05 a3=n b1=sho b3=sho"], "1,2");
    check(&["1 ndb 2020-01..2020-06 a3=n b1=typo b2=kanji", "2 ndb 2020-02..2020-05 a3=n b1=right b2=kanji"], "1,2");
    check(&["1 ndb 2020-01..2020-06 a1=n01 a3=n b1=before", "2 ndb 2020-07..2020-12 a1=n01 a3=n b1=married"], "1,2");
}

#[test]
fn a_number_of_ones_own_outlives_a_wrong_birth_date() {
    let right = "1 ndb 2020-01..2020-06 a3=n b1=yamada c2=l d1=h";
    check(&[right, "2 ndb 2020-02..2020-05 a3=wrong b1=wrong c2=l d1=h"], "1,2");
    check(&[right, "2 dpc 2020-02..2020-05 c2=l"], "1,2");
    check(&[right, "2 ndb 2020-02..2020-05 a3=wrong b1=wrong c2=l"], "1,2");
    check(&["1 ndb a3=a b1=yamada c3=i", "2 registry c3=i"], "1,2");
    check(&["1 ndb a3=a b1=yamada c3=i", "2 registry b1=suzuki c3=i"], "1 2");
}

#[test]
fn a_moved_insurer_is_joined_by_kana() {
    check(&["1 ndb 2020-01..2020-06 a3=a b1=yamada", "2 ndb 2020-07..2020-12 a3=b b1=yamada"], "1,2");
    check(&["1 ndb 2020-01..2020-06 a3=a b1=yamada", "2 ndb 2020-04..2020-12 a3=b b1=yamada"], "1,2");
    check(&["1 ndb 2020-01..2020-06 a3=a b2=yamada", "2 ndb 2020-07..2020-12 a3=b b2=yamada"], "1,2");
}

#[test]
fn namesakes_who_overlap_are_not_joined() {
    check(&["1 ndb 2020-01..2020-07 a3=a b1=yamada", "2 ndb 2020-04..2020-12 a3=b b1=yamada"], "1 2");
    check(&["1 ndb 2020-01..2020-07 a3=a b1=yamada", "2 ndb 2020-03..2020-03 a3=b b1=yamada"], "1 2");
    check(&["1 ltc 2020-01..2020-07 c1=a b1=yamada", "2 ltc 2020-04..2020-12 c1=b b1=yamada"], "1 2");
}

#[test]
fn a_care_line_runs_beside_a_medical_one() {
    check(
        &[
            "1 ndb 2020-01..2020-12 a3=a b1=yamada",
            "2 ltc 2020-01..2020-12 c1=c b1=yamada",
            "3 ltc 2020-03..2020-12 c1=c",
        ],
        "1,2,3",
    );
}

#[test]
fn who_fits_two_namesakes_stays_alone() {
    let namesakes = ["1 ndb 2020-01..2020-12 a3=a b1=yamada", "2 ndb 2020-01..2020-12 a3=b b1=yamada"];
    check(&[namesakes[0], namesakes[1], "3 ltc 2020-01..2020-12 c1=c b1=yamada"], "1 2 3");
    let next = ["3 ndb 2021-01..2021-06 a3=c b1=yamada", "4 ndb 2021-01..2021-06 a3=d b1=yamada"];
    check(&[namesakes[0], namesakes[1], next[0], next[1]], "1 2 3 4");
}

#[test]
fn of_two_namesakes_the_next_line_belongs_to_the_nearer() {
    check(
        &[
            "1 ndb 2020-01..2020-10 a3=a b1=yamada",
            "2 ndb 2020-01..2021-02 a3=b b1=yamada",
            "3 ndb 2020-11..2022-12 a3=c b1=yamada",
            "4 ndb 2021-03..2022-12 a3=d b1=yamada",
        ],
        "1,3 2,4",
    );
}

#[test]
fn a_chart_bridges_databases_unless_names_differ() {
    let stay = "2 dpc 2020-02..2020-02 d1=h";
    check(&["1 ndb 2020-01..2020-12 a3=a b1=yamada d1=h", stay, "3 ehr 2020-03..2020-03 b1=yamada d1=h"], "1,2,3");
    check(&["1 ndb 2019-01..2020-12 a3=a b1=yamada d1=h", "3 ehr 2020-03..2020-12 b1=suzuki d1=h"], "1 3");
    check(&["1 ndb 2019-01..2020-12 a3=a d1=h", "3 ndb 2020-03..2020-12 a3=b d1=h"], "1 3");
    check(&["1 ndb 2019-01..2020-12 a3=a b2=k d1=h", "3 ndb 2020-03..2020-12 a3=b b2=k d1=h"], "1,3");
}

#[test]
fn a_chart_number_that_was_given_again_joins_nobody() {
    let before = "1 ndb 2012-01..2012-12 a3=a b1=yamada d1=h";
    check(&[before, "2 dpc 2018-01..2018-02 d1=h", "3 ndb 2018-01..2018-12 a3=b b1=suzuki d1=h"], "1 2,3");
    check(&[before, "2 dpc 2017-10..2017-10 d1=h"], "1,2");
    check(&[before, "2 dpc 2017-12..2017-12 d1=h"], "1 2");
    check(&[before, "2 ehr 2018-12..2018-12 b1=yamada d1=h"], "1,2");
}

#[test]
fn a_chart_goes_on_where_a_name_ended() {
    let before = "1 ndb 2019-01..2020-12 a3=a b1=before d1=h";
    check(&[before, "2 ndb 2021-02..2022-12 a3=b b1=married d1=h"], "1,2");
    check(&[before, "2 ndb 2020-06..2022-12 a3=b b1=married d1=h"], "1 2");
    check(&[before, "2 ndb a3=b b1=married d1=h"], "1 2");
}

#[test]
fn loose_kana_joins_two_components_and_no_more() {
    let two = ["1 ndb 2020-01..2020-06 a3=a b1=shiyo b3=sho", "2 ndb 2020-07..2020-12 a3=b b1=sho b3=sho"];
    check(&two, "1,2");
    check(&[two[0], two[1], "3 ndb 2021-01..2021-06 a3=c b1=shoo b3=sho"], "1 2 3");
}

#[test]
fn hubs_are_set_aside() {
    let crowd: Vec<Atom> = (0..20).map(|n| atom(&format!("{n} ndb 2020-01..2020-02 a3=n{n} b1=unknown"))).collect();
    let (sets, partition) = persons(&crowd);
    assert_eq!(sets.len(), 20);
    assert_eq!(partition.hubs.get("b1"), Some(&1));
    let placeholder: Vec<Atom> = (0..60).map(|n| atom(&format!("{n} dpc 2020-01..2020-01 a3=n{n} d1=0000"))).collect();
    let (sets, partition) = persons(&placeholder);
    assert_eq!(sets.len(), 60);
    assert_eq!(partition.hubs.get("d1"), Some(&1));
}

#[test]
fn an_atom_twice_is_refused() {
    assert!(Atoms::new(vec![atom("1 ndb a3=a"), atom("1 ndb a3=a")]).is_err());
}

#[test]
fn a_placeholder_is_neither_a_name_nor_a_number() {
    // The placeholder's name agrees with nobody's and differs from nobody's.
    let mut words: Vec<String> = (0..250).map(|n| format!("{n} ehr b1=unknown d1=c{n}")).collect();
    words.push("900 ndb 2020-01..2020-12 a3=n b1=yamada d1=c7".to_owned());
    let atoms: Vec<Atom> = words.iter().map(|words| atom(words)).collect();
    let (found, partition) = persons(&atoms);
    assert_eq!(partition.hubs.get("b1"), Some(&1));
    assert_eq!(found.len(), 250);
    assert!(found.contains(&BTreeSet::from([7, 900])));
}

#[test]
fn a_crowd_of_forty_thousand_joins_nobody() {
    let atoms: Vec<Atom> =
        (0..40_000).map(|n| atom(&format!("{n} ndb a1=0 a2=0 a3=0 b1=0 b2=0 b3=0 c1=0 c2=0 c3=0 d1=0"))).collect();
    let all = Atoms::new(atoms).unwrap();
    let partition = strong(&all, policy(), &[]).scored(&[]);
    assert!((0..).zip(&partition.roots).all(|(atom, root): (u32, &u32)| atom == *root));
    for kind in ["a1", "a3", "b1", "b2", "b3", "c1", "c2", "c3", "d1"] {
        assert_eq!(partition.hubs.get(kind), Some(&1), "{kind}");
    }
}
