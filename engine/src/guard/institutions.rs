//! The institution level: groups by institution that are aggregated again (disclosure.md, F6; DESIGN.md, "institution level").
//!
//! The groups stay rows of persons: each row gets the numbers of its institution beside it, and the aggregate above counts persons
//! exactly, however many institutions they visit. What is counted above takes one row of each group, or what each row adds to it.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{Cast, TryCast, WindowFunction};
use datafusion::logical_expr::{
    Aggregate, Case, Expr, ExprFunctionExt, ExprSchemable, LogicalPlan, Projection, Window, WindowFunctionDefinition,
    lit,
};

use super::aggregate::function_of;
use super::cells::{Amounts, Watched};
use super::expression::{no, total};
use super::facts::{self, Fact, Kind, Level, Rows, Scope, Unique, Walked};
use super::{Guard, measure, planned};
use crate::error::{Refusal, rules};
use crate::veil::plan::{Check, ROWS, Value};

/// What a relation of institutions carries beside its rows, by the names of hidden columns.
#[derive(Clone, Debug)]
pub(crate) struct Institutions {
    /// The institution.
    pub(crate) place: String,
    /// One in one row of each group, zero in the others.
    pub(crate) first: String,
    /// By aggregate, what a row adds to it.
    pub(crate) parts: Vec<String>,
}

impl Institutions {
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.place, &self.first].into_iter().chain(&self.parts).map(String::as_str)
    }
}

/// What one aggregate by institution is made of.
enum Part {
    /// The rows.
    Rows,
    /// The persons, each in one row.
    Persons,
    /// A measure.
    Sum(Expr),
}

/// Whether an aggregate stands on another one, with nothing between that makes or drops columns of rows.
pub(super) fn stands_on_aggregate(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(_) => true,
        LogicalPlan::Filter(node) => stands_on_aggregate(&node.input),
        LogicalPlan::Projection(node) => stands_on_aggregate(&node.input),
        LogicalPlan::SubqueryAlias(node) => stands_on_aggregate(&node.input),
        _ => false,
    }
}

/// What each aggregate is made of; none if one of them is of another kind, and the groups become cells at once.
fn parts_of(scope: Scope<'_>, rows: &Rows, aggregates: &[Expr]) -> Result<Option<Vec<Part>>, Refusal> {
    let mut parts = Vec::new();
    for expr in aggregates {
        let function = function_of(expr.clone())?;
        let params = &function.params;
        if params.filter.is_some() || !params.order_by.is_empty() {
            return Ok(None);
        }
        let person = measure::counted_column(scope, &function)?.is_some_and(|fact| rows.holds(fact));
        parts.push(match (function.func.name(), params.distinct, params.args.as_slice()) {
            ("count", false, _) if measure::counts_rows(&function) => Part::Rows,
            ("count", true, _) if person => Part::Persons,
            ("sum", false, [arg]) if measure::summed_measure(scope, &function)? => {
                Part::Sum(total(scope, arg.clone())?)
            }
            _ => return Ok(None),
        });
    }
    Ok(Some(parts))
}

/// The key that is the institution of each row, where the rows have one and nothing repeats them.
fn place_of<'k>(scope: Scope<'_>, rows: &Rows, keys: &'k [(Expr, Fact)]) -> Option<&'k Expr> {
    let [place] = rows.places.as_slice() else { return None };
    let whole = rows.exact && rows.lists.is_empty() && !place.optional && rows.institutions.is_none();
    let own = |(expr, fact): &&(Expr, Fact)| {
        fact.kind == Kind::Place
            && fact.plain
            && fact.sides == place.bit
            && matches!(facts::bare(expr), Expr::Column(_))
            && expr.get_type(scope.schema).is_ok_and(|found| found.is_unsigned_integer())
    };
    keys.iter().find(own).filter(|_| whole).map(|(expr, _)| expr)
}

impl Guard<'_> {
    /// Rows with the numbers of their institutions; none where the groups are no institutions. `named`: the aggregate's own
    /// schema, whose names the nodes above use.
    pub(super) fn institutions(
        &mut self,
        (plan, rows): (&LogicalPlan, &Rows),
        keys: &[(Expr, Fact)],
        aggregates: &[Expr],
        named: &DFSchema,
    ) -> Result<Option<Walked>, Refusal> {
        let scope = Scope { schema: plan.schema(), facts: Some(&rows.facts) };
        let Some(place) = place_of(scope, rows, keys) else { return Ok(None) };
        let Some(parts) = parts_of(scope, rows, aggregates)? else { return Ok(None) };
        let place = Expr::Cast(Cast::new(Box::new(unaliased(place)), DataType::UInt64));
        let names = Institutions {
            place: self.hidden_name(),
            first: self.hidden_name(),
            parts: parts.iter().map(|_| self.hidden_name()).collect(),
        };
        let mut columns = vec![place.alias(&names.place)];
        let mut groups = Vec::new();
        for (key, _) in keys {
            let name = self.hidden_name();
            columns.push(unaliased(key).alias(&name));
            groups.push(name);
        }
        for (part, name) in parts.iter().zip(&names.parts) {
            columns.extend(match part {
                Part::Rows => Some(lit(1_i64).alias(name)),
                Part::Persons => None,
                Part::Sum(amount) => Some(amount.clone().alias(name)),
            });
        }
        let mut carried: Vec<String> = rows.hidden().map(str::to_owned).collect();
        for name in &carried {
            columns.push(facts::named(scope.schema, name)?);
        }
        let plan = projected(columns, plan.clone())?;
        let plan = self.marked(plan, &rows.lineage, &groups, (&parts, &names))?;
        let (plan, totals) = self.totalled(plan, &groups, (&parts, &names))?;
        let schema = Arc::clone(plan.schema());
        let mut exprs = Vec::new();
        for (hidden, (qualifier, field)) in groups.iter().chain(&totals).zip(named.iter()) {
            exprs.push(facts::named(&schema, hidden)?.alias_qualified(qualifier.cloned(), field.name()));
        }
        carried.extend(names.names().map(str::to_owned));
        for name in &carried {
            exprs.push(facts::named(&schema, name)?);
        }
        let sides = rows.places.iter().fold(0, |sides, place| sides | place.bit);
        let mut facts: Vec<Fact> = keys.iter().map(|(_, fact)| *fact).collect();
        let number = |at| Fact { sides, chosen: true, institutions: Some(at), ..Fact::PLAIN };
        facts.extend((0..parts.len()).map(number));
        facts.extend(carried.iter().map(|_| Fact::HIDDEN));
        let rows = Rows { unique: Unique::No, facts, institutions: Some(names), ..rows.clone() };
        Ok(Some(Walked { plan: projected(exprs, plan)?, level: Level::Rows(rows) }))
    }

    /// With one row of each group, and of each person in it, marked.
    fn marked(
        &mut self,
        plan: LogicalPlan,
        lineage: &str,
        groups: &[String],
        (parts, names): (&[Part], &Institutions),
    ) -> Result<LogicalPlan, Refusal> {
        let schema = Arc::clone(plan.schema());
        let by_group = columns_of(&schema, groups)?;
        let mut by_person = by_group.clone();
        by_person.push(facts::named(&schema, lineage)?);
        let (group, person) = (self.hidden_name(), self.hidden_name());
        // One node for each partition.
        let mut plan = plan;
        for (keys, name) in [(by_group, &group), (by_person, &person)] {
            let number = row_number().partition_by(keys).build().map_err(planned)?.alias(name);
            plan = LogicalPlan::Window(Window::try_new(vec![number], Arc::new(plan)).map_err(planned)?);
        }
        let numbered = Arc::clone(plan.schema());
        let mut exprs: Vec<Expr> =
            schema.iter().map(|(qualifier, field)| Expr::Column((qualifier, field).into())).collect();
        exprs.push(first(facts::named(&numbered, &group)?).alias(&names.first));
        for (part, name) in parts.iter().zip(&names.parts) {
            if matches!(part, Part::Persons) {
                exprs.push(first(facts::named(&numbered, &person)?).alias(name));
            }
        }
        projected(exprs, plan)
    }

    /// With the number of the group beside each row, by aggregate.
    fn totalled(
        &mut self,
        plan: LogicalPlan,
        groups: &[String],
        (parts, names): (&[Part], &Institutions),
    ) -> Result<(LogicalPlan, Vec<String>), Refusal> {
        let schema = Arc::clone(plan.schema());
        let mut totals = Vec::new();
        let mut windows = Vec::new();
        for (part, name) in parts.iter().zip(&names.parts) {
            let column = facts::named(&schema, name)?;
            let function = if matches!(part, Part::Rows) { count_udaf() } else { sum_udaf() };
            let of = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(function), vec![column]);
            let of = Expr::WindowFunction(Box::new(of));
            let total = self.hidden_name();
            windows.push(of.partition_by(columns_of(&schema, groups)?).build().map_err(planned)?.alias(&total));
            totals.push(total);
        }
        if windows.is_empty() {
            return Ok((plan, totals));
        }
        Ok((LogicalPlan::Window(Window::try_new(windows, Arc::new(plan)).map_err(planned)?), totals))
    }
}

/// One aggregate over institutions: how many, or the sum of a number of each.
pub(super) fn watched(
    scope: Scope<'_>,
    of: &Institutions,
    expr: Expr,
    amounts: &mut Amounts,
) -> Result<Watched, Refusal> {
    let function = function_of(expr)?;
    let params = &function.params;
    if params.distinct || params.filter.is_some() || !params.order_by.is_empty() {
        return no(&rules::INSTITUTIONS);
    }
    if function.func.name() == "count" && measure::counts_rows(&function) {
        let first = facts::named(scope.schema, &of.first)?;
        let tally = amounts.tally(as_double(first.clone()))?;
        let checks = vec![Check::Institutions { tally: ROWS, even: false }];
        return Ok(Watched { expr: sum(first), value: Value::Institutions(tally), checks, arguments: Vec::new() });
    }
    let ("sum", [arg]) = (function.func.name(), params.args.as_slice()) else { return no(&rules::INSTITUTIONS) };
    let fact = scope.column_fact(arg)?;
    let part = fact.and_then(|fact| fact.institutions).and_then(|at| of.parts.get(at));
    let Some(part) = part else { return no(&rules::INSTITUTIONS) };
    let part = facts::named(scope.schema, part)?;
    let tally = amounts.tally(as_double(part.clone()))?;
    let absent = amounts.rows_where(part.clone().is_null())?;
    let checks = vec![
        Check::Even(tally),
        Check::Institutions { tally, even: true },
        Check::Branch { tally: absent, chosen: false, even: true },
    ];
    let arguments = vec![(part.clone().is_not_null(), fact.unwrap_or(Fact::PLAIN))];
    Ok(Watched { expr: sum(part), value: Value::Total(tally), checks, arguments })
}

/// Names that the nodes above an aggregate use.
pub(super) fn names_of(node: &Aggregate) -> Arc<DFSchema> {
    Arc::clone(&node.schema)
}

fn projected(exprs: Vec<Expr>, plan: LogicalPlan) -> Result<LogicalPlan, Refusal> {
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan)).map_err(planned)?))
}

fn columns_of(schema: &DFSchema, names: &[String]) -> Result<Vec<Expr>, Refusal> {
    names.iter().map(|name| facts::named(schema, name)).collect()
}

/// One in the first row of a partition.
fn first(number: Expr) -> Expr {
    let arm = (Box::new(number.eq(lit(1_u64))), Box::new(lit(1_i64)));
    Expr::Case(Case { expr: None, when_then_expr: vec![arm], else_expr: Some(Box::new(lit(0_i64))) })
}

fn as_double(expr: Expr) -> Expr {
    Expr::TryCast(TryCast::new(Box::new(expr), DataType::Float64))
}

fn unaliased(expr: &Expr) -> Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other.clone(),
    }
}
