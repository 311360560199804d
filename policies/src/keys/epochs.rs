//! A holder's epochs: which key tokens are made under now, which one comes next, and how far the change has come.
//!
//! `epochs.json` in the holder's folder says it; the keys lie beside the others in `secret/`: `epoch` (now), `epoch-next` while a
//! rotation is prepared, `epoch-previous` between switch and destruction. A folder without the file is in its first epoch, with
//! the random key that `sudare keys init` made.

mod decide;

use std::fs::{self, File};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use decide::{RotationError, Turn};

use super::{BridgeVerdict, KeyError, KeyFolder, SecretBytes, file};
use crate::durable;
use crate::jws::{self, Document};

/// The public side of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// 1, 2, 3 …
    pub number: u32,
    /// Name of its key, 16 hexadecimal digits.
    pub fingerprint: String,
    /// Name of the root that the key was derived from; none for a random key.
    pub root: Option<String>,
    /// When the key was made, at whichever holder.
    pub made_at: Timestamp,
}

/// An epoch whose key no longer exists here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destroyed {
    /// Which.
    pub epoch: Epoch,
    /// When its key was removed.
    pub at: Timestamp,
}

/// How far a rotation has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stage {
    /// No rotation.
    Steady,
    /// The next key is here; nothing is made under it.
    Prepared {
        /// The next epoch.
        next: Epoch,
    },
    /// Tokens are made under both keys, for the bridge.
    Started {
        /// The next epoch.
        next: Epoch,
    },
    /// The bridge has left for the linkage zone.
    BridgeMade {
        /// The next epoch.
        next: Epoch,
        /// SHA-256 (hex) of the bridge.
        bridge: String,
    },
    /// The linkage zone has said that the bridge holds.
    Verified {
        /// The next epoch.
        next: Epoch,
        /// SHA-256 (hex) of the bridge.
        bridge: String,
        /// SHA-256 (hex) of the signed verdict.
        verdict: String,
    },
    /// The next epoch is the current one; the key before it is still here.
    Switched {
        /// The epoch before.
        previous: Epoch,
    },
}

/// What `epochs.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochState {
    /// Tokens are made under this one.
    pub current: Epoch,
    /// How far a rotation has come.
    pub rotation: Stage,
    /// Epochs whose keys were removed, oldest first.
    #[serde(default)]
    pub destroyed: Vec<Destroyed>,
}

const CURRENT: &str = "epoch";
const NEXT: &str = "epoch-next";
const PREVIOUS: &str = "epoch-previous";

/// A holder's epochs, held under a lock: one command at a time changes them. Overwriting a key's file is a best effort: disks that
/// write elsewhere (flash, copy on write, snapshots) and backups may keep the old bytes.
pub struct Epochs {
    folder: KeyFolder,
    state: EpochState,
    _lock: File,
}

impl Epochs {
    /// Opens the epochs of a holder's folder. A switch or join that was interrupted is finished here.
    pub fn open(folder: &KeyFolder) -> Result<Self, RotationError> {
        folder.holders_only()?;
        let lock = lock(folder)?;
        let state = match stored(folder)? {
            Some(state) => state,
            None => first(folder)?,
        };
        let epochs = Self { folder: folder.clone(), state, _lock: lock };
        epochs.finish()?;
        Ok(epochs)
    }

    /// What stands in the file.
    pub fn state(&self) -> &EpochState {
        &self.state
    }

    /// The next epoch's key, while there is one.
    pub fn next_key(&self) -> Result<Option<(Epoch, SecretBytes)>, RotationError> {
        let Some(next) = self.state.next() else { return Ok(None) };
        let key = self.folder.bytes(NEXT)?;
        if key.fingerprint() == next.fingerprint { Ok(Some((next.clone(), key))) } else { Err(self.broken()) }
    }

    /// Takes a key as the next epoch's.
    pub fn prepare(&mut self, next: Epoch, key: &SecretBytes) -> Result<(), RotationError> {
        let state = self.state.decide(Turn::Prepare(named(next, key)))?;
        self.folder.replace_bytes(NEXT, key)?;
        self.store(state)
    }

    /// Takes a key that the holders share already in the place of this folder's own.
    pub fn join(&mut self, shared: Epoch, key: &SecretBytes) -> Result<(), RotationError> {
        let state = self.state.decide(Turn::Join(named(shared, key)))?;
        self.folder.replace_bytes(NEXT, key)?;
        self.store(state)?;
        self.finish()
    }

    /// From now on tokens are made under both keys.
    pub fn start(&mut self) -> Result<(), RotationError> {
        self.store(self.state.decide(Turn::Start)?)
    }

    /// The bridge of this digest (SHA-256, hex) has been made.
    pub fn bridge_made(&mut self, bridge: &str) -> Result<(), RotationError> {
        self.store(self.state.decide(Turn::BridgeMade(bridge.to_owned()))?)
    }

    /// Takes the linkage zone's signed verdict. It must be signed by the key that this folder trusts as `linkage`, and speak of
    /// these two epochs and this bridge.
    pub fn verify(&mut self, signed: &str) -> Result<(), RotationError> {
        let key = self.folder.trusted("linkage")?;
        let verdict = BridgeVerdict::verify(signed, &key).map_err(RotationError::Verdict)?;
        self.store(self.state.decide(Turn::Verify(verdict, jws::digest(signed)))?)
    }

    /// Tokens are made under the next key alone; the old key stays until [`Self::destroy`].
    pub fn switch(&mut self) -> Result<(), RotationError> {
        let state = self.state.decide(Turn::Switch)?;
        if self.next_key()?.is_none() {
            return Err(self.broken());
        }
        self.keep_previous()?;
        self.store(state)?;
        self.finish()
    }

    /// Removes the old epoch's key.
    pub fn destroy(&mut self, now: Timestamp) -> Result<(), RotationError> {
        let state = self.state.decide(Turn::Destroy(now))?;
        // Overwriting a second name of the current key would lose it.
        if self.folder.bytes(PREVIOUS).is_ok_and(|key| key.fingerprint() == self.state.current.fingerprint) {
            return Err(self.broken());
        }
        // The key first: what the file calls destroyed is gone.
        self.folder.wipe(PREVIOUS)?;
        self.store(state)
    }

    /// Gives a rotation up before the switch, and wipes the next key.
    pub fn cancel(&mut self, now: Timestamp) -> Result<(), RotationError> {
        let state = self.state.decide(Turn::Cancel(now))?;
        self.folder.wipe(NEXT)?;
        self.store(state)
    }

    /// Gives the current key its second name. A link, so that destroying it later overwrites the very blocks that it lies in.
    fn keep_previous(&self) -> Result<(), KeyError> {
        let (from, to) = (self.folder.secret(CURRENT), self.folder.secret(PREVIOUS));
        if fs::hard_link(from, to).is_ok() {
            return Ok(());
        }
        self.folder.replace_bytes(PREVIOUS, &self.folder.bytes(CURRENT)?)
    }

    /// Brings the keys to where the file says they are, if a stop left them elsewhere.
    fn finish(&self) -> Result<(), RotationError> {
        if self.folder.bytes(CURRENT)?.fingerprint() != self.state.current.fingerprint {
            let key = self.folder.bytes(NEXT).map_err(|_| self.broken())?;
            if key.fingerprint() != self.state.current.fingerprint {
                return Err(self.broken());
            }
            self.folder.replace_bytes(CURRENT, &key)?;
        }
        if self.state.next().is_none() {
            self.folder.wipe(NEXT)?;
        }
        let previous = self.folder.secret(PREVIOUS);
        if !matches!(self.state.rotation, Stage::Switched { .. }) && previous.exists() {
            // Of a switch that did not happen: a second name of the current key, so never overwritten.
            fs::remove_file(&previous).map_err(|cause| KeyError::Io { path: previous, cause })?;
        }
        Ok(())
    }

    fn store(&mut self, state: EpochState) -> Result<(), RotationError> {
        let at = self.folder.path().join(FILE);
        let text = serde_json::to_vec_pretty(&state)
            .map_err(|cause| KeyError::Io { path: at.clone(), cause: cause.into() })?;
        durable::replace_private(&at, &text).map_err(|cause| KeyError::Io { path: at, cause })?;
        self.state = state;
        Ok(())
    }

    fn broken(&self) -> RotationError {
        RotationError::Broken { path: self.folder.path().join(FILE) }
    }
}

/// File name of the state, in the key folder.
const FILE: &str = "epochs.json";

impl KeyFolder {
    /// The current epoch with its key, for making tokens. Refuses a folder in which the two do not belong together.
    pub fn epoch(&self) -> Result<(Epoch, SecretBytes), RotationError> {
        self.holders_only()?;
        let read = || -> Result<_, RotationError> {
            let state = stored(self)?.map_or_else(|| first(self), Ok)?;
            Ok((state.current, self.bytes(CURRENT)?))
        };
        let (epoch, key) = read()?;
        if key.fingerprint() == epoch.fingerprint {
            return Ok((epoch, key));
        }
        // A switch is going on, or was interrupted: wait for it, or finish it.
        Epochs::open(self)?;
        read()
    }
}

fn named(epoch: Epoch, key: &SecretBytes) -> Epoch {
    Epoch { fingerprint: key.fingerprint(), ..epoch }
}

fn lock(folder: &KeyFolder) -> Result<File, KeyError> {
    let at: PathBuf = folder.path().join("epochs.lock");
    let open = || {
        let file = File::options().create(true).truncate(false).write(true).open(&at)?;
        file.lock()?;
        Ok(file)
    };
    open().map_err(|cause| KeyError::Io { path: at.clone(), cause })
}

fn stored(folder: &KeyFolder) -> Result<Option<EpochState>, RotationError> {
    let at = folder.path().join(FILE);
    let Some(text) = file::read_private(&at)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|_| RotationError::Broken { path: at })
}

fn first(folder: &KeyFolder) -> Result<EpochState, RotationError> {
    let fingerprint = folder.bytes(CURRENT)?.fingerprint();
    let current = Epoch { number: 1, fingerprint, root: None, made_at: folder.created_at()? };
    Ok(EpochState { current, rotation: Stage::Steady, destroyed: Vec::new() })
}

#[cfg(test)]
mod tests;
