//! Patterns by example and by law; `attacker` tries to undo them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::solver::{Relation, Row, System};
use super::*;

mod attacker;

const LIMIT: Duration = Duration::from_mins(1);
const ALL: [u32; 8] = [7, 6, 5, 4, 3, 2, 1, 0];

/// Persons by values of the group keys, each person once.
type Leaves = BTreeMap<Vec<u64>, u64>;

fn leaves(rows: &[&[u64]]) -> Leaves {
    let cells = rows.iter().enumerate().flat_map(|(row, cells)| {
        cells.iter().enumerate().map(move |(column, persons)| (vec![row as u64, column as u64], *persons))
    });
    cells.filter(|(_, persons)| *persons > 0).collect()
}

fn key(at: &[u64], set: u32) -> Vec<Option<u64>> {
    at.iter().enumerate().map(|(dimension, value)| (set & (1 << dimension) != 0).then_some(*value)).collect()
}

/// The answer with some grouping sets: cells under `k` persons stay back.
fn answer(leaves: &Leaves, sets: &[u32], k: u64) -> Table {
    let dimensions = leaves.keys().next().map_or(0, Vec::len);
    let mut cells = Vec::new();
    for set in sets {
        let mut sums: BTreeMap<Vec<Option<u64>>, u64> = BTreeMap::new();
        for (at, persons) in leaves {
            *sums.entry(key(at, *set)).or_default() += persons;
        }
        cells.extend(sums.into_iter().map(|(at, persons)| cell(&at, persons, k)));
    }
    Table { dimensions, cells }
}

fn cell(at: &[Option<u64>], persons: u64, k: u64) -> Cell {
    Cell { at: at.to_vec(), persons, additive: f64::from(u32::try_from(persons).unwrap()), withheld: persons < k }
}

/// The places that stay back, or nothing if the table does.
fn withheld(table: &Table, kind: Additivity, k: u64) -> Option<BTreeSet<Vec<Option<u64>>>> {
    let Protected::Pattern(pattern) = protect(table, kind, k, LIMIT) else { return None };
    assert_eq!(pattern.len(), table.cells.len());
    assert!(table.cells.iter().zip(&pattern).all(|(cell, withheld)| *withheld || !cell.withheld));
    Some(table.cells.iter().zip(pattern).filter(|(_, withheld)| *withheld).map(|(cell, _)| cell.at.clone()).collect())
}

fn at(places: &[[u64; 2]]) -> BTreeSet<Vec<Option<u64>>> {
    places.iter().map(|place| place.iter().map(|value| Some(*value)).collect()).collect()
}

fn audited(table: &Table, kind: Additivity, k: u64, back: &BTreeSet<Vec<Option<u64>>>) -> usize {
    let pattern: Vec<bool> = table.cells.iter().map(|cell| back.contains(&cell.at)).collect();
    let deadline = Deadline { started: Instant::now(), limit: LIMIT };
    audit::exposed(table, kind, k, &pattern, &Microlp, deadline).unwrap().len()
}

fn worked() -> Leaves {
    leaves(&[&[120, 4, 76], &[35, 61, 44], &[210, 52, 18]])
}

#[test]
fn worked_example_takes_the_cheapest_rectangle() {
    let table = answer(&worked(), &[3, 1, 2, 0], 10);
    assert_eq!(withheld(&table, Additivity::Sums, 10), Some(at(&[[0, 1], [0, 2], [2, 1], [2, 2]])));
}

/// The five rows of the example, by the ends of their intervals (disclosure.md, 4c).
#[test]
fn auditor_finds_the_intervals_of_the_worked_example() {
    let table = answer(&worked(), &[3, 1, 2, 0], 10);
    let cases = [
        (vec![[0, 1]], 4),
        (vec![[0, 1], [0, 0], [1, 0], [1, 1]], 65),
        (vec![[0, 1], [0, 2], [1, 1], [1, 2]], 65),
        (vec![[0, 1], [0, 0], [2, 0], [2, 1]], 56),
        (vec![[0, 1], [0, 2], [2, 1], [2, 2]], 56),
    ];
    for (back, high) in cases {
        let alone = back.len() == 1;
        assert_eq!(audited(&table, Additivity::Sums, 10, &at(&back)), usize::from(alone), "{back:?}");
        assert_eq!(audited(&table, Additivity::Sums, high, &at(&back)), usize::from(alone), "{back:?} reaches {high}");
        assert_eq!(audited(&table, Additivity::Sums, high + 1, &at(&back)), 1, "{back:?} reaches no more than {high}");
    }
}

#[test]
fn nothing_small_nothing_withheld_and_one_set_binds_nothing() {
    let table = answer(&leaves(&[&[40, 50], &[60, 70]]), &[3, 1, 2, 0], 10);
    assert_eq!(withheld(&table, Additivity::Sums, 10), Some(BTreeSet::new()));
    let table = answer(&worked(), &[3], 10);
    assert_eq!(withheld(&table, Additivity::Sums, 10), Some(at(&[[0, 1]])));
}

/// A208: with a rollup only the rows have totals.
#[test]
fn rollup_takes_a_second_cell_of_the_row_alone() {
    let table = answer(&worked(), &[3, 1, 0], 10);
    for kind in [Additivity::Sums, Additivity::DistinctPersons] {
        assert_eq!(withheld(&table, kind, 10), Some(at(&[[0, 1], [0, 2]])), "{kind:?}");
    }
}

/// Two sets without their total: both add up to the same, so one cell alone is given back.
#[test]
fn sets_without_their_total_are_one_line() {
    let table = answer(&leaves(&[&[100, 50, 3]]), &[1, 2], 10);
    let alone = BTreeSet::from([vec![None, Some(2)]]);
    assert_eq!(audited(&table, Additivity::Sums, 10, &alone), 1);
    assert_eq!(
        withheld(&table, Additivity::Sums, 10),
        Some(BTreeSet::from([vec![None, Some(1)], vec![None, Some(2)]]))
    );
}

/// The total over everything without the margins between: one equation over the whole crossing.
#[test]
fn a_grand_total_alone_is_an_equation() {
    let table = answer(&worked(), &[3, 0], 10);
    assert_eq!(withheld(&table, Additivity::Sums, 10), Some(at(&[[0, 1], [2, 2]])));
}

#[test]
fn two_small_cells_that_hold_fewer_than_k_take_a_third() {
    let table = answer(&leaves(&[&[3, 4, 30, 90]]), &[2, 0], 10);
    let back = withheld(&table, Additivity::Sums, 10).unwrap();
    assert_eq!(back, BTreeSet::from([0, 1, 2].map(|value| vec![None, Some(value)])));
}

/// One person and nine others: the one would know the nine. One person and fifty: the one learns nothing small.
#[test]
fn whoever_is_alone_in_a_cell_learns_of_no_other_small_one() {
    let back = |row: &[u64]| withheld(&answer(&leaves(&[row]), &[2, 0], 10), Additivity::Sums, 10).unwrap().len();
    assert_eq!(back(&[1, 9, 30, 90]), 3);
    assert_eq!(back(&[2, 9, 30, 90]), 2);
    assert_eq!(back(&[1, 50, 90]), 2);
}

/// Persons in several groups each: shown groups that cover the total bound a small one by nothing.
#[test]
fn distinct_persons_are_protected_as_far_as_they_bind() {
    let table = |total, parts: &[u64]| {
        let mut cells = vec![cell(&[None], total, 10)];
        cells.extend(parts.iter().enumerate().map(|(part, persons)| cell(&[Some(part as u64)], *persons, 10)));
        Table { dimensions: 1, cells }
    };
    let overlapping = table(100, &[4, 80, 70]);
    assert_eq!(withheld(&overlapping, Additivity::DistinctPersons, 10).unwrap().len(), 1);
    let nearly = table(100, &[4, 60, 38]);
    assert_eq!(audited(&nearly, Additivity::DistinctPersons, 10, &BTreeSet::from([vec![Some(0)]])), 1);
    assert_eq!(withheld(&nearly, Additivity::DistinctPersons, 10).unwrap().len(), 2);
    let exact = table(104, &[4, 60, 40]);
    assert_eq!(withheld(&exact, Additivity::DistinctPersons, 10).unwrap().len(), 2);
}

/// Where persons add up exactly, their total may be known to be the sum: two small groups then bound each other.
#[test]
fn persons_that_add_up_exactly_are_solved_as_sums() {
    let cells = [([None], 89), ([Some(0)], 4), ([Some(1)], 5), ([Some(2)], 80)];
    let table = Table { dimensions: 1, cells: cells.iter().map(|(at, persons)| cell(at, *persons, 10)).collect() };
    let both = BTreeSet::from([vec![Some(0)], vec![Some(1)]]);
    assert_eq!(audited(&table, Additivity::DistinctPersons, 10, &both), 2);
    assert_eq!(withheld(&table, Additivity::DistinctPersons, 10).unwrap().len(), 3);
}

/// Sums of either sign, of any size and with rounding in them.
#[test]
fn sums_may_be_negative_large_and_inexact() {
    let values = [[1e9 / 3.0, -2e8 / 7.0, 4e8], [0.1, 3e7, 1e9], [5e8, 6e8, 0.7]];
    let mut cells = Vec::new();
    for (row, line) in values.iter().enumerate() {
        for (column, value) in line.iter().enumerate() {
            let small = (row, column) == (0, 1) || (row, column) == (2, 2);
            cells.push(Cell {
                at: vec![Some(row as u64), Some(column as u64)],
                persons: 50,
                additive: *value,
                withheld: small,
            });
        }
        cells.push(Cell {
            at: vec![Some(row as u64), None],
            persons: 150,
            additive: line.iter().sum(),
            withheld: false,
        });
    }
    for column in 0..3 {
        let sum = values.iter().map(|line| line[column]).sum();
        cells.push(Cell { at: vec![None, Some(column as u64)], persons: 150, additive: sum, withheld: false });
    }
    let back = withheld(&Table { dimensions: 2, cells }, Additivity::Sums, 10).unwrap();
    assert!(back.len() > 3);
}

/// The pattern of the worked example fits tables in which another cell is the small one: it does not tell which it was.
#[test]
fn pattern_does_not_tell_which_cell_was_small() {
    let back = at(&[[0, 1], [0, 2], [2, 1], [2, 2]]);
    let mut small: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    let mut values = Vec::new();
    for moved in 1..=55_u64 {
        let [first, second, third, fourth] = [moved, 80 - moved, 56 - moved, 14 + moved];
        let other = leaves(&[&[120, first, second], &[35, 61, 44], &[210, third, fourth]]);
        let table = answer(&other, &[3, 1, 2, 0], 10);
        if withheld(&table, Additivity::Sums, 10).as_ref() == Some(&back) {
            values.push(first);
            let primaries = table.cells.iter().filter(|cell| cell.withheld);
            primaries.for_each(|cell| *small.entry((cell.at[0].unwrap(), cell.at[1].unwrap())).or_default() += 1);
        }
    }
    assert!(small.len() >= 2, "{small:?}");
    assert!(values.iter().any(|value| *value >= 10) && values.contains(&1) && values.contains(&4), "{values:?}");
}

#[test]
fn a_passed_deadline_withholds_the_table() {
    let table = answer(&worked(), &[3, 1, 2, 0], 10);
    assert_eq!(protect(&table, Additivity::Sums, 10, Duration::ZERO), Protected::WithholdTable);
}

#[test]
fn what_is_no_table_is_withheld() {
    let broken = |change: &dyn Fn(&mut Table)| {
        let mut table = answer(&worked(), &[3, 1, 2, 0], 10);
        change(&mut table);
        protect(&table, Additivity::Sums, 10, LIMIT)
    };
    let changes: [&dyn Fn(&mut Table); 5] = [
        &|table| table.cells[0].at.push(None),
        &|table| table.cells[0].additive = f64::NAN,
        &|table| table.cells.push(cell(&[Some(0), Some(0)], 120, 10)),
        &|table| table.cells.retain(|cell| cell.at != [Some(0), None]),
        &|table| {
            table.dimensions = 4;
            table.cells.iter_mut().for_each(|cell| cell.at.extend([None, None]));
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        assert_eq!(broken(*change), Protected::WithholdTable, "change {number}");
    }
}

/// A solver that fails must never let a table out.
#[test]
fn a_failing_solver_withholds_the_table() {
    struct Broken;
    impl Solver for Broken {
        fn minimise(&self, _: &System, _: &[(usize, f64)], _: Duration) -> Result<Vec<f64>, Unsolved> {
            Err(Unsolved)
        }
    }
    let table = answer(&worked(), &[3, 1, 2, 0], 10);
    let deadline = Deadline { started: Instant::now(), limit: LIMIT };
    assert_eq!(search(&table, Additivity::Sums, 10, &Broken, deadline), Err(Unsolved));
}

#[test]
fn solver_respects_equations_and_bounds() {
    let row = |terms, relation, right| Row { terms, relation, right };
    let system = System {
        bounds: vec![(-4.0, 100.0), (-3.0, 100.0), (0.0, 2.0)],
        rows: vec![
            row(vec![(0, 1.0), (1, 1.0)], Relation::Equal, 0.0),
            row(vec![(0, 1.0), (2, -1.0)], Relation::AtMost, 0.5),
        ],
    };
    let low = Microlp.minimise(&system, &[(0, 1.0)], LIMIT).unwrap();
    let high = Microlp.minimise(&system, &[(0, -1.0)], LIMIT).unwrap();
    assert!((low[0] + 4.0).abs() < 1e-6 && (high[0] - 2.5).abs() < 1e-6, "{low:?} {high:?}");
    assert_eq!(Microlp.minimise(&system, &[(9, 1.0)], LIMIT), Err(Unsolved));
    assert_eq!(Microlp.minimise(&System::default(), &[], LIMIT), Ok(vec![]));
}

#[test]
fn one_of_two_values_never_stands_alone() {
    assert!(lonely_arm(&[true], 2));
    assert!(lonely_arm(&[true, false], 2));
    assert!(!lonely_arm(&[true, true], 2));
    assert!(!lonely_arm(&[false, false], 2) && !lonely_arm(&[], 2));
    assert!(!lonely_arm(&[true, false], 3));
}

/// A tenth of the cells are small. The bound leaves room for a loaded machine; what was measured stands in the output.
#[test]
fn a_thousand_cells_of_a_cube_are_protected_in_time() {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut crossing = Leaves::new();
    for place in 0..9 * 9 * 9_u64 {
        let persons = if next() % 10 == 0 { 1 + next() % 9 } else { 10 + next() % 500 };
        crossing.insert(vec![place % 9, place / 9 % 9, place / 81], persons);
    }
    let table = answer(&crossing, &ALL, 10);
    let started = Instant::now();
    let protected = protect(&table, Additivity::Sums, 10, Duration::from_secs(20));
    let took = started.elapsed();
    let Protected::Pattern(pattern) = protected else { panic!("no pattern in {took:?}") };
    let (small, back) =
        (table.cells.iter().filter(|cell| cell.withheld).count(), pattern.iter().filter(|is| **is).count());
    println!("{} cells, {small} small, {back} withheld: {took:?}", table.cells.len());
    assert!(took < Duration::from_secs(10), "{took:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// In a table of two dimensions whole numbers are as good as an attacker gets: every table that fits is tried.
    #[test]
    fn enumeration_narrows_no_small_cell(counts in vec(0..9_u64, 6), sets in 0..3_usize) {
        let sets = [&[3, 1, 2, 0][..], &[3, 1, 0], &[3, 1, 2]][sets];
        let crossing = leaves(&[&counts[..3], &counts[3..]]);
        prop_assume!(!crossing.is_empty());
        let table = answer(&crossing, sets, 3);
        if let Some(back) = withheld(&table, Additivity::Sums, 3) {
            for (cell, (low, high)) in attacker::enumerate(&table, &back) {
                prop_assert!(low == 0 && high >= 3, "{cell:?}: {low} to {high} in {back:?}");
            }
        }
    }

    /// On any grouping sets over three dimensions, bounds pushed along every pair of sets never exclude nothing or `k`.
    #[test]
    fn propagation_narrows_no_small_cell(
        counts in vec(prop_oneof![0..9_u64, 10..200_u64], 27), sets in proptest::sample::subsequence(ALL.to_vec(), 1..=8),
    ) {
        let mut crossing = Leaves::new();
        for (place, persons) in (0_u64..).zip(counts).filter(|(_, persons)| *persons > 0) {
            crossing.insert(vec![place % 3, place / 3 % 3, place / 9], persons);
        }
        prop_assume!(!crossing.is_empty());
        let table = answer(&crossing, &sets, 10);
        if let Some(back) = withheld(&table, Additivity::Sums, 10) {
            for (cell, (low, high)) in attacker::propagate(&table, &back) {
                prop_assert!(low <= 1e-6 && high >= 10.0 - 1e-6, "{cell:?}: {low} to {high} in {back:?}");
            }
        }
    }

    /// Persons in one to three groups of the first key: bounds pushed along parts and totals exclude nothing either.
    #[test]
    fn overlapping_persons_stay_hidden(persons in vec((1..16_u8, 0..4_u64), 20..120)) {
        let mut crossing: BTreeMap<Vec<Option<u64>>, BTreeSet<usize>> = BTreeMap::new();
        for (person, (codes, group)) in persons.iter().enumerate() {
            for code in (0..4_u64).filter(|code| codes & (1 << code) != 0) {
                for set in 0..4_u32 {
                    crossing.entry(key(&[code, *group], set)).or_default().insert(person);
                }
            }
        }
        let cells = crossing.iter().map(|(at, persons)| cell(at, persons.len() as u64, 10)).collect();
        let table = Table { dimensions: 2, cells };
        if let Some(back) = withheld(&table, Additivity::DistinctPersons, 10) {
            for (cell, (low, high)) in attacker::propagate_persons(&table, &back) {
                prop_assert!(low <= 1e-6 && high >= 10.0 - 1e-6, "{cell:?}: {low} to {high} in {back:?}");
            }
        }
    }

    /// The pattern belongs to the table, not to the order of its rows.
    #[test]
    fn order_of_cells_changes_nothing(counts in vec(prop_oneof![1..9_u64, 10..60_u64], 9), turn in 0..16_usize) {
        let table = answer(&leaves(&[&counts[..3], &counts[3..6], &counts[6..]]), &[3, 1, 2, 0], 10);
        let before = withheld(&table, Additivity::Sums, 10);
        let mut cells = table.cells;
        cells.rotate_left(turn);
        cells.reverse();
        prop_assert_eq!(withheld(&Table { dimensions: 2, cells }, Additivity::Sums, 10), before);
    }
}
