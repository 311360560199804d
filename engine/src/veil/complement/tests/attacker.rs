//! Attackers that know the released cells and nothing of our equations: one tries every table, one pushes bounds along.

use super::*;

type Place = Vec<Option<u64>>;
type Ranges = BTreeMap<Place, (f64, f64)>;

/// The counts of the small cells in all tables of whole numbers that fit what was released.
pub(super) fn enumerate(table: &Table, back: &BTreeSet<Place>) -> BTreeMap<Place, (u64, u64)> {
    let crossing = |cell: &&Cell| cell.at.iter().all(Option::is_some);
    let unknown: Vec<&Cell> = table.cells.iter().filter(crossing).filter(|cell| back.contains(&cell.at)).collect();
    let mut limits: Vec<(Place, u64)> = Vec::new();
    for total in table.cells.iter().filter(|cell| !crossing(cell) && !back.contains(&cell.at)) {
        let shown =
            table.cells.iter().filter(crossing).filter(|cell| !back.contains(&cell.at) && covers(&total.at, &cell.at));
        limits.push((total.at.clone(), total.persons - shown.map(|cell| cell.persons).sum::<u64>()));
    }
    let mut found = BTreeMap::new();
    let mut chosen = Vec::new();
    try_all(&unknown, &limits, &mut chosen, &mut |values: &[u64]| {
        for small in table.cells.iter().filter(|cell| cell.withheld) {
            let known = table
                .cells
                .iter()
                .filter(crossing)
                .filter(|cell| !back.contains(&cell.at) && covers(&small.at, &cell.at));
            let hidden =
                unknown.iter().zip(values).filter(|(cell, _)| covers(&small.at, &cell.at)).map(|(_, value)| value);
            let value = known.map(|cell| cell.persons).sum::<u64>() + hidden.sum::<u64>();
            let range = found.entry(small.at.clone()).or_insert((value, value));
            *range = (range.0.min(value), range.1.max(value));
        }
    });
    found
}

fn try_all(unknown: &[&Cell], limits: &[(Place, u64)], chosen: &mut Vec<u64>, found: &mut dyn FnMut(&[u64])) {
    let sum = |at: &Place, values: &[u64]| -> u64 {
        unknown.iter().zip(values).filter(|(cell, _)| covers(at, &cell.at)).map(|(_, value)| value).sum()
    };
    if limits.iter().any(|(at, limit)| sum(at, chosen) > *limit) {
        return;
    }
    if chosen.len() == unknown.len() {
        if limits.iter().all(|(at, limit)| sum(at, chosen) == *limit) {
            found(chosen);
        }
        return;
    }
    for value in 0..=10 {
        chosen.push(value);
        try_all(unknown, limits, chosen, found);
        chosen.pop();
    }
}

fn covers(total: &Place, part: &Place) -> bool {
    total.iter().zip(part).all(|(total, part)| total.is_none() || total == part)
}

fn set_of(at: &Place) -> Vec<bool> {
    at.iter().map(Option::is_some).collect()
}

fn start(table: &Table, back: &BTreeSet<Place>) -> Ranges {
    let range =
        |cell: &Cell| if back.contains(&cell.at) { (0.0, f64::INFINITY) } else { (cell.additive, cell.additive) };
    table.cells.iter().map(|cell| (cell.at.clone(), range(cell))).collect()
}

/// Each total with its parts in each finer set.
fn families(table: &Table) -> Vec<(Place, Vec<Place>)> {
    let sets: BTreeSet<Vec<bool>> = table.cells.iter().map(|cell| set_of(&cell.at)).collect();
    let mut families = Vec::new();
    for total in &table.cells {
        for set in sets.iter().filter(|set| **set != set_of(&total.at)) {
            if set.iter().zip(&total.at).any(|(kept, value)| !kept && value.is_some()) {
                continue;
            }
            let parts = table.cells.iter().filter(|cell| set_of(&cell.at) == *set && covers(&total.at, &cell.at));
            families.push((total.at.clone(), parts.map(|cell| cell.at.clone()).collect()));
        }
    }
    families
}

fn push(ranges: &mut Ranges, at: &Place, low: f64, high: f64) {
    let range = ranges.get_mut(at).unwrap();
    *range = (range.0.max(low), range.1.min(high));
}

fn small(table: &Table, ranges: &Ranges) -> Ranges {
    table.cells.iter().filter(|cell| cell.withheld).map(|cell| (cell.at.clone(), ranges[&cell.at])).collect()
}

/// Bounds where totals are sums.
pub(super) fn propagate(table: &Table, back: &BTreeSet<Place>) -> Ranges {
    let mut ranges = start(table, back);
    let families = families(table);
    for _ in 0..30 {
        for (total, parts) in &families {
            let (low, high) =
                parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + ranges[part].0, sum.1 + ranges[part].1));
            push(&mut ranges, total, low, high);
            let whole = ranges[total];
            for part in parts {
                let others = parts.iter().filter(|other| *other != part);
                let (low, high) =
                    others.fold((0.0, 0.0), |sum, other| (sum.0 + ranges[other].0, sum.1 + ranges[other].1));
                push(&mut ranges, part, whole.0 - high, whole.1 - low);
            }
        }
    }
    small(table, &ranges)
}

/// Bounds where a total is at least each part and at most their sum.
pub(super) fn propagate_persons(table: &Table, back: &BTreeSet<Place>) -> Ranges {
    let mut ranges = start(table, back);
    let families = families(table);
    for _ in 0..30 {
        for (total, parts) in &families {
            let sum: f64 = parts.iter().map(|part| ranges[part].1).sum();
            let largest = parts.iter().map(|part| ranges[part].0).fold(0.0, f64::max);
            push(&mut ranges, total, largest, sum);
            let whole = ranges[total];
            for part in parts {
                let others: f64 = parts.iter().filter(|other| *other != part).map(|other| ranges[other].1).sum();
                push(&mut ranges, part, whole.0 - others, whole.1);
            }
        }
    }
    small(table, &ranges)
}
