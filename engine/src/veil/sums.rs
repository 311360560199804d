//! What persons add to one amount of one cell, once each of them is complete.

use super::rule::{Counted, LARGEST, Shares};
use super::sketch::{PersonMark, Sketch};
use super::tallied::Tallied;

/// Sums over persons of one amount. Takes every person once.
#[derive(Clone)]
pub(super) struct Sums {
    persons: u64,
    contributors: u64,
    total: f64,
    all: Top,
    /// Positive and negative totals apart, from the first negative one on.
    signed: Option<Box<[Top; 2]>>,
    who: Sketch,
    what: Sketch,
}

impl Sums {
    pub(super) const EMPTY: Self = Self {
        persons: 0,
        contributors: 0,
        total: 0.0,
        all: Top::EMPTY,
        signed: None,
        who: Sketch::EMPTY,
        what: Sketch::EMPTY,
    };

    /// Adds a person with the total of its rows, `parts` being the same in the whole parts of sketches.
    pub(super) fn add(&mut self, mark: PersonMark, total: f64, parts: u64) {
        self.persons += 1;
        self.total += total;
        if total != 0.0 {
            // Who adds nothing has no part in a cell's key (disclosure.md, 4d.8).
            self.contributors += 1;
            self.who.add(mark, 1);
        }
        self.what.add(mark, parts);
        if total < 0.0 && self.signed.is_none() {
            self.signed = Some(Box::new([self.all, Top::EMPTY]));
        }
        self.all.add(total.abs());
        if let Some(signed) = &mut self.signed {
            let [positive, negative] = signed.as_mut();
            if total > 0.0 { positive.add(total) } else { negative.add(-total) }
        }
    }

    /// Adds what was counted over other persons.
    pub(super) fn merge(&mut self, other: &Tallied) {
        self.persons += other.counted.persons;
        self.contributors += other.counted.contributors;
        self.total += other.total;
        self.who += &other.who;
        self.what += &other.what;
        if other.counted.negative.total > 0.0 && self.signed.is_none() {
            self.signed = Some(Box::new([self.all, Top::EMPTY]));
        }
        self.all.merge(&other.counted.all, &other.largest);
        if let Some(signed) = &mut self.signed {
            let [positive, negative] = signed.as_mut();
            positive.merge(&other.counted.positive, &two(&other.counted.positive));
            negative.merge(&other.counted.negative, &two(&other.counted.negative));
        }
    }

    /// As a cell is judged by it. `dominance_n`: how many of the largest are added up.
    pub(super) fn tallied(&self, dominance_n: usize) -> Tallied {
        let (positive, negative) = match self.signed.as_deref() {
            Some([positive, negative]) => (positive.shares(dominance_n), negative.shares(dominance_n)),
            None => (self.all.shares(dominance_n), Shares::default()),
        };
        let all = self.all.shares(dominance_n);
        let counted = Counted { persons: self.persons, contributors: self.contributors, all, positive, negative };
        Tallied { counted, total: self.total, largest: self.all.largest, who: self.who, what: self.what }
    }
}

/// The largest that shares of one sign tell: enough for their own (n,k) with n of 1 or 2.
fn two(shares: &Shares) -> [f64; LARGEST] {
    let mut largest = [0.0; LARGEST];
    for (to, from) in largest.iter_mut().zip([shares.first, shares.second]) {
        *to = from;
    }
    largest
}

/// The largest of many sizes, with their sum.
#[derive(Clone, Copy)]
struct Top {
    total: f64,
    largest: [f64; LARGEST],
}

impl Top {
    const EMPTY: Self = Self { total: 0.0, largest: [0.0; LARGEST] };

    fn add(&mut self, size: f64) {
        self.total += size;
        self.keep(size);
    }

    fn keep(&mut self, size: f64) {
        if self.largest.last().is_some_and(|least| size <= *least) {
            return;
        }
        let mut carried = size;
        for kept in &mut self.largest {
            if carried > *kept {
                std::mem::swap(&mut carried, kept);
            }
        }
    }

    fn merge(&mut self, shares: &Shares, largest: &[f64; LARGEST]) {
        self.total += shares.total;
        for size in largest {
            self.keep(*size);
        }
    }

    fn shares(&self, dominance_n: usize) -> Shares {
        let [first, second, ..] = self.largest;
        Shares { total: self.total, top_n: self.largest.iter().take(dominance_n).sum(), first, second }
    }
}
