//! Wrappers that the guard puts around parts of expressions, so that nothing fails and nothing infinite comes out (V-TOTAL,
//! V-FINITE). SQL cannot name them. Each names its argument once: a CASE in their place would double the plan at every level.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, Scalar};
use arrow::compute::kernels::cmp::{eq, gt_eq, lt_eq};
use arrow::compute::{and, cast, not, nullif, prep_null_mask_filter};
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimeUnit};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{Expr, ScalarUDF};

use super::own::{Own, call};

/// Name of [`bounded`] in plans.
pub(crate) const BOUNDED: &str = "within_bounds";
/// Name of [`not_zero`] in plans.
pub(crate) const NOT_ZERO: &str = "not_zero";

/// Name of [`within_calendar`] in plans.
pub(crate) const CALENDAR: &str = "within_calendar";

/// 0001-01-01 and 9999-12-31 in days since 1970: what every function on dates can calculate with.
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;
/// 1678-01-01 and 2261-12-31: nanoseconds end on 1677-09-21 and 2262-04-11, and rounding down must stay inside.
const FIRST_DAY_OF_NANOSECONDS: i64 = -106_650;
const LAST_DAY_OF_NANOSECONDS: i64 = 106_649;
const DAY_SECONDS: i64 = 86_400;

static FINITE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::same("finite", run_finite).udf());
static NOT_ZERO_UDF: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::same(NOT_ZERO, run_not_zero).udf());
static BOUNDED_UDF: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::same(BOUNDED, run_bounded).udf());
static CALENDAR_UDF: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::same(CALENDAR, run_calendar).udf());
static LN: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Own::exact("ln", vec![DataType::Float64], DataType::Float64, |args| map(args, f64::ln)).udf());
static EXP: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Own::exact("exp", vec![DataType::Float64], DataType::Float64, |args| map(args, f64::exp)).udf());
static SQRT: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Own::exact("sqrt", vec![DataType::Float64], DataType::Float64, |args| map(args, f64::sqrt)).udf());
static POWER: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Own::exact("power", vec![DataType::Float64, DataType::Float64], DataType::Float64, run_power).udf()
});

/// NULL in the place of NaN and the infinities (V-FINITE).
pub(crate) fn finite(expr: Expr) -> Expr {
    call(&FINITE, vec![expr])
}

/// NULL in the place of zero.
pub(crate) fn not_zero(expr: Expr) -> Expr {
    call(&NOT_ZERO_UDF, vec![expr])
}

/// An integer that every function and double can hold; NULL beyond.
pub(crate) fn bounded(expr: Expr) -> Expr {
    call(&BOUNDED_UDF, vec![expr])
}

/// A date or timestamp that calendars can calculate with; NULL beyond.
pub(crate) fn within_calendar(expr: Expr) -> Expr {
    call(&CALENDAR_UDF, vec![expr])
}

/// What one of the wrappers above holds: the same value, or NULL where that has no place.
pub(crate) fn wrapped(expr: &Expr) -> Option<&Expr> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let ours = [&FINITE, &NOT_ZERO_UDF, &BOUNDED_UDF, &CALENDAR_UDF].into_iter().any(|own| **own == call.func);
    call.args.first().filter(|_| ours)
}

/// `ln`, `exp`, `sqrt` and `power` with NULL where they are not defined or not finite.
pub(crate) fn smooth(name: &str, args: Vec<Expr>) -> Option<Expr> {
    let function = match name {
        "exp" => &EXP,
        "ln" => &LN,
        "power" => &POWER,
        "sqrt" => &SQRT,
        _ => return None,
    };
    Some(call(function, args))
}

fn only(args: &[ArrayRef]) -> Result<&ArrayRef> {
    let [only] = args else { return plan_err!("one argument is expected") };
    Ok(only)
}

fn map(args: &[ArrayRef], function: fn(f64) -> f64) -> Result<ArrayRef> {
    let values = cast(only(args)?, &DataType::Float64)?;
    let defined = |x: f64| Some(function(x)).filter(|y| y.is_finite());
    Ok(Arc::new(values.as_primitive::<Float64Type>().unary_opt::<_, Float64Type>(defined)))
}

fn run_power(args: &[ArrayRef]) -> Result<ArrayRef> {
    let [base, exponent] = args else { return plan_err!("two arguments are expected") };
    let (base, exponent) = (cast(base, &DataType::Float64)?, cast(exponent, &DataType::Float64)?);
    let pairs = base.as_primitive::<Float64Type>().iter().zip(exponent.as_primitive::<Float64Type>());
    let defined = |(x, e): (Option<f64>, Option<f64>)| Some(x?.powf(e?)).filter(|y| y.is_finite());
    Ok(Arc::new(pairs.map(defined).collect::<Float64Array>()))
}

fn run_finite(args: &[ArrayRef]) -> Result<ArrayRef> {
    let values = only(args)?;
    if let Some(doubles) = values.as_primitive_opt::<Float64Type>() {
        return Ok(Arc::new(doubles.unary_opt::<_, Float64Type>(|x| Some(x).filter(|x| x.is_finite()))));
    }
    if let Some(floats) = values.as_primitive_opt::<Float32Type>() {
        return Ok(Arc::new(floats.unary_opt::<_, Float32Type>(|x| Some(x).filter(|x| x.is_finite()))));
    }
    Ok(Arc::clone(values))
}

fn run_not_zero(args: &[ArrayRef]) -> Result<ArrayRef> {
    let values = only(args)?;
    let zero = ScalarValue::new_zero(values.data_type())?.to_scalar()?;
    Ok(nullif(values, &eq(values, &zero)?)?)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "asks for single types")]
fn run_bounded(args: &[ArrayRef]) -> Result<ArrayRef> {
    let values = only(args)?;
    let bound = match values.data_type() {
        DataType::Int64 | DataType::UInt64 => 1_i64 << 53,
        DataType::Int32 | DataType::UInt32 => 1 << 30,
        _ => return Ok(Arc::clone(values)),
    };
    inside(values, -bound, bound)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "asks for single types")]
fn run_calendar(args: &[ArrayRef]) -> Result<ArrayRef> {
    let values = only(args)?;
    // Functions on timestamps go by nanoseconds inside, whatever their unit is.
    let (first, last) = match values.data_type() {
        DataType::Date32 | DataType::Date64 => (FIRST_DAY, LAST_DAY),
        _ => (FIRST_DAY_OF_NANOSECONDS, LAST_DAY_OF_NANOSECONDS),
    };
    let unit = match values.data_type() {
        DataType::Date32 => 1,
        DataType::Timestamp(TimeUnit::Second, _) => DAY_SECONDS,
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => DAY_SECONDS * 1_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => DAY_SECONDS * 1_000_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => DAY_SECONDS * 1_000_000_000,
        _ => return Ok(Arc::clone(values)),
    };
    inside(values, first.saturating_mul(unit), last.saturating_mul(unit))
}

/// The values between two bounds, NULL in the place of the others.
fn inside(values: &ArrayRef, least: i64, most: i64) -> Result<ArrayRef> {
    let wide = cast(values, &DataType::Int64)?;
    let bound = |number: i64| Scalar::new(Int64Array::from(vec![number]));
    let inside = and(&gt_eq(&wide, &bound(least))?, &lt_eq(&wide, &bound(most))?)?;
    let inside = if inside.null_count() > 0 { prep_null_mask_filter(&inside) } else { inside };
    Ok(nullif(values, &not(&inside)?)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, UInt64Array};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "each case hands over its own")]
    fn check(run: fn(&[ArrayRef]) -> Result<ArrayRef>, given: ArrayRef, nulls: &[bool]) {
        let found = run(&[Arc::clone(&given)]).unwrap();
        assert_eq!(found.data_type(), given.data_type());
        let found: Vec<bool> = (0..found.len()).map(|at| found.is_null(at)).collect();
        assert_eq!(found, nulls);
    }

    #[test]
    fn what_cannot_be_calculated_with_is_null() {
        let doubles = Arc::new(Float64Array::from(vec![1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX]));
        check(run_finite, doubles, &[false, true, true, true, false]);
        check(run_not_zero, Arc::new(Int64Array::from(vec![Some(0), Some(-1), None])), &[true, false, true]);
        check(run_bounded, Arc::new(UInt64Array::from(vec![u64::MAX, 1 << 53, (1 << 53) + 1])), &[true, false, true]);
        check(run_bounded, Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 0])), &[true, true, false]);
        let days = vec![i32::MIN, -719_163, -719_162, 0, 2_932_896, 2_932_897];
        check(run_calendar, Arc::new(Date32Array::from(days)), &[true, true, false, false, false, true]);
    }

    #[test]
    fn functions_outside_their_domain_are_null() {
        let values = || Arc::new(Float64Array::from(vec![-1.0, 0.0, 4.0, 1e300, f64::NAN])) as ArrayRef;
        check(|args| map(args, f64::ln), values(), &[true, true, false, false, true]);
        check(|args| map(args, f64::sqrt), values(), &[true, false, false, false, true]);
        check(|args| map(args, f64::exp), values(), &[false, false, false, true, true]);
        let squares = run_power(&[values(), Arc::new(Float64Array::from(vec![2.0; 5]))]).unwrap();
        assert_eq!(squares.as_primitive::<Float64Type>().value(2).to_bits(), 16.0_f64.to_bits());
        assert!(squares.is_null(3) && squares.is_null(4));
    }
}
