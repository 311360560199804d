//! The veil: hidden aggregates that count beside each cell, the node that keeps its place, the operator that judges.

pub(crate) mod complement;
pub(crate) mod exec;
pub(crate) mod places;
pub(crate) mod plan;
pub(crate) mod rule;
pub(crate) mod sketch;
pub(crate) mod tally;
mod totals;
