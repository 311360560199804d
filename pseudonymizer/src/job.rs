//! A run of the pseudonymizer: one source's raw files to a batch folder, which appears whole or not at all. Files are read by
//! several threads in units of work; what is finished of an interrupted run is not read again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::keys::{KeyFolder, SealRecipient};
use policies::source::SourceId;

mod error;
mod files;
mod fold;
mod folder;
mod manifest;
mod secrets;
#[cfg(test)]
mod tests;
mod units;
mod work;

pub use error::PseudonymizeError;
pub(crate) use files::Kind;
pub(crate) use secrets::BatchSecrets;
pub(crate) use work::read_as;

use crate::absent::Absent;
use crate::intake::Batch;
use crate::layout::{self, Layout, accepted};
use crate::report::Report;
use crate::tokens::TokenKeys;
use folder::Folder;
use units::Plan;
use work::Worker;

/// How to do it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that read.
    pub threads: usize,
    /// Share of records in quarantine above which there is no batch; a part of the source's policy.
    pub max_quarantine_share: f64,
    /// Atoms that may share one token of a kind; above, the kind is refused for the batch. A part of the source's policy.
    pub max_multiplicity: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 2,
            max_quarantine_share: policies::source::max_quarantine_share(),
            max_multiplicity: policies::source::admission_max_multiplicity(),
        }
    }
}

/// What to do.
pub struct Job<'a> {
    /// Whose files they are.
    pub source: SourceId,
    /// The holder's keys.
    pub keys: &'a KeyFolder,
    /// Who the tokens are sealed to: the linkage zone.
    pub link_to: SealRecipient,
    /// Who the content is sealed to: the enclave.
    pub release_to: SealRecipient,
    /// The batch folder to make.
    pub out: PathBuf,
    /// Files, or folders of files.
    pub files: Vec<PathBuf>,
    /// How.
    pub options: Options,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far, of the files finished by an earlier run too.
    pub bytes: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
    /// Records read so far.
    pub records: u64,
    /// Units of work read already, by this run or an earlier one; then the batch is put together.
    pub units: usize,
    /// Units of work in all.
    pub units_total: usize,
}

/// Makes a batch folder of a source's raw files.
///
/// Bad records go to quarantine and do not end the run. A run that ends without a batch leaves `<out>.partial`, which the same
/// command goes on with; a batch that stands already is left as it is, if it was made from the same files. `now` is written on
/// the batch; `progress` is called a few times a second and answers whether to go on.
pub fn pseudonymize(
    job: &Job<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Report, PseudonymizeError> {
    with_layouts(job, &layouts_of(job)?, now, progress)
}

/// The same with other layouts than those that stand.
fn with_layouts(
    job: &Job<'_>,
    layouts: &BTreeMap<String, Layout>,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Report, PseudonymizeError> {
    let own = |layout: &&Layout| layout.source == job.source.as_str();
    let layouts = layouts.values().filter(own).map(|layout| (layout.id.clone(), layout.clone())).collect();
    let raw = files::find(&job.files, &layouts)?;
    if !raw.iter().any(|file| file.skipped_in(job.source.as_str()).is_none()) {
        return Err(PseudonymizeError::Nothing { files: raw.len(), source_name: job.source.to_string() });
    }
    let plan = Plan::of(raw, job.source.as_str())?;
    let epoch = job.keys.bytes("epoch").map_err(PseudonymizeError::Keys)?;
    let absent = Absent::open(job.keys, &job.source, &epoch).map_err(PseudonymizeError::OptOut)?;
    let inputs = plan.digest(job, &layouts, &epoch.fingerprint(), absent.changed_at());
    if let Some(report) = folder::made_of(&job.out, &inputs)? {
        return Ok(report);
    }
    let folder = Folder::begin(&job.out, &inputs, job.keys)?;
    let keys = TokenKeys::derive(&epoch);
    let batch = Batch { layouts: &layouts, keys: &keys, secrets: folder.secrets(), absent: &absent };
    let holder = job.keys.recipient().map_err(PseudonymizeError::Keys)?;
    let worker = Worker { batch: &batch, plan: &plan, folder: &folder, holder: &holder };
    let parts = work::read_all(&worker, job.options.threads, progress)?;
    let folded = fold::fold(job, &folder, &plan, &parts, &epoch.fingerprint(), &absent)?;
    manifest::finish(job, &epoch, &layouts, folded, folder, now)
}

/// The layouts that a source's files are read with: those that come with this version, or the one that the holder accepted.
fn layouts_of(job: &Job<'_>) -> Result<BTreeMap<String, Layout>, PseudonymizeError> {
    match catalog::added_source(job.source.as_str()) {
        Some(added) => {
            let layout = accepted::open(added, job.keys).map_err(PseudonymizeError::Accept)?;
            Ok(BTreeMap::from([(layout.id.clone(), layout)]))
        }
        None => layout::shipped().map_err(PseudonymizeError::Layout),
    }
}

/// SHA-256 of a file, hexadecimal.
fn digest(path: &Path) -> Result<String, PseudonymizeError> {
    catalog::manifest::digest_of(path).map(|(_, sha256)| sha256).map_err(PseudonymizeError::io(path))
}

/// Removes a folder and all in it; fine if it is not there.
fn remove(path: &Path) -> Result<(), PseudonymizeError> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(PseudonymizeError::Io { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}
