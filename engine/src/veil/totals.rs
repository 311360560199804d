//! What each person adds to one cell, amount by amount.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::size_of;

use super::sketch::{PersonMarks, weight};
use super::sums::Sums;
use super::tallied::Tallied;

/// Amounts of one cell at most: a person's presence in them is told by the bits of a word.
pub(crate) const AMOUNTS_MAX: usize = 64;

/// Totals by person. A key leaves this type only as state between partitions; there is no `Debug` of one.
pub(super) struct Totals {
    width: usize,
    /// The person whose rows are being read, and where it stands: rows of a person mostly follow each other.
    run: Option<(u64, usize)>,
    places: HashMap<u64, usize, BuildHasherDefault<KeyHasher>>,
    persons: Vec<u64>,
    /// Bit `j`: the person has amount `j`.
    present: Vec<u64>,
    /// `width` a person.
    amounts: Vec<f64>,
    /// The same in the whole parts that sketches add.
    parts: Vec<u64>,
}

impl fmt::Debug for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Totals")
    }
}

/// One person's totals, as state between partitions.
pub(super) struct Entry<'a> {
    pub(super) person: u64,
    pub(super) present: u64,
    pub(super) totals: &'a [f64],
    pub(super) parts: &'a [u64],
}

impl Totals {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            run: None,
            places: HashMap::default(),
            persons: Vec::new(),
            present: Vec::new(),
            amounts: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Where a person stands; a new one gets a place.
    fn place(&mut self, person: u64) -> usize {
        if let Some((last, at)) = self.run
            && last == person
        {
            return at;
        }
        let next = self.persons.len();
        let at = *self.places.entry(person).or_insert(next);
        if at == next {
            self.persons.push(person);
            self.present.push(0);
            self.amounts.resize(self.amounts.len() + self.width, 0.0);
            self.parts.resize(self.parts.len() + self.width, 0);
        }
        self.run = Some((person, at));
        at
    }

    /// Adds an amount of a row.
    pub(super) fn add(&mut self, person: u64, amount: usize, value: f64) {
        self.add_parts(person, amount, value, weight(value));
    }

    fn add_parts(&mut self, person: u64, amount: usize, value: f64, parts: u64) {
        let at = self.place(person);
        let cell = at * self.width + amount;
        if let (Some(present), Some(total), Some(sum)) =
            (self.present.get_mut(at), self.amounts.get_mut(cell), self.parts.get_mut(cell))
        {
            *present |= 1 << amount;
            *total += value;
            *sum = sum.wrapping_add(parts);
        }
    }

    /// Adds what another partition has of a person.
    pub(super) fn merge(&mut self, entry: &Entry<'_>) {
        for (amount, (total, parts)) in entry.totals.iter().zip(entry.parts).enumerate() {
            if entry.present & (1 << amount) != 0 {
                self.add_parts(entry.person, amount, *total, *parts);
            }
        }
    }

    /// Each person with the totals.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let rows = self.persons.iter().zip(&self.present);
        let totals = self.amounts.chunks(self.width.max(1)).zip(self.parts.chunks(self.width.max(1)));
        rows.zip(totals).map(|((person, present), (totals, parts))| Entry {
            person: *person,
            present: *present,
            totals,
            parts,
        })
    }

    /// What a cell is judged by: one for each amount.
    pub(super) fn tallied(&self, marks: &PersonMarks, dominance_n: usize) -> Vec<Tallied> {
        let mut sums = vec![Sums::EMPTY; self.width];
        for entry in self.entries() {
            let mark = marks.of(entry.person);
            let amounts = sums.iter_mut().zip(entry.totals.iter().zip(entry.parts));
            for (amount, (sums, (total, parts))) in amounts.enumerate() {
                if entry.present & (1 << amount) != 0 {
                    sums.add(mark, *total, *parts);
                }
            }
        }
        sums.iter().map(|sums| sums.tallied(dominance_n)).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        let entry = size_of::<(u64, usize)>() + 1;
        size_of::<Self>()
            + self.places.capacity() * entry
            + self.persons.capacity() * 2 * size_of::<u64>()
            + self.amounts.capacity() * 2 * size_of::<f64>()
    }
}

/// Person keys are random already: one multiplication spreads them over the table.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

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
