//! Sorted rows to bucket files: Parquet with modular encryption, bound to release, table and bucket.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use catalog::manifest::{ReleaseFile, ReleaseTable};
use catalog::{BucketCount, DatasetKey, PersonKey, ReleaseId, aad_prefix, bucket_of};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::encryption::encrypt::FileEncryptionProperties;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::error::ReleaseError;
use super::sort::keys;

/// Rows of a Parquet row group.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Bytes gathered before a write to the disk.
const BUFFER: usize = 256 * 1024;

/// What all files of a release share.
pub(crate) struct Sealing<'a> {
    pub(crate) release: &'a ReleaseId,
    pub(crate) key: &'a DatasetKey,
    pub(crate) buckets: BucketCount,
    /// The partial folder.
    pub(crate) folder: &'a Path,
}

/// Writes one table with persons: a file for every bucket, empty ones too.
pub(crate) struct BucketFiles<'a> {
    sealing: &'a Sealing<'a>,
    table: &'a str,
    schema: SchemaRef,
    open: Option<OpenFile>,
    bucket: u16,
    last_person: Option<u64>,
    made: ReleaseTable,
}

impl<'a> BucketFiles<'a> {
    /// Starts with bucket 0.
    pub(crate) fn create(sealing: &'a Sealing<'a>, table: &'a str, schema: SchemaRef) -> Result<Self, ReleaseError> {
        let open = Some(OpenFile::create(sealing, table, Some(0), &schema)?);
        let made = ReleaseTable { columns: columns(&schema), rows: 0, persons: Some(0), files: Vec::new() };
        Ok(Self { sealing, table, schema, open, bucket: 0, last_person: None, made })
    }

    /// Takes rows; they must come in the order of the person key over all calls.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), ReleaseError> {
        let Some(persons) = keys(rows) else { return Ok(()) };
        self.count(persons.values());
        let mut done = 0;
        while done < rows.num_rows() {
            let rest = persons.values().get(done..).unwrap_or_default();
            let here = rest.partition_point(|key| bucket_of(PersonKey::new(*key), self.sealing.buckets) <= self.bucket);
            if here > 0 {
                self.append(&rows.slice(done, here))?;
                done += here;
            } else {
                self.next_bucket()?;
            }
        }
        Ok(())
    }

    /// Ends the table: all buckets have a file.
    pub(crate) fn finish(mut self) -> Result<ReleaseTable, ReleaseError> {
        while self.bucket + 1 < self.sealing.buckets.get() {
            self.next_bucket()?;
        }
        self.close()?;
        sync(&self.sealing.folder.join("tables").join(self.table))?;
        Ok(self.made)
    }

    // INVARIANT: equal keys are neighbours, so persons are one more than the changes of key (engine counts the same way).
    fn count(&mut self, keys: &[u64]) {
        let runs = keys.chunk_by(|a, b| a == b).count() as u64;
        let again = u64::from(self.last_person.is_some() && keys.first().copied() == self.last_person);
        self.made.persons = self.made.persons.map(|persons| persons + runs.saturating_sub(again));
        self.last_person = keys.last().copied().or(self.last_person);
    }

    fn append(&mut self, rows: &RecordBatch) -> Result<(), ReleaseError> {
        match &mut self.open {
            Some(open) => open.write(rows),
            None => Ok(()),
        }
    }

    fn next_bucket(&mut self) -> Result<(), ReleaseError> {
        self.close()?;
        self.bucket += 1;
        self.open = Some(OpenFile::create(self.sealing, self.table, Some(self.bucket), &self.schema)?);
        Ok(())
    }

    fn close(&mut self) -> Result<(), ReleaseError> {
        if let Some(open) = self.open.take() {
            let file = open.finish()?;
            self.made.rows += file.rows;
            self.made.files.push(file);
        }
        Ok(())
    }
}

/// Writes an open table: one file, `all.parquet`, bound to bucket 0.
pub(crate) fn write_open(sealing: &Sealing<'_>, table: &str, rows: &RecordBatch) -> Result<ReleaseTable, ReleaseError> {
    let mut open = OpenFile::create(sealing, table, None, &rows.schema())?;
    open.write(rows)?;
    let file = open.finish()?;
    sync(&sealing.folder.join("tables").join(table))?;
    Ok(ReleaseTable { columns: columns(&rows.schema()), rows: file.rows, persons: None, files: vec![file] })
}

struct OpenFile {
    at: PathBuf,
    path: String,
    bucket: Option<u16>,
    rows: u64,
    writer: ArrowWriter<BufWriter<File>>,
}

impl OpenFile {
    fn create(
        sealing: &Sealing<'_>,
        table: &str,
        bucket: Option<u16>,
        schema: &SchemaRef,
    ) -> Result<Self, ReleaseError> {
        let folder = sealing.folder.join("tables").join(table);
        fs::create_dir_all(&folder).map_err(ReleaseError::io(&folder))?;
        let name = bucket.map_or_else(|| "all.parquet".to_owned(), |bucket| format!("bucket-{bucket:03}.parquet"));
        let at = folder.join(&name);
        let parquet = |cause| ReleaseError::Parquet { path: at.clone(), cause };
        let file = File::create(&at).map_err(ReleaseError::io(&at))?;
        let properties = properties(sealing, table, bucket.unwrap_or(0)).map_err(parquet)?;
        let writer = BufWriter::with_capacity(BUFFER, file);
        let writer = ArrowWriter::try_new(writer, Arc::clone(schema), Some(properties)).map_err(parquet)?;
        Ok(Self { at, path: format!("tables/{table}/{name}"), bucket, rows: 0, writer })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), ReleaseError> {
        self.rows += rows.num_rows() as u64;
        self.writer.write(rows).map_err(|cause| ReleaseError::Parquet { path: self.at.clone(), cause })
    }

    fn finish(self) -> Result<ReleaseFile, ReleaseError> {
        let parquet = |cause| ReleaseError::Parquet { path: self.at.clone(), cause };
        let buffered = self.writer.into_inner().map_err(parquet)?;
        let file = buffered.into_inner().map_err(|fault| ReleaseError::io(&self.at)(fault.into_error()))?;
        file.sync_all().map_err(ReleaseError::io(&self.at))?;
        let (bytes, sha256) = catalog::manifest::digest(&self.at).map_err(ReleaseError::manifest)?;
        Ok(ReleaseFile { path: self.path, bucket: self.bucket, rows: self.rows, bytes, sha256 })
    }
}

fn properties(sealing: &Sealing<'_>, table: &str, bucket: u16) -> Result<WriterProperties, ParquetError> {
    let encryption = FileEncryptionProperties::builder(sealing.key.expose().to_vec())
        .with_aad_prefix(aad_prefix(sealing.release, table, bucket))
        .with_aad_prefix_storage(false)
        .build()?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by("sudare".to_owned())
        .with_file_encryption_properties(encryption)
        .build())
}

fn columns(schema: &SchemaRef) -> Vec<(String, String)> {
    schema.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect()
}

fn sync(folder: &Path) -> Result<(), ReleaseError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(ReleaseError::io(folder))
}
