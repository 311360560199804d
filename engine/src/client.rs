//! A small client: one statement to the engine, its cells and the `veil` object back. Used by the command line and the portal.

use std::path::Path;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{Action, FlightClient, FlightDescriptor, Ticket};
use futures::TryStreamExt;
use policies::tls::{Roots, TlsError, check_peer};
use prost::Message;
use serde_json::Value;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use crate::flight::{CONDITIONS_KEY, COST_KEY, DUMMY_KEY, PROGRESS_ACTION, VEIL_KEY};
pub use crate::refused::Refused;
use crate::refused::RefusedObject;

/// An answer is at most this large in one message.
const MESSAGE_MAX: usize = 64 << 20;
/// How long the engine may take to pick up.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a query may take, a little longer than the engine lets it.
const ANSWER_MAX: Duration = Duration::from_mins(11);

/// How often a waiting client asks how far its query is.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// What came back.
#[derive(Clone, Debug)]
pub struct ClientAnswer {
    /// Columns.
    pub schema: SchemaRef,
    /// Cells.
    pub batches: Vec<RecordBatch>,
    /// The `veil` object: grade, band of what was withheld, reasons.
    pub veil: Value,
    /// Conditions of the permit, in words.
    pub conditions: Vec<String>,
    /// What the query read at most, if the engine says so: `{"rows":…,"values":…}`.
    pub cost: Option<Value>,
    /// Whether everything in it is made up.
    pub is_dummy: bool,
}

/// How far a query is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// It has a place; this share of it, 0 to 1, is done.
    Runs(f64),
    /// All places are taken.
    Waits,
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

/// Sends one statement to an engine on this machine, see [`Engine::at`].
pub async fn query(server: &str, token: &str, project: Option<&str>, sql: &str) -> Result<ClientAnswer, ClientError> {
    Engine::at(server, None)?.query(token, project, sql).await
}

/// Where an engine is, and how it is reached.
#[derive(Clone, Debug)]
pub struct Engine {
    server: String,
    endpoint: Endpoint,
    over_tls: bool,
}

impl Engine {
    /// `server`: `grpc+tls://host:port`; on this machine also `grpc://127.0.0.1:7003`, or host and port alone. `ca`: the file
    /// with the certificates that may vouch for the engine, needed for TLS. The engine's name is always checked.
    pub fn at(server: &str, ca: Option<&Path>) -> Result<Self, ClientError> {
        let address = || unusable("address of the engine");
        let (scheme, place) = server.split_once("://").unwrap_or(("grpc", server));
        // Flight's own schemes say the same as the transport's.
        let over_tls = match scheme {
            "grpc" | "grpc+tcp" | "http" => false,
            "grpc+tls" | "https" => true,
            _ => return Err(address()),
        };
        let place = format!("{}://{place}", if over_tls { "https" } else { "http" });
        let mut endpoint = Endpoint::from_shared(place).map_err(|_| address())?;
        let host = endpoint.uri().host().ok_or_else(address)?.to_owned();
        let roots = ca.map(Roots::read).transpose().map_err(told)?;
        check_peer(over_tls, &host, roots.as_ref()).map_err(told)?;
        if let Some(roots) = roots.filter(|_| over_tls) {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(roots.pem())).domain_name(host);
            endpoint = endpoint.tls_config(tls).map_err(|_| address())?;
        }
        let endpoint = endpoint.connect_timeout(CONNECT_MAX).timeout(ANSWER_MAX);
        Ok(Self { server: server.to_owned(), endpoint, over_tls })
    }

    /// Sends one statement. `token`: the session token.
    pub async fn query(&self, token: &str, project: Option<&str>, sql: &str) -> Result<ClientAnswer, ClientError> {
        self.query_watched((token, project), sql, |_| ()).await
    }

    /// The same; `watch` hears about once a second how far the query is.
    pub async fn query_watched(
        &self,
        (token, project): (&str, Option<&str>),
        sql: &str,
        watch: impl Fn(Progress),
    ) -> Result<ClientAnswer, ClientError> {
        let mut client = self.connect().await?;
        client.add_header("authorization", &format!("Bearer {token}")).map_err(|_| unusable("session token"))?;
        if let Some(project) = project {
            client.add_header("sudare-project", project).map_err(|_| unusable("project"))?;
        }
        let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let info = client.get_flight_info(descriptor).await.map_err(|error| self.explain(error))?;
        let ticket = info.endpoint.into_iter().next().and_then(|endpoint| endpoint.ticket);
        let ticket =
            ticket.ok_or_else(|| ClientError::Failed("the engine gave no ticket for the answer".to_owned()))?;
        let mut asking = again(&client);
        let answer = client.do_get(ticket.clone());
        let mut stream = tokio::select! {
            answer = answer => answer?,
            never = watching(&mut asking, &ticket, watch) => match never {},
        };
        let mut batches = Vec::new();
        while let Some(batch) = stream.try_next().await? {
            batches.push(batch);
        }
        let schema = stream.schema().cloned();
        let schema = schema.ok_or_else(|| ClientError::Failed("the engine's answer has no columns".to_owned()))?;
        let veil = schema.metadata().get(VEIL_KEY).and_then(|text| serde_json::from_str(text).ok());
        let veil = veil.ok_or_else(|| ClientError::Failed("the engine's answer does not carry its veil".to_owned()))?;
        let conditions = schema.metadata().get(CONDITIONS_KEY).and_then(|text| serde_json::from_str(text).ok());
        let cost = schema.metadata().get(COST_KEY).and_then(|text| serde_json::from_str(text).ok());
        let is_dummy = schema.metadata().contains_key(DUMMY_KEY);
        Ok(ClientAnswer { schema, batches, veil, conditions: conditions.unwrap_or_default(), cost, is_dummy })
    }

    async fn connect(&self) -> Result<FlightClient, ClientError> {
        let channel = self.endpoint.connect().await.map_err(|error| self.unreached(&error))?;
        let inner = arrow_flight::flight_service_client::FlightServiceClient::new(channel);
        Ok(FlightClient::new_from_inner(inner.max_decoding_message_size(MESSAGE_MAX)))
    }

    /// Why there is no connection: nobody there, or somebody whom the CA does not know.
    fn unreached(&self, error: &tonic::transport::Error) -> ClientError {
        let server = &self.server;
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            // An error of rustls arrives as the inside of an input or output error.
            let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            if let Some(tls) = inside.and_then(|inside| inside.downcast_ref::<rustls::Error>()) {
                return ClientError::Failed(distrusted(server, tls));
            }
            cause = error.source();
        }
        let check = "check the address, and that the engine runs";
        ClientError::Failed(format!("nothing answers at {server}; {check}"))
    }

    /// A plain client hears nothing that it could read from a TLS port.
    fn explain(&self, error: FlightError) -> ClientError {
        if let FlightError::Tonic(status) = &error
            && !self.over_tls
            && is_broken(status)
        {
            return ClientError::Failed(format!(
                "the connection to {} broke; if the engine speaks TLS there, write grpc+tls:// and name its CA file",
                self.server
            ));
        }
        error.into()
    }
}

/// The same connection and credentials, for asking while an answer is awaited.
fn again(client: &FlightClient) -> FlightClient {
    let mut asking = FlightClient::new_from_inner(client.inner().clone());
    *asking.metadata_mut() = client.metadata().clone();
    asking
}

/// Tells how far a ticket's query is, until dropped. An engine that does not say is asked on, in case it does later.
async fn watching(asking: &mut FlightClient, ticket: &Ticket, watch: impl Fn(Progress)) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let action = Action { r#type: PROGRESS_ACTION.to_owned(), body: ticket.ticket.clone() };
        let Ok(mut told) = asking.do_action(action).await else { continue };
        let Ok(Some(body)) = told.try_next().await else { continue };
        let Ok(told) = serde_json::from_slice::<Value>(&body) else { continue };
        match told.get("state").and_then(Value::as_str) {
            Some("runs") => watch(Progress::Runs(told.get("progress").and_then(Value::as_f64).unwrap_or_default())),
            Some("waits") => watch(Progress::Waits),
            Some(_) | None => {}
        }
    }
}

/// The transport's own failure, in contrast to what an engine says: it has a cause, an answer has none.
fn is_broken(status: &tonic::Status) -> bool {
    std::error::Error::source(status).is_some()
}

fn distrusted(server: &str, error: &rustls::Error) -> String {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer};
    let rustls::Error::InvalidCertificate(why) = error else {
        return format!("{server} does not speak TLS as it should; check the address and its scheme");
    };
    if matches!(why, Expired | ExpiredContext { .. }) {
        format!("the certificate of {server} has expired; ask the operator to renew it")
    } else if matches!(why, NotValidForName | NotValidForNameContext { .. }) {
        format!("the certificate of {server} is for another name; use the name that the operator gave")
    } else if matches!(why, UnknownIssuer) {
        format!("the CA file does not vouch for {server}; ask the operator for the ca.pem of this engine")
    } else {
        format!("the certificate of {server} cannot be believed; ask the operator")
    }
}

#[expect(clippy::needless_pass_by_value, reason = "stands where an error is mapped")]
fn told(error: TlsError) -> ClientError {
    ClientError::Failed(match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}

fn unusable(what: &str) -> ClientError {
    ClientError::Failed(format!("the {what} cannot be used; check that it is complete and on one line"))
}
