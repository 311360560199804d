//! Content folders of holders: which batch, which source, and the rows of a table as a stream.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use catalog::SOURCES;
use catalog::manifest::SourceBatch;
use policies::keys::SealIdentity;
use serde::Deserialize;

use super::error::ReleaseError;
use crate::seal::{BatchReader, SealError};

/// One batch's content.
pub(crate) struct Content {
    /// The folder of `<table>.arrow.age`.
    folder: PathBuf,
    /// What `batch.json` says.
    pub(crate) batch: SourceBatch,
    /// Rows by table.
    tables: BTreeMap<String, u64>,
}

/// What release needs of `batch.json`.
#[derive(Deserialize)]
struct BatchFile {
    source: String,
    batch: String,
    layouts: String,
    tables: BTreeMap<String, u64>,
}

impl Content {
    /// Opens a batch folder or its `content/` folder. `batch.json` lies in the batch folder, or beside the tables.
    fn open(path: &Path) -> Result<Self, ReleaseError> {
        let inner = path.join("content");
        let folder = if inner.is_dir() { inner } else { path.to_owned() };
        let unreadable = || ReleaseError::Batch { path: path.to_owned() };
        let beside = folder.join("batch.json");
        let above = folder.parent().map(|parent| parent.join("batch.json"));
        let text = fs::read(beside).or_else(|cause| above.map_or(Err(cause), fs::read)).map_err(|_| unreadable())?;
        let BatchFile { source, batch, layouts, tables } = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        if !SOURCES.contains(&source.as_str()) {
            return Err(unreadable());
        }
        Ok(Self { folder, batch: SourceBatch { source, batch, layouts }, tables })
    }

    /// Opens all folders, in the order of source and batch. Refuses a batch named twice.
    pub(crate) fn open_all(paths: &[PathBuf]) -> Result<Vec<Self>, ReleaseError> {
        let mut all = Vec::with_capacity(paths.len());
        let mut seen = HashSet::new();
        for path in paths {
            let content = Self::open(path)?;
            if !seen.insert(content.batch.batch.clone()) {
                return Err(ReleaseError::Twice { path: path.clone() });
            }
            all.push(content);
        }
        if all.is_empty() {
            return Err(ReleaseError::Nothing);
        }
        let place = |content: &Self| SOURCES.iter().position(|source| *source == content.batch.source);
        all.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.batch.batch.cmp(&b.batch.batch)));
        Ok(all)
    }

    /// The folder of the tables.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The sealed file of a table.
    pub(crate) fn file(&self, table: &str) -> PathBuf {
        self.folder.join(format!("{table}.arrow.age"))
    }

    /// The rows of a table, one Arrow batch in memory at a time. A table without rows has no file; a file that is missing
    /// although `batch.json` counts rows in it is an error.
    pub(crate) fn rows(
        &self,
        table: &str,
        identity: &SealIdentity,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, SealError>> + use<>, ReleaseError> {
        let path = self.file(table);
        let reader = if path.exists() {
            Some(BatchReader::open(&path, identity).map_err(ReleaseError::seal)?)
        } else if self.tables.get(table).is_some_and(|rows| *rows > 0) {
            return Err(ReleaseError::Batch { path: self.folder.clone() });
        } else {
            None
        };
        Ok(reader.into_iter().flatten())
    }
}
