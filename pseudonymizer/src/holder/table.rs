//! A sealed table being written, with its place for errors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use policies::keys::SealRecipient;

use crate::seal::{BatchWriter, SealError};

pub(super) struct Table {
    path: PathBuf,
    schema: SchemaRef,
    file: BatchWriter,
}

impl Table {
    pub(super) fn create(path: &Path, schema: SchemaRef, to: &SealRecipient) -> Result<Self, SealError> {
        let file = BatchWriter::create(path, &schema, to)?;
        Ok(Self { path: path.to_owned(), schema, file })
    }

    pub(super) fn write(&mut self, columns: Result<Vec<ArrayRef>, ArrowError>) -> Result<(), SealError> {
        let batch = columns.and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns));
        self.file.write(&batch.map_err(|cause| SealError::Arrow { path: self.path.clone(), cause })?)
    }

    pub(super) fn finish(self) -> Result<(), SealError> {
        self.file.finish()
    }
}
