//! The protector: chooses the cells that stay back beside the small ones.
//!
//! Cost is persons, ties fall by key, and cells are visited by key: what a withheld cell holds steers nothing but its own need.

use super::lines::{Line, Lines, Place};
use super::solver::Unsolved;
use super::{Additivity, Cell, Deadline, Table};

/// A pattern on its way.
pub(super) struct Pattern<'t> {
    table: &'t Table,
    kind: Additivity,
    k: u64,
    deadline: Deadline,
    lines: Lines,
    withheld: Vec<bool>,
}

/// The released corners of a rectangle or cuboid, with what they cost and the key that breaks ties.
struct Cube {
    price: (u64, Option<Place>),
    corners: Vec<usize>,
}

impl<'t> Pattern<'t> {
    /// Just the cells that failed a rule of their own. Two cells at one place are no table.
    pub(super) fn of(table: &'t Table, kind: Additivity, k: u64, deadline: Deadline) -> Result<Self, Unsolved> {
        let mut lines = Lines::of(table);
        if lines.at.len() != table.cells.len() {
            return Err(Unsolved);
        }
        let cost = |cell: &usize| {
            let persons = table.cells.get(*cell).map_or(u64::MAX, |cell| cell.persons);
            (persons, lines.places.get(*cell).copied())
        };
        for line in &mut lines.all {
            line.one.sort_by_key(cost);
            line.other.sort_by_key(cost);
        }
        let withheld = table.cells.iter().map(|cell| cell.withheld).collect();
        Ok(Self { table, kind, k, deadline, lines, withheld })
    }

    /// By cell: does it stay back?
    pub(super) fn withheld(&self) -> &[bool] {
        &self.withheld
    }

    /// The finished pattern.
    pub(super) fn into_withheld(self) -> Vec<bool> {
        self.withheld
    }

    /// The hypercube step: a small cell alone on a line becomes the corner of a rectangle or cuboid that stays back.
    ///
    /// Source: GHMITER as in sdcTable and tau-Argus (disclosure.md, 4c, step 3).
    pub(super) fn close_cubes(&mut self) -> Result<(), Unsolved> {
        let mut small: Vec<usize> = self.cells_that(|cell| cell.withheld);
        small.sort_by_key(|cell| self.lines.places.get(*cell).copied());
        for cell in small {
            self.deadline.left()?;
            if self.stands_alone(cell)
                && let Some(corners) = self.cheapest_cube(cell)
            {
                for corner in corners {
                    self.withhold(corner);
                }
            }
        }
        Ok(())
    }

    /// The one-way step on every line, until none needs another cell.
    pub(super) fn close_lines(&mut self) -> Result<(), Unsolved> {
        let mut open = true;
        while open {
            open = false;
            for number in 0..self.lines.all.len() {
                self.deadline.left()?;
                while let Some(cell) = self.lines.all.get(number).and_then(|line| self.next_for(line)) {
                    self.withhold(cell);
                    open = true;
                }
            }
        }
        Ok(())
    }

    /// Withholds one more cell for each of those that can still be solved for. False if there is none left to add.
    pub(super) fn widen(&mut self, exposed: &[usize]) -> bool {
        let mut exposed = exposed.to_vec();
        exposed.sort_by_key(|cell| self.lines.places.get(*cell).copied());
        let mut any = false;
        for cell in exposed {
            if let Some(more) = self.nearest_released(cell) {
                self.withhold(more);
                any = true;
            }
        }
        any
    }

    /// Withholds every line that these cells stand in.
    pub(super) fn withhold_lines_of(&mut self, cells: &[usize]) {
        let members: Vec<usize> = self.neighbours(cells).collect();
        for cell in members {
            self.withhold(cell);
        }
    }

    fn withhold(&mut self, cell: usize) {
        if let Some(withheld) = self.withheld.get_mut(cell) {
            *withheld = true;
        }
    }

    fn is_withheld(&self, cell: usize) -> bool {
        self.withheld.get(cell).copied().unwrap_or(true)
    }

    fn persons(&self, cell: usize) -> u64 {
        self.table.cells.get(cell).map_or(0, |cell| cell.persons)
    }

    fn cells_that(&self, is: impl Fn(&Cell) -> bool) -> Vec<usize> {
        self.table.cells.iter().enumerate().filter(|(_, cell)| is(cell)).map(|(number, _)| number).collect()
    }

    /// May it hide another? A cell that holds nothing cannot, and one that stays back does already.
    fn may_hide(&self, cell: usize) -> bool {
        let holds = self.table.cells.get(cell).is_some_and(|cell| cell.persons > 0 && cell.additive != 0.0);
        holds && !self.is_withheld(cell)
    }

    fn price(&self, cell: usize) -> (u64, Option<Place>) {
        (self.persons(cell), self.lines.places.get(cell).copied())
    }

    fn lines_of(&self, cell: usize) -> impl Iterator<Item = &Line> {
        let numbers = self.lines.of_cell.get(cell).into_iter().flatten();
        numbers.filter_map(|number| self.lines.all.get(*number))
    }

    /// All cells on the lines of some cells.
    fn neighbours(&self, cells: &[usize]) -> impl Iterator<Item = usize> {
        let lines = cells.iter().flat_map(|cell| self.lines_of(*cell));
        lines.flat_map(|line| line.one.iter().chain(&line.other)).copied()
    }

    fn stands_alone(&self, cell: usize) -> bool {
        self.lines_of(cell).any(|line| self.binds(line) && self.withheld_on(line).count() < 2)
    }

    fn withheld_on<'a>(&'a self, line: &'a Line) -> impl Iterator<Item = usize> + 'a {
        line.one.iter().chain(&line.other).copied().filter(|cell| self.is_withheld(*cell))
    }

    /// Does a line bound the withheld cells from below at all? Where persons stand in several groups, groups that are shown
    /// may cover their total already. Reads cells that were fit to be shown alone, so that the answer tells nothing new.
    fn binds(&self, line: &Line) -> bool {
        let [total] = line.one.as_slice() else { return true };
        if self.kind == Additivity::Sums {
            return true;
        }
        let shown = |cell: &&usize| self.table.cells.get(**cell).is_some_and(|cell| !cell.withheld);
        let covered: u64 = line.other.iter().filter(shown).map(|cell| self.persons(*cell)).sum();
        covered < self.persons(*total)
    }

    /// The next cell that has to stay back on a line: the smallest one, if the line needs any.
    fn next_for(&self, line: &Line) -> Option<usize> {
        if !self.binds(line) || !self.needs_more(line) {
            return None;
        }
        let cheapest = |side: &[usize]| side.iter().copied().find(|cell| self.may_hide(*cell));
        [cheapest(&line.one), cheapest(&line.other)].into_iter().flatten().min_by_key(|cell| self.price(*cell))
    }

    /// Two cells of a line at least stay back, or none; where their sum can be worked out they hold `k` persons together;
    /// and whoever is alone in one of them, and so knows it, cannot solve for another (disclosure.md, 4c, "Singletons").
    fn needs_more(&self, line: &Line) -> bool {
        let held = |side: &[usize]| {
            let held = side.iter().filter(|cell| self.is_withheld(**cell));
            held.map(|cell| self.persons(*cell)).collect::<Vec<u64>>()
        };
        let (one, other) = (held(&line.one), held(&line.other));
        let number = one.len() + other.len();
        if number < 2 {
            return number == 1;
        }
        let together: u64 = one.iter().chain(&other).sum();
        let alone = one.iter().chain(&other).copied().filter(|persons| *persons <= 1).min();
        if one.is_empty() || other.is_empty() {
            return together - alone.unwrap_or(0) < self.k;
        }
        alone.is_some_and(|alone| number == 2 && together - alone < self.k)
    }

    /// The cheapest cells that make, with this one, all corners of a rectangle or cuboid across the lines of its set.
    fn cheapest_cube(&self, cell: usize) -> Option<Vec<usize>> {
        let place = self.lines.places.get(cell)?;
        let set = place.set();
        let across: u8 =
            [1, 2, 4].into_iter().filter(|bit| set & bit != 0 && self.lines.sets.contains(&(set & !bit))).sum();
        if across.count_ones() < 2 {
            return None;
        }
        let mut best: Option<Cube> = None;
        for (opposite, other) in self.lines.places.iter().enumerate() {
            if other.set() != set || place.differs(other) != across {
                continue;
            }
            let limit = best.as_ref().map_or(u64::MAX, |cube| cube.price.0);
            let Some((cost, corners)) = self.corners(*place, *other, across, limit) else { continue };
            let price = (cost, self.lines.places.get(opposite).copied());
            if best.as_ref().is_none_or(|cheapest| price < cheapest.price) {
                best = Some(Cube { price, corners });
            }
        }
        best.map(|cube| cube.corners)
    }

    /// The released corners between two opposite ones and what they cost, unless one is missing or holds nothing, or it is too dear.
    fn corners(&self, place: Place, opposite: Place, across: u8, limit: u64) -> Option<(u64, Vec<usize>)> {
        let mut cost = 0;
        let mut released = Vec::new();
        for turned in (1..8_u8).rev().filter(|turned| turned & across == *turned) {
            let corner = *self.lines.at.get(&place.mixed(&opposite, turned))?;
            if self.is_withheld(corner) {
                continue;
            }
            if !self.may_hide(corner) {
                return None;
            }
            released.push(corner);
            cost += self.persons(corner);
            if cost > limit {
                return None;
            }
        }
        Some((cost, released))
    }

    /// The cheapest released cell on the lines of a cell; if there is none, on the lines of those that stay back with it, and so on.
    fn nearest_released(&self, cell: usize) -> Option<usize> {
        let mut reached = vec![cell];
        loop {
            let mut around: Vec<usize> = self.neighbours(&reached).collect();
            around.sort_unstable();
            around.dedup();
            if let Some(found) =
                around.iter().copied().filter(|cell| self.may_hide(*cell)).min_by_key(|cell| self.price(*cell))
            {
                return Some(found);
            }
            around.retain(|cell| self.is_withheld(*cell));
            if around.len() <= reached.len() {
                return None;
            }
            reached = around;
        }
    }
}
