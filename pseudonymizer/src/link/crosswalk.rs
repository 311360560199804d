//! What link leaves: the crosswalk sealed to the enclave, as a base and what later runs changed, and the small file beside them that
//! says which they are and that they are whole.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Written last.
pub(crate) const MARKER: &str = "crosswalk.json";

/// The crosswalk's rows that a run wrote.
pub(crate) fn file(run: u32) -> String {
    format!("crosswalk-{run:06}.arrow.age")
}

/// The persons that a run merged, divided or retired.
pub(crate) fn events_file(run: u32) -> String {
    format!("events-{run:06}.arrow.age")
}

/// An atom, its person key (none where the person stays out of the atom's source, or the atom is gone), how the person was put together, and
/// the place of the atom's source among the file's.
pub(crate) type Row = ([u8; 16], Option<u64>, &'static str, u8);

/// How a person was put together, over all sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Grade {
    /// Of one atom.
    Single,
    /// By tokens at rest and answers.
    Strong,
    /// By composites too.
    Scored,
}

impl Grade {
    /// The word in the crosswalk's rows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Strong => "strong",
            Self::Scored => "scored",
        }
    }

    /// Reads the word; one that is not known is taken for the commonest.
    pub(crate) fn of(word: &str) -> Self {
        [Self::Single, Self::Scored].into_iter().find(|grade| grade.name() == word).unwrap_or(Self::Strong)
    }
}

/// The grade of an atom whose person stays out of its source.
pub(crate) const ABSENT: &str = "absent";
/// The grade of an atom that is forgotten.
pub(crate) const GONE: &str = "gone";

/// A file that a marker speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedFile {
    /// The run that wrote it.
    pub run: u32,
    /// Its name in the folder.
    pub name: String,
    /// Its SHA-256 as it lies there, hexadecimal.
    pub sha256: String,
}

/// `crosswalk.json`: the files beside it are the crosswalk, whole. No person, no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// SHA-256 over the list of the files, hexadecimal: the crosswalk's digest.
    pub sha256: String,
    /// The crosswalk's files in their order; later rows win.
    pub files: Vec<MarkedFile>,
    /// Sealed to the enclave: the keys of persons who were merged, divided or retired.
    pub events: Vec<MarkedFile>,
    /// How often link has changed this folder.
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
}

impl Marker {
    /// What the last run left in a folder of link, if one has finished there.
    pub fn of(out: &Path) -> Option<Self> {
        Self::beside(out).map(|(_, marker)| marker)
    }

    /// The link folder and its marker, by the folder or any file in it. `None` if there is no readable marker whose digest is that of
    /// its files.
    pub(crate) fn beside(path: &Path) -> Option<(PathBuf, Self)> {
        let folder = if path.is_dir() { path.to_owned() } else { path.parent()?.to_owned() };
        let text = fs::read(folder.join(MARKER)).ok()?;
        let marker: Self = serde_json::from_slice(&text).ok()?;
        (digest(&marker.files) == marker.sha256).then_some((folder, marker))
    }
}

/// SHA-256 over names and digests of the files, hexadecimal.
pub(crate) fn digest(files: &[MarkedFile]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(format!("{} {}\n", file.name, file.sha256));
    }
    hex::encode(hash.finalize())
}

/// In a file's metadata: names of the sources by the places in its rows, with blanks between.
pub(crate) const SOURCES: &str = "sudare.sources";

/// Columns of the crosswalk: see [`Row`].
pub(crate) fn schema(sources: &[String]) -> SchemaRef {
    let fields = vec![
        Field::new("atom", DataType::FixedSizeBinary(16), false),
        Field::new("person_key", DataType::UInt64, true),
        Field::new("link_grade", DataType::Utf8, false),
        Field::new("source", DataType::UInt8, false),
    ];
    let metadata = HashMap::from([(SOURCES.to_owned(), sources.join(" "))]);
    Arc::new(Schema::new(fields).with_metadata(metadata))
}
