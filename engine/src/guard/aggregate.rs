//! Aggregates: over cells free; over rows by person still rows (V-ROWLEVEL-ALL); over rows otherwise under a veil.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use std::sync::Arc;

use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, lit};

use super::expression::{no, total};
use super::facts::{self, Fact, Kind, Level, ListSide, Open, Place, Rows, Scope, Unique, Walked};
use super::sets::Keys;
use super::{Guard, arms, institutions, measure, planned, window};
use crate::error::{Refusal, rules};
use crate::functions::{self, text};
use crate::veil::places;

/// Grouping sets of one aggregate, roughly.
const SETS: u64 = 64;

impl Guard<'_> {
    pub(super) fn aggregate(&mut self, node: Aggregate) -> Result<Walked, Refusal> {
        let again = std::mem::replace(&mut self.under_aggregate, institutions::stands_on_aggregate(&node.input));
        let named = institutions::names_of(&node);
        let input = self.walk(Arc::unwrap_or_clone(node.input))?;
        match &input.level {
            Level::Open(open) => {
                let rows = if node.group_expr.is_empty() { 1 } else { open.rows };
                over_cells(input.plan, node.group_expr, node.aggr_expr, rows)
            }
            Level::Rows(rows) => {
                let rows = rows.clone();
                let keys = Keys::of(Scope::of(&input), node.group_expr)?;
                let by_person = keys.keys.iter().any(|(_, fact)| rows.holds(*fact));
                if again
                    && !by_person
                    && !keys.has_sets()
                    && let Some(found) = self.institutions((&input.plan, &rows), &keys.keys, &node.aggr_expr, &named)?
                {
                    return Ok(found);
                }
                match (by_person, keys.has_sets()) {
                    // With the person in some sets only, cells and rows would be one relation.
                    (true, true) => no(&rules::GROUPING_SETS),
                    (true, false) => self.by_person(input.plan, rows, keys.keys, node.aggr_expr),
                    (false, _) => self.cells(input.plan, &rows, keys, node.aggr_expr),
                }
            }
        }
    }

    /// Groups that hold the lineage: one person each. Rows stay rows.
    fn by_person(
        &mut self,
        plan: LogicalPlan,
        rows: Rows,
        groups: Vec<(Expr, Fact)>,
        aggregates: Vec<Expr>,
    ) -> Result<Walked, Refusal> {
        let scope = Scope { schema: plan.schema(), facts: Some(&rows.facts) };
        let mut facts: Vec<Fact> = groups.iter().map(|(_, fact)| *fact).collect();
        let lists = kept_lists(&rows, &mut facts);
        let weighted = !covers(&rows, &groups);
        let only_keys = groups.iter().all(|(expr, fact)| rows.holds(*fact) || expr.column_refs().is_empty());
        let unique = if only_keys { Unique::Person } else { Unique::No };
        let mut group_expr: Vec<Expr> = groups.into_iter().map(|(expr, _)| expr).collect();
        group_expr.push(facts::named(scope.schema, &rows.lineage)?);
        facts.push(Fact::HIDDEN);
        let names = NamePreserver::new_for_projection();
        let mut aggr_expr = Vec::new();
        for expr in aggregates {
            let saved = names.save(&expr);
            let (expr, fact) = per_person(scope, expr, weighted)?;
            aggr_expr.push(saved.restore(expr));
            facts.push(fact);
        }
        let mut carried = Vec::new();
        for place in &rows.places {
            let name = self.hidden_name();
            let column = facts::named(scope.schema, &place.name)?;
            aggr_expr.push(self.places(column, lit(true)).alias(&name));
            facts.push(Fact::HIDDEN);
            carried.push(Place { name, ..place.clone() });
        }
        let rows = Rows { places: carried, lists, unique, facts, ..rows };
        let plan = Aggregate::try_new(Arc::new(plan), group_expr, aggr_expr).map_err(planned)?;
        Ok(Walked { plan: LogicalPlan::Aggregate(plan), level: Level::Rows(rows) })
    }

    /// One row a person, with the institutions of its rows.
    pub(super) fn persons_of(&mut self, plan: LogicalPlan, rows: Rows) -> Result<Walked, Refusal> {
        self.by_person(plan, rows, Vec::new(), Vec::new())
    }

    /// The institutions of a group among rows where `present`.
    pub(super) fn places(&self, institution: Expr, present: Expr) -> Expr {
        // At least one, so that the hidden column tells something even where the rule is not asked.
        let enough = usize::try_from(self.profile.min_institutions).unwrap_or(usize::MAX).max(1);
        let args = vec![institution, present];
        Expr::AggregateFunction(AggregateFunction::new_udf(places::places(enough), args, false, None, vec![], None))
    }
}

/// Whether grouping makes rows count alike again: all columns of each list are among the keys.
pub(super) fn covers(rows: &Rows, groups: &[(Expr, Fact)]) -> bool {
    rows.lists.iter().all(|list| {
        let of_list = |fact: &&Fact| fact.lists == list.bit && fact.list_column.is_some();
        let mut columns: Vec<_> =
            groups.iter().map(|(_, fact)| fact).filter(of_list).map(|fact| fact.list_column).collect();
        columns.sort_unstable();
        columns.dedup();
        columns.len() == list.columns
    })
}

/// The lists that still multiply rows after a grouping by person, and the facts of the keys renumbered to them.
fn kept_lists(rows: &Rows, facts: &mut [Fact]) -> Vec<ListSide> {
    let mut kept = Vec::new();
    for list in &rows.lists {
        let mut columns = 0;
        let mut covered = true;
        for fact in facts.iter_mut().filter(|fact| fact.lists & list.bit != 0) {
            covered &= fact.list_column.is_some() && fact.lists == list.bit;
            fact.list_column = covered.then_some(columns);
            columns += 1;
        }
        if columns > 0 {
            kept.push(ListSide { bit: list.bit, columns: if covered { columns } else { ListSide::NEVER_COVERED } });
        }
    }
    kept
}

fn over_cells(input: LogicalPlan, groups: Vec<Expr>, aggregates: Vec<Expr>, rows: u64) -> Result<Walked, Refusal> {
    let schema = Arc::clone(input.schema());
    let scope = Scope { schema: &schema, facts: None };
    let names = NamePreserver::new_for_projection();
    let group = |expr: Expr| match expr {
        Expr::GroupingSet(_) => Ok(expr),
        other => {
            let saved = names.save(&other);
            Ok(saved.restore(total(scope, other)?))
        }
    };
    // Each set repeats its input's rows: a list of one row is none any more.
    let sets = groups.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)));
    let rows = if sets { rows.saturating_mul(SETS) } else { rows };
    let group_expr = groups.into_iter().map(group).collect::<Result<_, Refusal>>()?;
    let aggregate = |expr: Expr| {
        let saved = names.save(&expr);
        let function = function_of(expr)?;
        if !functions::AGGREGATES.contains(&function.func.name()) {
            return no(&rules::FUNCTION);
        }
        Ok(saved.restore(Expr::AggregateFunction(parts(scope, function)?)))
    };
    let aggr_expr = aggregates.into_iter().map(aggregate).collect::<Result<_, Refusal>>()?;
    let plan = Aggregate::try_new(Arc::new(input), group_expr, aggr_expr).map_err(planned)?;
    Ok(Walked { plan: LogicalPlan::Aggregate(plan), level: Level::Open(Open { rows, catalog: false }) })
}

/// One aggregate inside one person, and what its result is.
fn per_person(scope: Scope<'_>, expr: Expr, weighted: bool) -> Result<(Expr, Fact), Refusal> {
    let function = function_of(expr)?;
    let name = function.func.name();
    if !functions::AGGREGATES_PER_PERSON.contains(&name) {
        return no(&rules::AGGREGATE_PER_PERSON);
    }
    for arg in function.params.args.iter().skip(1) {
        if !arg.column_refs().is_empty() {
            return no(&rules::FUNCTION_ARGUMENT);
        }
    }
    let mut fact = Fact::PLAIN;
    let sorted = function.params.order_by.iter().map(|sort| &sort.expr);
    for part in function.params.args.iter().chain(function.params.filter.as_deref()).chain(sorted) {
        fact = fact.mixed(scope.mixture(part)?);
    }
    fact.values = arms::of_aggregate(scope, &function)?;
    if !weighted && measure::is_measure_per_person(scope, &function)? {
        fact.kind = Kind::Measure;
        fact.chosen = match function.params.args.as_slice() {
            [arg] if name != "count" => scope.column_fact(arg)?.is_none_or(|arg| arg.chosen),
            _ => false,
        };
    }
    if let Some(chosen) = measure::plain_per_person(scope, &function)?
        && (!weighted || matches!(name, "max" | "min"))
    {
        (fact.chosen, fact.plain) = (chosen, true);
    }
    if name == "count"
        && let Some(counted) = measure::counted_column(scope, &function)?
        && !matches!(counted.kind, Kind::Hidden)
    {
        // A key or an id may be counted as it stands.
        return match function.params.filter {
            None => Ok((Expr::AggregateFunction(function), fact)),
            Some(filter) => {
                let filter = Some(Box::new(total(scope, *filter)?));
                let params = AggregateFunctionParams { filter, ..function.params };
                Ok((Expr::AggregateFunction(AggregateFunction { params, func: function.func }), fact))
            }
        };
    }
    Ok((Expr::AggregateFunction(parts(scope, function)?), fact))
}

/// The function of an aggregate expression, without its alias.
pub(super) fn function_of(expr: Expr) -> Result<AggregateFunction, Refusal> {
    match expr {
        Expr::Alias(alias) => function_of(*alias.expr),
        Expr::AggregateFunction(function) => Ok(function),
        _ => no(&rules::NOT_SUPPORTED),
    }
}

fn parts(scope: Scope<'_>, function: AggregateFunction) -> Result<AggregateFunction, Refusal> {
    let AggregateFunction { func, params } = function;
    let args = params.args.into_iter().map(|arg| total(scope, arg)).collect::<Result<_, _>>()?;
    let args = if func.name() == "string_agg" { short_texts(args) } else { args };
    let filter = params.filter.map(|filter| total(scope, *filter).map(Box::new)).transpose()?;
    let sorted = |mut sort: datafusion::logical_expr::SortExpr| {
        sort.expr = window::ordering(scope, sort.expr)?;
        Ok(sort)
    };
    let order_by = params.order_by.into_iter().map(sorted).collect::<Result<_, Refusal>>()?;
    let params = AggregateFunctionParams { args, filter, order_by, ..params };
    Ok(AggregateFunction { func, params })
}

/// The arguments of `string_agg` with texts that are cut: levels of it cannot grow without bound (V-RES).
pub(super) fn short_texts(args: Vec<Expr>) -> Vec<Expr> {
    let cut = |(at, arg): (usize, Expr)| if at == 0 { text::join(arg, lit("")) } else { arg };
    args.into_iter().enumerate().map(cut).collect()
}
