//! The operator that merges sources of persons: per bucket, in one pass over sorted rows, one batch of each source at a time.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use catalog::BucketCount;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, ChildrenPropertiesMode, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};
use futures::{StreamExt, TryStreamExt};

use super::rules::{Aligned, keys_of};
use crate::tables::{bucket_order, bucket_partitioning};

/// Merges the granted sources of `person`. A leaf for the optimiser: its inputs are scans that must keep bucket and order.
#[derive(Debug)]
pub(crate) struct PersonMergeExec {
    sources: Arc<[&'static str]>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl PersonMergeExec {
    /// `inputs`: one a source, each with one partition a bucket, sorted by `person_key`, one row a person.
    pub(super) fn new(
        sources: Vec<&'static str>,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
        buckets: BucketCount,
    ) -> Result<Self> {
        let equivalence = EquivalenceProperties::new_with_orderings(Arc::clone(&schema), bucket_order(&schema));
        let partitioning = bucket_partitioning(&schema, buckets)?;
        let partitioning = partitioning.unwrap_or(Partitioning::UnknownPartitioning(usize::from(buckets.get())));
        let properties =
            PlanProperties::new(equivalence, partitioning, EmissionType::Incremental, Boundedness::Bounded);
        Ok(Self { sources: sources.into(), inputs, schema, properties: Arc::new(properties) })
    }
}

impl DisplayAs for PersonMergeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonMergeExec: sources=[{}]", self.sources.join(", "))
    }
}

impl ExecutionPlan for PersonMergeExec {
    fn name(&self) -> &'static str {
        "PersonMergeExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("the merge of person has no children") }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let open = |input: &Arc<dyn ExecutionPlan>| input.execute(partition, Arc::clone(&context)).map(Input::new);
        let merge = Merge {
            sources: Arc::clone(&self.sources),
            inputs: self.inputs.iter().map(open).collect::<Result<_>>()?,
            schema: Arc::clone(&self.schema),
        };
        let batches = futures::stream::try_unfold(merge, |mut merge| async move {
            Ok(merge.next().await?.map(|batch| (batch, merge)))
        });
        let stream = RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches.try_filter(|batch| std::future::ready(batch.num_rows() > 0)),
        );
        Ok(Box::pin(stream))
    }
}

/// One source's rows that are still to be merged.
struct Input {
    rows: SendableRecordBatchStream,
    held: Option<RecordBatch>,
    ended: bool,
}

impl Input {
    fn new(rows: SendableRecordBatchStream) -> Self {
        Self { rows, held: None, ended: false }
    }

    /// Holds at least one row, or has ended.
    async fn fill(&mut self) -> Result<()> {
        while self.held.as_ref().is_none_or(|held| held.num_rows() == 0) && !self.ended {
            self.held = self.rows.next().await.transpose()?;
            self.ended = self.held.is_none();
            if let Some(held) = &self.held
                && !keys_of(held)?.values().is_sorted()
            {
                return internal_err!("a source of person is not sorted by person key");
            }
        }
        Ok(())
    }

    /// The last key held; all keys up to it have been read.
    fn last_key(&self) -> Result<Option<u64>> {
        let Some(held) = &self.held else { return Ok(None) };
        Ok(keys_of(held)?.values().last().copied())
    }

    /// Takes the rows with keys up to `bound`.
    fn take(&mut self, bound: u64) -> Result<RecordBatch> {
        let Some(held) = self.held.take() else { return Ok(RecordBatch::new_empty(self.rows.schema())) };
        let count = keys_of(&held)?.values().partition_point(|key| *key <= bound);
        self.held = Some(held.slice(count, held.num_rows() - count));
        Ok(held.slice(0, count))
    }
}

struct Merge {
    sources: Arc<[&'static str]>,
    inputs: Vec<Input>,
    schema: SchemaRef,
}

impl Merge {
    /// The persons up to the least last key held; `None` when all sources have ended.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        for input in &mut self.inputs {
            input.fill().await?;
        }
        // INVARIANT: keys rise within a source, so no source can still bring a key at or below the bound.
        let mut bound = None;
        for input in &self.inputs {
            bound = match (bound, input.last_key()?) {
                (Some(one), Some(other)) => Some(u64::min(one, other)),
                (one, other) => one.or(other),
            };
        }
        let Some(bound) = bound else { return Ok(None) };
        let parts = self.inputs.iter_mut().map(|input| input.take(bound)).collect::<Result<Vec<_>>>()?;
        let aligned = Aligned::new(&self.sources, parts)?;
        let options = RecordBatchOptions::new().with_row_count(Some(aligned.persons()));
        let columns = aligned.columns(&self.schema)?;
        Ok(Some(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?))
    }
}
