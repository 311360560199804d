//! What is written beside an object's files, sealed: whose it is, what it was made from, what is known of its columns.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::{IpcMessage, SchemaAsIpc};
use catalog::BucketCount;
use datafusion::object_store::path::Path as StorePath;
use jiff::Timestamp;
use parquet::encryption::decrypt::FileDecryptionProperties;
use policies::ProjectId;
use serde::{Deserialize, Serialize};

use super::seal::{ProjectKey, file_aad};
use super::{Kept, Scope, remove};
use crate::error::QueryError;
use crate::release::{StoredFile, StoredTable};

/// Version of the manifest.
const FORMAT: u32 = 1;
/// The manifest's file.
const FILE: &str = "manifest";
/// How a folder's name ends that is not finished, or no longer valid.
const PARTIAL: &str = ".partial";

/// An object of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    project: ProjectId,
    /// Under which permit it was made.
    permit: String,
    pub(super) name: String,
    created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) scope: Scope,
    pub(super) content: Content,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Content {
    Table(Table),
    View(View),
}

/// A view's text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct View {
    pub(super) sql: String,
    /// Visible columns when it was made, for lists of columns.
    columns: String,
}

/// A table's files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) kept: Kept,
    /// Stored columns, the institutions included.
    pub(super) columns: String,
    /// Sizes by bucket; none for a bucket without rows.
    pub(super) files: Vec<Option<u64>>,
    pub(super) rows: u64,
    /// Bytes that count against the quota: those of the files and a random part, so that the quota tells nothing of few rows.
    pub(super) charged: u64,
}

/// Who makes an object, and until when.
pub(crate) struct Header {
    pub(super) project: ProjectId,
    pub(super) permit: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) scope: Scope,
}

impl Manifest {
    pub(super) fn new(header: Header, content: Content) -> Self {
        let Header { project, permit, name, created_at, expires_at, scope } = header;
        Self { format: FORMAT, project, permit, name, created_at, expires_at, scope, content }
    }

    /// The manifest in an object's folder, if it was sealed for this object of this project.
    pub(super) fn open(folder: &Path, key: &ProjectKey, project: &ProjectId) -> Option<Self> {
        let sealed = std::fs::read(folder.join(FILE)).ok()?;
        let text = key.unseal(id_of(folder)?, &sealed)?;
        let manifest: Self = serde_json::from_slice(&text).ok()?;
        (manifest.format == FORMAT && manifest.project == *project).then_some(manifest)
    }

    fn write(&self, partial: &Partial, key: &ProjectKey) -> Option<std::io::Result<()>> {
        let sealed = key.seal(&partial.id, &serde_json::to_vec(self).ok()?)?;
        Some(policies::durable::replace_private(&partial.folder.join(FILE), &sealed))
    }
}

impl Content {
    pub(super) fn is_view(&self) -> bool {
        matches!(self, Self::View(_))
    }

    pub(super) fn charged(&self) -> u64 {
        match self {
            Self::Table(table) => table.charged,
            Self::View(_) => 0,
        }
    }
}

impl View {
    pub(super) fn new(sql: String, schema: &Schema) -> Option<Self> {
        Some(Self { sql, columns: written(schema)? })
    }

    pub(super) fn schema(&self) -> Option<SchemaRef> {
        read(&self.columns)
    }
}

impl Table {
    /// Ready to be scanned. `None`: a file is missing or has another length.
    pub(super) fn stored(&self, folder: &Path, key: &ProjectKey) -> Option<StoredTable> {
        let id = id_of(folder)?;
        let secret = key.of_files(id);
        let folder = folder.canonicalize().ok()?;
        let file = |(bucket, bytes): (usize, &Option<u64>)| -> Option<Option<StoredFile>> {
            let Some(bytes) = *bytes else { return Some(None) };
            let path = folder.join(file_name(bucket));
            let whole = std::fs::metadata(&path).is_ok_and(|found| found.len() == bytes);
            let decryption = FileDecryptionProperties::builder(secret.to_vec()).with_aad_prefix(file_aad(id, bucket));
            let location = StorePath::from_absolute_path(path).ok().filter(|_| whole)?;
            Some(Some(StoredFile { location, bytes, decryption: decryption.build().ok()? }))
        };
        let files: Vec<_> = self.files.iter().enumerate().map(file).collect::<Option<_>>()?;
        let buckets: BucketCount = u16::try_from(files.len()).ok()?.try_into().ok()?;
        Some(StoredTable { schema: read(&self.columns)?, rows: self.rows, files, buckets: Some(buckets) })
    }
}

/// The file of a bucket.
pub(super) fn file_name(bucket: usize) -> String {
    format!("bucket-{bucket:03}.parquet")
}

/// A schema as hexadecimal digits of its Arrow message.
pub(super) fn written(schema: &Schema) -> Option<String> {
    let options = IpcWriteOptions::default();
    IpcMessage::try_from(SchemaAsIpc::new(schema, &options)).ok().map(|message| hex::encode(&message.0))
}

fn read(text: &str) -> Option<SchemaRef> {
    Schema::try_from(IpcMessage(hex::decode(text).ok()?.into())).ok().map(Arc::new)
}

fn id_of(folder: &Path) -> Option<&str> {
    folder.file_name()?.to_str()
}

/// A folder that is being written, removed unless it is published.
pub(super) struct Partial {
    pub(super) id: String,
    pub(super) folder: PathBuf,
}

impl Partial {
    pub(super) fn create(project: &Path, id: String) -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = project.join(format!("{id}{PARTIAL}"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { id, folder })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.folder.is_dir() {
            remove(&self.folder);
        }
    }
}

/// Whether a folder is one of those.
pub(super) fn is_partial(folder: &Path) -> bool {
    id_of(folder).is_none_or(|name| name.ends_with(PARTIAL))
}

/// Takes an object away: first its name, so that it is gone at once, then its files.
pub(super) fn retire(folder: &Path) {
    let Some(id) = id_of(folder) else { return };
    let aside = folder.with_file_name(format!("{id}{PARTIAL}"));
    match policies::durable::publish(folder, &aside) {
        Ok(()) => remove(&aside),
        Err(error) => tracing::error!(problem = %error, "a workspace table cannot be removed"),
    }
}

/// An object that is written and not visible yet.
pub(crate) struct Unpublished {
    pub(super) partial: Partial,
    pub(super) manifest: Manifest,
}

impl Unpublished {
    /// Makes it visible, whole.
    pub(super) fn appear(self, project: &Path, key: &ProjectKey) -> Result<(), QueryError> {
        match self.manifest.write(&self.partial, key) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(super::failed(&error)),
            None => return Err(QueryError::Workspace),
        }
        let target = project.join(&self.partial.id);
        policies::durable::publish(&self.partial.folder, &target).map_err(|error| super::failed(&error))
    }
}
