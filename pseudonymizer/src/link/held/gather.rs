//! What a run has to link again: the new atoms, and the blocks that they touch, closed under everything that could join or part them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use policies::linkage::Hubs;

use super::Held;
use super::block::{Block, HeldAtom, stand_in};
use super::hubs::Tally;
use super::index::Name;
use super::meta::Hub;
use crate::link::LinkError;
use crate::link::absent::Standing;
use crate::link::atoms::{Atom, Atoms, KINDS, Kind};
use crate::link::keys::{NONE, Person};

/// What is linked in one pass.
#[derive(Default)]
pub(crate) struct Work {
    /// Tokens that are known stand for their numbers.
    pub(crate) atoms: Vec<Atom>,
    /// All atoms there are, where everything is linked; their tokens are tokens.
    pub(crate) whole: Option<Atoms>,
    /// Those of them that were held before, sorted by id.
    pub(crate) olds: Vec<Old>,
    /// Persons of the olds.
    pub(crate) persons: Vec<Person>,
    /// By id, the sources whose lists touch an atom.
    pub(crate) listed: HashMap<[u8; 16], u128>,
    pub(crate) pairs: Vec<Scored>,
    pub(crate) verdicts: Vec<([u8; 16], [u8; 16], bool)>,
    /// Tokens of the atoms, or of those that go, that are known to join nothing: how many atoms have them afterwards, and how many
    /// components besides those here.
    pub(crate) aside: BTreeMap<u32, Hub>,
    /// Tokens that join nothing no longer, or may not, or are placeholders as they were not.
    pub(crate) unsettled: BTreeSet<u32>,
    /// The blocks whose atoms these were.
    pub(crate) touched: BTreeSet<u32>,
    /// Persons of the blocks who stayed out, by place of the source.
    pub(crate) out_before: BTreeMap<u8, u64>,
    /// Atoms that go.
    pub(crate) gone: Vec<[u8; 16]>,
    /// Tokens of new atoms with the blocks that they were in, or could be; sorted.
    pub(crate) from: Vec<(u32, u32)>,
    /// How many atoms each person of the blocks had, and its sources as bits; and the atoms by place of the source.
    pub(crate) persons_before: Vec<(u64, u128)>,
    pub(crate) atoms_before: Vec<u64>,
    /// By place of the source, how many of the blocks' atoms had a token of each kind.
    pub(crate) coverage_before: Vec<[u64; KINDS]>,
}

/// An atom that was held before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Old {
    pub(crate) id: [u8; 16],
    /// [`NONE`] if it is to get a new one.
    pub(crate) number: u32,
    pub(crate) person: u32,
    /// The block that it was in.
    pub(crate) block: u32,
    pub(crate) out: bool,
}

/// A scored pair by ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    pub(crate) a: [u8; 16],
    pub(crate) b: [u8; 16],
    pub(crate) weight: i32,
    pub(crate) pattern: u64,
}

/// What comes, goes or changes.
pub(crate) struct Change<'a> {
    /// Names of the sources by the places that atoms get.
    pub(crate) sources: &'a [String],
    pub(crate) new: Vec<Atom>,
    /// Places of batches whose atoms go.
    pub(crate) gone: HashSet<u32>,
    /// Lists of persons who stay out, by name of the source.
    pub(crate) before: &'a BTreeMap<String, Standing>,
    pub(crate) after: &'a BTreeMap<String, Standing>,
    /// Atoms of which something new is known, by pairs.
    pub(crate) told: Vec<[u8; 16]>,
    /// A file to name if a new atom is held already.
    pub(crate) path: &'a std::path::Path,
    /// The policy's.
    pub(crate) hubs: Hubs,
}

/// Finds and opens what the change touches.
pub(crate) fn gather(held: &Held, mut change: Change<'_>) -> Result<Work, LinkError> {
    let mut gathering = Gathering::begin(held, &mut change)?;
    gathering.lists(&change)?;
    gathering.departed(&change)?;
    let mut tally = Tally::of(&held.meta.hubs, change.hubs, &change.new);
    let aside = loop {
        let missing: BTreeSet<u32> =
            gathering.touched.iter().copied().filter(|block| !gathering.blocks.contains_key(block)).collect();
        held.load(&missing, change.sources, &mut gathering.blocks)?;
        tally.add(missing.iter().filter_map(|block| gathering.blocks.get(block)), &change.gone);
        let unsettled = tally.doubtful(&gathering.unsettled, &gathering.blocks);
        if unsettled.is_empty() {
            break tally.aside(&gathering.unsettled);
        }
        gathering.unsettle(&unsettled);
    };
    gathering.check_ids(&change)?;
    Ok(gathering.assemble(change, aside))
}

struct Gathering<'a> {
    held: &'a Held,
    touched: BTreeSet<u32>,
    blocks: BTreeMap<u32, Block>,
    unsettled: BTreeSet<u32>,
    /// Numbers of ids of new atoms that somebody had before.
    ids: HashMap<[u8; 16], u32>,
    from: Vec<(u32, u32)>,
    /// Room for blocks.
    room: Vec<u32>,
    /// Sources (by place) whose list changed, with the numbers of all tokens that it has now.
    listed: HashMap<u8, HashSet<u32>>,
    new_listed: HashMap<[u8; 16], u128>,
}

impl<'a> Gathering<'a> {
    /// Looks up the names of the new atoms, lets known tokens stand for their numbers, and touches their blocks.
    fn begin(held: &'a Held, change: &mut Change<'_>) -> Result<Self, LinkError> {
        let mut this = Self {
            held,
            touched: BTreeSet::new(),
            blocks: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            ids: HashMap::new(),
            from: Vec::new(),
            room: Vec::new(),
            listed: HashMap::new(),
            new_listed: {
                let lists = change.new.iter().map(|atom| (atom.id, lists_of(atom, change.sources, change.after)));
                lists.filter(|(_, lists)| *lists != 0).collect()
            },
        };
        let tokens = |atom: &Atom| {
            let named = |kind: Kind| Some(Name::token(kind, atom.tokens.get(kind.place())?.as_ref()?));
            Kind::AT_REST.into_iter().filter_map(named).chain([Name::atom(&atom.id)]).collect::<Vec<_>>()
        };
        let told = change.told.iter().map(Name::atom);
        let found = held.find(change.new.iter().flat_map(tokens).chain(told).collect())?;
        let mut numbers: Vec<u32> =
            found.values().copied().filter(|number| !held.meta.hubs.contains_key(number)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let nowhere: HashSet<u32> = numbers.into_iter().filter(|number| !this.touch(*number)).collect();
        for atom in &mut change.new {
            if let Some(number) = found.get(&Name::atom(&atom.id)) {
                this.ids.insert(atom.id, *number);
            }
            for kind in Kind::AT_REST {
                let Some(Some(token)) = atom.tokens.get_mut(kind.place()) else { continue };
                let Some(number) = found.get(&Name::token(kind, token)).copied() else { continue };
                // A token of which no block is left begins anew.
                if nowhere.is_empty() || !nowhere.contains(&number) {
                    *token = stand_in(number);
                }
            }
        }
        Ok(this)
    }

    /// Touches the blocks of a number. `false` if there is none.
    fn touch(&mut self, number: u32) -> bool {
        self.room.clear();
        self.held.blocks_of(number, &mut self.room);
        self.from.extend(self.room.iter().map(|block| (number, *block)));
        self.touched.extend(&self.room);
        !self.room.is_empty()
    }

    /// Touches the blocks whose atoms a changed list touches, or touched.
    fn lists(&mut self, change: &Change<'_>) -> Result<(), LinkError> {
        let nothing = Standing::default();
        for (place, source) in (0_u8..).zip(change.sources) {
            let before = change.before.get(source).unwrap_or(&nothing);
            let after = change.after.get(source).unwrap_or(&nothing);
            if before == after {
                continue;
            }
            let name = |(kind, token): &(u8, [u8; 16])| Name::token_at(*kind, token);
            let found = self.held.find(before.0.union(&after.0).map(name).collect())?;
            let number = |token: &(u8, [u8; 16])| found.get(&name(token)).copied();
            let changed: Vec<u32> = before.0.symmetric_difference(&after.0).filter_map(number).collect();
            let hubs = changed.iter().copied().filter(|number| self.held.meta.hubs.contains_key(number));
            self.touch_all(&hubs.collect());
            changed.iter().filter(|number| !self.held.meta.hubs.contains_key(number)).for_each(|number| {
                self.touch(*number);
            });
            self.listed.insert(place, after.0.iter().filter_map(number).collect());
        }
        Ok(())
    }

    /// Touches the blocks of atoms that go.
    fn departed(&mut self, change: &Change<'_>) -> Result<(), LinkError> {
        if change.gone.is_empty() {
            return Ok(());
        }
        let touched = &mut self.touched;
        self.held.each(self.held.live(), change.sources, |at, block| {
            if block.atoms.iter().any(|held| change.gone.contains(&held.batch)) {
                touched.insert(at);
            }
            Ok(())
        })
    }

    /// Touches all blocks in which one of the tokens lies; they join nothing.
    fn touch_all(&mut self, tokens: &BTreeSet<u32>) {
        for token in tokens {
            self.touched.extend(self.held.carriers(*token));
        }
    }

    fn unsettle(&mut self, tokens: &BTreeSet<u32>) {
        self.touch_all(tokens);
        for token in tokens {
            self.touch(*token);
        }
        self.unsettled.extend(tokens);
    }

    /// No new atom may be one that is held.
    fn check_ids(&self, change: &Change<'_>) -> Result<(), LinkError> {
        let twice = self
            .blocks
            .values()
            .flat_map(|block| &block.atoms)
            .any(|held| self.ids.contains_key(&held.id) && !change.gone.contains(&held.batch));
        if twice { Err(LinkError::Twice { path: change.path.to_owned() }) } else { Ok(()) }
    }

    fn assemble(mut self, change: Change<'_>, aside: BTreeMap<u32, Hub>) -> Work {
        let mut work = Work { aside, listed: std::mem::take(&mut self.new_listed), ..Work::default() };
        work.atoms_before = vec![0; change.sources.len()];
        work.coverage_before = vec![[0; KINDS]; change.sources.len()];
        for (at, block) in std::mem::take(&mut self.blocks) {
            let persons = u32::try_from(work.persons.len()).unwrap_or(NONE);
            work.persons_before.resize(work.persons.len() + block.persons.len(), (0, 0));
            let id = |place: u32| Some(block.atoms.get(place as usize)?.id);
            let stays =
                |id: &[u8; 16]| block.atoms.iter().any(|held| held.id == *id && !change.gone.contains(&held.batch));
            work.persons.extend(block.persons.iter().map(|known| known.person(known.anchor.and_then(id))));
            let pair = |a, b| Some((id(a).filter(stays)?, id(b).filter(stays)?));
            work.pairs.extend(block.pairs.iter().filter_map(|of| {
                let (a, b) = pair(of.a, of.b)?;
                Some(Scored { a, b, weight: of.weight, pattern: of.pattern })
            }));
            let verdicts = block.verdicts.iter().filter_map(|(a, b, same)| pair(*a, *b).map(|(a, b)| (a, b, *same)));
            work.verdicts.extend(verdicts);
            let out: HashSet<(u32, u8)> =
                block.atoms.iter().filter(|held| held.out).map(|held| (held.person, held.source)).collect();
            for (_, source) in &out {
                *work.out_before.entry(*source).or_default() += 1;
            }
            for held in &block.atoms {
                // INVARIANT: a block's persons are those of its atoms.
                if let Some((size, mask)) = work.persons_before.get_mut((persons + held.person) as usize) {
                    (*size, *mask) = (*size + 1, *mask | 1_u128.wrapping_shl(u32::from(held.source)));
                }
                if let Some(count) = work.atoms_before.get_mut(usize::from(held.source)) {
                    *count += 1;
                }
                if let Some(counts) = work.coverage_before.get_mut(usize::from(held.source)) {
                    let tokens = counts.iter_mut().zip(&held.tokens);
                    tokens.for_each(|(count, token)| *count += u64::from(token.is_some()));
                }
                if change.gone.contains(&held.batch) {
                    work.gone.push(held.id);
                    continue;
                }
                let listed = self.still_listed(held);
                if listed != 0 {
                    work.listed.insert(held.id, listed);
                }
                let (id, number, person) = (held.id, held.number, persons + held.person);
                work.olds.push(Old { id, number, person, block: at, out: held.out });
                work.atoms.push(held.atom());
            }
        }
        work.olds.sort_unstable_by_key(|old| old.id);
        work.atoms.extend(change.new);
        (work.unsettled, work.touched) = (self.unsettled, self.touched);
        self.from.sort_unstable();
        work.from = self.from;
        work
    }

    /// The sources whose lists touch an atom that was held before.
    fn still_listed(&self, held: &HeldAtom) -> u128 {
        self.listed.iter().fold(held.listed, |mask, (place, tokens)| {
            let bit = 1_u128.wrapping_shl(u32::from(*place));
            let touched = held.numbers().any(|number| tokens.contains(&number));
            if touched { mask | bit } else { mask & !bit }
        })
    }
}

/// The sources whose lists touch an atom whose tokens are still tokens: a bit each, by place.
pub(crate) fn lists_of(atom: &Atom, sources: &[String], standing: &BTreeMap<String, Standing>) -> u128 {
    let of = (0_u32..).zip(sources).filter(|(_, source)| standing.get(*source).is_some_and(|list| list.touches(atom)));
    of.fold(0, |lists, (place, _)| lists | 1_u128.wrapping_shl(place))
}
