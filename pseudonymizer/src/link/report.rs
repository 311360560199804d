//! What a run of link found, in counts: how much came together, by what, and what spoke against more.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::atoms::Atoms;
use super::rules::Partition;

/// `report.json` of a run. Counts only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// Atoms of all batches.
    pub atoms: u64,
    /// Persons.
    pub persons: u64,
    /// Persons of one atom.
    pub singles: u64,
    /// Atoms by source.
    pub atoms_by_source: BTreeMap<String, u64>,
    /// Persons by source in which they have an atom.
    pub persons_by_source: BTreeMap<String, u64>,
    /// Persons with atoms in both sources, by `ndb+ltc` and so on.
    pub persons_by_pair: BTreeMap<String, u64>,
    /// Unions by token kind, of the atoms that this run linked: all, or those that new batches touch.
    pub joined_by: BTreeMap<String, u64>,
    /// Unions refused, by reason, of the same atoms.
    pub vetoes: BTreeMap<String, u64>,
    /// Tokens set aside because too many shared them, by kind.
    pub hubs: BTreeMap<String, u64>,
    /// Persons of whom no atom was known before.
    pub born: u64,
    /// Persons into whom earlier ones were merged.
    pub merged: u64,
    /// Earlier persons that were split.
    pub split: u64,
    /// Persons who stay out, by source whose holder keeps a list of those who object.
    #[serde(default)]
    pub absent_by_source: BTreeMap<String, u64>,
    /// Names of batches that were named and held already.
    #[serde(default)]
    pub held_already: Vec<String>,
    /// SHA-256 over this run's lines of `events.jsonl`, hexadecimal; empty if nothing was done.
    #[serde(default)]
    pub events: String,
    /// SHA-256 over the crosswalk's files, hexadecimal.
    pub crosswalk: String,
}

impl LinkReport {
    /// `sources`: names by the places that atoms have.
    pub(crate) fn of(atoms: &Atoms, partition: &Partition, sources: &[String]) -> Self {
        let mut persons: HashMap<u32, (u64, u128)> = HashMap::new();
        let mut by_source = vec![0_u64; sources.len()];
        for (root, source) in partition.roots.iter().zip(atoms.sources()) {
            let (size, mask) = persons.entry(*root).or_default();
            *size += 1;
            // INVARIANT: there are at most 128 sources, `tokens::SOURCES_MAX`.
            *mask |= 1_u128.wrapping_shl(u32::from(*source));
            if let Some(count) = by_source.get_mut(usize::from(*source)) {
                *count += 1;
            }
        }
        let owned = |counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let persons: Vec<(u64, u128)> = persons.into_values().collect();
        Self {
            joined_by: owned(&partition.joined),
            vetoes: owned(&partition.vetoes),
            hubs: owned(&partition.hubs),
            ..Self::counting(&persons, by_source, sources)
        }
    }

    /// `persons`: how many atoms each has, and its sources as bits.
    pub(crate) fn counting(persons: &[(u64, u128)], by_source: Vec<u64>, sources: &[String]) -> Self {
        let having = |wanted: u128| persons.iter().filter(|(_, mask)| mask & wanted == wanted).count() as u64;
        let places = (0_u32..).map(|place| 1_u128.wrapping_shl(place));
        let named: Vec<(u128, &String)> = places.zip(sources).collect();
        let pairs = named.iter().enumerate().flat_map(|(at, a)| named.iter().skip(at + 1).map(move |b| (a, b)));
        Self {
            atoms: persons.iter().map(|(size, _)| size).sum(),
            persons: persons.len() as u64,
            singles: persons.iter().filter(|(size, _)| *size == 1).count() as u64,
            atoms_by_source: sources.iter().cloned().zip(by_source).collect(),
            persons_by_source: named.iter().map(|(bit, name)| ((*name).clone(), having(*bit))).collect(),
            persons_by_pair: pairs.map(|(a, b)| (format!("{}+{}", a.1, b.1), having(a.0 | b.0))).collect(),
            ..Self::default()
        }
    }

    /// This one after a part of what it counts changed: `before` and `after` count that part. What was joined and refused is told of
    /// that part alone.
    pub(crate) fn moved(&self, before: &Self, after: &Self) -> Self {
        let number = |of: fn(&Self) -> u64| of(self).saturating_sub(of(before)).saturating_add(of(after));
        let counts = |of: fn(&Self) -> &BTreeMap<String, u64>| {
            let mut counts = of(self).clone();
            for (name, count) in of(before) {
                counts.entry(name.clone()).and_modify(|all| *all = all.saturating_sub(*count));
            }
            for (name, count) in of(after) {
                *counts.entry(name.clone()).or_default() += count;
            }
            counts
        };
        Self {
            atoms: number(|report| report.atoms),
            persons: number(|report| report.persons),
            singles: number(|report| report.singles),
            atoms_by_source: counts(|report| &report.atoms_by_source),
            persons_by_source: counts(|report| &report.persons_by_source),
            persons_by_pair: counts(|report| &report.persons_by_pair),
            joined_by: after.joined_by.clone(),
            vetoes: after.vetoes.clone(),
            hubs: counts(|report| &report.hubs),
            absent_by_source: counts(|report| &report.absent_by_source),
            ..Self::default()
        }
    }
}
