//! Tokens of all sources to persons: union-find with conflict rules, then a crosswalk sealed to the enclave. Runs in the
//! linkage zone, which sees no identifier and no content.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::LinkagePolicy;
use policies::keys::KeyFolder;

pub(crate) mod absent;
pub(crate) mod ask;
mod atoms;
mod bridge;
mod components;
pub(crate) mod crosswalk;
mod diff;
mod error;
mod events;
mod evidence;
mod gather;
mod groups;
mod held;
mod keys;
mod names;
mod packed;
mod parallel;
mod pass;
mod permutation;
mod persons;
mod ranks;
mod report;
pub mod review;
mod rules;
mod scored;
mod session;
mod spill;
pub(crate) mod store;
mod tokens;

pub use ask::{AskJob, Asked, AskedSource, ask};
pub use bridge::{
    BridgeCheck, BridgeReport, Difference, RemovedBridge, check as check_bridges, remove as remove_bridge,
};
pub use crosswalk::{MarkedFile, Marker};
pub use diff::{LinkDiff, Persons, Side, compare};
pub use error::LinkError;
pub use report::{Churn, Cluster, LinkReport, Pass, veiled};
pub use scored::{Bin, ScoredReport};

use session::Session;

/// What to link.
#[derive(Clone, Copy, Debug)]
pub struct LinkJob<'a> {
    /// The linkage zone's keys.
    pub keys: &'a KeyFolder,
    /// The folder of link; earlier runs' results lie there.
    pub out: &'a Path,
    /// Token folders: of all batches for a rebuild, of new ones otherwise.
    pub tokens: &'a [PathBuf],
    /// The rules' thresholds.
    pub policy: &'a LinkagePolicy,
    /// Folders of the holders' tokens of this run, if composites are to be scored.
    pub run_tokens: &'a [PathBuf],
    /// Files with signed answers to questions.
    pub answers: &'a [PathBuf],
    /// Whether to begin from the named folders alone; person keys stay.
    pub rebuild: bool,
}

impl<'a> LinkJob<'a> {
    /// Links by tokens at rest alone, on top of what the folder holds.
    pub fn new(keys: &'a KeyFolder, out: &'a Path, tokens: &'a [PathBuf], policy: &'a LinkagePolicy) -> Self {
        Self { keys, out, tokens, policy, run_tokens: &[], answers: &[], rebuild: false }
    }
}

/// How far a run of link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkProgress {
    /// Atoms read so far.
    pub atoms: u64,
    /// Persons, once the atoms are partitioned.
    pub persons: Option<u64>,
}

/// What to forget.
#[derive(Clone, Copy, Debug)]
pub struct ForgetJob<'a> {
    /// The linkage zone's keys.
    pub keys: &'a KeyFolder,
    /// The folder of link.
    pub out: &'a Path,
    /// Whose atoms go.
    pub what: Forgotten<'a>,
    /// The rules' thresholds; those that the folder was linked by.
    pub policy: &'a LinkagePolicy,
}

/// Whose atoms are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten<'a> {
    /// A batch that its holder withdrew, by its random name.
    Batch(&'a str),
    /// A source whose holder is no longer trusted.
    Source(&'a str),
}

/// Links the named batches: all that is held, where a folder holds nothing or everything is to be rebuilt, and otherwise what the new
/// ones touch. Leaves files of the crosswalk, what the zone holds, `events.jsonl`, `report.json` and, last, `crosswalk.json` in
/// `job.out`. Until then the results of the last finished run stand.
pub fn run(job: &LinkJob<'_>, now: Timestamp, progress: &mut dyn FnMut(LinkProgress)) -> Result<LinkReport, LinkError> {
    let session = Session::open(job.keys, job.out, job.policy, now)?;
    session.link(job, progress)
}

/// Takes the atoms of a source or a batch away, as if they had never been handed over: what was joined by them alone falls apart, and
/// persons of other holders keep their keys.
pub fn forget(job: &ForgetJob<'_>, now: Timestamp) -> Result<LinkReport, LinkError> {
    Session::open(job.keys, job.out, job.policy, now)?.forget(job.what)
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
