//! Plain numbers: linear in columns as they stand in the data, however many subqueries lie between. No condition of the query is
//! in them, so that none can point at a person through a value (V-DECOMP).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; everything else is no plain number"
)]

use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Join, LogicalPlan, Operator, TableScan};

use super::Source;
use crate::error::{Refusal, rules};
use crate::functions::total;
use crate::guard::expression::keeps_measure;
use crate::guard::facts::{Kind, bare, kind_of};
use crate::guard::kept::{KeptNumber, KeptNumbers};
use crate::relations;

/// A plain number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// Missing where an outer join found nothing: the query's own words decide where that is (V-ZERO).
    pub(super) optional: bool,
}

/// Subqueries deep at most.
const DEPTH_MAX: usize = 64;
/// What a multiplication takes of that: eight of them at most, so that no number leaves the range of doubles on one value.
const DEPTH_OF_FACTOR: usize = 8;
/// Factors and divisors lie between one over this and this.
const FACTOR_MAX: f64 = 1e6;
/// What is added at most.
const TERM_MAX: f64 = 1e12;

/// What an argument is as a number; none if it is no plain one.
pub(super) fn of(source: Source<'_>, arg: &Expr) -> Result<Option<Number>, Refusal> {
    let found = arg.get_type(source.scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))?;
    if !found.is_numeric() {
        return Ok(None);
    }
    // A measure is one by what the guard knows of it: counted, summed, or an extreme per person.
    if let Some(fact) = source.scope.column_fact(arg)?
        && fact.kind == Kind::Measure
        && keeps_measure(source.scope, arg)
    {
        return Ok(Some(Number { optional: fact.chosen }));
    }
    Ok(number(source.plan, arg, DEPTH_MAX))
}

/// A column as it stands in the data, under no expression at all.
pub(super) fn plain_column(source: Source<'_>, arg: &Expr) -> Option<Number> {
    let Expr::Column(column) = arg else { return None };
    origin(source.plan, column, DEPTH_MAX, Want::Column)
}

/// A literal, perhaps cast or negative.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Literal(value, _) => !value.is_null(),
        Expr::Negative(inner) => is_literal(inner),
        _ => false,
    }
}

/// How large a literal number is.
fn size(expr: &Expr) -> Option<f64> {
    match bare(expr) {
        Expr::Literal(value, _) => match value.cast_to(&DataType::Float64).ok()? {
            ScalarValue::Float64(number) => number.map(f64::abs),
            _ => None,
        },
        Expr::Negative(inner) => size(inner),
        _ => None,
    }
}

fn is_factor(expr: &Expr) -> bool {
    size(expr).is_some_and(|size| (1.0 / FACTOR_MAX..=FACTOR_MAX).contains(&size))
}

/// Casts that make no value NULL: to double, and between integers to the widest (V-ZERO).
fn keeps(plan: &LogicalPlan, inner: &Expr, to: &DataType) -> bool {
    let from = inner.get_type(plan.schema());
    matches!(to, DataType::Float64) || (matches!(to, DataType::Int64) && from.is_ok_and(|from| from.is_integer()))
}

/// What an expression under a column may be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Want {
    /// A column alone.
    Column,
    /// A date, under casts.
    Date,
    /// A number.
    Number,
}

fn both(one: Option<Number>, other: Option<Number>) -> Option<Number> {
    Some(Number { optional: one?.optional | other?.optional })
}

fn number(plan: &LogicalPlan, expr: &Expr, depth: usize) -> Option<Number> {
    if let Some(inner) = total::wrapped(expr) {
        return number(plan, inner, depth);
    }
    if is_literal(expr) {
        return (size(expr)? <= TERM_MAX).then_some(Number { optional: false });
    }
    match expr {
        Expr::Alias(alias) => number(plan, &alias.expr, depth),
        Expr::Cast(cast) if keeps(plan, &cast.expr, cast.field.data_type()) => number(plan, &cast.expr, depth),
        Expr::TryCast(cast) if keeps(plan, &cast.expr, cast.field.data_type()) => number(plan, &cast.expr, depth),
        Expr::Negative(inner) => number(plan, inner, depth),
        Expr::Column(column) => origin(plan, column, depth, Want::Number),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            // Days between two dates.
            Operator::Minus if date(plan, left, depth).is_some() => {
                both(date(plan, left, depth), date(plan, right, depth))
            }
            Operator::Plus | Operator::Minus => both(number(plan, left, depth), number(plan, right, depth)),
            // Two columns multiplied make peaks, and peaks make indicators.
            Operator::Multiply if is_factor(left) => number(plan, right, depth.checked_sub(DEPTH_OF_FACTOR)?),
            Operator::Multiply | Operator::Divide if is_factor(right) => {
                number(plan, left, depth.checked_sub(DEPTH_OF_FACTOR)?)
            }
            _ => None,
        },
        Expr::ScalarFunction(call) => match (call.func.name(), call.args.as_slice()) {
            ("date_part", [unit, date]) if is_literal(unit) => self::date(plan, date, depth),
            ("to_unixtime", [date]) => self::date(plan, date, depth),
            _ => None,
        },
        _ => None,
    }
}

fn date(plan: &LogicalPlan, expr: &Expr, depth: usize) -> Option<Number> {
    if let Some(inner) = total::wrapped(bare(expr)) {
        return date(plan, inner, depth);
    }
    match bare(expr) {
        Expr::Column(column) => origin(plan, column, depth, Want::Date),
        _ => None,
    }
}

fn wanted(plan: &LogicalPlan, expr: &Expr, depth: usize, want: Want) -> Option<Number> {
    if let Some(inner) = total::wrapped(expr) {
        return wanted(plan, inner, depth, want);
    }
    match (want, expr) {
        (_, Expr::Alias(alias)) => wanted(plan, &alias.expr, depth, want),
        (_, Expr::Column(column)) => origin(plan, column, depth, want),
        (Want::Number, _) => number(plan, expr, depth),
        (Want::Date, Expr::Cast(_) | Expr::TryCast(_)) => date(plan, expr, depth),
        (Want::Date | Want::Column, _) => None,
    }
}

/// Follows a column down to the table that has it.
fn origin(plan: &LogicalPlan, column: &Column, depth: usize, want: Want) -> Option<Number> {
    let depth = depth.checked_sub(1)?;
    let at = plan.schema().maybe_index_of_column(column)?;
    match plan {
        LogicalPlan::TableScan(scan) => stored(scan, column, depth, want),
        LogicalPlan::Filter(node) => origin(&node.input, column, depth, want),
        LogicalPlan::Projection(node) => wanted(&node.input, node.expr.get(at)?, depth, want),
        LogicalPlan::SubqueryAlias(node) => {
            let (qualifier, field) = node.input.schema().iter().nth(at)?;
            origin(&node.input, &Column::from((qualifier, field)), depth, want)
        }
        LogicalPlan::Join(node) => joined(node, column, depth, want),
        LogicalPlan::Aggregate(node) => match node.group_expr.get(at) {
            Some(key) => wanted(&node.input, key, depth, want),
            None => per_person(&node.input, node.aggr_expr.get(at - node.group_expr.len())?, depth, want),
        },
        _ => None,
    }
}

/// What a column of rows that are to be kept is, with the depth that it needs: depths add up over the steps of a study.
pub(in crate::guard) fn to_keep(plan: &LogicalPlan, column: &Column) -> KeptNumbers {
    let found = |want| {
        origin(plan, column, DEPTH_MAX, want)?;
        let enough = |depth: usize| Some((depth, origin(plan, column, depth, want)?));
        let (depth, number) = (1..=DEPTH_MAX).find_map(enough)?;
        Some(KeptNumber { optional: number.optional, depth })
    };
    KeptNumbers { column: found(Want::Column), date: found(Want::Date), number: found(Want::Number) }
}

fn again(kept: &KeptNumbers, depth: usize, want: Want) -> Option<Number> {
    let known = match want {
        Want::Column => kept.column,
        Want::Date => kept.date,
        Want::Number => kept.number,
    }?;
    (depth >= known.depth).then_some(Number { optional: known.optional })
}

/// Least and largest of a person's values are values still; repeated rows change neither.
fn per_person(input: &LogicalPlan, expr: &Expr, depth: usize, want: Want) -> Option<Number> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = bare(expr) else { return None };
    match (func.name(), params.args.as_slice(), want) {
        ("min" | "max", [arg], Want::Number | Want::Date) if params.filter.is_none() => wanted(input, arg, depth, want),
        _ => None,
    }
}

fn joined(node: &Join, column: &Column, depth: usize, want: Want) -> Option<Number> {
    let right_only = matches!(node.join_type, JoinType::RightSemi | JoinType::RightAnti);
    let left = !right_only && node.left.schema().maybe_index_of_column(column).is_some();
    let found = origin(if left { &node.left } else { &node.right }, column, depth, want)?;
    let missing = match node.join_type {
        JoinType::Inner | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::RightSemi | JoinType::RightAnti => false,
        JoinType::Left => !left,
        JoinType::Right => left,
        JoinType::Full => true,
        JoinType::LeftMark | JoinType::RightMark => return None,
    };
    Some(Number { optional: found.optional || missing })
}

fn stored(scan: &TableScan, column: &Column, depth: usize, want: Want) -> Option<Number> {
    if let Some(kept) = relations::kept_of(&scan.source) {
        return again(kept.rows.numbers(&column.name)?, depth, want);
    }
    let table = scan.table_name.to_string();
    // Columns of lists are the query's choice, by the join that brings them.
    if !catalog::table(&table).is_some_and(catalog::Table::has_persons) {
        return None;
    }
    let kind = kind_of(&table, &column.name);
    let place = kind == Kind::Place && want == Want::Column;
    let found = scan.projected_schema.field_with_unqualified_name(&column.name).ok()?.data_type().clone();
    let typed = match want {
        Want::Column => true,
        Want::Date => matches!(found, DataType::Date32),
        Want::Number => found.is_numeric(),
    };
    (typed && (place || matches!(kind, Kind::Measure | Kind::Other))).then_some(Number { optional: false })
}
