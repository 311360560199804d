//! The person key and the buckets it falls into.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Random surrogate of one linked person, 64 bits. Lives in the enclave (and in the crosswalk on its way there), so it has
/// neither `Debug`, `Display` nor `Serialize`: a log line around it does not compile.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey(u64);

impl PersonKey {
    /// Takes a key over from a crosswalk or a release.
    pub fn new(key: u64) -> Self {
        Self(key)
    }

    /// The key, to be written into a `person_key` column.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Into how many buckets an enclave cuts its releases: a power of two, at most 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BucketCount(u16);

/// Not a power of two from 1 to 4096.
#[derive(Debug, thiserror::Error)]
#[error("the number of buckets must be a power of two from 1 to 4096")]
pub struct InvalidBucketCount;

impl BucketCount {
    /// Eight: enough for the demo and for two cores.
    pub const DEFAULT: Self = Self(8);

    /// How many.
    pub fn get(self) -> u16 {
        self.0
    }

    /// All bucket numbers.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        0..self.0
    }
}

impl TryFrom<u16> for BucketCount {
    type Error = InvalidBucketCount;
    fn try_from(count: u16) -> Result<Self, InvalidBucketCount> {
        if count.is_power_of_two() && count <= 4096 { Ok(Self(count)) } else { Err(InvalidBucketCount) }
    }
}

impl From<BucketCount> for u16 {
    fn from(count: BucketCount) -> Self {
        count.0
    }
}

impl fmt::Display for BucketCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The bucket of a person: the top bits of the key. A bucket never splits a person, so counts of persons add up over buckets.
pub fn bucket_of(key: PersonKey, buckets: BucketCount) -> u16 {
    let bits = buckets.0.trailing_zeros();
    // INVARIANT: fewer than 2^12 buckets, so the shifted key fits.
    if bits == 0 { 0 } else { u16::try_from(key.0 >> (64 - bits)).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_the_top_bits() {
        let eight = BucketCount::DEFAULT;
        assert_eq!(bucket_of(PersonKey::new(0), eight), 0);
        assert_eq!(bucket_of(PersonKey::new(u64::MAX), eight), 7);
        assert_eq!(bucket_of(PersonKey::new(1 << 61), eight), 1);
        assert_eq!(bucket_of(PersonKey::new(u64::MAX), BucketCount::try_from(1).unwrap()), 0);
        assert!(BucketCount::try_from(6).is_err());
    }
}
