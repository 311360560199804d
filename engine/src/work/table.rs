//! The writer of a workspace table: rows in the order of the person key, a file a bucket, Parquet with modular encryption.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use catalog::{BucketCount, PersonKey, bucket_of};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::encryption::encrypt::FileEncryptionProperties;
use parquet::file::properties::WriterProperties;
use rand::Rng;
use zeroize::Zeroizing;

use super::manifest::{Content, Header, Manifest, Partial, Table, Unpublished, file_name, written};
use super::seal::file_aad;
use super::{Kept, failed};
use crate::error::QueryError;
use crate::relations::PERSON_KEY;

/// Rows of a Parquet row group, as in a release.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// A table is charged up to this much more than it holds: where the quota ends tells nothing of one person's rows.
const CHARGE_BLUR: u64 = 16 << 20;

/// Writes one table.
pub(crate) struct TableWriter {
    partial: Partial,
    header: Header,
    secret: Zeroizing<Vec<u8>>,
    /// Bytes that it may hold.
    room: u64,
    blur: u64,
    open: Option<OpenTable>,
}

struct OpenTable {
    schema: SchemaRef,
    buckets: BucketCount,
    file: Option<(u16, ArrowWriter<BufWriter<File>>)>,
    last: Option<u64>,
    files: Vec<Option<u64>>,
    rows: u64,
}

impl TableWriter {
    pub(super) fn new(partial: Partial, header: Header, secret: Zeroizing<Vec<u8>>, room: u64) -> Self {
        let blur = rand::rng().next_u64() % CHARGE_BLUR;
        Self { partial, header, secret, room: room.saturating_sub(blur), blur, open: None }
    }

    /// What is stored: columns as they come, the person key never missing.
    pub(crate) fn begin(&mut self, schema: &Schema, buckets: BucketCount) {
        let field = |field: &Arc<Field>| match field.name().as_str() {
            PERSON_KEY => Field::new(PERSON_KEY, DataType::UInt64, false),
            name => Field::new(name, field.data_type().clone(), true),
        };
        let schema = Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()));
        let files = vec![None; usize::from(buckets.get())];
        self.open = Some(OpenTable { schema, buckets, file: None, last: None, files, rows: 0 });
    }

    /// Takes rows. They must come in the order of the person key over all calls: files are bound to buckets by it.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), QueryError> {
        let Some(open) = &mut self.open else { return Err(QueryError::Workspace) };
        let rows = RecordBatch::try_new(Arc::clone(&open.schema), rows.columns().to_vec());
        let rows = rows.map_err(|_| QueryError::Workspace)?;
        let keys = rows.column_by_name(PERSON_KEY).and_then(|keys| keys.as_primitive_opt::<UInt64Type>());
        let keys = keys.filter(|keys| keys.null_count() == 0).ok_or(QueryError::Workspace)?.values().clone();
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(()) };
        if !keys.is_sorted() || open.last.is_some_and(|before| before > *first) {
            return Err(QueryError::Workspace);
        }
        open.last = Some(*last);
        let mut done = 0;
        while let Some(key) = keys.get(done) {
            let bucket = bucket_of(PersonKey::new(*key), open.buckets);
            let rest = keys.get(done..).unwrap_or_default();
            let here = rest.partition_point(|key| bucket_of(PersonKey::new(*key), open.buckets) <= bucket);
            let writer = open.writer(bucket, &self.partial, &self.secret)?;
            writer.write(&rows.slice(done, here)).map_err(|error| failed(&error))?;
            done += here;
        }
        open.rows += rows.num_rows() as u64;
        if open.bytes() > self.room { Err(QueryError::WorkspaceFull) } else { Ok(()) }
    }

    /// Ends the table. It is not visible yet.
    pub(crate) fn finish(mut self, kept: Kept) -> Result<Unpublished, QueryError> {
        let mut open = self.open.take().ok_or(QueryError::Workspace)?;
        open.close()?;
        if open.bytes() > self.room {
            return Err(QueryError::WorkspaceFull);
        }
        let columns = written(&open.schema).ok_or(QueryError::Workspace)?;
        let charged = open.bytes().saturating_add(self.blur);
        let table = Table { kept, columns, files: open.files, rows: open.rows, charged };
        let manifest = Manifest::new(self.header, Content::Table(table));
        Ok(Unpublished { partial: self.partial, manifest })
    }
}

impl OpenTable {
    /// The writer of a bucket's file.
    fn writer(
        &mut self,
        bucket: u16,
        partial: &Partial,
        secret: &Zeroizing<Vec<u8>>,
    ) -> Result<&mut ArrowWriter<BufWriter<File>>, QueryError> {
        if self.file.as_ref().is_some_and(|(open, _)| *open != bucket) {
            self.close()?;
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => (bucket, created(partial, secret, usize::from(bucket), &self.schema)?),
        };
        Ok(&mut self.file.insert(file).1)
    }

    fn close(&mut self) -> Result<(), QueryError> {
        let Some((bucket, writer)) = self.file.take() else { return Ok(()) };
        let buffered = writer.into_inner().map_err(|error| failed(&error))?;
        let file = buffered.into_inner().map_err(|error| failed(&error))?;
        file.sync_all().map_err(|error| failed(&error))?;
        let bytes = file.metadata().map_err(|error| failed(&error))?.len();
        if let Some(slot) = self.files.get_mut(usize::from(bucket)) {
            *slot = Some(bytes);
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        let open = self.file.as_ref().map_or(0, |(_, writer)| writer.bytes_written() + writer.in_progress_size());
        self.files.iter().flatten().sum::<u64>().saturating_add(open as u64)
    }
}

fn created(
    partial: &Partial,
    secret: &Zeroizing<Vec<u8>>,
    bucket: usize,
    schema: &SchemaRef,
) -> Result<ArrowWriter<BufWriter<File>>, QueryError> {
    let path = partial.folder.join(file_name(bucket));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|e| failed(&e))?;
    let encryption = FileEncryptionProperties::builder(secret.to_vec())
        .with_aad_prefix(file_aad(&partial.id, bucket))
        .with_aad_prefix_storage(false)
        .build()
        .map_err(|error| failed(&error))?;
    let properties = WriterProperties::builder()
        .with_file_encryption_properties(encryption)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    ArrowWriter::try_new(BufWriter::new(file), Arc::clone(schema), Some(properties)).map_err(|error| failed(&error))
}
