//! What a folder of link keeps between runs, sealed to the zone itself: a base that a full pass made, and what later runs changed.
//!
//! Atoms lie in [`Block`]s, closed under everything that could make two atoms one person. Atoms and tokens have numbers, given in
//! the order of the blocks in which they were first seen, so that a number leads to a block, and blocks lead to those that took their
//! place. A run reads the pages of the index that can hold its batches' tokens, opens the blocks that they touch, and writes these
//! anew beside the others. When that has grown beyond a quarter of the base, everything becomes one base again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use policies::keys::SealIdentity;

pub(crate) mod block;
mod bytes;
mod closed;
pub(crate) mod compact;
mod fill;
pub(crate) mod gather;
mod hubs;
pub(crate) mod index;
pub(crate) mod lists;
pub(crate) mod meta;
mod numbers;
mod pairs;
mod sealed;
pub(crate) mod view;
pub(crate) mod write;

use block::Block;
use bytes::Bytes;
use index::{Fences, Name};
use meta::{Directory, Meta};
use sealed::Reader;

use super::error::LinkError;
use super::keys;

const META: &str = "meta.age";
const DIRECTORY: &str = "directory.age";
const INDEX: &str = "index.age";
const BLOCKS: &str = "blocks.age";
const LISTS: &str = "lists.age";

/// The folder of what a run wrote.
pub(crate) fn folder(out: &Path, run: u32) -> PathBuf {
    out.join(name(run))
}

/// Its name.
pub(crate) fn name(run: u32) -> String {
    format!("held-{run:06}")
}

/// All that is held after the last of some runs.
pub(crate) struct Held {
    identity: SealIdentity,
    runs: Vec<Run>,
    pub(crate) meta: Meta,
    /// The first number of each block.
    births: Vec<u32>,
    /// What took the place of a block.
    after: HashMap<u32, Vec<u32>>,
    /// Blocks that nothing took the place of.
    dead: HashSet<u32>,
}

struct Run {
    folder: PathBuf,
    first_block: u32,
    /// Where each block begins, and where the last one ends.
    offsets: Vec<u64>,
    fences: Fences,
    sources: Vec<String>,
    /// Tokens that join nothing, each with a block in which it lies; sorted.
    carriers: Vec<(u32, u32)>,
}

impl Held {
    /// Opens what runs wrote, the base first.
    pub(crate) fn open(folders: Vec<PathBuf>, identity: SealIdentity) -> Result<Option<Self>, LinkError> {
        let Some(newest) = folders.last() else { return Ok(None) };
        let meta = meta(newest, &identity)?;
        let (runs, births, after) = (Vec::new(), Vec::new(), HashMap::new());
        let mut held = Self { identity, runs, meta, births, after, dead: HashSet::new() };
        for folder in folders {
            held.add(folder)?;
        }
        Ok(Some(held))
    }

    fn add(&mut self, folder: PathBuf) -> Result<(), LinkError> {
        let meta = meta(&folder, &self.identity)?;
        let path = folder.join(DIRECTORY);
        let bytes = Reader::open(&path, &self.identity)?.read_all()?;
        let lacks = || LinkError::Form { path: path.clone(), what: "directory" };
        let directory = Directory::decode(&bytes).ok_or_else(lacks)?;
        let (first_block, mut number) = meta.first;
        if usize::try_from(first_block).ok() != Some(self.births.len()) {
            return Err(lacks());
        }
        let (mut offsets, mut offset) = (vec![0], 0);
        for (block, (length, births, replaced)) in (first_block..).zip(&directory.blocks) {
            self.births.push(number);
            number += births;
            offset += u64::from(*length);
            offsets.push(offset);
            for old in replaced {
                self.after.entry(*old).or_default().push(block);
            }
        }
        self.dead.extend(directory.dead);
        let Directory { fences, carriers, .. } = directory;
        self.runs.push(Run { folder, first_block, offsets, fences, sources: meta.sources, carriers });
        Ok(())
    }

    /// Numbers of the names that are known.
    pub(crate) fn find(&self, mut names: Vec<Name>) -> Result<HashMap<Name, u32>, LinkError> {
        names.sort_unstable();
        names.dedup();
        let mut found = HashMap::with_capacity(names.len());
        for run in &self.runs {
            index::find(&run.folder.join(INDEX), &self.identity, &run.fences, &names, &mut found)?;
        }
        Ok(found)
    }

    /// Appends the blocks in which the number lies, or could: of a block that was divided, all parts.
    pub(crate) fn blocks_of(&self, number: u32, to: &mut Vec<u32>) {
        let birth = self.births.partition_point(|first| *first <= number).checked_sub(1);
        let birth = birth.and_then(|block| u32::try_from(block).ok());
        let Some(birth) = self.meta.homes.get(&number).copied().or(birth) else { return };
        if self.is_live(birth) {
            to.push(birth);
            return;
        }
        let (mut open, mut live) = (vec![birth], BTreeSet::new());
        while let Some(block) = open.pop() {
            match self.after.get(&block) {
                Some(later) => open.extend(later),
                None if self.dead.contains(&block) => {}
                None => drop(live.insert(block)),
            }
        }
        to.extend(live);
    }

    /// The blocks in which a token lies that joins nothing.
    pub(crate) fn carriers(&self, number: u32) -> impl Iterator<Item = u32> {
        self.runs.iter().flat_map(move |run| {
            let from = run.carriers.partition_point(|(known, _)| *known < number);
            let known = run.carriers.iter().skip(from).take_while(move |(known, _)| *known == number);
            known.map(|(_, block)| *block).filter(|block| self.is_live(*block))
        })
    }

    fn is_live(&self, block: u32) -> bool {
        !self.after.contains_key(&block) && !self.dead.contains(&block)
    }

    /// All blocks that nothing took the place of.
    pub(crate) fn live(&self) -> impl Iterator<Item = u32> {
        let all = (0..).take(self.births.len());
        all.filter(|block| self.is_live(*block))
    }

    /// Opens blocks, given in ascending order; `sources` are the names of the sources by the places that their atoms get.
    pub(crate) fn each(
        &self,
        blocks: impl IntoIterator<Item = u32>,
        sources: &[String],
        mut each: impl FnMut(u32, Block) -> Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        let mut blocks = blocks.into_iter().peekable();
        let mut bytes = Vec::new();
        for (at, run) in self.runs.iter().enumerate() {
            let end = self.runs.get(at + 1).map_or(u32::MAX, |next| next.first_block);
            if blocks.peek().is_none_or(|block| *block >= end) {
                continue;
            }
            let path = run.folder.join(BLOCKS);
            let lacks = || LinkError::Form { path: path.clone(), what: "blocks" };
            let mut file = Reader::open(&path, &self.identity)?;
            let places = run.places(sources);
            while let Some(block) = blocks.next_if(|block| *block < end) {
                let place = usize::try_from(block.saturating_sub(run.first_block)).unwrap_or(usize::MAX);
                let (Some(from), Some(to)) = (run.offsets.get(place), run.offsets.get(place.saturating_add(1))) else {
                    return Err(lacks());
                };
                bytes.resize(usize::try_from(to - from).unwrap_or(0), 0);
                file.read_at(*from, &mut bytes)?;
                let mut read = Block::decode(&bytes).ok_or_else(lacks)?;
                move_sources(&mut read, places.as_ref());
                each(block, read)?;
            }
        }
        Ok(())
    }

    /// The blocks.
    pub(crate) fn load(
        &self,
        blocks: &BTreeSet<u32>,
        sources: &[String],
        into: &mut BTreeMap<u32, Block>,
    ) -> Result<(), LinkError> {
        self.each(blocks.iter().copied(), sources, |block, read| {
            into.insert(block, read);
            Ok(())
        })
    }

    /// Everything as a rebuild looks back on it: atoms with their persons, and answers. Atoms are to get new numbers.
    pub(crate) fn remember(&self, work: &mut gather::Work) -> Result<(), LinkError> {
        self.each(self.live(), &self.meta.sources, |_, block| {
            let persons = u32::try_from(work.persons.len()).unwrap_or(keys::NONE);
            let id = |place: u32| Some(block.atoms.get(place as usize)?.id);
            work.persons.extend(block.persons.iter().map(|known| known.person(known.anchor.and_then(id))));
            work.olds.extend(block.atoms.iter().map(|held| gather::Old {
                id: held.id,
                number: keys::NONE,
                person: persons + held.person,
                block: keys::NONE,
                out: held.out,
            }));
            let verdicts = block.verdicts.iter().filter_map(|(a, b, same)| Some((id(*a)?, id(*b)?, *same)));
            work.verdicts.extend(verdicts);
            Ok(())
        })?;
        work.olds.sort_unstable_by_key(|old| old.id);
        Ok(())
    }

    /// The name and digest of a batch that is held.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &meta::HeldBatch> {
        self.meta.batches.iter().flatten()
    }
}

impl Run {
    /// The place of each of its sources among `sources`, unless all are the same.
    fn places(&self, sources: &[String]) -> Option<Vec<u8>> {
        if sources.starts_with(&self.sources) {
            return None;
        }
        let place = |name: &String| sources.iter().position(|known| known == name).and_then(|at| u8::try_from(at).ok());
        Some(self.sources.iter().map(|name| place(name).unwrap_or(u8::MAX)).collect())
    }
}

fn move_sources(block: &mut Block, places: Option<&Vec<u8>>) {
    let Some(places) = places else { return };
    for held in &mut block.atoms {
        held.source = places.get(usize::from(held.source)).copied().unwrap_or(held.source);
        let listed = (0_u32..).zip(places).filter(|(from, _)| held.listed >> from & 1 == 1);
        held.listed = listed.fold(0, |mask, (_, to)| mask | 1_u128.wrapping_shl(u32::from(*to)));
    }
}

/// What a run says of all that is held after it.
pub(crate) fn meta(folder: &Path, identity: &SealIdentity) -> Result<Meta, LinkError> {
    let path = folder.join(META);
    let bytes = Reader::open(&path, identity)?.read_all()?;
    serde_json::from_slice(&bytes).map_err(|_| LinkError::Form { path, what: "meta" })
}

/// Numbers that were written to a sealed file of their own.
fn numbers(bytes: &[u8]) -> Bytes<'_> {
    Bytes(bytes)
}

#[cfg(test)]
mod tests;
