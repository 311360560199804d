//! The veil: one hidden aggregate that counts beside each cell, the node that keeps its place, and the judge.

pub(crate) mod complement;
pub(crate) mod distinct;
pub(crate) mod grade;
pub(crate) mod judge;
mod mask;
pub(crate) mod observed;
pub(crate) mod places;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod rounding;
pub(crate) mod rule;
pub(crate) mod runs;
pub(crate) mod shown;
pub(crate) mod sketch;
mod sums;
pub(crate) mod tallied;
pub(crate) mod tally;
pub(crate) mod totals;
