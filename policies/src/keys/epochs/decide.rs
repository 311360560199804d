//! Which turn a rotation may take: a pure function of where it stands.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{BridgeVerdict, Destroyed, Epoch, EpochState, KeyError, Stage};
use crate::jws::JwsError;

/// What is asked of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The bridge of this digest was made.
    BridgeMade(String),
    /// Give it up.
    Cancel(Timestamp),
    /// Remove the old key.
    Destroy(Timestamp),
    /// Take a shared key as the current one.
    Join(Epoch),
    /// Take a key as the next one.
    Prepare(Epoch),
    /// Make tokens under both keys.
    Start,
    /// Make tokens under the next key alone.
    Switch,
    /// Take a verdict, already known to be signed by the linkage zone, with its digest.
    Verify(BridgeVerdict, String),
}

/// Why an epoch cannot be changed. Never carries key material.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The file and the keys do not belong together.
    #[error("{} does not fit the keys beside it; restore the folder as a whole, or join the epoch again in a new one", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// A rotation is under way.
    #[error(
        "a rotation to epoch {next} is under way; finish it, or give it up with `sudare keys epoch rotate --cancel`"
    )]
    UnderWay {
        /// The next epoch.
        next: u32,
    },
    /// The old key is still there.
    #[error("the key of epoch {previous} is still here; remove it first with `sudare keys epoch rotate --destroy`")]
    NotDestroyed {
        /// The epoch before.
        previous: u32,
    },
    /// There is no next epoch.
    #[error("there is no next epoch; make it with `sudare keys epoch new`, or join the one that another holder made")]
    NoNext,
    /// The rotation has not begun.
    #[error("the rotation has not begun; run `sudare keys epoch rotate --start`")]
    NotStarted,
    /// The rotation has begun already.
    #[error("the rotation has begun already; the next step is the bridge, then `sudare keys epoch rotate --switch`")]
    Started,
    /// No bridge was made.
    #[error("no bridge between the epochs was made yet; make it before the verdict is asked for")]
    NoBridge,
    /// There is no digest in hexadecimal.
    #[error("a bridge is named by its SHA-256, 64 hexadecimal digits")]
    Digest,
    /// No verdict.
    #[error("the linkage zone has not verified the bridge; present its signed verdict with --verdict")]
    NotVerified,
    /// The verdict is not signed by the linkage zone.
    #[error("the verdict is not the linkage zone's; ask for it again, and compare the trusted key's fingerprint")]
    Verdict(#[source] JwsError),
    /// The verdict speaks of something else.
    #[error(
        "the verdict speaks of other epochs or of another bridge; ask the linkage zone for the one of this rotation"
    )]
    OtherVerdict,
    /// There is nothing to destroy yet.
    #[error("epoch {current} is in use and there is no older key here; a key can be removed only after the switch")]
    NotSwitched {
        /// The current epoch.
        current: u32,
    },
    /// The number is not a later one.
    #[error("epoch {found} does not come after epoch {current} of this folder; ask for the holders' current epoch")]
    Number {
        /// The folder's current epoch.
        current: u32,
        /// The number that came.
        found: u32,
    },
    /// The key was destroyed here.
    #[error("the key of epoch {number} was removed here and does not come back; ask for the current epoch")]
    Destroyed {
        /// Which.
        number: u32,
    },
    /// The next key is the current one.
    #[error("this is the key of the current epoch; the next epoch needs another one")]
    SameKey,
    /// The key folder.
    #[error("the holder's key folder cannot be used")]
    Folder(#[source] KeyError),
}

impl From<KeyError> for RotationError {
    fn from(cause: KeyError) -> Self {
        Self::Folder(cause)
    }
}

impl EpochState {
    /// The next epoch, while a rotation is prepared or under way.
    pub fn next(&self) -> Option<&Epoch> {
        match &self.rotation {
            Stage::Steady | Stage::Switched { .. } => None,
            Stage::Prepared { next }
            | Stage::Started { next }
            | Stage::BridgeMade { next, .. }
            | Stage::Verified { next, .. } => Some(next),
        }
    }

    /// The number that a new epoch takes: after every number that was ever used here, so that a root never derives an old key again.
    pub fn next_number(&self) -> u32 {
        let used = self.destroyed.iter().map(|gone| gone.epoch.number).chain([self.current.number]);
        used.max().unwrap_or_default().saturating_add(1)
    }

    /// The state after a turn, or why it may not be taken. No clock, no files.
    pub fn decide(&self, turn: Turn) -> Result<Self, RotationError> {
        match turn {
            Turn::BridgeMade(bridge) => self.bridge_made(bridge),
            Turn::Cancel(at) => self.cancel(at),
            Turn::Destroy(at) => self.destroy(at),
            Turn::Join(shared) => self.join(shared),
            Turn::Prepare(next) => self.prepare(next),
            Turn::Start => self.start(),
            Turn::Switch => self.switch(),
            Turn::Verify(verdict, digest) => self.verify(&verdict, digest),
        }
    }

    fn at(&self, rotation: Stage) -> Self {
        Self { rotation, ..self.clone() }
    }

    /// Only a folder without a rotation takes a new key.
    fn steady(&self) -> Result<(), RotationError> {
        match (&self.rotation, self.next()) {
            (Stage::Switched { previous }, _) => Err(RotationError::NotDestroyed { previous: previous.number }),
            (_, Some(next)) => Err(RotationError::UnderWay { next: next.number }),
            (_, None) => Ok(()),
        }
    }

    fn never_destroyed(&self, epoch: &Epoch) -> Result<(), RotationError> {
        let gone = self.destroyed.iter().find(|gone| gone.epoch.fingerprint == epoch.fingerprint);
        gone.map_or(Ok(()), |gone| Err(RotationError::Destroyed { number: gone.epoch.number }))
    }

    fn prepare(&self, next: Epoch) -> Result<Self, RotationError> {
        if matches!(&self.rotation, Stage::Prepared { next: known } if known.fingerprint == next.fingerprint) {
            return Ok(self.clone());
        }
        self.steady()?;
        self.never_destroyed(&next)?;
        if next.fingerprint == self.current.fingerprint {
            return Err(RotationError::SameKey);
        }
        if next.number <= self.current.number {
            return Err(RotationError::Number { current: self.current.number, found: next.number });
        }
        Ok(self.at(Stage::Prepared { next }))
    }

    fn join(&self, shared: Epoch) -> Result<Self, RotationError> {
        if shared.fingerprint == self.current.fingerprint && shared.number == self.current.number {
            return Ok(self.clone());
        }
        self.steady()?;
        self.never_destroyed(&shared)?;
        if shared.number < self.current.number {
            return Err(RotationError::Number { current: self.current.number, found: shared.number });
        }
        Ok(Self { current: shared, ..self.clone() })
    }

    fn start(&self) -> Result<Self, RotationError> {
        match &self.rotation {
            Stage::Prepared { next } => Ok(self.at(Stage::Started { next: next.clone() })),
            Stage::Steady | Stage::Switched { .. } => Err(RotationError::NoNext),
            Stage::Started { .. } | Stage::BridgeMade { .. } | Stage::Verified { .. } => Err(RotationError::Started),
        }
    }

    fn bridge_made(&self, bridge: String) -> Result<Self, RotationError> {
        if bridge.len() != 64 || !bridge.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(RotationError::Digest);
        }
        match &self.rotation {
            Stage::Steady | Stage::Switched { .. } => Err(RotationError::NoNext),
            Stage::Prepared { .. } => Err(RotationError::NotStarted),
            // A bridge may be made again, e.g. after new batches; a verdict on the one before is void then.
            Stage::Started { next } | Stage::BridgeMade { next, .. } | Stage::Verified { next, .. } => {
                Ok(self.at(Stage::BridgeMade { next: next.clone(), bridge }))
            }
        }
    }

    fn verify(&self, verdict: &BridgeVerdict, digest: String) -> Result<Self, RotationError> {
        match &self.rotation {
            Stage::Steady | Stage::Switched { .. } => Err(RotationError::NoNext),
            Stage::Prepared { .. } => Err(RotationError::NotStarted),
            Stage::Started { .. } => Err(RotationError::NoBridge),
            Stage::BridgeMade { next, bridge } | Stage::Verified { next, bridge, .. } => {
                let ours = verdict.from == self.current.fingerprint
                    && verdict.to == next.fingerprint
                    && verdict.bridge == *bridge;
                let rotation = Stage::Verified { next: next.clone(), bridge: bridge.clone(), verdict: digest };
                if ours { Ok(self.at(rotation)) } else { Err(RotationError::OtherVerdict) }
            }
        }
    }

    fn switch(&self) -> Result<Self, RotationError> {
        match &self.rotation {
            Stage::Steady | Stage::Switched { .. } => Err(RotationError::NoNext),
            Stage::Prepared { .. } => Err(RotationError::NotStarted),
            Stage::Started { .. } => Err(RotationError::NoBridge),
            Stage::BridgeMade { .. } => Err(RotationError::NotVerified),
            Stage::Verified { next, .. } => Ok(Self {
                current: next.clone(),
                rotation: Stage::Switched { previous: self.current.clone() },
                destroyed: self.destroyed.clone(),
            }),
        }
    }

    fn destroy(&self, at: Timestamp) -> Result<Self, RotationError> {
        match &self.rotation {
            Stage::Switched { previous } => Ok(self.without(previous, at)),
            Stage::Steady
            | Stage::Prepared { .. }
            | Stage::Started { .. }
            | Stage::BridgeMade { .. }
            | Stage::Verified { .. } => Err(RotationError::NotSwitched { current: self.current.number }),
        }
    }

    fn cancel(&self, at: Timestamp) -> Result<Self, RotationError> {
        match (&self.rotation, self.next()) {
            (Stage::Switched { previous }, _) => Err(RotationError::NotDestroyed { previous: previous.number }),
            (_, Some(next)) => Ok(self.without(next, at)),
            (_, None) => Err(RotationError::NoNext),
        }
    }

    /// Steady again, without this epoch's key.
    fn without(&self, epoch: &Epoch, at: Timestamp) -> Self {
        let gone = Destroyed { epoch: epoch.clone(), at };
        let destroyed = self.destroyed.iter().cloned().chain([gone]).collect();
        Self { rotation: Stage::Steady, destroyed, ..self.clone() }
    }
}
