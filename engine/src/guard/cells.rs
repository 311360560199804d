//! An aggregate that leaves rows behind: its hidden columns, and the veil above it (DESIGN.md, rules 2 and 6).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::expr::{AggregateFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Case, Expr, Extension, LogicalPlan, lit};

use super::aggregate::{covers, function_of};
use super::expression::{no, total};
use super::facts::{self, Fact, Kind, Level, Open, Rows, Scope, Walked};
use super::{Guard, measure, planned};
use crate::answer::Reason;
use crate::error::{Refusal, rules};
use crate::functions;
use crate::veil::plan::{CellRule, PlaceColumn, Veil, VeilSpec};
use crate::veil::tally;

/// Cells of a grouped veil, roughly, where joins of open relations are estimated.
const CELLS: u64 = 3_000;

/// What is counted beside one aggregate.
struct Watched {
    /// The aggregate itself, allowed and total.
    expr: Expr,
    /// Whose total decides: the rows', or that of an amount where it is not NULL.
    amount: Amount,
    dominance: bool,
}

enum Amount {
    /// Every row counts one.
    Rows,
    /// The row's persons decide, nothing else is asked.
    RowsOnly,
    /// An amount in each row, NULL where the argument is; with what it depends on.
    Value(Expr, Fact),
}

impl Guard<'_> {
    pub(super) fn cells(
        &mut self,
        plan: LogicalPlan,
        rows: &Rows,
        groups: Vec<(Expr, Fact)>,
        aggregates: Vec<Expr>,
    ) -> Result<Walked, Refusal> {
        refuse_named_groups(&groups)?;
        let schema = Arc::clone(plan.schema());
        let scope = Scope { schema: &schema, facts: Some(&rows.facts) };
        let weighted = !covers(rows, &groups);
        let names = NamePreserver::new_for_projection();
        let (mut visible, mut hidden, mut cells) = (Vec::new(), Vec::new(), Vec::new());
        let row_tally = self.tally(&schema, rows, lit(1.0), &mut hidden)?;
        let keys = groups.iter().fold(Fact::PLAIN, |sum, (_, fact)| sum.mixed(*fact));
        let row_places = self.place_columns(&schema, rows, keys.sides, None, &mut hidden)?;
        let mut dominance = false;
        for expr in aggregates {
            let saved = names.save(&expr);
            let watched = watched(scope, rows, expr, weighted)?;
            visible.push(saved.restore(watched.expr));
            dominance |= watched.dominance;
            cells.push(match watched.amount {
                Amount::RowsOnly => {
                    CellRule { tally: None, dominance: false, rest: None, chosen: false, places: vec![] }
                }
                Amount::Rows => CellRule {
                    tally: Some(row_tally.clone()),
                    dominance: true,
                    rest: None,
                    chosen: false,
                    places: vec![],
                },
                Amount::Value(amount, fact) => {
                    let present = amount.clone().is_not_null();
                    let absent = one_where(amount.clone().is_null());
                    let rest = Some(self.tally(&schema, rows, absent, &mut hidden)?);
                    let tally = Some(self.tally(&schema, rows, amount, &mut hidden)?);
                    let places =
                        self.place_columns(&schema, rows, keys.sides | fact.sides, Some(&present), &mut hidden)?;
                    CellRule { tally, dominance: watched.dominance, rest, chosen: fact.chosen, places }
                }
            });
        }
        self.reasons.push(Reason::FewPersons);
        if dominance {
            self.reasons.push(Reason::Dominance);
        }
        if !row_places.is_empty() || cells.iter().any(|cell| !cell.places.is_empty()) {
            self.reasons.push(Reason::FewInstitutions);
        }
        let spec = self.spec(groups.len(), cells, row_tally, row_places);
        let global = groups.is_empty();
        let group_expr = groups.into_iter().map(|(expr, _)| expr).collect();
        visible.extend(hidden);
        let aggregate = Aggregate::try_new(Arc::new(plan), group_expr, visible).map_err(planned)?;
        let veil = Veil::try_new(LogicalPlan::Aggregate(aggregate), Arc::new(spec)).map_err(planned)?;
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(veil) });
        let rows = if global { 1 } else { CELLS };
        Ok(Walked { plan, level: Level::Open(Open { rows, catalog: false }) })
    }

    fn spec(&self, groups: usize, cells: Vec<CellRule>, row_tally: String, row_places: Vec<PlaceColumn>) -> VeilSpec {
        VeilSpec {
            groups,
            cells,
            row_tally,
            row_places,
            thresholds: self.profile.into(),
            max_groups: self.profile.max_groups,
            withheld: Arc::clone(&self.withheld),
        }
    }

    /// Adds a hidden tally of an amount by person; its name.
    fn tally(
        &mut self,
        schema: &datafusion::common::DFSchema,
        rows: &Rows,
        amount: Expr,
        hidden: &mut Vec<Expr>,
    ) -> Result<String, Refusal> {
        let name = self.hidden_name();
        let args = vec![facts::named(schema, &rows.lineage)?, amount];
        let function = tally::tally(self.profile.dominance_n);
        let call = AggregateFunction::new_udf(function, args, false, None, vec![], None);
        hidden.push(Expr::AggregateFunction(call).alias(&name));
        Ok(name)
    }

    /// Adds the hidden columns of institutions that are asked: all that every row has, and those of outer sides that `sides`
    /// says the cell reads.
    fn place_columns(
        &mut self,
        schema: &datafusion::common::DFSchema,
        rows: &Rows,
        sides: u64,
        present: Option<&Expr>,
        hidden: &mut Vec<Expr>,
    ) -> Result<Vec<PlaceColumn>, Refusal> {
        let mut columns = Vec::new();
        if self.profile.min_institutions == 0 {
            return Ok(columns);
        }
        for place in rows.places.iter().filter(|place| !place.optional || place.bit & sides != 0) {
            let name = self.hidden_name();
            let institution = facts::named(schema, &place.name)?;
            let there = institution.clone().is_not_null();
            hidden.push(self.places(institution, present.cloned().unwrap_or_else(|| lit(true))).alias(&name));
            let there = match present.cloned() {
                Some(present) => present.and(there),
                None => there,
            };
            let persons = if place.optional { Some(self.tally(schema, rows, one_where(there), hidden)?) } else { None };
            columns.push(PlaceColumn { name, persons });
        }
        Ok(columns)
    }
}

/// Keys and ids would be handed out as they are.
fn refuse_named_groups(groups: &[(Expr, Fact)]) -> Result<(), Refusal> {
    for (_, fact) in groups {
        match fact.kind {
            Kind::Hidden => return no(&rules::RESERVED),
            Kind::Id(_) => return no(&rules::TECHNICAL),
            Kind::Key { .. } => return no(&rules::PERSON_KEY),
            Kind::Measure | Kind::Other | Kind::Place => {}
        }
    }
    Ok(())
}

fn watched(scope: Scope<'_>, rows: &Rows, expr: Expr, weighted: bool) -> Result<Watched, Refusal> {
    let function = function_of(expr)?;
    let name = function.func.name();
    if !matches!(name, "avg" | "count" | "sum") {
        return no(refused_aggregate(name));
    }
    if function.params.filter.is_some() {
        return no(&rules::ARM);
    }
    if !function.params.order_by.is_empty() {
        return no(&rules::AGGREGATE);
    }
    if name == "count" { counted(scope, rows, function, weighted) } else { summed(scope, function, weighted) }
}

fn refused_aggregate(name: &str) -> &'static crate::error::Rule {
    if functions::QUANTILES.contains(&name) {
        &rules::POSITION
    } else if functions::MOMENTS.contains(&name) {
        &rules::MOMENTS
    } else if name == "approx_distinct" {
        &rules::DISTINCT_COUNT
    } else if name == "grouping" {
        &rules::GROUPING_SETS
    } else {
        &rules::AGGREGATE
    }
}

fn counted(scope: Scope<'_>, rows: &Rows, function: AggregateFunction, weighted: bool) -> Result<Watched, Refusal> {
    let distinct = function.params.distinct;
    if measure::counts_rows(&function) && !distinct {
        refuse_weights(weighted)?;
        return Ok(Watched { expr: Expr::AggregateFunction(function), amount: Amount::Rows, dominance: true });
    }
    let Some(fact) = measure::counted_column(scope, &function)? else { return no(&rules::ARM) };
    let key = match fact.kind {
        Kind::Hidden => return no(&rules::RESERVED),
        Kind::Key { .. } => true,
        Kind::Id(_) | Kind::Measure | Kind::Other | Kind::Place => false,
    };
    if distinct && !key {
        return no(&rules::DISTINCT_COUNT);
    }
    let amount = if distinct && rows.holds(fact) {
        Amount::RowsOnly
    } else {
        let column = function.params.args.first().cloned().unwrap_or_else(|| lit(1.0));
        Amount::Value(one_where(column.is_not_null()), fact)
    };
    if !distinct {
        refuse_weights(weighted)?;
    }
    Ok(Watched { expr: Expr::AggregateFunction(function), amount, dominance: !distinct })
}

fn summed(scope: Scope<'_>, mut function: AggregateFunction, weighted: bool) -> Result<Watched, Refusal> {
    if function.params.distinct {
        return no(&rules::AGGREGATE);
    }
    if !measure::summed_measure(scope, &function)? {
        let [arg] = function.params.args.as_slice() else { return no(&rules::DECOMP) };
        return no(if has_selector(arg) { &rules::ARM } else { &rules::DECOMP });
    }
    refuse_weights(weighted)?;
    let Some(arg) = function.params.args.pop() else { return no(&rules::DECOMP) };
    let fact = scope.column_fact(&arg)?.ok_or_else(|| Refusal::of(&rules::DECOMP))?;
    let arg = total(scope, arg)?;
    function.params.args.push(arg.clone());
    let amount = Expr::TryCast(TryCast::new(Box::new(arg), DataType::Float64));
    Ok(Watched { expr: Expr::AggregateFunction(function), amount: Amount::Value(amount, fact), dominance: true })
}

/// Whether a condition hides in an argument: only for the sentence.
fn has_selector(arg: &Expr) -> bool {
    matches!(facts::bare(arg), Expr::Case(_)) || arg.to_string().contains("CASE")
}

fn refuse_weights(weighted: bool) -> Result<(), Refusal> {
    if weighted { no(&rules::WEIGHT) } else { Ok(()) }
}

fn one_where(condition: Expr) -> Expr {
    let arm = (Box::new(condition), Box::new(lit(1.0)));
    Expr::Case(Case { expr: None, when_then_expr: vec![arm], else_expr: None })
}
