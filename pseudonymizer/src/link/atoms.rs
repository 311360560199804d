//! Atoms as the linkage zone sees them: random ids, tokens as dense numbers, months of the insurer line.

use std::collections::HashSet;
use std::io;

pub(crate) use crate::tokens::{KINDS, Kind};

/// One atom as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    /// Random, drawn by the holder.
    pub(crate) id: [u8; 16],
    /// Place among the names of the sources.
    pub(crate) source: u8,
    /// Place among the batches.
    pub(crate) batch: u32,
    /// Tokens by kind, permuted under the zone's key; none where an input was missing.
    pub(crate) tokens: [Option<[u8; 16]>; KINDS],
    /// First and last month of the atom's insurer line, in months since year 0.
    pub(crate) months: Option<Months>,
}

/// A closed interval of months, counted from year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Months {
    pub(crate) first: i32,
    pub(crate) last: i32,
}

impl Months {
    /// Months that both cover.
    pub(crate) fn overlap(self, other: Self) -> i32 {
        (self.last.min(other.last) - self.first.max(other.first) + 1).max(0)
    }

    /// Months from the end of one to the beginning of the other; 0 if they overlap.
    pub(crate) fn gap(self, other: Self) -> i32 {
        (self.first.max(other.first) - self.last.min(other.last)).max(0)
    }

    /// The shortest interval that covers both.
    pub(crate) fn hull(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// All atoms of a run in the order of their ids, tokens as dense numbers in the order of the first atom that has each. That order
/// makes everything that follows a function of the atoms and of which of them share a token: neither the order of files shows, nor
/// the key that the tokens were made under, so that a new epoch leaves every person as it was.
pub(crate) struct Atoms {
    ids: Vec<[u8; 16]>,
    sources: Vec<u8>,
    batches: Vec<u32>,
    months: Vec<Option<Months>>,
    tokens: Vec<[u32; KINDS]>,
    spelled: Vec<Vec<([u8; 16], u32)>>,
    apart: HashSet<(Kind, u32)>,
}

/// The same atom came twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SameAtomTwice;

impl Atoms {
    pub(crate) fn new(mut read: Vec<Atom>) -> Result<Self, SameAtomTwice> {
        read.sort_unstable_by_key(|atom| atom.id);
        if read.windows(2).any(|pair| matches!(pair, [a, b] if a.id == b.id)) {
            return Err(SameAtomTwice);
        }
        let mut tokens = vec![[0; KINDS]; read.len()];
        let spelled = Kind::AT_REST.map(|kind| number_tokens(&read, kind, &mut tokens)).into();
        Ok(Self {
            ids: read.iter().map(|atom| atom.id).collect(),
            sources: read.iter().map(|atom| atom.source).collect(),
            batches: read.iter().map(|atom| atom.batch).collect(),
            months: read.iter().map(|atom| atom.months).collect(),
            tokens,
            spelled,
            apart: HashSet::new(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn ids(&self) -> &[[u8; 16]] {
        &self.ids
    }

    /// Place of each atom's source among the names of the sources.
    pub(crate) fn sources(&self) -> &[u8] {
        &self.sources
    }

    /// Place of each atom's batch among the batches.
    pub(crate) fn batches(&self) -> &[u32] {
        &self.batches
    }

    /// How many different tokens of the kind there are: they are numbered from 1 to this.
    pub(crate) fn distinct(&self, kind: Kind) -> u32 {
        self.spelled.get(kind.place()).and_then(|of| u32::try_from(of.len()).ok()).unwrap_or(0)
    }

    /// The bytes of each token of the kind with its number, in the order of the bytes.
    pub(crate) fn spelled(&self, kind: Kind) -> impl Iterator<Item = io::Result<([u8; 16], u32)>> {
        self.spelled.get(kind.place()).into_iter().flatten().copied().map(Ok)
    }

    /// From here on the token makes no group: it is known to join nothing.
    pub(crate) fn set_apart(&mut self, kind: Kind, number: u32) {
        self.apart.insert((kind, number));
    }

    pub(crate) fn months(&self, atom: u32) -> Option<Months> {
        self.months.get(atom as usize).copied().flatten()
    }

    /// Dense number of a token, equal for equal tokens of the kind.
    pub(crate) fn token(&self, atom: u32, kind: Kind) -> Option<u32> {
        let number = *self.tokens.get(atom as usize)?.get(kind.place())?;
        (number != 0).then_some(number)
    }

    /// Atoms that share a token of the kind, in the order of their first atoms; at least two each, ascending.
    pub(crate) fn groups(&self, kind: Kind) -> Vec<Vec<u32>> {
        let mut pairs: Vec<(u32, u32)> =
            (0..).take(self.len()).filter_map(|atom| Some((self.token(atom, kind)?, atom))).collect();
        pairs.sort_unstable();
        pairs
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|group| {
                group.len() > 1 && !group.first().is_some_and(|(token, _)| self.apart.contains(&(kind, *token)))
            })
            .map(|group| group.iter().map(|(_, atom)| *atom).collect())
            .collect()
    }
}

fn number_tokens(read: &[Atom], kind: Kind, into: &mut [[u32; KINDS]]) -> Vec<([u8; 16], u32)> {
    let token = |atom: &Atom| atom.tokens.get(kind.place()).copied().flatten();
    let mut order: Vec<([u8; 16], usize)> =
        read.iter().enumerate().filter_map(|(at, atom)| Some((token(atom)?, at))).collect();
    order.sort_unstable();
    let mut groups: Vec<&[([u8; 16], usize)]> = order.chunk_by(|a, b| a.0 == b.0).collect();
    groups.sort_unstable_by_key(|group| group.first().map(|(_, at)| *at));
    let mut spelled = Vec::with_capacity(groups.len());
    for (number, group) in (1..).zip(groups) {
        spelled.extend(group.first().map(|(token, _)| (*token, number)));
        for (_, at) in group {
            if let Some(place) = into.get_mut(*at).and_then(|row| row.get_mut(kind.place())) {
                *place = number;
            }
        }
    }
    spelled.sort_unstable();
    spelled
}
