//! Stored tables of a believed release: schema, files by bucket, and what decrypts each file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use catalog::manifest::{ReleaseFile, ReleaseTable};
use catalog::{BucketCount, DatasetKey, Manifest, ReleaseId, aad_prefix, person_source_schema, release_schema};
use datafusion::object_store::path::Path as StorePath;
use parquet::encryption::decrypt::FileDecryptionProperties;

use super::ReleaseError;

/// One Parquet file, with the properties that open it as this bucket of this table of this release and as nothing else.
pub(crate) struct StoredFile {
    /// Absolute path in the local store.
    pub(crate) location: StorePath,
    /// Size.
    pub(crate) bytes: u64,
    /// Key and additional data.
    pub(crate) decryption: Arc<FileDecryptionProperties>,
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFile").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// One table of a release, ready to be scanned.
#[derive(Debug)]
pub(crate) struct StoredTable {
    /// What is stored, the hidden institution included.
    pub(crate) schema: SchemaRef,
    /// Rows over all files.
    pub(crate) rows: u64,
    /// One entry a bucket, `None` for a bucket without rows; one entry for an open table.
    pub(crate) files: Vec<Option<StoredFile>>,
    /// Bucket count; none for an open table, whose rows belong to nobody and have no order.
    pub(crate) buckets: Option<BucketCount>,
}

/// All tables of a release that this version knows.
pub(super) fn tables(
    manifest: &Manifest,
    folder: &Path,
    key: &DatasetKey,
) -> Result<BTreeMap<String, Arc<StoredTable>>, ReleaseError> {
    let mut tables = BTreeMap::new();
    for (name, table) in &manifest.tables {
        let Some((schema, has_persons)) = stored_schema(name) else { continue };
        let buckets = has_persons.then_some(manifest.buckets);
        let layout = || ReleaseError::Layout { release: manifest.release.clone(), table: name.clone() };
        let complete =
            schema.fields().iter().all(|field| table.columns.iter().any(|(column, _)| column == field.name()));
        let files = files(name, table, buckets, &Place { folder, release: &manifest.release, key });
        let files = files.filter(|_| complete).ok_or_else(layout)?;
        let stored = StoredTable { schema, rows: table.rows, files, buckets };
        tables.insert(name.clone(), Arc::new(stored));
    }
    Ok(tables)
}

/// What the contract says of a stored table: its schema, and whether its rows belong to persons.
fn stored_schema(name: &str) -> Option<(SchemaRef, bool)> {
    if let Some(source) = name.strip_prefix("person.") {
        return catalog::sources().contains(&source).then(|| (person_source_schema(), true));
    }
    let table = catalog::table(name)?;
    Some((release_schema(table), table.has_persons()))
}

struct Place<'a> {
    folder: &'a Path,
    release: &'a ReleaseId,
    key: &'a DatasetKey,
}

/// Files by bucket. `None` if a bucket is out of range or has two files, or a path leaves the release.
fn files(
    table: &str,
    listed: &ReleaseTable,
    buckets: Option<BucketCount>,
    place: &Place<'_>,
) -> Option<Vec<Option<StoredFile>>> {
    let mut files: Vec<Option<StoredFile>> = Vec::new();
    files.resize_with(buckets.map_or(1, |count| usize::from(count.get())), || None);
    for file in &listed.files {
        if buckets.is_some() != file.bucket.is_some() {
            return None;
        }
        let slot = files.get_mut(usize::from(file.bucket.unwrap_or(0)))?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(stored(table, file, place)?);
    }
    Some(files)
}

fn stored(table: &str, file: &ReleaseFile, place: &Place<'_>) -> Option<StoredFile> {
    let inside = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
    let location = StorePath::from_absolute_path(place.folder.join(&file.path)).ok().filter(|_| inside)?;
    let aad = aad_prefix(place.release, table, file.bucket.unwrap_or(0));
    let decryption =
        FileDecryptionProperties::builder(place.key.expose().to_vec()).with_aad_prefix(aad).build().ok()?;
    Some(StoredFile { location, bytes: file.bytes, decryption })
}
