//! Numbers of atoms and tokens, and the index that leads from names to them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
use std::{panic, thread};

use super::INDEX;
use super::block::number_in;
use super::gather::Old;
use super::index::{Fences, IndexWriter, Name};
use super::meta::Hub;
use super::write::Found;
use crate::link::LinkError;
use crate::link::atoms::{Atoms, KINDS, Kind};
use crate::link::keys::NONE;

/// Atoms that are named at a time.
const SOME: usize = 16 * 1024;

/// Numbers of atoms and tokens, given in the order of the blocks to those that have none.
pub(super) struct Numbers {
    atoms: Vec<u32>,
    /// By kind and dense number.
    tokens: [Vec<u32>; KINDS],
    /// The first that is given now.
    first: u32,
    pub(super) next: u32,
}

impl Numbers {
    pub(super) fn of(found: &Found<'_>, next: u32) -> Self {
        let atoms = &found.pass.atoms;
        let blank = |kind: Kind| vec![NONE; atoms.distinct(kind) as usize + 1];
        let known = |kind: Kind| found.pass.numbers.get(kind.place()).filter(|known| !known.is_empty()).cloned();
        let tokens = Kind::AT_REST.map(|kind| known(kind).unwrap_or_else(|| blank(kind)));
        Self { atoms: vec![NONE; atoms.len()], tokens, first: next, next }
    }

    fn give(next: &mut u32) -> u32 {
        let number = *next;
        *next += 1;
        number
    }

    pub(super) fn atom(&mut self, atom: u32, old: Option<&Old>) -> u32 {
        let known = old.map(|old| old.number).filter(|number| *number != NONE);
        let number = known.unwrap_or_else(|| Self::give(&mut self.next));
        self.atoms.get_mut(atom as usize).into_iter().for_each(|place| *place = number);
        number
    }

    /// By the place of the kind.
    pub(super) fn token(&mut self, kind: usize, dense: u32) -> u32 {
        let Some(place) = self.tokens.get_mut(kind).and_then(|of| of.get_mut(dense as usize)) else {
            return NONE;
        };
        if *place == NONE {
            *place = Self::give(&mut self.next);
        }
        *place
    }

    pub(super) fn known(&self, kind: usize, dense: u32) -> Option<u32> {
        self.tokens.get(kind)?.get(dense as usize).copied()
    }

    /// What the pass found to join nothing. `carriers`: sorted, an entry for each atom that has such a token.
    pub(super) fn hubs(&self, found: &Found<'_>, carriers: &[(u32, u32)]) -> BTreeMap<u32, Hub> {
        let hub = |aside: &crate::link::rules::Aside| {
            let dense = found.pass.atoms.token(aside.atom, aside.kind)?;
            let number = self.known(aside.kind.place(), dense)?;
            let kind = u8::try_from(aside.kind.place()).ok()?;
            // It held them together until now: all its atoms are here.
            let (from, to) =
                (carriers.partition_point(|it| it.0 < number), carriers.partition_point(|it| it.0 <= number));
            let atoms = u32::try_from(to - from).ok()?;
            Some((number, Hub { kind, atoms, components: aside.count }))
        };
        found.pass.partition.aside.iter().filter_map(hub).collect()
    }

    /// Writes the names that were not known before, in their order, then the keys: one thread looks names up, another seals them.
    pub(super) fn index(&self, atoms: &Atoms, index: IndexWriter, keys: Vec<u64>) -> Result<Fences, LinkError> {
        let (named, to_write) = mpsc::sync_channel(2);
        thread::scope(|scope| {
            let writing = scope.spawn(move || write_index(index, &to_write, keys));
            let read = self.names(atoms, &named);
            drop(named);
            let written = writing.join().unwrap_or_else(|cause| panic::resume_unwind(cause));
            read.and(written)
        })
    }

    /// Sends the names in their order, as long as somebody takes them: who takes no more says why.
    fn names(&self, atoms: &Atoms, to: &mpsc::SyncSender<Vec<(Name, u32)>>) -> Result<(), LinkError> {
        for (kind, numbers) in Kind::AT_REST.into_iter().zip(&self.tokens) {
            for spelled in atoms.spelled(kind) {
                let spelled = spelled.map_err(LinkError::io(Path::new(INDEX)))?;
                let mut some = Vec::with_capacity(spelled.len());
                some.extend(spelled.into_iter().filter_map(|name| {
                    let (number, token) = (numbers.get(name.number() as usize)?, name.token());
                    number_in(&token).is_none().then(|| (Name::token(kind, &token), *number))
                }));
                if to.send(some).is_err() {
                    return Ok(());
                }
            }
        }
        for (ids, numbers) in atoms.ids().chunks(SOME).zip(self.atoms.chunks(SOME)) {
            let new = ids.iter().zip(numbers).filter(|(_, number)| **number >= self.first);
            if to.send(new.map(|(id, number)| (Name::atom(id), *number)).collect()).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn write_index(
    mut index: IndexWriter,
    names: &mpsc::Receiver<Vec<(Name, u32)>>,
    mut keys: Vec<u64>,
) -> Result<Fences, LinkError> {
    for (name, number) in names.iter().flatten() {
        index.push(name, number)?;
    }
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().try_for_each(|key| index.push(Name::key(key), 0))?;
    index.finish()
}
