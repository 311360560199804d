//! Units of work: one large file, or many small ones. A unit is read by one thread and finished or read again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::files::{Kind, Raw};
use super::{Job, PseudonymizeError, digest};
use crate::layout::Layout;
use crate::normalise;

/// Bytes that make a unit.
const UNIT_BYTES: u64 = 64 * 1024 * 1024;
/// Files that make a unit.
const UNIT_FILES: usize = 4096;
/// Bytes of raw files to a bucket of what waits on disk: a bucket is put together in memory.
const BUCKET_BYTES: u64 = 64 * 1024 * 1024;
/// Most buckets.
const BUCKETS_MAX: u32 = 256;

/// A raw file with its size.
pub(crate) struct Planned {
    pub(crate) raw: Raw,
    pub(crate) bytes: u64,
    /// When it was changed last.
    modified: Option<SystemTime>,
    /// Of another source, unknown, or the same file once more: not read.
    pub(crate) skip: Option<crate::report::Reason>,
}

/// What a thread reads at once.
pub(crate) struct Unit {
    pub(crate) number: u32,
    pub(crate) files: Vec<Planned>,
}

/// The units of a run.
pub(crate) struct Plan {
    pub(crate) units: Vec<Unit>,
    pub(crate) buckets: u32,
    pub(crate) bytes: u64,
}

impl Plan {
    /// Cuts the files into units.
    pub(crate) fn of(raw: Vec<Raw>, source: &str) -> Result<Self, PseudonymizeError> {
        let mut planned = Vec::with_capacity(raw.len());
        for raw in raw {
            let about = fs::metadata(&raw.path).map_err(PseudonymizeError::io(&raw.path))?;
            let skip = raw.skipped_in(source);
            planned.push(Planned { raw, bytes: about.len(), modified: about.modified().ok(), skip });
        }
        mark_duplicates(&mut planned)?;
        let bytes = planned.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
        let buckets = u32::try_from(bytes / BUCKET_BYTES).unwrap_or(BUCKETS_MAX).clamp(1, BUCKETS_MAX);
        let mut units: Vec<Unit> = Vec::new();
        let mut size = 0_u64;
        for file in planned {
            // A stay is corrected by a later 様式1, and which of two stands is told apart by their units.
            let beside = |unit: &Unit| {
                file.raw.kind != Kind::Form1 || unit.files.iter().all(|known| known.raw.kind != Kind::Form1)
            };
            let open = |unit: &&mut Unit| size < UNIT_BYTES && unit.files.len() < UNIT_FILES && beside(unit);
            if let Some(unit) = units.last_mut().filter(open) {
                size = size.saturating_add(file.bytes);
                unit.files.push(file);
            } else {
                size = file.bytes;
                let number = u32::try_from(units.len()).unwrap_or(u32::MAX);
                units.push(Unit { number, files: vec![file] });
            }
        }
        Ok(Self { units, buckets, bytes })
    }

    /// A digest of everything that decides what the batch holds: files by path, size and time, layouts, keys, receivers, who stays out.
    pub(crate) fn digest(
        &self,
        job: &Job<'_>,
        layouts: &BTreeMap<String, Layout>,
        epoch: &str,
        absent: Option<Timestamp>,
    ) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        add(job.source.as_str());
        add(normalise::VERSION);
        add(epoch);
        add(&job.link_to.to_string());
        add(&job.release_to.to_string());
        if let Some(changed_at) = absent {
            add(&format!("absent {changed_at}"));
        }
        for (id, layout) in layouts {
            add(id);
            add(&layout.sha256);
        }
        for file in self.units.iter().flat_map(|unit| &unit.files) {
            add(&file.raw.path.to_string_lossy());
            let since = file.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            add(&format!("{} {}", file.bytes, since.as_nanos()));
        }
        hex::encode(hash.finalize())
    }
}

/// Files of one size are compared by their digests; all but the first of equal ones are not read.
fn mark_duplicates(files: &mut [Planned]) -> Result<(), PseudonymizeError> {
    let mut sizes: HashMap<u64, usize> = HashMap::new();
    for file in files.iter().filter(|file| file.skip.is_none()) {
        *sizes.entry(file.bytes).or_default() += 1;
    }
    let mut seen = HashSet::new();
    for file in files.iter_mut().filter(|file| file.skip.is_none()) {
        if sizes.get(&file.bytes).is_some_and(|files| *files > 1) {
            let digest = digest(&file.raw.path)?;
            if !seen.insert((file.bytes, digest)) {
                file.skip = Some(crate::report::Reason::FileDuplicate);
            }
        }
    }
    Ok(())
}
