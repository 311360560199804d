//! Integer arithmetic that neither wraps nor fails: operands are widened, and what could leave 64 bits is refused (V-TOTAL).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::TryCast;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

use super::expression::no;
use super::facts::Scope;
use crate::error::{Refusal, rules};
use crate::functions::{choice, total};

/// Bits that a result may need: one less than `i64` has, so that not even a negation overflows.
const BITS_MAX: u32 = 62;
/// Bits of a count or sum per person: 65,536 rows of 32 bits.
const BITS_OF_LONG: u32 = 48;
/// Bits of a number of days between two dates of the calendar.
const BITS_OF_DAYS: u32 = 23;

/// Both operands as `Int64`, or both as `Float64`, such that the operation cannot fail.
pub(crate) fn widened(
    scope: Scope<'_>,
    left: (Expr, &DataType),
    op: Operator,
    right: (Expr, &DataType),
) -> Result<(Expr, Expr), Refusal> {
    if left.1.is_integer() && right.1.is_integer() {
        if bits_of(scope, op, &left.0, &right.0) > BITS_MAX {
            return no(&rules::INTEGER_RANGE);
        }
        return Ok((as_type(left, &DataType::Int64), as_type(right, &DataType::Int64)));
    }
    // Decimals fail on overflow; doubles do not.
    Ok((as_type(left, &DataType::Float64), as_type(right, &DataType::Float64)))
}

/// An integer of a size that every function takes; NULL beyond, where some fail on the row that gets there.
pub(crate) fn bounded(scope: Scope<'_>, expr: Expr) -> Expr {
    let integer = expr.get_type(scope.schema).is_ok_and(|found| found.is_integer());
    let small = matches!(expr, Expr::Literal(..)) && bits(scope, &expr) < 30;
    if integer && !small { total::bounded(expr) } else { expr }
}

fn as_type((expr, found): (Expr, &DataType), wanted: &DataType) -> Expr {
    if found == wanted { expr } else { Expr::TryCast(TryCast::new(Box::new(expr), wanted.clone())) }
}

fn bits_of(scope: Scope<'_>, op: Operator, left: &Expr, right: &Expr) -> u32 {
    let (left, right) = (bits(scope, left), bits(scope, right));
    match op {
        Operator::Multiply => left + right,
        Operator::Divide => left,
        _ => left.max(right) + 1,
    }
}

/// How many bits the size of an integer may need.
fn bits(scope: Scope<'_>, expr: &Expr) -> u32 {
    let by_type = |found: DataType| match found {
        DataType::Int8 | DataType::UInt8 => 8,
        DataType::Int16 | DataType::UInt16 => 16,
        DataType::Int32 | DataType::UInt32 => 32,
        DataType::Date32 | DataType::Date64 => BITS_OF_DAYS,
        _ => BITS_OF_LONG,
    };
    let own = expr.get_type(scope.schema).map_or(BITS_OF_LONG, by_type);
    match expr {
        Expr::Alias(alias) => bits(scope, &alias.expr),
        Expr::Literal(value, _) => literal_bits(value),
        Expr::Cast(cast) => integer_bits(scope, &cast.expr).unwrap_or(own),
        Expr::TryCast(cast) => integer_bits(scope, &cast.expr).unwrap_or(own),
        Expr::Negative(inner) => bits(scope, inner),
        Expr::BinaryExpr(binary) => bits_of(scope, binary.op, &binary.left, &binary.right),
        Expr::Case(case) => {
            let arms = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            arms.map(|arm| bits(scope, arm)).max().unwrap_or(own)
        }
        Expr::ScalarFunction(call) => match (call.func.name(), call.args.as_slice()) {
            (choice::COALESCE, args) => args.iter().map(|arg| bits(scope, arg)).max().unwrap_or(own),
            (total::BOUNDED | total::NOT_ZERO | total::CALENDAR, [inner]) => bits(scope, inner),
            _ => own,
        },
        _ => own,
    }
}

fn integer_bits(scope: Scope<'_>, inner: &Expr) -> Option<u32> {
    let found = inner.get_type(scope.schema).ok()?;
    found.is_integer().then(|| bits(scope, inner))
}

fn literal_bits(value: &ScalarValue) -> u32 {
    let number = value.cast_to(&DataType::Int64);
    match number {
        Ok(ScalarValue::Int64(Some(number))) => 64 - number.unsigned_abs().leading_zeros(),
        Ok(ScalarValue::Int64(None)) => 0,
        _ => 64,
    }
}
