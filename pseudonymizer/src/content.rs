//! The content tables of a batch: rows gathered to Arrow batches and sealed to the enclave, one file a table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, FixedSizeBinaryBuilder, Float64Builder, Int32Builder, StringBuilder,
    UInt64Builder,
};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use policies::keys::SealRecipient;

use crate::rows::{Column, Row};
use crate::seal::{BatchWriter, SealError};
use crate::tokens::Token;

/// Rows in a batch: a few hundred kilobytes a table in memory.
const ROWS: usize = 8192;

/// All tables of a batch. A table's file exists once it has a row.
pub(crate) struct Content {
    folder: PathBuf,
    enclave: SealRecipient,
    tables: BTreeMap<&'static str, Table>,
}

struct Table {
    schema: SchemaRef,
    atoms: FixedSizeBinaryBuilder,
    columns: Vec<Column>,
    waiting: usize,
    rows: u64,
    file: BatchWriter,
}

impl Content {
    /// No table yet; files will be made in `folder`.
    pub(crate) fn new(folder: &Path, enclave: &SealRecipient) -> Self {
        Self { folder: folder.to_owned(), enclave: enclave.clone(), tables: BTreeMap::new() }
    }

    /// Appends a row of the atom with that id.
    pub(crate) fn push<R: Row>(&mut self, atom: Token, row: &R) -> Result<(), SealError> {
        let name = row.table();
        if !self.tables.contains_key(name) {
            let table = self.start(name)?;
            self.tables.insert(name, table);
        }
        let path = self.folder.as_path();
        let Some(table) = self.tables.get_mut(name) else { return Ok(()) };
        table.push(atom, row).map_err(|cause| SealError::Arrow { path: path.join(name), cause })?;
        if table.waiting >= ROWS { table.flush(path) } else { Ok(()) }
    }

    /// Ends all files; rows by table.
    pub(crate) fn finish(self) -> Result<BTreeMap<&'static str, u64>, SealError> {
        let mut counts = BTreeMap::new();
        for (name, mut table) in self.tables {
            table.flush(&self.folder)?;
            table.file.finish()?;
            counts.insert(name, table.rows);
        }
        Ok(counts)
    }

    fn start(&self, name: &'static str) -> Result<Table, SealError> {
        let path = self.folder.join(format!("{name}.arrow.age"));
        let known = catalog::table(name).ok_or_else(|| SealError::Arrow {
            path: path.clone(),
            cause: ArrowError::SchemaError("no such table in the catalog".to_owned()),
        })?;
        let schema = catalog::content_schema(known);
        let columns = schema.fields().iter().skip(1).map(|field| column(field.data_type())).collect();
        let file = BatchWriter::create(&path, &schema, &self.enclave)?;
        Ok(Table { schema, atoms: FixedSizeBinaryBuilder::new(16), columns, waiting: 0, rows: 0, file })
    }
}

impl Table {
    fn push<R: Row>(&mut self, atom: Token, row: &R) -> Result<(), ArrowError> {
        self.atoms.append_value(atom)?;
        row.put(&mut self.columns);
        self.waiting = self.waiting.saturating_add(1);
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    fn flush(&mut self, folder: &Path) -> Result<(), SealError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(self.atoms.finish())];
        arrays.extend(self.columns.iter_mut().map(Column::finish));
        self.waiting = 0;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map_err(|cause| SealError::Arrow { path: folder.to_owned(), cause })?;
        self.file.write(&batch)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the catalog's other type is text; a column of a type that it does not have yet fails to build"
)]
fn column(kind: &DataType) -> Column {
    match kind {
        DataType::Boolean => Column::Bool(BooleanBuilder::new()),
        DataType::Date32 => Column::Date(Date32Builder::new()),
        DataType::Float64 => Column::Double(Float64Builder::new()),
        DataType::Int32 => Column::Int(Int32Builder::new()),
        DataType::UInt64 => Column::U64(UInt64Builder::new()),
        _ => Column::Text(StringBuilder::new()),
    }
}
