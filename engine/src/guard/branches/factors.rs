//! Plain factors of a term: measures, numbers as they were recorded, differences and parts of dates.
//!
//! Plain: no condition and no literal of the query has a part in the value, so that nobody can be picked out by it.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{BinaryExpr, TryCast};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

use super::cast_of;
use crate::error::Refusal;
use crate::guard::expression::{keeps_measure, total};
use crate::guard::facts::{Kind, Scope, bare};

/// A plain number of a row.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::guard) struct Factor {
    /// Its value as a double.
    pub(in crate::guard) value: Expr,
    /// Whether the query's own words decide where it is NULL.
    pub(in crate::guard) chosen: bool,
}

/// Parts of a date whose value is as plain as the date.
const PARTS: &[&str] = &["day", "month", "year"];

/// The factor that an expression is.
pub(in crate::guard) fn plain(scope: Scope<'_>, expr: &Expr) -> Result<Option<Factor>, Refusal> {
    let chosen = if let Some(chosen) = column(scope, expr)? {
        // A truth value or a code as a number would be a condition that nobody has looked at.
        if !keeps_measure(scope, expr) || !type_of(scope, bare(expr)).is_numeric() {
            return Ok(None);
        }
        chosen
    } else if let Some(chosen) = of_dates(scope, expr)? {
        chosen
    } else {
        return Ok(None);
    };
    let value = Expr::TryCast(TryCast::new(Box::new(total(scope, expr.clone())?), DataType::Float64));
    Ok(Some(Factor { value, chosen }))
}

/// Whether an expression is a plain column, perhaps cast; and whether the query chose where it is NULL.
fn column(scope: Scope<'_>, expr: &Expr) -> Result<Option<bool>, Refusal> {
    let fact = scope.column_fact(expr)?;
    Ok(fact
        .filter(|fact| fact.kind == Kind::Measure || (fact.plain && fact.kind == Kind::Other))
        .map(|fact| fact.chosen))
}

/// Days between two plain dates, or a part of one.
pub(in crate::guard) fn of_dates(scope: Scope<'_>, expr: &Expr) -> Result<Option<bool>, Refusal> {
    if let Expr::Alias(alias) = expr {
        return of_dates(scope, &alias.expr);
    }
    if let Some(inner) = cast_of(expr) {
        return if loses_nothing(scope, inner, expr) { of_dates(scope, inner) } else { Ok(None) };
    }
    if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }) = expr
        && type_of(scope, expr).is_numeric()
    {
        let both = date(scope, left)?.zip(date(scope, right)?);
        return Ok(both.map(|(left, right)| left || right));
    }
    if let Expr::ScalarFunction(call) = expr
        && call.func.name() == "date_part"
        && let [Expr::Literal(part, _), of] = call.args.as_slice()
        && part.try_as_str().flatten().is_some_and(|part| PARTS.contains(&part.to_lowercase().as_str()))
    {
        return date(scope, of);
    }
    Ok(None)
}

fn date(scope: Scope<'_>, expr: &Expr) -> Result<Option<bool>, Refusal> {
    if let (Expr::Column(_), DataType::Date32) = (expr, type_of(scope, expr)) { column(scope, expr) } else { Ok(None) }
}

/// A condition on one column with literals: unknown only where that column is NULL in the records.
pub(super) fn asks_one_column(scope: Scope<'_>, condition: &Expr) -> Result<bool, Refusal> {
    let own = |expr: &Expr| Ok(scope.column_fact(expr)?.is_some_and(|fact| fact.plain && !fact.chosen));
    let literal = |expr: &Expr| matches!(bare(expr), Expr::Literal(value, _) if !value.is_null());
    if let Expr::Not(inner) = condition {
        asks_one_column(scope, inner)
    } else if let Expr::Column(_) = condition {
        own(condition)
    } else if let Expr::BinaryExpr(binary) = condition {
        let compares = matches!(
            binary.op,
            Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
        );
        Ok(compares && own(&binary.left)? && literal(&binary.right))
    } else if let Expr::InList(list) = condition {
        Ok(own(&list.expr)? && list.list.iter().all(literal))
    } else if let Expr::Like(like) = condition {
        Ok(own(&like.expr)? && literal(&like.pattern))
    } else if let Expr::Between(between) = condition {
        Ok(own(&between.expr)? && literal(&between.low) && literal(&between.high))
    } else {
        Ok(false)
    }
}

/// Whether a number keeps its value when it is cast.
pub(super) fn loses_nothing(scope: Scope<'_>, inner: &Expr, cast: &Expr) -> bool {
    let (from, to) = (type_of(scope, inner), type_of(scope, cast));
    let number = from.is_numeric() || from == DataType::Null;
    number && (to == DataType::Float64 || (from.is_integer() && to == DataType::Int64) || from == to)
}

pub(super) fn is_boolean(scope: Scope<'_>, expr: &Expr) -> bool {
    type_of(scope, expr) == DataType::Boolean
}

pub(super) fn is_double(scope: Scope<'_>, expr: &Expr) -> bool {
    type_of(scope, expr) == DataType::Float64
}

/// The number of a literal, after the casts around it; none that is cut off by one of them.
pub(super) fn number(expr: &Expr, value: &ScalarValue) -> Option<f64> {
    let ScalarValue::Float64(Some(number)) = value.cast_to(&DataType::Float64).ok()? else { return None };
    let whole = cast_of(expr).is_none() || number.fract() == 0.0 || is_double_cast(expr);
    (value.data_type().is_numeric() && number.is_finite() && whole).then_some(number)
}

fn is_double_cast(expr: &Expr) -> bool {
    if let Expr::Cast(cast) = expr {
        *cast.field.data_type() == DataType::Float64
    } else if let Expr::TryCast(cast) = expr {
        *cast.field.data_type() == DataType::Float64
    } else {
        false
    }
}

fn type_of(scope: Scope<'_>, expr: &Expr) -> DataType {
    expr.get_type(scope.schema).unwrap_or(DataType::Null)
}
