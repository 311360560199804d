//! Tallies by runs and by person: the same persons, totals and sketches.

use super::*;
use crate::veil::rule::Shares;

fn groups() -> Groups {
    Groups { width: 1, dominance_n: 2, marks: PersonMarks::new(&[3; 32]), cells: Vec::new() }
}

fn rows(of: &[(u64, f64)]) -> Vec<ArrayRef> {
    vec![
        Arc::new(UInt64Array::from_iter_values(of.iter().map(|row| row.0))),
        Arc::new(Float64Array::from_iter_values(of.iter().map(|row| row.1))),
    ]
}

fn told(cells: &ArrayRef, row: usize) -> Tallied {
    tallied(cells.as_list::<i32>().value(row).as_primitive::<UInt64Type>())[0]
}

#[test]
fn totals_are_by_person_whatever_the_order() {
    let mut tally = groups();
    let values = rows(&[(1, 5.0), (1, 5.0), (2, -3.0), (1, 1.0), (3, 0.0)]);
    tally.update_batch(&values, &[0; 5], None, 1).unwrap();
    let told = told(&GroupsAccumulator::evaluate(&mut tally, EmitTo::All).unwrap(), 0);
    assert_eq!((told.counted.persons, told.counted.contributors), (3, 2));
    assert_eq!(told.counted.all, Shares { total: 14.0, top_n: 14.0, first: 11.0, second: 3.0 });
    assert!((told.counted.negative.first - 3.0).abs() < 1e-9);
    assert!((told.total - 8.0).abs() < 1e-9);
}

#[test]
fn partitions_and_cells_add_up() {
    let all = [(1, 5.0), (2, -3.0), (1, 1.0), (3, 4.0), (2, 0.5)];
    let mut whole = groups();
    whole.update_batch(&rows(&all), &[0, 1, 0, 1, 1], None, 2).unwrap();
    let whole = GroupsAccumulator::evaluate(&mut whole, EmitTo::All).unwrap();
    let mut merged = groups();
    for (part, of) in [(&all[..2], &[0, 1][..]), (&all[2..], &[0, 1, 1][..])] {
        let mut partial = groups();
        partial.update_batch(&rows(part), of, None, 2).unwrap();
        merged.merge_batch(&partial.state(EmitTo::All).unwrap(), &[0, 1], 2).unwrap();
    }
    let merged = GroupsAccumulator::evaluate(&mut merged, EmitTo::All).unwrap();
    for cell in [0, 1] {
        let (one, other) = (told(&whole, cell), told(&merged, cell));
        assert_eq!(one.counted, other.counted);
        assert!(one.who == other.who && one.what == other.what);
    }
}

#[test]
fn a_sketch_of_totals_is_the_same_however_rows_are_cut() {
    let mut one = groups();
    one.update_batch(&rows(&[(9, 0.1), (9, 0.2), (4, 7.0)]), &[0; 3], None, 1).unwrap();
    let mut other = groups();
    other.update_batch(&rows(&[(4, 7.0), (9, 0.2), (9, 0.1)]), &[0; 3], None, 1).unwrap();
    let one = told(&GroupsAccumulator::evaluate(&mut one, EmitTo::All).unwrap(), 0);
    let other = told(&GroupsAccumulator::evaluate(&mut other, EmitTo::All).unwrap(), 0);
    assert!(one.what == other.what);
}

fn one(rows: &[(u64, f64)], by_person: bool) -> Result<Tallied> {
    let counting = Counting::default();
    if by_person {
        counting.by_person();
    }
    let function = TallyFunction {
        signature: Signature::any(2, Volatility::Immutable),
        width: 1,
        dominance_n: 2,
        marks: PersonMarks::new(&[3; 32]),
        counting,
    };
    let mut cells = function.cells();
    cells.update_batch(&self::rows(&[]), &[], None, 1)?;
    for chunk in rows.chunks(3) {
        cells.update_batch(&self::rows(chunk), &vec![0; chunk.len()], None, 1)?;
    }
    let state = cells.state(EmitTo::All)?;
    let mut last = function.cells();
    last.merge_batch(&state, &[0], 1)?;
    Ok(told(&last.evaluate(EmitTo::All)?, 0))
}

proptest::proptest! {
    /// Runs against a table of persons: the same persons, sums and sketches whatever the rows.
    #[test]
    fn runs_count_exactly(mut rows in proptest::collection::vec((0_u64..40, -50_i32..200), 0..200)) {
        rows.sort_unstable_by_key(|row| row.0);
        let rows: Vec<(u64, f64)> = rows.into_iter().map(|(person, amount)| (person, f64::from(amount) / 4.0)).collect();
        let (runs, table) = (one(&rows, false).unwrap(), one(&rows, true).unwrap());
        proptest::prop_assert!(runs.who == table.who && runs.what == table.what);
        proptest::prop_assert_eq!(runs.counted, table.counted);
        proptest::prop_assert!((runs.total - table.total).abs() < 1e-6);
    }
}

#[test]
fn a_key_that_goes_back_ends_the_run() {
    assert!(one(&[(1, 1.0), (3, 1.0), (2, 1.0)], false).is_err());
    assert!(one(&[(1, 1.0), (3, 1.0), (2, 1.0)], true).is_ok());
}

#[test]
fn two_partitions_that_share_a_person_are_not_added() {
    let cells = || Runs::new(1, 2, PersonMarks::new(&[3; 32]));
    let (mut one, mut other, mut last) = (cells(), cells(), cells());
    one.update_batch(&rows(&[(1, 1.0), (4, 1.0)]), &[0, 0], None, 1).unwrap();
    other.update_batch(&rows(&[(4, 1.0), (9, 1.0)]), &[0, 0], None, 1).unwrap();
    for part in [&mut one, &mut other] {
        last.merge_batch(&part.state(EmitTo::All).unwrap(), &[0], 1).unwrap();
    }
    assert!(GroupsAccumulator::evaluate(&mut last, EmitTo::All).is_err());
}
