//! Expressions: what may be said about rows, rewritten so that it cannot fail on any value (V-FUNC, V-TOTAL, V-PK, V-TECH).
#![deny(clippy::wildcard_enum_match_arm)]

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Alias, Between, Cast, InList, Like, TryCast};
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable, Operator};

use super::branches::factors;
use super::facts::{Fact, Kind, Scope};
use super::{arms, calls};
use crate::error::{Refusal, Rule, rules};
use crate::functions::text;

mod arithmetic;
mod casts;

/// Entries after IN at most (disclosure.md, "Limits against load").
const IN_LIST_MAX: usize = 1_000;
/// `BETWEEN` inside the operand of `BETWEEN` at most: the planner writes that operand twice, at every level again.
const NESTED_BETWEEN_MAX: usize = 6;

pub(crate) fn no<T>(rule: &Rule) -> Result<T, Refusal> {
    Err(Refusal::of(rule))
}

/// A column of an output: what it becomes and what it is. Here alone a key or a record's id may stand as it is.
pub(crate) fn output(scope: Scope<'_>, expr: Expr) -> Result<(Expr, Fact), Refusal> {
    if let Expr::Alias(Alias { expr, relation, name, metadata }) = expr {
        let (expr, fact) = output(scope, *expr)?;
        return Ok((Expr::Alias(Alias { expr: Box::new(expr), relation, name, metadata }), fact));
    }
    if let Expr::Column(column) = &expr {
        let mut fact = scope.fact(column)?;
        if scope.below() {
            fact.values = arms::of(scope, &expr)?;
        }
        return Ok((expr, fact));
    }
    if let Some(fact) = calls::coalesced_key(scope, &expr)? {
        return Ok((expr, fact));
    }
    let mut fact = Fact { chosen: true, ..scope.mixture(&expr)? };
    if scope.below() {
        fact.values = arms::of(scope, &expr)?;
    }
    if let Some(inner) = scope.column_fact(&expr)?
        && (inner.kind == Kind::Measure || inner.plain)
        && keeps_measure(scope, &expr)
    {
        fact.kind = if inner.kind == Kind::Measure { Kind::Measure } else { fact.kind };
        (fact.chosen, fact.plain) = (inner.chosen, inner.plain);
    } else if scope.below()
        && let Some(chosen) = factors::of_dates(scope, &expr)?
    {
        (fact.chosen, fact.plain) = (chosen, true);
    }
    Ok((total(scope, expr)?, fact))
}

/// Whether casts around a measure lose nothing: to double, or from an integer to a wider one (V-DECOMP).
pub(crate) fn keeps_measure(scope: Scope<'_>, expr: &Expr) -> bool {
    let inner = if let Expr::Cast(cast) = expr {
        &cast.expr
    } else if let Expr::TryCast(cast) = expr {
        &cast.expr
    } else {
        return matches!(expr, Expr::Column(_));
    };
    let (Ok(from), Ok(to)) = (inner.get_type(scope.schema), expr.get_type(scope.schema)) else { return false };
    let wider = matches!(to, DataType::Float64) || (from.is_integer() && matches!(to, DataType::Int64)) || from == to;
    wider && keeps_measure(scope, inner)
}

/// A value: allowed parts only, and total. Refuses keys and ids but where two of them are compared.
pub(crate) fn total(scope: Scope<'_>, expr: Expr) -> Result<Expr, Refusal> {
    let each = |expr: Box<Expr>| Ok::<_, Refusal>(Box::new(total(scope, *expr)?));
    Ok(match expr {
        Expr::Alias(alias) => Expr::Alias(Alias { expr: each(alias.expr)?, ..alias }),
        Expr::Column(column) => match scope.fact(&column)?.kind {
            Kind::Hidden => return no(&rules::RESERVED),
            Kind::Id(_) => return no(&rules::TECHNICAL),
            Kind::Key { .. } => return no(&rules::PERSON_KEY),
            Kind::Measure | Kind::Other | Kind::Place => casts::without_decimals(scope, Expr::Column(column)),
        },
        Expr::Literal(..) => casts::without_decimals(scope, expr),
        Expr::BinaryExpr(binary) => self::binary(scope, binary)?,
        Expr::Like(like) => Expr::Like(self::like(scope, like)?),
        Expr::Not(inner) => Expr::Not(each(inner)?),
        Expr::IsNotNull(inner) => Expr::IsNotNull(presence(scope, *inner)?),
        Expr::IsNull(inner) => Expr::IsNull(presence(scope, *inner)?),
        Expr::IsTrue(inner) => Expr::IsTrue(each(inner)?),
        Expr::IsFalse(inner) => Expr::IsFalse(each(inner)?),
        Expr::IsUnknown(inner) => Expr::IsUnknown(each(inner)?),
        Expr::IsNotTrue(inner) => Expr::IsNotTrue(each(inner)?),
        Expr::IsNotFalse(inner) => Expr::IsNotFalse(each(inner)?),
        Expr::IsNotUnknown(inner) => Expr::IsNotUnknown(each(inner)?),
        Expr::Negative(inner) => Expr::Negative(Box::new(arithmetic::negated(scope, total(scope, *inner)?))),
        Expr::Between(between) => Expr::Between(self::between(scope, between)?),
        Expr::Case(case) => Expr::Case(self::case(scope, case)?),
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            casts::try_cast(scope, *expr, field.data_type())?
        }
        Expr::ScalarFunction(call) => calls::scalar(scope, call)?,
        Expr::InList(list) => Expr::InList(in_list(scope, list)?),
        #[expect(deprecated, reason = "the variant is still there, and everything not known is refused")]
        Expr::AggregateFunction(_) | Expr::Wildcard { .. } | Expr::WindowFunction(_) => {
            return no(&rules::NOT_SUPPORTED);
        }
        Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) | Expr::ScalarSubquery(_) => {
            return no(&rules::SUBQUERY);
        }
        Expr::GroupingSet(_) => return no(&rules::GROUPING_SETS),
        Expr::Placeholder(_) => return no(&rules::PLACEHOLDER),
        Expr::OuterReferenceColumn(..) => return no(&rules::CORRELATED),
        Expr::ScalarVariable(..) => return no(&rules::META),
        Expr::SimilarTo(_) => return no(&rules::PATTERN),
        Expr::Unnest(_) => return no(&rules::GENERATED),
        Expr::HigherOrderFunction(_) | Expr::Lambda(_) | Expr::LambdaVariable(_) => return no(&rules::FUNCTION),
    })
}

/// Whether it is there may be asked of everything, a key and an id included (V-PK-NULL).
fn presence(scope: Scope<'_>, inner: Expr) -> Result<Box<Expr>, Refusal> {
    let plain = if let Expr::Column(column) = &inner {
        scope.fact(column)?.kind != Kind::Hidden
    } else {
        calls::coalesced_key(scope, &inner)?.is_some()
    };
    Ok(Box::new(if plain { inner } else { total(scope, inner)? }))
}

fn between(scope: Scope<'_>, between: Between) -> Result<Between, Refusal> {
    let mut nested = 0;
    let counted = between.expr.apply(|part| {
        nested += usize::from(matches!(part, Expr::Between(_)));
        Ok(TreeNodeRecursion::Continue)
    });
    if counted.is_err() || nested > NESTED_BETWEEN_MAX {
        return no(&rules::TOO_DEEP);
    }
    let each = |expr: Box<Expr>| Ok::<_, Refusal>(Box::new(total(scope, *expr)?));
    Ok(Between { expr: each(between.expr)?, low: each(between.low)?, high: each(between.high)?, ..between })
}

fn case(scope: Scope<'_>, case: Case) -> Result<Case, Refusal> {
    let each = |expr: Box<Expr>| Ok::<_, Refusal>(Box::new(total(scope, *expr)?));
    let arms = case.when_then_expr.into_iter().map(|(when, then)| Ok((each(when)?, each(then)?)));
    let when_then_expr = arms.collect::<Result<_, Refusal>>()?;
    Ok(Case {
        expr: case.expr.map(each).transpose()?,
        when_then_expr,
        else_expr: case.else_expr.map(each).transpose()?,
    })
}

fn in_list(scope: Scope<'_>, list: InList) -> Result<InList, Refusal> {
    if list.list.len() > IN_LIST_MAX {
        return no(&rules::IN_LIST);
    }
    if let Some(fact) = scope.column_fact(&list.expr)?
        && matches!(fact.kind, Kind::Key { .. })
    {
        return no(&rules::PERSON_KEY_LITERAL);
    }
    let entries = list.list.into_iter().map(|entry| total(scope, entry)).collect::<Result<_, _>>()?;
    Ok(InList { expr: Box::new(total(scope, *list.expr)?), list: entries, negated: list.negated })
}

fn like(scope: Scope<'_>, like: Like) -> Result<Like, Refusal> {
    if scope.below() && !calls::is_short_literal(&like.pattern) {
        return no(&rules::PATTERN);
    }
    let expr = Box::new(total(scope, *like.expr)?);
    Ok(Like { expr, pattern: Box::new(total(scope, *like.pattern)?), ..like })
}

fn binary(scope: Scope<'_>, binary: BinaryExpr) -> Result<Expr, Refusal> {
    let BinaryExpr { left, op, right } = binary;
    if let Some(kept) = keys_compared(scope, &left, op, &right)? {
        return Ok(kept);
    }
    if scope.below() && !is_allowed(op) {
        return no(if is_arithmetic_sampling(op) { &rules::ARITHMETIC } else { &rules::OPERATOR });
    }
    let (left, right) = (total(scope, *left)?, total(scope, *right)?);
    let arithmetic =
        matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo);
    if arithmetic {
        return arithmetic::total_arithmetic(scope, left, op, right);
    }
    if scope.below() && op == Operator::StringConcat {
        return joined_texts(scope, left, right);
    }
    Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))))
}

/// `left || right`, cut: it would double at every step of a chain.
fn joined_texts(scope: Scope<'_>, left: Expr, right: Expr) -> Result<Expr, Refusal> {
    for part in [&left, &right] {
        refuse_places(scope, part)?;
        let found = part.get_type(scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))?;
        if !(found.is_string() || found.is_null()) {
            return no(&rules::OPERATOR);
        }
    }
    Ok(text::join(left, right))
}

/// Two keys, or two ids of one kind, may be compared for equality; with anything else they may not.
fn keys_compared(scope: Scope<'_>, left: &Expr, op: Operator, right: &Expr) -> Result<Option<Expr>, Refusal> {
    let special =
        |fact: Option<Fact>| fact.map(|fact| fact.kind).filter(|kind| matches!(kind, Kind::Key { .. } | Kind::Id(_)));
    let equality = matches!(op, Operator::Eq | Operator::IsNotDistinctFrom);
    match (special(scope.column_fact(left)?), special(scope.column_fact(right)?)) {
        (None, None) => Ok(None),
        (Some(Kind::Key { .. }), Some(Kind::Key { .. })) if equality => Ok(Some(same(left, op, right))),
        (Some(Kind::Id(a)), Some(Kind::Id(b))) if equality && a == b => Ok(Some(same(left, op, right))),
        (Some(Kind::Key { .. }), _) | (_, Some(Kind::Key { .. })) => no(&rules::PERSON_KEY_LITERAL),
        (Some(_), _) | (_, Some(_)) => no(&rules::TECHNICAL),
    }
}

fn same(left: &Expr, op: Operator, right: &Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left.clone()), op, Box::new(right.clone())))
}

/// Operators on rows; `docs/sql.md` lists them.
pub(crate) fn is_allowed(op: Operator) -> bool {
    matches!(
        op,
        Operator::And
            | Operator::Divide
            | Operator::Eq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
            | Operator::Lt
            | Operator::LtEq
            | Operator::Minus
            | Operator::Multiply
            | Operator::NotEq
            | Operator::Or
            | Operator::Plus
            | Operator::StringConcat
    )
}

fn is_arithmetic_sampling(op: Operator) -> bool {
    matches!(
        op,
        Operator::BitwiseAnd
            | Operator::BitwiseOr
            | Operator::BitwiseShiftLeft
            | Operator::BitwiseShiftRight
            | Operator::BitwiseXor
            | Operator::Modulo
    )
}

/// Surrogates of institutions are compared, never calculated with.
pub(crate) fn refuse_places(scope: Scope<'_>, expr: &Expr) -> Result<(), Refusal> {
    for column in expr.column_refs() {
        if scope.fact(column)?.kind == Kind::Place {
            return no(&rules::ARITHMETIC);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
