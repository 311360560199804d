//! Sharing the key of one linkage run.

use jiff::Timestamp;
use policies::keys::{KeyFolder, RunId, RunKey, SealRecipient};

use super::parcel::{self, Parcel};
use super::{EpochError, RunKeyError};

const KIND: &str = "run-key";

/// This holder's key of a run, signed, sealed to another holder.
pub fn wrap(keys: &KeyFolder, id: &RunId, to: &SealRecipient, now: Timestamp) -> Result<Vec<u8>, EpochError> {
    let key = keys.run_key(id, now)?;
    let lines = [("run", id.to_string()), ("made", key.made_at().to_string())];
    parcel::pack(keys, to, KIND, &lines, key.bytes())
}

/// Keeps the key of a run that another holder made. With a `source`, only if it is signed by the key that this folder trusts as
/// that holder's. Its age counts from when it was made.
pub fn join(keys: &KeyFolder, wrapped: &[u8], source: Option<&str>, now: Timestamp) -> Result<RunKey, EpochError> {
    let mut parcel = Parcel::open(keys, wrapped, KIND)?;
    if let Some(source) = source {
        parcel = parcel.from(&keys.trusted(source)?)?;
    }
    let id: RunId = parcel.get("run")?.parse().map_err(|_: RunKeyError| EpochError::Form)?;
    let made_at = parcel.get("made")?.parse().map_err(|_| EpochError::Form)?;
    Ok(keys.keep_run_key(RunKey::received(id, made_at, parcel.into_key()), now)?)
}
