//! The one row of values that a client sends for a prepared statement.

use std::time::Duration;

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

/// Messages of a stream at most: the schema and one row need two.
const MESSAGES_MAX: usize = 8;
/// How long a client may take to send them.
const TIME_MAX: Duration = Duration::from_secs(30);

/// A stream of values whose first message has been read.
pub(super) struct Incoming {
    first: FlightData,
    rest: Streaming<FlightData>,
    /// Which prepared statement they are for.
    pub(super) handle: Bytes,
}

impl Incoming {
    /// Reads the first message, which names the statement. Nothing is decoded before the session was checked.
    pub(super) async fn new(mut rest: Streaming<FlightData>) -> Result<Self, Ending> {
        let protocol = || Ending::from(&PROTOCOL);
        let first = tokio::time::timeout(TIME_MAX, rest.message()).await.map_err(|_| protocol())?;
        let first = first.ok().flatten().ok_or_else(protocol)?;
        let descriptor = first.flight_descriptor.as_ref().ok_or_else(protocol)?;
        let Command::CommandPreparedStatementQuery(query) = super::command(&descriptor.cmd)? else {
            return Err(protocol());
        };
        Ok(Self { first, rest, handle: query.prepared_statement_handle })
    }

    /// The one row. Several, or none, are refused.
    pub(super) async fn values(self) -> Result<Vec<ScalarValue>, Ending> {
        let misfit = || Ending::from(Refusal::of(&rules::PARAMETERS));
        let rest = self.rest.map_err(FlightError::from);
        let messages = futures::stream::iter([Ok(self.first)]).chain(rest).take(MESSAGES_MAX);
        let batches = FlightRecordBatchStream::new_from_flight_data(messages).try_collect::<Vec<RecordBatch>>();
        let batches = tokio::time::timeout(TIME_MAX, batches).await.map_err(|_| misfit())?.map_err(|_| misfit())?;
        if batches.iter().map(RecordBatch::num_rows).sum::<usize>() != 1 {
            return Err(misfit());
        }
        let row = batches.iter().find(|batch| batch.num_rows() == 1).ok_or_else(misfit)?;
        let values = row.columns().iter().map(|column| ScalarValue::try_from_array(column, 0));
        values.collect::<Result<_, _>>().map_err(|_| misfit())
    }
}
