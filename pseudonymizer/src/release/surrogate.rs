//! Content rows to release rows: atoms become person keys, codes of institutions and insurers become surrogates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeBinaryArray};
use arrow::compute;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use catalog::{HIDDEN_FACILITY, Table, release_schema};

use super::crosswalk::Crosswalk;
use super::error::ReleaseError;
use super::facility_map::{FacilityMap, Space};

/// Replaces atoms and codes in the rows of one table.
pub(crate) struct Surrogates<'a> {
    table: &'a str,
    schema: SchemaRef,
    crosswalk: &'a Crosswalk,
    facilities: &'a mut FacilityMap,
}

impl<'a> Surrogates<'a> {
    pub(crate) fn new(table: &'a Table, crosswalk: &'a Crosswalk, facilities: &'a mut FacilityMap) -> Self {
        Self { table: &table.name, schema: release_schema(table), crosswalk, facilities }
    }

    /// The rows as the release stores them. `file` is where they come from, for messages.
    pub(crate) fn replace(&mut self, rows: &RecordBatch, file: &Path) -> Result<RecordBatch, ReleaseError> {
        let schema = Arc::clone(&self.schema);
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                "person_key" => persons(self.crosswalk, rows, file).map(|keys| Arc::new(keys) as ArrayRef),
                "facility_id" | HIDDEN_FACILITY => self.codes(rows, "facility_code", Space::Facility, file),
                "prescriber_facility_id" => self.codes(rows, "prescriber_facility_code", Space::Facility, file),
                "insurer_id" => self.codes(rows, "insurer_code", Space::Insurer, file),
                name => column(rows, name, file).map(Arc::clone),
            })
            .collect::<Result<_, _>>()?;
        if let Some((field, _)) =
            schema.fields().iter().zip(&columns).find(|(field, column)| field.data_type() != column.data_type())
        {
            return Err(ReleaseError::Form { path: file.to_owned(), column: field.name().clone() });
        }
        RecordBatch::try_new(schema, columns).map_err(ReleaseError::arrow(self.table))
    }

    fn codes(&mut self, rows: &RecordBatch, name: &str, space: Space, file: &Path) -> Result<ArrayRef, ReleaseError> {
        let codes = column(rows, name, file)?.as_string_opt::<i32>();
        let codes = codes.ok_or_else(|| form(file, name))?;
        Ok(Arc::new(self.facilities.ids(space, codes)))
    }
}

/// The rows without those whose persons stay out of their source, and how many those are.
pub(crate) fn present(
    crosswalk: &Crosswalk,
    rows: RecordBatch,
    file: &Path,
) -> Result<(RecordBatch, usize), ReleaseError> {
    let Some(out) = crosswalk.absent(atoms(&rows, file)?) else { return Ok((rows, 0)) };
    let arrow = || ReleaseError::arrow("content");
    let stay = compute::not(&out).map_err(arrow())?;
    Ok((compute::filter_record_batch(&rows, &stay).map_err(arrow())?, out.true_count()))
}

/// Person keys of the rows. Refuses rows of atoms that were not linked.
pub(crate) fn persons(
    crosswalk: &Crosswalk,
    rows: &RecordBatch,
    file: &Path,
) -> Result<arrow::array::UInt64Array, ReleaseError> {
    match crosswalk.keys(atoms(rows, file)?) {
        (keys, 0) => Ok(keys),
        (_, atoms) => Err(ReleaseError::Unlinked { path: file.to_owned(), atoms }),
    }
}

/// The atoms of the rows.
pub(crate) fn atoms<'a>(rows: &'a RecordBatch, file: &Path) -> Result<&'a FixedSizeBinaryArray, ReleaseError> {
    column(rows, "atom", file)?.as_fixed_size_binary_opt().ok_or_else(|| form(file, "atom"))
}

/// A column by name.
pub(crate) fn column<'a>(rows: &'a RecordBatch, name: &str, file: &Path) -> Result<&'a ArrayRef, ReleaseError> {
    rows.column_by_name(name).ok_or_else(|| form(file, name))
}

/// The complaint that a column is missing or of another type.
pub(crate) fn form(file: &Path, column: &str) -> ReleaseError {
    ReleaseError::Form { path: PathBuf::from(file), column: column.to_owned() }
}
