//! Writes what a pass found: its atoms in blocks, the names that were not known before, and what is held now beside them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};
use std::{panic, thread};

use policies::keys::SealRecipient;

use super::block::{Block, HeldAtom, HeldPair, HeldPerson, number_in, stand_in};
use super::gather::{Old, Work};
use super::index::{Fences, IndexWriter, Name};
use super::lists::Lists;
use super::meta::{Directory, Hub, Meta};
use super::sealed::Writer;
use super::{BLOCKS, DIRECTORY, INDEX, LISTS, META};
use crate::link::LinkError;
use crate::link::atoms::{Atom, Atoms, KINDS, Kind};
use crate::link::components::Components;
use crate::link::crosswalk::Grade;
use crate::link::keys::{Keyed, Keys, NONE};
use crate::link::parallel;
use crate::link::pass::Pass;

/// What a pass found.
pub(crate) struct Found<'a> {
    pub(crate) pass: &'a Pass,
    /// What it was made of; atoms and persons are not looked at.
    pub(crate) work: &'a Work,
    pub(crate) keyed: &'a Keys,
    /// By the least atom of each person.
    pub(crate) grades: &'a [Grade],
    /// Atoms that stay out.
    pub(crate) out: &'a HashSet<u32>,
}

impl Found<'_> {
    pub(crate) fn old(&self, atom: u32) -> Option<&Old> {
        self.work.olds.get(self.pass.old(atom)?)
    }
}

/// Where a run's files go.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) to: &'a SealRecipient,
}

/// Writes the run of `meta`, whose `first` says where it begins, and completes `meta`. `keys` are to be remembered as given, `lists`
/// those of the batches that are new. Returns how many bytes the blocks take.
pub(crate) fn write(
    place: &Place<'_>,
    found: &Found<'_>,
    meta: &mut Meta,
    keys: Vec<u64>,
    lists: (&Lists, &dyn Fn(u32) -> bool),
) -> Result<u64, LinkError> {
    fs::create_dir(place.folder).map_err(LinkError::io(place.folder))?;
    let mut numbers = Numbers::of(found, meta.first.1);
    let (directory, replaced, homes) = (Directory::default(), BTreeSet::new(), BTreeMap::new());
    let mut writing = Writing { found, directory, replaced, homes, apart: Marked::of(found.pass) };
    writing.blocks(place, &mut numbers, meta)?;
    let mut directory = writing.directory;
    directory.carriers.sort_unstable();
    directory.carriers.dedup();
    directory.dead = found.work.touched.difference(&writing.replaced).copied().collect();
    meta.homes.extend(writing.homes);
    meta.hubs.retain(|number, _| !found.work.unsettled.contains(number));
    meta.hubs.extend(&found.work.aside);
    meta.hubs.extend(numbers.hubs(found));
    let blocks = u32::try_from(directory.blocks.len()).unwrap_or(u32::MAX);
    meta.next = (meta.first.0.saturating_add(blocks), numbers.next);

    let index = IndexWriter::create(&place.folder.join(INDEX), place.to)?;
    directory.fences = numbers.index(&found.pass.atoms, index, keys)?;
    finish(place, &directory, meta, lists)?;
    Ok(directory.blocks.iter().map(|(length, _, _)| u64::from(*length)).sum())
}

pub(super) fn write_keys(mut keys: Vec<u64>, index: &mut IndexWriter) -> Result<(), LinkError> {
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().try_for_each(|key| index.push(Name::key(key), 0))
}

/// Writes what comes last.
pub(super) fn finish(
    place: &Place<'_>,
    directory: &Directory,
    meta: &Meta,
    (lists, which): (&Lists, &dyn Fn(u32) -> bool),
) -> Result<(), LinkError> {
    lists.write(&place.folder.join(LISTS), place.to, which)?;
    let mut file = Writer::create(&place.folder.join(DIRECTORY), place.to)?;
    file.write(&directory.encode())?;
    file.finish()?;
    let path = place.folder.join(META);
    let text = serde_json::to_vec(meta).map_err(|cause| LinkError::io(&path)(cause.into()))?;
    let mut file = Writer::create(&path, place.to)?;
    file.write(&text)?;
    file.finish()
}

/// Numbers of atoms and tokens, given in the order of the blocks to those that have none.
struct Numbers {
    atoms: Vec<u32>,
    /// Atoms that got theirs now.
    new: Vec<bool>,
    /// By kind and dense number.
    tokens: [Vec<u32>; KINDS],
    next: u32,
}

impl Numbers {
    fn of(found: &Found<'_>, next: u32) -> Self {
        let atoms = &found.pass.atoms;
        let blank = |kind: Kind| vec![NONE; atoms.distinct(kind) as usize + 1];
        let known = |kind: Kind| found.pass.numbers.get(kind.place()).filter(|known| !known.is_empty()).cloned();
        let tokens = Kind::AT_REST.map(|kind| known(kind).unwrap_or_else(|| blank(kind)));
        let (atoms, new) = (vec![NONE; atoms.len()], vec![false; atoms.len()]);
        Self { atoms, new, tokens, next }
    }

    fn give(next: &mut u32) -> u32 {
        let number = *next;
        *next += 1;
        number
    }

    fn atom(&mut self, atom: u32, old: Option<&Old>) -> u32 {
        let known = old.map(|old| old.number).filter(|number| *number != NONE);
        let number = known.unwrap_or_else(|| Self::give(&mut self.next));
        if let (Some(place), Some(new)) = (self.atoms.get_mut(atom as usize), self.new.get_mut(atom as usize)) {
            (*place, *new) = (number, known.is_none());
        }
        number
    }

    /// By the place of the kind.
    fn token(&mut self, kind: usize, dense: u32) -> u32 {
        let Some(place) = self.tokens.get_mut(kind).and_then(|of| of.get_mut(dense as usize)) else {
            return NONE;
        };
        if *place == NONE {
            *place = Self::give(&mut self.next);
        }
        *place
    }

    fn known(&self, kind: usize, dense: u32) -> Option<u32> {
        self.tokens.get(kind)?.get(dense as usize).copied()
    }

    /// What the pass found to join nothing.
    fn hubs(&self, found: &Found<'_>) -> BTreeMap<u32, Hub> {
        let hub = |aside: &crate::link::rules::Aside| {
            let dense = found.pass.atoms.token(aside.atom, aside.kind)?;
            let number = self.known(aside.kind.place(), dense)?;
            let kind = u8::try_from(aside.kind.place()).ok()?;
            Some((number, Hub { kind, least: aside.count }))
        };
        found.pass.partition.aside.iter().filter_map(hub).collect()
    }

    /// Writes the names that were not known before, in their order, then the keys: one thread looks names up, another seals them.
    fn index(&self, atoms: &Atoms, mut index: IndexWriter, keys: Vec<u64>) -> Result<Fences, LinkError> {
        let (named, to_write) = mpsc::sync_channel::<Vec<(Name, u32)>>(2);
        thread::scope(|scope| {
            let writing = scope.spawn(move || {
                for (name, number) in to_write.into_iter().flatten() {
                    index.push(name, number)?;
                }
                write_keys(keys, &mut index)?;
                index.finish()
            });
            let mut all = self.names(atoms).peekable();
            let mut read = Ok(());
            while read.is_ok() && all.peek().is_some() {
                let some: Result<Vec<(Name, u32)>, LinkError> = all.by_ref().take(SOME * 16).collect();
                match some.map(|some| named.send(some)) {
                    Ok(Ok(())) => {}
                    // The other thread says why it takes no more.
                    Ok(Err(_)) => break,
                    Err(cause) => read = Err(cause),
                }
            }
            drop(named);
            let written = writing.join().unwrap_or_else(|cause| panic::resume_unwind(cause));
            read.and(written)
        })
    }

    fn names(&self, atoms: &Atoms) -> impl Iterator<Item = Result<(Name, u32), LinkError>> {
        let tokens = Kind::AT_REST.into_iter().flat_map(move |kind| {
            let numbers = self.tokens.get(kind.place());
            atoms.spelled(kind).filter_map(move |spelled| {
                let (token, dense) = match spelled {
                    Ok(spelled) => spelled,
                    Err(cause) => return Some(Err(LinkError::io(Path::new(INDEX))(cause))),
                };
                let number = numbers?.get(dense as usize).filter(|_| number_in(&token).is_none())?;
                Some(Ok((Name::token(kind, &token), *number)))
            })
        });
        let new = atoms.ids().iter().zip(&self.atoms).zip(&self.new).filter(|(_, new)| **new);
        tokens.chain(new.map(|((id, number), _)| Ok((Name::atom(id), *number))))
    }
}

struct Writing<'a> {
    found: &'a Found<'a>,
    directory: Directory,
    replaced: BTreeSet<u32>,
    homes: BTreeMap<u32, u32>,
    apart: Marked,
}

/// Tokens that join nothing: a bit for each dense number of a kind of which there are some.
struct Marked([Vec<u64>; KINDS]);

impl Marked {
    fn of(pass: &Pass) -> Self {
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

    fn has(&self, kind: usize, dense: u32) -> bool {
        let word = self.0.get(kind).and_then(|words| words.get(dense as usize / 64));
        word.is_some_and(|word| word >> (dense % 64) & 1 == 1)
    }
}

/// Blocks that are written at a time, so that one thread finds what belongs together while another encodes and seals.
const SOME: usize = 1024;

impl Writing<'_> {
    fn blocks(&mut self, place: &Place<'_>, numbers: &mut Numbers, meta: &Meta) -> Result<(), LinkError> {
        let closed = close(self.found.pass, &self.apart);
        let order = ordered(&closed);
        let mut evidence = Evidence::of(self.found.pass, &closed);
        let mut file = Writer::create(&place.folder.join(BLOCKS), place.to)?;
        let (filled, to_encode) = mpsc::sync_channel::<Vec<Block>>(2);
        let lengths = thread::scope(|scope| {
            let encoding = scope.spawn(move || {
                let (mut lengths, mut bytes) = (Vec::new(), Vec::new());
                for block in to_encode.into_iter().flatten() {
                    bytes.clear();
                    block.encode(&mut bytes);
                    lengths.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                    file.write(&bytes)?;
                }
                file.finish().map(|()| lengths)
            });
            let same_block = |a: &u32, b: &u32| closed.get(*a as usize) == closed.get(*b as usize);
            let mut blocks = (meta.first.0..).zip(order.chunk_by(same_block)).peekable();
            while blocks.peek().is_some() {
                let some = blocks.by_ref().take(SOME);
                let some = some.map(|(at, members)| self.block(at, members, numbers, &mut evidence)).collect();
                if filled.send(some).is_err() {
                    break;
                }
            }
            drop(filled);
            encoding.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
        })?;
        self.directory.blocks.iter_mut().zip(lengths).for_each(|(block, length)| block.0 = length);
        Ok(())
    }

    /// A block and its line in the directory, but for its length.
    fn block(&mut self, at: u32, members: &[u32], numbers: &mut Numbers, evidence: &mut Evidence<'_>) -> Block {
        let first = numbers.next;
        let mut block = Block::default();
        self.fill(&mut block, at, members, numbers);
        evidence.fill(&mut block, members);
        let replaced = self.replaced(members, numbers, at, first);
        self.replaced.extend(&replaced);
        self.directory.blocks.push((0, numbers.next - first, replaced));
        block
    }

    fn fill(&mut self, block: &mut Block, at: u32, members: &[u32], numbers: &mut Numbers) {
        let pass = self.found.pass;
        let mut places: Vec<u32> = Vec::new();
        block.atoms.reserve_exact(members.len());
        for atom in members {
            let root = pass.partition.roots.get(*atom as usize).copied().unwrap_or(*atom);
            // INVARIANT: a root is the least atom of its person, so that they come ascending.
            let person = places.binary_search(&root).unwrap_or_else(|_| {
                block.persons.push(self.person(root, members));
                places.push(root);
                places.len() - 1
            });
            let id = pass.atoms.ids().get(*atom as usize).copied().unwrap_or_default();
            let held = HeldAtom {
                number: numbers.atom(*atom, self.found.old(*atom)),
                atom: self.atom(*atom, id, at, numbers),
                person: u32::try_from(person).unwrap_or(NONE),
                out: self.found.out.contains(atom),
                listed: self.found.work.listed.get(&id).copied().unwrap_or(0),
            };
            block.atoms.push(held);
        }
    }

    fn atom(&mut self, atom: u32, id: [u8; 16], block: u32, numbers: &mut Numbers) -> Atom {
        let atoms = &self.found.pass.atoms;
        let mut tokens = [None; KINDS];
        for ((place, dense), token) in atoms.tokens(atom).into_iter().enumerate().zip(&mut tokens) {
            let Some(dense) = dense else { continue };
            let number = numbers.token(place, dense);
            if self.apart.has(place, dense) {
                self.directory.carriers.push((number, block));
            }
            *token = Some(stand_in(number));
        }
        let at = atom as usize;
        let (source, batch) = (atoms.sources().get(at).copied(), atoms.batches().get(at).copied());
        let (source, batch) = (source.unwrap_or_default(), batch.unwrap_or_default());
        Atom { id, source, batch, tokens, months: atoms.months(atom) }
    }

    fn person(&self, root: u32, members: &[u32]) -> HeldPerson {
        let keyed = self.found.keyed.get(root).unwrap_or(Keyed { key: 0, born: 0, anchor: root });
        let anchor = members.binary_search(&keyed.anchor);
        let anchor = anchor.ok().and_then(|at| u32::try_from(at).ok());
        let grade = self.found.grades.get(root as usize).copied().unwrap_or(Grade::Strong);
        HeldPerson { key: keyed.key, born: keyed.born, grade, anchor }
    }

    /// The blocks in whose place this one stands: those in which its atoms and tokens were.
    fn replaced(&mut self, members: &[u32], numbers: &Numbers, at: u32, first: u32) -> BTreeSet<u32> {
        let work = self.found.work;
        if work.touched.is_empty() {
            return BTreeSet::new();
        }
        let dense = members.iter().flat_map(|atom| self.found.pass.atoms.tokens(*atom).into_iter().enumerate());
        let joining = dense.filter_map(|(kind, dense)| Some((kind, dense?)));
        let joining = joining.filter(|(kind, dense)| !self.apart.has(*kind, *dense));
        let mut tokens: Vec<u32> = joining.filter_map(|(kind, dense)| numbers.known(kind, dense)).collect();
        tokens.retain(|number| *number < first);
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

/// Atoms in the order of their blocks, ascending in each. `closed`: the least atom of each atom's block.
fn ordered(closed: &[u32]) -> Vec<u32> {
    let mut places = vec![0_u32; closed.len()];
    for block in closed {
        places.get_mut(*block as usize).into_iter().for_each(|count| *count += 1);
    }
    let mut at = 0;
    for place in &mut places {
        (*place, at) = (at, at + *place);
    }
    let mut order = vec![0; closed.len()];
    for (atom, block) in (0..).zip(closed) {
        let Some(place) = places.get_mut(*block as usize) else { continue };
        order.get_mut(*place as usize).into_iter().for_each(|free| *free = atom);
        *place += 1;
    }
    order
}

/// The least atom of each atom's block.
fn close(pass: &Pass, apart: &Marked) -> Vec<u32> {
    let (atoms, roots) = (&pass.atoms, &pass.partition.roots);
    let across = Mutex::new(Vec::new());
    let Ok(()) = parallel::each(parallel::threads(), Kind::AT_REST.into_iter(), |kind| -> Result<(), Infallible> {
        let mut joined = Vec::new();
        // The person of the first atom that has the token: most others are the same person's.
        let mut first: Vec<u32> = vec![NONE; atoms.distinct(kind) as usize + 1];
        for (atom, dense) in atoms.of_kind(kind) {
            let (Some(known), Some(root)) = (first.get_mut(dense as usize), roots.get(atom as usize)) else { continue };
            if *known == NONE {
                *known = *root;
            } else if *known != *root && !apart.has(kind.place(), dense) {
                joined.push((*known, *root));
            }
        }
        across.lock().unwrap_or_else(PoisonError::into_inner).append(&mut joined);
        Ok(())
    });
    let mut blocks = Components::of(roots);
    for (a, b) in across.into_inner().unwrap_or_else(PoisonError::into_inner) {
        blocks.union(a, b);
    }
    for pair in &pass.pairs {
        blocks.union(pair.a, pair.b);
    }
    for verdict in &pass.verdicts {
        blocks.union(verdict.a, verdict.b);
    }
    blocks.roots()
}

/// Scored pairs and answers in the order of the blocks.
struct Evidence<'a> {
    pass: &'a Pass,
    pairs: HashMap<u32, Vec<usize>>,
    verdicts: HashMap<u32, Vec<usize>>,
}

impl<'a> Evidence<'a> {
    fn of(pass: &'a Pass, closed: &[u32]) -> Self {
        let by_block = |atoms: &mut dyn Iterator<Item = u32>| {
            let mut by_block: HashMap<u32, Vec<usize>> = HashMap::new();
            for (at, atom) in atoms.enumerate() {
                by_block.entry(closed.get(atom as usize).copied().unwrap_or(NONE)).or_default().push(at);
            }
            by_block
        };
        let pairs = by_block(&mut pass.pairs.iter().map(|pair| pair.a));
        Self { pass, pairs, verdicts: by_block(&mut pass.verdicts.iter().map(|verdict| verdict.a)) }
    }

    fn fill(&mut self, block: &mut Block, members: &[u32]) {
        let Some(root) = members.first() else { return };
        let place = |atom: u32| members.binary_search(&atom).ok().and_then(|at| u32::try_from(at).ok());
        for pair in self.pairs.remove(root).unwrap_or_default().into_iter().filter_map(|at| self.pass.pairs.get(at)) {
            let places = place(pair.a).zip(place(pair.b));
            block.pairs.extend(places.map(|(a, b)| HeldPair { a, b, weight: pair.weight, pattern: pair.pattern.0 }));
        }
        let verdicts = self.verdicts.remove(root).unwrap_or_default();
        for verdict in verdicts.into_iter().filter_map(|at| self.pass.verdicts.get(at)) {
            let places = place(verdict.a).zip(place(verdict.b));
            block.verdicts.extend(places.map(|(a, b)| (a, b, verdict.same)));
        }
    }
}
