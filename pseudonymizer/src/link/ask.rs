//! Which atoms' composites a run on top of the last full pass needs, asked of their holders as signed files
//! (`research/pseudonymization-anchors.md`, part 4: composites of new atoms, and of old ones in the blocks that they touch).
//!
//! A request names atoms by the random ids that their own holder has drawn, and says nothing else of them: no token, no block, no person.
//! Yet being asked tells a holder something: that the blocks of these atoms were touched, so that what has come in, in whatever database,
//! shares tokens with them or with their neighbours. Where even that must not be told (a small batch of a register that it is a secret to
//! be in), holders make run tokens of whole batches, which nobody has to ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::jws::{self, Document};
use policies::keys::KeyFolder;
use policies::{LinkagePolicy, durable};
use serde::{Deserialize, Serialize};

use super::LinkError;
use super::review::{AtomId, ReviewError};
use super::session::Session;
use crate::delivery::Delivery;

/// What is to be linked next, so that holders can be asked for its composites.
#[derive(Clone, Copy, Debug)]
pub struct AskJob<'a> {
    /// The linkage zone's keys.
    pub keys: &'a KeyFolder,
    /// The folder of link; it stays as it is.
    pub out: &'a Path,
    /// Token folders of the new batches.
    pub tokens: &'a [PathBuf],
    /// The rules' thresholds; those that the folder was linked by.
    pub policy: &'a LinkagePolicy,
    /// The folder to make for the requests.
    pub to: &'a Path,
}

/// Requests that were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A request for each source that has atoms in the pass, by name.
    pub requests: Vec<AskedSource>,
    /// Atoms that are held, of all sources.
    pub held: u64,
    /// Names of batches that are held already.
    pub held_already: Vec<String>,
}

/// The request to the holder of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedSource {
    /// Whose holder is asked.
    pub source: String,
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the signed request, hexadecimal.
    pub digest: String,
    /// Batches of the source that have asked atoms.
    pub batches: Vec<String>,
    /// Asked atoms of new batches.
    pub new: u64,
    /// Asked atoms that are held, of the blocks that are touched.
    pub old: u64,
    /// Atoms of the source that are held.
    pub held: u64,
}

impl Asked {
    /// Which part of the atoms that are held is asked for again, from 0 to 1.
    pub fn share(&self) -> f64 {
        part(self.requests.iter().map(|request| request.old).sum(), self.held)
    }
}

impl AskedSource {
    /// Which part of the source's atoms that are held is asked for again, from 0 to 1.
    pub fn share(&self) -> f64 {
        part(self.old, self.held)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share to be read, not to be counted with")]
fn part(asked: u64, held: u64) -> f64 {
    if held == 0 { 0.0 } else { asked as f64 / held as f64 }
}

/// Finds what [`super::run`] would link if it added these batches now, and writes a signed file `<source>.jws` for each holder of
/// it. Nothing is linked. [`LinkError::Unscored`] where the folder holds nothing to add to, or was never linked with composites: a full
/// pass with the run tokens of all batches is due then.
///
/// An atom's id tells its holder which of its own atoms is meant, and that its block was touched: see the module. Within a file atoms stand
/// by batch and in the order of their ids, so that it does not show which of them lie in one block.
pub fn ask(job: &AskJob<'_>, now: Timestamp) -> Result<Asked, LinkError> {
    // A folder that link has never run in is not made by a slip of the keyboard.
    if !job.out.is_dir() {
        return Err(LinkError::Unscored { path: job.out.to_owned() });
    }
    let session = Session::open(job.keys, job.out, job.policy, now)?;
    let wanted = session.wanted(job.tokens)?;
    let mut asked = Asked { requests: Vec::new(), held: wanted.held, held_already: wanted.held_already };
    if wanted.by_source.is_empty() {
        return Ok(asked);
    }
    let taken = |cause: io::Error| {
        let path = job.to.to_owned();
        if cause.kind() == io::ErrorKind::AlreadyExists {
            LinkError::Exists { path }
        } else {
            LinkError::Io { path, cause }
        }
    };
    let folder = Delivery::begin(job.to).map_err(taken)?;
    let key = job.keys.signing("sign").map_err(LinkError::keys)?;
    for (source, of) in wanted.by_source {
        let name = format!("{source}.jws");
        let (path, untrusted) =
            (folder.path(&name), |cause| LinkError::Untrusted { path: job.to.join(&name), cause: Box::new(cause) });
        let holder = job.keys.trusted(&source).map_err(untrusted)?.fingerprint();
        let request = Request { source: source.clone(), holder, made_at: now, batches: of.batches };
        let signed = request.sign(&key).map_err(ReviewError::Sign)?;
        durable::replace_private(&path, format!("{signed}\n").as_bytes()).map_err(LinkError::io(&path))?;
        asked.requests.push(AskedSource {
            source,
            path: job.to.join(&name),
            digest: jws::digest(&signed),
            batches: request.batches.into_keys().collect(),
            new: of.new,
            old: of.old,
            held: of.held,
        });
    }
    folder.publish().map_err(LinkError::io(job.to))?;
    Ok(asked)
}

/// Atoms of a pass.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) by_source: BTreeMap<String, WantedOf>,
    pub(super) held: u64,
    pub(super) held_already: Vec<String>,
}

/// Those of one source.
#[derive(Default)]
pub(super) struct WantedOf {
    pub(super) batches: BTreeMap<String, BTreeSet<AtomId>>,
    pub(super) new: u64,
    pub(super) old: u64,
    pub(super) held: u64,
}

/// The linkage zone asks a holder for the run tokens of some atoms.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) source: String,
    /// Fingerprint of the holder's signing key.
    pub(crate) holder: String,
    pub(crate) made_at: Timestamp,
    /// By the random name of a batch, the ids of its asked atoms.
    pub(crate) batches: BTreeMap<String, BTreeSet<AtomId>>,
}

impl Document for Request {
    const KIND: &'static str = "sudare-run-tokens-request+jws";
}
