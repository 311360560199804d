//! Sources that a steward adds by writing a file: what the source is, its policy, its tables. The file's `[layout]` and
//! `[[record]]` parts say how records are read and are the pseudonymizer's.

mod error;
mod parts;

use std::fs;
use std::path::{Path, PathBuf};

use policies::SourcePolicy;
use sha2::{Digest, Sha256};

use crate::schema::Table;

pub use error::{AddedSourceError, ColumnFault, SourceFault, TableFault};

/// One added source, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedSource {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) policy: SourcePolicy,
    pub(crate) title_ja: String,
    pub(crate) title_en: String,
    pub(crate) description_ja: String,
    pub(crate) description_en: String,
    pub(crate) tables: Vec<Table>,
}

impl AddedSource {
    /// Reads one file.
    pub fn read(path: &Path) -> Result<Self, AddedSourceError> {
        let text = fs::read_to_string(path).map_err(|cause| AddedSourceError::Read { path: path.to_owned(), cause })?;
        parts::source(path, text)
    }

    /// Reads every `*.toml` of a folder; the sources come in the order of their names. A folder without one is refused.
    pub fn read_folder(folder: &Path) -> Result<Vec<Self>, AddedSourceError> {
        let failed = |cause| AddedSourceError::Read { path: folder.to_owned(), cause };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if !hidden && path.extension().is_some_and(|ending| ending == "toml") {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(AddedSourceError::Empty { path: folder.to_owned() });
        }
        let mut sources = paths.iter().map(|path| Self::read(path)).collect::<Result<Vec<_>, _>>()?;
        in_order(&mut sources)?;
        Ok(sources)
    }

    /// The source's name, e.g. `registry`.
    pub fn id(&self) -> &str {
        self.policy.id.as_str()
    }

    /// What persons and holder may say, and how much of a batch may be bad.
    pub fn policy(&self) -> &SourcePolicy {
        &self.policy
    }

    /// Its tables, in the file's order.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's text as it was read, for who reads its other parts.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the file, hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.text))
    }
}

/// Orders sources by name, whatever order they were named in. Refuses a name that two files take.
pub(crate) fn in_order(sources: &mut [AddedSource]) -> Result<(), AddedSourceError> {
    sources.sort_by(|a, b| a.id().cmp(b.id()));
    for pair in sources.windows(2) {
        if let [first, second] = pair
            && first.id() == second.id()
        {
            let (path, other) = (second.path.clone(), first.path.clone());
            return Err(AddedSourceError::Twice { path, other, id: first.policy.id.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
