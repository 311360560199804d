//! The columns of token files: atom, a token of each kind at rest, first and last month of the insurer line.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use policies::keys::SealRecipient;

use super::{Kind, Token};
use crate::normalise;

/// First and last month of the insurer line.
pub(crate) const MONTHS: [&str; 2] = ["first_month", "last_month"];

/// The schema of a batch's token file. `epoch`: fingerprint of the key; `release_to`: whom the crosswalk is sealed to.
pub(crate) fn schema(source: &str, batch: &str, epoch: &str, release_to: &SealRecipient) -> SchemaRef {
    let mut fields = vec![Field::new("atom", token_type(), false)];
    fields.extend(Kind::AT_REST.map(|kind| Field::new(kind.name(), token_type(), true)));
    fields.extend(MONTHS.map(|name| Field::new(name, DataType::Date32, true)));
    let metadata: HashMap<String, String> = [
        ("sudare.source", source.to_owned()),
        ("sudare.batch", batch.to_owned()),
        ("sudare.normaliser", normalise::VERSION.to_owned()),
        ("sudare.epoch", epoch.to_owned()),
        ("sudare.release_to", release_to.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    Arc::new(Schema::new(fields).with_metadata(metadata))
}

/// The type of a token and of an atom's id.
pub(crate) fn token_type() -> DataType {
    DataType::FixedSizeBinary(16)
}

/// A column of tokens.
pub(crate) fn column(cells: impl ExactSizeIterator<Item = Option<Token>>) -> Result<ArrayRef, ArrowError> {
    let mut column = FixedSizeBinaryBuilder::with_capacity(cells.len(), 16);
    for cell in cells {
        match cell {
            Some(token) => column.append_value(token)?,
            None => column.append_null(),
        }
    }
    Ok(Arc::new(column.finish()))
}
