//! Runs a veiled plan in stages: the aggregate under each veil alone, innermost first; its cells are judged and take the
//! veil's place. What runs last, and leaves, reads judged cells and code lists only.

use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::{ExecutionPlan, collect, execute_stream};
use futures::StreamExt;

use super::keep::buckets;
use super::prints;
use crate::checker;
use crate::error::QueryError;
use crate::limits::Reading;
use crate::relations::{MarkExec, RelationKind, Relations};
use crate::veil::grade::Keeper;
use crate::veil::judge::{Judged, Sheet};
use crate::veil::plan::Veil;
use crate::veil::runs::OutOfOrder;
use crate::work::TableWriter;

/// What a plan gave.
pub(super) struct Cells {
    pub(super) batches: Vec<RecordBatch>,
    /// Cells withheld by all veils.
    pub(super) withheld: u64,
    /// Values taken from earlier answers.
    pub(super) snapped: u64,
}

/// Who settles cells, and what the plan's tables are.
type Settling = (Keeper, Relations);

/// Runs all stages of a plan.
pub(super) async fn run(plan: LogicalPlan, state: SessionState, settling: Settling) -> Result<Cells, QueryError> {
    let (mut withheld, mut snapped) = (0, 0);
    let plan = settled(plan, &state, &settling, |judged| {
        withheld += judged.withheld;
        snapped += judged.snapped;
    })
    .await?;
    let physical = planned(&plan, &state).await?;
    checker::open(&physical)?;
    let batches = collect(physical, state.task_ctx()).await.map_err(|e| QueryError::from_running(&e))?;
    Ok(Cells { batches, withheld, snapped })
}

/// Runs all stages under rows that are kept, then writes the rows. They come as one stream in the order of the person key.
pub(super) async fn keep(
    plan: LogicalPlan,
    state: SessionState,
    settling: Settling,
    mut writer: TableWriter,
) -> Result<TableWriter, QueryError> {
    let plan = settled(plan, &state, &settling, |_| ()).await?;
    let physical = planned(&plan, &state).await?;
    checker::kept(&physical)?;
    writer.begin(&physical.schema(), buckets(&physical));
    let mut rows = execute_stream(physical, state.task_ctx()).map_err(|e| QueryError::from_running(&e))?;
    while let Some(batch) = rows.next().await {
        writer.write(&batch.map_err(|e| QueryError::from_running(&e))?)?;
    }
    Ok(writer)
}

/// The plan with judged cells in the place of every veil.
async fn settled(
    mut plan: LogicalPlan,
    state: &SessionState,
    settling: &Settling,
    mut seen: impl FnMut(&Judged),
) -> Result<LogicalPlan, QueryError> {
    let reading = state.config().get_extension::<Reading>().unwrap_or_default();
    let (stages, mut number) = (veils(&plan)?, 0);
    while let Some(veil) = innermost(&plan)? {
        let judged = stage(&veil, state, settling, |buckets| reading.begin(number, stages, buckets)).await?;
        seen(&judged);
        plan = with_shown(plan, &judged)?;
        number += 1;
    }
    Ok(plan)
}

/// The cells of one veil, judged.
async fn stage(
    veil: &Veil,
    state: &SessionState,
    (keeper, relations): &Settling,
    begin: impl Fn(u64),
) -> Result<Judged, QueryError> {
    let cells = match counted(veil, state, &begin).await {
        Err(Stop::OutOfOrder) => {
            veil.spec().counting.by_person();
            counted(veil, state, &begin).await
        }
        counted => counted,
    };
    let cells = cells.map_err(|stop| match stop {
        Stop::Failed(error) => error,
        Stop::OutOfOrder => QueryError::Failed,
    })?;
    let mut sheet = Sheet::of(cells, Arc::clone(veil.spec())).map_err(|e| QueryError::from_running(&e))?;
    let prints = prints::of(veil.cells(), relations).map_err(|e| QueryError::from_running(&e))?;
    let snapped = keeper.settle(&mut sheet, prints)?;
    sheet.show(veil.schema(), snapped).map_err(|e| QueryError::from_running(&e))
}

/// Why a stage gave no cells.
enum Stop {
    Failed(QueryError),
    /// Persons cannot be counted by runs.
    OutOfOrder,
}

impl From<QueryError> for Stop {
    fn from(error: QueryError) -> Self {
        Self::Failed(error)
    }
}

/// The cells of the aggregate under a veil, with everything that was counted beside them.
async fn counted(veil: &Veil, state: &SessionState, begin: impl Fn(u64)) -> Result<RecordBatch, Stop> {
    let physical = planned(veil.cells(), state).await?;
    checker::judged(&physical)?;
    begin(buckets_read(&physical));
    let schema = physical.schema();
    let batches = collect(physical, state.task_ctx()).await.map_err(|error| {
        if let DataFusionError::External(cause) = error.find_root()
            && cause.downcast_ref::<OutOfOrder>().is_some()
        {
            return Stop::OutOfOrder;
        }
        Stop::Failed(QueryError::from_running(&error))
    })?;
    concat_batches(&schema, &batches).map_err(|_| Stop::Failed(QueryError::Failed))
}

async fn planned(plan: &LogicalPlan, state: &SessionState) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
    state.create_physical_plan(plan).await.map_err(|e| QueryError::from_running(&e))
}

/// Buckets that a plan reads.
fn buckets_read(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    if plan.downcast_ref::<MarkExec>().is_some_and(|mark| mark.kind() == RelationKind::Rows) {
        return plan.properties().output_partitioning().partition_count() as u64;
    }
    plan.children().into_iter().map(buckets_read).sum()
}

/// How many veils a plan has.
fn veils(plan: &LogicalPlan) -> Result<u64, QueryError> {
    let mut count = 0;
    let walked = plan.apply(|node| {
        count += u64::from(veil_of(node).is_some());
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map(|_| count).map_err(|e| QueryError::from_running(&e))
}

fn veil_of(plan: &LogicalPlan) -> Option<&Veil> {
    if let LogicalPlan::Extension(extension) = plan { extension.node.as_any().downcast_ref::<Veil>() } else { None }
}

/// The first veil from below: it has none under it.
fn innermost(plan: &LogicalPlan) -> Result<Option<Veil>, QueryError> {
    let mut upwards = Upwards(None);
    plan.visit(&mut upwards).map_err(|e| QueryError::from_running(&e))?;
    Ok(upwards.0)
}

struct Upwards(Option<Veil>);

impl<'n> TreeNodeVisitor<'n> for Upwards {
    type Node = LogicalPlan;

    fn f_up(&mut self, node: &'n LogicalPlan) -> Result<TreeNodeRecursion> {
        self.0 = veil_of(node).cloned();
        Ok(if self.0.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    }
}

/// Judged cells in the place of the innermost veil.
fn with_shown(plan: LogicalPlan, judged: &Judged) -> Result<LogicalPlan, QueryError> {
    let mut placed = false;
    let replaced = plan.transform_up(|node| {
        if placed || veil_of(&node).is_none() {
            return Ok(Transformed::no(node));
        }
        placed = true;
        let node = Arc::new(judged.shown.clone());
        Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })))
    });
    let placed: Result<LogicalPlan, DataFusionError> = replaced.map(|plan| plan.data);
    placed.map_err(|e| QueryError::from_running(&e))
}
