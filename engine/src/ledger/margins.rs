//! Sums of a table's shown cells against what is known: what is left of an earlier total must not be a few persons (V-COMP-LEDGER).
//!
//! If a sum is equal or near to a known number, its largest cell is shown as that number less the other cells, in both cases: a table
//! of everybody but one person then looks like a table of everybody (A041). Where no cell
//! is free for that, the smallest are withheld until what is left is not few.

use std::collections::{BTreeMap, HashSet};

use super::TableNumbers;
use super::decide::{Cell, Finding};
use super::numbers::{FEW, Numbers, agreeing};
use crate::veil::sketch::{SUMS, Sketch};

/// Key columns up to which each of their subsets has sub-totals; beyond, single columns and all but one.
const SUBSETS_KEYS_MAX: usize = 4;

/// Rows that are added up: all of them first, then those that share the values of some key columns.
pub(super) struct Groups(Vec<Vec<usize>>);

/// A sum of shown cells.
#[derive(Clone)]
pub(super) struct Sum {
    pub(super) sketch: Sketch,
    pub(super) value: f64,
}

impl Groups {
    pub(super) fn of(table: &TableNumbers) -> Self {
        let rows = table.measures.iter().map(Vec::len).max().unwrap_or(0);
        let mut groups = vec![(0..rows).collect::<Vec<_>>()];
        for columns in subsets(table.keys.len()) {
            let mut shared: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
            for row in 0..rows {
                let key = columns.iter().filter_map(|column| table.keys.get(*column)?.get(row).copied()).collect();
                shared.entry(key).or_default().push(row);
            }
            groups.extend(shared.into_values().filter(|group| group.len() > 1 && group.len() < rows));
        }
        Self(groups)
    }
}

/// The sum of each group that shows two cells or more, in the order of the groups.
pub(super) fn sums(cells: &[Cell], groups: &Groups) -> impl Iterator<Item = Option<Sum>> {
    groups.0.iter().map(|group| sum(cells, group))
}

/// See the module. Numbers from `known` on are those of this very table.
pub(super) fn protect(cells: &mut [Cell], groups: &Groups, numbers: &Numbers, known: usize) {
    let bound: HashSet<u32> = cells.iter().flat_map(|cell| cell.from.iter().copied()).collect();
    let mut adjusted = HashSet::new();
    let mut settled = HashSet::new();
    let mut is_changed = true;
    while is_changed {
        is_changed = false;
        for (place, group) in groups.0.iter().enumerate() {
            let Some(sum) = sum(cells, group) else { continue };
            let Some(earlier) = numbers.near(&sum.sketch, known).and_then(|id| numbers.known(id)) else { continue };
            let is_equal = agreeing(&earlier.sketch, &sum.sketch) == SUMS;
            if is_equal && settled.contains(&place) {
                continue;
            }
            let largest = group.iter().copied().filter(|row| is_free(cells, *row, &bound));
            let largest = largest.max_by_key(|row| (persons(cells, *row), usize::MAX - row));
            settled.insert(place);
            if let Some(row) = largest {
                adjusted.insert(row);
                snap(cells, row, &sum, &Sum { sketch: earlier.sketch, value: earlier.value });
                is_changed |= !is_equal;
            } else if !is_equal {
                is_changed |= withhold_smallest(cells, group, &adjusted);
            }
        }
    }
}

/// Only a number that nobody knows may take up a difference: on a known one it would show.
fn is_free(cells: &[Cell], row: usize, bound: &HashSet<u32>) -> bool {
    let is_free = |cell: &Cell| cell.finding == Finding::Fresh && cell.id.is_none_or(|id| !bound.contains(&id));
    cells.get(row).is_some_and(is_free)
}

/// The cell takes up what is between the sum and the earlier number.
fn snap(cells: &mut [Cell], row: usize, sum: &Sum, earlier: &Sum) {
    let Some(cell) = cells.get_mut(row) else { return };
    cell.finding = Finding::Snapped;
    cell.sketch += &earlier.sketch;
    cell.sketch -= &sum.sketch;
    cell.value += earlier.value - sum.value;
}

/// The smallest that was not known before, and whatever was combined from it. False if there is none: then nothing new is shown.
fn withhold_smallest(cells: &mut [Cell], group: &[usize], adjusted: &HashSet<usize>) -> bool {
    let is_new = |row: &usize| {
        let finding = cells.get(*row).map(|cell| cell.finding);
        finding == Some(Finding::Fresh) || finding == Some(Finding::Snapped) && adjusted.contains(row)
    };
    let new = group.iter().copied().filter(is_new);
    let Some(smallest) = new.min_by_key(|row| (persons(cells, *row), *row)) else { return false };
    let mut gone = Vec::new();
    if let Some(cell) = cells.get_mut(smallest) {
        cell.finding = Finding::Withheld;
        gone.extend(cell.id);
    }
    while let Some(id) = gone.pop() {
        for cell in cells.iter_mut().filter(|cell| cell.is_shown() && cell.from.contains(&id)) {
            cell.finding = Finding::Withheld;
            gone.extend(cell.id);
        }
    }
    true
}

fn persons(cells: &[Cell], row: usize) -> u64 {
    cells.get(row).map_or(0, |cell| cell.persons)
}

fn sum(cells: &[Cell], group: &[usize]) -> Option<Sum> {
    let mut sum = Sum { sketch: Sketch::EMPTY, value: 0.0 };
    let mut shown = 0;
    for cell in group.iter().filter_map(|row| cells.get(*row)).filter(|cell| cell.is_shown()) {
        sum.sketch += &cell.sketch;
        sum.value += cell.value;
        shown += 1;
    }
    (shown > 1 && sum.sketch.spread() > FEW).then_some(sum)
}

/// Sets of key columns, neither none nor all of them.
fn subsets(keys: usize) -> Vec<Vec<usize>> {
    let all = |mask: usize| (0..keys).filter(|column| mask >> column & 1 == 1).collect();
    if keys <= SUBSETS_KEYS_MAX {
        return (1..(1_usize << keys).saturating_sub(1)).map(all).collect();
    }
    let single = (0..keys).map(|column| vec![column]);
    single.chain((0..keys).map(|left| (0..keys).filter(|column| *column != left).collect())).collect()
}
