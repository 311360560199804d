//! The logical node: the one point of a plan where rows become cells. Stands directly above a row-level aggregate.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::{DFSchema, DFSchemaRef, Result, internal_err, plan_err};
use datafusion::logical_expr::{Expr, InvariantLevel, LogicalPlan, UserDefinedLogicalNodeCore};

use super::observed::moments::Moment;
use super::rule::Thresholds;
use super::tally::Counting;

/// Which hidden column tells the institutions of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) struct PlaceColumn {
    pub name: String,
    /// Where it comes from the null side of an outer join: the tally of the persons who have that side.
    pub persons: Option<usize>,
}

/// What a shown aggregate is made of, by the numbers of tallies. Snapped and perturbed values are made the same way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) enum Value {
    /// Total of one tally over the total of another.
    Mean {
        /// What is averaged.
        total: usize,
        /// Over how many.
        count: usize,
    },
    /// A moment of one or two variables.
    Moment {
        /// Which.
        moment: Moment,
        /// Tallies of the rows, of each variable and its square, and of the product of two; SQL's dependent variable first.
        of: Vec<usize>,
        /// Significant digits shown.
        digits: u8,
    },
    /// Another statistic, rounded already: shown with that many significant digits, or withheld.
    Other {
        /// Significant digits.
        digits: u8,
    },
    /// How many institutions there are, by the total of a tally; rounded.
    Institutions(usize),
    /// Distinct persons of a tally.
    Persons(usize),
    /// Total of a tally.
    Total(usize),
}

impl Value {
    /// Significant digits that it is shown with; none if it is a whole number or rounded by other rules.
    pub(crate) fn digits(&self) -> Option<u8> {
        match self {
            Self::Institutions(_) | Self::Mean { .. } | Self::Persons(_) | Self::Total(_) => None,
            Self::Moment { digits, .. } | Self::Other { digits } => Some(*digits),
        }
    }
}

/// What must hold of a tally before an aggregate is shown (disclosure.md, 4a, 4b, 4f).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) enum Check {
    /// A branch of a condition: nobody or enough persons, and evenly spread where an amount is summed over it.
    Branch {
        /// Its tally.
        tally: usize,
        /// Whether nobody looks like few, because the query's own words decide who is in it (V-ZERO).
        chosen: bool,
        /// Whether dominance is asked.
        even: bool,
    },
    /// Enough contributors, evenly spread (V-MINP, V-DOM).
    Even(usize),
    /// Enough institutions have a part in it, and evenly where an amount is summed over them (V-MININST, V-DOM).
    Institutions {
        /// The tally by institution.
        tally: usize,
        /// Whether dominance is asked.
        even: bool,
    },
    /// That many persons (V-MINP; V-DOF where it is more than the profile's least).
    Persons {
        /// The tally.
        tally: usize,
        /// How many more than the profile's least.
        more: u64,
    },
    /// Persons of a row who are not in a tally are nobody or enough (V-RATIO).
    Others {
        /// The tally.
        tally: usize,
        /// As in a branch.
        chosen: bool,
    },
}

/// What decides over one visible aggregate, beyond its row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) struct CellRule {
    pub value: Value,
    pub checks: Vec<Check>,
    /// Institutions among rows with an argument.
    pub places: Vec<PlaceColumn>,
    /// Whether exact values are rounded (V-ROUNDSUM): sums and means are, counts are not.
    pub rounded: bool,
}

impl CellRule {
    /// The tally whose total is rounded, if it is shown as a sum or a mean.
    pub(crate) fn rounded_tally(&self) -> Option<usize> {
        match self.value {
            Value::Mean { total, .. } | Value::Total(total) if self.rounded => Some(total),
            Value::Institutions(_)
            | Value::Mean { .. }
            | Value::Moment { .. }
            | Value::Other { .. }
            | Value::Persons(_)
            | Value::Total(_) => None,
        }
    }
}

/// The tally of the rows: every person of a row once, with one for each row.
pub(crate) const ROWS: usize = 0;

/// A group key of two arms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) struct TwoValued {
    /// Which.
    pub key: usize,
    /// Whether it may be NULL too, beside both.
    pub null: bool,
}

/// Everything that judging needs to know.
#[derive(Clone, Debug)]
pub(crate) struct VeilSpec {
    /// How many of the first columns are group keys; beside grouping sets the last of them is the number of the set.
    pub groups: usize,
    /// Whether the cells are of several grouping sets.
    pub grouping_sets: bool,
    /// Group keys that can have two values only: the query tells who is in which arm (V-ZERO).
    pub two_valued: Vec<TwoValued>,
    /// One rule for each visible aggregate, in order; they follow the group keys.
    pub cells: Vec<CellRule>,
    /// Hidden column of all tallies.
    pub tallies: String,
    /// Hidden column of the same tallies by institution, where institutions are counted.
    pub by_place: Option<String>,
    /// Institutions of the rows.
    pub row_places: Vec<PlaceColumn>,
    /// How its tallies are counted.
    pub counting: Counting,
    /// From the profile.
    pub thresholds: Thresholds,
    /// From the profile.
    pub max_groups: u64,
}

impl VeilSpec {
    /// Visible columns: group keys and aggregates.
    pub(crate) fn visible(&self) -> usize {
        self.groups + self.cells.len()
    }

    /// All hidden columns by name.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        let cells = self.cells.iter().flat_map(|cell| cell.places.iter());
        let places = self.row_places.iter().chain(cells).map(|place| place.name.as_str());
        std::iter::once(self.tallies.as_str()).chain(self.by_place.as_deref()).chain(places)
    }

    fn identity(&self) -> (usize, &[TwoValued], &[CellRule], &str, &[PlaceColumn]) {
        (self.groups, &self.two_valued, &self.cells, &self.tallies, &self.row_places)
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

    /// The aggregate under it.
    pub(crate) fn cells(&self) -> &LogicalPlan {
        &self.cells
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
