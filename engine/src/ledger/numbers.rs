//! Known numbers and the search for those near to a sketch, without looking at each.
//!
//! Two sketches are near if they differ in at most 9 of their 32 sums. Every known number has 10 or more sums that are not zero, so
//! a sketch near to it has one of its first 10 of these at the same place: the index holds those 10 of each number, and a search
//! asks for each of its own sums. Zero is never looked up, so that small groups do not meet in one crowded place.

use std::collections::HashMap;

use crate::veil::sketch::{SUMS, Sketch};

/// Sums in which near sketches may differ: persons below the smallest threshold (disclosure.md, 4h).
pub(super) const FEW: usize = 9;
/// Of a number that no cell shows by itself.
pub(super) const NO_ORIGIN: u64 = 0;

/// Places of a number in the index.
const PLACES: usize = FEW + 1;
/// The end of a chain.
const NONE: u32 = u32::MAX;
/// Bits of the filter a place: one in 16 of empty searches goes on to the map.
const FILTER_BITS: usize = 16;

/// One of them.
pub(super) struct Known {
    pub(super) sketch: Sketch,
    pub(super) value: f64,
    /// Which cell of which plan showed it.
    pub(super) origin: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct Numbers {
    known: Vec<Known>,
    /// Ids of sums of whole tables, in order.
    totals: Vec<u32>,
    /// The last place that has this sum: number · 10 + which of its 10.
    last: HashMap<u64, u32>,
    /// For each place the one before it that has the same sum.
    before: Vec<u32>,
    /// Whether a sum may be in `last`: fits a processor's cache, where `last` does not.
    filter: Vec<u64>,
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn known(&self, id: u32) -> Option<&Known> {
        self.known.get(id as usize)
    }

    /// Ids of the last numbers and of the last tables' totals, at most `count` of each.
    pub(super) fn recent(&self, count: usize) -> impl Iterator<Item = u32> {
        let from = self.known.len().saturating_sub(count);
        let totals = self.totals.iter().rev().take(count).copied().filter(move |id| (*id as usize) < from);
        (from..self.known.len()).rev().map(id_of).chain(totals)
    }

    /// Remembers a number.
    pub(super) fn push(&mut self, sketch: Sketch, value: f64, origin: u64) -> u32 {
        let id = id_of(self.known.len());
        self.known.push(Known { sketch, value, origin });
        if self.filter.len() * 64 < self.known.len() * PLACES * FILTER_BITS {
            self.widen_filter();
        }
        let mut keys = places(&sketch);
        for place in 0..PLACES {
            let node = id_of(self.before.len());
            let before = keys.next().and_then(|key| {
                mark(&mut self.filter, key);
                self.last.insert(key, node)
            });
            debug_assert_eq!(node as usize, id as usize * PLACES + place);
            self.before.push(before.unwrap_or(NONE));
        }
        id
    }

    /// Says that a known number is the sum of a table.
    pub(super) fn note_total(&mut self, id: u32) -> Option<()> {
        self.known(id)?;
        self.totals.push(id);
        Some(())
    }

    /// Forgets all numbers but the first ones.
    pub(super) fn truncate(&mut self, len: usize) {
        while self.known.len() > len {
            let Some(gone) = self.known.pop() else { return };
            let before = self.before.split_off(self.known.len() * PLACES);
            let pairs: Vec<_> = places(&gone.sketch).zip(before).collect();
            for (key, node) in pairs.into_iter().rev() {
                if node == NONE {
                    self.last.remove(&key);
                } else {
                    self.last.insert(key, node);
                }
            }
        }
    }

    /// The earliest number, among the first `known`, that agrees with the sketch or is near to it.
    pub(super) fn near(&self, sketch: &Sketch, known: usize) -> Option<u32> {
        self.first(sketch, known, SUMS - FEW)
    }

    /// The number of exactly that sketch.
    pub(super) fn equal(&self, sketch: &Sketch) -> Option<u32> {
        self.first(sketch, self.known.len(), SUMS)
    }

    fn first(&self, sketch: &Sketch, known: usize, agreeing_min: usize) -> Option<u32> {
        let mut first = id_of(known);
        for (place, sum) in sketch.sums().iter().enumerate().filter(|(_, sum)| **sum != 0) {
            let key = key(place, *sum);
            if !is_marked(&self.filter, key) {
                continue;
            }
            let mut node = self.last.get(&key).copied().unwrap_or(NONE);
            while node != NONE {
                let id = node / id_of(PLACES);
                if id < first && self.known(id).is_some_and(|known| agreeing(&known.sketch, sketch) >= agreeing_min) {
                    first = id;
                }
                node = self.before.get(node as usize).copied().unwrap_or(NONE);
            }
        }
        ((first as usize) < known).then_some(first)
    }

    fn widen_filter(&mut self) {
        let words = (self.known.len() * PLACES * FILTER_BITS * 2 / 64).next_power_of_two().max(64);
        self.filter = vec![0; words];
        for key in self.last.keys() {
            mark(&mut self.filter, *key);
        }
    }
}

/// Sums that two sketches have in common.
pub(super) fn agreeing(one: &Sketch, other: &Sketch) -> usize {
    one.sums().iter().zip(other.sums()).filter(|(one, other)| one == other).count()
}

fn places(sketch: &Sketch) -> impl Iterator<Item = u64> {
    sketch.sums().iter().enumerate().filter(|(_, sum)| **sum != 0).take(PLACES).map(|(place, sum)| key(place, *sum))
}

/// Sums are pseudo-random but for their low bits, which a product carries upwards. Keys that meet by chance cost a comparison.
fn key(place: usize, sum: u64) -> u64 {
    (sum ^ place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[expect(clippy::cast_possible_truncation, reason = "a ledger of 400 million numbers does not fit in memory")]
fn id_of(position: usize) -> u32 {
    position as u32
}

fn bit(words: usize, key: u64) -> (usize, u64) {
    let position = (key >> 24) as usize % (words.max(1) * 64);
    (position / 64, 1 << (position % 64))
}

fn mark(filter: &mut [u64], key: u64) {
    let (word, bit) = bit(filter.len(), key);
    if let Some(word) = filter.get_mut(word) {
        *word |= bit;
    }
}

fn is_marked(filter: &[u64], key: u64) -> bool {
    let (word, bit) = bit(filter.len(), key);
    filter.get(word).is_some_and(|word| word & bit != 0)
}
