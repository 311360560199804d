use super::*;
use crate::veil::rule::Shares;

fn groups() -> Groups {
    Groups { width: 1, dominance_n: 2, marks: PersonMarks::new(&[3; 32]), groups: Vec::new() }
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
