//! The engine as a service: configuration in, Flight SQL on a socket, until told to end.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use catalog::ReleaseId;
use jiff::Timestamp;
use policies::Zone;
use policies::audit::{AuditError, AuditLog};
use policies::keys::{KeyError, KeyFolder, VerifyingKey};
use policies::tls::{Roots, ServerCertificate, TlsError, check_peer};
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Identity, Server, ServerTlsConfig};

use crate::admission::{Admission, Dummies, Permits};
use crate::flight::{Desk, FlightEdge, Guard, Journal, Tickets, WorkerRuntime};
use crate::limits::{EngineLimits, Failures, Queue};
use crate::release::{ReleaseError, Releases};
use crate::status_feed::{FeedError, StatusFeed};
use crate::work::Workspaces;

/// Tells the time; the edge of the process hands it in.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A request is at most this large: a query's text of 256 KiB and its envelope.
const REQUEST_MAX: usize = 512 << 10;

/// Requests of one connection at a time.
const STREAMS_MAX: u32 = 64;
/// How long a client may take to agree on keys.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long queries may go on after the service was told to end.
const GRACE: Duration = Duration::from_secs(3);

/// What the engine is told at its start. The enclave's keys are named here and nowhere else.
#[derive(Clone)]
pub struct EngineConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Folder of the releases.
    pub releases: PathBuf,
    /// The enclave's key folder.
    pub keys: PathBuf,
    /// Public half of the portal's session key (`session.pub`).
    pub portal_session_key: PathBuf,
    /// Public half of the permit signer's key (`permit.pub`).
    pub permit_key: PathBuf,
    /// Where the permit signer listens, e.g. `http://127.0.0.1:7002`, beyond this machine `https://…`.
    pub signer: String,
    /// The signer's CA file, needed for `https`.
    pub ca: Option<PathBuf>,
    /// Whether to speak TLS on loopback too. Any other address is served over TLS only.
    pub tls: bool,
    /// Folder of the enclave's audit chain.
    pub audit: PathBuf,
    /// The time.
    pub clock: Clock,
    /// How much may run, wait and fail.
    pub limits: EngineLimits,
}

/// What an engine for dummy releases is told: nothing of permits, and keys that lie with no people's records.
#[derive(Clone)]
pub struct DummyConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Folder of the dummy releases. One of people's records among them, and the engine does not start.
    pub releases: PathBuf,
    /// The key folder that the dummy releases were made with.
    pub keys: PathBuf,
    /// Public half of the portal's session key (`session.pub`).
    pub portal_session_key: PathBuf,
    /// Whether to speak TLS on loopback too. Any other address is served over TLS only.
    pub tls: bool,
    /// Folder of this engine's audit chain.
    pub audit: PathBuf,
    /// The time.
    pub clock: Clock,
    /// How much may run, wait and fail.
    pub limits: EngineLimits,
}

/// What an engine asks before it lets somebody in.
enum Door {
    /// The portal's word alone: there is nobody's record behind it.
    Dummies,
    /// A permit.
    Permits { permit_key: PathBuf, signer: String, ca: Option<PathBuf> },
}

/// What both kinds of engine are told, and which of them it is.
struct Service {
    config: DummyConfig,
    door: Door,
}

impl From<EngineConfig> for Service {
    fn from(config: EngineConfig) -> Self {
        let EngineConfig { listen, releases, keys, portal_session_key, tls, audit, clock, limits, .. } = config;
        let door = Door::Permits { permit_key: config.permit_key, signer: config.signer, ca: config.ca };
        Self { config: DummyConfig { listen, releases, keys, portal_session_key, tls, audit, clock, limits }, door }
    }
}

/// Why the engine does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The audit chain cannot be used.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; choose another address or port 0")]
    Bind {
        /// Which one.
        address: SocketAddr,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The client for the signer cannot be made.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A key is missing or belongs to another zone.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The folder of the releases cannot be used.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The signer's address is none.
    #[error("the permit signer's address is no http address; the form is http://127.0.0.1:7002")]
    Signer,
    /// The signer may not be asked that way.
    #[error("the permit signer cannot be asked")]
    SignerTls(#[source] TlsError),
    /// Threads cannot be started.
    #[error("cannot start the threads for queries")]
    Threads(#[source] std::io::Error),
    /// TLS is needed there and cannot be had.
    #[error("{address} is served over TLS only")]
    Tls {
        /// Which one.
        address: SocketAddr,
        /// Why it cannot be had.
        #[source]
        cause: TlsError,
    },
    /// The connection broke down.
    #[error("the engine's socket failed")]
    Transport(#[source] tonic::transport::Error),
}

/// Serves until `shutdown` is done. `ready` is called once, with the address that is listened on.
pub async fn serve(
    config: EngineConfig,
    ready: impl FnOnce(SocketAddr) + Send,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let service = Service::from(config);
    let guard = guard(&service.config)?;
    run(service, guard, ready, shutdown).await
}

/// The same for dummy releases: any signed-in person asks, everything else is as with people's records.
pub async fn serve_dummies(
    config: DummyConfig,
    ready: impl FnOnce(SocketAddr) + Send,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let guard = guard(&config)?;
    run(Service { config, door: Door::Dummies }, guard, ready, shutdown).await
}

/// The same with another guard, for tests of the edge.
#[cfg(test)]
pub(crate) async fn serve_with(
    config: EngineConfig,
    guard: Arc<dyn Guard>,
    ready: impl FnOnce(SocketAddr) + Send,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    run(config.into(), guard, ready, shutdown).await
}

/// Guard and veil, with the ledgers and workspaces of whoever asks.
fn guard(config: &DummyConfig) -> Result<Arc<dyn Guard>, ServeError> {
    let keys = KeyFolder::open(&config.keys, Zone::Enclave)?;
    let (ledgers, clock) = (config.audit.join("ledger"), Arc::clone(&config.clock));
    let bytes_max = config.limits.project_work_mib.saturating_mul(1 << 20);
    let workspaces = Workspaces::open(config.audit.join("work"), keys.bytes("kek")?, bytes_max);
    let limits = config.limits.of_a_query();
    Ok(Arc::new(crate::guarding::VeiledGuard::new(keys.bytes("veil")?, (ledgers, workspaces), clock, limits)))
}

async fn run(
    service: Service,
    guard: Arc<dyn Guard>,
    ready: impl FnOnce(SocketAddr) + Send,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = service.config.listen;
    let server = server(&service.config)?;
    let runtime = WorkerRuntime::start().map_err(ServeError::Threads)?;
    let (desk, feed) = open(service, guard, &runtime).await?;
    let bind = |cause| ServeError::Bind { address, cause };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    // Ends with this function.
    let mut background = JoinSet::new();
    if let Some(feed) = feed {
        background.spawn(feed.run());
    }
    let edge = FlightServiceServer::new(FlightEdge::new(Arc::new(desk))).max_decoding_message_size(REQUEST_MAX);
    ready(bound);
    let (tell, told) = oneshot::channel();
    let ending = async move {
        shutdown.await;
        tell.send(()).ok();
    };
    let serving = server
        .max_concurrent_streams(STREAMS_MAX)
        .add_service(edge)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), ending);
    // Queries that still run are given a moment, then ended with their connections.
    let served = tokio::select! {
        served = serving => served,
        () = async { told.await.ok(); tokio::time::sleep(GRACE).await } => Ok(()),
    };
    background.shutdown().await;
    served.map_err(ServeError::Transport)
}

/// Plain on loopback if TLS is not asked for, over TLS everywhere else.
fn server(config: &DummyConfig) -> Result<Server, ServeError> {
    let keys = KeyFolder::open(&config.keys, Zone::Enclave)?;
    let certificate = ServerCertificate::for_address(config.listen, config.tls, &keys, (config.clock)());
    let certificate = certificate.map_err(|cause| ServeError::Tls { address: config.listen, cause })?;
    let Some(certificate) = certificate else { return Ok(Server::builder()) };
    // The one provider of the process; one that another part installed before serves as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let (chain, key) = certificate.pem();
    let tls = ServerTlsConfig::new().identity(Identity::from_pem(chain, key)).timeout(HANDSHAKE_MAX);
    Server::builder().tls_config(tls).map_err(ServeError::Transport)
}

/// The signer's address and CA, if it may be asked that way: plainly on loopback, over TLS elsewhere.
fn asked(signer: &str, ca: Option<&Path>) -> Result<(Url, Option<Roots>), ServeError> {
    let url: Url = signer.parse().map_err(|_| ServeError::Signer)?;
    let host = url.host_str().ok_or(ServeError::Signer)?;
    let over_tls = match url.scheme() {
        "http" => false,
        "https" => true,
        _ => return Err(ServeError::Signer),
    };
    let roots = ca.map(Roots::read).transpose().map_err(ServeError::SignerTls)?;
    check_peer(over_tls, host, roots.as_ref()).map_err(ServeError::SignerTls)?;
    Ok((url, roots.filter(|_| over_tls)))
}

/// Reads keys, checks every release, opens the audit chain.
async fn open(
    Service { config, door }: Service,
    guard: Arc<dyn Guard>,
    runtime: &WorkerRuntime,
) -> Result<(Desk, Option<Arc<StatusFeed>>), ServeError> {
    let session_key = VerifyingKey::read(&config.portal_session_key)?;
    let keys = KeyFolder::open(&config.keys, Zone::Enclave)?;
    // Whoever cannot be asked is told before the long reading.
    let permits = match door {
        Door::Dummies => None,
        Door::Permits { permit_key, signer, ca } => {
            Some((VerifyingKey::read(&permit_key)?, asked(&signer, ca.as_deref())?))
        }
    };
    let log = AuditLog::open(&config.audit, Zone::Enclave, keys.signing("sign")?)?;
    // What failed today counts on after a restart.
    let entries = policies::audit::read(&config.audit)?;
    let failures = Failures::new(config.limits.failures_a_day, &entries, (config.clock)());
    let (folder, opening) = (config.releases, if permits.is_some() { Releases::open } else { Releases::open_dummies });
    let releases = tokio::task::spawn_blocking(move || opening(&folder, &keys, told));
    let releases = releases.await.map_err(|cause| ServeError::Threads(std::io::Error::other(cause)))??;
    let (admission, feed) = match permits {
        None => (Admission::Dummies(Dummies::new(session_key, &releases)), None),
        Some((permit_key, (signer, roots))) => {
            let clock = Arc::clone(&config.clock);
            let feed = Arc::new(StatusFeed::new(signer, permit_key.clone(), clock, roots.as_ref())?);
            (Admission::Permits(Permits::new(session_key, permit_key, Arc::clone(&feed))), Some(feed))
        }
    };
    let desk = Desk {
        admission,
        releases: Arc::new(releases),
        guard,
        journal: Journal::new(Arc::new(log), Arc::clone(&config.clock)),
        workers: runtime.workers().ok_or_else(|| ServeError::Threads(std::io::Error::other("no runtime")))?,
        clock: config.clock,
        limits: config.limits,
        queue: Queue::new(config.limits),
        failures,
        running: Arc::default(),
        statements: Tickets::default(),
        prepared: Tickets::default(),
    };
    Ok((desk, feed))
}

/// A release that is not believed is told and not served.
fn told(id: &ReleaseId, outcome: Result<(), &ReleaseError>) {
    match outcome {
        Ok(()) => tracing::info!(release.id = %id, "release checked and served"),
        Err(error) => tracing::error!(release.id = %id, release.problem = %error, "release not served"),
    }
}

#[cfg(test)]
mod tests;
