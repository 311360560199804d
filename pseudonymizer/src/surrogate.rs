//! Random 64-bit surrogates, unique in a batch: a counter through a keyed permutation, so that neither order nor number shows.

use std::hash::{BuildHasher, RandomState};

/// Rounds of the Feistel network; four make a pseudo-random function a strong permutation (Luby and Rackoff 1988).
const ROUNDS: u8 = 4;

/// A source of surrogates.
pub(crate) struct Surrogates {
    keys: [RandomState; ROUNDS as usize],
    start: u64,
    next: u64,
}

impl Surrogates {
    /// A source with fresh keys from the operating system.
    pub(crate) fn new() -> Self {
        Self { keys: std::array::from_fn(|_| RandomState::new()), start: rand::random(), next: 0 }
    }

    /// The next one.
    pub(crate) fn draw(&mut self) -> u64 {
        let number = self.start.wrapping_add(self.next);
        self.next = self.next.wrapping_add(1);
        let halves = ((number >> 32) & 0xFFFF_FFFF, number & 0xFFFF_FFFF);
        let (left, right) = self
            .keys
            .iter()
            .fold(halves, |(left, right), key| (right, left ^ (key.hash_one((self.start, right)) & 0xFFFF_FFFF)));
        (left << 32) | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_are_equal_and_no_order_shows() {
        let mut source = Surrogates::new();
        let drawn: Vec<u64> = (0..20_000).map(|_| source.draw()).collect();
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
        let rising = drawn.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((9_000..11_000).contains(&rising));
    }
}
