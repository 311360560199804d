//! The logical node: the one point of a plan where rows become cells. Stands directly above a row-level aggregate.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::common::{DFSchema, DFSchemaRef, Result, internal_err, plan_err};
use datafusion::logical_expr::{Expr, InvariantLevel, LogicalPlan, UserDefinedLogicalNodeCore};

use super::rule::Thresholds;

/// Which hidden column tells the institutions of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) struct PlaceColumn {
    pub name: String,
    /// Where it comes from the null side of an outer join: the hidden tally of the persons who have that side.
    pub persons: Option<String>,
}

impl PlaceColumn {
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.persons.as_deref())
    }
}

/// What decides over one visible aggregate, beyond its row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) struct CellRule {
    /// Hidden tally of the aggregate's argument; none: the row's own persons decide.
    pub tally: Option<String>,
    /// Whether dominance is asked of that tally.
    pub dominance: bool,
    /// Hidden tally of the rows without an argument: few persons there would be told by the difference (V-RATIO).
    pub rest: Option<String>,
    /// Whether the query's own words decide who is without one: then nobody there counts as few.
    pub chosen: bool,
    /// Institutions among rows with an argument.
    pub places: Vec<PlaceColumn>,
}

/// Everything the operator needs to know.
#[derive(Clone, Debug)]
pub(crate) struct VeilSpec {
    /// How many of the first columns are group keys.
    pub groups: usize,
    /// One rule for each visible aggregate, in order; they follow the group keys.
    pub cells: Vec<CellRule>,
    /// Hidden tally of the rows.
    pub row_tally: String,
    /// Institutions of the rows.
    pub row_places: Vec<PlaceColumn>,
    /// From the profile.
    pub thresholds: Thresholds,
    /// From the profile.
    pub max_groups: u64,
    /// Cells withheld in this run; shared by all veils of a plan.
    pub withheld: Arc<AtomicU64>,
}

impl VeilSpec {
    /// Visible columns: group keys and aggregates.
    pub(crate) fn visible(&self) -> usize {
        self.groups + self.cells.len()
    }

    /// All hidden columns by name.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        let cells = self.cells.iter().flat_map(|cell| {
            cell.tally
                .iter()
                .chain(&cell.rest)
                .map(String::as_str)
                .chain(cell.places.iter().flat_map(PlaceColumn::names))
        });
        let row = self.row_places.iter().flat_map(PlaceColumn::names);
        std::iter::once(self.row_tally.as_str()).chain(row).chain(cells)
    }

    fn identity(&self) -> (usize, &[CellRule], &str, &[PlaceColumn]) {
        (self.groups, &self.cells, &self.row_tally, &self.row_places)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Veil {
    cells: LogicalPlan,
    spec: Arc<VeilSpec>,
    schema: DFSchemaRef,
}

impl Veil {
    /// Over an aggregate whose first columns are visible and whose last are the hidden ones of `spec`.
    pub(crate) fn try_new(cells: LogicalPlan, spec: Arc<VeilSpec>) -> Result<Self> {
        let schema = visible_schema(cells.schema(), &spec)?;
        Ok(Self { cells, spec, schema: Arc::new(schema) })
    }

    pub(crate) fn spec(&self) -> &Arc<VeilSpec> {
        &self.spec
    }
}

impl PartialEq for Veil {
    fn eq(&self, other: &Self) -> bool {
        self.cells == other.cells && self.spec.identity() == other.spec.identity()
    }
}

impl Eq for Veil {}

impl Hash for Veil {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.cells.hash(state);
        self.spec.identity().hash(state);
    }
}

impl PartialOrd for Veil {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.cells.partial_cmp(&other.cells) {
            Some(Ordering::Equal) => self.spec.identity().partial_cmp(&other.spec.identity()),
            order => order,
        }
    }
}

impl UserDefinedLogicalNodeCore for Veil {
    fn name(&self) -> &'static str {
        "Veil"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.cells]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn check_invariants(&self, _: InvariantLevel) -> Result<()> {
        // An aggregate, or projections of columns and aliases over one: some rules put those between.
        if stands_on_aggregate(&self.cells) {
            Ok(())
        } else {
            internal_err!("an optimiser rule moved the veil away from its aggregate")
        }
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Veil: groups={}, cells={}", self.spec.groups, self.spec.cells.len())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Ok([cells]) = <[_; 1]>::try_from(inputs) else { return plan_err!("a veil has one input") };
        let spec = Arc::clone(&self.spec);
        visible_schema(cells.schema(), &spec)?;
        Ok(Self { cells, spec, schema: Arc::clone(&self.schema) })
    }
}

fn visible_schema(cells: &DFSchema, spec: &VeilSpec) -> Result<DFSchema> {
    if spec.hidden().any(|name| !cells.fields().iter().any(|field| field.name() == name)) {
        return internal_err!("the aggregate under a veil lost a hidden column");
    }
    let groups = spec.groups;
    let fields = cells.iter().take(spec.visible()).enumerate().map(|(at, (qualifier, field))| {
        // Whatever fails alone becomes NULL, so every aggregate may be NULL.
        let nullable = field.is_nullable() || at >= groups;
        (qualifier.cloned(), Arc::new(field.as_ref().clone().with_nullable(nullable)))
    });
    DFSchema::new_with_metadata(fields.collect(), cells.metadata().clone())
}

fn stands_on_aggregate(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(_) => true,
        LogicalPlan::Projection(projection) => {
            projection.expr.iter().all(|expr| matches!(expr.clone().unalias(), Expr::Column(_)))
                && stands_on_aggregate(&projection.input)
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => false,
    }
}
