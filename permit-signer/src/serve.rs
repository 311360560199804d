//! The HTTP service: five routes around [`Signer`].

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use axum::{Json, Router};
use jiff::Timestamp;
use policies::application::{RefusalAnswer, STREAM_MAX};
use policies::keys::KeyFolder;
use policies::tls::{ServerCertificate, TlsListener, TlsStream};
use policies::{PermitId, Zone};
use tokio::net::{TcpListener, TcpStream};

use crate::error::SignerError;
use crate::signer::Signer;

/// The longest stream in base64url, and what is around it.
pub(crate) const BODY_MAX: usize = STREAM_MAX / 3 * 4 + 64 * 1024; // bytes

/// Where the signer listens and what it holds.
#[derive(Clone, Debug)]
pub struct SignerConfig {
    /// Address; port 0 picks a free one. Beyond loopback it is served over TLS only.
    pub listen: SocketAddr,
    /// Key folder of the permit zone.
    pub keys: PathBuf,
    /// Whether to speak TLS on loopback too.
    pub tls: bool,
    /// The portal's `public/sign.pub`.
    pub portal_key: PathBuf,
    /// Folder for permits and state.
    pub store: PathBuf,
    /// Folder for the audit chain of the permit zone.
    pub audit: PathBuf,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

#[derive(Clone)]
struct Service {
    signer: Arc<Signer>,
    clock: fn() -> Timestamp,
}

/// Serves until `shutdown`. `ready` hears the address once connections are accepted.
pub async fn serve(
    config: SignerConfig,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SignerError> {
    let keys = KeyFolder::open(&config.keys, Zone::Permit).map_err(SignerError::Keys)?;
    let certificate = ServerCertificate::for_address(config.listen, config.tls, &keys, (config.clock)())
        .map_err(|cause| SignerError::Tls { address: config.listen, cause })?;
    let signer = Signer::open(&config.keys, &config.portal_key, &config.store, &config.audit)?;
    let listen = |cause| SignerError::Listen { address: config.listen, cause };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    ready(listener.local_addr().map_err(listen)?);
    let service = Service { signer: Arc::new(signer), clock: config.clock };
    let served = match certificate {
        Some(certificate) => {
            let listener = Connections(TlsListener::new(listener, &certificate));
            axum::serve(listener, router(service)).with_graceful_shutdown(shutdown).await
        }
        None => axum::serve(listener, router(service)).with_graceful_shutdown(shutdown).await,
    };
    served.map_err(SignerError::Serve)
}

/// Connections after their handshake, as axum takes them.
pub(crate) struct Connections(pub(crate) TlsListener);

impl Listener for Connections {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        self.0.accept().await
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

fn router(service: Service) -> Router {
    Router::new()
        .route("/enrolments", post(enrolments))
        .route("/permits", post(issue))
        .route("/permits/{permit}", get(permit))
        .route("/revocations", post(revoke))
        .route("/status", get(status))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(service)
}

/// `POST /enrolments`
async fn enrolments(State(service): State<Service>, body: String) -> Result<Response, SignerError> {
    let enrolments = service.blocking(move |signer, now| signer.enrolments(&body, now)).await?;
    Ok(Json(enrolments).into_response())
}

/// `POST /permits`
async fn issue(State(service): State<Service>, body: String) -> Result<Response, SignerError> {
    let answer = service.blocking(move |signer, now| signer.issue(&body, now)).await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `POST /revocations`
async fn revoke(State(service): State<Service>, body: String) -> Result<StatusCode, SignerError> {
    service.blocking(move |signer, now| signer.revoke(&body, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /permits/{permit}`
async fn permit(State(service): State<Service>, Path(permit): Path<PermitId>) -> Result<Response, SignerError> {
    service.blocking(move |signer, _| signer.permit(&permit)).await.map(document)
}

/// `GET /status`
async fn status(State(service): State<Service>) -> Result<Response, SignerError> {
    service.blocking(Signer::status).await.map(document)
}

fn document(jws: String) -> Response {
    ([(header::CONTENT_TYPE, "application/jose"), (header::CACHE_CONTROL, "no-store")], jws).into_response()
}

impl Service {
    /// Signing and syncing to disk wait; they run off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Signer, Timestamp) -> Result<T, SignerError> + Send + 'static,
    ) -> Result<T, SignerError> {
        let signer = Arc::clone(&self.signer);
        let now = (self.clock)();
        tokio::task::spawn_blocking(move || work(&signer, now))
            .await
            .map_err(|cause| SignerError::Serve(std::io::Error::other(cause)))?
    }
}

impl IntoResponse for SignerError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Signature(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conditions(_)
            | Self::Ended
            | Self::OtherHistory
            | Self::Passkey(_)
            | Self::ProjectTaken
            | Self::Stream(_)
            | Self::Suspended => StatusCode::CONFLICT,
            Self::Audit(_)
            | Self::Code
            | Self::Keys(_)
            | Self::Listen { .. }
            | Self::Serve(_)
            | Self::Sign(_)
            | Self::Store { .. }
            | Self::Tls { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::warn!(code = self.code(), "request refused");
        (status, Json(RefusalAnswer { code: self.code().to_owned(), message: self.to_string() })).into_response()
    }
}
