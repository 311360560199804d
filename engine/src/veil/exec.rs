//! The operator: gathers the cells of one aggregate, applies the rule, and passes on visible columns only.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::{concat_batches, filter_record_batch, nullif};
use arrow::datatypes::{Float64Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::TryStreamExt;

use super::plan::{CellRule, PlaceColumn, VeilSpec};
use super::rule::Counted;
use super::tally;
use crate::error::QueryError;

/// See the module.
#[derive(Debug)]
pub(crate) struct VeilExec {
    cells: Arc<dyn ExecutionPlan>,
    spec: Arc<VeilSpec>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl VeilExec {
    /// Over the aggregate's operator; `schema`: the visible columns.
    pub(crate) fn new(cells: Arc<dyn ExecutionPlan>, spec: Arc<VeilSpec>, schema: SchemaRef) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        ));
        Self { cells, spec, schema, properties }
    }
}

impl DisplayAs for VeilExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VeilExec")
    }
}

impl ExecutionPlan for VeilExec {
    fn name(&self) -> &'static str {
        "VeilExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.cells]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([cells]) = <[_; 1]>::try_from(children) else { return internal_err!("a veil has one input") };
        Ok(Arc::new(Self::new(cells, Arc::clone(&self.spec), Arc::clone(&self.schema))))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a veil has one partition");
        }
        let input = self.cells.execute(0, context)?;
        let (spec, schema) = (Arc::clone(&self.spec), Arc::clone(&self.schema));
        let answer = async move { veil(input, &spec, schema).await };
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::once(answer))))
    }
}

/// Nothing leaves before all cells are here and judged (disclosure.md, "Side channels").
async fn veil(mut input: SendableRecordBatchStream, spec: &VeilSpec, schema: SchemaRef) -> Result<RecordBatch> {
    let input_schema = input.schema();
    let mut batches = Vec::new();
    while let Some(batch) = input.try_next().await? {
        batches.push(batch);
    }
    judge(&concat_batches(&input_schema, &batches)?, spec, schema)
}

fn judge(cells: &RecordBatch, spec: &VeilSpec, schema: SchemaRef) -> Result<RecordBatch> {
    let rows = Tallies::of(cells, &spec.row_tally)?;
    let thresholds = spec.thresholds;
    let enough = rows.passing(|counted| thresholds.enough_persons(counted.persons));
    let row_passes = and(&enough, &enough_places(cells, &spec.row_places, spec)?)?;
    let mut visible: Vec<ArrayRef> = cells.columns().iter().take(spec.groups).cloned().collect();
    // Counted before it is judged, one person's many groups would be an error that tells of this person.
    if row_passes.true_count() as u64 > spec.max_groups {
        return Err(DataFusionError::External(Box::new(QueryError::TooLarge)));
    }
    let mut withheld = 0_usize;
    for (at, rule) in spec.cells.iter().enumerate() {
        let passes = and(&row_passes, &cell_passes(cells, rule, spec)?)?;
        // In rows that pass it shows as NULL anyway.
        withheld += passes.false_count() - row_passes.false_count();
        let Some(values) = cells.columns().get(spec.groups + at) else { return internal_err!("a cell is missing") };
        visible.push(nullif(values, &arrow::compute::not(&passes)?)?);
    }
    if spec.groups == 0 || rows.persons_where_not(&row_passes) >= thresholds.min_persons {
        withheld += row_passes.false_count() * spec.cells.len().max(1);
    }
    spec.withheld.fetch_add(withheld as u64, Ordering::Relaxed);
    let options = RecordBatchOptions::new().with_row_count(Some(cells.num_rows()));
    let judged = RecordBatch::try_new_with_options(schema, visible, &options)?;
    // V-DROPROW: a group that fails is left out; without groups there is one row, with NULL for what failed.
    if spec.groups == 0 { Ok(judged) } else { Ok(filter_record_batch(&judged, &row_passes)?) }
}

fn cell_passes(cells: &RecordBatch, rule: &CellRule, spec: &VeilSpec) -> Result<BooleanArray> {
    let thresholds = spec.thresholds;
    let Some(name) = &rule.tally else { return Ok(BooleanArray::from(vec![true; cells.num_rows()])) };
    let tallies = Tallies::of(cells, name)?;
    let enough = if rule.dominance {
        tallies.passing(|counted| thresholds.even(counted))
    } else {
        tallies.passing(|counted| thresholds.enough_persons(counted.persons))
    };
    let enough = match &rule.rest {
        None => enough,
        Some(rest) => and(
            &enough,
            &Tallies::of(cells, rest)?.passing(|rest| thresholds.rest_is_safe(rest, rule.chosen, rule.dominance)),
        )?,
    };
    and(&enough, &enough_places(cells, &rule.places, spec)?)
}

fn enough_places(cells: &RecordBatch, places: &[PlaceColumn], spec: &VeilSpec) -> Result<BooleanArray> {
    let mut enough = BooleanArray::from(vec![true; cells.num_rows()]);
    for place in places {
        let Some(lists) = cells.column_by_name(&place.name).and_then(|column| column.as_list_opt::<i32>()) else {
            return internal_err!("a column of institutions is missing");
        };
        let persons = place.persons.as_ref().map(|name| Tallies::of(cells, name)).transpose()?;
        let passes = |(row, list): (usize, Option<ArrayRef>)| {
            let institutions = list.map_or(0, |list| list.len() as u64);
            let optional = persons.as_ref().map(|persons| persons.counted.get(row).map_or(0, |found| found.persons));
            spec.thresholds.enough_institutions(institutions, optional)
        };
        enough = and(&enough, &lists.iter().enumerate().map(|cell| Some(passes(cell))).collect())?;
    }
    Ok(enough)
}

/// The tallies of a hidden column, one a cell.
struct Tallies {
    counted: Vec<Counted>,
    marks: Vec<Vec<u64>>,
}

impl Tallies {
    fn of(cells: &RecordBatch, name: &str) -> Result<Self> {
        let Some(lists) = cells.column_by_name(name).and_then(|column| column.as_list_opt::<i32>()) else {
            return internal_err!("a tally is missing");
        };
        let (mut counted, mut marks) = (Vec::new(), Vec::new());
        for list in lists.iter() {
            let numbers = list.as_ref().and_then(|list| list.as_primitive_opt::<Float64Type>());
            counted.push(numbers.and_then(tally::counted).unwrap_or_default());
            marks.push(numbers.map(tally::marks).unwrap_or_default());
        }
        Ok(Self { counted, marks })
    }

    fn passing(&self, rule: impl Fn(&Counted) -> bool) -> BooleanArray {
        self.counted.iter().map(|counted| Some(rule(counted))).collect()
    }

    /// Persons in rows that do not pass, at least: one person in many rows is one.
    fn persons_where_not(&self, passes: &BooleanArray) -> u64 {
        let (mut most, mut seen) = (0, HashSet::<u64>::new());
        for (passes, (counted, marks)) in passes.iter().zip(self.counted.iter().zip(&self.marks)) {
            if passes != Some(true) {
                most = most.max(counted.persons);
                seen.extend(marks);
            }
        }
        most.max(seen.len() as u64)
    }
}

fn and(left: &BooleanArray, right: &BooleanArray) -> Result<BooleanArray> {
    Ok(arrow::compute::and(left, right)?)
}
