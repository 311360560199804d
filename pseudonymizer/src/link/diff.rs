//! Two crosswalks compared: which persons are the same, which were merged, split, born, retired. A function of which atoms share
//! a key on each side, whatever the keys are.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use policies::keys::KeyFolder;
use serde::{Deserialize, Serialize};

use super::components::Components;
use super::crosswalk::Marker;
use super::error::LinkError;
use super::held::view;
use super::report::{BANDS, band_name, bit};

/// An atom, its person key, the place of its source.
pub(crate) type Keyed = ([u8; 16], u64, u8);

/// One side of a comparison: what a run of link left in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The folder.
    pub folder: PathBuf,
    /// The run; the last one if none is named.
    pub run: Option<u32>,
}

impl FromStr for Side {
    type Err = Infallible;

    /// `FOLDER`, or `FOLDER@RUN`. A name that ends in `@` and no number is a folder's.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let named = text.rsplit_once('@').and_then(|(folder, run)| Some((folder, run.parse().ok()?)));
        Ok(named.map_or_else(
            || Self { folder: text.into(), run: None },
            |(folder, run)| Self { folder: folder.into(), run: Some(run) },
        ))
    }
}

/// How the persons of two crosswalks lie to one another. A case is a set of persons of both sides that share atoms, directly or by
/// way of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkDiff {
    /// Atoms on both sides.
    pub atoms_both: u64,
    /// Atoms that only the first has.
    pub atoms_only_a: u64,
    /// Atoms that only the second has.
    pub atoms_only_b: u64,
    /// Of the atoms on both sides, those with another person key.
    pub atoms_moved: u64,
    /// Persons of the first.
    pub persons_a: u64,
    /// Persons of the second.
    pub persons_b: u64,
    /// Cases by what happened.
    pub cases: Persons,
    /// Persons of the first that were merged.
    pub merged_from: u64,
    /// Persons of the second that came of splits.
    pub split_into: u64,
    /// Persons of the first in cases of several on both sides.
    pub regrouped_from: u64,
    /// Persons of the second in such cases.
    pub regrouped_into: u64,
    /// Cases by pair of sources that have atoms in them (`ndb+ltc`), and by the one source where there is no other (`ndb`).
    pub by_pair: BTreeMap<String, Persons>,
    /// Cases by number of atoms, of both sides together.
    pub by_size: Vec<(String, Persons)>,
}

/// Cases by what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persons {
    /// One person on each side, whether or not atoms came or went.
    pub unchanged: u64,
    /// Several of the first are one of the second.
    pub merged: u64,
    /// One of the first is several of the second.
    pub split: u64,
    /// Several of the first are several of the second, and not the same.
    pub regrouped: u64,
    /// Of the second, without an atom of the first.
    pub born: u64,
    /// Of the first, without an atom of the second.
    pub retired: u64,
}

/// Compares what two runs left: `a` before, `b` now.
pub fn compare(keys: &KeyFolder, a: &Side, b: &Side) -> Result<LinkDiff, LinkError> {
    let (before, sources_a) = keyed(keys, a)?;
    let (mut now, sources) = keyed(keys, b)?;
    // Places are each side's own; those of the first are used where both know a source.
    let mut names = sources_a;
    let places: Vec<u8> = sources.into_iter().map(|name| place(&mut names, name)).collect();
    for (_, _, source) in &mut now {
        *source = places.get(usize::from(*source)).copied().unwrap_or(*source);
    }
    Ok(diff(&before, &now, &names))
}

/// What a run says of each atom, in the order of the atoms, and the names of the sources.
fn keyed(keys: &KeyFolder, side: &Side) -> Result<(Vec<Keyed>, Vec<String>), LinkError> {
    if Marker::of(&side.folder).is_none() {
        return Err(LinkError::Unfinished { path: side.folder.clone() });
    }
    let rows = view::keyed_at(keys, &side.folder, side.run)?;
    Ok((rows, view::sources_of(keys, &side.folder, side.run)?))
}

fn place(names: &mut Vec<String>, name: String) -> u8 {
    let known = names.iter().position(|known| *known == name);
    if known.is_none() {
        names.push(name);
    }
    // INVARIANT: there are at most 128 sources, `tokens::SOURCES_MAX`.
    known.unwrap_or(names.len() - 1).try_into().unwrap_or(u8::MAX)
}

/// Compares two crosswalks, each in the order of its atoms. `sources`: names by the places that atoms have.
pub(crate) fn diff(a: &[Keyed], b: &[Keyed], sources: &[String]) -> LinkDiff {
    let (a_keys, b_keys) = (distinct(a), distinct(b));
    let mut found = LinkDiff {
        persons_a: a_keys.len() as u64,
        persons_b: b_keys.len() as u64,
        by_size: BANDS.into_iter().map(|band| (band_name(band), Persons::default())).collect(),
        ..LinkDiff::default()
    };
    let mut persons = Components::new(a_keys.len() + b_keys.len());
    // Persons of the first side, then those of the second.
    let of_a = |key: u64| at(&a_keys, key);
    let of_b = |key: u64| at(&b_keys, key).saturating_add(at_most(a_keys.len()));
    let mut atoms: Vec<(u32, u8)> = Vec::with_capacity(a.len().max(b.len()));
    for one in Both::of(a, b) {
        match one {
            (Some((_, was, source)), Some((_, is, _))) => {
                found.atoms_both += 1;
                found.atoms_moved += u64::from(was != is);
                persons.union(of_a(*was), of_b(*is));
                atoms.push((of_a(*was), *source));
            }
            (Some((_, was, source)), None) => {
                found.atoms_only_a += 1;
                atoms.push((of_a(*was), *source));
            }
            (None, Some((_, is, source))) => {
                found.atoms_only_b += 1;
                atoms.push((of_b(*is), *source));
            }
            (None, None) => {}
        }
    }
    let mut cases: HashMap<u32, Case> = HashMap::new();
    for person in (0_u32..).take(a_keys.len() + b_keys.len()) {
        let case = cases.entry(persons.find(person)).or_default();
        let side = if (person as usize) < a_keys.len() { &mut case.a } else { &mut case.b };
        *side += 1;
    }
    for (person, source) in atoms {
        let case = cases.entry(persons.find(person)).or_default();
        case.atoms += 1;
        case.sources |= bit(source);
    }
    for case in cases.values() {
        found.count(case, sources);
    }
    found
}

/// Persons of both sides that share atoms.
#[derive(Default)]
struct Case {
    a: u64,
    b: u64,
    atoms: u32,
    sources: u128,
}

impl Case {
    fn kind(&self) -> fn(&mut Persons) -> &mut u64 {
        match (self.a, self.b) {
            (0, _) => |persons| &mut persons.born,
            (_, 0) => |persons| &mut persons.retired,
            (1, 1) => |persons| &mut persons.unchanged,
            (_, 1) => |persons| &mut persons.merged,
            (1, _) => |persons| &mut persons.split,
            (_, _) => |persons| &mut persons.regrouped,
        }
    }
}

impl LinkDiff {
    fn count(&mut self, case: &Case, sources: &[String]) {
        let kind = case.kind();
        *kind(&mut self.cases) += 1;
        match (case.a, case.b) {
            (from, 1) if from > 1 => self.merged_from += from,
            (1, into) if into > 1 => self.split_into += into,
            (from, into) if from > 1 && into > 1 => {
                self.regrouped_from += from;
                self.regrouped_into += into;
            }
            _ => {}
        }
        let present: Vec<&String> =
            (0_u8..).zip(sources).filter(|(place, _)| case.sources & bit(*place) != 0).map(|(_, name)| name).collect();
        match present.as_slice() {
            [] => {}
            [only] => *kind(self.by_pair.entry((*only).clone()).or_default()) += 1,
            several => {
                for (place, one) in several.iter().enumerate() {
                    for other in several.iter().skip(place + 1) {
                        *kind(self.by_pair.entry(format!("{one}+{other}")).or_default()) += 1;
                    }
                }
            }
        }
        let band = BANDS.iter().position(|(_, greatest)| greatest.is_none_or(|greatest| case.atoms <= greatest));
        if let Some((_, persons)) = band.and_then(|band| self.by_size.get_mut(band)) {
            *kind(persons) += 1;
        }
    }
}

fn distinct(side: &[Keyed]) -> Vec<u64> {
    let mut keys: Vec<u64> = side.iter().map(|(_, key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn at(keys: &[u64], key: u64) -> u32 {
    at_most(keys.binary_search(&key).unwrap_or_else(|place| place))
}

/// There are no more persons than atoms, and atoms are numbered in 32 bits.
fn at_most(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The atoms of both sides, each once, in their order.
struct Both<'a> {
    a: std::iter::Peekable<std::slice::Iter<'a, Keyed>>,
    b: std::iter::Peekable<std::slice::Iter<'a, Keyed>>,
}

impl<'a> Both<'a> {
    fn of(a: &'a [Keyed], b: &'a [Keyed]) -> Self {
        Self { a: a.iter().peekable(), b: b.iter().peekable() }
    }
}

impl<'a> Iterator for Both<'a> {
    type Item = (Option<&'a Keyed>, Option<&'a Keyed>);

    fn next(&mut self) -> Option<Self::Item> {
        match (self.a.peek(), self.b.peek()) {
            (Some((a, ..)), Some((b, ..))) if a == b => Some((self.a.next(), self.b.next())),
            (Some((a, ..)), Some((b, ..))) if a > b => Some((None, self.b.next())),
            (None, Some(_)) => Some((None, self.b.next())),
            (Some(_), _) => Some((self.a.next(), None)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests;
