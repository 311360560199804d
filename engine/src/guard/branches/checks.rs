//! What must hold of each branch and of each term before a sum is shown (disclosure.md, 4b).

use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, lit, not};

use super::{Addend, Term, all_of};
use crate::error::Refusal;
use crate::guard::cells::Amounts;
use crate::veil::plan::{Check, ROWS};

/// The whole argument of a sum, as one amount and where it is there.
pub(in crate::guard) struct Whole {
    pub(in crate::guard) amount: Expr,
    pub(in crate::guard) present: Expr,
}

/// The tally of the whole, and the checks: of it, of its complement, of each branch and of each term in it.
pub(in crate::guard) fn of(
    addends: &[Addend],
    whole: &Whole,
    amounts: &mut Amounts,
) -> Result<(usize, Vec<Check>), Refusal> {
    let tally = amounts.tally(whole.amount.clone())?;
    let mut checks = vec![Check::Even(tally)];
    let mut add = |check: Check| {
        if !checks.contains(&check) {
            checks.push(check);
        }
    };
    // NULL of one term hides a row from all: outside a branch, nobody may look like few.
    let unguarded = addends.iter().filter(|addend| addend.guard.is_empty()).filter_map(|addend| addend.term.as_ref());
    let chosen = unguarded.flat_map(|term| &term.factors).any(|factor| factor.chosen);
    let absent = amounts.rows_where(not(whole.present.clone()))?;
    add(Check::Branch { tally: absent, chosen, even: true });
    for addend in addends {
        if !addend.guard.is_empty() {
            let branch = amounts.rows_where(all_of(&addend.guard))?;
            add(Check::Branch { tally: branch, chosen: addend.chosen, even: true });
        }
        let Some(term) = addend.term.as_ref().filter(|term| term.literal != 0.0) else { continue };
        if term.factors.is_empty() {
            if addend.guard.is_empty() {
                add(Check::Even(ROWS));
            }
            continue;
        }
        if addends.len() > 1 {
            let amount = amounts.tally(amount_of(addend, term, &whole.present))?;
            add(Check::Branch { tally: amount, chosen: addend.chosen || addend.guard.is_empty(), even: true });
            if !addend.guard.is_empty() {
                let absent = amounts.rows_where(absent_of(addend, term))?;
                let chosen = term.factors.iter().any(|factor| factor.chosen);
                add(Check::Branch { tally: absent, chosen, even: true });
            }
        }
    }
    Ok((tally, checks))
}

/// A term where its branch is taken and the whole is there.
fn amount_of(addend: &Addend, term: &Term, whole: &Expr) -> Expr {
    let product = term.factors.iter().fold(lit(term.literal), |product, factor| product * factor.value.clone());
    let mut guard = addend.guard.clone();
    guard.push(whole.clone());
    let arm = (Box::new(all_of(&guard)), Box::new(product));
    Expr::Case(Case { expr: None, when_then_expr: vec![arm], else_expr: None })
}

fn absent_of(addend: &Addend, term: &Term) -> Expr {
    let absent = term.factors.iter().map(|factor| factor.value.clone().is_null()).reduce(Expr::or);
    all_of(&addend.guard).and(absent.unwrap_or_else(|| lit(false)))
}
