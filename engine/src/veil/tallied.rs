//! What was counted beside an aggregate of one cell: who, how much, how evenly; with the bytes it travels in.

use super::rule::{Counted, LARGEST, Shares};
use super::sketch::{SUMS, Sketch};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tallied {
    /// Persons, contributors, shares.
    pub counted: Counted,
    /// Sum of all persons' totals.
    pub total: f64,
    /// The largest totals by size, falling.
    pub largest: [f64; LARGEST],
    /// Each contributor once.
    pub who: Sketch,
    /// Each person with its total.
    pub what: Sketch,
}

/// Words of one tally.
pub(super) const WORDS: usize = 2 + 12 + 1 + LARGEST + 2 * SUMS;

impl Tallied {
    /// Appends its words.
    pub(super) fn write(&self, words: &mut Vec<u64>) {
        words.extend([self.counted.persons, self.counted.contributors]);
        for shares in [self.counted.all, self.counted.positive, self.counted.negative] {
            words.extend([shares.total, shares.top_n, shares.first, shares.second].map(f64::to_bits));
        }
        words.push(self.total.to_bits());
        words.extend(self.largest.map(f64::to_bits));
        words.extend(self.who.sums());
        words.extend(self.what.sums());
    }

    /// Reads them back; none if there are too few.
    pub(super) fn read(words: &[u64]) -> Option<Self> {
        let mut words = words.iter().copied();
        let (persons, contributors) = (words.next()?, words.next()?);
        let mut number = || words.next().map(f64::from_bits);
        let mut shares = || Some(Shares { total: number()?, top_n: number()?, first: number()?, second: number()? });
        let (all, positive, negative) = (shares()?, shares()?, shares()?);
        let total = number()?;
        let mut largest = [0.0; LARGEST];
        for size in &mut largest {
            *size = number()?;
        }
        let mut sketch = || {
            let mut sums = [0; SUMS];
            for sum in &mut sums {
                *sum = words.next()?;
            }
            Some(Sketch::from_sums(sums))
        };
        let (who, what) = (sketch()?, sketch()?);
        Some(Self { counted: Counted { persons, contributors, all, positive, negative }, total, largest, who, what })
    }
}

/// Of a cell of nobody.
impl Default for Tallied {
    fn default() -> Self {
        Self {
            counted: Counted::default(),
            total: 0.0,
            largest: [0.0; LARGEST],
            who: Sketch::EMPTY,
            what: Sketch::EMPTY,
        }
    }
}
