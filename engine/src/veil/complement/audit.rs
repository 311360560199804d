//! The auditor: an attacker with every released cell in hand who solves for those that had to stay back.
//!
//! Builds its own equations from the table and knows nothing of how a pattern came about (as the "unpicker" of `SUMiT`).
//! Unknown is by how much each withheld cell may differ from the truth: so the truth is always a solution,
//! whatever rounding did to sums.

use super::solver::{Solver, System, Unsolved};
use super::{Additivity, Deadline, Table};

mod equations;
mod sets;

use equations::Equations;

/// How close to a limit counts as reaching it, as a share of the limit.
const TOLERANCE: f64 = 1e-6;

/// Those cells that had to stay back, but of which a pattern shows that they are not nothing, or fewer than `k`.
pub(super) fn exposed(
    table: &Table,
    kind: Additivity,
    k: u64,
    withheld: &[bool],
    solver: &dyn Solver,
    deadline: Deadline,
) -> Result<Vec<usize>, Unsolved> {
    let mut exposed = Vec::new();
    for part in Equations::of(table, kind, k, withheld)?.into_parts() {
        exposed.extend(part.exposed(solver, deadline)?);
    }
    exposed.sort_unstable();
    exposed.dedup();
    Ok(exposed)
}

/// Unknowns that hang together.
struct Part {
    system: System,
    targets: Vec<Target>,
}

/// A cell that had to stay back, in a part.
#[derive(Clone, Copy)]
struct Target {
    cell: usize,
    unknown: usize,
    /// What it is, in the unit of the part.
    truth: f64,
    /// What it must be able to be.
    reach: f64,
}

/// Something that must be possible for the attacker.
#[derive(Clone, Copy)]
struct Claim {
    target: Target,
    end: End,
}

/// The two ends of the interval that is kept open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Nothing,
    Reach,
}

impl Part {
    /// Solves for each claim, all of an end at once first: a point found for one claim often shows others.
    fn exposed(&self, solver: &dyn Solver, deadline: Deadline) -> Result<Vec<usize>, Unsolved> {
        let both = |target: &Target| [End::Nothing, End::Reach].map(|end| Claim { target: *target, end });
        let mut open: Vec<Claim> = self.targets.iter().flat_map(both).filter(|claim| !claim.holds(0.0)).collect();
        for end in [End::Nothing, End::Reach] {
            let mut before = usize::MAX;
            while open.len() < before {
                before = open.len();
                let together: Vec<Claim> = open.iter().copied().filter(|claim| claim.end == end).collect();
                let point = Self::point(&self.shared(&together), &together, solver, deadline)?;
                open.retain(|claim| !claim.shown_by(&point));
            }
        }
        let mut exposed = Vec::new();
        while let Some(claim) = open.pop() {
            let point = Self::point(&self.system, &[claim], solver, deadline)?;
            if !claim.shown_by(&point) {
                exposed.push(claim.target.cell);
            }
            open.retain(|other| !other.shown_by(&point));
        }
        Ok(exposed)
    }

    /// The system with no target going further than it has to, so that one point can show many. Its points are points of the whole.
    fn shared(&self, claims: &[Claim]) -> System {
        let mut system = self.system.clone();
        for claim in claims.iter().filter(|claim| claim.end == End::Reach) {
            let Target { unknown, truth, reach, .. } = claim.target;
            if let Some((low, high)) = system.bounds.get_mut(unknown) {
                *low = low.max(-reach - truth);
                *high = high.min(reach - truth);
            }
        }
        system
    }

    /// A point as far towards the ends of some claims as a system allows.
    fn point(system: &System, claims: &[Claim], solver: &dyn Solver, deadline: Deadline) -> Result<Vec<f64>, Unsolved> {
        let left = deadline.left()?;
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let objective: Vec<_> = claims.iter().map(|claim| (claim.target.unknown, claim.downhill())).collect();
        solver.minimise(system, &objective, left)
    }
}

impl Target {
    /// Sizes count from nothing, whatever the sign, which an attacker may know.
    fn sign(&self) -> f64 {
        if self.truth < 0.0 { -1.0 } else { 1.0 }
    }
}

impl Claim {
    fn downhill(&self) -> f64 {
        match self.end {
            End::Nothing => self.target.sign(),
            End::Reach => -self.target.sign(),
        }
    }

    fn shown_by(&self, point: &[f64]) -> bool {
        point.get(self.target.unknown).is_some_and(|change| self.holds(*change))
    }

    fn holds(&self, change: f64) -> bool {
        let size = self.target.sign() * (self.target.truth + change);
        let near = TOLERANCE * self.target.reach;
        match self.end {
            End::Nothing => size <= near,
            End::Reach => size >= self.target.reach - near,
        }
    }
}
