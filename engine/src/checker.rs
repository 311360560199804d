//! Looks at operators before they run, sharing no code with the guard: what leaves reads no rows, and what reads rows is an
//! aggregate that counts its persons, whose cells go to the judge and nowhere else.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::error::QueryError;
use crate::relations::{MarkExec, PERSON_KEY, RelationKind};

/// The aggregate that counts persons.
const TALLY: &str = "__sudare_tally";

/// A plan whose rows leave: no leaf of it reads rows of persons.
pub(crate) fn open(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    refuse_hidden_plans(plan)?;
    if let Some(mark) = plan.downcast_ref::<MarkExec>() {
        return match mark.kind() {
            RelationKind::Open => plan.children().into_iter().try_for_each(inside_open),
            RelationKind::Rows => Err(QueryError::Unveiled),
        };
    }
    let children = plan.children();
    if children.is_empty() && !is_known_open_leaf(plan) {
        return Err(QueryError::Unveiled);
    }
    children.into_iter().try_for_each(open)
}

/// A plan whose cells are judged: an aggregate that counts persons, perhaps under projections of columns.
pub(crate) fn judged(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let columns = projection.expr().iter().all(|part| part.expr.downcast_ref::<Column>().is_some());
        return if columns { only_child(plan, judged) } else { Err(QueryError::Unveiled) };
    }
    if plan.downcast_ref::<CoalescePartitionsExec>().is_some() || plan.downcast_ref::<CooperativeExec>().is_some() {
        return only_child(plan, judged);
    }
    let Some(aggregate) = plan.downcast_ref::<AggregateExec>() else { return Err(QueryError::Unveiled) };
    if !aggregate.aggr_expr().iter().any(|function| function.fun().name() == TALLY) {
        return Err(QueryError::Unveiled);
    }
    rows(plan)
}

/// A plan whose rows are kept inside the enclave: each has the person key, they are sorted by it, and every leaf says what it
/// reads. Whoever runs it hands the rows to a workspace's writer.
pub(crate) fn kept(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    let schema = plan.schema();
    let mut keys = schema.fields().iter().filter(|field| field.name() == PERSON_KEY);
    let one = matches!((keys.next(), keys.next()), (Some(key), None) if *key.data_type() == DataType::UInt64);
    let sorted = plan.output_ordering().is_some_and(|order| {
        let first = order.first();
        let column = first.expr.downcast_ref::<Column>();
        column.is_some_and(|column| column.name() == PERSON_KEY) && !first.options.descending
    });
    if !one || !sorted || plan.output_partitioning().partition_count() != 1 {
        return Err(QueryError::Unveiled);
    }
    if reads_persons(plan)? { rows(plan) } else { Err(QueryError::Unveiled) }
}

/// Whether a marked leaf reads rows of persons; leaves that are neither marked nor known are refused.
fn reads_persons(plan: &Arc<dyn ExecutionPlan>) -> Result<bool, QueryError> {
    if let Some(mark) = plan.downcast_ref::<MarkExec>() {
        return Ok(mark.kind() == RelationKind::Rows);
    }
    let children = plan.children();
    if children.is_empty() {
        return if is_known_open_leaf(plan) { Ok(false) } else { Err(QueryError::Unveiled) };
    }
    let mut found = false;
    for child in children {
        found |= reads_persons(child)?;
    }
    Ok(found)
}

fn only_child(
    plan: &Arc<dyn ExecutionPlan>,
    check: impl Fn(&Arc<dyn ExecutionPlan>) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    match plan.children().as_slice() {
        [child] => check(child),
        _ => Err(QueryError::Unveiled),
    }
}

/// Under an aggregate anything may be read, but plans inside expressions stay refused.
fn rows(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    refuse_hidden_plans(plan)?;
    plan.children().into_iter().try_for_each(rows)
}

fn inside_open(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    refuse_hidden_plans(plan)?;
    plan.children().into_iter().try_for_each(inside_open)
}

fn refuse_hidden_plans(plan: &Arc<dyn ExecutionPlan>) -> Result<(), QueryError> {
    if plan.downcast_ref::<ScalarSubqueryExec>().is_some() { Err(QueryError::Unveiled) } else { Ok(()) }
}

/// Leaves that hold judged cells or what the query's own text says: VALUES, generated series, nothing.
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
