//! The portal's service: router, layers, start and end.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::serve::Listener;
use jiff::Timestamp;
use policies::Zone;
use policies::access::Access;
use policies::audit::AuditLog;
use policies::keys::KeyFolder;
use policies::passkey::RelyingParty;
use policies::tls::{ServerCertificate, TlsListener, TlsStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::application::Kept;
use crate::application::permits::Settling;
use crate::authenticator::DemoAuthenticator;
use crate::database::{Database, DatabaseUrl};
use crate::error::PortalError;
use crate::factors::FactorKey;
use crate::oidc::{InstitutionConfig, Institutions};
use crate::outbox::{Smtp, SmtpConfig, Webhook, WebhookConfig, Worker};
use crate::pages;
use crate::peer::Peer;
use crate::portal::{Parts, Portal};
use crate::query::{DummyEngine, QueryRunner};
use crate::reminders::Reminding;
use crate::review::{ReviewFile, ReviewPlace};
use crate::session::Sessions;
use crate::signer::SignerClient;
use crate::workbench::{running::Running, runs};

/// An idle session ends after this time.
const IDLE_MAX: time::Duration = time::Duration::minutes(30);

/// Where the signing desk listens on one's own machine.
const DESK_PORT: u16 = 8091;

/// The largest form: an application with every variable ticked, or a long query.
const BODY_MAX: usize = 1024 * 1024; // bytes

/// Nothing from elsewhere and nothing inline.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; \
                   base-uri 'none'; frame-ancestors 'none'";

/// [`CSP`] for a page whose script reads JSON of ours and whose editor makes one style sheet, under `nonce`.
pub(crate) fn csp_of_editor(nonce: &str) -> String {
    let style = format!("style-src 'self' 'nonce-{nonce}'");
    format!("{}; connect-src 'self'", CSP.replace("style-src 'self'", &style))
}

/// [`CSP`] for the page that hands a record to the signing desk at `desk`, an origin.
pub(crate) fn csp_of_hand_over(desk: &str) -> String {
    CSP.replace("form-action 'self'", &format!("form-action 'self' {desk}"))
}

/// Where the portal listens and what it holds.
#[derive(Clone, Debug)]
pub struct PortalConfig {
    /// Address; port 0 picks a free one. Beyond loopback it is served over TLS only.
    pub listen: SocketAddr,
    /// The SQLite file, or the PostgreSQL server's URL.
    pub database: DatabaseUrl,
    /// Key folder of the portal zone.
    pub keys: PathBuf,
    /// The permit signer, e.g. `http://127.0.0.1:7402`, beyond this machine `https://…`.
    pub signer_url: String,
    /// The signer's CA file, needed for `https`.
    pub ca: Option<PathBuf>,
    /// Whether to speak TLS on loopback too.
    pub tls: bool,
    /// Folder of the portal zone's audit chain.
    pub audit: PathBuf,
    /// What the linkage zone tells of its queue of doubtful pairs, if it does.
    pub review: Option<ReviewPlace>,
    /// The mail server; without one, notices wait on the page `/mails` and none is sent.
    pub mail: Option<SmtpConfig>,
    /// Another system that is told of every event.
    pub webhook: Option<WebhookConfig>,
    /// Whether all data are made up: every page then says so.
    pub synthetic: bool,
    /// Whether a proxy speaks TLS before the portal, so that cookies are for https only; they are so too if the portal does.
    pub https: bool,
    /// Under which domain and origin people reach the portal: passkeys are made for it and work nowhere else. None: the portal
    /// on one's own machine, `localhost` at its port.
    pub relying_party: Option<RelyingParty>,
    /// Origin of the signing desk, of the portal's domain or below it, e.g. `https://sign.sudare.example`. None: `localhost` at port
    /// 8091.
    pub desk: Option<String>,
    /// Institutions at whose OpenID providers people may sign in.
    pub institutions: Vec<InstitutionConfig>,
    /// The demo's passkeys in software. Only `sudare demo` gives any; no configuration file can.
    pub demo_authenticator: Option<Arc<dyn DemoAuthenticator>>,
    /// The engine that serves dummy releases, if there is one.
    pub dummy: Option<DummyEngine>,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

/// Serves until `shutdown`. `ready` hears the address once connections are accepted.
pub async fn serve(
    config: PortalConfig,
    runner: Arc<dyn QueryRunner>,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), PortalError> {
    let keys = KeyFolder::open(&config.keys, Zone::Portal).map_err(PortalError::Keys)?;
    let certificate = ServerCertificate::for_address(config.listen, config.tls, &keys, (config.clock)())
        .map_err(|cause| PortalError::Tls { address: config.listen, cause })?;
    let listen = |cause| PortalError::Listen { address: config.listen, cause };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let https = config.https || certificate.is_some();
    let smtp = config.mail.as_ref().map(Smtp::new).transpose().map_err(PortalError::Mail)?;
    let webhook = webhook(&config, &keys)?;
    let portal = open(&config, runner, (address, https)).await?;
    let db = portal.db.clone();
    let (stop, stopped) = watch::channel(());
    let mut working = JoinSet::new();
    let base = portal.mail.clone().unwrap_or_default();
    working.spawn(Settling::new(portal.clone()).run(stopped.clone()));
    working.spawn(Reminding { db: db.clone(), base, clock: config.clock }.run(stopped.clone()));
    if smtp.is_some() || webhook.is_some() {
        working.spawn(Worker { db: db.clone(), smtp, webhook, clock: config.clock }.run(stopped));
    }
    let sessions = Sessions::new(db.pool().clone());
    sessions.sweep(portal.now().as_second()).await?;
    runs::sweep(&db).await?;
    ready(address);
    let app = router(portal, sessions, https).into_make_service_with_connect_info::<Peer>();
    let served = match certificate {
        Some(certificate) => {
            let listener = Connections(TlsListener::new(listener, &certificate));
            axum::serve(listener, app).with_graceful_shutdown(shutdown).await
        }
        None => axum::serve(listener, app).with_graceful_shutdown(shutdown).await,
    };
    drop(stop);
    working.join_all().await;
    db.close().await;
    served.map_err(PortalError::Serve)
}

fn webhook(config: &PortalConfig, keys: &KeyFolder) -> Result<Option<Webhook>, PortalError> {
    let Some(webhook) = &config.webhook else { return Ok(None) };
    let key = keys.signing("sign").map_err(PortalError::Keys)?;
    Webhook::new(webhook, key).map(Some).map_err(PortalError::Webhook)
}

/// Connections after their handshake, as axum takes them.
pub(crate) struct Connections(TlsListener);

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

pub(crate) async fn open(
    config: &PortalConfig,
    runner: Arc<dyn QueryRunner>,
    (address, https): (SocketAddr, bool),
) -> Result<Portal, PortalError> {
    let keys = KeyFolder::open(&config.keys, Zone::Portal).map_err(PortalError::Keys)?;
    let scheme = if https { "https" } else { "http" };
    let party = config.relying_party.clone().unwrap_or_else(|| RelyingParty::localhost(scheme, address.port()));
    let desk = config.desk.clone().unwrap_or_else(|| RelyingParty::localhost(scheme, DESK_PORT).origin);
    let sign = || keys.signing("sign").map_err(PortalError::Keys);
    Ok(Portal::new(Parts {
        db: Database::open(&config.database).await?,
        access: Access::load().await.map_err(PortalError::Access)?,
        audit: Arc::new(AuditLog::open(&config.audit, Zone::Portal, sign()?).map_err(PortalError::Audit)?),
        audit_folder: config.audit.clone(),
        session_key: keys.signing("session").map_err(PortalError::Keys)?,
        sign_key: sign()?,
        factor_key: FactorKey::new(keys.bytes("factor").map_err(PortalError::Keys)?),
        desk: party.elsewhere(&desk).map_err(PortalError::Desk)?,
        institutions: Institutions::open(&config.institutions, &party.origin).map_err(PortalError::Institution)?,
        party,
        demo: config.demo_authenticator.clone(),
        behind_proxy: config.https,
        signer: SignerClient::new(&config.signer_url, config.ca.as_deref(), sign()?)?,
        runner,
        dummy: config.dummy.clone(),
        running: Running::default(),
        review: config.review.as_ref().map(ReviewFile::open).transpose().map_err(PortalError::Keys)?,
        open: Kept::default(),
        mail: config.mail.as_ref().map(|mail| mail.portal.clone()),
        webhook: config.webhook.is_some(),
        synthetic: config.synthetic,
        clock: config.clock,
    }))
}

pub(crate) fn router(portal: Portal, sessions: Sessions, https: bool) -> Router {
    let sessions = SessionManagerLayer::new(sessions)
        .with_name(if https { "__Host-sudare" } else { "sudare" })
        .with_secure(https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(IDLE_MAX))
        // Each visit counts as activity, not only those that change the session.
        .with_always_save(true);
    let app = pages::router()
        .layer(middleware::from_fn_with_state(portal.clone(), pages::error::render))
        .layer(sessions)
        .layer(middleware::from_fn(pages::choose_language))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .merge(pages::files());
    let app = headers().into_iter().fold(app, |app, (name, value)| {
        app.layer(SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)))
    });
    app.with_state(portal)
}

fn headers() -> [(HeaderName, &'static str); 7] {
    [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ]
}
