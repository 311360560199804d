//! Random 64-bit surrogates, unique in a batch: a number through a permutation under the batch's key, so that neither order nor
//! count shows.

use aes::Aes256;
use aes::cipher::{BlockEncrypt, KeyInit};

/// Rounds of the Feistel network; four make a pseudo-random function a strong permutation (Luby and Rackoff 1988).
const ROUNDS: u8 = 4;

/// Bits of the number within a unit of work.
const UNIT_SHIFT: u32 = 40;

/// A unit's source of surrogates; two units of a batch never give the same.
pub(crate) struct Surrogates {
    cipher: Aes256,
    next: u64,
}

impl Surrogates {
    /// The source of a unit.
    pub(crate) fn new(key: &[u8; 32], unit: u32) -> Self {
        Self { cipher: Aes256::new(key.into()), next: u64::from(unit) << UNIT_SHIFT }
    }

    /// The next one.
    pub(crate) fn draw(&mut self) -> u64 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let (mut left, mut right) = (number >> 32, number & 0xFFFF_FFFF);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(round, right));
        }
        (left << 32) | right
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        let mut block = [0; 16];
        block.iter_mut().zip(half.to_be_bytes().into_iter().chain([round])).for_each(|(to, from)| *to = from);
        let mut block = block.into();
        self.cipher.encrypt_block(&mut block);
        block.iter().take(4).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_are_equal_and_no_order_shows() {
        let mut units = [Surrogates::new(&[3; 32], 0), Surrogates::new(&[3; 32], 1)];
        let drawn: Vec<u64> = (0..20_000).map(|turn| units[turn % 2].draw()).collect();
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
        let rising = drawn.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((9_000..11_000).contains(&rising));
        assert_ne!(Surrogates::new(&[4; 32], 0).draw(), Surrogates::new(&[3; 32], 0).draw());
    }
}
