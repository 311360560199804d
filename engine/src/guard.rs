//! The guard: walks a plan upwards, carries each lineage as a hidden column, puts a veil above each aggregate over rows, and
//! refuses what has no rule (DESIGN.md, "The veil"; disclosure.md, section 2).
#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;

use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    EmptyRelation, Expr, Filter, Limit, LogicalPlan, Projection, Sort, SubqueryAlias, TableScan, TableScanBuilder,
    Values, Window,
};
use policies::Profile;

use crate::answer::Reason;
use crate::error::{Refusal, rules};
use crate::functions;
use crate::relations::{RelationKind, Relations};
use crate::veil::sketch::PersonMarks;
#[cfg(test)]
pub(crate) use expression::is_allowed;
use expression::no;
use facts::{Fact, Kind, Level, Open, Place, Rows, Scope, Walked};

mod aggregate;
mod arms;
mod branches;
mod calls;
mod cells;
mod expression;
pub(crate) mod facts;
mod growth;
pub(crate) mod institutions;
mod integers;
mod join;
pub(crate) mod kept;
mod measure;
mod series;
mod sets;
pub(crate) mod statement;
mod statistics;
mod union;
mod window;

/// Nodes of a plan at most (disclosure.md, "Limits against load").
const NODES_MAX: usize = 2_000;
/// Joins of a plan at most.
const JOINS_MAX: usize = 12;
/// Row-level tables of a plan at most: each institution column has a bit of 64.
const ROW_TABLES_MAX: u32 = 64;
/// Rows of a code list, roughly, where joins of open relations are estimated.
const CODE_LIST_ROWS: u64 = 50_000;

/// Open tables whose first column does not tell their rows apart.
const SEVERAL_ROWS_A_KEY: &[&str] = &["code.phenotype", "code.population", "code.standard_population"];

/// A plan whose every row-level aggregate stands under a veil, and whose root is open.
pub(crate) struct Veiled {
    pub plan: LogicalPlan,
    pub reasons: Vec<Reason>,
}

/// Walks a plan. `series_rows`: rows of the longest generated series; `marks`: what persons are in sketches.
pub(crate) fn veil(
    plan: LogicalPlan,
    relations: &Relations,
    profile: &Profile,
    marks: &PersonMarks,
    series_rows: u64,
) -> Result<Veiled, Refusal> {
    growth::refuse(&plan)?;
    let mut guard = Guard { series_rows, ..Guard::new(relations, profile, marks) };
    let walked = guard.walk_root(plan)?;
    let mut reasons = guard.reasons;
    reasons.sort();
    reasons.dedup();
    match walked.level {
        Level::Open(_) => Ok(Veiled { plan: walked.plan, reasons }),
        Level::Rows(_) => no(&rules::ROOT),
    }
}

/// The state of one walk.
pub(crate) struct Guard<'a> {
    relations: &'a Relations,
    profile: &'a Profile,
    marks: &'a PersonMarks,
    series_rows: u64,
    reasons: Vec<Reason>,
    nodes: usize,
    joins: usize,
    row_tables: u32,
    lists: u32,
    names: usize,
    /// The aggregate that is walked next stands under another one.
    under_aggregate: bool,
}

impl<'a> Guard<'a> {
    fn new(relations: &'a Relations, profile: &'a Profile, marks: &'a PersonMarks) -> Self {
        Self {
            relations,
            profile,
            marks,
            series_rows: 0,
            reasons: Vec::new(),
            nodes: 0,
            joins: 0,
            row_tables: 0,
            lists: 0,
            names: 0,
            under_aggregate: false,
        }
    }

    /// Limits and sorts at the root are no reason of their own: rows under them are rows at the root.
    fn walk_root(&mut self, plan: LogicalPlan) -> Result<Walked, Refusal> {
        let mut inner = &plan;
        while let LogicalPlan::Limit(Limit { input, .. }) | LogicalPlan::Sort(Sort { input, .. }) = inner {
            inner = input;
        }
        if !std::ptr::eq(inner, &raw const plan) && self.walk(inner.clone())?.is_rows() {
            return no(&rules::ROOT);
        }
        *self = Guard { series_rows: self.series_rows, ..Guard::new(self.relations, self.profile, self.marks) };
        self.walk(plan)
    }

    /// One node after its inputs.
    fn walk(&mut self, plan: LogicalPlan) -> Result<Walked, Refusal> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return no(&rules::NODES);
        }
        match plan {
            LogicalPlan::Aggregate(node) => self.aggregate(node),
            LogicalPlan::EmptyRelation(node) => Ok(empty(node)),
            LogicalPlan::Filter(node) => self.filter(node),
            LogicalPlan::Join(node) => self.join(node),
            LogicalPlan::Limit(node) => self.limit(node),
            LogicalPlan::Projection(node) => self.projection(node),
            LogicalPlan::Sort(node) => self.sort(node),
            LogicalPlan::SubqueryAlias(node) => self.alias(node),
            LogicalPlan::TableScan(node) => self.scan(node),
            LogicalPlan::Union(node) => self.union(node),
            LogicalPlan::Values(node) => values(node),
            LogicalPlan::Window(node) => self.window(node),
            LogicalPlan::Analyze(_) | LogicalPlan::Explain(_) => no(&rules::EXPLAIN),
            LogicalPlan::Copy(_) => no(&rules::COPY),
            LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) => no(&rules::DDL),
            LogicalPlan::DescribeTable(_) => no(&rules::META),
            LogicalPlan::Distinct(_) => no(&rules::LIMIT),
            LogicalPlan::Extension(_) | LogicalPlan::Repartition(_) => no(&rules::NOT_SUPPORTED),
            LogicalPlan::RecursiveQuery(_) => no(&rules::RECURSION),
            LogicalPlan::Statement(_) => no(&rules::SETTING),
            LogicalPlan::Subquery(_) => no(&rules::CORRELATED),
            LogicalPlan::Unnest(_) => no(&rules::GENERATED),
        }
    }

    fn scan(&mut self, scan: TableScan) -> Result<Walked, Refusal> {
        let Some(relation) = self.relations.find(&scan.table_name) else {
            let name = scan.table_name.table().trim_end_matches("()");
            if !functions::TABLE_FUNCTIONS.contains(&name) {
                return no(&rules::NO_SUCH_TABLE);
            }
            let rows = self.series_rows;
            return Ok(Walked {
                plan: LogicalPlan::TableScan(scan),
                level: Level::Open(Open { rows, catalog: false }),
            });
        };
        if relation.kind() == RelationKind::Open {
            let catalog = !SEVERAL_ROWS_A_KEY.contains(&relation.name());
            let level = Level::Open(Open { rows: CODE_LIST_ROWS, catalog });
            return Ok(Walked { plan: LogicalPlan::TableScan(scan), level });
        }
        let table = relation.name().to_owned();
        let visible: Vec<String> = scan.projected_schema.fields().iter().map(|field| field.name().clone()).collect();
        let kept = relation.kept().cloned();
        let full = TableScanBuilder::new(scan.table_name, provider_as_source(relation.full())).build();
        let full = LogicalPlan::TableScan(full.map_err(planned)?);
        match kept {
            Some(kept) => self.carry_kept(&kept.rows, &visible, full),
            None => self.carry_person(&table, &visible, full),
        }
    }

    /// Above each scan of rows: its visible columns, the person and the institution under names of their own.
    fn carry_person(&mut self, table: &str, visible: &[String], scan: LogicalPlan) -> Result<Walked, Refusal> {
        if self.row_tables >= ROW_TABLES_MAX {
            return no(&rules::RELATIONS);
        }
        let bit = 1_u64 << self.row_tables;
        self.row_tables += 1;
        let lineage = format!("__sudare_p{bit:x}");
        let schema = Arc::clone(scan.schema());
        let mut exprs: Vec<Expr> =
            visible.iter().map(|column| facts::named(&schema, column)).collect::<Result<_, Refusal>>()?;
        let fact = |column: &String| Fact {
            kind: facts::kind_of(table, column),
            sides: bit,
            plain: true,
            values: facts::values_of(&schema, column),
            ..Fact::HIDDEN
        };
        let mut facts: Vec<Fact> = visible.iter().map(fact).collect();
        exprs.push(facts::named(&schema, crate::relations::PERSON_KEY)?.alias(&lineage));
        facts.push(Fact::HIDDEN);
        let mut places = Vec::new();
        if let Ok(facility) = facts::named(&schema, catalog::HIDDEN_FACILITY) {
            let name = format!("__sudare_f{bit:x}");
            exprs.push(facility.alias(&name));
            facts.push(Fact::HIDDEN);
            places.push(Place { name, bit, optional: false });
        }
        let plan = Projection::try_new(exprs, Arc::new(scan)).map_err(planned)?;
        let unique = facts::unique_of(table);
        let rows =
            Rows { lineage, exact: true, places, lists: Vec::new(), unique, fanout: 1, institutions: None, facts };
        Ok(Walked { plan: LogicalPlan::Projection(plan), level: Level::Rows(rows) })
    }

    fn projection(&mut self, node: Projection) -> Result<Walked, Refusal> {
        let names = NamePreserver::new_for_projection();
        let input = self.walk(Arc::unwrap_or_clone(node.input))?;
        let scope = Scope::of(&input);
        let (mut exprs, mut facts) = (Vec::new(), Vec::new());
        for expr in node.expr {
            let saved = names.save(&expr);
            let (expr, fact) = expression::output(scope, expr)?;
            exprs.push(saved.restore(expr));
            facts.push(fact);
        }
        let level = match input.level {
            Level::Open(open) => Level::Open(Open { catalog: false, ..open }),
            Level::Rows(rows) => {
                for name in rows.hidden() {
                    exprs.push(facts::named(input.plan.schema(), name)?);
                    facts.push(Fact::HIDDEN);
                }
                Level::Rows(Rows { facts, ..rows })
            }
        };
        let plan = Projection::try_new(exprs, Arc::new(input.plan)).map_err(planned)?;
        Ok(Walked { plan: LogicalPlan::Projection(plan), level })
    }

    fn filter(&mut self, node: Filter) -> Result<Walked, Refusal> {
        let input = self.walk(Arc::unwrap_or_clone(node.input))?;
        let predicate = expression::total(Scope::of(&input), node.predicate)?;
        let plan = Filter::try_new(predicate, Arc::new(input.plan)).map_err(planned)?;
        Ok(Walked { plan: LogicalPlan::Filter(plan), level: input.level })
    }

    fn alias(&mut self, node: SubqueryAlias) -> Result<Walked, Refusal> {
        let input = self.walk(Arc::unwrap_or_clone(node.input))?;
        let plan = SubqueryAlias::try_new(Arc::new(input.plan), node.alias).map_err(planned)?;
        Ok(Walked { plan: LogicalPlan::SubqueryAlias(plan), level: input.level })
    }

    /// Order among rows means nothing to an aggregate above: dropped. Among cells it stays.
    fn sort(&mut self, node: Sort) -> Result<Walked, Refusal> {
        let input = self.walk(Arc::unwrap_or_clone(node.input))?;
        if input.is_rows() {
            return if node.fetch.is_some() { no(&rules::LIMIT) } else { Ok(input) };
        }
        let scope = Scope::of(&input);
        let sorted = |mut sort: datafusion::logical_expr::SortExpr| {
            sort.expr = expression::total(scope, sort.expr)?;
            Ok(sort)
        };
        let expr = node.expr.into_iter().map(sorted).collect::<Result<_, Refusal>>()?;
        let plan = LogicalPlan::Sort(Sort { expr, input: Arc::new(input.plan), fetch: node.fetch });
        Ok(Walked { plan, level: input.level })
    }

    fn limit(&mut self, node: Limit) -> Result<Walked, Refusal> {
        let input = self.walk(Arc::unwrap_or_clone(node.input))?;
        if input.is_rows() {
            return no(&rules::LIMIT);
        }
        let plan = LogicalPlan::Limit(Limit { skip: node.skip, fetch: node.fetch, input: Arc::new(input.plan) });
        Ok(Walked { plan, level: input.level })
    }

    fn window(&mut self, node: Window) -> Result<Walked, Refusal> {
        let input = self.walk(Arc::unwrap_or_clone(node.input))?;
        window::guard(input, node.window_expr)
    }

    /// A name that no query can write, unique in this walk.
    fn hidden_name(&mut self) -> String {
        self.names += 1;
        format!("__sudare_h{}", self.names)
    }
}

impl Walked {
    pub(crate) fn is_rows(&self) -> bool {
        matches!(self.level, Level::Rows(_))
    }
}

impl Rows {
    /// Names of all hidden columns that later nodes need.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        let places = self.places.iter().map(|place| place.name.as_str());
        let institutions = self.institutions.iter().flat_map(institutions::Institutions::names);
        std::iter::once(self.lineage.as_str()).chain(places).chain(institutions)
    }

    /// Whether a fact is the lineage itself.
    pub(crate) fn holds(&self, fact: Fact) -> bool {
        self.exact && fact.kind == Kind::Key { exact: true }
    }
}

/// A planner's error while a guarded plan is built.
pub(crate) fn planned(error: DataFusionError) -> Refusal {
    let refusal = Refusal::from_planning(&error);
    drop(error);
    refusal
}

fn empty(node: EmptyRelation) -> Walked {
    Walked { plan: LogicalPlan::EmptyRelation(node), level: Level::Open(Open { rows: 1, catalog: false }) }
}

fn values(node: Values) -> Result<Walked, Refusal> {
    let rows = node.values.len() as u64;
    let scope = Scope { schema: &node.schema, facts: None };
    for expr in node.values.iter().flatten() {
        expression::total(scope, expr.clone())?;
    }
    Ok(Walked { plan: LogicalPlan::Values(node), level: Level::Open(Open { rows, catalog: false }) })
}
