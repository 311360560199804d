//! What a release says of the linkage behind it, gathered while it is made: linkage rates by group and implausible histories.
//!
//! Rows become small events by person, sorted in bounded memory; one pass over them counts. What leaves is veiled
//! (`quality/veil.rs`), in the form of [`catalog::quality`].

use std::collections::BTreeMap;
use std::path::Path;

use arrow::record_batch::RecordBatch;
use catalog::quality::{ANY, FORMAT, Rules};
use catalog::{Quality, ReleaseId};
use policies::Profile;

mod counts;
mod events;
pub(crate) mod fairness;
mod histories;
mod institutions;
mod software;
mod veil;

pub(crate) use software::Software;

use super::crosswalk::Crosswalk;
use super::error::ReleaseError;
use super::sort::{Sorter, Spill};
use super::surrogate;
use counts::Counts;
use events::Events;
use histories::Person;
use institutions::Institutions;

/// Bytes of events in memory before they wait on disk.
pub(crate) const BUDGET: usize = 64 * 1024 * 1024;
/// Name of the runs of events on disk.
const TABLE: &str = "quality";

/// Whether the rows of a table say something of linkage.
pub(crate) fn wanted(table: &str) -> bool {
    events::of(table).is_some()
}

/// Takes rows while a release is made.
pub(crate) struct Gathering<'a> {
    sorter: Sorter<'a>,
    crosswalk: &'a Crosswalk,
    institutions: Institutions,
    /// Persons with care, by month counted from year 0.
    months: BTreeMap<i32, u64>,
}

impl<'a> Gathering<'a> {
    pub(crate) fn new(crosswalk: &'a Crosswalk, software: Software, spill: &'a Spill<'a>) -> Self {
        let sorter = Sorter::new(TABLE, events::schema(), spill);
        Self { sorter, crosswalk, institutions: Institutions::new(software), months: BTreeMap::new() }
    }

    /// Takes rows of a table, without those of persons who stay out. `file` is where they come from, for messages.
    pub(crate) fn take(
        &mut self,
        source: &str,
        table: &str,
        rows: &RecordBatch,
        file: &Path,
    ) -> Result<(), ReleaseError> {
        let Some(kind) = events::of(table) else { return Ok(()) };
        let keys = surrogate::persons(self.crosswalk, rows, file)?;
        let mut events = Events::default();
        let at = events::At { rows, keys: &keys, file, source };
        events.read(kind, &at, self.crosswalk, &mut self.institutions)?;
        for month in events.months() {
            *self.months.entry(month).or_default() += 1;
        }
        self.sorter.push(events.finish()?)
    }

    /// What leaves.
    pub(crate) fn finish(self, dataset: &str, release: &ReleaseId) -> Result<Quality, ReleaseError> {
        let strictest = Profile::strictest().map_err(ReleaseError::Profile)?;
        let (min_persons, min_institutions) = (strictest.min_persons, strictest.min_institutions);
        let rules = Rules { min_persons, min_institutions, base: catalog::quality::BASE };
        let last_month =
            self.months.iter().rev().find(|(_, persons)| **persons >= min_persons).map(|(month, _)| *month);
        let others = others(dataset, self.crosswalk.sources());
        let mut counts = Counts::new(dataset, &others, self.institutions, last_month);
        let mut current: Option<Person> = None;
        for rows in self.sorter.finish()? {
            for (key, event) in events::decode(&rows?)? {
                let person = match current.take() {
                    Some(person) if person.key() == key => person,
                    Some(done) => {
                        counts.add(&done);
                        Person::new(key)
                    }
                    None => Person::new(key),
                };
                current = Some(person.with(event));
            }
        }
        if let Some(done) = &current {
            counts.add(done);
        }
        let veiled = counts.veiled(rules);
        Ok(Quality {
            format: FORMAT,
            release: release.clone(),
            crosswalk: self.crosswalk.digest().to_owned(),
            last_month: last_month.and_then(events::first_day),
            rules,
            persons: veiled.persons,
            links: veiled.links,
            histories: veiled.histories,
        })
    }
}

/// A source that persons may be found in, and the bits that say so.
struct Other {
    name: String,
    /// At least one of these …
    bits: u32,
    /// … and at least as many in all.
    at_least: u32,
}

/// For a source each other one; for `person` whether a person is found in more than one.
fn others(dataset: &str, sources: &[String]) -> Vec<Other> {
    if dataset == super::PERSON {
        return vec![Other { name: ANY.to_owned(), bits: u32::MAX, at_least: 2 }];
    }
    let bit = |place: usize| u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place));
    let others = sources.iter().enumerate().filter(|(_, name)| *name != dataset);
    others.filter_map(|(place, name)| Some(Other { name: name.clone(), bits: bit(place)?, at_least: 1 })).collect()
}

#[cfg(test)]
mod tests;
