//! How many rows `generate_series` and `range` make: bounds must be literals (V-GEN).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the syntax tree's enums are asked for single variants; what the plan shows is walked exhaustively"
)]

use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value};

/// Rows of a generated series at most (disclosure.md, V-GEN).
pub(crate) const ROWS_MAX: u64 = 100_000;

/// Rows of a series with these arguments, at least; none if a bound is not a literal that is understood.
pub(crate) fn rows(args: &[&Expr]) -> Option<u64> {
    let (first, last, step) = match args {
        [last] => (Bound::Number(0), bound(last)?, None),
        [first, last] => (bound(first)?, bound(last)?, None),
        [first, last, step] => (bound(first)?, bound(last)?, Some(*step)),
        _ => return None,
    };
    let steps = match (first, last) {
        (Bound::Number(first), Bound::Number(last)) => {
            let step = step.map_or(Some(1), integer)?;
            last.checked_sub(first)?.checked_div(step)?
        }
        (Bound::Day(first), Bound::Day(last)) => {
            let days = last.checked_sub(first)?;
            i64::try_from((i128::from(days) * 86_400) / i128::from(seconds(step?)?)).ok()?
        }
        (Bound::Number(_), Bound::Day(_)) | (Bound::Day(_), Bound::Number(_)) => return None,
    };
    Some(steps.unsigned_abs().saturating_add(1))
}

enum Bound {
    /// Days since some day.
    Day(i64),
    /// A whole number.
    Number(i64),
}

fn bound(expr: &Expr) -> Option<Bound> {
    match expr {
        Expr::TypedString(typed) => day(&text(&typed.value.value)?).map(Bound::Day),
        Expr::Cast { expr, .. } => bound(expr),
        Expr::Value(value) => match text(&value.value) {
            Some(text) => day(&text).map(Bound::Day),
            None => integer(expr).map(Bound::Number),
        },
        _ => integer(expr).map(Bound::Number),
    }
}

fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => integer(expr)?.checked_neg(),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } | Expr::Nested(expr) => integer(expr),
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::SingleQuotedString(text) => Some(text.clone()),
        _ => None,
    }
}

/// Days of a date or timestamp literal: only its date counts.
fn day(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    let days = date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days();
    Some(i64::from(days))
}

/// The shortest a step may last, in seconds: `INTERVAL '1 month'` or `INTERVAL '1' MONTH`.
fn seconds(step: &Expr) -> Option<i64> {
    let Expr::Interval(interval) = step else { return None };
    let mut words = match interval.value.as_ref() {
        Expr::Value(value) => text(&value.value)?,
        other => integer(other)?.to_string(),
    };
    if let Some(field) = &interval.leading_field {
        words = format!("{words} {field}");
    }
    let mut words = words.split_whitespace();
    let (count, unit) = (words.next()?.parse::<i64>().ok()?, words.next()?.to_ascii_lowercase());
    if words.next().is_some() || count <= 0 {
        return None;
    }
    let unit = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        "month" => 28 * 86_400,
        "year" => 365 * 86_400,
        _ => return None,
    };
    count.checked_mul(unit)
}
