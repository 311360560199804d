//! What a holder's batch says of itself: counts, layouts, the leak scan, digests of all files. Signed by the holder.
//!
//! `batch.json` and, beside it, `batch.sig`: one line of signature and public key, both hexadecimal, over the bytes of the first.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::keys::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::manifest::digest_of;

/// Format of `batch.json` that this code writes and reads.
pub const FORMAT: u32 = 2;

const MANIFEST: &str = "batch.json";
const SIGNATURE: &str = "batch.sig";

/// What the leak scan looked at before content was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakScan {
    /// Values that were tokenised again and compared.
    pub values: u64,
    /// Values that were an identifier.
    pub hits: u64,
}

/// `batch.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchManifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Which source.
    pub source: String,
    /// The batch's random name.
    pub batch: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Version of the normaliser of identifiers.
    pub normaliser: String,
    /// SHA-256 (hexadecimal) of each layout that files were read with, by name.
    pub layouts: BTreeMap<String, String>,
    /// Fingerprint of the holder's signing key.
    pub holder: String,
    /// Fingerprint of the epoch's key.
    pub epoch: String,
    /// Distinct sets of identifiers.
    pub atoms: u64,
    /// Rows by table.
    pub tables: BTreeMap<String, u64>,
    /// Records in quarantine.
    pub quarantined: u64,
    /// SHA-256 (hexadecimal) of every file of the batch, by its path below the batch's folder, with `/`.
    pub files: BTreeMap<String, String>,
    /// The leak scan; none if none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak_scan: Option<LeakScan>,
    /// Records left out because their person objects.
    pub absent: u64,
}

/// Why a batch is not believed. Says which file.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A file is not what the manifest says.
    #[error("{} is not the file that the holder signed for; fetch the batch again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Another version of the code wrote it.
    #[error("{} was written in format {found}, this version reads format {FORMAT}; run pseudonymize again", path.display())]
    Format {
        /// The manifest.
        path: PathBuf,
        /// What it says.
        found: u32,
    },
    /// The manifest names another signer.
    #[error("{} names another holder than the one that signed it", path.display())]
    Holder {
        /// The manifest.
        path: PathBuf,
    },
    /// Not a manifest.
    #[error("{} is not a batch's manifest; run pseudonymize again", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
    },
    /// Input or output failed.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file that must be there is not.
    #[error("{} is missing: the batch is not finished or was not copied whole", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Signed by a key that nobody here has compared with its owner.
    #[error("{} is signed by key {found}, but {trusted} is the holder's key that is trusted here", path.display())]
    NotTrusted {
        /// The manifest.
        path: PathBuf,
        /// Fingerprint of the signer.
        found: String,
        /// Fingerprint of the trusted key.
        trusted: String,
    },
    /// The signature does not verify.
    #[error("the signature of {} does not verify; fetch the batch again", path.display())]
    Signature {
        /// The manifest.
        path: PathBuf,
    },
    /// A file that the manifest does not list.
    #[error("{} is not in the batch's manifest; remove what the holder did not send", path.display())]
    Unlisted {
        /// The file.
        path: PathBuf,
    },
}

impl BatchManifest {
    /// Writes `batch.sig`, then `batch.json`, into `folder`.
    pub fn write(&self, folder: &Path, key: &SigningKey) -> Result<(), BatchError> {
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            policies::durable::replace(&path, bytes).map_err(|cause| BatchError::Io { path, cause })
        };
        let text = serde_json::to_string_pretty(self)
            .map_err(|cause| BatchError::Io { path: folder.join(MANIFEST), cause: cause.into() })?;
        let bytes = format!("{text}\n").into_bytes();
        let signature = format!("{} {}\n", hex::encode(key.sign(&bytes)), key.verifying().to_hex());
        put(SIGNATURE, signature.as_bytes())?;
        put(MANIFEST, &bytes)
    }

    /// Whether the leak scan was made and found nothing. A scan that looked at no value of a batch with rows was none.
    pub fn has_passed_leak_scan(&self) -> bool {
        let rows = self.tables.iter().any(|(table, rows)| table.contains('.') && *rows > 0);
        self.leak_scan.is_some_and(|scan| scan.hits == 0 && (scan.values > 0 || !rows))
    }

    /// Checks that one part of the batch (`content`, `tokens`), lying in `folder`, has all files that are listed, as they were
    /// signed for, and no other.
    pub fn check_part(&self, part: &str, folder: &Path) -> Result<(), BatchError> {
        let listed: BTreeMap<&str, &str> = self
            .files
            .iter()
            .filter_map(|(path, sha256)| Some((path.strip_prefix(part)?.strip_prefix('/')?, sha256.as_str())))
            .collect();
        for (name, sha256) in &listed {
            if name.is_empty() || name.contains(['/', '\\']) || matches!(*name, "." | "..") {
                return Err(BatchError::Invalid { path: folder.join(MANIFEST) });
            }
            let path = folder.join(name);
            if digest(&path)? != **sha256 {
                return Err(BatchError::Changed { path });
            }
        }
        let failed = |cause| BatchError::Io { path: folder.to_owned(), cause };
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let known =
                name.to_str().is_some_and(|name| listed.contains_key(name) || [MANIFEST, SIGNATURE].contains(&name));
            if !known {
                return Err(BatchError::Unlisted { path: entry.path() });
            }
        }
        Ok(())
    }
}

/// A manifest that nobody has vouched for yet: it tells whose it wants to be, and nothing else.
pub struct SignedBatch {
    path: PathBuf,
    bytes: Vec<u8>,
    signature: Vec<u8>,
    signer: VerifyingKey,
    source: String,
}

impl SignedBatch {
    /// Reads `batch.json` and `batch.sig` of `folder`.
    pub fn read(folder: &Path) -> Result<Self, BatchError> {
        #[derive(Deserialize)]
        struct Probe {
            source: String,
        }
        let (path, beside) = (folder.join(MANIFEST), folder.join(SIGNATURE));
        let bytes = read(&path)?;
        let line = read(&beside)?;
        let unsigned = || BatchError::Signature { path: path.clone() };
        let line = str::from_utf8(&line).map_err(|_| unsigned())?;
        let (signature, signer) = line.trim_end().split_once(' ').ok_or_else(unsigned)?;
        let signature = hex::decode(signature).map_err(|_| unsigned())?;
        let signer = VerifyingKey::from_hex(signer).ok_or_else(unsigned)?;
        let invalid = |_| BatchError::Invalid { path: path.clone() };
        let Probe { source } = serde_json::from_slice(&bytes).map_err(invalid)?;
        Ok(Self { path, bytes, signature, signer, source })
    }

    /// The source whose holder must have signed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The manifest, if `trusted` signed it.
    pub fn verify(self, trusted: &VerifyingKey) -> Result<BatchManifest, BatchError> {
        let Self { path, bytes, signature, signer, .. } = self;
        if signer != *trusted {
            let (found, trusted) = (signer.fingerprint(), trusted.fingerprint());
            return Err(BatchError::NotTrusted { path, found, trusted });
        }
        if !trusted.verify(&bytes, &signature) {
            return Err(BatchError::Signature { path });
        }
        let invalid = |_| BatchError::Invalid { path: path.clone() };
        match crate::manifest::format_of(&bytes).map_err(invalid)? {
            FORMAT => {}
            found => return Err(BatchError::Format { path, found }),
        }
        let manifest: BatchManifest = serde_json::from_slice(&bytes).map_err(invalid)?;
        if manifest.holder == trusted.fingerprint() { Ok(manifest) } else { Err(BatchError::Holder { path }) }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BatchError> {
    fs::read(path).map_err(missing(path))
}

fn digest(path: &Path) -> Result<String, BatchError> {
    digest_of(path).map(|(_, sha256)| sha256).map_err(missing(path))
}

fn missing(path: &Path) -> impl FnOnce(io::Error) -> BatchError {
    let path = path.to_owned();
    move |cause| {
        if cause.kind() == io::ErrorKind::NotFound {
            BatchError::Missing { path }
        } else {
            BatchError::Io { path, cause }
        }
    }
}

#[cfg(test)]
mod tests;
