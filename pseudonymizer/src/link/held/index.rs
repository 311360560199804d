//! Names to numbers: tokens by kind, ids of atoms, and person keys that were ever given, sorted, so that a batch's names are found in
//! one pass over the pages that can hold them.

use std::collections::HashMap;
use std::path::Path;

use policies::keys::{SealIdentity, SealRecipient};

use super::bytes::{Bytes, put};
use super::sealed::{Reader, Writer};
use crate::link::LinkError;
use crate::link::atoms::{KINDS, Kind};

/// Leading bytes of a name that are kept. Tokens are permuted and ids random: that two of a kind agree in 80 bits by accident is
/// less likely than 1e-6 among 1e9 of them.
const WIDTH: usize = 10;
const ENTRY: usize = WIDTH + 4;
/// Entries of a page, about 56 KiB.
const PAGE: usize = 4096;
#[expect(clippy::cast_possible_truncation, reason = "ten kinds")]
const ATOM: u8 = KINDS as u8;
const KEY: u8 = ATOM + 1;

/// What is looked up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    kind: u8,
    prefix: [u8; WIDTH],
}

impl Name {
    fn of(kind: u8, bytes: &[u8]) -> Self {
        let mut prefix = [0; WIDTH];
        prefix.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Self { kind, prefix }
    }

    pub(crate) fn token(kind: Kind, token: &[u8; 16]) -> Self {
        Self::of(u8::try_from(kind.place()).unwrap_or(u8::MAX), token)
    }

    pub(crate) fn token_at(place: u8, token: &[u8; 16]) -> Self {
        Self::of(place, token)
    }

    pub(crate) fn atom(id: &[u8; 16]) -> Self {
        Self::of(ATOM, id)
    }

    pub(crate) fn key(key: u64) -> Self {
        Self::of(KEY, &key.to_be_bytes())
    }

    pub(super) fn is_key(self) -> bool {
        self.kind == KEY
    }

    pub(super) fn as_key(self) -> Option<u64> {
        self.prefix.first_chunk().filter(|_| self.is_key()).map(|bytes| u64::from_be_bytes(*bytes))
    }
}

/// The first name of each page, and how many entries it has.
#[derive(Clone, Default)]
pub(super) struct Fences(Vec<(Name, usize)>);

impl Fences {
    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        put(self.0.len() as u64, to);
        for (name, entries) in &self.0 {
            to.push(name.kind);
            to.extend_from_slice(&name.prefix);
            put(*entries as u64, to);
        }
    }

    pub(super) fn decode(from: &mut Bytes<'_>) -> Option<Self> {
        let count = from.number()?;
        let fence = |_| {
            let [kind] = from.array()?;
            let name = Name { kind, prefix: from.array()? };
            Some((name, usize::try_from(from.number()?).ok()?))
        };
        (0..count).map(fence).collect::<Option<_>>().map(Self)
    }
}

/// An index being written, in the order of names.
pub(super) struct IndexWriter {
    file: Writer,
    fences: Fences,
    page: Vec<u8>,
}

impl IndexWriter {
    pub(super) fn create(path: &Path, to: &SealRecipient) -> Result<Self, LinkError> {
        let page = Vec::with_capacity(PAGE * ENTRY);
        Ok(Self { file: Writer::create(path, to)?, fences: Fences::default(), page })
    }

    pub(super) fn push(&mut self, name: Name, number: u32) -> Result<(), LinkError> {
        let goes_on = self.fences.0.last_mut().filter(|(first, count)| first.kind == name.kind && *count < PAGE);
        if let Some((_, count)) = goes_on {
            *count += 1;
        } else {
            self.file.write(&self.page)?;
            self.page.clear();
            self.fences.0.push((name, 1));
        }
        self.page.extend_from_slice(&name.prefix);
        self.page.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Fences, LinkError> {
        self.file.write(&self.page)?;
        self.file.finish()?;
        Ok(self.fences)
    }
}

/// Finds `names`, sorted, and puts their numbers into `found`.
pub(super) fn find(
    path: &Path,
    identity: &SealIdentity,
    fences: &Fences,
    names: &[Name],
    found: &mut HashMap<Name, u32>,
) -> Result<(), LinkError> {
    let mut file = Reader::open(path, identity)?;
    let mut left = names;
    let (mut offset, mut page) = (0, vec![0; PAGE * ENTRY]);
    let ends = fences.0.iter().skip(1).map(|(name, _)| Some(*name)).chain([None]);
    for ((first, entries), end) in fences.0.iter().zip(ends) {
        let here = end.map_or(left.len(), |end| left.partition_point(|name| *name < end));
        let (wanted, rest) = left.split_at(here);
        left = rest;
        let length = entries * ENTRY;
        // What sorts before the first page, or between two kinds, is of another kind than the page.
        let mut wanted = wanted.iter().filter(|name| name.kind == first.kind).peekable();
        if let Some(bytes) = page.get_mut(..length).filter(|_| wanted.peek().is_some()) {
            file.read_at(offset, bytes)?;
            found.extend(wanted.filter_map(|name| Some((*name, search(bytes, name.prefix)?))));
        }
        offset += length as u64;
    }
    Ok(())
}

fn search(page: &[u8], prefix: [u8; WIDTH]) -> Option<u32> {
    let entry = |at: usize| {
        let mut bytes = Bytes(page.get(at * ENTRY..)?);
        Some((bytes.array::<WIDTH>()?, u32::from_le_bytes(bytes.array()?)))
    };
    let (mut low, mut high) = (0, page.len() / ENTRY);
    while low < high {
        let middle = usize::midpoint(low, high);
        let (found, number) = entry(middle)?;
        match found.cmp(&prefix) {
            std::cmp::Ordering::Equal => return Some(number),
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Less => low = middle + 1,
        }
    }
    None
}

/// All entries of an index, in the order of names.
pub(super) struct Entries {
    file: Reader,
    pages: std::vec::IntoIter<(Name, usize)>,
    offset: u64,
    page: std::vec::IntoIter<(Name, u32)>,
}

impl Entries {
    pub(super) fn open(path: &Path, identity: &SealIdentity, fences: &Fences) -> Result<Self, LinkError> {
        let pages = fences.0.clone().into_iter();
        Ok(Self { file: Reader::open(path, identity)?, pages, offset: 0, page: Vec::new().into_iter() })
    }

    /// Leaves out what comes before person keys.
    pub(super) fn skip_to_keys(&mut self) {
        let before = self.pages.as_slice().iter().take_while(|(first, _)| !first.is_key());
        let before: Vec<usize> = before.map(|(_, entries)| *entries).collect();
        self.offset += before.iter().map(|entries| (entries * ENTRY) as u64).sum::<u64>();
        self.pages.by_ref().take(before.len()).for_each(drop);
    }

    pub(super) fn next(&mut self) -> Result<Option<(Name, u32)>, LinkError> {
        loop {
            if let Some(entry) = self.page.next() {
                return Ok(Some(entry));
            }
            let Some((first, entries)) = self.pages.next() else { return Ok(None) };
            let mut bytes = vec![0; entries * ENTRY];
            self.file.read_at(self.offset, &mut bytes)?;
            self.offset += bytes.len() as u64;
            let entry = |entry: &[u8]| {
                let mut entry = Bytes(entry);
                let prefix = entry.array()?;
                Some((Name { kind: first.kind, prefix }, u32::from_le_bytes(entry.array()?)))
            };
            self.page = bytes.chunks_exact(ENTRY).filter_map(entry).collect::<Vec<_>>().into_iter();
        }
    }
}
