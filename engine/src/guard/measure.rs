//! Which aggregates count or sum what is plain: the only ones that may pass on to a sum at the veil (V-DECOMP, V-ARM).

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::AggregateFunction;

use super::expression::keeps_measure;
use super::facts::{Fact, Kind, Scope, bare};
use crate::error::Refusal;

/// Whether the result per person is a measure again: a count of rows or of a plain column, or a sum, mean or extreme of a
/// measure; no condition, no literal in it.
pub(super) fn is_measure_per_person(scope: Scope<'_>, function: &AggregateFunction) -> Result<bool, Refusal> {
    if function.params.filter.is_some() {
        return Ok(false);
    }
    match function.func.name() {
        "count" => Ok(counts_rows(function) || counted_column(scope, function)?.is_some()),
        "avg" | "max" | "min" | "sum" if !function.params.distinct => summed_measure(scope, function),
        _ => Ok(false),
    }
}

/// Whether the result per person is a plain value of one column; and whether the query chose where that is NULL.
pub(super) fn plain_per_person(scope: Scope<'_>, function: &AggregateFunction) -> Result<Option<bool>, Refusal> {
    let params = &function.params;
    let whole = params.filter.is_none() && !params.distinct && params.order_by.is_empty();
    let ([arg], true, "avg" | "max" | "min" | "sum") = (params.args.as_slice(), whole, function.func.name()) else {
        return Ok(None);
    };
    let fact = scope.column_fact(arg)?.filter(|fact| fact.plain && keeps_measure(scope, arg));
    Ok(fact.map(|fact| fact.chosen))
}

/// `count(*)` or `count(1)`.
pub(super) fn counts_rows(function: &AggregateFunction) -> bool {
    match function.params.args.as_slice() {
        [] => true,
        [only] => matches!(bare(only), Expr::Literal(value, _) if !value.is_null()),
        _ => false,
    }
}

/// The fact of the plain column that is counted.
pub(super) fn counted_column(scope: Scope<'_>, function: &AggregateFunction) -> Result<Option<Fact>, Refusal> {
    match function.params.args.as_slice() {
        [Expr::Column(column)] => scope.fact(column).map(Some),
        _ => Ok(None),
    }
}

/// Whether the one argument is a measure, perhaps under casts that lose nothing.
pub(super) fn summed_measure(scope: Scope<'_>, function: &AggregateFunction) -> Result<bool, Refusal> {
    let [arg] = function.params.args.as_slice() else { return Ok(false) };
    let Some(fact) = scope.column_fact(arg)? else { return Ok(false) };
    Ok(fact.kind == Kind::Measure && keeps_measure(scope, arg))
}
