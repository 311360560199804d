//! What each person adds to one cell.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::size_of;

use super::rule::Shares;

/// Numbers before the marks.
pub(super) const NUMBERS: usize = 14;
/// Cells of fewer persons carry a mark for each (see `tally::marks`).
const MARKED_BELOW: usize = 64;

/// 52 bits of a spread key, as a whole number that a double holds.
#[expect(clippy::cast_precision_loss, reason = "52 bits fit")]
fn mark(key: u64) -> f64 {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 12) as f64
}

/// Totals by person. A key leaves this type only as state between partitions; there is no `Debug` of one.
pub(super) struct Totals {
    dominance_n: usize,
    /// The run of rows of one person that is being read: rows of a person mostly follow each other.
    run: Option<(u64, f64)>,
    by_person: HashMap<u64, f64, BuildHasherDefault<KeyHasher>>,
}

impl std::fmt::Debug for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Totals")
    }
}

impl Totals {
    pub(super) fn new(dominance_n: usize) -> Self {
        Self { dominance_n, run: None, by_person: HashMap::default() }
    }

    /// Adds an amount to a person's total.
    pub(super) fn add(&mut self, person: u64, amount: f64) {
        match &mut self.run {
            Some((last, total)) if *last == person => *total += amount,
            _ => {
                if let Some((last, total)) = self.run.replace((person, amount)) {
                    *self.by_person.entry(last).or_default() += total;
                }
            }
        }
    }

    fn settle(&mut self) {
        if let Some((last, total)) = self.run.take() {
            *self.by_person.entry(last).or_default() += total;
        }
    }

    /// Each person with the total. Settles the last run.
    pub(super) fn entries(&mut self) -> impl Iterator<Item = (u64, f64)> {
        self.settle();
        self.by_person.iter().map(|(person, total)| (*person, *total))
    }

    /// What `tally::counted` reads: persons, contributors, and shares of all, of positive and of negative totals.
    #[expect(clippy::cast_precision_loss, reason = "counts of persons stay far below 2^53")]
    pub(super) fn numbers(&mut self) -> Vec<f64> {
        self.settle();
        let contributors = self.by_person.values().filter(|total| **total != 0.0).count();
        let mut numbers = vec![self.by_person.len() as f64, contributors as f64];
        let all = self.shares(|total| Some(total.abs()));
        let positive = self.shares(|total| (total > 0.0).then_some(total));
        let negative = self.shares(|total| (total < 0.0).then_some(-total));
        for shares in [all, positive, negative] {
            numbers.extend([shares.total, shares.top_n, shares.first, shares.second]);
        }
        if self.by_person.len() < MARKED_BELOW {
            numbers.extend(self.by_person.keys().map(|key| mark(*key)));
        }
        numbers
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.by_person.capacity() * (size_of::<(u64, f64)>() + 1)
    }

    fn shares(&self, size: impl Fn(f64) -> Option<f64>) -> Shares {
        let keep = self.dominance_n.max(2);
        let mut top: Vec<f64> = Vec::with_capacity(keep + 1);
        let mut total = 0.0;
        for value in self.by_person.values().filter_map(|total| size(*total)) {
            total += value;
            let at = top.partition_point(|kept| *kept >= value);
            if at < keep {
                top.insert(at, value);
                top.truncate(keep);
            }
        }
        let at = |rank: usize| top.get(rank).copied().unwrap_or(0.0);
        Shares { total, top_n: top.iter().take(self.dominance_n).sum(), first: at(0), second: at(1) }
    }
}

/// Person keys are random already: one multiplication spreads them over the table.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = (key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
