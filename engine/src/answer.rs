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
