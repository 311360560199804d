//! Calls of scalar functions on rows: the allow-list, and which arguments must be literals (V-FUNC, V-LITERALARG, V-REGEX-CONST).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr::{ScalarFunction, TryCast};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::physical_expr::create_physical_expr;

use super::expression::{no, refuse_places, total};
use super::facts::{Fact, Kind, Scope, bare};
use crate::error::{Refusal, rules};
use crate::functions;
use crate::functions::icd10;
use crate::functions::total::within_calendar;

mod rewritten;

/// Characters of a pattern at most.
const PATTERN_CHARACTERS_MAX: usize = 1_000;
/// Positions and offsets at most.
pub(super) const POSITION_MAX: i64 = 10_000;
/// A counted repetition `{n,m}` may stand once in a pattern: nested ones multiply the automaton (A315).
const COUNTED_REPETITIONS_MAX: usize = 1;
/// Functions that hand out one of their arguments.
const CHOOSING: &[&str] = &["coalesce", "nullif", "nvl", "nvl2"];

/// A call, allowed and total.
pub(crate) fn scalar(scope: Scope<'_>, call: ScalarFunction) -> Result<Expr, Refusal> {
    let name = call.func.name().to_owned();
    let name = name.as_str();
    let below = functions::SCALARS_BELOW.contains(&name);
    if !below && (scope.below() || !functions::SCALARS_ABOVE.contains(&name)) {
        return no(&rules::FUNCTION);
    }
    check_own(&call)?;
    if scope.below() {
        check_arguments(scope, &call)?;
    }
    let args = call.args.into_iter().map(|arg| Ok(argument(scope, name, total(scope, arg)?)));
    let args = args.collect::<Result<Vec<_>, Refusal>>()?;
    if let Some(rewritten) = rewritten::call(scope, name, &args)? {
        return Ok(rewritten);
    }
    let call = ScalarFunction { func: call.func, args };
    if scope.below() {
        dry_run(scope, &call)?;
    }
    Ok(Expr::ScalarFunction(call))
}

/// An argument of a size that the function takes: some fail on the row that goes beyond.
fn argument(scope: Scope<'_>, name: &str, arg: Expr) -> Expr {
    let Ok(found) = arg.get_type(scope.schema) else { return arg };
    let temporal = matches!(found, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..));
    match name {
        _ if !scope.below() => arg,
        "abs" if found.is_integer() => {
            Expr::TryCast(TryCast::new(Box::new(super::integers::bounded(scope, arg)), DataType::Int64))
        }
        "round" => super::integers::bounded(scope, arg),
        "date_part" | "date_trunc" | "to_unixtime" if temporal => within_calendar(arg),
        _ => arg,
    }
}

/// Runs a call once on sample values. A unit, pattern or format that fails does so here and always, not on the day when a row
/// reaches it.
fn dry_run(scope: Scope<'_>, call: &ScalarFunction) -> Result<(), Refusal> {
    let sample = |arg: &Expr| {
        if arg.column_refs().is_empty() {
            return Ok(arg.clone());
        }
        let found = arg.get_type(scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))?;
        let value = ScalarValue::new_default(&found).map_err(|_| Refusal::of(&rules::FUNCTION_ARGUMENT))?;
        Ok(Expr::Literal(value, None))
    };
    let args = call.args.iter().map(sample).collect::<Result<_, Refusal>>()?;
    runs(&Expr::ScalarFunction(ScalarFunction { func: Arc::clone(&call.func), args })).then_some(()).ok_or_else(|| {
        Refusal::of(if call.func.name().starts_with("regexp") { &rules::PATTERN } else { &rules::FUNCTION_ARGUMENT })
    })
}

/// Whether an expression without columns can be evaluated.
pub(super) fn runs(expr: &Expr) -> bool {
    let schema = DFSchema::empty();
    let Ok(physical) = create_physical_expr(expr, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default())
    else {
        return false;
    };
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let Ok(batch) = RecordBatch::try_new_with_options(Arc::clone(schema.inner()), vec![], &options) else {
        return false;
    };
    physical.evaluate(&batch).is_ok()
}

/// `coalesce(a.person_key, b.person_key)`: still the key.
pub(crate) fn coalesced_key(scope: Scope<'_>, expr: &Expr) -> Result<Option<Fact>, Refusal> {
    let Expr::ScalarFunction(call) = expr else { return Ok(None) };
    if !matches!(call.func.name(), "coalesce" | "nvl") {
        return Ok(None);
    }
    let mut fact = Fact::PLAIN;
    let mut any_exact = false;
    for arg in &call.args {
        let Expr::Column(column) = arg else { return Ok(None) };
        let found = scope.fact(column)?;
        let Kind::Key { exact } = found.kind else { return Ok(None) };
        any_exact |= exact;
        fact = fact.mixed(found);
    }
    Ok(Some(Fact { kind: Kind::Key { exact: any_exact }, ..fact }))
}

/// What our own functions ask of their arguments everywhere: a list must be read before the first row is.
fn check_own(call: &ScalarFunction) -> Result<(), Refusal> {
    if call.func.name() != icd10::NAME {
        return Ok(());
    }
    let Some(Expr::Literal(..)) = call.args.get(1).map(bare) else { return no(&rules::FUNCTION_ARGUMENT) };
    let list = call.args.get(1).and_then(text);
    if list.is_some_and(|list| icd10::CodeList::parse(&list).is_some()) { Ok(()) } else { no(&rules::ICD10_LIST) }
}

fn check_arguments(scope: Scope<'_>, call: &ScalarFunction) -> Result<(), Refusal> {
    let name = call.func.name();
    let choosing = CHOOSING.contains(&name);
    for (at, arg) in call.args.iter().enumerate() {
        if !choosing {
            refuse_places(scope, arg)?;
        }
        match (name, at) {
            ("date_part" | "date_trunc", 0) | ("split_part", 1) if !is_literal(arg) => {
                return no(&rules::FUNCTION_ARGUMENT);
            }
            ("round" | "trunc", 1) if !within(arg, -20, 20) => return no(&rules::FUNCTION_ARGUMENT),
            ("left" | "right", 1) if !within(arg, -POSITION_MAX, POSITION_MAX) => return no(&rules::FUNCTION_ARGUMENT),
            ("substr", 1 | 2) if !within(arg, 0, POSITION_MAX) => return no(&rules::FUNCTION_ARGUMENT),
            ("split_part" | "regexp_count", 2) if !within(arg, 1, POSITION_MAX) => {
                return no(&rules::FUNCTION_ARGUMENT);
            }
            ("power", 1) if !is_small_exponent(arg) => return no(&rules::FUNCTION_ARGUMENT),
            ("regexp_count" | "regexp_like", at)
                if at > 0 && !is_small_pattern(arg) && !(name == "regexp_count" && at == 2) =>
            {
                return no(&rules::PATTERN);
            }
            _ => {}
        }
    }
    Ok(())
}

/// A literal exponent of at most two: a square, a root, an inverse.
fn is_small_exponent(expr: &Expr) -> bool {
    let literal = match bare(expr) {
        Expr::Negative(inner) => bare(inner),
        other => other,
    };
    let Expr::Literal(value, _) = literal else { return false };
    matches!(value.cast_to(&DataType::Float64), Ok(ScalarValue::Float64(Some(exponent))) if exponent.abs() <= 2.0)
}

fn is_literal(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Literal(..)) || matches!(bare(expr), Expr::Negative(inner) if is_literal(inner))
}

/// A whole literal between two bounds: others could fail on the rows that they meet, and so tell that these exist.
pub(super) fn within(expr: &Expr, least: i64, most: i64) -> bool {
    let number = match bare(expr) {
        Expr::Negative(inner) => whole(inner).and_then(i64::checked_neg),
        other => whole(other),
    };
    number.is_some_and(|number| (least..=most).contains(&number))
}

fn whole(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = bare(expr) else { return None };
    match value.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(number) => number,
        _ => None,
    }
}

/// A literal text of bounded length.
pub(crate) fn is_short_literal(expr: &Expr) -> bool {
    text(expr).is_some_and(|text| text.chars().count() <= PATTERN_CHARACTERS_MAX)
}

fn is_small_pattern(expr: &Expr) -> bool {
    is_short_literal(expr) && text(expr).is_some_and(|text| text.matches('{').count() <= COUNTED_REPETITIONS_MAX)
}

fn text(expr: &Expr) -> Option<String> {
    let Expr::Literal(value, _) = bare(expr) else { return None };
    value.try_as_str().flatten().map(str::to_owned)
}
