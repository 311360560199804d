//! What readers make of one unit of work, on its way to the batch: put into buckets at random, sealed, and listed. Nothing of it
//! can be opened without the run's own key, and a bucket holds no order of the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, UInt64Builder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::atoms::Owner;
use crate::rows::{Column, Row};
use crate::seal::SealError;

/// Bytes gathered before a write to the disk.
const BUFFER: usize = 1024 * 1024;
/// Rows that may wait in memory, over all tables and buckets of a unit: about 60 bytes each.
const WAITING_MAX: usize = 256 * 1024;
/// Bytes of facts that may wait in memory.
const FACTS_MAX: usize = 8 * 1024 * 1024;

/// Facts beside the content rows, bucketed by what they are gathered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Facts {
    /// Tokens of those who were left out, by nothing that matters.
    Absent,
    /// Identities and their tokens, by atom.
    Atom,
    /// What a record says of its person, by atom.
    Sighting,
    /// What acts add to a stay, by stay.
    Stay,
    /// Which record of a key stands, by key.
    Version,
}

/// What a slice holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Held {
    /// Facts.
    Facts(Facts),
    /// Rows of a content table.
    Rows(String),
}

/// One sealed piece of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Slice {
    pub(crate) held: Held,
    pub(crate) bucket: u32,
    offset: u64,
    bytes: u32,
    pub(crate) rows: u32,
}

/// The file of a unit being written.
pub(crate) struct Spool {
    path: PathBuf,
    file: BufWriter<File>,
    at: u64,
    key: Zeroizing<[u8; 32]>,
    buckets: u32,
    tables: BTreeMap<&'static str, Table>,
    waiting: usize,
    facts: BTreeMap<(Facts, u32), (Vec<u8>, u32)>,
    facts_bytes: usize,
    slices: Vec<Slice>,
}

struct Table {
    schema: SchemaRef,
    buckets: Vec<Option<Rows>>,
}

struct Rows {
    records: UInt64Builder,
    atoms: FixedSizeBinaryBuilder,
    columns: Vec<Column>,
    count: u32,
}

/// The bucket of a random number: its top bits.
pub(crate) fn bucket_of(number: u64, buckets: u32) -> u32 {
    let wide = u128::from(number).saturating_mul(u128::from(buckets)) >> 64;
    u32::try_from(wide).unwrap_or(0)
}

/// The bucket of a keyed digest.
pub(crate) fn bucket_of_digest(digest: &[u8; 16], buckets: u32) -> u32 {
    bucket_of(digest.first_chunk().map_or(0, |half| u64::from_be_bytes(*half)), buckets)
}

/// The schema of a content table on its way: the record in front.
pub(crate) fn schema_of(table: &str) -> Option<SchemaRef> {
    let content = catalog::content_schema(catalog::table(table)?);
    let record = Arc::new(Field::new("record", DataType::UInt64, false));
    let fields: Vec<_> = std::iter::once(record).chain(content.fields().iter().map(Arc::clone)).collect();
    Some(Arc::new(Schema::new(fields)))
}

impl Spool {
    /// Starts the file.
    pub(crate) fn create(path: &Path, key: &[u8; 32], buckets: u32) -> Result<Self, SealError> {
        let file = File::create(path).map_err(|cause| SealError::Io { path: path.to_owned(), cause })?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(BUFFER, file),
            at: 0,
            key: Zeroizing::new(*key),
            buckets,
            tables: BTreeMap::new(),
            waiting: 0,
            facts: BTreeMap::new(),
            facts_bytes: 0,
            slices: Vec::new(),
        })
    }

    /// Appends a row to the bucket of its record.
    pub(crate) fn row<R: Row>(&mut self, owner: Owner, row: &R) -> Result<(), SealError> {
        let name = row.table();
        let bucket = bucket_of(owner.record, self.buckets);
        if !self.tables.contains_key(name) {
            let table = Table::new(name, self.buckets).ok_or_else(|| self.unknown_table())?;
            self.tables.insert(name, table);
        }
        let unknown = || SealError::Arrow { path: self.path.clone(), cause: no_such_table() };
        let table = self.tables.get_mut(name).ok_or_else(unknown)?;
        table.push(bucket, owner, row).map_err(|cause| SealError::Arrow { path: self.path.clone(), cause })?;
        self.waiting = self.waiting.saturating_add(1);
        if self.waiting >= WAITING_MAX { self.flush_rows() } else { Ok(()) }
    }

    /// Appends facts to a bucket.
    pub(crate) fn facts(&mut self, kind: Facts, bucket: u32, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), SealError> {
        let (bytes, rows) = self.facts.entry((kind, bucket)).or_default();
        let before = bytes.len();
        put(bytes);
        *rows = rows.saturating_add(1);
        self.facts_bytes = self.facts_bytes.saturating_add(bytes.len().saturating_sub(before));
        if self.facts_bytes >= FACTS_MAX { self.flush_facts() } else { Ok(()) }
    }

    /// How many buckets there are.
    pub(crate) fn buckets(&self) -> u32 {
        self.buckets
    }

    /// Ends the file, synced; what it holds and where.
    pub(crate) fn finish(mut self) -> Result<Vec<Slice>, SealError> {
        self.flush_rows()?;
        self.flush_facts()?;
        let io = |cause| SealError::Io { path: self.path.clone(), cause };
        self.file.flush().map_err(io)?;
        self.file.get_ref().sync_all().map_err(io)?;
        Ok(self.slices)
    }

    fn flush_rows(&mut self) -> Result<(), SealError> {
        let mut tables = std::mem::take(&mut self.tables);
        for (name, table) in &mut tables {
            for (bucket, rows) in (0_u32..).zip(&mut table.buckets) {
                let Some(rows) = rows.as_mut().filter(|rows| rows.count > 0) else { continue };
                let count = std::mem::take(&mut rows.count);
                let bytes =
                    rows.encode(&table.schema).map_err(|cause| SealError::Arrow { path: self.path.clone(), cause })?;
                self.write(Held::Rows((*name).to_owned()), bucket, count, &bytes)?;
            }
        }
        self.tables = tables;
        self.waiting = 0;
        Ok(())
    }

    fn flush_facts(&mut self) -> Result<(), SealError> {
        for ((kind, bucket), (bytes, rows)) in std::mem::take(&mut self.facts) {
            self.write(Held::Facts(kind), bucket, rows, &Zeroizing::new(bytes))?;
        }
        self.facts_bytes = 0;
        Ok(())
    }

    fn write(&mut self, held: Held, bucket: u32, rows: u32, bytes: &[u8]) -> Result<(), SealError> {
        let io = |cause| SealError::Io { path: self.path.clone(), cause };
        let bound = self.at.to_be_bytes();
        let sealed = catalog::sealed::seal(&self.key, &bound, bytes)
            .ok_or_else(|| io(std::io::Error::other("the piece cannot be sealed")))?;
        self.file.write_all(&sealed).map_err(io)?;
        let length = u32::try_from(sealed.len()).map_err(|_| io(std::io::ErrorKind::FileTooLarge.into()))?;
        self.slices.push(Slice { held, bucket, offset: self.at, bytes: length, rows });
        self.at = self.at.saturating_add(u64::from(length));
        Ok(())
    }

    fn unknown_table(&self) -> SealError {
        SealError::Arrow { path: self.path.clone(), cause: no_such_table() }
    }
}

fn no_such_table() -> ArrowError {
    ArrowError::SchemaError("no such table in the catalog".to_owned())
}

impl Table {
    fn new(name: &str, buckets: u32) -> Option<Self> {
        Some(Self { schema: schema_of(name)?, buckets: (0..buckets).map(|_| None).collect() })
    }

    fn push<R: Row>(&mut self, bucket: u32, owner: Owner, row: &R) -> Result<(), ArrowError> {
        let Some(rows) = usize::try_from(bucket).ok().and_then(|bucket| self.buckets.get_mut(bucket)) else {
            return Ok(());
        };
        let schema = &self.schema;
        let rows = rows.get_or_insert_with(|| Rows::new(schema));
        rows.records.append_value(owner.record);
        rows.atoms.append_value(owner.atom)?;
        row.put(&mut rows.columns);
        rows.count = rows.count.saturating_add(1);
        Ok(())
    }
}

impl Rows {
    fn new(schema: &SchemaRef) -> Self {
        let columns = schema.fields().iter().skip(2).map(|field| Column::of(field.data_type())).collect();
        Self { records: UInt64Builder::new(), atoms: FixedSizeBinaryBuilder::new(16), columns, count: 0 }
    }

    fn encode(&mut self, schema: &SchemaRef) -> Result<Vec<u8>, ArrowError> {
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(self.records.finish()), Arc::new(self.atoms.finish())];
        arrays.extend(self.columns.iter_mut().map(Column::finish));
        let batch = RecordBatch::try_new(Arc::clone(schema), arrays)?;
        let mut stream = StreamWriter::try_new(Vec::new(), schema)?;
        stream.write(&batch)?;
        stream.into_inner()
    }
}

/// A finished unit's file.
pub(crate) struct Part {
    path: PathBuf,
    file: File,
    /// By what they hold and their bucket: the end of a batch asks for each once.
    slices: BTreeMap<(Held, u32), Vec<Slice>>,
}

impl Part {
    /// Opens the file.
    pub(crate) fn open(path: &Path, slices: Vec<Slice>) -> Result<Self, SealError> {
        let file = File::open(path).map_err(|cause| SealError::Io { path: path.to_owned(), cause })?;
        let mut by_bucket: BTreeMap<(Held, u32), Vec<Slice>> = BTreeMap::new();
        for slice in slices {
            by_bucket.entry((slice.held.clone(), slice.bucket)).or_default().push(slice);
        }
        Ok(Self { path: path.to_owned(), file, slices: by_bucket })
    }

    /// Tables that have rows here.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.slices.keys().filter_map(|(held, _)| match held {
            Held::Rows(table) => Some(table.as_str()),
            Held::Facts(_) => None,
        })
    }

    /// All facts of a kind in a bucket, opened.
    pub(crate) fn facts(&self, kind: Facts, bucket: u32, key: &[u8; 32]) -> Result<Vec<Zeroizing<Vec<u8>>>, SealError> {
        self.held(Held::Facts(kind), bucket).map(|slice| self.read(slice, key)).collect()
    }

    /// All rows of a table in a bucket.
    pub(crate) fn rows(&self, table: &str, bucket: u32, key: &[u8; 32]) -> Result<Vec<RecordBatch>, SealError> {
        let mut batches = Vec::new();
        for slice in self.held(Held::Rows(table.to_owned()), bucket) {
            let bytes = self.read(slice, key)?;
            let arrow = |cause| SealError::Arrow { path: self.path.clone(), cause };
            for batch in StreamReader::try_new(bytes.as_slice(), None).map_err(arrow)? {
                batches.push(batch.map_err(arrow)?);
            }
        }
        Ok(batches)
    }

    fn held(&self, held: Held, bucket: u32) -> impl Iterator<Item = &Slice> {
        self.slices.get(&(held, bucket)).into_iter().flatten()
    }

    fn read(&self, slice: &Slice, key: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let io = |cause| SealError::Io { path: self.path.clone(), cause };
        let mut sealed = vec![0; usize::try_from(slice.bytes).unwrap_or(0)];
        self.file.read_exact_at(&mut sealed, slice.offset).map_err(io)?;
        catalog::sealed::open(key, &slice.offset.to_be_bytes(), &sealed).ok_or_else(|| {
            io(std::io::Error::other("the piece was changed since it was written; start the batch anew"))
        })
    }
}
