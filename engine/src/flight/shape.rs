//! What an answer's bytes may tell: one batch, nothing under its nulls, and messages in steps of 1 KiB (disclosure.md, "Side
//! channels": answer shape).

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, LargeStringArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringArray, StringViewArray, downcast_primitive_array, new_null_array,
};
use arrow::compute::{concat, concat_batches};
use arrow::datatypes::{ArrowPrimitiveType, DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::FlightData;
use prost::Message;

/// Messages are as long as a multiple of this.
const STEP: usize = 1024;

/// All batches as one: where an operator cut them depends on rows that were withheld.
pub(super) fn whole(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let batch = concat_batches(schema, batches.iter())?;
    let columns = batch.columns().iter().map(blanked).collect::<Result<_, _>>()?;
    RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &RecordBatchOptions::new().with_row_count(Some(batch.num_rows())),
    )
}

/// A column whose buffers hold nothing where it is null: kernels that null a value may leave it in place, and the buffers
/// travel whole.
fn blanked(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if column.null_count() == 0 {
        return Ok(Arc::clone(column));
    }
    let column = column.as_ref();
    downcast_primitive_array! {
        column => {
            Ok(Arc::new(anew(column)))
        }
        DataType::Boolean => Ok(Arc::new(column.as_boolean().iter().collect::<BooleanArray>())),
        DataType::Utf8 => Ok(Arc::new(column.as_string::<i32>().iter().collect::<StringArray>())),
        DataType::LargeUtf8 => Ok(Arc::new(column.as_string::<i64>().iter().collect::<LargeStringArray>())),
        DataType::Utf8View => Ok(Arc::new(column.as_string_view().iter().collect::<StringViewArray>())),
        DataType::Null => Ok(new_null_array(&DataType::Null, column.len())),
        // Other types have no nulls made by the veil, and are rebuilt from the rows that hold a value.
        _ => rebuilt(column),
    }
}

/// The same values, type, zone and scale, in buffers of its own.
fn anew<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>) -> PrimitiveArray<T> {
    column.iter().collect::<PrimitiveArray<T>>().with_data_type(column.data_type().clone())
}

/// Each value alone, nulls anew: a null is never a slice of what stood there.
fn rebuilt(column: &dyn Array) -> Result<ArrayRef, ArrowError> {
    let null = new_null_array(column.data_type(), 1);
    let pieces: Vec<ArrayRef> =
        (0..column.len()).map(|at| if column.is_null(at) { Arc::clone(&null) } else { column.slice(at, 1) }).collect();
    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    concat(&pieces)
}

/// The message with its length rounded up by zeros in a field that clients do not read.
pub(super) fn padded(mut message: FlightData) -> FlightData {
    let bare = message.encoded_len();
    let fits = |length: usize| length.next_multiple_of(STEP);
    // A field of n bytes costs its tag, its length and itself.
    let cost = |zeros: usize| 1 + if zeros < 128 { 1 } else { 2 } + zeros;
    let target = fits(bare + cost(1));
    let room = target - bare;
    let zeros = [room.saturating_sub(2), room.saturating_sub(3)].into_iter().find(|zeros| cost(*zeros) == room);
    // One length falls between the two kinds of fields; the next step has room for it.
    let zeros = zeros.unwrap_or(room + STEP - 3);
    message.app_metadata = vec![0; zeros].into();
    message
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array};
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_left_under_a_null() {
        let nulls = || Some(NullBuffer::from(vec![true, false, true]));
        let (texts, _, _) = StringArray::from(vec!["a", "秘密", "c"]).into_parts();
        let (_, bytes, _) = StringArray::from(vec!["a", "秘密", "c"]).into_parts();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("n", Arc::new(Int64Array::new(vec![1, 4332, 3].into(), nulls()))),
            ("x", Arc::new(Float64Array::new(vec![1.0, 93.5, 3.0].into(), nulls()))),
            ("s", Arc::new(StringArray::new(texts, bytes, nulls()))),
            ("b", Arc::new(BooleanArray::new(vec![false, true, false].into(), nulls()))),
        ];
        let fields: Vec<_> =
            columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns.into_iter().map(|(_, column)| column).collect());
        let batch = batch.unwrap();
        let shaped = whole(&schema, &[batch.slice(0, 1), batch.slice(1, 2)]).unwrap();
        assert_eq!(shaped, batch);
        assert_eq!(shaped.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().as_ref(), [1, 0, 3]);
        assert_eq!(shaped.column(1).to_data().buffers()[0].typed_data::<f64>(), [1.0, 0.0, 3.0]);
        assert_eq!(shaped.column(2).as_string::<i32>().value_data(), b"ac");
        assert!(!shaped.column(3).as_boolean().value(1));
    }

    #[test]
    fn no_batches_are_an_empty_one() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        assert_eq!(whole(&schema, &[]).unwrap().num_rows(), 0);
    }

    proptest! {
        #[test]
        fn every_message_is_a_multiple_of_the_step(header in 0_usize..3000, body in 0_usize..3000) {
            let message = FlightData {
                data_header: vec![1; header].into(),
                data_body: vec![2; body].into(),
                ..FlightData::default()
            };
            let bare = message.encoded_len();
            let padded = padded(message);
            prop_assert_eq!(padded.encoded_len() % STEP, 0);
            prop_assert!(padded.encoded_len() <= bare + 2 * STEP);
        }
    }
}
