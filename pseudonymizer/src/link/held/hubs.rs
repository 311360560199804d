//! Tokens that join nothing, while some of their atoms come, go or are looked at again. They do not hold blocks together, so that most
//! of their atoms lie elsewhere; what they are depends on all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use policies::linkage::Hubs;

use super::block::{Block, HeldAtom, number_in};
use super::meta::Hub;
use crate::link::atoms::{Atom, Kind};

/// The kinds that are set aside for how many components have them too; of the others the atoms alone count.
const NAMES: [Kind; 3] = [Kind::B1, Kind::B2, Kind::B3];
/// The kinds of which a placeholder's atoms say many different ones.
const IDENTITIES: [Kind; 2] = [Kind::A3, Kind::B1];

fn is_name(hub: Hub) -> bool {
    NAMES.iter().any(|kind| kind.place() == usize::from(hub.kind))
}

/// Atoms that have a token.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// In the opened blocks, with those that go.
    here: u32,
    goes: u32,
    new: u32,
}

impl Seen {
    /// Of `before` atoms, those afterwards.
    fn after(self, before: u32) -> u32 {
        before.saturating_sub(self.goes).saturating_add(self.new)
    }
}

/// What opened blocks and new atoms tell of tokens.
pub(super) struct Tally<'a> {
    hubs: &'a BTreeMap<u32, Hub>,
    limits: Hubs,
    seen: HashMap<u32, Seen>,
    watched: Filter,
}

impl<'a> Tally<'a> {
    pub(super) fn of(hubs: &'a BTreeMap<u32, Hub>, limits: Hubs, new: &[Atom]) -> Self {
        let mut tally = Self { hubs, limits, seen: HashMap::new(), watched: Filter::of(hubs.keys()) };
        // Only such a token can come to be none because another one does.
        let of_many = hubs.values().any(|hub| !is_name(*hub) && !tally.is_crowd(hub.atoms));
        for atom in new {
            let number = |kind: Kind| number_in(atom.tokens.get(kind.place())?.as_ref()?);
            let said = IDENTITIES.into_iter().filter(|_| of_many).filter_map(number);
            let aside = atom.tokens.iter().flatten().filter_map(number_in).filter(|number| hubs.contains_key(number));
            for number in said.chain(aside).collect::<BTreeSet<u32>>() {
                tally.seen.entry(number).or_default().new += 1;
                tally.watched.add(number);
            }
        }
        tally
    }

    /// Counts the atoms of more blocks. Those of the batches `goes` go.
    pub(super) fn add<'b>(&mut self, blocks: impl Iterator<Item = &'b Block>, goes: &HashSet<u32>) {
        for atom in blocks.flat_map(|block| &block.atoms) {
            let goes = u32::from(goes.contains(&atom.batch));
            for number in atom.numbers().filter(|number| self.watched.may_have(*number)) {
                let seen = match self.seen.get_mut(&number) {
                    Some(seen) => seen,
                    None if self.hubs.contains_key(&number) => self.seen.entry(number).or_default(),
                    None => continue,
                };
                (seen.here, seen.goes) = (seen.here + 1, seen.goes + goes);
            }
        }
    }

    /// Tokens that join nothing, of atoms that say one thing less than they did: what they say of themselves has turned into a
    /// placeholder.
    fn lessened(&self, blocks: &BTreeMap<u32, Block>) -> HashSet<u32> {
        let crossed: HashSet<u32> = self.seen.keys().copied().filter(|number| self.crosses(*number)).collect();
        if crossed.is_empty() {
            return HashSet::new();
        }
        let said = |atom: &HeldAtom, kind: Kind| atom.tokens.get(kind.place()).copied().flatten();
        let says = |atom: &&HeldAtom| {
            IDENTITIES.iter().any(|kind| said(atom, *kind).is_some_and(|number| crossed.contains(&number)))
        };
        let numbers = blocks.values().flat_map(|block| &block.atoms).filter(says).flat_map(HeldAtom::numbers);
        numbers.filter(|number| self.hubs.contains_key(number)).collect()
    }

    /// Whether the token was no placeholder for the number of its atoms and is one now, or the other way about: whoever has it says
    /// something else than before.
    fn crosses(&self, number: u32) -> bool {
        let seen = self.seen.get(&number).copied().unwrap_or_default();
        // All atoms of what is not set aside lie in one block, which is open.
        let before = self.hubs.get(&number).map_or(seen.here, |hub| hub.atoms);
        self.is_crowd(before) != self.is_crowd(seen.after(before))
    }

    fn is_crowd(&self, atoms: u32) -> bool {
        usize::try_from(atoms).unwrap_or(usize::MAX) > self.limits.atoms
    }

    /// Tokens that joined nothing and might now, or that mean something else now; but those that are `known` to. `blocks`: all that were
    /// counted.
    pub(super) fn doubtful(&self, known: &BTreeSet<u32>, blocks: &BTreeMap<u32, Block>) -> BTreeSet<u32> {
        let lessened = self.lessened(blocks);
        let doubtful = |number: &u32| {
            let Some(hub) = self.hubs.get(number).filter(|_| !known.contains(number)) else { return false };
            let seen = self.seen.get(number).copied().unwrap_or_default();
            if self.crosses(*number) {
                true
            } else if self.is_crowd(hub.atoms) {
                false
            } else if is_name(*hub) {
                let elsewhere = hub.components.saturating_sub(seen.here);
                usize::try_from(elsewhere).unwrap_or(usize::MAX) <= self.limits.components
            } else {
                seen.goes > 0 || lessened.contains(number)
            }
        };
        self.seen.keys().copied().filter(doubtful).collect()
    }

    /// Those that go on joining nothing, with their atoms afterwards, and how many components have them besides those here.
    pub(super) fn aside(&self, unsettled: &BTreeSet<u32>) -> BTreeMap<u32, Hub> {
        let settled = self.seen.iter().filter(|(number, _)| !unsettled.contains(number));
        let after = settled.filter_map(|(number, seen)| {
            let hub = self.hubs.get(number)?;
            let components = hub.components.saturating_sub(seen.here);
            Some((*number, Hub { atoms: seen.after(hub.atoms), components, ..*hub }))
        });
        after.collect()
    }
}

/// Numbers, of which some others look as if they were among them: to be asked before anything larger.
struct Filter(Vec<u64>);

impl Filter {
    /// Words: 128 KiB.
    const WORDS: usize = 16 * 1024;

    fn of<'a>(numbers: impl Iterator<Item = &'a u32>) -> Self {
        let mut filter = Self(vec![0; Self::WORDS]);
        numbers.for_each(|number| filter.add(*number));
        filter
    }

    fn add(&mut self, number: u32) {
        let (word, bit) = Self::place(number);
        self.0.get_mut(word).into_iter().for_each(|word| *word |= bit);
    }

    fn may_have(&self, number: u32) -> bool {
        let (word, bit) = Self::place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(number: u32) -> (usize, u64) {
        (number as usize / 64 % Self::WORDS, 1 << (number % 64))
    }
}
