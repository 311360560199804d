//! The one row of values that a client sends for a prepared statement.

use arrow::array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::Command;
use datafusion::common::ScalarValue;
use futures::{StreamExt, TryStreamExt};
use prost::bytes::Bytes;
use tonic::Streaming;

use super::ending::{Ending, PROTOCOL};
use crate::error::{Refusal, rules};

/// Batches of a stream at most; one row needs one.
const BATCHES_MAX: usize = 8;

/// Which statement, and its values.
pub(super) struct Values {
    pub(super) handle: Bytes,
    pub(super) values: Vec<ScalarValue>,
}

/// Reads a stream whose first message names a prepared statement. Several rows, or none, are refused.
pub(super) async fn values(mut stream: Streaming<FlightData>) -> Result<Values, Ending> {
    let protocol = || Ending::from(&PROTOCOL);
    let misfit = || Ending::from(Refusal::of(&rules::PARAMETERS));
    let first = stream.message().await.ok().flatten().ok_or_else(protocol)?;
    let descriptor = first.flight_descriptor.as_ref().ok_or_else(protocol)?;
    let Command::CommandPreparedStatementQuery(query) = super::command(&descriptor.cmd)? else {
        return Err(protocol());
    };
    let messages = futures::stream::iter([Ok(first)]).chain(stream.map_err(FlightError::from));
    let mut batches = FlightRecordBatchStream::new_from_flight_data(messages);
    let mut row: Option<RecordBatch> = None;
    let mut seen = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|_| misfit())?;
        seen += 1;
        if seen > BATCHES_MAX || batch.num_rows() > 1 || (batch.num_rows() == 1 && row.is_some()) {
            return Err(misfit());
        }
        row = if batch.num_rows() == 1 { Some(batch) } else { row };
    }
    let row = row.ok_or_else(misfit)?;
    let values = row.columns().iter().map(|column| ScalarValue::try_from_array(column, 0));
    Ok(Values {
        handle: query.prepared_statement_handle,
        values: values.collect::<Result<_, _>>().map_err(|_| misfit())?,
    })
}
