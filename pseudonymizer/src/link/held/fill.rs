//! Blocks of what a pass found, in their order: filled and encoded by one thread, sealed by another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::{panic, thread};

use super::BLOCKS;
use super::block::{Block, HeldAtom, HeldPerson};
use super::closed::Closed;
use super::meta::{Directory, Meta};
use super::numbers::Numbers;
use super::pairs::Evidence;
use super::sealed::Writer;
use super::write::{Found, Place};
use crate::link::LinkError;
use crate::link::atoms::{KINDS, Months};
use crate::link::crosswalk::Grade;
use crate::link::keys::{Keyed, NONE};
use crate::link::pass::Pass;

/// Tokens that join nothing: a bit for each dense number of a kind of which there are some.
pub(super) struct Marked([Vec<u64>; KINDS]);

impl Marked {
    pub(super) fn of(pass: &Pass) -> Self {
        let mut marked: [Vec<u64>; KINDS] = Default::default();
        for (kind, dense) in &pass.apart {
            let Some(words) = marked.get_mut(kind.place()) else { continue };
            words.resize((pass.atoms.distinct(*kind) as usize / 64 + 1).max(words.len()), 0);
            if let Some(word) = words.get_mut(*dense as usize / 64) {
                *word |= 1 << (dense % 64);
            }
        }
        Self(marked)
    }

    pub(super) fn has(&self, kind: usize, dense: u32) -> bool {
        let word = self.0.get(kind).and_then(|words| words.get(dense as usize / 64));
        word.is_some_and(|word| word >> (dense % 64) & 1 == 1)
    }
}

/// Blocks that are looked up at a time.
const SOME: usize = 1024;
/// Bytes of blocks that are sealed at a time, or a block more.
const PIECE: usize = 64 * 1024;

/// What a pass says of an atom.
#[derive(Clone, Copy, Default)]
struct Row {
    id: [u8; 16],
    source: u8,
    batch: u32,
    months: Option<Months>,
    /// The least atom of its person.
    root: u32,
    tokens: [Option<u32>; KINDS],
}

/// Rows of atoms that lie far apart, a column after the other: none waits for the one before it, so that the memory is asked for many at
/// once.
fn read(pass: &Pass, members: &[u32], rows: &mut Vec<Row>) {
    fn column<T: Copy>(members: &[u32], rows: &mut [Row], of: &[T], put: impl Fn(&mut Row, T)) {
        for (row, atom) in rows.iter_mut().zip(members) {
            of.get(*atom as usize).into_iter().for_each(|value| put(row, *value));
        }
    }
    let atoms = &pass.atoms;
    rows.clear();
    rows.resize(members.len(), Row::default());
    for (row, atom) in rows.iter_mut().zip(members) {
        row.tokens = atoms.tokens(*atom);
    }
    for (row, atom) in rows.iter_mut().zip(members) {
        row.months = atoms.months(*atom);
    }
    column(members, rows, atoms.ids(), |row, id| row.id = id);
    column(members, rows, atoms.sources(), |row, source| row.source = source);
    column(members, rows, atoms.batches(), |row, batch| row.batch = batch);
    column(members, rows, &pass.partition.roots, |row, root| row.root = root);
}

/// Blocks being written, and what there is to be said of them.
pub(super) struct Writing<'a> {
    found: &'a Found<'a>,
    pub(super) directory: Directory,
    pub(super) replaced: BTreeSet<u32>,
    pub(super) homes: BTreeMap<u32, u32>,
    apart: Marked,
    /// Room for one block, and for its persons' least atoms.
    block: Block,
    persons: Vec<u32>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(found: &'a Found<'a>) -> Self {
        let (directory, block, persons) = (Directory::default(), Block::default(), Vec::new());
        let (replaced, homes) = (BTreeSet::new(), BTreeMap::new());
        Self { found, directory, replaced, homes, apart: Marked::of(found.pass), block, persons }
    }

    /// Writes all blocks, the first of which is that of `meta`.
    pub(super) fn blocks(&mut self, place: &Place<'_>, numbers: &mut Numbers, meta: &Meta) -> Result<(), LinkError> {
        let closed = Closed::of(self.found.pass, &self.apart);
        let mut file = Writer::create(&place.folder.join(BLOCKS), place.to)?;
        let (encoded, to_seal) = mpsc::sync_channel::<Vec<u8>>(4);
        thread::scope(|scope| {
            let sealing = scope.spawn(move || {
                to_seal.into_iter().try_for_each(|bytes| file.write(&bytes))?;
                file.finish()
            });
            // Whoever takes no more says why.
            let _all_taken = self.pieces(&closed, numbers, meta.first.0, |piece| encoded.send(piece).is_ok());
            drop(encoded);
            sealing.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
        })
    }

    /// Hands over the blocks as bytes, as long as they are taken.
    fn pieces(
        &mut self,
        closed: &Closed,
        numbers: &mut Numbers,
        first_block: u32,
        mut take: impl FnMut(Vec<u8>) -> bool,
    ) -> bool {
        let mut evidence = Evidence::of(self.found.pass, &closed.roots);
        let (mut rows, mut tokens, mut bytes) = (Vec::new(), Vec::new(), Vec::with_capacity(2 * PIECE));
        let mut at = first_block;
        for (mut members, counts) in closed.some(SOME) {
            read(self.found.pass, members, &mut rows);
            let mut left = rows.as_slice();
            for count in counts {
                let divided = members.split_at_checked(count).zip(left.split_at_checked(count));
                // INVARIANT: there is a row for each member, and the counts are of all members.
                let Some(((these, after), (their, rest))) = divided else { break };
                (members, left) = (after, rest);
                let (first, begun) = (numbers.next, bytes.len());
                self.fill(at, (these, their), numbers);
                evidence.fill(&mut self.block, these);
                self.block.encode(&mut tokens, &mut bytes);
                let replaced = self.replaced((these, their), numbers, at, first);
                self.replaced.extend(&replaced);
                let length = u32::try_from(bytes.len() - begun).unwrap_or(u32::MAX);
                self.directory.blocks.push((length, numbers.next - first, replaced));
                at += 1;
                if bytes.len() >= PIECE && !take(std::mem::replace(&mut bytes, Vec::with_capacity(2 * PIECE))) {
                    return false;
                }
            }
        }
        take(bytes)
    }

    /// Fills the block of these atoms, but for what is known of pairs.
    fn fill(&mut self, at: u32, (members, rows): (&[u32], &[Row]), numbers: &mut Numbers) {
        self.block.clear();
        self.persons.clear();
        for (atom, row) in members.iter().zip(rows) {
            // INVARIANT: a root is the least atom of its person, so that they come ascending.
            let person = self.persons.binary_search(&row.root).unwrap_or_else(|_| {
                self.block.persons.push(self.person(row.root, members));
                self.persons.push(row.root);
                self.persons.len() - 1
            });
            let number = numbers.atom(*atom, self.found.old(*atom));
            let mut tokens = row.tokens;
            for (kind, token) in tokens.iter_mut().enumerate() {
                let Some(dense) = *token else { continue };
                let number = numbers.token(kind, dense);
                if self.apart.has(kind, dense) {
                    self.directory.carriers.push((number, at));
                }
                *token = Some(number);
            }
            self.block.atoms.push(HeldAtom {
                id: row.id,
                number,
                source: row.source,
                batch: row.batch,
                tokens,
                months: row.months,
                person: u32::try_from(person).unwrap_or(NONE),
                out: self.found.out.contains(atom),
                listed: self.found.work.listed.get(&row.id).copied().unwrap_or(0),
            });
        }
    }

    fn person(&self, root: u32, members: &[u32]) -> HeldPerson {
        let keyed = self.found.keyed.get(root).unwrap_or(Keyed { key: 0, born: 0, anchor: root });
        let anchor = members.binary_search(&keyed.anchor);
        let anchor = anchor.ok().and_then(|at| u32::try_from(at).ok());
        let grade = self.found.grades.get(root as usize).copied().unwrap_or(Grade::Strong);
        HeldPerson { key: keyed.key, born: keyed.born, grade, anchor }
    }

    /// The blocks in whose place this one stands: those in which its atoms were, and the tokens of those that are new.
    fn replaced(&mut self, (members, rows): (&[u32], &[Row]), numbers: &Numbers, at: u32, first: u32) -> BTreeSet<u32> {
        let work = self.found.work;
        if work.touched.is_empty() {
            return BTreeSet::new();
        }
        let mut tokens: Vec<u32> = Vec::new();
        for (atom, row) in members.iter().zip(rows) {
            let is_new = self.found.old(*atom).is_none();
            if !is_new && work.unsettled.is_empty() {
                continue;
            }
            let dense = row.tokens.iter().enumerate().filter_map(|(kind, dense)| Some((kind, (*dense)?)));
            let joining = dense.filter(|(kind, dense)| !self.apart.has(*kind, *dense));
            let known = joining.filter_map(|(kind, dense)| numbers.known(kind, dense)).filter(|number| *number < first);
            tokens.extend(known.filter(|number| is_new || work.unsettled.contains(number)));
        }
        tokens.sort_unstable();
        tokens.dedup();
        for number in tokens.iter().filter(|number| work.unsettled.contains(number)) {
            self.homes.insert(*number, at);
        }
        let atoms = members.iter().filter_map(|atom| self.found.old(*atom)).map(|old| old.block);
        let from = tokens.iter().flat_map(|number| {
            let first = work.from.partition_point(|(known, _)| known < number);
            let known = work.from.iter().skip(first).take_while(move |(known, _)| known == number);
            known.map(|(_, block)| *block)
        });
        atoms.chain(from).collect()
    }
}
