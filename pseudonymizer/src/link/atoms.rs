//! Atoms as the linkage zone sees them: random ids, tokens as dense numbers, months of the insurer line.

use std::collections::{BTreeSet, HashMap};
use std::io;

use super::gather::{Fault, Gather};
use super::groups::Groups;
use super::names::{Named, Names};
use super::packed::Packed;
use super::ranks::Ranks;
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
///
/// About 56 bytes an atom. An atom's tokens stand together: rules ask for several of one atom.
pub(crate) struct Atoms {
    ids: Vec<[u8; 16]>,
    sources: Vec<u8>,
    batches: Vec<u32>,
    lines: Vec<Line>,
    tokens: Packed,
    /// By kind, the atoms that are the first that have their token: tokens are numbered in their order.
    firsts: Vec<Ranks>,
    names: Names,
    /// Tokens that make no group, and how many atoms have them, of which most may not be here.
    apart: HashMap<(Kind, u32), u32>,
}

/// The months of an atom; no month where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) first: i32,
    pub(super) last: i32,
}

impl Line {
    /// Before any calendar.
    const NONE: Self = Self { first: i32::MIN, last: i32::MIN };

    pub(super) fn of(months: Option<Months>) -> Self {
        months.map_or(Self::NONE, |Months { first, last }| Self { first, last })
    }

    fn months(self) -> Option<Months> {
        (self != Self::NONE).then_some(Months { first: self.first, last: self.last })
    }
}

/// Columns being filled.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) ids: &'a mut [[u8; 16]],
    pub(super) sources: &'a mut [u8],
    pub(super) batches: &'a mut [u32],
    pub(super) lines: &'a mut [Line],
}

impl Columns<'_> {
    /// The first `count` atoms, or all, and the others.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        let count = count.min(self.ids.len());
        let (ids, sources) = (self.ids.split_at_mut(count), self.sources.split_at_mut(count));
        let (batches, lines) = (self.batches.split_at_mut(count), self.lines.split_at_mut(count));
        (
            Self { ids: ids.0, sources: sources.0, batches: batches.0, lines: lines.0 },
            Self { ids: ids.1, sources: sources.1, batches: batches.1, lines: lines.1 },
        )
    }
}

impl Atoms {
    /// A few atoms.
    pub(crate) fn new(read: Vec<Atom>) -> Result<Self, Fault> {
        let mut gather = Gather::in_memory();
        read.into_iter().try_for_each(|atom| gather.push(&atom)).map_err(Fault::Io)?;
        Gather::finish(vec![gather], 1)
    }

    pub(super) fn blank(count: usize) -> Self {
        Self {
            ids: vec![[0; 16]; count],
            sources: vec![0; count],
            batches: vec![0; count],
            lines: vec![Line::NONE; count],
            tokens: Packed::default(),
            firsts: Vec::new(),
            names: Names::default(),
            apart: HashMap::new(),
        }
    }

    pub(super) fn columns(&mut self) -> Columns<'_> {
        Columns { ids: &mut self.ids, sources: &mut self.sources, batches: &mut self.batches, lines: &mut self.lines }
    }

    /// `tokens`: `KINDS` an atom, 0 where there is none.
    /// `firsts`: by kind, the atoms that are the first that have their token.
    pub(super) fn number(&mut self, tokens: Vec<u32>, firsts: Vec<Ranks>, names: Names) {
        (self.tokens, self.firsts, self.names) = (Packed::new(tokens), firsts, names);
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

    pub(crate) fn months(&self, atom: u32) -> Option<Months> {
        self.lines.get(atom as usize)?.months()
    }

    /// Dense number of a token, equal for equal tokens of the kind.
    pub(crate) fn token(&self, atom: u32, kind: Kind) -> Option<u32> {
        self.tokens.get(atom as usize, kind.place())
    }

    /// Dense numbers of all tokens of an atom, by the places of the kinds.
    pub(crate) fn tokens(&self, atom: u32) -> [Option<u32>; KINDS] {
        self.tokens.row(atom as usize)
    }

    /// Of each atom, which kinds it has: a bit each, by the places of the kinds.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = u16> {
        self.tokens.masks()
    }

    /// How many different tokens of the kind there are: they are numbered from 1 to this.
    pub(crate) fn distinct(&self, kind: Kind) -> u32 {
        self.firsts.get(kind.place()).map_or(0, Ranks::len)
    }

    /// Each token of the kind with its number, some at a time, in the order of their bytes. Read from the disk where the atoms were many.
    pub(crate) fn spelled(&self, kind: Kind) -> impl Iterator<Item = io::Result<Vec<Named>>> {
        let below = move |end| self.firsts.get(kind.place()).map_or(0, |firsts| firsts.below(end));
        self.names.of(kind).map(move |some| {
            let mut some = some?;
            for name in &mut some {
                *name = name.with(below(name.number() + 1));
            }
            Ok(some)
        })
    }

    /// Atoms that have a token of the kind, ascending, each with its dense number.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (u32, u32)> {
        self.tokens.of_kind(kind.place())
    }

    /// From here on the token makes no group: it is known to join nothing. `atoms`: how many have it, here and elsewhere.
    pub(crate) fn set_apart(&mut self, kind: Kind, number: u32, atoms: u32) {
        self.apart.insert((kind, number), atoms);
    }

    /// How many atoms have each token of the kind, by its number, here and elsewhere.
    pub(crate) fn multiplicities(&self, kind: Kind) -> Vec<u32> {
        let mut counts = vec![0_u32; self.distinct(kind) as usize + 1];
        self.of_kind(kind).for_each(|(_, token)| {
            counts.get_mut(token as usize).into_iter().for_each(|count| *count += 1);
        });
        for ((_, token), atoms) in self.apart.iter().filter(|((of, _), _)| *of == kind) {
            counts.get_mut(*token as usize).into_iter().for_each(|count| *count = *atoms);
        }
        counts
    }

    /// Atoms that share a token of the kind, in the order of their first atoms; at least two each, ascending.
    pub(crate) fn groups(&self, kind: Kind) -> Groups {
        let apart = self.apart.keys().filter(|(of, _)| *of == kind).map(|(_, token)| *token);
        let apart: BTreeSet<u32> = apart.collect();
        let joins = |token: &u32| apart.is_empty() || !apart.contains(token);
        let tokens = || self.tokens.of_kind(kind.place()).filter(|(_, token)| joins(token));
        Groups::new(self.distinct(kind), tokens)
    }
}
