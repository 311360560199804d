//! Tests of the rules.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::atoms::Atom;
use super::super::fixture::{atom, atom_id};
use super::*;

/// Sets of atom numbers that are one person.
fn persons(atoms: &[Atom]) -> (BTreeSet<BTreeSet<u128>>, Partition) {
    let number = |id: [u8; 16]| (0..10_000).find(|number| atom_id(*number) == id).unwrap();
    let all = Atoms::new(atoms.to_vec()).unwrap();
    let partition = strong(&all, crate::link::fixture::policy(), &[]).scored(&[]);
    let mut sets: BTreeMap<u32, BTreeSet<u128>> = BTreeMap::new();
    for (id, root) in all.ids().iter().zip(&partition.roots) {
        sets.entry(*root).or_default().insert(number(*id));
    }
    (sets.into_values().collect(), partition)
}

/// `expected`: persons as `1,2 3`.
fn check(atoms: &[&str], expected: &str) {
    let atoms: Vec<Atom> = atoms.iter().map(|words| atom(words)).collect();
    let expected: BTreeSet<BTreeSet<u128>> = expected
        .split_whitespace()
        .map(|person| person.split(',').map(|number| number.parse().unwrap()).collect())
        .collect();
    assert_eq!(persons(&atoms).0, expected);
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
    check(&[before[1], after[0], after[1]], "2 3,4");
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
    check(&[right, "2 ndb 2020-02..2020-05 a3=wrong b1=wrong c2=l"], "1 2");
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
    check(&["1 ndb 2019-01..2019-12 a3=a b1=yamada d1=h", stay, "3 ehr 2020-03..2020-03 b1=suzuki d1=h"], "1 2,3");
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

fn any_atoms() -> impl Strategy<Value = Vec<Atom>> {
    let token = |kind: &'static str, many: u8| {
        proptest::option::weighted(0.6, 0..many)
            .prop_map(move |value| value.map_or(String::new(), |v| format!("{kind}={v}")))
    };
    let tokens = (
        token("a1", 6),
        token("a3", 5),
        token("b1", 3),
        token("b3", 3),
        token("b2", 3),
        token("c1", 4),
        token("d1", 4),
        token("c2", 4),
    );
    let one = (0..4_usize, 0..24_u32, 0..8_u32, tokens).prop_map(|(source, first, long, t)| {
        let month = |month: u32| format!("{}-{}", 2020 + month / 12, month % 12 + 1);
        let source = catalog::SOURCES[source];
        let months = format!("{}..{}", month(first), month(first + long));
        format!("{source} {months} {} {} {} {} {} {} {} {}", t.0, t.1, t.2, t.3, t.4, t.5, t.6, t.7)
    });
    proptest::collection::vec(one, 1..30)
        .prop_map(|all| all.iter().enumerate().map(|(number, words)| atom(&format!("{number} {words}"))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Who is one person does not depend on the order in which files are read.
    #[test]
    fn order_does_not_matter(
        (atoms, shuffled) in any_atoms().prop_flat_map(|atoms| (Just(atoms.clone()), Just(atoms).prop_shuffle()))
    ) {
        prop_assert_eq!(persons(&atoms).0, persons(&shuffled).0);
    }

    /// The same full number is one person, whatever else is said.
    #[test]
    fn one_full_number_is_never_divided(atoms in any_atoms()) {
        let all = Atoms::new(atoms).unwrap();
        let roots = strong(&all, crate::link::fixture::policy(), &[]).scored(&[]).roots;
        for kind in [Kind::A1, Kind::C1] {
            for group in &all.groups(kind) {
                let distinct: HashSet<u32> = group.iter().map(|atom| roots[*atom as usize]).collect();
                prop_assert_eq!(distinct.len(), 1);
            }
        }
    }
}
