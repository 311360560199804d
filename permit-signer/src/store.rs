//! The signer's memory: permits as files, and what may never be forgotten in `state.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use policies::application::Pause;
use policies::{ApplicationId, PermitId, ProjectId, SessionId, durable};
use serde::{Deserialize, Serialize};

use crate::error::SignerError;

/// Sequence numbers of status documents are reserved on disk in blocks, so that a restart never falls back behind one that was
/// handed out, and not every document costs a write.
const SEQUENCE_BLOCK: u64 = 1_000;

/// `state.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// No status document has this number or a higher one yet.
    pub(crate) sequence_reserved: u64,
    /// Number of the last permit.
    pub(crate) last_number: u32,
    /// Which permit an application led to, and by which head.
    pub(crate) applications: BTreeMap<ApplicationId, Signed>,
    /// Which application a project runs under.
    pub(crate) projects: BTreeMap<ProjectId, ApplicationId>,
    /// Permits that no longer hold.
    pub(crate) revoked_permits: BTreeSet<PermitId>,
    /// Applications for which nothing is signed any more.
    #[serde(default)]
    pub(crate) ended: BTreeSet<ApplicationId>,
    /// Applications whose permit does not hold before its history tells of the restriction with that hash.
    #[serde(default)]
    pub(crate) restricted: BTreeMap<ApplicationId, String>,
    /// Applications whose permit does not hold before its history tells, after the record with that hash, of a resumption.
    #[serde(default)]
    pub(crate) suspended: BTreeMap<ApplicationId, String>,
    /// Sessions that no longer hold.
    pub(crate) revoked_sessions: BTreeSet<SessionId>,
}

impl State {
    /// Permits that hold no more.
    pub(crate) fn over(&self) -> BTreeSet<PermitId> {
        let paused = self.restricted.keys().chain(self.suspended.keys());
        let paused = paused.filter_map(|application| self.applications.get(application));
        paused.map(|signed| &signed.permit).chain(&self.revoked_permits).cloned().collect()
    }

    /// Has the permit of an application wait for a restriction. False: nothing is new.
    pub(crate) fn restrict(&mut self, pause: &Pause) -> Result<bool, SignerError> {
        let signed = self.pausable(pause)?;
        // Its answer was lost on the way, or somebody else was faster.
        let waits = signed.is_some_and(|signed| !signed.restrictions.contains(&pause.head));
        Ok(waits && begin(&mut self.restricted, pause))
    }

    /// Has the permit of an application wait for a resumption. False: nothing is new.
    pub(crate) fn suspend(&mut self, pause: &Pause) -> Result<bool, SignerError> {
        Ok(self.pausable(pause)?.is_some() && begin(&mut self.suspended, pause))
    }

    /// What was signed for the application, if it has not ended for good.
    fn pausable(&self, pause: &Pause) -> Result<Option<&Signed>, SignerError> {
        let signed = self.applications.get(&pause.application).ok_or(SignerError::NotFound)?;
        let ended = self.ended.contains(&pause.application) || self.revoked_permits.contains(&signed.permit);
        Ok(Some(signed).filter(|_| !ended))
    }
}

fn begin(pauses: &mut BTreeMap<ApplicationId, String>, pause: &Pause) -> bool {
    pauses.insert(pause.application.clone(), pause.head.clone()).as_ref() != Some(&pause.head)
}

/// A signed permit of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signed {
    /// Hash of the last event.
    pub(crate) head: String,
    /// The permit.
    pub(crate) permit: PermitId,
    /// Hashes of the restrictions that it is as narrow as.
    #[serde(default)]
    pub(crate) restrictions: BTreeSet<String>,
    /// Hashes of the pledges that nobody vouched for then.
    #[serde(default)]
    pub(crate) unvouched: BTreeSet<String>,
}

/// The folder with everything, held by one process.
pub(crate) struct Store {
    folder: PathBuf,
    pub(crate) state: State,
    sequence: u64,
    _lock: fs::File,
}

impl Store {
    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens or makes the folder, for this process alone.
    pub(crate) fn open(folder: &Path) -> Result<Self, SignerError> {
        let permits = folder.join("permits");
        fs::create_dir_all(&permits).map_err(|cause| SignerError::Store { path: permits, cause })?;
        let path = folder.join("lock");
        let open = || {
            let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.try_lock()?;
            io::Result::Ok(file)
        };
        let lock = open().map_err(|cause| SignerError::Store { path: path.clone(), cause })?;
        let path = folder.join("state.json");
        let state: State = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|cause| SignerError::Store { path: path.clone(), cause: cause.into() })?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => State::default(),
            Err(cause) => return Err(SignerError::Store { path, cause }),
        };
        let sequence = state.sequence_reserved;
        Ok(Self { folder: folder.to_owned(), state, sequence, _lock: lock })
    }

    /// The next number for a status document.
    pub(crate) fn next_sequence(&mut self) -> Result<u64, SignerError> {
        if self.sequence >= self.state.sequence_reserved {
            let state = State { sequence_reserved: self.sequence + SEQUENCE_BLOCK, ..self.state.clone() };
            self.replace(state)?;
        }
        self.sequence += 1;
        Ok(self.sequence)
    }

    /// Puts `state` on disk, then in its place.
    pub(crate) fn replace(&mut self, state: State) -> Result<(), SignerError> {
        let path = self.folder.join("state.json");
        let store = |cause| SignerError::Store { path: path.clone(), cause };
        let bytes = serde_json::to_vec_pretty(&state).map_err(|cause| store(cause.into()))?;
        durable::replace_private(&path, &bytes).map_err(store)?;
        self.state = state;
        Ok(())
    }

    /// Stores a signed permit.
    pub(crate) fn write_permit(&self, id: &PermitId, jws: &str) -> Result<(), SignerError> {
        let path = self.permit_path(id);
        durable::replace(&path, jws.as_bytes()).map_err(|cause| SignerError::Store { path, cause })
    }

    /// A permit as it was signed.
    pub(crate) fn read_permit(&self, id: &PermitId) -> Result<String, SignerError> {
        let path = self.permit_path(id);
        fs::read_to_string(&path).map_err(|cause| {
            if cause.kind() == io::ErrorKind::NotFound {
                SignerError::NotFound
            } else {
                SignerError::Store { path, cause }
            }
        })
    }

    // A `PermitId` has digits and dashes only: it cannot lead out of the folder.
    fn permit_path(&self, id: &PermitId) -> PathBuf {
        self.folder.join("permits").join(format!("{id}.jws"))
    }
}
