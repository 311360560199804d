//! A Parquet file that takes rows, checks them against its schema, and holds no more than a row group.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use jiff::civil::Date;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::SyntheticError;

/// A value of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    Bool(bool),
    Date(Date),
    Double(f64),
    Int(i32),
    Null,
    Text(&'a str),
    U32(u32),
    U64(u64),
}

impl<'a> Cell<'a> {
    /// A text or nothing; an empty text is nothing.
    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Null, Self::Text)
    }

    /// A date or nothing.
    pub(crate) fn date(date: Option<Date>) -> Self {
        date.map_or(Self::Null, Self::Date)
    }

    /// A whole number or nothing.
    pub(crate) fn int(value: Option<i32>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }

    /// A number or nothing.
    pub(crate) fn double(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Double)
    }
}

enum Builder {
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Double(Float64Builder),
    Int(Int32Builder),
    Text(StringBuilder),
    U32(UInt32Builder),
    U64(UInt64Builder),
}

/// The file.
pub(crate) struct TableFile {
    name: String,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    builders: Vec<Builder>,
    waiting: usize,
    rows: u64,
}

/// Rows a batch, and a row group.
const BATCH: usize = 8_192;
const GROUP: usize = 131_072;

impl TableFile {
    /// Makes the file and its folder.
    pub(crate) fn create(path: &Path, name: &str, schema: Schema) -> Result<Self, SyntheticError> {
        let fail = |cause| SyntheticError::Write { file: path.to_owned(), cause };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let file = File::create(path).map_err(fail)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP))
            .set_created_by("sudare synthetic".to_owned())
            .build();
        let schema = Arc::new(schema);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))
            .map_err(|cause| SyntheticError::Table { table: name.to_owned(), cause })?;
        let builders = schema.fields().iter().map(|field| builder(field.data_type())).collect::<Option<Vec<_>>>();
        let builders = builders.ok_or_else(|| SyntheticError::Shape { table: name.to_owned() })?;
        Ok(Self { name: name.to_owned(), schema, writer, builders, waiting: 0, rows: 0 })
    }

    /// Adds a row; its cells must have the schema's number and types.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), SyntheticError> {
        let fits = cells.len() == self.builders.len()
            && self.builders.iter_mut().zip(cells).all(|(builder, cell)| append(builder, cell));
        if !fits {
            return Err(SyntheticError::Shape { table: self.name.clone() });
        }
        self.rows += 1;
        self.waiting += 1;
        if self.waiting >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SyntheticError> {
        self.waiting = 0;
        let columns: Vec<ArrayRef> = self.builders.iter_mut().map(finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|_| SyntheticError::Shape { table: self.name.clone() })?;
        self.writer.write(&batch).map_err(|cause| SyntheticError::Table { table: self.name.clone(), cause })
    }

    /// Ends the file. Returns its rows.
    pub(crate) fn finish(mut self) -> Result<u64, SyntheticError> {
        self.flush()?;
        self.writer.close().map_err(|cause| SyntheticError::Table { table: self.name.clone(), cause })?;
        Ok(self.rows)
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the schema has seven types; another one has no builder")]
fn builder(kind: &DataType) -> Option<Builder> {
    match kind {
        DataType::Boolean => Some(Builder::Bool(BooleanBuilder::new())),
        DataType::Date32 => Some(Builder::Date(Date32Builder::new())),
        DataType::Float64 => Some(Builder::Double(Float64Builder::new())),
        DataType::Int32 => Some(Builder::Int(Int32Builder::new())),
        DataType::Utf8 => Some(Builder::Text(StringBuilder::new())),
        DataType::UInt32 => Some(Builder::U32(UInt32Builder::new())),
        DataType::UInt64 => Some(Builder::U64(UInt64Builder::new())),
        _ => None,
    }
}

fn append(builder: &mut Builder, cell: &Cell<'_>) -> bool {
    match (builder, cell) {
        (Builder::Bool(builder), Cell::Bool(value)) => builder.append_value(*value),
        (Builder::Bool(builder), Cell::Null) => builder.append_null(),
        (Builder::Date(builder), Cell::Date(value)) => builder.append_value(catalog::codes::days(*value)),
        (Builder::Date(builder), Cell::Null) => builder.append_null(),
        (Builder::Double(builder), Cell::Double(value)) => builder.append_value(*value),
        (Builder::Double(builder), Cell::Null) => builder.append_null(),
        (Builder::Int(builder), Cell::Int(value)) => builder.append_value(*value),
        (Builder::Int(builder), Cell::Null) => builder.append_null(),
        (Builder::Text(builder), Cell::Text(value)) => builder.append_value(value),
        (Builder::Text(builder), Cell::Null) => builder.append_null(),
        (Builder::U32(builder), Cell::U32(value)) => builder.append_value(*value),
        (Builder::U32(builder), Cell::Null) => builder.append_null(),
        (Builder::U64(builder), Cell::U64(value)) => builder.append_value(*value),
        (Builder::U64(builder), Cell::Null) => builder.append_null(),
        _ => return false,
    }
    true
}

fn finish(builder: &mut Builder) -> ArrayRef {
    match builder {
        Builder::Bool(builder) => Arc::new(builder.finish()),
        Builder::Date(builder) => Arc::new(builder.finish()),
        Builder::Double(builder) => Arc::new(builder.finish()),
        Builder::Int(builder) => Arc::new(builder.finish()),
        Builder::Text(builder) => Arc::new(builder.finish()),
        Builder::U32(builder) => Arc::new(builder.finish()),
        Builder::U64(builder) => Arc::new(builder.finish()),
    }
}
