//! Statements that keep rows: guarded like a query, but the rows go to the workspace's writer and nowhere else.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::datatypes::Schema;
use catalog::BucketCount;
use datafusion::common::Result;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::FutureExt;

use super::{Session, analyzed, joined, prints, stages};
use crate::answer::Reason;
use crate::error::{QueryError, Refusal, rules};
use crate::guard::kept::{self, KeptRows};
use crate::guard::statement::{Parsed, expanded_inside};
use crate::relations::{MarkExec, PERSON_KEY, RelationKind, Relations};
use crate::state;
use crate::work::{Kept, Prints, Sources, TableWriter, Unpublished};

/// Rows that are guarded and ready to be written once.
pub(crate) struct PreparedRows {
    plan: LogicalPlan,
    state: SessionState,
    kept: Kept,
    reasons: Vec<Reason>,
}

impl PreparedRows {
    /// What was read for them.
    pub(crate) fn sources(&self) -> &Sources {
        &self.kept.sources
    }

    /// Rules that cells under them are subject to.
    pub(crate) fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Visible columns.
    pub(crate) fn visible(&self) -> Schema {
        let fields = self.plan.schema().fields().iter();
        let visible = fields.filter(|field| !field.name().starts_with("__"));
        Schema::new(visible.cloned().collect::<Vec<_>>())
    }
}

impl Session {
    /// Guards a query whose rows are to be kept, or that becomes a view inside `views` others. Reads no row.
    pub(crate) async fn prepare_rows(&self, query: Parsed, views: usize) -> Result<PreparedRows, Refusal> {
        let prepared = AssertUnwindSafe(self.prepare_rows_unguarded(query, views)).catch_unwind().await;
        prepared.unwrap_or_else(|_| Err(Refusal::of(&rules::NOT_PLANNED)))
    }

    async fn prepare_rows_unguarded(&self, query: Parsed, views: usize) -> Result<PreparedRows, Refusal> {
        let parsed = expanded_inside(query, self.relations.views(), views)?;
        let planning = |error| Refusal::from_planning(&error);
        let state = state::session_state(&self.relations, &self.limits).map_err(planning)?;
        self.refuse_unknown_tables(&state, &parsed.statement)?;
        let plan = state.statement_to_plan(parsed.statement).await.map_err(planning)?;
        let plan = joined(plan, &state)?;
        let marks = self.veil_key.marks();
        let keeping = kept::keep(plan, &self.relations, &self.profile, &marks, parsed.series_rows)?;
        let plan = analyzed(keeping.plan, &state)?;
        if !plan.schema().fields().iter().all(|field| can_be_stored(&keeping.rows, field)) {
            return Err(Refusal::of(&rules::WORK_COLUMN));
        }
        let prints = prints::of(&plan, &self.relations).map_err(planning)?;
        let sources = sources(&plan, &state, &self.relations).map_err(planning)?;
        let kept = Kept { rows: keeping.rows, prints: Prints { plan: prints.plan, shape: prints.shape }, sources };
        Ok(PreparedRows { plan, state, kept, reasons: keeping.reasons })
    }

    /// Writes the rows. The error says nothing of data, whatever failed; what was written then is gone.
    pub(crate) async fn keep(&self, rows: PreparedRows, writer: TableWriter) -> Result<Unpublished, QueryError> {
        let PreparedRows { plan, state, kept, .. } = rows;
        let running = stages::keep(plan, state, (self.keeper.clone(), self.relations.clone()), writer);
        match tokio::time::timeout(self.limits.run_max, SpawnedTask::spawn(running).join()).await {
            Err(_) => Err(QueryError::TooSlow),
            // An unwind: its payload may quote data and is dropped with it.
            Ok(Err(_)) => Err(QueryError::Failed),
            Ok(Ok(written)) => written?.finish(kept),
        }
    }
}

/// Numbers, texts, dates and truth values; and the institutions, which the guard adds.
fn can_be_stored(rows: &KeptRows, field: &arrow::datatypes::Field) -> bool {
    use arrow::datatypes::DataType as Type;
    let kind = field.data_type();
    let simple = kind.is_integer()
        || kind.is_floating()
        || kind.is_string()
        || matches!(kind, Type::Boolean | Type::Date32 | Type::Decimal128(..) | Type::Timestamp(..));
    simple || rows.place_columns().any(|place| place == *field.name())
}

/// Tables of persons under a plan, with the columns that it needs after optimisation.
fn sources(plan: &LogicalPlan, state: &SessionState, relations: &Relations) -> Result<Sources> {
    let mut sources = Sources::default();
    state.optimize(plan)?.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(relation) = relations.find(&scan.table_name)
        {
            match relation.kept() {
                Some(kept) => sources.extend(&kept.sources),
                None if relation.kind() == RelationKind::Rows => {
                    sources.0.entry(relation.name().to_owned()).or_default().extend(columns(scan));
                }
                None => {}
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(sources)
}

fn columns(scan: &TableScan) -> BTreeSet<String> {
    let shown = scan.projected_schema.fields().iter().map(|field| field.name().clone());
    let filtered = scan.filters.iter().flat_map(Expr::column_refs).map(|column| column.name.clone());
    shown.chain(filtered).filter(|name| name != PERSON_KEY && !name.starts_with("__")).collect()
}

/// How many buckets the tables under a plan have: new tables are cut in the same way.
pub(super) fn buckets(plan: &Arc<dyn ExecutionPlan>) -> BucketCount {
    found_buckets(plan).unwrap_or(BucketCount::DEFAULT)
}

fn found_buckets(plan: &Arc<dyn ExecutionPlan>) -> Option<BucketCount> {
    if let Some(mark) = plan.downcast_ref::<MarkExec>()
        && mark.kind() == RelationKind::Rows
        && let Partitioning::Range(range) = plan.output_partitioning()
    {
        return u16::try_from(range.partition_count()).ok()?.try_into().ok();
    }
    plan.children().into_iter().find_map(found_buckets)
}
