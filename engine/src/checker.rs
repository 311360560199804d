//! The second look, at the operators that will run: whatever reads rows of persons stands below a veil.
//!
//! Shares no code with the guard: it knows operators and marks only.

use std::sync::Arc;

use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;

use crate::error::QueryError;
use crate::relations::{MarkExec, RelationKind};
use crate::veil::exec::VeilExec;

/// Walks from the root; fails at the first path to rows without a veil, and at any operator that hides plans in expressions.
pub(crate) fn check(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    if plan.downcast_ref::<ScalarSubqueryExec>().is_some() {
        return Err(QueryError::Unveiled);
    }
    if plan.downcast_ref::<VeilExec>().is_some() {
        return plan.children().into_iter().try_for_each(below);
    }
    if let Some(mark) = plan.downcast_ref::<MarkExec>() {
        return match mark.kind() {
            RelationKind::Open => plan.children().into_iter().try_for_each(below),
            RelationKind::Rows => Err(QueryError::Unveiled),
        };
    }
    let children = plan.children();
    if children.is_empty() && !is_known_open_leaf(plan) {
        return Err(QueryError::Unveiled);
    }
    children.into_iter().try_for_each(check)
}

/// Under a veil anything may be read, but plans inside expressions stay refused.
fn below(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    if plan.downcast_ref::<ScalarSubqueryExec>().is_some() {
        return Err(QueryError::Unveiled);
    }
    plan.children().into_iter().try_for_each(below)
}

/// Leaves that hold what the query's own text says: VALUES, generated series, nothing.
fn is_known_open_leaf(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let values = plan
        .downcast_ref::<DataSourceExec>()
        .is_some_and(|source| source.data_source().downcast_ref::<MemorySourceConfig>().is_some());
    values
        || plan.downcast_ref::<EmptyExec>().is_some()
        || plan.downcast_ref::<LazyMemoryExec>().is_some()
        || plan.downcast_ref::<PlaceholderRowExec>().is_some()
}

#[cfg(test)]
mod tests;
