//! Arithmetic on rows: wide enough, never by zero, never beyond the calendar, never infinite (V-TOTAL, V-FINITE).

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

use super::{no, refuse_places};
use crate::error::{Refusal, rules};
use crate::functions::total::{finite, not_zero, within_calendar};
use crate::guard::facts::{Scope, bare};
use crate::guard::{calls, integers};

/// Longest interval literal: 200 years.
const INTERVAL_MONTHS_MAX: i32 = 2_400;
const INTERVAL_DAYS_MAX: i32 = 73_200;

/// An operation on two operands that are total already.
pub(super) fn total_arithmetic(scope: Scope<'_>, left: Expr, op: Operator, right: Expr) -> Result<Expr, Refusal> {
    let type_of = |expr: &Expr| expr.get_type(scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED));
    let (left_type, right_type) = (type_of(&left)?, type_of(&right)?);
    let divides = matches!(op, Operator::Divide | Operator::Modulo);
    if !scope.below() {
        let right = if divides { never_zero(scope, right)? } else { right };
        return Ok(operation(left, op, right));
    }
    refuse_places(scope, &left)?;
    refuse_places(scope, &right)?;
    if !(numeric(&left_type) && numeric(&right_type)) {
        return on_dates(scope, (left, &left_type), op, (right, &right_type));
    }
    let (left, right) = integers::widened(scope, (left, &left_type), op, (right, &right_type))?;
    let whole = left_type.is_integer() && right_type.is_integer();
    let left = if divides { integers::bounded(scope, left) } else { left };
    let right = if divides { never_zero(scope, right)? } else { right };
    let result = operation(left, op, right);
    Ok(if whole { result } else { finite(result) })
}

/// What may be negated: the least integer of a type has no opposite in it.
pub(super) fn negated(scope: Scope<'_>, inner: Expr) -> Expr {
    let integer = inner.get_type(scope.schema).is_ok_and(|found| found.is_integer());
    if scope.below() && integer && !matches!(inner, Expr::Literal(..)) {
        integers::bounded(scope, inner)
    } else {
        inner
    }
}

fn numeric(found: &DataType) -> bool {
    found.is_numeric() || found.is_null()
}

fn operation(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// Dates and literal intervals.
fn on_dates(
    scope: Scope<'_>,
    left: (Expr, &DataType),
    op: Operator,
    right: (Expr, &DataType),
) -> Result<Expr, Refusal> {
    for (expr, found) in [&left, &right] {
        let span = matches!(found, DataType::Interval(_) | DataType::Duration(_)) && is_short_interval(expr);
        // Nanoseconds since 1970 end in 2262, and fail beyond on the row that gets there.
        if !span && !matches!(found, DataType::Date32 | DataType::Date64 | DataType::Null) {
            return no(&rules::INTERVAL);
        }
    }
    let inside = |(expr, found): (Expr, &DataType)| {
        let date = matches!(found, DataType::Date32 | DataType::Date64);
        if scope.below() && date && !matches!(expr, Expr::Literal(..)) { within_calendar(expr) } else { expr }
    };
    let whole = operation(inside(left), op, inside(right));
    if whole.column_refs().is_empty() && !calls::runs(&whole) {
        return no(&rules::INTERVAL);
    }
    Ok(whole)
}

/// `NULLIF(divisor, 0)`.
fn never_zero(scope: Scope<'_>, divisor: Expr) -> Result<Expr, Refusal> {
    let found = divisor.get_type(scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))?;
    let zero = ScalarValue::new_zero(&found).map_err(|_| Refusal::of(&rules::OPERATOR))?;
    if let Expr::Literal(value, _) = &divisor
        && !value.is_null()
        && *value != zero
    {
        return Ok(divisor);
    }
    Ok(not_zero(divisor))
}

fn is_short_interval(expr: &Expr) -> bool {
    let Expr::Literal(value, _) = bare(expr) else { return false };
    if let ScalarValue::IntervalYearMonth(Some(months)) = value {
        months.abs() <= INTERVAL_MONTHS_MAX
    } else if let ScalarValue::IntervalDayTime(Some(span)) = value {
        span.days.abs() <= INTERVAL_DAYS_MAX
    } else if let ScalarValue::IntervalMonthDayNano(Some(span)) = value {
        span.months.abs() <= INTERVAL_MONTHS_MAX && span.days.abs() <= INTERVAL_DAYS_MAX
    } else {
        false
    }
}
