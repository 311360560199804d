//! What a run says of itself and of all that is held after it, and where its blocks lie.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bytes::{Bytes, put};
use super::index::Fences;
use crate::link::LinkReport;
use crate::link::tokens::Agreed;

/// After a run: all that is held, but atoms and tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) run: u32,
    /// Names of the sources by the places that atoms have.
    pub(crate) sources: Vec<String>,
    pub(crate) agreed: Agreed,
    /// Digest of the policy that everything was linked by.
    pub(crate) policy: String,
    /// By the places that atoms have. One that was forgotten keeps its place, and nothing else.
    pub(crate) batches: Vec<Option<HeldBatch>>,
    /// Tokens that join nothing, by number.
    pub(crate) hubs: BTreeMap<u32, Hub>,
    /// Blocks of tokens that no longer lie where they were first seen.
    pub(crate) homes: BTreeMap<u32, u32>,
    /// First block of this run, and first number that it gave.
    pub(crate) first: (u32, u32),
    /// The same of the next one.
    pub(crate) next: (u32, u32),
    pub(crate) report: LinkReport,
}

/// A batch that was handed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HeldBatch {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) source: String,
    /// When the list of persons who stay out was last changed, if one came with it.
    pub(crate) said_at: Option<Timestamp>,
}

/// A token that joins nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hub {
    /// Place of its kind.
    pub(crate) kind: u8,
    /// Atoms that have it, of all that are held.
    pub(crate) atoms: u32,
    /// Of names: at least so many components share it.
    pub(crate) components: u32,
}

/// Where a run's blocks lie, and what they take the place of.
#[derive(Default)]
pub(super) struct Directory {
    /// Length in bytes, numbers that were first given in it, and the blocks in whose place it stands.
    pub(super) blocks: Vec<(u32, u32, BTreeSet<u32>)>,
    /// Blocks that nothing stands in the place of.
    pub(super) dead: Vec<u32>,
    /// Tokens that join nothing, each with a block in which it lies; sorted.
    pub(super) carriers: Vec<(u32, u32)>,
    pub(super) fences: Fences,
}

impl Directory {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(self.blocks.len() * 4);
        put(self.blocks.len() as u64, &mut to);
        for (length, births, replaced) in &self.blocks {
            put(u64::from(*length), &mut to);
            put(u64::from(*births), &mut to);
            put(replaced.len() as u64, &mut to);
            for block in replaced {
                put(u64::from(*block), &mut to);
            }
        }
        put(self.dead.len() as u64, &mut to);
        for block in &self.dead {
            put(u64::from(*block), &mut to);
        }
        put(self.carriers.len() as u64, &mut to);
        let mut last = 0;
        for (token, block) in &self.carriers {
            put(u64::from(token.saturating_sub(last)), &mut to);
            put(u64::from(*block), &mut to);
            last = *token;
        }
        self.fences.encode(&mut to);
        to
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Bytes(bytes);
        let block = |from: &mut Bytes<'_>| {
            let (length, births, replaced) = (from.small()?, from.small()?, from.number()?);
            Some((length, births, (0..replaced).map(|_| from.small()).collect::<Option<_>>()?))
        };
        let blocks = (0..from.number()?).map(|_| block(&mut from)).collect::<Option<_>>()?;
        let dead = (0..from.number()?).map(|_| from.small()).collect::<Option<_>>()?;
        let mut last = 0_u32;
        let mut carrier = |from: &mut Bytes<'_>| {
            last = last.checked_add(from.small()?)?;
            Some((last, from.small()?))
        };
        let carriers = (0..from.number()?).map(|_| carrier(&mut from)).collect::<Option<_>>()?;
        Some(Self { blocks, dead, carriers, fences: Fences::decode(&mut from)? })
    }
}
