//! A project's memory of the exact numbers it has seen, so that no two of them differ by a few persons (disclosure.md, 4g and 4h).
//!
//! A number is a sum of per-person totals and its [`Sketch`] is the same sum of keyed values: signed sums of numbers are signed sums
//! of sketches. One rule: what is near to a signed combination of known numbers is answered with that combination's own value,
//! whether the difference is zero or small, so that the reaction tells nothing (A041). Combinations looked at: one number, two, and
//! three of a window; the sum of a table's shown cells, and of those that share values of key columns.
//!
//! Not seen: combinations of more numbers, and multiples of a vector (`sum(3 * points)`): constant factors are to be taken out
//! before. Memory: about 650 bytes a number (sketch 256, value and origin 16, index about 360).

mod decide;
mod error;
mod history;
mod margins;
mod numbers;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

pub(crate) use self::error::LedgerError;

use self::decide::{Cell, Finding};
use self::history::History;
use self::margins::Groups;
use self::numbers::Numbers;
use self::record::{Entry, Record};
use self::store::Store;
use crate::veil::sketch::Sketch;

/// One exact number that is about to be shown.
pub(crate) struct Number {
    /// Of exactly the vector that `value` is the sum of.
    pub(crate) sketch: Sketch,
    /// The number.
    pub(crate) value: f64,
    /// Distinct persons in it.
    pub(crate) persons: u64,
}

/// What is to be shown in the place of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The number itself.
    Fresh,
    /// This value; the number may be equal to it or near to it, and nothing may tell which.
    Snapped(f64),
    /// Nothing.
    Withheld,
}

/// The numbers of one answer. Grouping sets come as one table for each set.
pub(crate) struct TableNumbers {
    /// Fingerprint of the plan.
    pub(crate) plan: [u8; 32],
    /// Fingerprint of the plan with its literals taken out.
    pub(crate) shape: [u8; 32],
    /// `[measure][row]`; nothing where it is withheld already.
    pub(crate) measures: Vec<Vec<Option<Number>>>,
    /// `[key column][row]`: hash of the key's value.
    pub(crate) keys: Vec<Vec<u64>>,
}

/// How much a project may ask (disclosure.md, V-BUDGET).
pub(crate) struct Budgets {
    /// Fresh numbers a day.
    pub(crate) cells_a_day: u64,
    /// Plans of one shape that are always allowed; 8.
    pub(crate) variants_min: u64,
    /// Most recent numbers that take part in combinations of two and three; 300. With none, tables' sums are not compared either.
    pub(crate) window: usize,
}

/// The ledger of one project. One at a time holds its file.
pub(crate) struct Ledger {
    numbers: Numbers,
    history: History,
    store: Option<Store>,
}

impl Ledger {
    /// The project's ledger in that folder, made if there is none.
    pub(crate) fn open(folder: &Path, project: &str, key: &[u8; 32]) -> Result<Self, LedgerError> {
        let mut ledger = Self::in_memory();
        let (store, records) = Store::open(folder, project, key)?;
        for record in records {
            ledger.apply(&Record::decode(&record).ok_or(LedgerError::Damaged)?)?;
        }
        ledger.store = Some(store);
        Ok(ledger)
    }

    /// A ledger that ends with its session.
    pub(crate) fn in_memory() -> Self {
        Self { numbers: Numbers::default(), history: History::default(), store: None }
    }

    /// Judges an answer's numbers, measure by measure in the order of rows, and remembers them on disk before it returns.
    ///
    /// The same plan over the same numbers gets the same verdicts as the first time, and costs no budget.
    pub(crate) fn settle(
        &mut self,
        table: &TableNumbers,
        budgets: &Budgets,
        today: Date,
    ) -> Result<Vec<Vec<Verdict>>, LedgerError> {
        let content = content_of(table);
        if let Some(verdicts) = self.history.answered(table, content) {
            return Ok(verdicts);
        }
        let start = self.numbers.len();
        let judged = self.judge(table, budgets, content, today);
        self.numbers.truncate(start);
        let (cells, record) = judged?;
        if let Some(store) = &mut self.store {
            store.append(&record.encode())?;
        }
        self.apply(&record)?;
        Ok(cells.iter().map(|row| row.iter().map(Cell::verdict).collect()).collect())
    }

    /// Leaves tentative numbers behind, which the caller takes back.
    fn judge(
        &mut self,
        table: &TableNumbers,
        budgets: &Budgets,
        content: [u8; 32],
        today: Date,
    ) -> Result<(Vec<Vec<Cell>>, Record), LedgerError> {
        let known = self.numbers.len();
        let mut cells = decide::cells(&mut self.numbers, table, budgets.window);
        let groups = Groups::of(table);
        if budgets.window > 0 {
            for measure in &mut cells {
                margins::protect(measure, &groups, &self.numbers, known);
            }
        }
        let fresh = cells.iter().flatten().filter(|cell| matches!(cell.finding, Finding::Fresh)).count() as u64;
        let smallest = cells.iter().flatten().filter(|cell| cell.is_shown()).map(|cell| cell.persons).min();
        self.history.allows(table, budgets, today, fresh, smallest)?;
        self.numbers.truncate(known);
        let record = Record {
            day: today,
            plan: table.plan,
            shape: table.shape,
            content,
            fresh,
            smallest,
            marks: history::marks(&cells),
            entries: self.entries(table, &cells, &groups),
        };
        Ok((cells, record))
    }

    /// What becomes known by showing those cells: the cells, then their sums. Leaves tentative numbers behind.
    fn entries(&mut self, table: &TableNumbers, cells: &[Vec<Cell>], groups: &Groups) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (measure, column) in cells.iter().enumerate() {
            for (row, cell) in column.iter().enumerate().filter(|(_, cell)| cell.is_shown()) {
                if self.numbers.equal(&cell.sketch).is_none() {
                    let origin = decide::origin(table, measure, row);
                    self.numbers.push(cell.sketch, cell.value, origin);
                    entries.push(Entry::Cell { sketch: cell.sketch, value: cell.value, origin });
                }
            }
        }
        for column in cells {
            for (place, sum) in margins::sums(column, groups).enumerate() {
                let Some(sum) = sum else { continue };
                let known = self.numbers.equal(&sum.sketch);
                let id = known.unwrap_or_else(|| self.numbers.push(sum.sketch, sum.value, numbers::NO_ORIGIN));
                match (known, place) {
                    (Some(_), 0) => entries.push(Entry::KnownTotal { id }),
                    (Some(_), _) => {}
                    (None, 0) => entries.push(Entry::Total { sketch: sum.sketch, value: sum.value }),
                    (None, _) => entries.push(Entry::Subtotal { sketch: sum.sketch, value: sum.value }),
                }
            }
        }
        entries
    }

    fn apply(&mut self, record: &Record) -> Result<(), LedgerError> {
        for entry in &record.entries {
            match *entry {
                Entry::Cell { sketch, value, origin } => {
                    self.numbers.push(sketch, value, origin);
                }
                Entry::KnownTotal { id } => self.numbers.note_total(id).ok_or(LedgerError::Damaged)?,
                Entry::Subtotal { sketch, value } => {
                    self.numbers.push(sketch, value, numbers::NO_ORIGIN);
                }
                Entry::Total { sketch, value } => {
                    let id = self.numbers.push(sketch, value, numbers::NO_ORIGIN);
                    self.numbers.note_total(id).ok_or(LedgerError::Damaged)?;
                }
            }
        }
        self.history.remember(record);
        Ok(())
    }
}

/// Of all that the verdicts depend on, but for what is known.
fn content_of(table: &TableNumbers) -> [u8; 32] {
    let mut hash = Sha256::new();
    for column in &table.measures {
        hash.update((column.len() as u64).to_le_bytes());
        for number in column {
            let Some(number) = number else {
                hash.update([0]);
                continue;
            };
            hash.update([1]);
            number.sketch.sums().iter().for_each(|sum| hash.update(sum.to_le_bytes()));
            hash.update(number.value.to_bits().to_le_bytes());
            hash.update(number.persons.to_le_bytes());
        }
    }
    for column in &table.keys {
        hash.update((column.len() as u64).to_le_bytes());
        for key in column {
            hash.update(key.to_le_bytes());
        }
    }
    hash.finalize().into()
}
