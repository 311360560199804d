//! The equations between the cells of an answer, with what is released moved to the right side.

use std::collections::{BTreeMap, BTreeSet};

use super::super::solver::{Relation, Row, System, Unsolved};
use super::super::{Additivity, Table};
use super::sets::{closed, covering, needs_finest};
use super::{Part, Target};

/// A sum must remain possible this much above what it is: ten per cent covers p % of any contributor (disclosure.md, 4c).
const ABOVE: f64 = 1.1;
/// Cells of a crossing that was not asked: above this the table is not judged.
const FINEST_MAX: usize = 5_000;

/// See the module.
pub(super) struct Equations {
    k: f64,
    nodes: Vec<Node>,
    rows: Vec<Row>,
}

/// A cell, or a sum that follows from cells.
struct Node {
    value: f64,
    known: Known,
}

/// What the attacker knows of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nothing: not asked, but it links what was.
    Derived,
    /// That it is not negative: a cell of the finest crossing. Its truth is not needed, so the unknown is all of it.
    Finest,
    /// It was released.
    Released,
    /// Its sign.
    Withheld(Option<usize>),
}

/// The nodes of one grouping set by key.
type Keyed = BTreeMap<Vec<Option<u64>>, usize>;

impl Equations {
    /// All equations of a table under a pattern.
    #[expect(clippy::cast_precision_loss, reason = "thresholds are far below 2^53")]
    pub(super) fn of(table: &Table, kind: Additivity, k: u64, withheld: &[bool]) -> Result<Self, Unsolved> {
        let mut equations = Self { k: k.max(1) as f64, nodes: Vec::new(), rows: Vec::new() };
        let mut keyed: BTreeMap<u32, Keyed> = BTreeMap::new();
        for (cell, withheld) in table.cells.iter().zip(withheld) {
            let known = match (*withheld, cell.withheld) {
                (_, true) => Known::Withheld(Some(equations.nodes.len())),
                (true, false) => Known::Withheld(None),
                (false, false) => Known::Released,
            };
            let node = equations.add(cell.additive, known);
            keyed.entry(mask(&cell.at)).or_default().insert(cell.at.clone(), node);
        }
        let asked: BTreeSet<u32> = keyed.keys().copied().collect();
        let sets = closed(&asked);
        let pairs = covering(&sets);
        let mut coarser: Vec<u32> = sets.difference(&asked).copied().collect();
        coarser.sort_by_key(|set| std::cmp::Reverse(set.count_ones()));
        for set in coarser {
            let finer = pairs.iter().filter(|(coarse, _)| *coarse == set).filter_map(|(_, fine)| keyed.get(fine));
            let derived = equations.derive(set, &finer.collect::<Vec<_>>(), kind);
            keyed.insert(set, derived);
        }
        let mut exact = true;
        for (coarse, fine) in pairs {
            let (Some(totals), Some(parts)) = (keyed.get(&coarse), keyed.get(&fine)) else { continue };
            exact &= equations.relate(coarse, totals, parts, kind)?;
        }
        if exact && needs_finest(&sets) && equations.nodes.iter().all(|node| node.value >= 0.0) {
            equations.cross(&keyed)?;
        }
        Ok(equations)
    }

    fn add(&mut self, value: f64, known: Known) -> usize {
        self.nodes.push(Node { value, known });
        self.nodes.len() - 1
    }

    fn value(&self, node: usize) -> f64 {
        self.nodes.get(node).map_or(0.0, |node| node.value)
    }

    fn is_released(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.known == Known::Released)
    }

    /// The totals of a set that was not asked. Where persons overlap the largest part is a value that fits every bound.
    fn derive(&mut self, set: u32, finer: &[&Keyed], kind: Additivity) -> Keyed {
        let sums: Vec<BTreeMap<Vec<Option<u64>>, f64>> = finer.iter().map(|parts| self.sums(set, parts)).collect();
        let agree = sums.windows(2).all(|pair| pair.first() == pair.last());
        let mut totals: BTreeMap<Vec<Option<u64>>, f64> = BTreeMap::new();
        if kind == Additivity::Sums || agree {
            totals.extend(sums.into_iter().rev().flatten());
        } else {
            for (key, node) in finer.iter().flat_map(|parts| parts.iter()) {
                let largest = totals.entry(onto(key, set)).or_default();
                *largest = largest.max(self.value(*node));
            }
        }
        totals.into_iter().map(|(key, value)| (key, self.add(value, Known::Derived))).collect()
    }

    fn sums(&self, set: u32, parts: &Keyed) -> BTreeMap<Vec<Option<u64>>, f64> {
        let mut sums = BTreeMap::new();
        for (key, node) in parts {
            *sums.entry(onto(key, set)).or_default() += self.value(*node);
        }
        sums
    }

    /// Relates totals to their parts: as equal where they have to be, or where persons add up exactly all along
    /// (sex, year of birth: an attacker may know that nobody has two). Says whether they are equal.
    fn relate(&mut self, coarse: u32, totals: &Keyed, parts: &Keyed, kind: Additivity) -> Result<bool, Unsolved> {
        let mut groups: BTreeMap<usize, Vec<usize>> = totals.values().map(|total| (*total, Vec::new())).collect();
        for (key, part) in parts {
            let total = totals.get(&onto(key, coarse)).ok_or(Unsolved)?;
            groups.entry(*total).or_default().push(*part);
        }
        let sum = |parts: &[usize]| parts.iter().map(|part| self.value(*part)).sum::<f64>();
        let adds_up = |(total, parts): (&usize, &Vec<usize>)| (sum(parts) - self.value(*total)).abs() < 0.5;
        let equal = kind == Additivity::Sums || groups.iter().all(adds_up);
        for (total, parts) in groups {
            let mut terms: Vec<(usize, f64)> = parts.iter().map(|part| (*part, -1.0)).collect();
            terms.push((total, 1.0));
            if equal {
                self.push(terms, Relation::Equal, 0.0);
                continue;
            }
            let room = parts.iter().map(|part| self.value(*part)).sum::<f64>() - self.value(total);
            self.push(terms, Relation::AtMost, room.max(0.0));
            for part in parts {
                let room = self.value(total) - self.value(part);
                self.push(vec![(part, 1.0), (total, -1.0)], Relation::AtMost, room.max(0.0));
            }
        }
        Ok(equal)
    }

    /// Three crossings of two dimensions are sums of one crossing of three that has no negative cell.
    fn cross(&mut self, keyed: &BTreeMap<u32, Keyed>) -> Result<(), Unsolved> {
        let set = |mask: u32| keyed.get(&mask).ok_or(Unsolved);
        let (first, second, third) = (set(3)?, set(5)?, set(6)?);
        let mut margins: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut cells = 0;
        for (key, one) in first {
            for (other_key, other) in second.iter().filter(|(other, _)| other.first() == key.first()) {
                let joint = vec![None, key.get(1).copied().flatten(), other_key.get(2).copied().flatten()];
                let Some(last) = third.get(&joint) else { continue };
                cells += 1;
                if cells > FINEST_MAX {
                    return Err(Unsolved);
                }
                let cell = self.add(0.0, Known::Finest);
                for margin in [one, other, last] {
                    margins.entry(*margin).or_default().push(cell);
                }
            }
        }
        for (margin, cells) in margins {
            let mut terms: Vec<(usize, f64)> = cells.into_iter().map(|cell| (cell, 1.0)).collect();
            terms.push((margin, -1.0));
            self.push(terms, Relation::Equal, self.value(margin));
        }
        Ok(())
    }

    /// A row; what is released does not change and falls out.
    fn push(&mut self, mut terms: Vec<(usize, f64)>, relation: Relation, right: f64) {
        terms.retain(|(node, _)| !self.is_released(*node));
        if !terms.is_empty() {
            self.rows.push(Row { terms, relation, right });
        }
    }

    /// Systems of unknowns that hang together, each with a cell that had to stay back, in the unit of its smallest need.
    pub(super) fn into_parts(self) -> Vec<Part> {
        let mut groups = Groups::of(self.nodes.len());
        for row in &self.rows {
            for pair in row.terms.windows(2) {
                if let [(one, _), (other, _)] = pair {
                    groups.join(*one, *other);
                }
            }
        }
        let largest = self.nodes.iter().map(|node| node.value.abs()).fold(self.k, f64::max);
        let mut nodes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for number in (0..self.nodes.len()).filter(|number| !self.is_released(*number)) {
            nodes.entry(groups.root(number)).or_default().push(number);
        }
        let mut rows: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            let root = row.terms.first().map_or(0, |(node, _)| groups.root(*node));
            rows.entry(root).or_default().push(row);
        }
        let parts = nodes.iter().map(|(root, members)| {
            let rows = rows.remove(root).unwrap_or_default();
            self.part(members, &rows, 4.0 * largest)
        });
        parts.flatten().collect()
    }

    fn part(&self, members: &[usize], rows: &[&Row], cap: f64) -> Option<Part> {
        let reach = |value: f64| self.k.max(ABOVE * value.abs());
        let mut targets = Vec::new();
        for (unknown, node) in members.iter().enumerate() {
            if let Some(Node { value, known: Known::Withheld(Some(cell)) }) = self.nodes.get(*node) {
                targets.push(Target { cell: *cell, unknown, truth: *value, reach: reach(*value) });
            }
        }
        let unit = targets.iter().map(|target| target.reach).reduce(f64::min)?;
        for target in &mut targets {
            target.truth /= unit;
            target.reach /= unit;
        }
        let bounds = members.iter().filter_map(|node| self.nodes.get(*node)).map(|node| {
            let (low, high) = node.bounds(cap);
            (low / unit, high / unit)
        });
        let unknowns: BTreeMap<usize, usize> =
            members.iter().enumerate().map(|(unknown, node)| (*node, unknown)).collect();
        let rows = rows.iter().map(|row| {
            let terms = row.terms.iter().filter_map(|(node, factor)| Some((*unknowns.get(node)?, *factor)));
            Row { terms: terms.collect(), relation: row.relation, right: row.right / unit }
        });
        Some(Part { system: System { bounds: bounds.collect(), rows: rows.collect() }, targets })
    }
}

impl Node {
    /// How far it may be from the truth, as far as the attacker knows without equations. `cap` only keeps programs bounded.
    fn bounds(&self, cap: f64) -> (f64, f64) {
        match self.known {
            Known::Derived => (-cap, cap),
            Known::Finest => (0.0, cap),
            Known::Released => (0.0, 0.0),
            Known::Withheld(_) if self.value < 0.0 => (-cap - self.value, -self.value),
            Known::Withheld(_) => (-self.value, cap - self.value),
        }
    }
}

/// The dimensions that a cell is no total over.
fn mask(at: &[Option<u64>]) -> u32 {
    at.iter().rev().fold(0, |mask, value| (mask << 1) | u32::from(value.is_some()))
}

/// The key of the total of a cell over all dimensions outside a set.
fn onto(at: &[Option<u64>], set: u32) -> Vec<Option<u64>> {
    at.iter().enumerate().map(|(dimension, value)| if set & (1 << dimension) == 0 { None } else { *value }).collect()
}

/// Disjoint groups of numbers.
struct Groups(Vec<usize>);

impl Groups {
    fn of(numbers: usize) -> Self {
        Self((0..numbers).collect())
    }

    fn root(&mut self, mut number: usize) -> usize {
        while let Some(above) = self.0.get(number).copied().filter(|above| *above != number) {
            let higher = self.0.get(above).copied().unwrap_or(above);
            if let Some(slot) = self.0.get_mut(number) {
                *slot = higher;
            }
            number = higher;
        }
        number
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(slot) = self.0.get_mut(one) {
            *slot = other;
        }
    }
}
