//! Linear fingerprints of who is in a cell and of what they add to it (disclosure.md, 4h), and the keyed function behind them.
//!
//! A sketch is 32 sums. Sketches of disjoint groups add up, and two sketches differ in at most as many sums as persons differ.

use std::fmt;
use std::ops::{AddAssign, SubAssign};

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes256, Block};

/// Sums of a sketch.
pub(crate) const SUMS: usize = 32;
/// A total becomes a whole number of this many parts, so that sums of totals are sums of whole numbers.
const PARTS: f64 = 1024.0;

/// See the module. Prints nothing of itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sketch([u64; SUMS]);

impl Sketch {
    /// Of nobody.
    pub(crate) const EMPTY: Self = Self([0; SUMS]);

    /// Adds a person, `weight` times.
    pub(crate) fn add(&mut self, mark: PersonMark, weight: u64) {
        if let Some(sum) = self.0.get_mut(usize::from(mark.sum)) {
            *sum = sum.wrapping_add(mark.value.wrapping_mul(weight));
        }
    }

    /// The same persons, each with a total of one.
    pub(crate) fn of_ones(&self) -> Self {
        Self(self.0.map(|sum| sum.wrapping_mul(weight(1.0))))
    }

    /// From its sums, as stored.
    pub(crate) fn from_sums(sums: [u64; SUMS]) -> Self {
        Self(sums)
    }

    /// The sums, to be stored or looked up.
    pub(crate) fn sums(&self) -> &[u64; SUMS] {
        &self.0
    }

    /// How many sums are not zero: at most as many as persons are in it.
    pub(crate) fn spread(&self) -> usize {
        self.0.iter().filter(|sum| **sum != 0).count()
    }

    /// The cell key of the cell-key method: the sum of the persons' record keys mod 2^64 (disclosure.md, 4d).
    pub(crate) fn cell_key(&self) -> u64 {
        self.0.iter().fold(0, |key, sum| key.wrapping_add(*sum))
    }
}

impl AddAssign<&Self> for Sketch {
    fn add_assign(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.wrapping_add(*more);
        }
    }
}

impl SubAssign<&Self> for Sketch {
    fn sub_assign(&mut self, other: &Self) {
        for (sum, less) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.wrapping_sub(*less);
        }
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sketch")
    }
}

/// An amount as the whole number that sketches add: exact for counts and points, within 1/1024 for others.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "wraps on purpose: sketches add mod 2^64")]
pub(crate) fn weight(amount: f64) -> u64 {
    // Adding and taking away 1.5 * 2^52 rounds to a whole number, many times faster than a call of `round`.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    let parts = amount * PARTS;
    if parts.abs() < 2_251_799_813_685_248.0 { ((parts + WHOLE) - WHOLE) as i64 as u64 } else { parts as i128 as u64 }
}

/// Where a person counts in a sketch, and with what value.
#[derive(Clone, Copy)]
pub(crate) struct PersonMark {
    sum: u8,
    value: u64,
}

/// The keyed function from person keys to marks: AES-256 of the key and 64 zero bits.
#[derive(Clone)]
pub(crate) struct PersonMarks(Aes256);

impl PersonMarks {
    /// Under the release line's key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(&(*key).into()))
    }

    /// The mark of a person.
    pub(crate) fn of(&self, person: u64) -> PersonMark {
        let mut block = Block::default();
        for (to, from) in block.iter_mut().zip(person.to_be_bytes()) {
            *to = from;
        }
        self.0.encrypt_block(&mut block);
        let mut value = [0; 8];
        for (to, from) in value.iter_mut().zip(block.iter()) {
            *to = *from;
        }
        let sum = block.get(8).copied().unwrap_or(0) % 32;
        PersonMark { sum, value: u64::from_be_bytes(value) }
    }
}

impl fmt::Debug for PersonMarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonMarks")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(persons: impl Iterator<Item = u64>) -> Sketch {
        let marks = PersonMarks::new(&[7; 32]);
        let mut sketch = Sketch::EMPTY;
        persons.for_each(|person| sketch.add(marks.of(person), 1));
        sketch
    }

    #[test]
    fn disjoint_groups_add_up_and_differences_are_as_small_as_they_are() {
        let mut both = crowd(0..500);
        both += &crowd(500..1000);
        assert!(both == crowd(0..1000));
        both -= &crowd(0..997);
        assert!((1..=3).contains(&both.spread()));
        assert!(crowd(0..1000).spread() == SUMS);
    }

    #[test]
    fn totals_add_up_whatever_their_sign() {
        assert_eq!(weight(-3.5).wrapping_add(weight(3.5)), 0);
        assert_eq!(weight(2.0).wrapping_add(weight(5.0)), weight(7.0));
    }
}
