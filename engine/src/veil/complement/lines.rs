//! Which cells of an answer add up to the same: the lines that the protector walks along.

use std::collections::{BTreeMap, HashMap};

use super::{DIMENSIONS_MAX, Table};

/// Where a cell stands; `None` also for dimensions that the table does not have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place([Option<u64>; DIMENSIONS_MAX]);

impl Place {
    fn of(at: &[Option<u64>]) -> Self {
        let mut place = [None; DIMENSIONS_MAX];
        for (to, from) in place.iter_mut().zip(at) {
            *to = *from;
        }
        Self(place)
    }

    /// The dimensions that it is no total over, as bits.
    pub(super) fn set(&self) -> u8 {
        self.0.iter().rev().fold(0, |set, value| (set << 1) | u8::from(value.is_some()))
    }

    /// This place, with the dimensions in `from_other` taken from `other`.
    pub(super) fn mixed(&self, other: &Self, from_other: u8) -> Self {
        let mut mixed = *self;
        for (dimension, (to, from)) in mixed.0.iter_mut().zip(&other.0).enumerate() {
            if from_other & (1 << dimension) != 0 {
                *to = *from;
            }
        }
        mixed
    }

    /// The dimensions in which two places differ, as bits.
    pub(super) fn differs(&self, other: &Self) -> u8 {
        let pairs = self.0.iter().zip(&other.0).rev();
        pairs.fold(0, |set, (one, another)| (set << 1) | u8::from(one != another))
    }

    fn within(&self, set: u8) -> Self {
        Self([None; DIMENSIONS_MAX]).mixed(self, set)
    }
}

/// Two groups of cells with the same sum: a total and its parts, or, where their total was not asked, parts and other parts of it.
#[derive(Default)]
pub(super) struct Line {
    /// Cells of the coarser set, or of one of the two.
    pub(super) one: Vec<usize>,
    /// Cells of the other set.
    pub(super) other: Vec<usize>,
}

/// The lines of a table.
pub(super) struct Lines {
    /// Each line, in the order of sets and keys.
    pub(super) all: Vec<Line>,
    /// By cell, the lines that it stands in.
    pub(super) of_cell: Vec<Vec<usize>>,
    /// By cell, where it stands.
    pub(super) places: Vec<Place>,
    /// By place, the cell.
    pub(super) at: HashMap<Place, usize>,
    /// The grouping sets in the answer.
    pub(super) sets: Vec<u8>,
}

impl Lines {
    /// The lines among the cells that are there; a set that was not asked is not public and makes none.
    pub(super) fn of(table: &Table) -> Self {
        let places: Vec<Place> = table.cells.iter().map(|cell| Place::of(&cell.at)).collect();
        let mut by_set: BTreeMap<u8, Vec<(usize, Place)>> = BTreeMap::new();
        for (cell, place) in places.iter().enumerate() {
            by_set.entry(place.set()).or_default().push((cell, *place));
        }
        let sets: Vec<u8> = by_set.keys().copied().collect();
        let mut all = Vec::new();
        for (one, cells) in &by_set {
            for (other, others) in by_set.range(one + 1..) {
                if !implied(&sets, *one, *other) {
                    all.extend(between(cells, others, one & other));
                }
            }
        }
        let mut of_cell = vec![Vec::new(); places.len()];
        for (number, line) in all.iter().enumerate() {
            for cell in line.one.iter().chain(&line.other) {
                if let Some(lines) = of_cell.get_mut(*cell) {
                    lines.push(number);
                }
            }
        }
        let at = places.iter().enumerate().map(|(cell, place)| (*place, cell)).collect();
        Self { all, of_cell, places, at, sets }
    }
}

/// Do lines through a set between the two say the same already?
fn implied(sets: &[u8], one: u8, other: u8) -> bool {
    let shared = one & other;
    let inside = |between: u8, set: u8| between & set == between && between != set;
    sets.iter().any(|between| {
        let between = *between;
        between & shared == shared
            && between != one
            && between != other
            && (inside(between, one) || inside(between, other))
    })
}

/// Lines between two sets: one for each combination of values in the dimensions that both have.
fn between(cells: &[(usize, Place)], others: &[(usize, Place)], shared: u8) -> impl Iterator<Item = Line> {
    let mut lines: BTreeMap<Place, Line> = BTreeMap::new();
    for (cell, place) in cells {
        lines.entry(place.within(shared)).or_default().one.push(*cell);
    }
    for (cell, place) in others {
        lines.entry(place.within(shared)).or_default().other.push(*cell);
    }
    lines.into_values()
}
