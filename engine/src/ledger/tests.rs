//! The ledger against differencing, trackers, margins, crashes and tampering; and studies that must pass.
#![expect(clippy::unnecessary_wraps, reason = "tests: what goes wrong ends them, and figures are small")]

mod attacks;
mod durability;
mod search;
mod studies;

use jiff::civil::{Date, date};

use super::{Budgets, Ledger, LedgerError, Number, TableNumbers, Verdict};
use crate::veil::sketch::{PersonMarks, Sketch, weight};

const TODAY: Date = date(2026, 4, 1);
const BUDGETS: Budgets = Budgets { cells_a_day: 5000, variants_min: 1000, window: 30 };

/// A number over persons and what each adds.
fn total(persons: impl IntoIterator<Item = (u64, f64)>) -> Option<Number> {
    let marks = PersonMarks::new(&[3; 32]);
    let mut number = Number { sketch: Sketch::EMPTY, value: 0.0, persons: 0 };
    for (person, value) in persons {
        number.sketch.add(marks.of(person), weight(value));
        number.value += value;
        number.persons += 1;
    }
    Some(number)
}

fn count(persons: impl IntoIterator<Item = u64>) -> Option<Number> {
    total(persons.into_iter().map(|person| (person, 1.0)))
}

/// A table of one measure, grouped by columns of keys.
fn table(plan: u8, cells: Vec<Option<Number>>, keys: Vec<Vec<u64>>) -> TableNumbers {
    TableNumbers { plan: [plan; 32], shape: [plan; 32], measures: vec![cells], keys }
}

fn grouped(plan: u8, cells: Vec<Option<Number>>) -> TableNumbers {
    let keys = vec![(0..cells.len() as u64).collect()];
    table(plan, cells, keys)
}

fn ask(ledger: &mut Ledger, table: &TableNumbers) -> Vec<Verdict> {
    ledger.settle(table, &BUDGETS, TODAY).unwrap().swap_remove(0)
}

fn one(ledger: &mut Ledger, plan: u8, number: Option<Number>) -> Verdict {
    ask(ledger, &table(plan, vec![number], vec![])).swap_remove(0)
}

/// What is seen, cell by cell.
fn shown(table: &TableNumbers, verdicts: &[Verdict]) -> Vec<Option<f64>> {
    let values = table.measures[0].iter().map(|number| number.as_ref().map(|number| number.value));
    values
        .zip(verdicts)
        .map(|(value, verdict)| match verdict {
            Verdict::Fresh => value,
            Verdict::Snapped(value) => Some(*value),
            Verdict::Withheld => None,
        })
        .collect()
}
