//! A planned output, and whether it was tried on dummy data.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A planned output: SQL that runs on the dummy release. The committee approves the structure of its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shell {
    /// What the table shows.
    pub title: String,
    /// The query.
    pub sql: String,
    /// Columns of its result as the dummy release gave them, each as name, space, type; empty until it ran.
    #[serde(default)]
    pub columns: Vec<String>,
    /// SHA-256 (hex) of the query that gave those columns.
    #[serde(default)]
    pub tried: String,
}

/// Whether a shell's columns are those of its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The query was changed since.
    Changed,
    /// They are.
    Current,
    /// It has not run yet.
    Never,
}

impl Trial {
    /// The word in message files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Current => "current",
            Self::Never => "never",
        }
    }
}

impl Shell {
    /// SHA-256 (hex) of a query, as [`Self::tried`] keeps it.
    pub fn digest(sql: &str) -> String {
        hex::encode(Sha256::digest(sql))
    }

    /// Whether the columns are those of the query. Nobody is kept from submitting by it: an installation may have no dummy
    /// release, and the permit signer, who replays the submission, cannot know. The committee sees it.
    pub fn trial(&self) -> Trial {
        if self.columns.is_empty() {
            Trial::Never
        } else if self.tried == Self::digest(&self.sql) {
            Trial::Current
        } else {
            Trial::Changed
        }
    }
}
