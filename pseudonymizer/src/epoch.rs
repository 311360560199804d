//! What the holders share so that the same person gives the same token at each: the epoch key and the keys of linkage runs,
//! wrapped by one holder for another, never in the clear between them; and how they prove that they hold the same ones.

mod known_answer;
mod parcel;
mod run_key;

use policies::keys::{Epoch, Epochs, KeyError, KeyFolder, RotationError, RunKeyError, SealRecipient, SecretBytes};

pub use known_answer::{Answer, Compared, KnownAnswers};
pub use run_key::{join as join_run_key, wrap as wrap_run_key};

use parcel::Parcel;

/// Why a key could not be shared.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// This holder's own keys.
    #[error("the holder's keys cannot be used")]
    Keys(#[source] KeyError),
    /// This holder's epochs.
    #[error("the holder's epochs cannot be changed so")]
    Epochs(#[source] RotationError),
    /// This holder's run keys.
    #[error("the run's key cannot be used")]
    RunKey(#[source] RunKeyError),
    /// The wrapped key is for somebody else, or was changed.
    #[error(
        "the wrapped key cannot be opened with this holder's key; ask for it again, wrapped to this holder's seal.pub"
    )]
    Open(#[source] age::DecryptError),
    /// Wrapping failed.
    #[error("the key cannot be wrapped")]
    Wrap(#[source] age::EncryptError),
    /// What was wrapped is no such key.
    #[error("what was wrapped is not the key that this command takes; epoch keys and run keys have a command each")]
    Form,
    /// Nobody, or somebody else, signed it.
    #[error("the wrapped key is not signed by the holder that it should come from; ask that holder for it again")]
    Signature,
    /// The next epoch follows another one than ours.
    #[error(
        "the wrapped key follows another epoch than this folder's; join the current epoch first, then the next one"
    )]
    Follows,
    /// There is no next epoch to share.
    #[error("there is no next epoch to share; make it with `sudare keys epoch new`")]
    NoNext,
}

impl From<KeyError> for EpochError {
    fn from(cause: KeyError) -> Self {
        Self::Keys(cause)
    }
}

impl From<RotationError> for EpochError {
    fn from(cause: RotationError) -> Self {
        Self::Epochs(cause)
    }
}

impl From<RunKeyError> for EpochError {
    fn from(cause: RunKeyError) -> Self {
        Self::RunKey(cause)
    }
}

/// What a wrapped epoch became in this holder's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The epoch that tokens are made under now.
    Current(Epoch),
    /// The next one of a rotation.
    Next(Epoch),
}

impl Joined {
    /// The epoch, for both holders to compare its fingerprint.
    pub fn epoch(&self) -> &Epoch {
        match self {
            Self::Current(epoch) | Self::Next(epoch) => epoch,
        }
    }
}

/// This holder's current epoch key, signed, sealed to another holder.
pub fn wrap(keys: &KeyFolder, to: &SealRecipient) -> Result<Vec<u8>, EpochError> {
    let (epoch, key) = keys.epoch()?;
    pack(keys, to, &epoch, &key, None)
}

/// The next epoch's key, during a rotation.
pub fn wrap_next(keys: &KeyFolder, to: &SealRecipient) -> Result<Vec<u8>, EpochError> {
    let epochs = Epochs::open(keys)?;
    let (next, key) = epochs.next_key()?.ok_or(EpochError::NoNext)?;
    pack(keys, to, &next, &key, Some(&epochs.state().current.fingerprint))
}

/// Takes another holder's epoch key: a current one in the place of this folder's own, a next one beside it. Whose key it is was
/// not asked: both holders compare its fingerprint, or use [`join_from`].
pub fn join(keys: &KeyFolder, wrapped: &[u8]) -> Result<Joined, EpochError> {
    take(keys, &Parcel::open(keys, wrapped, KIND)?)
}

/// Like [`join`], if it is signed by the key that this folder trusts as `source`'s.
pub fn join_from(keys: &KeyFolder, wrapped: &[u8], source: &str) -> Result<Joined, EpochError> {
    take(keys, &Parcel::open(keys, wrapped, KIND)?.from(&keys.trusted(source)?)?)
}

const KIND: &str = "epoch";

fn pack(
    keys: &KeyFolder,
    to: &SealRecipient,
    epoch: &Epoch,
    key: &SecretBytes,
    follows: Option<&str>,
) -> Result<Vec<u8>, EpochError> {
    let lines = [
        ("number", epoch.number.to_string()),
        ("root", epoch.root.clone().unwrap_or_default()),
        ("made", epoch.made_at.to_string()),
        ("follows", follows.unwrap_or_default().to_owned()),
    ];
    parcel::pack(keys, to, KIND, &lines, key)
}

fn take(keys: &KeyFolder, parcel: &Parcel) -> Result<Joined, EpochError> {
    let root = parcel.get("root")?;
    let epoch = Epoch {
        number: parcel.get("number")?.parse().map_err(|_| EpochError::Form)?,
        fingerprint: parcel.key().fingerprint(),
        root: (!root.is_empty()).then(|| root.to_owned()),
        made_at: parcel.get("made")?.parse().map_err(|_| EpochError::Form)?,
    };
    let follows = parcel.get("follows")?;
    let mut epochs = Epochs::open(keys)?;
    if follows.is_empty() {
        epochs.join(epoch.clone(), parcel.key())?;
        return Ok(Joined::Current(epoch));
    }
    if follows != epochs.state().current.fingerprint {
        return Err(EpochError::Follows);
    }
    epochs.prepare(epoch.clone(), parcel.key())?;
    Ok(Joined::Next(epoch))
}

#[cfg(test)]
mod tests;
