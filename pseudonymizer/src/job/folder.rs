//! The batch folder: built beside its place, where an interrupted run is gone on with, and renamed when everything is in it.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use policies::durable;
use policies::keys::{KeyFolder, SecretBytes};
use zeroize::Zeroizing;

use super::{BatchSecrets, PseudonymizeError, remove};
use crate::report::Report;
use crate::seal::{self, SealError};

/// What the batch was made from; stays with it, so that the same command finds it done.
const INPUTS: &str = "holder/inputs";
/// The batch's root key while it is being made, sealed to the holder.
const KEY: &str = "key.age";

/// A batch folder being made.
pub(crate) struct Folder {
    partial: PathBuf,
    out: PathBuf,
    secrets: BatchSecrets,
    _lock: File,
}

/// The report of a batch that was made from the same inputs.
pub(crate) fn made_of(out: &Path, inputs: &str) -> Result<Option<Report>, PseudonymizeError> {
    if !fs::read_to_string(out.join(INPUTS)).is_ok_and(|known| known == inputs) {
        return Ok(None);
    }
    let path = out.join("report.json");
    let text = fs::read(&path).map_err(PseudonymizeError::io(&path))?;
    let report: Report = serde_json::from_slice(&text).map_err(|cause| PseudonymizeError::io(&path)(cause.into()))?;
    Ok(Some(Report { unchanged: true, ..report }))
}

impl Folder {
    /// Makes the partial folder, or goes on with the one of an interrupted run of the same inputs.
    pub(crate) fn begin(out: &Path, inputs: &str, keys: &KeyFolder) -> Result<Self, PseudonymizeError> {
        let free = match fs::read_dir(out) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => !out.exists(),
        };
        if !free {
            return Err(PseudonymizeError::Exists { path: out.to_owned() });
        }
        let mut partial = out.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        for part in ["content", "holder", "parts", "quarantine", "tokens"] {
            let path = partial.join(part);
            fs::create_dir_all(&path).map_err(PseudonymizeError::io(&path))?;
        }
        let lock = lock(&partial)?;
        let known = partial.join(INPUTS);
        match fs::read_to_string(&known) {
            Ok(text) if text != inputs => return Err(PseudonymizeError::Interrupted { path: partial }),
            Ok(_) => {}
            Err(_) => durable::replace(&known, inputs.as_bytes()).map_err(PseudonymizeError::io(&known))?,
        }
        let secrets = BatchSecrets::derive(&root_key(&partial.join(KEY), keys)?);
        Ok(Self { partial, out: out.to_owned(), secrets, _lock: lock })
    }

    /// The batch's keys.
    pub(crate) fn secrets(&self) -> &BatchSecrets {
        &self.secrets
    }

    /// A place in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// The place of a unit's part.
    pub(crate) fn part(&self, unit: u32) -> PathBuf {
        self.partial.join("parts").join(format!("{unit:06}"))
    }

    /// Takes away what an earlier run left of the batch itself, files half written among it: all but the parts, and the `kept` lists
    /// and records in quarantine.
    pub(crate) fn clear(&self, kept: &BTreeSet<String>) -> Result<(), PseudonymizeError> {
        for part in ["content", "tokens"] {
            let path = self.partial.join(part);
            remove(&path)?;
            fs::create_dir(&path).map_err(PseudonymizeError::io(&path))?;
        }
        remove_files(&self.partial.join("quarantine"), |name| kept.contains(name))?;
        remove_files(&self.partial.join("holder"), |name| name == "inputs")?;
        remove_files(&self.partial, |name| [KEY, LOCK].contains(&name))
    }

    /// Takes away what only the making needed, and lets the batch appear.
    pub(crate) fn publish(self) -> Result<(), PseudonymizeError> {
        remove(&self.partial.join("parts"))?;
        for name in [KEY, LOCK] {
            let path = self.partial.join(name);
            fs::remove_file(&path).map_err(PseudonymizeError::io(&path))?;
        }
        for part in ["content", "holder", "quarantine", "tokens"] {
            let path = self.partial.join(part);
            File::open(&path).and_then(|folder| folder.sync_all()).map_err(PseudonymizeError::io(&path))?;
        }
        durable::publish(&self.partial, &self.out).map_err(PseudonymizeError::io(&self.out))
    }
}

const LOCK: &str = ".lock";

/// Removes a folder's files but those to keep.
fn remove_files(folder: &Path, keep: impl Fn(&str) -> bool) -> Result<(), PseudonymizeError> {
    for entry in fs::read_dir(folder).map_err(PseudonymizeError::io(folder))? {
        let path = entry.map_err(PseudonymizeError::io(folder))?.path();
        let kept = path.file_name().and_then(|name| name.to_str()).is_some_and(&keep);
        if !kept && !path.is_dir() {
            fs::remove_file(&path).map_err(PseudonymizeError::io(&path))?;
        }
    }
    Ok(())
}

/// Two runs of one batch would write into each other.
fn lock(partial: &Path) -> Result<File, PseudonymizeError> {
    let path = partial.join(LOCK);
    let lock = File::create(&path).map_err(PseudonymizeError::io(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(PseudonymizeError::Interrupted { path: partial.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(PseudonymizeError::Io { path, cause }),
    }
}

fn root_key(path: &Path, keys: &KeyFolder) -> Result<SecretBytes, PseudonymizeError> {
    if path.exists() {
        let sealed = fs::read(path).map_err(PseudonymizeError::io(path))?;
        let identity = keys.seal().map_err(PseudonymizeError::Keys)?;
        let open = |cause| SealError::Open { path: path.to_owned(), cause: Box::new(cause) };
        let bytes = Zeroizing::new(seal::open_bytes(&sealed, &identity).map_err(open)?);
        let interrupted = || PseudonymizeError::Interrupted { path: path.to_owned() };
        return SecretBytes::from_slice(&bytes).ok_or_else(interrupted);
    }
    let key = SecretBytes::generate();
    let holder = keys.recipient().map_err(PseudonymizeError::Keys)?;
    let seal = |cause| SealError::Seal { path: path.to_owned(), cause: Box::new(cause) };
    let sealed = seal::seal_bytes(key.expose(), &holder).map_err(seal)?;
    durable::replace_private(path, &sealed).map_err(PseudonymizeError::io(path))?;
    Ok(key)
}
