//! What tokens look like under the zone's key, kind by kind in the order of their bytes: kept where there is room for it, since the
//! rules ask only which of them are equal.

use std::io;

use super::atoms::{KINDS, Kind};
use super::gather::BUCKETS;
use super::spill::Spill;

/// Bits of a number beside a token.
const NUMBER_BITS: u32 = u32::BITS;

/// A token and a number, packed into one so that tokens are kept, sorted and compared in one step: of the token, the first twelve bytes.
/// Tokens are permuted under the zone's key. That two of a kind agree in 96 bits by accident is less likely than 1e-10 among 1e9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named(u128);

impl Named {
    pub(super) fn new(token: &[u8; 16], number: u32) -> Self {
        Self(u128::from_be_bytes(*token)).with(number)
    }

    /// The same token with another number.
    pub(super) fn with(self, number: u32) -> Self {
        Self(self.0 >> NUMBER_BITS << NUMBER_BITS | u128::from(number))
    }

    pub(super) fn of_record(record: &[u8; NAMED]) -> Self {
        Self(u128::from_be_bytes(*record))
    }

    /// As it is kept.
    pub(super) fn record(self) -> [u8; NAMED] {
        self.0.to_be_bytes()
    }

    /// The token, zeros behind what is known of it.
    pub(crate) fn token(self) -> [u8; 16] {
        self.with(0).0.to_be_bytes()
    }

    pub(crate) fn number(self) -> u32 {
        let [.., a, b, c, d] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    pub(super) fn is_of_one_token(self, other: Self) -> bool {
        (self.0 ^ other.0) >> NUMBER_BITS == 0
    }
}

/// Bytes of a token and a number.
pub(super) const NAMED: usize = 16;

/// Each different token with the first atom that has it.
#[derive(Default)]
pub(crate) struct Names(Vec<Spill>);

/// Buckets of the tokens of each kind.
pub(super) const NAME_BUCKETS: usize = BUCKETS * KINDS;

impl Names {
    /// Buckets by kind and first bits of the token, each in one of the parts alone and in the order of the bytes.
    pub(super) fn new(parts: Vec<Spill>) -> Self {
        Self(parts)
    }

    /// The tokens of a kind, a bucket at a time.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = io::Result<Vec<Named>>> {
        (0..BUCKETS).map(move |bucket| self.bucket(BUCKETS * kind.place() + bucket))
    }

    fn bucket(&self, bucket: usize) -> io::Result<Vec<Named>> {
        let bytes = self.0.iter().map(|part| part.len(bucket)).sum::<usize>();
        let mut names = Vec::with_capacity(bytes / NAMED);
        for part in &self.0 {
            part.read(bucket, |some| names.extend(some.as_chunks().0.iter().map(Named::of_record)))?;
        }
        Ok(names)
    }
}
