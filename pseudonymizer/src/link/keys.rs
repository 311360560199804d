//! Person keys: random, unique, and the same from run to run for what stays the same person.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::atoms::Atoms;
use super::persons::Persons;

/// What an earlier run said of an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// The person key.
    pub(crate) key: u64,
    /// The run in which the key was first given, counted from 1.
    pub(crate) born: u32,
}

/// Keys of this run by component, and what became of the earlier ones.
pub(crate) struct Assignment {
    /// By component.
    pub(crate) keys: Keys,
    /// What happened to persons; neither keys nor tokens.
    pub(crate) events: Vec<Event>,
}

/// The key of each component.
pub(crate) struct Keys {
    persons: Persons,
    keys: Vec<Earlier>,
}

impl Keys {
    /// The key of the component whose least atom is `root`.
    pub(crate) fn get(&self, root: u32) -> Option<&Earlier> {
        self.keys.get(self.persons.number(root))
    }
}

/// What happened to one person, or (born) to many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Persons of whom no atom was known.
    Born {
        /// How many.
        persons: u64,
    },
    /// Persons that turned out to be one.
    Merged {
        /// How many there were.
        persons: u64,
        /// Atoms of the one person now.
        atoms: u64,
    },
    /// A person that turned out to be several.
    Split {
        /// How many there are now.
        persons: u64,
        /// Atoms of the former person.
        atoms: u64,
    },
}

/// Gives each component the key that most of its atoms had; of two components that claim a key, the one with more of its
/// atoms keeps it; ties go to the older key, then to the component with the least atom. The others get fresh keys.
///
/// `draw` gives random numbers; 0 and numbers already taken are drawn again.
pub(crate) fn assign(
    atoms: &Atoms,
    roots: &[u32],
    earlier: &HashMap<[u8; 16], Earlier>,
    run: u32,
    mut draw: impl FnMut() -> u64,
) -> Assignment {
    let claims = Claims::of(atoms, roots, earlier);
    let persons = Persons::of(roots);
    // INVARIANT: no key is 0, so that 0 stands for a component that has none yet.
    let mut keys = vec![Earlier { key: 0, born: run }; persons.len()];
    let mut taken: HashSet<u64> = earlier.values().map(|known| known.key).collect();
    taken.reserve(persons.len());
    let mut kept: HashSet<u64> = HashSet::new();
    for claim in &claims.by_strength {
        if let Some(place) = keys.get_mut(persons.number(claim.root)).filter(|place| place.key == 0)
            && kept.insert(claim.known.key)
        {
            *place = claim.known;
        }
    }
    for place in keys.iter_mut().filter(|place| place.key == 0) {
        place.key = loop {
            let key = draw();
            if key != 0 && taken.insert(key) {
                break key;
            }
        };
    }
    let events = claims.events(roots, &persons);
    Assignment { keys: Keys { persons, keys }, events }
}

struct Claim {
    root: u32,
    known: Earlier,
    atoms: u64,
}

struct Claims {
    by_strength: Vec<Claim>,
}

impl Claims {
    fn of(atoms: &Atoms, roots: &[u32], earlier: &HashMap<[u8; 16], Earlier>) -> Self {
        let mut counts: BTreeMap<(u32, u64), (Earlier, u64)> = BTreeMap::new();
        for (id, root) in atoms.ids().iter().zip(roots) {
            if let Some(known) = earlier.get(id) {
                counts.entry((*root, known.key)).or_insert((*known, 0)).1 += 1;
            }
        }
        let mut by_strength: Vec<Claim> =
            counts.into_iter().map(|((root, _), (known, atoms))| Claim { root, known, atoms }).collect();
        by_strength
            .sort_by_key(|claim| (std::cmp::Reverse(claim.atoms), claim.known.born, claim.root, claim.known.key));
        Self { by_strength }
    }

    fn events(&self, roots: &[u32], persons: &Persons) -> Vec<Event> {
        let known: HashSet<u32> = self.by_strength.iter().map(|claim| claim.root).collect();
        let born = persons.len().saturating_sub(known.len()) as u64;
        let mut sizes = vec![0_u32; persons.len()];
        for root in roots {
            if let Some(size) = sizes.get_mut(persons.number(*root)) {
                *size += 1;
            }
        }
        let size = |root| sizes.get(persons.number(root)).copied().map_or(0, u64::from);
        let mut of_root: BTreeMap<u32, u64> = BTreeMap::new();
        let mut of_key: BTreeMap<(u32, u64), (u64, u64)> = BTreeMap::new();
        for claim in &self.by_strength {
            *of_root.entry(claim.root).or_default() += 1;
            let split = of_key.entry((claim.known.born, claim.known.key)).or_default();
            *split = (split.0 + 1, split.1 + claim.atoms);
        }
        let born = (born > 0).then_some(Event::Born { persons: born });
        let merged = of_root
            .into_iter()
            .filter(|(_, persons)| *persons > 1)
            .map(|(root, persons)| Event::Merged { persons, atoms: size(root) });
        let split = of_key
            .into_values()
            .filter(|(persons, _)| *persons > 1)
            .map(|(persons, atoms)| Event::Split { persons, atoms });
        born.into_iter().chain(merged).chain(split).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::atoms::{Atom, KINDS};
    use super::*;

    fn atoms(count: u8) -> Atoms {
        let atom = |id| Atom { id: [id; 16], source: 0, batch: 0, tokens: [None; KINDS], months: None };
        Atoms::new((0..count).map(atom).collect()).unwrap()
    }

    fn earlier(keys: &[u64]) -> HashMap<[u8; 16], Earlier> {
        (0..)
            .zip(keys)
            .filter(|(_, key)| **key != 0)
            .map(|(id, key)| ([id; 16], Earlier { key: *key, born: 1 }))
            .collect()
    }

    fn run(roots: &[u32], known: &[u64], draws: &[u64]) -> (Vec<u64>, Vec<Event>) {
        let mut draws = draws.iter().copied();
        let all = atoms(u8::try_from(roots.len()).unwrap());
        let made = assign(&all, roots, &earlier(known), 2, || draws.next().unwrap());
        (roots.iter().map(|root| made.keys.get(*root).unwrap().key).collect(), made.events)
    }

    #[test]
    fn fresh_keys_are_never_zero_and_never_twice() {
        let (keys, events) = run(&[0, 1, 2], &[0, 0, 0], &[0, 7, 7, 8, 9]);
        assert_eq!(keys, [7, 8, 9]);
        assert_eq!(events, [Event::Born { persons: 3 }]);
    }

    #[test]
    fn a_known_person_keeps_the_key_and_gives_it_to_new_atoms() {
        let (keys, events) = run(&[0, 0, 2], &[5, 0, 6], &[]);
        assert_eq!(keys, [5, 5, 6]);
        assert_eq!(events, []);
    }

    #[test]
    fn merged_persons_keep_the_key_of_the_majority_and_a_split_one_leaves_it_with_the_larger_part() {
        let (keys, events) = run(&[0, 0, 0], &[5, 6, 6], &[]);
        assert_eq!(keys, [6, 6, 6]);
        assert_eq!(events, [Event::Merged { persons: 2, atoms: 3 }]);
        let (keys, events) = run(&[0, 1, 1], &[5, 5, 5], &[9]);
        assert_eq!(keys, [9, 5, 5]);
        assert_eq!(events, [Event::Split { persons: 2, atoms: 3 }]);
    }
}
