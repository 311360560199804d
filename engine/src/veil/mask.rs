//! Which rows the FILTER of an aggregate lets through.

use arrow::array::{Array, BooleanArray};

/// Whether a mask says yes to a row: NULL and rows beyond its end are no.
pub(super) fn is_true(mask: &BooleanArray, row: usize) -> bool {
    row < mask.len() && mask.is_valid(row) && mask.value(row)
}

/// Whether a row is let through; without a filter all are.
pub(super) fn lets_through(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|mask| is_true(mask, row))
}
