//! Person keys: random, unique, and the same from run to run for what stays the same person.
//!
//! A key belongs to its anchor: the atom with the earliest first month, then the least id, when the key was given. Of a person that is
//! divided, the part that holds the anchor keeps the key. Of persons that turn out to be one, the key stays of the one whose atoms
//! begin earliest, then of the one with more atoms, then of the one with the lesser anchor: nothing of that depends on the order in
//! which batches came, but which persons there were. A key that was given once is never given again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::atoms::{Atoms, Kind};
use super::crosswalk::Grade;
use super::persons::Persons;

/// No place in a list.
pub(crate) const NONE: u32 = u32::MAX;

/// A person as an earlier run left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) key: u64,
    /// The run that gave the key, counted from 1.
    pub(crate) born: u32,
    /// How it was put together.
    pub(crate) grade: Grade,
    /// The atom that the key belongs to, if it is still there.
    pub(crate) anchor: Option<[u8; 16]>,
}

/// Earlier persons, and the place of each atom's among them.
pub(crate) struct Prior<'a> {
    pub(crate) persons: &'a [Person],
    /// By atom; [`NONE`] for a new one. Shorter than the atoms if none of the rest is known.
    pub(crate) of: &'a [u32],
}

impl Prior<'_> {
    fn person(&self, atom: u32) -> Option<u32> {
        self.of.get(atom as usize).copied().filter(|place| *place != NONE)
    }
}

/// A person of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keyed {
    pub(crate) key: u64,
    pub(crate) born: u32,
    /// The atom that the key belongs to.
    pub(crate) anchor: u32,
}

impl Keyed {
    /// No key: none is 0.
    const NONE: Self = Self { key: 0, born: 0, anchor: NONE };
}

/// Keys of this run, and what became of the earlier ones.
pub(crate) struct Assignment {
    pub(crate) keys: Keys,
    pub(crate) events: Vec<Event>,
}

/// Keys by component.
pub(crate) struct Keys {
    persons: Persons,
    keyed: Vec<Keyed>,
}

impl Keys {
    fn none(persons: Persons) -> Self {
        let keyed = vec![Keyed::NONE; persons.len()];
        Self { persons, keyed }
    }

    fn place(&mut self, root: u32) -> Option<&mut Keyed> {
        self.keyed.get_mut(self.persons.number(root))
    }

    /// The key of the component whose least atom is `root`.
    pub(crate) fn get(&self, root: u32) -> Option<Keyed> {
        self.keyed.get(self.persons.number(root)).copied().filter(|keyed| keyed.key != 0)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Keyed] {
        &self.keyed
    }
}

/// What happened to one person, or (born) to many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Persons of whom no atom was known.
    Born { persons: u64, atoms: u64 },
    /// Persons that turned out to be one: the keys that ended, and the one that goes on.
    Merged { persons: u64, atoms: u64, from: Vec<u64>, to: u64, kinds: BTreeSet<Kind> },
    /// Persons of whom no atom is left.
    Retired { keys: Vec<u64> },
    /// A person that turned out to be several: its key, and those of all parts.
    Split { persons: u64, atoms: u64, from: u64, to: Vec<u64>, kinds: BTreeSet<Kind> },
}

/// Gives each component its key. `fresh` gives as many new ones as are asked for.
pub(crate) fn assign<E>(
    atoms: &Atoms,
    roots: &[u32],
    prior: &Prior<'_>,
    run: u32,
    fresh: impl FnOnce(usize) -> Result<Vec<u64>, E>,
) -> Result<Assignment, E> {
    let claims = Claims::of(atoms, roots, prior);
    let mut keys = Keys::none(Persons::of(roots));
    claims.keep(prior, &mut keys);
    let first = first_atoms(atoms, roots, &keys.persons);
    let without = |keys: &Keys| keys.keyed.iter().filter(|keyed| keyed.key == 0).count();
    let mut given = fresh(without(&keys))?.into_iter();
    for (keyed, anchor) in keys.keyed.iter_mut().zip(first).filter(|(keyed, _)| keyed.key == 0) {
        *keyed = given.next().map_or(Keyed::NONE, |key| Keyed { key, born: run, anchor });
    }
    let events = claims.events(atoms, roots, prior, &keys);
    Ok(Assignment { keys, events })
}

/// The earliest atom of each component.
fn first_atoms(atoms: &Atoms, roots: &[u32], persons: &Persons) -> Vec<u32> {
    let mut first = vec![NONE; persons.len()];
    for (atom, root) in (0..).zip(roots) {
        let Some(least) = first.get_mut(persons.number(*root)) else { continue };
        if *least == NONE || beginning(atoms, atom) < beginning(atoms, *least) {
            *least = atom;
        }
    }
    first
}

fn beginning(atoms: &Atoms, atom: u32) -> i32 {
    atoms.months(atom).map_or(i32::MAX, |months| months.first)
}

/// An earlier person in a component.
struct Claim {
    person: u32,
    root: u32,
    first: (i32, u32),
    atoms: u64,
    /// Whether it has the anchor.
    anchor: Option<u32>,
}

/// First month, number of atoms, anchor: the least keeps its key.
type Strength = (i32, std::cmp::Reverse<u64>, u32);

struct Claims(Vec<Claim>);

impl Claims {
    /// In the order of the persons.
    fn of(atoms: &Atoms, roots: &[u32], prior: &Prior<'_>) -> Self {
        let known = (0..).zip(roots).filter_map(|(atom, root)| Some((prior.person(atom)?, *root, atom)));
        let mut known: Vec<(u32, u32, u32)> = known.collect();
        known.sort_unstable();
        let claim = |of: &[(u32, u32, u32)]| {
            let (person, root, _) = *of.first()?;
            let anchor = prior.persons.get(person as usize).and_then(|known| known.anchor);
            let anchored =
                of.iter().map(|(_, _, atom)| *atom).find(|atom| atoms.ids().get(*atom as usize) == anchor.as_ref());
            let first = of.iter().map(|(_, _, atom)| (beginning(atoms, *atom), *atom)).min()?;
            Some(Claim { person, root, first, atoms: of.len() as u64, anchor: anchored.filter(|_| anchor.is_some()) })
        };
        Self(known.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter_map(claim).collect())
    }

    fn by_person(&self) -> impl Iterator<Item = &[Claim]> {
        self.0.chunk_by(|a, b| a.person == b.person)
    }

    /// Gives to each component that has earlier persons the key of one of them.
    fn keep(&self, prior: &Prior<'_>, keys: &mut Keys) {
        let mut best: Vec<(u32, Strength, Keyed)> = Vec::new();
        for parts in self.by_person() {
            let anchored = parts.iter().find(|part| part.anchor.is_some());
            let Some(part) = anchored.or_else(|| parts.iter().min_by_key(|part| part.first)) else { continue };
            let Some(known) = prior.persons.get(part.person as usize) else { continue };
            let anchor = part.anchor.unwrap_or(part.first.1);
            let first = parts.iter().map(|part| part.first.0).min().unwrap_or(i32::MAX);
            let strength = (first, std::cmp::Reverse(parts.iter().map(|part| part.atoms).sum()), anchor);
            let keyed = Keyed { key: known.key, born: known.born, anchor };
            best.push((part.root, strength, keyed));
        }
        best.sort_by_key(|(root, strength, _)| (*root, *strength));
        best.dedup_by_key(|(root, ..)| *root);
        for (root, _, keyed) in best {
            if let Some(place) = keys.place(root) {
                *place = keyed;
            }
        }
    }

    fn events(&self, atoms: &Atoms, roots: &[u32], prior: &Prior<'_>, keys: &Keys) -> Vec<Event> {
        let key = |person: u32| prior.persons.get(person as usize).map(|known| known.key);
        let key_of = |root: &u32| keys.get(*root).map(|keyed| keyed.key);
        let mut claimed = vec![0_u32; keys.persons.len()];
        let claimed_of = |claimed: &[u32], root| claimed.get(keys.persons.number(root)).copied().unwrap_or(0);
        for claim in &self.0 {
            if let Some(count) = claimed.get_mut(keys.persons.number(claim.root)) {
                *count += 1;
            }
        }
        let mut of_root: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for claim in self.0.iter().filter(|claim| claimed_of(&claimed, claim.root) > 1) {
            of_root.entry(claim.root).or_default().push(claim.person);
        }
        let (mut persons, mut new) = (0, 0);
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let divided = self.by_person().filter(|parts| parts.len() > 1).filter_map(|parts| Some(parts.first()?.person));
        let mut divided: BTreeMap<u32, Vec<(u32, u32)>> = divided.map(|person| (person, Vec::new())).collect();
        for (atom, root) in (0..).zip(roots) {
            if !divided.is_empty()
                && let Some(theirs) = prior.person(atom).and_then(|person| divided.get_mut(&person))
            {
                theirs.push((atom, *root));
            }
            match claimed_of(&claimed, *root) {
                0 => (persons, new) = (persons + u64::from(atom == *root), new + 1),
                1 => {}
                _ => members.entry(*root).or_default().push(atom),
            }
        }
        let born = (persons > 0).then_some(Event::Born { persons, atoms: new });
        let merged = members.iter().filter_map(|(root, members)| {
            let (of, to) = (of_root.get(root)?, key_of(root)?);
            let from = of.iter().filter_map(|person| key(*person)).filter(|key| *key != to).collect();
            let kinds = between(atoms, members.iter().map(|atom| (*atom, prior.person(*atom).unwrap_or(NONE))));
            Some(Event::Merged { persons: of.len() as u64, atoms: members.len() as u64, from, to, kinds })
        });
        let split = self.by_person().filter(|parts| parts.len() > 1).filter_map(|parts| {
            let from = key(parts.first()?.person)?;
            let to = parts.iter().filter_map(|part| key_of(&part.root)).filter(|key| *key != from).collect();
            let total = parts.iter().map(|part| part.atoms).sum();
            let theirs = divided.get(&parts.first()?.person)?;
            let kinds = between(atoms, theirs.iter().copied());
            Some(Event::Split { persons: parts.len() as u64, atoms: total, from, to, kinds })
        });
        let mut here = vec![false; prior.persons.len()];
        for claim in &self.0 {
            here.get_mut(claim.person as usize).into_iter().for_each(|here| *here = true);
        }
        let lost: Vec<u64> = prior.persons.iter().zip(here).filter(|(_, here)| !here).map(|(it, _)| it.key).collect();
        let retired = (!lost.is_empty()).then_some(Event::Retired { keys: lost });
        born.into_iter().chain(merged).chain(split).chain(retired).collect()
    }
}

/// Kinds of which atoms with different labels share a token.
fn between(atoms: &Atoms, labelled: impl Iterator<Item = (u32, u32)>) -> BTreeSet<Kind> {
    let labelled: Vec<(u32, u32)> = labelled.collect();
    let shared = |kind: &Kind| {
        let mut labels: HashMap<u32, u32> = HashMap::new();
        labelled.iter().any(|(atom, label)| {
            atoms.token(*atom, *kind).is_some_and(|token| *labels.entry(token).or_insert(*label) != *label)
        })
    };
    Kind::AT_REST.into_iter().filter(shared).collect()
}

#[cfg(test)]
mod tests;
