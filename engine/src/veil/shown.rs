//! Judged cells as a leaf of a plan: what stands in the place of a veil once its cells are fit to be seen.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::{DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

/// See the module. Only the judge makes one.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    cells: Arc<RecordBatch>,
    schema: DFSchemaRef,
}

impl Shown {
    /// `schema`: of the veil that these cells stand for.
    pub(super) fn new(cells: RecordBatch, schema: DFSchemaRef) -> Self {
        Self { cells: Arc::new(cells), schema }
    }

    pub(crate) fn cells(&self) -> &RecordBatch {
        &self.cells
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.cells) as usize
    }
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Shown {}

impl Hash for Shown {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl PartialOrd for Shown {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.address().partial_cmp(&other.address())
    }
}

impl UserDefinedLogicalNodeCore for Shown {
    fn name(&self) -> &'static str {
        "Shown"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        if inputs.is_empty() { Ok(self.clone()) } else { plan_err!("judged cells have no input") }
    }
}
