//! Writes what a pass found: its atoms in blocks, the names that were not known before, and what is held now beside them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;

use policies::keys::SealRecipient;

use super::block::{Block, Grade, HeldAtom, HeldPair, HeldPerson, number_in, stand_in};
use super::gather::{Old, Work};
use super::index::{IndexWriter, Name};
use super::lists::Lists;
use super::meta::{Directory, Hub, Meta};
use super::sealed::Writer;
use super::{BLOCKS, DIRECTORY, INDEX, LISTS, META};
use crate::link::LinkError;
use crate::link::atoms::{Atom, Atoms, KINDS, Kind};
use crate::link::components::Components;
use crate::link::keys::{Keyed, NONE};
use crate::link::pass::Pass;

/// What a pass found.
pub(crate) struct Found<'a> {
    pub(crate) pass: &'a Pass,
    /// What it was made of; atoms and persons are not looked at.
    pub(crate) work: &'a Work,
    pub(crate) keyed: &'a HashMap<u32, Keyed>,
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
    let number = |(kind, dense): &(Kind, u32)| found.pass.numbers.get(kind.place())?.get(*dense as usize).copied();
    let apart = found.pass.apart.iter().filter_map(number).collect();
    let (directory, replaced, homes) = (Directory::default(), BTreeSet::new(), BTreeMap::new());
    let mut writing = Writing { found, directory, replaced, homes, apart };
    writing.blocks(place, &mut numbers, meta)?;
    let mut directory = writing.directory;
    directory.dead = found.work.touched.difference(&writing.replaced).copied().collect();
    meta.homes.extend(writing.homes);
    meta.hubs.retain(|number, _| !found.work.unsettled.contains(number));
    meta.hubs.extend(&found.work.aside);
    meta.hubs.extend(numbers.hubs(found));
    let blocks = u32::try_from(directory.blocks.len()).unwrap_or(u32::MAX);
    meta.next = (meta.first.0.saturating_add(blocks), numbers.next);

    let mut index = IndexWriter::create(&place.folder.join(INDEX), place.to)?;
    numbers.index(&found.pass.atoms, &mut index)?;
    write_keys(keys, &mut index)?;
    directory.fences = index.finish()?;
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
        let tokens = found.pass.numbers.clone();
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

    fn token(&mut self, kind: Kind, dense: u32) -> u32 {
        let Some(place) = self.tokens.get_mut(kind.place()).and_then(|of| of.get_mut(dense as usize)) else {
            return NONE;
        };
        if *place == NONE {
            *place = Self::give(&mut self.next);
        }
        *place
    }

    /// What the pass found to join nothing.
    fn hubs(&self, found: &Found<'_>) -> BTreeMap<u32, Hub> {
        let hub = |aside: &crate::link::rules::Aside| {
            let dense = found.pass.atoms.token(aside.atom, aside.kind)?;
            let number = *self.tokens.get(aside.kind.place())?.get(dense as usize)?;
            let kind = u8::try_from(aside.kind.place()).ok()?;
            Some((number, Hub { kind, least: aside.count }))
        };
        found.pass.partition.aside.iter().filter_map(hub).collect()
    }

    /// The names that were not known before, in their order.
    fn index(&self, atoms: &Atoms, index: &mut IndexWriter) -> Result<(), LinkError> {
        for kind in Kind::AT_REST {
            let numbers = self.tokens.get(kind.place());
            for spelled in atoms.spelled(kind) {
                let (token, dense) = spelled.map_err(LinkError::io(Path::new(INDEX)))?;
                let number = numbers.and_then(|of| of.get(dense as usize)).filter(|_| number_in(&token).is_none());
                if let Some(number) = number {
                    index.push(Name::token(kind, &token), *number)?;
                }
            }
        }
        let new = atoms.ids().iter().zip(&self.atoms).zip(&self.new).filter(|(_, new)| **new);
        for ((id, number), _) in new {
            index.push(Name::atom(id), *number)?;
        }
        Ok(())
    }
}

struct Writing<'a> {
    found: &'a Found<'a>,
    directory: Directory,
    replaced: BTreeSet<u32>,
    homes: BTreeMap<u32, u32>,
    /// Numbers of tokens that join nothing.
    apart: HashSet<u32>,
}

impl Writing<'_> {
    fn blocks(&mut self, place: &Place<'_>, numbers: &mut Numbers, meta: &Meta) -> Result<(), LinkError> {
        let closed = close(self.found.pass);
        let mut order: Vec<(u32, u32)> = (0..).zip(&closed).map(|(atom, block)| (*block, atom)).collect();
        order.sort_unstable();
        let mut evidence = Evidence::of(self.found.pass, &closed);
        let mut file = Writer::create(&place.folder.join(BLOCKS), place.to)?;
        let (mut block, mut bytes) = (Block::default(), Vec::new());
        for (number, members) in (meta.first.0..).zip(order.chunk_by(|a, b| a.0 == b.0)) {
            let first = numbers.next;
            self.fill(&mut block, members, numbers);
            evidence.fill(&mut block, members);
            bytes.clear();
            block.encode(&mut bytes);
            file.write(&bytes)?;
            let replaced = self.replaced(&block, members, number, first);
            self.replaced.extend(&replaced);
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            self.directory.blocks.push((length, numbers.next - first, replaced));
        }
        file.finish()
    }

    fn fill(&self, block: &mut Block, members: &[(u32, u32)], numbers: &mut Numbers) {
        let pass = self.found.pass;
        block.atoms.clear();
        block.persons.clear();
        let mut places: HashMap<u32, u32> = HashMap::new();
        for (_, atom) in members {
            let root = pass.partition.roots.get(*atom as usize).copied().unwrap_or(*atom);
            let next = u32::try_from(places.len()).unwrap_or(NONE);
            let person = *places.entry(root).or_insert_with(|| {
                block.persons.push(self.person(root, members));
                next
            });
            let old = self.found.old(*atom);
            let held = HeldAtom {
                number: numbers.atom(*atom, old),
                atom: atom_of(&pass.atoms, *atom, numbers),
                person,
                out: self.found.out.contains(atom),
                listed: pass
                    .atoms
                    .ids()
                    .get(*atom as usize)
                    .and_then(|id| self.found.work.listed.get(id))
                    .copied()
                    .unwrap_or(0),
            };
            block.atoms.push(held);
        }
    }

    fn person(&self, root: u32, members: &[(u32, u32)]) -> HeldPerson {
        let keyed = self.found.keyed.get(&root).copied().unwrap_or(Keyed { key: 0, born: 0, anchor: root });
        let anchor = members.binary_search_by_key(&keyed.anchor, |(_, atom)| *atom);
        let anchor = anchor.ok().and_then(|at| u32::try_from(at).ok());
        let grade = self.found.grades.get(root as usize).copied().unwrap_or(Grade::Strong);
        HeldPerson { key: keyed.key, born: keyed.born, grade, anchor }
    }

    /// The blocks in whose place this one stands: those in which its atoms and tokens were.
    fn replaced(&mut self, block: &Block, members: &[(u32, u32)], at: u32, first: u32) -> BTreeSet<u32> {
        let work = self.found.work;
        if work.touched.is_empty() {
            return BTreeSet::new();
        }
        let tokens: Vec<u32> =
            block.tokens().into_iter().filter(|number| *number < first && !self.apart.contains(number)).collect();
        for number in tokens.iter().filter(|number| work.unsettled.contains(number)) {
            self.homes.insert(*number, at);
        }
        let atoms = members.iter().filter_map(|(_, atom)| self.found.old(*atom)).map(|old| old.block);
        let from = tokens.iter().flat_map(|number| {
            let first = work.from.partition_point(|(known, _)| known < number);
            let known = work.from.iter().skip(first).take_while(move |(known, _)| known == number);
            known.map(|(_, block)| *block)
        });
        atoms.chain(from).collect()
    }
}

fn atom_of(atoms: &Atoms, atom: u32, numbers: &mut Numbers) -> Atom {
    let at = atom as usize;
    let mut tokens = [None; KINDS];
    for (kind, token) in Kind::AT_REST.into_iter().zip(&mut tokens) {
        *token = atoms.token(atom, kind).map(|dense| stand_in(numbers.token(kind, dense)));
    }
    Atom {
        id: atoms.ids().get(at).copied().unwrap_or_default(),
        source: atoms.sources().get(at).copied().unwrap_or_default(),
        batch: atoms.batches().get(at).copied().unwrap_or_default(),
        tokens,
        months: atoms.months(atom),
    }
}

/// The least atom of each atom's block.
fn close(pass: &Pass) -> Vec<u32> {
    let atoms = &pass.atoms;
    let mut blocks = Components::new(atoms.len());
    for (atom, root) in (0..).zip(&pass.partition.roots) {
        blocks.union(atom, *root);
    }
    for kind in Kind::AT_REST {
        let mut first: Vec<u32> = vec![NONE; atoms.distinct(kind) as usize + 1];
        for atom in (0..).take(atoms.len()) {
            let Some(dense) = atoms.token(atom, kind) else { continue };
            let Some(known) = first.get_mut(dense as usize) else { continue };
            if *known == NONE {
                *known = if pass.apart.contains(&(kind, dense)) { NONE - 1 } else { atom };
            } else if *known != NONE - 1 {
                blocks.union(*known, atom);
            }
        }
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

    fn fill(&mut self, block: &mut Block, members: &[(u32, u32)]) {
        block.pairs.clear();
        block.verdicts.clear();
        let Some((root, _)) = members.first() else { return };
        let place = |atom: u32| {
            let at = members.binary_search_by_key(&atom, |(_, atom)| *atom).ok()?;
            u32::try_from(at).ok()
        };
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
