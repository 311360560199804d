//! The veil: one hidden aggregate that counts beside each cell, the node that keeps its place, and the judge.

pub(crate) mod judge;
pub(crate) mod places;
pub(crate) mod plan;
#[cfg_attr(not(test), expect(dead_code, reason = "waits for the session's grade to reach the veil"))]
pub(crate) mod preview;
#[cfg_attr(not(test), expect(dead_code, reason = "waits for the veil to round what it shows"))]
pub(crate) mod rounding;
pub(crate) mod rule;
pub(crate) mod runs;
pub(crate) mod shown;
pub(crate) mod sketch;
mod sums;
pub(crate) mod tallied;
pub(crate) mod tally;
pub(crate) mod totals;
