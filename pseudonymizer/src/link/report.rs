//! What a run of link found, in counts: how much came together, by what, what spoke against more, and what became of the persons
//! of the run before. The report stays in the zone; [`LinkReport::public`] is what may leave it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use policies::LinkagePolicy;
use serde::{Deserialize, Serialize};

use super::absent::Turns;
use super::atoms::{Atoms, KINDS, Kind};
use super::error::LinkError;
use super::rules::Partition;
use super::scored::ScoredReport;
use super::store;

mod public;

pub use public::veiled;

/// `report.json` of a run. Counts only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Atoms that have a token of the kind, by source.
    #[serde(default)]
    pub coverage: BTreeMap<String, BTreeMap<String, u64>>,
    /// Persons by how many atoms they have.
    #[serde(default)]
    pub clusters: Vec<Cluster>,
    /// Unions by token kind, of the atoms that this run linked: all, or those that new batches touch.
    pub joined_by: BTreeMap<String, u64>,
    /// Unions refused, by reason, of the same atoms.
    pub vetoes: BTreeMap<String, u64>,
    /// Components taken apart or not made, because they have more than one person has, by the cap.
    #[serde(default)]
    pub quarantined: BTreeMap<String, u64>,
    /// Tokens set aside because too many shared them, by kind.
    pub hubs: BTreeMap<String, u64>,
    /// What the scored tier found; none where no tokens of the run were handed over.
    #[serde(default)]
    pub scored: Option<ScoredReport>,
    /// Pairs that somebody is to be asked about, by sources.
    #[serde(default)]
    pub grey_by_pair: BTreeMap<String, u64>,
    /// The same pairs by what kept them from being joined: a weight that does not suffice, or a conflict.
    #[serde(default)]
    pub grey_because: BTreeMap<String, u64>,
    /// Persons of whom no atom was known before.
    pub born: u64,
    /// Persons into whom earlier ones were merged.
    pub merged: u64,
    /// Earlier persons that were split.
    pub split: u64,
    /// What else became of those of the run before.
    #[serde(default)]
    pub churn: Churn,
    /// Persons who stay out, by source whose holder keeps a list of those who object.
    #[serde(default)]
    pub absent_by_source: BTreeMap<String, u64>,
    /// Names of batches that were named and held already.
    #[serde(default)]
    pub held_already: Vec<String>,
    /// Which run it was, and under which rules.
    #[serde(default)]
    pub pass: Pass,
    /// SHA-256 over this run's lines of `events.jsonl`, hexadecimal; empty if nothing was done.
    #[serde(default)]
    pub events: String,
    /// SHA-256 over the crosswalk's files, hexadecimal.
    pub crosswalk: String,
}

/// Persons who have as many atoms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// So many, or a range: `3-5`, `51-`.
    pub size: String,
    /// Persons.
    pub persons: u64,
}

/// Atoms that the run before knew, and what is different for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Churn {
    /// Atoms of this run that an earlier one knew.
    pub atoms_known: u64,
    /// Those of them that have another person key now.
    pub atoms_moved: u64,
    /// Persons who newly stay out of a source.
    pub retired: u64,
    /// Persons who are back in a source.
    pub restored: u64,
}

/// Which run it was, and under which rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Runs of link in this folder, this one included.
    pub run: u32,
    /// The last run that partitioned everything; this one, if it did.
    pub last_full: u32,
    /// The policy's version.
    pub policy: String,
    /// The policy's digest, hexadecimal.
    pub policy_sha256: String,
    /// Random names of the batches that came in.
    pub batches_added: Vec<String>,
}

impl Pass {
    /// Whether everything was partitioned anew.
    pub fn is_full(&self) -> bool {
        self.run == self.last_full
    }

    /// A run that partitioned everything, under this policy.
    pub(crate) fn full(run: u32, policy: &LinkagePolicy) -> Self {
        let (policy, policy_sha256) = (policy.version.clone(), policy.digest());
        Self { run, last_full: run, policy, policy_sha256, ..Self::default() }
    }
}

impl Churn {
    /// `keys`: of each atom, the person key that an earlier run gave, and the one that this run gives.
    pub(crate) fn of(keys: impl Iterator<Item = (Option<u64>, u64)>) -> Self {
        let mut churn = Self::default();
        for (before, now) in keys {
            churn.atoms_known += u64::from(before.is_some());
            churn.atoms_moved += u64::from(before.is_some_and(|before| before != now));
        }
        churn
    }

    /// With those who newly stay out, and those who are back.
    pub(crate) fn with(self, turns: &Turns) -> Self {
        Self { retired: turns.retired.values().sum(), restored: turns.restored.values().sum(), ..self }
    }
}

impl LinkReport {
    /// `sources`: names by the places that atoms have.
    pub(crate) fn of(atoms: &Atoms, partition: &Partition, sources: &[String]) -> Self {
        let persons = PersonCounts::of(atoms, partition);
        let mut by_source = vec![0_u64; sources.len()];
        for source in atoms.sources() {
            if let Some(count) = by_source.get_mut(usize::from(*source)) {
                *count += 1;
            }
        }
        let owned = |counts: &BTreeMap<&'static str, u64>| -> BTreeMap<String, u64> {
            counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let (quarantined, vetoes) = owned(&partition.vetoes).into_iter().partition(|(name, _)| name.starts_with(CAP));
        let mut report = Self {
            joined_by: owned(&partition.joined),
            vetoes,
            quarantined,
            hubs: owned(&partition.hubs),
            ..Self::counting(&persons, by_source, &covered(atoms, sources), sources)
        };
        report.count_grey(atoms, partition, sources);
        report
    }

    /// What persons and atoms alone tell. `by_source`: atoms; `covered`: those of them that have a token of each kind.
    pub(crate) fn counting(
        persons: &PersonCounts,
        by_source: Vec<u64>,
        covered: &[[u64; KINDS]],
        sources: &[String],
    ) -> Self {
        let named: Vec<(u128, &String)> = (0_u8..).map(bit).zip(sources).collect();
        let pairs = named.iter().enumerate().flat_map(|(at, a)| named.iter().skip(at + 1).map(move |b| (a, b)));
        Self {
            atoms: by_source.iter().sum(),
            persons: persons.sizes.values().sum(),
            singles: persons.sizes.get(&1).copied().unwrap_or(0),
            atoms_by_source: sources.iter().cloned().zip(by_source).collect(),
            persons_by_source: named.iter().map(|(bit, name)| ((*name).clone(), persons.having(*bit))).collect(),
            persons_by_pair: pairs.map(|(a, b)| (format!("{}+{}", a.1, b.1), persons.having(a.0 | b.0))).collect(),
            coverage: coverage(covered, sources),
            clusters: clusters(&persons.sizes),
            ..Self::default()
        }
    }

    /// The report of the last run in a folder of link.
    pub fn read(out: &Path) -> Result<Self, LinkError> {
        let path = out.join(store::REPORT);
        if !path.exists() {
            return Err(LinkError::Unfinished { path: out.to_owned() });
        }
        let text = fs::read(&path).map_err(LinkError::io(&path))?;
        serde_json::from_slice(&text).map_err(|_| LinkError::Form { path, what: "a report of link" })
    }

    /// This one after a part of what it counts changed: `before` and `after` count that part. What was joined, refused or left to be asked
    /// about is told of that part alone; what is of one run, as scores and churn, is left out.
    #[must_use]
    pub(crate) fn moved(&self, before: &Self, after: &Self) -> Self {
        let number = |of: fn(&Self) -> u64| of(self).saturating_sub(of(before)).saturating_add(of(after));
        let counts = |of: fn(&Self) -> &BTreeMap<String, u64>| replaced(of(self), of(before), of(after));
        let none = BTreeMap::new();
        let sources = self.coverage.keys().chain(after.coverage.keys());
        let kinds = |report: &Self, source: &String| report.coverage.get(source).unwrap_or(&none).clone();
        let coverage = sources.map(|source| {
            let [all, before, after] = [self, before, after].map(|report| kinds(report, source));
            (source.clone(), replaced(&all, &before, &after))
        });
        let in_band = |report: &Self, size: &str| -> u64 {
            report.clusters.iter().filter(|cluster| cluster.size == size).map(|cluster| cluster.persons).sum()
        };
        let clusters = BANDS.into_iter().map(band_name).map(|size| {
            let [all, before, after] = [self, before, after].map(|report| in_band(report, &size));
            Cluster { size, persons: all.saturating_sub(before).saturating_add(after) }
        });
        Self {
            atoms: number(|report| report.atoms),
            persons: number(|report| report.persons),
            singles: number(|report| report.singles),
            atoms_by_source: counts(|report| &report.atoms_by_source),
            persons_by_source: counts(|report| &report.persons_by_source),
            persons_by_pair: counts(|report| &report.persons_by_pair),
            coverage: coverage.filter(|(_, kinds)| kinds.values().any(|count| *count > 0)).collect(),
            clusters: clusters.collect(),
            joined_by: after.joined_by.clone(),
            vetoes: after.vetoes.clone(),
            quarantined: after.quarantined.clone(),
            // A kind of which none is left is not named.
            hubs: counts(|report| &report.hubs).into_iter().filter(|(_, count)| *count > 0).collect(),
            grey_by_pair: after.grey_by_pair.clone(),
            grey_because: after.grey_because.clone(),
            absent_by_source: counts(|report| &report.absent_by_source),
            ..Self::default()
        }
    }

    fn count_grey(&mut self, atoms: &Atoms, partition: &Partition, sources: &[String]) {
        let place = |atom: u32| atoms.sources().get(atom as usize).copied().unwrap_or_default();
        for grey in &partition.grey {
            let (a, b) = (place(grey.pair.a), place(grey.pair.b));
            *self.grey_by_pair.entry(pair_name(a, b, sources)).or_default() += 1;
            let because = grey.against.map_or("weight", super::components::Veto::name);
            *self.grey_because.entry(because.to_owned()).or_default() += 1;
        }
    }
}

fn replaced(
    all: &BTreeMap<String, u64>,
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let mut counts = all.clone();
    for (name, count) in before {
        counts.entry(name.clone()).and_modify(|all| *all = all.saturating_sub(*count));
    }
    for (name, count) in after {
        *counts.entry(name.clone()).or_default() += count;
    }
    counts
}

/// How the names of reasons begin that are caps (`Veto::TooManyLines` and so on).
const CAP: &str = "too_many_";

/// Names of two sources in the order of their places, as `ndb+ltc`.
pub(crate) fn pair_name(a: u8, b: u8, sources: &[String]) -> String {
    let name = |place: u8| sources.get(usize::from(place)).map_or("?", String::as_str);
    format!("{}+{}", name(a.min(b)), name(a.max(b)))
}

/// The bit of a source in a set of sources.
// INVARIANT: there are at most 128 sources, `tokens::SOURCES_MAX`.
pub(crate) fn bit(place: u8) -> u128 {
    1_u128.wrapping_shl(u32::from(place))
}

/// How many persons have as many atoms, and how many have atoms in exactly those sources.
pub(crate) struct PersonCounts {
    sizes: BTreeMap<u32, u64>,
    sets: HashMap<u128, u64>,
}

impl PersonCounts {
    /// `persons`: how many atoms each has, and its sources as bits.
    pub(crate) fn those(persons: &[(u64, u128)]) -> Self {
        let (mut sizes, mut sets) = (BTreeMap::new(), HashMap::new());
        for (size, set) in persons.iter().filter(|(size, _)| *size > 0) {
            *sizes.entry(u32::try_from(*size).unwrap_or(u32::MAX)).or_default() += 1;
            *sets.entry(*set).or_default() += 1;
        }
        Self { sizes, sets }
    }

    fn of(atoms: &Atoms, partition: &Partition) -> Self {
        // Few sets of sources occur, so each component holds the number of one: 8 bytes an atom, whatever there is to be counted.
        let mut known: Vec<u128> = vec![0];
        let mut next: HashMap<(u32, u8), u32> = HashMap::new();
        let mut components: Vec<(u32, u32)> = vec![(0, 0); partition.roots.len()];
        for (root, source) in partition.roots.iter().zip(atoms.sources()) {
            let Some((size, set)) = components.get_mut(*root as usize) else { continue };
            *size += 1;
            if known.get(*set as usize).is_some_and(|known| known & bit(*source) != 0) {
                continue;
            }
            *set = *next.entry((*set, *source)).or_insert_with(|| {
                let wider = known.get(*set as usize).copied().unwrap_or_default() | bit(*source);
                let at = known.iter().position(|known| *known == wider).unwrap_or(known.len());
                if at == known.len() {
                    known.push(wider);
                }
                u32::try_from(at).unwrap_or(u32::MAX)
            });
        }
        let (mut sizes, mut sets) = (BTreeMap::new(), HashMap::new());
        for (size, set) in components.into_iter().filter(|(size, _)| *size > 0) {
            *sizes.entry(size).or_default() += 1;
            *sets.entry(known.get(set as usize).copied().unwrap_or_default()).or_default() += 1;
        }
        Self { sizes, sets }
    }

    fn having(&self, wanted: u128) -> u64 {
        self.sets.iter().filter(|(set, _)| *set & wanted == wanted).map(|(_, persons)| persons).sum()
    }
}

fn covered(atoms: &Atoms, sources: &[String]) -> Vec<[u64; KINDS]> {
    let mut counts = vec![[0_u64; KINDS]; sources.len()];
    for (kinds, source) in atoms.kinds().zip(atoms.sources()) {
        let Some(row) = counts.get_mut(usize::from(*source)) else { continue };
        for (place, count) in row.iter_mut().enumerate() {
            *count += u64::from(kinds >> place & 1);
        }
    }
    counts
}

fn coverage(covered: &[[u64; KINDS]], sources: &[String]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let named = |row: &[u64; KINDS]| {
        Kind::AT_REST.into_iter().zip(row).map(|(kind, count)| (kind.name().to_owned(), *count)).collect()
    };
    let any = |source: &&String, row: &[u64]| row.iter().any(|count| *count > 0).then(|| (*source).clone());
    sources.iter().zip(covered).filter_map(|(source, row)| Some((any(&source, row)?, named(row)))).collect()
}

/// Bands of cluster sizes: least and greatest number of atoms.
pub(crate) const BANDS: [(u32, Option<u32>); 7] =
    [(1, Some(1)), (2, Some(2)), (3, Some(5)), (6, Some(10)), (11, Some(20)), (21, Some(50)), (51, None)];

/// The name of a band.
pub(crate) fn band_name((least, greatest): (u32, Option<u32>)) -> String {
    match greatest {
        Some(greatest) if greatest == least => least.to_string(),
        Some(greatest) => format!("{least}-{greatest}"),
        None => format!("{least}-"),
    }
}

fn clusters(sizes: &BTreeMap<u32, u64>) -> Vec<Cluster> {
    let persons = |(least, greatest): (u32, Option<u32>)| {
        sizes.range(least..=greatest.unwrap_or(u32::MAX)).map(|(_, persons)| persons).sum()
    };
    BANDS.into_iter().map(|band| Cluster { size: band_name(band), persons: persons(band) }).collect()
}

#[cfg(test)]
mod tests;
