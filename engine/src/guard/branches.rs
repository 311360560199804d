//! What the argument of a sum is made of: terms, each in its branch of every condition (disclosure.md, 4b; V-ARM, V-DECOMP).
//!
//! Grammar: sums of products of a literal with at most two plain factors, under conditions. A condition is told apart by where
//! it holds, so that what stands in it is free; everything else would select rows unseen and is refused (V-FUNCARG).

use datafusion::logical_expr::expr::{BinaryExpr, Case, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, lit};

use super::expression::{no, total};
use super::facts::{Scope, bare};
use crate::error::{Refusal, rules};
use factors::Factor;

pub(super) mod checks;
pub(super) mod factors;
pub(super) mod keys;

/// Addends of one argument at most: products of conditions grow fast.
const ADDENDS_MAX: usize = 32;
/// Factors of a term at most: a power of a higher degree picks out single values (disclosure.md, 4b).
const DEGREE_MAX: usize = 2;
/// Sizes of a literal: beyond, low digits and overflows would carry what a term alone may not tell.
const LITERAL_MAX: f64 = 1e9;

/// One term where its conditions hold.
#[derive(Clone, Debug)]
pub(super) struct Addend {
    /// Each is true or false, never unknown.
    pub(super) guard: Vec<Expr>,
    /// Whether the query's own words decide that somebody is in this branch (V-ZERO).
    pub(super) chosen: bool,
    /// NULL where it is none.
    pub(super) term: Option<Term>,
}

/// A literal times plain columns.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) literal: f64,
    pub(super) factors: Vec<Factor>,
}

impl Addend {
    fn of(term: Option<Term>) -> Self {
        Self { guard: Vec::new(), chosen: false, term }
    }

    fn under(mut self, guard: &[Expr], chosen: bool) -> Self {
        self.guard.splice(0..0, guard.iter().cloned());
        self.chosen |= chosen;
        self
    }

    /// Under a guard that asks the whole to be there: a term outside further branches then has all its factors.
    fn where_present(mut self) -> Self {
        if self.guard.is_empty()
            && let Some(term) = &mut self.term
        {
            term.factors.iter_mut().for_each(|factor| factor.chosen = false);
        }
        self
    }

    fn times(&self, other: &Self) -> Result<Self, Refusal> {
        let term = match (&self.term, &other.term) {
            (Some(one), Some(two)) => Some(one.times(two)?),
            _ => None,
        };
        let guard = self.guard.iter().chain(&other.guard).cloned().collect();
        Ok(Self { guard, chosen: self.chosen || other.chosen, term })
    }

    fn scaled(mut self, by: f64) -> Result<Self, Refusal> {
        if let Some(term) = &mut self.term {
            term.literal = bounded(term.literal * by)?;
        }
        Ok(self)
    }
}

impl Term {
    fn times(&self, other: &Self) -> Result<Self, Refusal> {
        let factors: Vec<Factor> = self.factors.iter().chain(&other.factors).cloned().collect();
        if factors.len() > DEGREE_MAX {
            return no(&rules::DECOMP);
        }
        Ok(Self { literal: bounded(self.literal * other.literal)?, factors })
    }
}

/// The addends of a number: their sum is the expression, on every row.
pub(super) fn addends(scope: Scope<'_>, expr: &Expr) -> Result<Vec<Addend>, Refusal> {
    if let Some(factor) = factors::plain(scope, expr)? {
        return Ok(vec![Addend::of(Some(Term { literal: 1.0, factors: vec![factor] }))]);
    }
    if let Expr::Alias(alias) = expr {
        return addends(scope, &alias.expr);
    } else if let Some(literal) = literal(expr) {
        let term = match literal {
            Literal::Null => None,
            Literal::Number(number) => Some(Term { literal: bounded(number)?, factors: Vec::new() }),
        };
        return Ok(vec![Addend::of(term)]);
    } else if let Some(inner) = cast_of(expr) {
        return if factors::is_boolean(scope, inner) {
            truths(scope, inner)
        } else if factors::loses_nothing(scope, inner, expr) {
            addends(scope, inner)
        } else {
            no(&rules::DECOMP)
        };
    } else if let Expr::Negative(inner) = expr {
        return scaled(addends(scope, inner)?, -1.0);
    } else if let Expr::BinaryExpr(binary) = expr {
        return arithmetic(scope, expr, binary);
    } else if let Expr::Case(case) = expr {
        return cases(scope, case);
    } else if let Expr::ScalarFunction(call) = expr {
        return chosen_of(scope, call);
    }
    no(&rules::DECOMP)
}

fn arithmetic(scope: Scope<'_>, expr: &Expr, binary: &BinaryExpr) -> Result<Vec<Addend>, Refusal> {
    if let Operator::Plus | Operator::Minus = binary.op {
        let mut sum = addends(scope, &binary.left)?;
        let right = addends(scope, &binary.right)?;
        sum.extend(if binary.op == Operator::Minus { scaled(right, -1.0)? } else { right });
        return few(sum);
    }
    if binary.op == Operator::Multiply {
        let (left, right) = (addends(scope, &binary.left)?, addends(scope, &binary.right)?);
        let mut products = Vec::new();
        if left.len().saturating_mul(right.len()) > ADDENDS_MAX {
            return no(&rules::AGGREGATES);
        }
        for one in &left {
            for other in &right {
                products.push(one.times(other)?);
            }
        }
        return Ok(products);
    }
    if binary.op == Operator::Divide
        && let Some(Literal::Number(divisor)) = literal(&binary.right)
        && divisor != 0.0
        && factors::is_double(scope, expr)
    {
        // A whole number divided by one is cut off, which tells values apart; a column below the line can be near zero.
        return scaled(addends(scope, &binary.left)?, 1.0 / divisor);
    }
    no(&rules::DECOMP)
}

fn cases(scope: Scope<'_>, case: &Case) -> Result<Vec<Addend>, Refusal> {
    let mut sum = Vec::new();
    let mut before: Vec<Expr> = Vec::new();
    for (when, then) in &case.when_then_expr {
        let condition = match &case.expr {
            None => when.as_ref().clone(),
            Some(base) => Expr::BinaryExpr(BinaryExpr::new(base.clone(), Operator::Eq, when.clone())),
        };
        let condition = total(scope, condition)?;
        let mut guard = before.clone();
        guard.push(Expr::IsTrue(Box::new(condition.clone())));
        sum.extend(addends(scope, then)?.into_iter().map(|addend| addend.under(&guard, true)));
        before.push(Expr::IsNotTrue(Box::new(condition)));
        sum = few(sum)?;
    }
    let rest = match &case.else_expr {
        None => vec![Addend::of(None)],
        Some(rest) => addends(scope, rest)?,
    };
    sum.extend(rest.into_iter().map(|addend| addend.under(&before, true)));
    few(sum)
}

/// A condition as a number: one, zero, or NULL where it is unknown.
fn truths(scope: Scope<'_>, condition: &Expr) -> Result<Vec<Addend>, Refusal> {
    let natural = factors::asks_one_column(scope, condition)?;
    let condition = total(scope, condition.clone())?;
    let one = |literal| Addend::of(Some(Term { literal, factors: Vec::new() }));
    let mut sum = vec![
        one(1.0).under(&[Expr::IsTrue(Box::new(condition.clone()))], true),
        one(0.0).under(&[Expr::IsFalse(Box::new(condition.clone()))], true),
    ];
    if condition.nullable(scope.schema).unwrap_or(true) {
        sum.push(Addend::of(None).under(&[Expr::IsUnknown(Box::new(condition))], !natural));
    }
    Ok(sum)
}

/// Functions that choose between their arguments.
fn chosen_of(scope: Scope<'_>, call: &ScalarFunction) -> Result<Vec<Addend>, Refusal> {
    match (call.func.name(), call.args.as_slice()) {
        ("coalesce" | "nvl", args) => coalesced(scope, args),
        ("nullif", [value, other]) => {
            let same = BinaryExpr::new(Box::new(value.clone()), Operator::Eq, Box::new(other.clone()));
            let same = total(scope, Expr::BinaryExpr(same))?;
            let guard = [Expr::IsNotTrue(Box::new(same.clone()))];
            let mut sum: Vec<_> = addends(scope, value)?.into_iter().map(|one| one.under(&guard, true)).collect();
            sum.push(Addend::of(None).under(&[Expr::IsTrue(Box::new(same))], true));
            few(sum)
        }
        ("nvl2", [asked, there, absent]) => {
            let asked = total(scope, asked.clone())?;
            let mut sum = Vec::new();
            for (guard, value) in [(asked.clone().is_not_null(), there), (asked.is_null(), absent)] {
                sum.extend(addends(scope, value)?.into_iter().map(|one| one.under(std::slice::from_ref(&guard), true)));
            }
            few(sum)
        }
        // Rounding, remainders, positions and the like tell values apart without a condition (V-FUNCARG).
        _ => no(&rules::ARM),
    }
}

fn coalesced(scope: Scope<'_>, args: &[Expr]) -> Result<Vec<Addend>, Refusal> {
    let (mut sum, mut before, mut chosen) = (Vec::new(), Vec::new(), false);
    for arg in args {
        // Who has a value is chosen as much as who has none.
        chosen |= match scope.column_fact(arg)? {
            Some(fact) => fact.chosen,
            None => !matches!(bare(arg), Expr::Literal(..)),
        };
        let value = total(scope, arg.clone())?;
        let mut guard: Vec<Expr> = before.clone();
        guard.push(value.clone().is_not_null());
        sum.extend(addends(scope, arg)?.into_iter().map(|one| one.where_present().under(&guard, chosen)));
        sum = few(sum)?;
        if let Some(Literal::Number(_)) = literal(arg) {
            // Nothing comes after a literal.
            return Ok(sum);
        }
        before.push(value.is_null());
    }
    sum.push(Addend::of(None).under(&before, chosen));
    few(sum)
}

/// The addends of an argument behind FILTER: rows that do not pass are a branch too.
pub(super) fn passing(addends: Vec<Addend>, filter: &Expr) -> Vec<Addend> {
    let guard = [Expr::IsTrue(Box::new(filter.clone()))];
    let mut passing: Vec<_> = addends.into_iter().map(|addend| addend.under(&guard, true)).collect();
    passing.push(Addend::of(None).under(&[Expr::IsNotTrue(Box::new(filter.clone()))], true));
    passing
}

/// `argument` where a FILTER passes, else NULL.
pub(super) fn filtered(filter: Option<&Expr>, argument: Expr) -> Expr {
    match filter {
        None => argument,
        Some(filter) => {
            let arm = (Box::new(filter.clone()), Box::new(argument));
            Expr::Case(Case { expr: None, when_then_expr: vec![arm], else_expr: None })
        }
    }
}

/// All of some conditions, which are never unknown.
pub(super) fn all_of(guard: &[Expr]) -> Expr {
    guard.iter().cloned().reduce(Expr::and).unwrap_or_else(|| lit(true))
}

fn cast_of(expr: &Expr) -> Option<&Expr> {
    if let Expr::Cast(cast) = expr {
        Some(&cast.expr)
    } else if let Expr::TryCast(cast) = expr {
        Some(&cast.expr)
    } else {
        None
    }
}

/// A literal number.
enum Literal {
    Null,
    Number(f64),
}

fn literal(expr: &Expr) -> Option<Literal> {
    if let Expr::Negative(inner) = bare(expr) {
        return literal(inner).map(|found| match found {
            Literal::Null => Literal::Null,
            Literal::Number(number) => Literal::Number(-number),
        });
    }
    let Expr::Literal(value, _) = bare(expr) else { return None };
    if value.is_null() {
        return Some(Literal::Null);
    }
    factors::number(expr, value).map(Literal::Number)
}

fn scaled(addends: Vec<Addend>, by: f64) -> Result<Vec<Addend>, Refusal> {
    addends.into_iter().map(|addend| addend.scaled(by)).collect()
}

fn bounded(literal: f64) -> Result<f64, Refusal> {
    let size = literal.abs();
    if size == 0.0 || (1.0 / LITERAL_MAX..=LITERAL_MAX).contains(&size) { Ok(literal) } else { no(&rules::DECOMP) }
}

fn few(addends: Vec<Addend>) -> Result<Vec<Addend>, Refusal> {
    if addends.len() > ADDENDS_MAX { no(&rules::AGGREGATES) } else { Ok(addends) }
}
