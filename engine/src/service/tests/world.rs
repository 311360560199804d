//! What the tests of the edge need: a signer over HTTP, a guard on strings, a clock that is moved by hand.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener as StdListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightClient, FlightDescriptor};
use async_trait::async_trait;
use jiff::{Span, Timestamp};
use policies::audit::{Entry, read};
use policies::{Grade, Permit, jws};
use prost::Message;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use super::super::{EngineConfig, ServeError, serve, serve_with};
use crate::admission::tests::{World, grant, permit};
use crate::answer::{Answer, Band, Reason, VeilReport};
use crate::error::{QueryError, Refusal, rules};
use crate::flight::{Ending, Guard, Guarded, Shape};
use crate::guard::statement::Template;
use crate::limits::{EngineLimits, Progress};
use crate::release::tests::{Enclave, claims, person_keys, rows};
use crate::tables::Granted;

/// A statement's descriptor.
pub(super) fn statement(sql: &str) -> FlightDescriptor {
    let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

/// Answers with the number of rows of the first granted table, unless the statement says otherwise.
#[derive(Default)]
pub(super) struct ScriptedGuard {
    pub(super) started: Notify,
    pub(super) go_on: Notify,
    pub(super) executed: AtomicUsize,
    pub(super) progress: Progress,
}

struct Scripted {
    guard: Arc<ScriptedGuard>,
    sql: Arc<str>,
}

struct Shared(Arc<ScriptedGuard>);

#[async_trait]
impl Guard for Shared {
    async fn guard(&self, _: Arc<Permit>, tables: Vec<Granted>, sql: Arc<str>) -> Result<Box<dyn Guarded>, Ending> {
        assert!(tables.iter().any(|table| table.name == "ndb.claims"));
        if &*sql == "select refuse" {
            return Err(Refusal::of(&rules::ROOT).into());
        }
        Ok(Box::new(Scripted { guard: Arc::clone(&self.0), sql }))
    }

    async fn shape(&self, permit: Arc<Permit>, tables: Vec<Granted>, template: Template) -> Result<Shape, Ending> {
        let guarded = self.guard(permit, tables, template.numbered().into()).await?;
        Ok(Shape { columns: guarded.schema(), parameters: Arc::new(Schema::empty()) })
    }
}

#[async_trait]
impl Guarded for Scripted {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]))
    }

    fn tables(&self) -> Vec<String> {
        vec!["ndb.claims".to_owned()]
    }

    fn progress(&self) -> Progress {
        self.guard.progress.clone()
    }

    async fn execute(self: Box<Self>) -> Result<Answer, QueryError> {
        self.guard.executed.fetch_add(1, Ordering::SeqCst);
        match &*self.sql {
            "select panic" => panic!("a value from the data"),
            "select fail" => return Err(QueryError::Failed),
            "select wait" => {
                self.guard.started.notify_one();
                self.guard.go_on.notified().await;
            }
            _ => {}
        }
        let schema = self.schema();
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from(vec![8]))]).unwrap();
        let veil = VeilReport {
            grade: Grade::Exact,
            withheld: Band::Few,
            snapped: 0,
            error: None,
            reasons: vec![Reason::FewPersons],
        };
        Ok(Answer { schema, batches: vec![batch], veil })
    }
}

/// The permit signer, as far as the engine knows it.
pub(super) struct Signer {
    world: Arc<World>,
    clock: Arc<Mutex<Timestamp>>,
    permits: HashMap<String, String>,
    revoked: Mutex<Vec<Permit>>,
    sequence: AtomicUsize,
    pub(super) up: AtomicBool,
}

impl Signer {
    pub(super) fn revoke(&self, number: u32) {
        self.revoked.lock().unwrap().push(permit(number, "a"));
    }

    fn status(&self) -> String {
        let status = policies::status::StatusDocument {
            sequence: self.sequence.fetch_add(1, Ordering::SeqCst) as u64,
            issued_at: *self.clock.lock().unwrap(),
            revoked_permits: self.revoked.lock().unwrap().iter().map(|permit| permit.id.clone()).collect(),
            revoked_sessions: std::collections::BTreeSet::new(),
        };
        jws::sign(jws::STATUS, &status, &self.world.signer).unwrap()
    }

    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut request = String::new();
        if reader.read_line(&mut request).is_err() || !self.up.load(Ordering::SeqCst) {
            return;
        }
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
            line.clear();
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let body = match path {
            "/status" => Some(self.status()),
            _ => path.strip_prefix("/permits/").and_then(|id| self.permits.get(id).cloned()),
        };
        let (status, body) = body.map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        reader.get_mut().write_all(format!("{head}{body}").as_bytes()).ok();
    }

    /// Listens on a thread of its own until the process ends.
    fn listen(self: Arc<Self>) -> String {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| self.answer(stream)));
        format!("http://{address}")
    }
}

/// Everything but the running service.
pub(super) struct Prepared {
    enclave: Enclave,
    world: Arc<World>,
    clock: Arc<Mutex<Timestamp>>,
    signer: Arc<Signer>,
    signer_address: String,
    guard: Arc<ScriptedGuard>,
    pub(super) limits: EngineLimits,
}

impl Prepared {
    /// Four persons, and a permit for their claims.
    pub(super) fn new() -> Self {
        Self::with(4, |_| ())
    }

    /// `persons` persons with two claims each; `widen` adds to the permit.
    pub(super) fn with(count: u64, widen: impl FnOnce(&mut Permit)) -> Self {
        let (enclave, world) = (Enclave::new(), Arc::new(World::new()));
        enclave.write("ndb/2026.1", &[("ndb.claims", claims(count, 2))]);
        enclave.write("person/2026.1", &[("person.ndb", persons(count))]);
        let clock = Arc::new(Mutex::new(world.now));
        let mut first = permit(1, "a");
        first.datasets.insert("ndb".to_owned(), grant(&[("ndb.claims", &["points", "prefecture"])]));
        widen(&mut first);
        let permits = HashMap::from([(first.id.to_string(), world.permit(&first))]);
        let signer = Arc::new(Signer {
            world: Arc::clone(&world),
            clock: Arc::clone(&clock),
            permits,
            revoked: Mutex::default(),
            sequence: AtomicUsize::new(1),
            up: AtomicBool::new(true),
        });
        let folder = enclave.dir.path();
        for (name, key) in [("session.pub", &world.portal), ("permit.pub", &world.signer)] {
            policies::durable::replace(&folder.join(name), key.verifying().to_hex().as_bytes()).unwrap();
        }
        let signer_address = Arc::clone(&signer).listen();
        let limits = EngineLimits { recheck_seconds: 1, ..EngineLimits::default() };
        Self { enclave, world, clock, signer, signer_address, guard: Arc::default(), limits }
    }

    /// Writes another release, or one in the place of another.
    pub(super) fn write(&self, release: &str, tables: &[(&str, RecordBatch)]) {
        self.enclave.write(release, tables);
    }

    pub(super) fn config(&self) -> EngineConfig {
        let (folder, clock) = (self.enclave.dir.path(), Arc::clone(&self.clock));
        EngineConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            releases: self.enclave.folder(),
            keys: folder.join("keys"),
            portal_session_key: folder.join("session.pub"),
            permit_key: folder.join("permit.pub"),
            signer: self.signer_address.clone(),
            ca: None,
            tls: false,
            audit: folder.join("audit"),
            clock: Arc::new(move || *clock.lock().unwrap()),
            limits: self.limits,
        }
    }

    /// Sets the clock, which both sides go by.
    pub(super) fn set(&self, now: Timestamp) {
        *self.clock.lock().unwrap() = now;
    }

    /// A token that holds at the clock's time.
    pub(super) fn token(&self) -> String {
        let now = *self.clock.lock().unwrap();
        self.world.token(|token| {
            token.issued_at = now;
            token.expires_at = now + jiff::SignedDuration::from_mins(10);
        })
    }

    pub(super) fn guard(&self) -> Arc<dyn Guard> {
        Arc::new(Shared(Arc::clone(&self.guard)))
    }
}

type Ready = Box<dyn FnOnce(std::net::SocketAddr) + Send>;

/// One row a person in `person.ndb`: men and women in turn.
pub(super) fn persons(count: u64) -> RecordBatch {
    let keys = person_keys(count);
    let sex = (0..keys.len()).map(|row| if row % 2 == 0 { "1" } else { "2" });
    rows(
        &catalog::person_source_schema(),
        &[("sex", Arc::new(StringArray::from_iter_values(sex))), ("person_key", Arc::new(UInt64Array::from(keys)))],
    )
}

/// A running engine; ends when dropped.
pub(super) struct Running {
    pub(super) world: Arc<World>,
    pub(super) signer: Arc<Signer>,
    pub(super) guard: Arc<ScriptedGuard>,
    prepared: Prepared,
    address: std::net::SocketAddr,
    _serving: JoinSet<Result<(), ServeError>>,
}

impl Running {
    /// With the scripted guard.
    pub(super) async fn start() -> Self {
        Self::start_scripted(Prepared::new()).await
    }

    /// The same over what was prepared.
    pub(super) async fn start_scripted(prepared: Prepared) -> Self {
        let (config, guard) = (prepared.config(), prepared.guard());
        Self::serving(prepared, |ready| serve_with(config, guard, ready, std::future::pending())).await
    }

    /// With the engine's own guard and veil.
    pub(super) async fn start_whole(prepared: Prepared) -> Self {
        let config = prepared.config();
        Self::serving(prepared, |ready| serve(config, ready, std::future::pending())).await
    }

    async fn serving<F>(prepared: Prepared, start: impl FnOnce(Ready) -> F) -> Self
    where
        F: Future<Output = Result<(), ServeError>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let mut serving = JoinSet::new();
        serving.spawn(start(Box::new(move |address| tell.send(address).unwrap())));
        let address = told.await.unwrap();
        let (world, signer) = (Arc::clone(&prepared.world), Arc::clone(&prepared.signer));
        let guard = Arc::clone(&prepared.guard);
        Self { world, signer, guard, prepared, address, _serving: serving }
    }

    /// What it was told at its start.
    pub(super) fn config(&self) -> EngineConfig {
        self.prepared.config()
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// A token that holds now.
    pub(super) fn token(&self) -> String {
        self.prepared.token()
    }

    /// Moves the clock.
    pub(super) fn pass(&self, span: Span) {
        let mut clock = self.prepared.clock.lock().unwrap();
        *clock += span;
    }

    pub(super) fn audit_folder(&self) -> PathBuf {
        self.prepared.enclave.dir.path().join("audit")
    }

    /// The entries about queries.
    pub(super) fn audit(&self) -> Vec<Entry> {
        let mut entries = read(&self.audit_folder()).unwrap();
        entries.retain(|entry| entry.action.starts_with("query:"));
        entries
    }

    async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub(super) async fn flight(&self, token: &str) -> FlightClient {
        let mut client = FlightClient::new_from_inner(FlightServiceClient::new(self.channel().await));
        client.add_header("authorization", &format!("Bearer {token}")).unwrap();
        client
    }

    pub(super) async fn sql_client(&self) -> FlightSqlServiceClient<Channel> {
        let mut client = FlightSqlServiceClient::new(self.channel().await);
        client.set_token(self.token());
        client
    }
}
