//! What link leaves: the crosswalk sealed to the enclave, and the small file beside it that says it is whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The crosswalk, sealed to the enclave.
pub(crate) const FILE: &str = "crosswalk.arrow.age";
/// Written last.
pub(crate) const MARKER: &str = "crosswalk.json";

/// `crosswalk.json`: the crosswalk beside it is whole, and this is its digest. No person, no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// SHA-256 of `crosswalk.arrow.age` as it lies there, hexadecimal.
    pub sha256: String,
    /// How often link has run in this folder.
    pub run: u32,
    /// When the run ended.
    pub made_at: Timestamp,
    /// Atoms.
    pub atoms: u64,
    /// Persons.
    pub persons: u64,
    /// Fingerprint of the epoch key of all tokens.
    pub epoch: String,
    /// Version of the normaliser of all tokens.
    pub normaliser: String,
    /// Random names of the batches, sorted.
    pub batches: Vec<String>,
    /// Names of the sources, in the order of the bits in the crosswalk's column `sources`.
    #[serde(default)]
    pub sources: Vec<String>,
}

impl Marker {
    /// What the last run left in a folder of link, if one has finished there.
    pub fn of(out: &Path) -> Option<Self> {
        Self::beside(out).map(|(_, marker)| marker)
    }

    /// The crosswalk file and its marker, by the link folder or the crosswalk file. `None` if there is no readable marker.
    pub(crate) fn beside(path: &Path) -> Option<(PathBuf, Self)> {
        let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let text = fs::read(file.with_file_name(MARKER)).ok()?;
        Some((file, serde_json::from_slice(&text).ok()?))
    }
}

/// Columns of the crosswalk: atom, person key (none where the person stays out of the atom's source), how the person was put together, and in
/// which sources the person is found (a bit each, by place in the marker's `sources`; none where the person stays out).
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("atom", DataType::FixedSizeBinary(16), false),
        Field::new("person_key", DataType::UInt64, true),
        Field::new("link_grade", DataType::Utf8, false),
        Field::new("sources", DataType::UInt32, false),
    ]))
}

/// Columns of the state that the linkage zone keeps for itself: atom, person key, the run that first gave the key.
pub(crate) fn state_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("atom", DataType::FixedSizeBinary(16), false),
        Field::new("person_key", DataType::UInt64, false),
        Field::new("born", DataType::UInt32, false),
    ]))
}
