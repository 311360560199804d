//! How many values an expression can have, as far as its own words tell: a key of two tells by one arm who is in the other
//! (disclosure.md, 4a; V-ZERO).
#![expect(clippy::wildcard_enum_match_arm, reason = "whatever is not one of a few forms has many values")]

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Case, Expr, ExprSchemable};

use super::facts::{Scope, Values};
use crate::error::Refusal;

/// Of a key or another output of rows.
pub(super) fn of(scope: Scope<'_>, expr: &Expr) -> Result<Values, Refusal> {
    Ok(match expr {
        Expr::Alias(alias) => of(scope, &alias.expr)?,
        Expr::Column(column) => match scope.fact(column)?.values {
            Values::MANY => of_type(scope, expr),
            values => values,
        },
        Expr::Literal(value, _) => Values::new(usize::from(!value.is_null()), value.is_null()),
        Expr::Cast(cast) => casted(scope, expr, &cast.expr)?,
        Expr::TryCast(cast) => casted(scope, expr, &cast.expr)?,
        Expr::Case(case) => of_case(scope, expr, case)?,
        Expr::ScalarFunction(call) if matches!(call.func.name(), "coalesce" | "nvl") => {
            call.args.iter().try_fold(Values::NULL, |sum, arg| Ok::<_, Refusal>(sum.coalesced(of(scope, arg)?)))?
        }
        _ => of_type(scope, expr),
    })
}

/// One value of several that a person has.
pub(super) fn of_aggregate(scope: Scope<'_>, function: &AggregateFunction) -> Result<Values, Refusal> {
    let values = match (function.func.name(), function.params.args.as_slice()) {
        (
            "any_value" | "bool_and" | "bool_or" | "first_value" | "last_value" | "max" | "min" | "nth_value",
            [arg, ..],
        ) => of(scope, arg)?,
        _ => Values::MANY,
    };
    Ok(if function.params.filter.is_some() { values.or_null() } else { values })
}

fn casted(scope: Scope<'_>, expr: &Expr, inner: &Expr) -> Result<Values, Refusal> {
    // A cast makes no more of them, but those that it cannot take are NULL.
    let values = of(scope, inner)?;
    let truth = inner.get_type(scope.schema).is_ok_and(|found| found == DataType::Boolean);
    let kept = truth || matches!(inner, Expr::Literal(..)) || of_type(scope, expr).arms().is_some();
    Ok(if kept { values } else { values.or_null() })
}

fn of_case(scope: Scope<'_>, expr: &Expr, case: &Case) -> Result<Values, Refusal> {
    let arms: Vec<&Expr> =
        case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref()).collect();
    let mut literals = BTreeSet::new();
    let mut null = case.else_expr.is_none();
    for arm in &arms {
        match super::facts::bare(arm) {
            Expr::Literal(value, _) if value.is_null() => null = true,
            Expr::Literal(value, _) => {
                literals.insert(value.to_string());
            }
            _ => {
                let any =
                    arms.iter().try_fold(Values::new(0, null), |sum, arm| Ok::<_, Refusal>(sum.or(of(scope, arm)?)))?;
                return Ok(if any.arms().is_some() { any } else { of_type(scope, expr) });
            }
        }
    }
    Ok(Values::new(literals.len(), null))
}

fn of_type(scope: Scope<'_>, expr: &Expr) -> Values {
    if expr.get_type(scope.schema).is_ok_and(|found| found == DataType::Boolean) {
        Values::new(2, expr.nullable(scope.schema).unwrap_or(true))
    } else {
        Values::MANY
    }
}
