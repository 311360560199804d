//! Linear programs of the auditor, and the solver behind them.

use std::time::Duration;

use microlp::{ComparisonOp, OptimizationDirection, Problem};

/// Unknowns between bounds, under rows.
#[derive(Clone, Default)]
pub(super) struct System {
    /// Smallest and largest value by unknown.
    pub(super) bounds: Vec<(f64, f64)>,
    /// What holds between them.
    pub(super) rows: Vec<Row>,
}

/// `terms` relation `right`; no unknown occurs twice.
#[derive(Clone)]
pub(super) struct Row {
    /// Unknown and coefficient.
    pub(super) terms: Vec<(usize, f64)>,
    /// How the sides compare.
    pub(super) relation: Relation,
    /// The constant.
    pub(super) right: f64,
}

/// How the sides of a row compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Left is at most right.
    AtMost,
    /// Left is right.
    Equal,
}

/// Not finished in time, not solved, or not a table that can be judged: all of them withhold it. Says no more,
/// since a solver's text may quote numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the table could not be audited")]
pub(super) struct Unsolved;

/// Finds a point of a system where an objective is smallest.
pub(super) trait Solver {
    /// The values of the unknowns at a proved minimum.
    fn minimise(&self, system: &System, objective: &[(usize, f64)], left: Duration) -> Result<Vec<f64>, Unsolved>;
}

/// The simplex method of `microlp`.
pub(super) struct Microlp;

impl Solver for Microlp {
    fn minimise(&self, system: &System, objective: &[(usize, f64)], left: Duration) -> Result<Vec<f64>, Unsolved> {
        let mut costs = vec![0.0; system.bounds.len()];
        for (unknown, cost) in objective {
            *costs.get_mut(*unknown).ok_or(Unsolved)? += cost;
        }
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        problem.set_time_limit(left);
        let variables: Vec<_> =
            costs.iter().zip(&system.bounds).map(|(cost, bounds)| problem.add_var(*cost, *bounds)).collect();
        for row in &system.rows {
            let terms = row.terms.iter().map(|(unknown, factor)| Some((*variables.get(*unknown)?, *factor)));
            let terms: Vec<_> = terms.collect::<Option<_>>().ok_or(Unsolved)?;
            let relation = match row.relation {
                Relation::AtMost => ComparisonOp::Le,
                Relation::Equal => ComparisonOp::Eq,
            };
            problem.add_constraint(terms.as_slice(), relation, row.right);
        }
        let outcome = problem.solve().map_err(|_| Unsolved)?;
        if !outcome.is_optimal() {
            return Err(Unsolved);
        }
        let solution = outcome.into_solution().map_err(|_| Unsolved)?;
        Ok(variables.iter().map(|variable| solution.var_value(*variable)).collect())
    }
}
