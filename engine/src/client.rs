//! A small client: one statement to the engine, its cells and the `veil` object back. Used by the command line and the portal.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightClient, FlightDescriptor};
use futures::TryStreamExt;
use prost::Message;
use serde_json::Value;
use tonic::transport::Endpoint;

use crate::flight::VEIL_KEY;
pub use crate::refused::Refused;
use crate::refused::RefusedObject;

/// An answer is at most this large in one message.
const MESSAGE_MAX: usize = 64 << 20;
/// How long the engine may take to pick up.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a query may take, a little longer than the engine lets it.
const ANSWER_MAX: Duration = Duration::from_mins(11);

/// What came back.
#[derive(Clone, Debug)]
pub struct ClientAnswer {
    /// Columns.
    pub schema: SchemaRef,
    /// Cells.
    pub batches: Vec<RecordBatch>,
    /// The `veil` object: grade, band of what was withheld, reasons.
    pub veil: Value,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The engine could not be reached, or the query failed: one sentence.
    #[error("{0}")]
    Failed(String),
    /// Refused, before or instead of running.
    #[error("{0}")]
    Refused(Box<Refused>),
}

impl From<FlightError> for ClientError {
    fn from(error: FlightError) -> Self {
        let FlightError::Tonic(status) = error else {
            return Self::Failed("the engine's answer could not be read".to_owned());
        };
        match serde_json::from_slice::<RefusedObject>(status.details()) {
            Ok(object) => Self::Refused(Box::new(object.refused)),
            Err(_) if status.message().is_empty() => Self::Failed("the connection to the engine broke".to_owned()),
            Err(_) => Self::Failed(status.message().to_owned()),
        }
    }
}

/// Sends one statement. `server`: `grpc://127.0.0.1:7003`, `http://…`, or host and port alone. `token`: the session token.
pub async fn query(server: &str, token: &str, project: Option<&str>, sql: &str) -> Result<ClientAnswer, ClientError> {
    let mut client = connect(server).await?;
    client.add_header("authorization", &format!("Bearer {token}")).map_err(|_| unusable("session token"))?;
    if let Some(project) = project {
        client.add_header("sudare-project", project).map_err(|_| unusable("project"))?;
    }
    let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let info = client.get_flight_info(descriptor).await?;
    let ticket = info.endpoint.into_iter().next().and_then(|endpoint| endpoint.ticket);
    let ticket = ticket.ok_or_else(|| ClientError::Failed("the engine gave no ticket for the answer".to_owned()))?;
    let mut stream = client.do_get(ticket).await?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        batches.push(batch);
    }
    let schema = stream.schema().cloned();
    let schema = schema.ok_or_else(|| ClientError::Failed("the engine's answer has no columns".to_owned()))?;
    let veil = schema.metadata().get(VEIL_KEY).and_then(|text| serde_json::from_str(text).ok());
    let veil = veil.ok_or_else(|| ClientError::Failed("the engine's answer does not carry its veil".to_owned()))?;
    Ok(ClientAnswer { schema, batches, veil })
}

async fn connect(server: &str) -> Result<FlightClient, ClientError> {
    // Flight's own schemes say the same as the transport's.
    let place = server.trim_start_matches("grpc+tcp://").trim_start_matches("grpc://");
    let address = if place.contains("://") { place.to_owned() } else { format!("http://{place}") };
    let endpoint = Endpoint::from_shared(address).map_err(|_| unusable("address of the engine"))?;
    let channel = endpoint.connect_timeout(CONNECT_MAX).timeout(ANSWER_MAX).connect().await;
    let channel = channel.map_err(|_| {
        ClientError::Failed(format!("nothing answers at {server}; check the address, and that the engine runs"))
    })?;
    let inner = arrow_flight::flight_service_client::FlightServiceClient::new(channel);
    Ok(FlightClient::new_from_inner(inner.max_decoding_message_size(MESSAGE_MAX)))
}

fn unusable(what: &str) -> ClientError {
    ClientError::Failed(format!("the {what} cannot be used; check that it is complete and on one line"))
}
