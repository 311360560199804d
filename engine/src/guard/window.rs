//! Windows: free over cells; over rows only inside one person (V-WINDOW-PK).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use std::sync::Arc;

use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, Window, WindowFunctionDefinition};

use super::expression::{no, total};
use super::facts::{Fact, Kind, Level, Rows, Scope, Walked};
use super::{aggregate, calls, planned};
use crate::error::{Refusal, rules};
use crate::functions;

/// Guards a window node over a walked input.
pub(crate) fn guard(input: Walked, exprs: Vec<Expr>) -> Result<Walked, Refusal> {
    let names = NamePreserver::new_for_projection();
    let mut facts = Vec::new();
    let mut guarded = Vec::new();
    for expr in exprs {
        let saved = names.save(&expr);
        let (expr, fact) = window(&input, expr)?;
        guarded.push(saved.restore(expr));
        facts.push(fact);
    }
    let level = match input.level {
        Level::Open(open) => Level::Open(open),
        Level::Rows(rows) => {
            let facts = rows.facts.into_iter().chain(facts).collect();
            Level::Rows(Rows { facts, ..rows })
        }
    };
    let plan = Window::try_new(guarded, Arc::new(input.plan)).map_err(planned)?;
    Ok(Walked { plan: LogicalPlan::Window(plan), level })
}

fn window(input: &Walked, expr: Expr) -> Result<(Expr, Fact), Refusal> {
    let scope = Scope::of(input);
    let mut function = match expr {
        Expr::Alias(alias) => return window(input, *alias.expr),
        Expr::WindowFunction(function) => function,
        _ => return no(&rules::NOT_SUPPORTED),
    };
    let mut fact = Fact::PLAIN;
    if let Level::Rows(rows) = &input.level {
        fact = inside_one_person(scope, rows, &function)?;
    }
    let params = &mut function.params;
    for list in [&mut params.args, &mut params.partition_by] {
        for expr in std::mem::take(list) {
            list.push(part(scope, expr)?);
        }
    }
    if function.fun.name() == "string_agg" {
        params.args = aggregate::short_texts(std::mem::take(&mut params.args));
    }
    for sort in &mut params.order_by {
        sort.expr = ordering(scope, sort.expr.clone())?;
    }
    if let Some(filter) = params.filter.take() {
        params.filter = Some(Box::new(total(scope, *filter)?));
    }
    Ok((Expr::WindowFunction(function), fact))
}

fn inside_one_person(scope: Scope<'_>, rows: &Rows, function: &WindowFunction) -> Result<Fact, Refusal> {
    let mut held = false;
    for expr in &function.params.partition_by {
        held |= scope.column_fact(expr)?.is_some_and(|fact| rows.holds(fact));
    }
    if !held {
        return no(&rules::WINDOW);
    }
    let allowed = match &function.fun {
        WindowFunctionDefinition::WindowUDF(window) => functions::WINDOWS.contains(&window.name()),
        WindowFunctionDefinition::AggregateUDF(aggregate) => {
            functions::AGGREGATES_PER_PERSON.contains(&aggregate.name())
        }
    };
    if !allowed {
        return no(&rules::AGGREGATE_PER_PERSON);
    }
    for arg in function.params.args.iter().skip(1) {
        if !arg.column_refs().is_empty() {
            return no(&rules::FUNCTION_ARGUMENT);
        }
    }
    let numbered = match function.fun.name() {
        "lag" | "lead" | "nth_value" => function.params.args.get(1),
        "ntile" => function.params.args.first(),
        _ => None,
    };
    if numbered.is_some_and(|arg| !calls::within(arg, 1, calls::POSITION_MAX)) {
        return no(&rules::FUNCTION_ARGUMENT);
    }
    for arg in &function.params.args {
        if scope.column_fact(arg)?.is_some_and(|fact| matches!(fact.kind, Kind::Key { .. } | Kind::Hidden)) {
            return no(&rules::PERSON_KEY);
        }
    }
    let exprs = function.params.args.iter().chain(function.params.filter.as_deref());
    exprs
        .chain(function.params.order_by.iter().map(|sort| &sort.expr))
        .try_fold(Fact::PLAIN, |sum, expr| Ok(sum.mixed(scope.mixture(expr)?)))
}

/// A partition may name a key or an id as it is.
fn part(scope: Scope<'_>, expr: Expr) -> Result<Expr, Refusal> {
    super::expression::output(scope, expr).map(|(expr, _)| expr)
}

/// Rows of one person may be ordered by their ids.
pub(crate) fn ordering(scope: Scope<'_>, expr: Expr) -> Result<Expr, Refusal> {
    match scope.column_fact(&expr)? {
        Some(Fact { kind: Kind::Id(_), .. }) if matches!(expr, Expr::Column(_)) => Ok(expr),
        _ => total(scope, expr),
    }
}
