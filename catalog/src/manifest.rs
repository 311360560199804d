//! What a release says of itself: schema, counts, digests, sources. Signed by the enclave, immutable.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use policies::keys::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::person_key::BucketCount;
use crate::quality::{self, QualitySeal};

/// Format of the release folder that this code writes and reads.
pub const FORMAT: u32 = 2;

/// A dataset and a version of it: `ndb/2026.1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId {
    dataset: String,
    version: String,
}

/// The text is no release name.
#[derive(Debug, thiserror::Error)]
#[error("not a release; the form is dataset/version, e.g. ndb/2026.1")]
pub struct InvalidReleaseId;

impl ReleaseId {
    /// The dataset, e.g. `ndb`.
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// The version, e.g. `2026.1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The folder of the release below the folder of all releases.
    pub fn folder(&self, releases: &Path) -> PathBuf {
        releases.join(&self.dataset).join(&self.version)
    }
}

impl FromStr for ReleaseId {
    type Err = InvalidReleaseId;
    fn from_str(text: &str) -> Result<Self, InvalidReleaseId> {
        let (dataset, version) = text.split_once('/').ok_or(InvalidReleaseId)?;
        let word = |part: &str| {
            (1..=40).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
                && !part.starts_with('.')
        };
        if word(dataset) && word(version) {
            Ok(Self { dataset: dataset.to_owned(), version: version.to_owned() })
        } else {
            Err(InvalidReleaseId)
        }
    }
}

impl TryFrom<String> for ReleaseId {
    type Error = InvalidReleaseId;
    fn try_from(text: String) -> Result<Self, InvalidReleaseId> {
        text.parse()
    }
}

impl From<ReleaseId> for String {
    fn from(id: ReleaseId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.dataset, self.version)
    }
}

/// One file of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFile {
    /// Path below the release's folder, with `/`.
    pub path: String,
    /// Bucket; none for an open table.
    pub bucket: Option<u16>,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the file as it lies there, hexadecimal.
    pub sha256: String,
}

/// One table of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseTable {
    /// Stored columns in order: name and Arrow type as text.
    pub columns: Vec<(String, String)>,
    /// Rows over all buckets.
    pub rows: u64,
    /// Distinct persons; none for an open table.
    pub persons: Option<u64>,
    /// Files, by bucket.
    pub files: Vec<ReleaseFile>,
}

/// One batch of a holder that went into a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceBatch {
    /// `ndb`, `ltc` …
    pub source: String,
    /// The batch's random name.
    pub batch: String,
    /// SHA-256 (hexadecimal) of each layout that it was read with, by name.
    pub layouts: BTreeMap<String, String>,
}

/// Whose records a release is made of. Signed with the manifest: an engine for the one opens none of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseKind {
    /// Nobody: a made-up population, under keys of its own, for developing queries.
    Dummy,
    /// Records that holders handed over.
    #[default]
    Holders,
}

impl ReleaseKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_holders(&self) -> bool {
        matches!(self, Self::Holders)
    }
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Which release.
    pub release: ReleaseId,
    /// Whose records; a release that says nothing is the holders'.
    #[serde(default, skip_serializing_if = "ReleaseKind::is_holders")]
    pub kind: ReleaseKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// Version of the code that made it.
    pub code_version: String,
    /// Bucket count of the enclave.
    pub buckets: BucketCount,
    /// Tables by name.
    pub tables: BTreeMap<String, ReleaseTable>,
    /// Batches that went in.
    pub sources: Vec<SourceBatch>,
    /// SHA-256 of the crosswalk that named the persons.
    pub crosswalk: String,
    /// Other releases it was made against (for `person`).
    #[serde(default)]
    pub pinned: Vec<ReleaseId>,
    /// What is said of the linkage; none in releases of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualitySeal>,
    /// The dataset key, wrapped by the enclave's key; see [`crate::DatasetKey`].
    pub wrapped_key: String,
}

/// Why a release is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file is not what the manifest says.
    #[error(
        "{file} of release {release} is not what its manifest says; restore it from a copy, the release is not served"
    )]
    Changed {
        /// Which release.
        release: ReleaseId,
        /// Which file.
        file: String,
    },
    /// Another version of the code wrote it.
    #[error("{} was written in format {found}, this version reads format {FORMAT}", path.display())]
    Format {
        /// The manifest.
        path: PathBuf,
        /// What it says.
        found: u32,
    },
    /// Not a manifest.
    #[error("{} is not a release manifest", path.display())]
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
    /// The signature does not verify.
    #[error("the signature of {} does not verify with this enclave's key; the release is not served", path.display())]
    Signature {
        /// The manifest.
        path: PathBuf,
    },
}

impl Manifest {
    /// Writes `manifest.json` and `manifest.sig` into `folder`.
    pub fn write(&self, folder: &Path, key: &SigningKey) -> Result<(), ManifestError> {
        let path = folder.join("manifest.json");
        let io = |cause| ManifestError::Io { path: path.clone(), cause };
        let bytes = serde_json::to_vec_pretty(self).map_err(|cause| io(cause.into()))?;
        let signature = hex::encode(key.sign(&bytes));
        policies::durable::replace(&folder.join("manifest.sig"), signature.as_bytes()).map_err(io)?;
        policies::durable::replace(&path, &bytes).map_err(io)
    }

    /// Reads and checks the signature of `folder/manifest.json`. Files are checked by [`Self::check_files`].
    pub fn read(folder: &Path, key: &VerifyingKey) -> Result<Self, ManifestError> {
        let path = folder.join("manifest.json");
        let read = |path: &Path| fs::read(path).map_err(|cause| ManifestError::Io { path: path.to_owned(), cause });
        let bytes = read(&path)?;
        let signature = hex::decode(read(&folder.join("manifest.sig"))?).unwrap_or_default();
        if !key.verify(&bytes, &signature) {
            return Err(ManifestError::Signature { path });
        }
        let invalid = |_| ManifestError::Invalid { path: path.clone() };
        match format_of(&bytes).map_err(invalid)? {
            FORMAT => serde_json::from_slice(&bytes).map_err(invalid),
            found => Err(ManifestError::Format { path, found }),
        }
    }

    /// Checks size and SHA-256 of every file of the release in `folder`.
    pub fn check_files(&self, folder: &Path) -> Result<(), ManifestError> {
        for file in self.tables.values().flat_map(|table| &table.files) {
            let (bytes, sha256) = digest(&folder.join(&file.path))?;
            if bytes != file.bytes || sha256 != file.sha256 {
                return Err(ManifestError::Changed { release: self.release.clone(), file: file.path.clone() });
            }
        }
        match &self.quality {
            Some(seal) if digest(&folder.join(quality::FILE))?.1 != seal.sha256 => {
                Err(ManifestError::Changed { release: self.release.clone(), file: quality::FILE.to_owned() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Size and SHA-256 (hexadecimal) of a file, streamed.
pub fn digest(path: &Path) -> Result<(u64, String), ManifestError> {
    digest_of(path).map_err(|cause| ManifestError::Io { path: path.to_owned(), cause })
}

/// The same, with what the system said where it fails.
pub fn digest_of(path: &Path) -> io::Result<(u64, String)> {
    let mut file = fs::File::open(path)?;
    let mut hash = Hasher(Sha256::new());
    let bytes = io::copy(&mut file, &mut hash)?;
    Ok((bytes, hex::encode(hash.0.finalize())))
}

/// The format that a manifest says it has: asked before the rest, which another format has otherwise.
pub(crate) fn format_of(bytes: &[u8]) -> serde_json::Result<u32> {
    #[derive(Deserialize)]
    struct Probe {
        format: u32,
    }
    serde_json::from_slice(bytes).map(|Probe { format }| format)
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
