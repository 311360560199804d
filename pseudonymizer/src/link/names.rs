//! What tokens look like under the zone's key, kind by kind in the order of their bytes: kept where there is room for it, since the
//! rules ask only which of them are equal.

use std::io;

use super::atoms::{KINDS, Kind};
use super::gather::{BUCKETS, TOKEN_RECORD, token_of};
use super::spill::Spill;

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

    /// The tokens of a kind. What cannot be read is the last that comes.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = io::Result<([u8; 16], u32)>> {
        let mut failed = false;
        let buckets = (0..BUCKETS).map(move |bucket| BUCKETS * kind.place() + bucket);
        buckets.flat_map(|bucket| self.bucket(bucket)).take_while(move |name| {
            let goes_on = !failed;
            failed |= name.is_err();
            goes_on
        })
    }

    fn bucket(&self, bucket: usize) -> Vec<io::Result<([u8; 16], u32)>> {
        let bytes = self.0.iter().map(|part| part.len(bucket)).sum::<usize>();
        let mut names = Vec::with_capacity(bytes / TOKEN_RECORD);
        for part in &self.0 {
            let read = part.read(bucket, |some| names.extend(some.as_chunks().0.iter().filter_map(token_of).map(Ok)));
            names.extend(read.err().map(Err));
        }
        names
    }
}
