//! Content folders of holders: which batch, which source, and the rows of a table as a stream.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use catalog::SignedBatch;
use catalog::manifest::SourceBatch;
use policies::keys::{KeyFolder, SealIdentity};

use super::error::ReleaseError;
use crate::seal::{BatchReader, SealError};

/// One batch's content, believed: signed by the holder that the enclave trusts for its source, without an identifier in it, and
/// as it was signed for.
pub(crate) struct Content {
    /// The folder of `<table>.arrow.age`.
    folder: PathBuf,
    /// What the release's manifest says of the batch.
    pub(crate) batch: SourceBatch,
    /// Rows by table.
    tables: BTreeMap<String, u64>,
}

impl Content {
    /// Opens a batch folder or its `content/` folder. `batch.json` lies in the batch folder, or beside the tables.
    fn open(path: &Path, keys: &KeyFolder) -> Result<Self, ReleaseError> {
        let inner = path.join("content");
        let folder = if inner.is_dir() { inner } else { path.to_owned() };
        let beside = folder.join("batch.json").exists();
        let told = if beside { folder.as_path() } else { folder.parent().unwrap_or(&folder) };
        let signed = SignedBatch::read(told).map_err(ReleaseError::batch(path))?;
        let trusted = keys.trusted(signed.source());
        let trusted =
            trusted.map_err(|cause| ReleaseError::Untrusted { path: path.to_owned(), cause: Box::new(cause) })?;
        let manifest = signed.verify(&trusted).map_err(ReleaseError::batch(path))?;
        if !catalog::sources().contains(&manifest.source.as_str()) {
            return Err(ReleaseError::UnknownSource { path: path.to_owned(), found: manifest.source });
        }
        if !manifest.has_passed_leak_scan() {
            return Err(ReleaseError::LeakScan { path: path.to_owned() });
        }
        manifest.check_part("content", &folder).map_err(ReleaseError::batch(path))?;
        let batch = SourceBatch { source: manifest.source, batch: manifest.batch, layouts: manifest.layouts };
        Ok(Self { folder, batch, tables: manifest.tables })
    }

    /// Opens all folders, in the order of source and batch. Refuses a batch named twice.
    pub(crate) fn open_all(paths: &[PathBuf], keys: &KeyFolder) -> Result<Vec<Self>, ReleaseError> {
        let mut all = Vec::with_capacity(paths.len());
        let mut seen = HashSet::new();
        for path in paths {
            let content = Self::open(path, keys)?;
            if !seen.insert(content.batch.batch.clone()) {
                return Err(ReleaseError::Twice { path: path.clone() });
            }
            all.push(content);
        }
        if all.is_empty() {
            return Err(ReleaseError::Nothing);
        }
        let place = |content: &Self| catalog::sources().iter().position(|source| *source == content.batch.source);
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
            return Err(ReleaseError::Batch { path: self.folder.clone(), cause: None });
        } else {
            None
        };
        Ok(reader.into_iter().flatten())
    }
}
