//! What a query gives: cells, and what may be said of those that were withheld.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use policies::Grade;
use serde::Serialize;

use crate::veil::preview::ExpectedError;

/// Cells that passed the veil, with the report on the others.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Visible columns.
    pub schema: SchemaRef,
    /// The cells.
    pub batches: Vec<RecordBatch>,
    /// Grade, band, reasons.
    pub veil: VeilReport,
}

/// The `veil` object of an answer. Says no more than disclosure.md, V-WITHHELD-BAND allows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VeilReport {
    /// 閲覧用値／確定集計値.
    pub grade: Grade,
    /// How many cells were withheld, with a keyed offset of 0 to 4.
    pub withheld: Band,
    /// How many values were taken from an earlier answer to nearly the same question (V-LEDGER-SNAP).
    pub snapped: u64,
    /// How far preview values are from the true ones; none for exact ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ExpectedError>,
    /// Rules that the plan is subject to, known before data are read; never which one fired.
    pub reasons: Vec<Reason>,
}

/// What a query reads at most, known from its plan and the releases' manifests before a row is read: rows of the tables that it
/// scans, and values, which are rows times columns.
///
/// How many rows were read depends on the data (what a condition skips), and how many a kept table has is a count that nobody
/// judged: neither is here. The rows of a release stand in the public catalog; rounded up to two digits, they do not tell two
/// releases apart that differ by one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Rows of the scanned tables, a table once for each scan.
    pub rows: u64,
    /// Values of the scanned columns.
    pub values: u64,
}

impl Cost {
    /// One more scan of so many rows and columns.
    pub(crate) fn with(self, rows: u64, columns: usize) -> Self {
        let values = rows.saturating_mul(u64::try_from(columns).unwrap_or(u64::MAX));
        Self { rows: self.rows.saturating_add(rows), values: self.values.saturating_add(values) }
    }

    /// As it leaves the enclave.
    pub(crate) fn told(self) -> Self {
        Self { rows: two_digits(self.rows), values: two_digits(self.values) }
    }
}

/// Rounded up to two significant digits.
fn two_digits(number: u64) -> u64 {
    let step = 10_u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1));
    number.div_ceil(step).saturating_mul(step)
}

/// Bands that do not tell none from few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Band {
    /// None or few.
    #[serde(rename = "0-9")]
    Few,
    /// Some.
    #[serde(rename = "10-49")]
    Some,
    /// Many.
    #[serde(rename = "50+")]
    Many,
}

impl Band {
    /// The band of a count to which the keyed offset has been added.
    pub(crate) fn of(count: u64) -> Self {
        match count {
            0..=9 => Self::Few,
            10..=49 => Self::Some,
            _ => Self::Many,
        }
    }
}

/// A rule that a plan is subject to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// V-DOM.
    Dominance,
    /// V-MININST.
    FewInstitutions,
    /// V-MINP.
    FewPersons,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_told_in_two_digits() {
        for (exact, told) in
            [(0, 0), (7, 7), (99, 99), (100, 100), (101, 110), (12_345, 13_000), (12_346, 13_000), (99_001, 100_000)]
        {
            assert_eq!(two_digits(exact), told, "{exact}");
        }
        assert_eq!(two_digits(u64::MAX), u64::MAX);
        assert_eq!(Cost::default().with(120, 2).with(5, 1), Cost { rows: 125, values: 245 });
    }
}
