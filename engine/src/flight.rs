//! Flight SQL: statements and prepared statements in, cells out. An allow-list: whatever else Flight offers is refused.

mod bind;
mod desk;
mod ending;
mod journal;
mod metadata;
mod run;
mod running;
mod shape;
mod tickets;
mod workers;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, Command,
    DoPutPreparedStatementResult, ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, Criteria, Empty, FlightData,
    FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage, PollInfo, PutResult,
    SchemaAsIpc, SchemaResult, Ticket,
};
use futures::{Stream, StreamExt};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use desk::{Desk, Guard, Guarded, Sent, Shape};
pub(crate) use ending::{ALL as RULES, Ending};
pub(crate) use journal::Journal;
pub(crate) use tickets::Tickets;
pub(crate) use workers::WorkerRuntime;

use crate::admission::Credentials;
use crate::error::QueryError;
use bind::Incoming;
use ending::PROTOCOL;
use metadata::Question;
use running::Stage;

/// Key of the answer's schema metadata that holds the `veil` object.
pub const VEIL_KEY: &str = "sudare.veil";
/// Key of the answer's schema metadata that holds the permit's conditions, a list of sentences; absent if there are none.
pub const CONDITIONS_KEY: &str = "sudare.conditions";

/// Key of the answer's schema metadata that says `true` where everything is made up; absent for people's records.
pub const DUMMY_KEY: &str = "sudare.dummy";
/// Key of the answer's schema metadata that holds the query's cost, see [`Cost`](crate::Cost); absent where none is known.
pub const COST_KEY: &str = "sudare.cost";

/// The action that tells how far a query is; its body is the ticket, its answer a JSON object.
pub(crate) const PROGRESS_ACTION: &str = "sudare.progress";

/// Flight SQL's enumeration of the answers to `CancelQuery`, which the client library does not export.
const QUERY_CANCELLED: i32 = 1;
/// See [`QUERY_CANCELLED`].
const QUERY_NOT_CANCELLABLE: i32 = 3;

type Reply<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send + 'static>>;

/// The service, over one desk.
pub(crate) struct FlightEdge {
    desk: Arc<Desk>,
}

impl FlightEdge {
    /// Serves that desk.
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// A ticket for a statement, or for a question about what there is.
    async fn info(&self, credentials: &Credentials, command: Command) -> Result<Ticket, Ending> {
        if Question::of(&command).is_some() {
            // Answered when fetched; the permit is checked then, and now so that a refusal comes early.
            self.desk.visible(credentials).await?;
            return Ok(Ticket::new(command.into_any().encode_to_vec()));
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "an allow-list: all other commands are refused")]
        let (handle, _) = match command {
            Command::CommandStatementQuery(query) if query.transaction_id.is_none() => {
                self.desk.statement(credentials, &query.query).await?
            }
            Command::CommandPreparedStatementQuery(query) => {
                self.desk.prepared_statement(credentials, &query.prepared_statement_handle).await?
            }
            _ => return Err(Ending::from(&PROTOCOL)),
        };
        let ticket = TicketStatementQuery { statement_handle: handle.to_vec().into() };
        Ok(Ticket::new(ticket.as_any().encode_to_vec()))
    }

    async fn fetch(&self, credentials: &Credentials, command: Command) -> Result<Reply<FlightData>, Ending> {
        if Question::of(&command).is_some() {
            let tables = self.desk.visible(credentials).await?;
            let batch = metadata::answer(command, &tables).ok_or_else(|| Ending::from(&PROTOCOL))?;
            let batch = batch.map_err(|_| QueryError::Failed)?;
            return send(&batch.schema(), &[batch]);
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "an allow-list: all other commands are refused")]
        let answer = match command {
            Command::TicketStatementQuery(ticket) => self.desk.answer(credentials, &ticket.statement_handle).await?,
            Command::CommandPreparedStatementQuery(query) => {
                let (handle, _) = self.desk.prepared_statement(credentials, &query.prepared_statement_handle).await?;
                self.desk.answer(credentials, &handle).await?
            }
            _ => return Err(Ending::from(&PROTOCOL)),
        };
        send(&stamped(&answer)?, &answer.answer.batches)
    }

    /// The columns that an answer will have.
    async fn columns(&self, credentials: &Credentials, command: Command) -> Result<SchemaRef, Ending> {
        if Question::of(&command).is_some() {
            let tables = self.desk.visible(credentials).await?;
            let batch = metadata::answer(command, &tables).ok_or_else(|| Ending::from(&PROTOCOL))?;
            return Ok(batch.map_err(|_| QueryError::Failed)?.schema());
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "an allow-list: all other commands are refused")]
        match command {
            Command::CommandStatementQuery(query) if query.transaction_id.is_none() => {
                self.desk.columns(credentials, &query.query).await
            }
            Command::CommandPreparedStatementQuery(query) => {
                self.desk.prepared_columns(credentials, &query.prepared_statement_handle).await
            }
            _ => Err(Ending::from(&PROTOCOL)),
        }
    }

    async fn act(&self, credentials: &Credentials, action: &Action) -> Result<Reply<arrow_flight::Result>, Ending> {
        let body = || Any::decode(action.body.as_ref()).map_err(|_| Ending::from(&PROTOCOL));
        match action.r#type.as_str() {
            "CreatePreparedStatement" => {
                let request: ActionCreatePreparedStatementRequest = unpack(&body()?)?;
                if request.transaction_id.is_some() {
                    return Err(Ending::from(&PROTOCOL));
                }
                let (handle, shape) = self.desk.prepare(credentials, &request.query).await?;
                let result = ActionCreatePreparedStatementResult {
                    prepared_statement_handle: handle.to_vec().into(),
                    dataset_schema: ipc(&shape.columns)?,
                    parameter_schema: ipc(&shape.parameters)?,
                };
                Ok(one(arrow_flight::Result { body: result.as_any().encode_to_vec().into() }))
            }
            "ClosePreparedStatement" => {
                let request: ActionClosePreparedStatementRequest = unpack(&body()?)?;
                self.desk.close(credentials, &request.prepared_statement_handle).await?;
                Ok(Box::pin(futures::stream::empty()))
            }
            "CancelFlightInfo" => {
                let request = CancelFlightInfoRequest::decode(action.body.as_ref()).map_err(|_| &PROTOCOL)?;
                let cancelled = self.cancel(credentials, request.info.unwrap_or_default()).await?;
                let status = if cancelled { CancelStatus::Cancelled } else { CancelStatus::NotCancellable };
                let body = CancelFlightInfoResult { status: status.into() }.encode_to_vec().into();
                Ok(one(arrow_flight::Result { body }))
            }
            "CancelQuery" => {
                let request: ActionCancelQueryRequest = unpack(&body()?)?;
                let info = FlightInfo::decode(request.info).map_err(|_| &PROTOCOL)?;
                let cancelled = self.cancel(credentials, info).await?;
                let result = if cancelled { QUERY_CANCELLED } else { QUERY_NOT_CANCELLABLE };
                let result = ActionCancelQueryResult { result };
                Ok(one(arrow_flight::Result { body: result.as_any().encode_to_vec().into() }))
            }
            PROGRESS_ACTION => {
                let handle = statement_handle(&action.body)?;
                let told = match self.desk.stage(credentials, &handle).await? {
                    None => serde_json::json!({"state": "none"}),
                    Some(Stage::Waits) => serde_json::json!({"state": "waits", "progress": 0.0}),
                    Some(Stage::Runs(share)) => serde_json::json!({"state": "runs", "progress": share}),
                };
                Ok(one(arrow_flight::Result { body: told.to_string().into() }))
            }
            _ => Err(Ending::from(&PROTOCOL)),
        }
    }

    /// Stops the query that an info was given for.
    async fn cancel(&self, credentials: &Credentials, info: FlightInfo) -> Result<bool, Ending> {
        let ticket = info.endpoint.into_iter().next().and_then(|endpoint| endpoint.ticket);
        let handle = statement_handle(&ticket.ok_or(&PROTOCOL)?.ticket)?;
        self.desk.cancel(credentials, &handle).await
    }

    /// Values for a prepared statement.
    async fn put(&self, credentials: &Credentials, stream: Streaming<FlightData>) -> Result<Reply<PutResult>, Ending> {
        let incoming = Incoming::new(stream).await?;
        let handle = incoming.handle.clone();
        self.desk.knows(credentials, &handle).await?;
        self.desk.bind(credentials, &handle, &incoming.values().await?).await?;
        let result = DoPutPreparedStatementResult { prepared_statement_handle: Some(handle) };
        Ok(one(PutResult { app_metadata: result.encode_to_vec().into() }))
    }
}

#[tonic::async_trait]
impl FlightService for FlightEdge {
    type DoActionStream = Reply<arrow_flight::Result>;
    type DoExchangeStream = Reply<FlightData>;
    type DoGetStream = Reply<FlightData>;
    type DoPutStream = Reply<PutResult>;
    type HandshakeStream = Reply<HandshakeResponse>;
    type ListActionsStream = Reply<ActionType>;
    type ListFlightsStream = Reply<FlightInfo>;

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let credentials = credentials(&request);
        let descriptor = request.into_inner();
        let ticket = self.info(&credentials, command(&descriptor.cmd)?).await?;
        // The schema stays empty: clients take that of the stream, which carries the veil object.
        let endpoint = FlightEndpoint::new().with_ticket(ticket);
        Ok(Response::new(FlightInfo::new().with_endpoint(endpoint).with_descriptor(descriptor)))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let credentials = credentials(&request);
        let command = command(&request.into_inner().ticket)?;
        Ok(Response::new(self.fetch(&credentials, command).await?))
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let credentials = credentials(&request);
        Ok(Response::new(self.act(&credentials, request.get_ref()).await?))
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        let names =
            ["CancelFlightInfo", "CancelQuery", "ClosePreparedStatement", "CreatePreparedStatement", PROGRESS_ACTION];
        let actions = names.map(|name| Ok(ActionType { r#type: name.to_owned(), description: String::new() }));
        Ok(Response::new(Box::pin(futures::stream::iter(actions))))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        Err(Ending::from(&PROTOCOL).into())
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        Err(Ending::from(&PROTOCOL).into())
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        Err(Ending::from(&PROTOCOL).into())
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let credentials = credentials(&request);
        let columns = self.columns(&credentials, command(&request.into_inner().cmd)?).await?;
        Ok(Response::new(SchemaResult { schema: ipc(&columns)? }))
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        let credentials = credentials(&request);
        Ok(Response::new(self.put(&credentials, request.into_inner()).await?))
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(Ending::from(&PROTOCOL).into())
    }
}

fn credentials<T>(request: &Request<T>) -> Credentials {
    let text = |name: &str| request.metadata().get(name).and_then(|value| value.to_str().ok());
    let token = text("authorization").and_then(|value| {
        let (kind, token) = value.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let peer = request.remote_addr().map(|address| address.ip());
    Credentials { token, project: text("sudare-project").map(str::to_owned), peer }
}

/// The Flight SQL command in a descriptor or ticket.
fn command(bytes: &[u8]) -> Result<Command, Ending> {
    let any = Any::decode(bytes).map_err(|_| Ending::from(&PROTOCOL))?;
    Command::try_from(any).map_err(|_| Ending::from(&PROTOCOL))
}

fn unpack<M: ProstMessageExt>(any: &Any) -> Result<M, Ending> {
    any.unpack().ok().flatten().ok_or_else(|| Ending::from(&PROTOCOL))
}

fn ipc(schema: &Schema) -> Result<prost::bytes::Bytes, Ending> {
    let options = IpcWriteOptions::default();
    let message = IpcMessage::try_from(SchemaAsIpc::new(schema, &options)).map_err(|_| QueryError::Failed)?;
    Ok(message.0)
}

/// The answer's schema with the `veil` object in its metadata, the permit's conditions if it has any, the cost if one is known,
/// and the word that all is made up if it is.
fn stamped(Sent { answer, permit, cost, is_dummy }: &Sent) -> Result<SchemaRef, QueryError> {
    let veil = serde_json::to_string(&answer.veil).map_err(|_| QueryError::Failed)?;
    let mut metadata = HashMap::from([(VEIL_KEY.to_owned(), veil)]);
    if !permit.conditions.is_empty() {
        let conditions = serde_json::to_string(&permit.conditions).map_err(|_| QueryError::Failed)?;
        metadata.insert(CONDITIONS_KEY.to_owned(), conditions);
    }
    if let Some(cost) = cost {
        let cost = serde_json::to_string(cost).map_err(|_| QueryError::Failed)?;
        metadata.insert(COST_KEY.to_owned(), cost);
    }
    if *is_dummy {
        metadata.insert(DUMMY_KEY.to_owned(), "true".to_owned());
    }
    Ok(Arc::new(Schema::new_with_metadata(answer.schema.fields().clone(), metadata)))
}

/// The handle in a ticket for a statement's answer.
fn statement_handle(ticket: &[u8]) -> Result<prost::bytes::Bytes, Ending> {
    let Command::TicketStatementQuery(ticket) = command(ticket)? else { return Err(Ending::from(&PROTOCOL)) };
    Ok(ticket.statement_handle)
}

fn one<T: Send + 'static>(part: T) -> Reply<T> {
    Box::pin(futures::stream::iter([Ok(part)]))
}

fn send(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Reply<FlightData>, Ending> {
    let batch = shape::whole(schema, batches).map_err(|_| QueryError::Failed)?;
    let batches = futures::stream::iter([Ok(batch)]);
    let encoded = FlightDataEncoderBuilder::new().with_schema(Arc::clone(schema)).build(batches);
    let failed = |_| Ending::from(QueryError::Failed).into();
    Ok(Box::pin(encoded.map(move |part| part.map(shape::padded).map_err(failed))))
}
