//! What was answered, and how much of it: the same question gets the same verdicts, and budgets are counted (V-BUDGET).

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use super::decide::{Cell, Finding};
use super::record::{Mark, Record};
use super::{Budgets, LedgerError, TableNumbers, Verdict};

/// Persons of the smallest number shown that allow one more plan of the shape (disclosure.md, 4g, step 7).
const PERSONS_A_VARIANT: u64 = 10;

/// See the module.
#[derive(Default)]
pub(super) struct History {
    answers: HashMap<[u8; 32], Answer>,
    shapes: HashMap<[u8; 32], Shape>,
    days: HashMap<Date, u64>,
}

/// The last answer of a plan.
struct Answer {
    content: [u8; 32],
    marks: Vec<Mark>,
}

#[derive(Default)]
struct Shape {
    plans: HashSet<[u8; 32]>,
    smallest: Option<u64>,
}

/// Verdicts that are not `Fresh`, but for cells that came without a number.
pub(super) fn marks(cells: &[Vec<Cell>]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (measure, column) in cells.iter().enumerate() {
        for (row, cell) in column.iter().enumerate() {
            if !matches!(cell.finding, Finding::Fresh | Finding::Repeated) {
                marks.push(Mark { measure: measure as u64, row: row as u64, verdict: cell.verdict() });
            }
        }
    }
    marks
}

impl History {
    /// The verdicts of the same plan over the same numbers.
    pub(super) fn answered(&self, table: &TableNumbers, content: [u8; 32]) -> Option<Vec<Vec<Verdict>>> {
        let answer = self.answers.get(&table.plan).filter(|answer| answer.content == content)?;
        let mut verdicts: Vec<_> = table.measures.iter().map(|column| vec![Verdict::Fresh; column.len()]).collect();
        for mark in &answer.marks {
            let column = verdicts.get_mut(usize::try_from(mark.measure).ok()?)?;
            *column.get_mut(usize::try_from(mark.row).ok()?)? = mark.verdict;
        }
        Some(verdicts)
    }

    /// Whether that many fresh numbers, the smallest of so many persons, may be shown.
    pub(super) fn allows(
        &self,
        table: &TableNumbers,
        budgets: &Budgets,
        today: Date,
        fresh: u64,
        smallest: Option<u64>,
    ) -> Result<(), LedgerError> {
        let shown = self.days.get(&today).copied().unwrap_or(0);
        if shown.saturating_add(fresh) > budgets.cells_a_day {
            return Err(LedgerError::DayBudget);
        }
        let shape = self.shapes.get(&table.shape);
        let is_asked = shape.is_some_and(|shape| shape.plans.contains(&table.plan));
        let plans = shape.map_or(0, |shape| shape.plans.len() as u64) + u64::from(!is_asked);
        let smallest = shape.and_then(|shape| shape.smallest).into_iter().chain(smallest).min().unwrap_or(0);
        if !is_asked && plans > budgets.variants_min.max(smallest / PERSONS_A_VARIANT) {
            return Err(LedgerError::VariantBudget);
        }
        Ok(())
    }

    /// Counts an answer that is on disk.
    pub(super) fn remember(&mut self, record: &Record) {
        *self.days.entry(record.day).or_default() += record.fresh;
        let shape = self.shapes.entry(record.shape).or_default();
        shape.plans.insert(record.plan);
        shape.smallest = shape.smallest.into_iter().chain(record.smallest).min();
        self.answers.insert(record.plan, Answer { content: record.content, marks: record.marks.clone() });
    }
}
