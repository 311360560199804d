//! Arguments that are counted: the person key, alone or in the arms of conditions (V-ARM, V-PK).

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{BinaryExpr, Case, ScalarFunction};

use super::cast_of;
use crate::error::Refusal;
use crate::guard::expression::total;
use crate::guard::facts::{Kind, Scope};

/// What is counted, allowed and total; `keys`: only keys and NULL can come out of it, and at least one is there.
pub(in crate::guard) struct Counted {
    pub(in crate::guard) argument: Expr,
    pub(in crate::guard) keys: bool,
}

/// Reads an argument of `count`. A key may stand in the arms only: which arm is taken is all that is counted of it.
pub(in crate::guard) fn counted(scope: Scope<'_>, expr: &Expr) -> Result<Counted, Refusal> {
    match arms(scope, expr)? {
        Some((argument, true)) => Ok(Counted { argument, keys: true }),
        _ => Ok(Counted { argument: total(scope, expr.clone())?, keys: false }),
    }
}

/// The argument, and whether a key is in it; none if anything but keys and NULL can come out.
fn arms(scope: Scope<'_>, expr: &Expr) -> Result<Option<(Expr, bool)>, Refusal> {
    if let Expr::Alias(alias) = expr {
        return arms(scope, &alias.expr);
    }
    if let Expr::Column(column) = expr {
        let key = matches!(scope.fact(column)?.kind, Kind::Key { .. });
        return Ok(key.then(|| (expr.clone(), true)));
    }
    if let Expr::Literal(value, _) = expr {
        return Ok(value.is_null().then(|| (expr.clone(), false)));
    }
    if let Some(inner) = cast_of(expr) {
        let null = matches!(inner, Expr::Literal(value, _) if value.is_null());
        return Ok(null.then(|| (expr.clone(), false)));
    }
    if let Expr::ScalarFunction(call) = expr
        && matches!(call.func.name(), "coalesce" | "nvl")
    {
        let Some((args, keys)) = all(scope, call.args.iter())? else { return Ok(None) };
        let call = ScalarFunction { func: std::sync::Arc::clone(&call.func), args };
        return Ok(Some((Expr::ScalarFunction(call), keys)));
    }
    let Expr::Case(case) = expr else { return Ok(None) };
    let values = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr).map(AsRef::as_ref);
    let Some((values, keys)) = all(scope, values)? else { return Ok(None) };
    let mut values = values.into_iter().map(Box::new);
    let mut when_then_expr = Vec::new();
    for ((when, _), then) in case.when_then_expr.iter().zip(&mut values) {
        let condition = match &case.expr {
            None => when.as_ref().clone(),
            Some(base) => {
                Expr::BinaryExpr(BinaryExpr::new(base.clone(), datafusion::logical_expr::Operator::Eq, when.clone()))
            }
        };
        when_then_expr.push((Box::new(total(scope, condition)?), then));
    }
    let case = Case { expr: None, when_then_expr, else_expr: values.next() };
    Ok(Some((Expr::Case(case), keys)))
}

fn all<'a>(scope: Scope<'_>, exprs: impl Iterator<Item = &'a Expr>) -> Result<Option<(Vec<Expr>, bool)>, Refusal> {
    let (mut kept, mut keys) = (Vec::new(), false);
    for expr in exprs {
        let Some((expr, key)) = arms(scope, expr)? else { return Ok(None) };
        keys |= key;
        kept.push(expr);
    }
    Ok(Some((kept, keys)))
}
