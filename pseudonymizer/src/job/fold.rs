//! The end of a batch: which records stand, atoms with their tokens, content in random order. One bucket is in memory at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use policies::keys::SecretBytes;

use super::folder::Folder;
use super::units::Plan;
use super::work::Done;
use super::{Job, PseudonymizeError};
use crate::absent::Absent;
use crate::quarantine;
use crate::report::{FileReport, Reason};
use crate::spool::Facts;
use crate::versions::{self, Entry, Fallen};

mod absent;
mod content;
mod people;

/// What the end of a batch found, for the report and the manifest.
pub(crate) struct Folded {
    pub(crate) files: Vec<FileReport>,
    pub(crate) tables: BTreeMap<String, u64>,
    pub(crate) atoms: u64,
    pub(crate) tokens: BTreeMap<String, u64>,
    pub(crate) refused: BTreeMap<String, u64>,
    pub(crate) scanned: u64,
    pub(crate) resolved: BTreeMap<String, u64>,
    pub(crate) name: String,
}

/// Records that do not stand.
#[derive(Default)]
pub(crate) struct Gone {
    /// Nowhere.
    records: HashSet<u64>,
    /// A record that several files tell of stands as one unit told it.
    only_in: HashMap<u64, u32>,
}

impl Gone {
    /// Whether a record's rows from a unit stand.
    pub(crate) fn stands(&self, record: u64, unit: u32) -> bool {
        !self.records.contains(&record) && self.only_in.get(&record).is_none_or(|only| *only == unit)
    }
}

/// Puts the batch together.
pub(crate) fn fold(
    job: &Job<'_>,
    folder: &Folder,
    plan: &Plan,
    parts: &[Done],
    epoch: &str,
    absent: &Absent,
) -> Result<Folded, PseudonymizeError> {
    let mut files: Vec<FileReport> = parts.iter().flat_map(|done| done.finished.files.iter().cloned()).collect();
    files.sort_by_key(|report| report.file);
    check_quarantine(&files, job.options.max_quarantine_share)?;
    folder.clear(&quarantined(parts))?;
    let mut resolved = FileReport::default();
    let gone = resolve(folder, plan, parts, &mut resolved)?;
    let name = hex::encode(SecretBytes::generate().expose().first_chunk::<16>().copied().unwrap_or_default());
    let people = people::People { job, folder, plan, parts, gone: &gone, absent, epoch, batch: &name };
    let (atoms, tokens, refused) = people.write()?;
    let rows = content::Rows { job, folder, plan, parts, gone: &gone };
    let mut tables = rows.write(&mut resolved)?;
    tables.extend([("person".to_owned(), atoms), ("facility".to_owned(), people.write_facilities()?)]);
    let scanned = parts.iter().map(|done| done.finished.scanned).sum();
    let resolved = resolved.reasons;
    Ok(Folded { files, tables, atoms, tokens, refused, scanned, resolved, name })
}

/// Names of the files in quarantine that the parts tell of.
fn quarantined(parts: &[Done]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for done in parts {
        let some = done.finished.files.iter().filter(|file| file.quarantined > 0);
        let lists: Vec<String> = some.map(|file| quarantine::list(file.file)).collect();
        names.extend((!lists.is_empty()).then(|| quarantine::records(done.unit)));
        names.extend(lists);
    }
    names
}

/// Too much in quarantine tells that the files are not what they should be.
fn check_quarantine(files: &[FileReport], share: f64) -> Result<(), PseudonymizeError> {
    let records: u64 = files.iter().map(|file| file.records).sum();
    let quarantined: u64 = files.iter().map(|file| file.quarantined).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
    let too_many = quarantined as f64 > share * records as f64;
    // A handful of records says nothing about a file.
    if too_many && quarantined > QUARANTINE_FEW {
        return Err(PseudonymizeError::Quarantine { quarantined, records, share });
    }
    Ok(())
}

const QUARANTINE_FEW: u64 = 20;

/// Finds the records that do not stand, bucket by bucket.
fn resolve(folder: &Folder, plan: &Plan, parts: &[Done], counts: &mut FileReport) -> Result<Gone, PseudonymizeError> {
    let mut gone = Gone::default();
    for bucket in 0..plan.buckets {
        let mut entries = Vec::new();
        for done in parts {
            for piece in done.part.facts(Facts::Version, bucket, &folder.secrets().spool)? {
                entries.extend(Entry::all(&piece));
            }
        }
        let mut records: HashMap<u64, BTreeSet<u64>> = HashMap::new();
        for entry in &entries {
            records.entry(entry.record).or_default().insert(entry.sequence);
        }
        for (entry, why) in versions::fallen(entries) {
            counts.note(match why {
                Fallen::Duplicate => Reason::Duplicate,
                Fallen::Replaced => Reason::Replaced,
                Fallen::Withdrawn => Reason::Withdrawn,
            });
            if let Some(told) = records.get_mut(&entry.record) {
                told.remove(&entry.sequence);
            }
            gone.fell(&entry, records.get(&entry.record));
        }
    }
    Ok(gone)
}

impl Gone {
    /// One telling of a record does not stand; `left` are those that may.
    fn fell(&mut self, entry: &Entry, left: Option<&BTreeSet<u64>>) {
        if let Some(sequence) = left.and_then(BTreeSet::last) {
            self.only_in.insert(entry.record, u32::try_from(sequence >> 40).unwrap_or(u32::MAX));
        } else {
            self.only_in.remove(&entry.record);
            self.records.insert(entry.record);
        }
    }
}
