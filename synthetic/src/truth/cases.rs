//! Rows of `registry.cases`: a source that the catalog's four do not know, with a schema of its own.

use arrow::datatypes::{DataType, Field, Schema};

use super::{Cell, Truth, facility_id};
use crate::SyntheticError;
use crate::records::Case;

/// Its name in SQL.
pub(super) const TABLE: &str = "registry.cases";

pub(super) fn schema() -> Schema {
    Schema::new(vec![
        Field::new("person_key", DataType::UInt64, false),
        Field::new("facility_id", DataType::UInt32, false),
        Field::new("diagnosed_on", DataType::Date32, true),
        Field::new("onset_on", DataType::Date32, true),
        Field::new("category", DataType::Utf8, true),
        Field::new("icd10", DataType::Utf8, true),
        Field::new("outcome", DataType::Utf8, true),
    ])
}

impl Truth {
    /// Adds a notification. It changes neither `person` nor `facility`, which the four sources make.
    pub(super) fn case(&mut self, one: &Case) -> Result<(), SyntheticError> {
        self.cases.row(&[
            Cell::U64(one.person),
            Cell::U32(facility_id(one.facility)),
            Cell::Date(one.diagnosed_on),
            Cell::date(one.onset_on),
            Cell::Text(one.category),
            Cell::Text(one.icd10),
            Cell::Text(one.outcome),
        ])
    }
}
