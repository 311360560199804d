//! The signing desk (署名台): the page on which a person reads what is about to be signed, and signs.
//!
//! It stands in the permit zone, at an origin of its own. A browser writes the origin into what a passkey signs (Web Authentication
//! Level 3, §5.8.1), and the signer believes acts from this origin alone. So a portal whose code was replaced gets no act signed
//! under the name of a sign-in, nor another act than the one that the person read here. The desk holds no keys but those of its TLS,
//! keeps nothing, and knows nobody: what it is handed, it shows.

mod paper;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use policies::Zone;
use policies::keys::KeyFolder;
use policies::passkey::{BROWSER_SCRIPT, RelyingParty};
use policies::tls::{ServerCertificate, TlsListener};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::error::SignerError;
use crate::serve::Connections;
use paper::{Line, Paper};

/// A decision with its findings is a few kilobytes.
const BODY_MAX: usize = 1024 * 1024; // bytes

const STYLE: &str = include_str!("desk/desk.css");

/// Where the desk listens and whose acts it shows.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// Address; port 0 picks a free one. Beyond loopback it is served over TLS only.
    pub listen: SocketAddr,
    /// Key folder of the permit zone, for its certificate.
    pub keys: PathBuf,
    /// Whether to speak TLS on loopback too.
    pub tls: bool,
    /// The portal that signed acts go back to, and nowhere else.
    pub portal: RelyingParty,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

/// Serves until `shutdown`. `ready` hears the address once connections are accepted.
pub async fn serve_desk(
    config: DeskConfig,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SignerError> {
    let keys = KeyFolder::open(&config.keys, Zone::Permit).map_err(SignerError::Keys)?;
    let certificate = ServerCertificate::for_address(config.listen, config.tls, &keys, (config.clock)())
        .map_err(|cause| SignerError::Tls { address: config.listen, cause })?;
    drop(keys);
    let listen = |cause| SignerError::Listen { address: config.listen, cause };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    ready(listener.local_addr().map_err(listen)?);
    let router = router(config.portal)?;
    let served = match certificate {
        Some(certificate) => {
            let listener = Connections(TlsListener::new(listener, &certificate));
            axum::serve(listener, router).with_graceful_shutdown(shutdown).await
        }
        None => axum::serve(listener, router).with_graceful_shutdown(shutdown).await,
    };
    served.map_err(SignerError::Serve)
}

fn router(portal: RelyingParty) -> Result<Router, SignerError> {
    let csp = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; form-action {}; base-uri 'none'; frame-ancestors 'none'",
        portal.origin
    );
    let csp = HeaderValue::from_str(&csp).map_err(|error| SignerError::Serve(std::io::Error::other(error)))?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, csp),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    let app = Router::new()
        .route("/", get(async || refused("", "desk/nothing", StatusCode::OK)))
        .route("/sign", post(sign))
        .route("/passkey.js", get(async || file("text/javascript; charset=utf-8", BROWSER_SCRIPT)))
        .route("/desk.css", get(async || file("text/css; charset=utf-8", STYLE)))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(portal);
    let dress = |app: Router, (name, value)| app.layer(SetResponseHeaderLayer::overriding(name, value));
    Ok(headers.into_iter().fold(app, dress))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// What the portal's page hands over.
#[derive(Deserialize)]
struct Handed {
    /// `record` or `enrolment`.
    paper: String,
    /// It, JSON.
    document: String,
    /// The person's passkeys, spaces between.
    credentials: String,
    /// Where the signed form goes: a path at the portal.
    action: String,
    /// The portal's number of the pending act.
    act: String,
    /// The portal's token of the form.
    csrf: String,
    /// `ja` or `en`.
    lang: String,
}

#[derive(Template)]
#[template(path = "sign.html")]
struct SignPage<'a> {
    ja: bool,
    title: &'a str,
    lines: &'a [Line],
    all: &'a [Line],
    action: String,
    handed: &'a Handed,
    challenge: String,
    domain: &'a str,
    portal: &'a str,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    ja: bool,
    code: &'static str,
}

/// `POST /sign`: the page of what is to be signed.
async fn sign(
    State(portal): State<RelyingParty>,
    form: Result<Form<Handed>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(handed)) = form else { return refused("", "desk/form", StatusCode::BAD_REQUEST) };
    let Some(paper) = Paper::read(&handed.paper, &handed.document) else {
        return refused(&handed.lang, "desk/paper", StatusCode::BAD_REQUEST);
    };
    // A path of the portal and nothing that a browser would take for another host.
    let is_path = handed.action.starts_with('/')
        && handed.action.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte))
        && !handed.action.contains("//");
    if !is_path {
        return refused(&handed.lang, "desk/form", StatusCode::BAD_REQUEST);
    }
    let ja = handed.lang != "en";
    let page = SignPage {
        ja,
        title: paper.title(ja),
        lines: &paper.lines(ja),
        all: &paper.all(),
        action: format!("{}{}", portal.origin, handed.action),
        challenge: paper.challenge.to_string(),
        domain: &portal.id,
        portal: &portal.origin,
        handed: &handed,
    };
    shown(&page, StatusCode::OK)
}

fn refused(lang: &str, code: &'static str, status: StatusCode) -> Response {
    if status != StatusCode::OK {
        tracing::warn!(code, "request refused");
    }
    shown(&RefusedPage { ja: lang != "en", code }, status)
}

fn shown(page: &impl Template, status: StatusCode) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests;
