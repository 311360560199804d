//! Group keys, and the grouping sets over them: at most three dimensions, each set once (V-GSETS).

use datafusion::common::Result as Planned;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{enumerate_grouping_sets, grouping_set_to_exprlist};
use datafusion::logical_expr::{Expr, GroupingSet};

use super::aggregate::covers;
use super::expression::{no, output};
use super::facts::{Fact, Rows, Scope};
use super::planned;
use crate::error::{Refusal, rules};
use crate::veil::complement::DIMENSIONS_MAX;
use crate::veil::plan::TwoValued;

/// Group keys of one aggregate over rows, allowed and total.
pub(super) struct Keys {
    /// Each once, in the order of the output.
    pub(super) keys: Vec<(Expr, Fact)>,
    /// By grouping set, which keys are in it; none where all keys are the one set.
    sets: Option<Vec<Vec<usize>>>,
}

impl Keys {
    /// Of a plain grouping.
    pub(super) fn plain(keys: Vec<(Expr, Fact)>) -> Self {
        Self { keys, sets: None }
    }

    pub(super) fn of(scope: Scope<'_>, group_expr: Vec<Expr>) -> Result<Self, Refusal> {
        if !group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
            return Ok(Self::plain(grouped(scope, group_expr)?));
        }
        let group_expr = enumerate_grouping_sets(group_expr).map_err(planned)?;
        let [Expr::GroupingSet(asked)] = group_expr.as_slice() else { return no(&rules::GROUPING_SETS) };
        let written: Planned<Vec<Expr>> =
            grouping_set_to_exprlist(&group_expr).map(|found| found.into_iter().cloned().collect());
        let written = written.map_err(planned)?;
        if written.len() > DIMENSIONS_MAX || repeats(&written) {
            return no(&rules::GROUPING_SETS);
        }
        let sets = sets_of(asked, &written);
        let keys = grouped(scope, written)?;
        let exprs: Vec<&Expr> = keys.iter().map(|(expr, _)| expr).collect();
        // A set that stands twice would count its cells twice; two keys that came to be one would be one column.
        if repeats(&sets) || repeats(&exprs) {
            return no(&rules::GROUPING_SETS);
        }
        Ok(Self { keys, sets: Some(sets) })
    }

    /// Whether there are grouping sets, written as such.
    pub(super) fn has_sets(&self) -> bool {
        self.sets.is_some()
    }

    /// Visible columns before the aggregates: the keys, and beside grouping sets the number of the set.
    pub(super) fn columns(&self) -> usize {
        self.keys.len() + usize::from(self.has_sets())
    }

    /// Whether in each cell all rows count alike (V-LEDGER-WEIGHT).
    pub(super) fn cover(&self, rows: &Rows) -> bool {
        let Some(sets) = &self.sets else { return covers(rows, &self.keys) };
        sets.iter().all(|set| {
            let keys: Vec<_> = set.iter().filter_map(|at| self.keys.get(*at).cloned()).collect();
            covers(rows, &keys)
        })
    }

    /// Keys that have two arms.
    pub(super) fn two_valued(&self) -> Vec<TwoValued> {
        let each = |(key, (_, fact)): (usize, &(Expr, Fact))| fact.values.arms().map(|null| TwoValued { key, null });
        self.keys.iter().enumerate().filter_map(each).collect()
    }

    /// As an aggregate takes them.
    pub(super) fn into_group_expr(self) -> Vec<Expr> {
        let exprs: Vec<Expr> = self.keys.into_iter().map(|(expr, _)| expr).collect();
        let Some(sets) = self.sets else { return exprs };
        let set = |set: Vec<usize>| set.into_iter().filter_map(|at| exprs.get(at).cloned()).collect();
        vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets.into_iter().map(set).collect()))]
    }
}

/// The set with all keys comes first where there is one, so that keys stay in the order in which they were written.
fn sets_of(asked: &GroupingSet, keys: &[Expr]) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..keys.len()).collect();
    match asked {
        GroupingSet::Rollup(_) => {
            (0..=keys.len()).rev().map(|count| all.iter().copied().take(count).collect()).collect()
        }
        GroupingSet::Cube(_) => {
            let subset = |mask: usize| all.iter().copied().filter(|at| mask & (1 << at) != 0).collect();
            (0..1_usize << keys.len()).rev().map(subset).collect()
        }
        GroupingSet::GroupingSets(sets) => {
            let places = |set: &Vec<Expr>| -> Vec<usize> {
                all.iter().copied().filter(|at| keys.get(*at).is_some_and(|key| set.contains(key))).collect()
            };
            sets.iter().map(places).collect()
        }
    }
}

fn repeats<T: PartialEq>(all: &[T]) -> bool {
    all.iter().enumerate().any(|(at, one)| all.iter().take(at).any(|earlier| earlier == one))
}

fn grouped(scope: Scope<'_>, exprs: Vec<Expr>) -> Result<Vec<(Expr, Fact)>, Refusal> {
    let names = NamePreserver::new_for_projection();
    let each = |expr: Expr| {
        let saved = names.save(&expr);
        let (expr, fact) = output(scope, expr)?;
        Ok((saved.restore(expr), fact))
    };
    exprs.into_iter().map(each).collect()
}
