//! Complementary suppression: which further cells of one answer stay back, so that its margins give no small cell away
//! (disclosure.md, 4c, V-COMP). `pattern` chooses the cells; `audit` tries to solve for the small ones and shares no code with it.

use std::time::{Duration, Instant};

mod audit;
mod lines;
mod pattern;
mod solver;

use pattern::Pattern;
use solver::{Microlp, Solver, Unsolved};

/// Dimensions of a table with more than one grouping set (disclosure.md, 5, "GROUPING SETS").
pub(crate) const DIMENSIONS_MAX: usize = 3;
/// Rounds of audit and widening before a line stays back as a whole (disclosure.md, 4c, step 5).
const ROUNDS_MAX: usize = 20;

/// The cells of one measure in one answer, all grouping sets together.
pub(crate) struct Table {
    /// Group keys.
    pub(crate) dimensions: usize,
    /// Every cell that the data have, those that stay back included.
    pub(crate) cells: Vec<Cell>,
}

/// One cell. Has no `Debug`: it holds what may have to stay back.
pub(crate) struct Cell {
    /// By dimension the hash of the group's value, or `None` where the cell is a total over the dimension.
    pub(crate) at: Vec<Option<u64>>,
    /// Distinct persons.
    pub(crate) persons: u64,
    /// What an attacker would solve for: rows, a sum, or the persons again.
    pub(crate) additive: f64,
    /// Did it fail a rule of its own?
    pub(crate) withheld: bool,
}

/// How a total relates to its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Additivity {
    /// A person may stand in several parts: no part is larger than the total, and the total is at most their sum.
    DistinctPersons,
    /// Counts of rows and sums: the total is the sum of its parts.
    Sums,
}

/// What may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protected {
    /// By cell: does it stay back? Never says which of them was small.
    Pattern(Vec<bool>),
    /// No pattern was found and audited in time: nothing leaves.
    WithholdTable,
}

/// The cells that stay back, so that nobody can solve for one that had to: both nothing and `k` remain possible for each.
///
/// Depends on the cells as a set, not on their order; ties fall by key, and cost is persons alone.
pub(crate) fn protect(table: &Table, kind: Additivity, k: u64, limit: Duration) -> Protected {
    let deadline = Deadline { started: Instant::now(), limit };
    search(table, kind, k, &Microlp, deadline).map_or(Protected::WithholdTable, Protected::Pattern)
}

/// Is one of all `possible` values of a group key left alone in the answer, because the others fail or are not there?
///
/// Then it stays back too: "the other value is nearly empty" would be the answer (disclosure.md, 4a, V-ZERO).
/// `present`: by value that the data have, does its cell pass? Meant for keys of two values: booleans, `CASE` of two literal arms.
pub(crate) fn lonely_arm(present: &[bool], possible: usize) -> bool {
    possible == 2 && present.iter().filter(|passes| **passes).count() == 1
}

fn search(
    table: &Table,
    kind: Additivity,
    k: u64,
    solver: &dyn Solver,
    deadline: Deadline,
) -> Result<Vec<bool>, Unsolved> {
    let given: Vec<bool> = table.cells.iter().map(|cell| cell.withheld).collect();
    let finite = table.cells.iter().all(|cell| cell.at.len() == table.dimensions && cell.additive.is_finite());
    if !finite {
        return Err(Unsolved);
    }
    if !given.contains(&true) || one_set(table) {
        return Ok(given);
    }
    if table.dimensions > DIMENSIONS_MAX {
        return Err(Unsolved);
    }
    let mut pattern = Pattern::of(table, kind, k, deadline)?;
    pattern.close_cubes()?;
    pattern.close_lines()?;
    for _ in 0..ROUNDS_MAX {
        let exposed = audit::exposed(table, kind, k, pattern.withheld(), solver, deadline)?;
        if exposed.is_empty() {
            return Ok(pattern.into_withheld());
        }
        if !pattern.widen(&exposed) {
            break;
        }
        pattern.close_lines()?;
    }
    let exposed = audit::exposed(table, kind, k, pattern.withheld(), solver, deadline)?;
    pattern.withhold_lines_of(&exposed);
    pattern.close_lines()?;
    let exposed = audit::exposed(table, kind, k, pattern.withheld(), solver, deadline)?;
    if exposed.is_empty() { Ok(pattern.into_withheld()) } else { Err(Unsolved) }
}

/// With a single grouping set no cell is a total of others.
fn one_set(table: &Table) -> bool {
    let totals = |cell: &Cell| cell.at.iter().map(Option::is_none).collect::<Vec<_>>();
    let mut sets = table.cells.iter().map(totals);
    let first = sets.next();
    sets.all(|set| Some(&set) == first.as_ref())
}

/// When to stop looking.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// What is left of the time.
    fn left(self) -> Result<Duration, Unsolved> {
        self.limit.checked_sub(self.started.elapsed()).filter(|left| !left.is_zero()).ok_or(Unsolved)
    }
}

#[cfg(test)]
mod tests;
