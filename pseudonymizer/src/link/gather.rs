//! Rows of atoms, in any order and by several threads, to [`Atoms`]: sorted by id, tokens numbered.
//!
//! The rows go into buckets as they come: atoms by the first bits of their ids, tokens by kind and the first bits of the token. Both are
//! evenly spread, ids because holders draw them, tokens because they are permuted under the zone's key, so that a bucket is a small
//! part of all; one that is not (crafted ids) costs memory and nothing else. Then each bucket of atoms is sorted and takes its place,
//! and each bucket of tokens is sorted and tells every atom the first atom that has its token.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::atoms::{Atom, Atoms, KINDS, Line};
use super::names::{NAME_BUCKETS, NAMED, Named, Names};
use super::parallel;
use super::ranks::Ranks;
use super::spill::Spill;

/// First bits of an id or token that choose its bucket.
const BUCKET_BITS: u32 = 6;
pub(super) const BUCKETS: usize = 1 << BUCKET_BITS;
/// Buckets of the atoms, and of the tokens of each kind.
const ALL_BUCKETS: usize = BUCKETS * (1 + KINDS);

/// Why rows do not make atoms.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Records could not be kept on the disk, or there are more than can be numbered.
    Io(io::Error),
    /// The same atom came twice.
    Twice,
}

/// Rows of one thread.
pub(crate) struct Gather {
    spill: Spill,
    atoms: u32,
    folder: Option<PathBuf>,
    memory_max: usize,
}

impl Gather {
    /// Keeps all in memory.
    pub(crate) fn in_memory() -> Self {
        Self { spill: Spill::in_memory(ALL_BUCKETS), atoms: 0, folder: None, memory_max: usize::MAX }
    }

    /// Keeps up to `memory_max` bytes in memory, and more sealed in `folder`.
    pub(crate) fn on_disk(memory_max: usize, folder: &Path) -> io::Result<Self> {
        let spill = Spill::on_disk(ALL_BUCKETS, memory_max, folder)?;
        Ok(Self { spill, atoms: 0, folder: Some(folder.to_owned()), memory_max })
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, atom: &Atom) -> io::Result<()> {
        let number = self.atoms;
        self.atoms = number.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        self.spill.push(bucket_of(&atom.id), &AtomRecord::encode(atom, number))?;
        for (place, token) in atom.tokens.iter().enumerate() {
            if let Some(token) = token {
                self.spill.push(BUCKETS * (1 + place) + bucket_of(token), &Named::new(token, number).record())?;
            }
        }
        Ok(())
    }

    /// Where names go: to the disk if rows went there.
    fn beside(&self) -> io::Result<Spill> {
        match &self.folder {
            Some(folder) => Spill::on_disk(NAME_BUCKETS, self.memory_max / 8, folder),
            None => Ok(Spill::in_memory(NAME_BUCKETS)),
        }
    }

    /// What came together. Any rows split over any threads in any order give the same.
    pub(crate) fn finish(mut all: Vec<Self>, threads: usize) -> Result<Atoms, Fault> {
        let mut starts = Vec::with_capacity(all.len());
        let mut count = 0_u32;
        for one in &mut all {
            one.spill.settle().map_err(Fault::Io)?;
            starts.push(count);
            // The greatest number stands for no atom.
            let sum = count.checked_add(one.atoms).filter(|sum| *sum < u32::MAX);
            count = sum.ok_or_else(|| Fault::Io(io::ErrorKind::FileTooLarge.into()))?;
        }
        let parts: Vec<Part<'_>> =
            all.iter().zip(starts).map(|(one, start)| Part { spill: &one.spill, start }).collect();
        let mut atoms = Atoms::blank(count as usize);
        let places = place(&parts, &mut atoms, threads)?;
        let names = (0..threads).map(|_| all.first().map_or(Ok(Spill::in_memory(NAME_BUCKETS)), Self::beside));
        let names = Mutex::new(names.collect::<io::Result<_>>().map_err(Fault::Io)?);
        let firsts = first_atoms(&parts, &places, &names, threads)?;
        drop(places);
        drop(all);
        let mut names: Vec<Spill> = names.into_inner().unwrap_or_else(PoisonError::into_inner);
        names.iter_mut().try_for_each(Spill::settle).map_err(Fault::Io)?;
        number(firsts, &mut atoms, Names::new(names), threads);
        Ok(atoms)
    }
}

/// The rows of one thread, with what its row numbers begin at among all.
struct Part<'a> {
    spill: &'a Spill,
    start: u32,
}

fn bucket_of(bytes: &[u8; 16]) -> usize {
    usize::from(bytes.first().copied().unwrap_or(0) >> (8 - BUCKET_BITS))
}

const ATOM_RECORD: usize = 16 + 4 + 1 + 4 + 8;

/// An atom on its way: its id as a number, then the row's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct AtomRecord {
    id: u128,
    row: u32,
    source: u8,
    batch: u32,
    line: Line,
}

impl AtomRecord {
    fn encode(atom: &Atom, row: u32) -> [u8; ATOM_RECORD] {
        let line = Line::of(atom.months);
        let mut record = [0; ATOM_RECORD];
        let rest = row.to_le_bytes().into_iter().chain([atom.source]).chain(atom.batch.to_le_bytes());
        let rest = rest.chain(line.first.to_le_bytes()).chain(line.last.to_le_bytes());
        record.iter_mut().zip(atom.id.into_iter().chain(rest)).for_each(|(to, from)| *to = from);
        record
    }

    fn decode(record: &[u8; ATOM_RECORD]) -> Option<Self> {
        let (id, rest) = record.split_first_chunk()?;
        let (row, rest) = rest.split_first_chunk()?;
        let (&source, rest) = rest.split_first()?;
        let (batch, rest) = rest.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let line = Line { first: i32::from_le_bytes(*first), last: i32::from_le_bytes(*rest.first_chunk()?) };
        let (row, batch) = (u32::from_le_bytes(*row), u32::from_le_bytes(*batch));
        Some(Self { id: u128::from_be_bytes(*id), row, source, batch, line })
    }
}

/// Puts the atoms into the order of their ids. The place of each row.
fn place(parts: &[Part<'_>], atoms: &mut Atoms, threads: usize) -> Result<Vec<AtomicU32>, Fault> {
    let places = zeros(atoms.len());
    let mut begun = 0;
    let mut rest = atoms.columns();
    let jobs: Vec<_> = (0..BUCKETS)
        .map(|bucket| {
            let rows = parts.iter().map(|part| part.spill.len(bucket)).sum::<usize>() / ATOM_RECORD;
            let (these, after) = std::mem::take(&mut rest).split_at(rows);
            rest = after;
            let first = begun;
            begun += rows;
            (bucket, first, these)
        })
        .collect();
    parallel::each(threads, jobs.into_iter(), |(bucket, first, columns)| {
        let mut records = Vec::with_capacity(columns.ids.len());
        for part in parts {
            let read = |some: &[u8]| {
                let decoded = some.as_chunks().0.iter().filter_map(AtomRecord::decode);
                records.extend(decoded.map(|record| AtomRecord { row: part.start + record.row, ..record }));
            };
            part.spill.read(bucket, read).map_err(Fault::Io)?;
        }
        records.sort_unstable();
        if records.windows(2).any(|pair| matches!(pair, [a, b] if a.id == b.id)) {
            return Err(Fault::Twice);
        }
        let sorted = (first..).zip(&records).zip(columns.ids.iter_mut().zip(columns.sources));
        for (((at, record), (id, source)), (batch, line)) in sorted.zip(columns.batches.iter_mut().zip(columns.lines)) {
            (*id, *source, *batch, *line) = (record.id.to_be_bytes(), record.source, record.batch, record.line);
            if let Some(place) = places.get(record.row as usize) {
                place.store(u32::try_from(at).unwrap_or(u32::MAX), Ordering::Relaxed);
            }
        }
        Ok(())
    })?;
    Ok(places)
}

/// By atom and kind, one more than the first atom that has the same token; 0 where there is none. Each different token goes to one
/// of `names`, of which there is one for each thread.
fn first_atoms(
    parts: &[Part<'_>],
    places: &[AtomicU32],
    names: &Mutex<Vec<Spill>>,
    threads: usize,
) -> Result<Vec<u32>, Fault> {
    let firsts = zeros(places.len() * KINDS);
    let jobs = (0..KINDS).flat_map(|kind| (0..BUCKETS).map(move |bucket| (kind, bucket)));
    parallel::each(threads, jobs, |(kind, bucket)| {
        let records = sorted_tokens(parts, places, BUCKETS * (1 + kind) + bucket)?;
        let free = names.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // INVARIANT: there is one for each thread.
        let Some(mut spelled) = free else { return Ok(()) };
        for group in records.chunk_by(|a, b| a.is_of_one_token(*b)) {
            let Some(first) = group.first() else { continue };
            spelled.push(BUCKETS * kind + bucket, &first.record()).map_err(Fault::Io)?;
            for named in group {
                if let Some(token) = firsts.get(named.number() as usize * KINDS + kind) {
                    token.store(first.number() + 1, Ordering::Relaxed);
                }
            }
        }
        names.lock().unwrap_or_else(PoisonError::into_inner).push(spelled);
        Ok(())
    })?;
    Ok(firsts.into_iter().map(AtomicU32::into_inner).collect())
}

/// A bucket's tokens, sorted, each with an atom that has it.
fn sorted_tokens(parts: &[Part<'_>], places: &[AtomicU32], bucket: usize) -> Result<Vec<Named>, Fault> {
    let rows = parts.iter().map(|part| part.spill.len(bucket)).sum::<usize>() / NAMED;
    let mut records = Vec::with_capacity(rows);
    for part in parts {
        let decode = |record: &[u8; NAMED]| {
            let named = Named::of_record(record);
            let place = places.get((part.start + named.number()) as usize)?;
            Some(named.with(place.load(Ordering::Relaxed)))
        };
        let read = |some: &[u8]| records.extend(some.as_chunks().0.iter().filter_map(decode));
        part.spill.read(bucket, read).map_err(Fault::Io)?;
    }
    records.sort_unstable();
    Ok(records)
}

fn zeros(count: usize) -> Vec<AtomicU32> {
    (0..count).map(|_| AtomicU32::new(0)).collect()
}

/// Numbers the tokens of each kind from 1, in the order of their first atoms.
fn number(mut firsts: Vec<u32>, atoms: &mut Atoms, names: Names, threads: usize) {
    /// Atoms that a thread takes at a time.
    const SOME: usize = 64 * 1024;
    let mut words: [Vec<u64>; KINDS] = std::array::from_fn(|_| vec![0; atoms.len().div_ceil(64)]);
    for (atom, tokens) in (0_u32..).zip(firsts.as_chunks::<KINDS>().0) {
        for (words, first) in words.iter_mut().zip(tokens) {
            if *first == atom + 1
                && let Some(word) = words.get_mut((atom / 64) as usize)
            {
                *word |= 1 << (atom % 64);
            }
        }
    }
    let ranks: Vec<Ranks> = words.into_iter().map(Ranks::new).collect();
    let renumber = |some: &mut [u32]| -> Result<(), std::convert::Infallible> {
        for tokens in some.as_chunks_mut::<KINDS>().0 {
            for (token, ranks) in tokens.iter_mut().zip(&ranks).filter(|(token, _)| **token > 0) {
                *token = ranks.below(*token);
            }
        }
        Ok(())
    };
    let Ok(()) = parallel::each(threads, firsts.chunks_mut(SOME * KINDS), renumber);
    atoms.number(firsts, ranks, names);
}

#[cfg(test)]
mod tests;
