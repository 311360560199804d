//! Telling another system: each event as a document that the portal's `sign` key has signed, in a POST.

use std::path::PathBuf;
use std::time::Duration;

use policies::jws;
use policies::keys::SigningKey;
use policies::tls::{Roots, TlsError, check_peer};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode, Url};

use super::smtp::Unsent;

/// `typ` of what is posted. Claims: `application`, `event`, `version`, `at`.
pub const NOTICE: &str = "sudare-notice+jws";

/// The longest a receiver may take for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Which system is told.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Where it takes POSTs; beyond this machine `https://…`.
    pub url: String,
    /// Its CA file, needed for `https`.
    pub ca: Option<PathBuf>,
}

/// Why another system cannot be told as configured.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No address of the web.
    #[error("the webhook is not an address of the web")]
    Address,
    /// The connection cannot be set up.
    #[error("the webhook cannot be reached that way")]
    Client(#[source] reqwest::Error),
    /// Plain beyond this machine, or a CA that cannot be read.
    #[error("the webhook may not be spoken to that way")]
    Tls(#[source] TlsError),
}

/// Another system.
pub(crate) struct Webhook {
    http: Client,
    url: Url,
    key: SigningKey,
}

impl Webhook {
    /// `key`: the portal's `sign` key.
    pub(crate) fn new(config: &WebhookConfig, key: SigningKey) -> Result<Self, WebhookError> {
        let url: Url = config.url.parse().map_err(|_| WebhookError::Address)?;
        let over_tls = url.scheme() == "https";
        let roots = config.ca.as_deref().map(Roots::read).transpose().map_err(WebhookError::Tls)?;
        check_peer(over_tls, url.host_str().unwrap_or_default(), roots.as_ref()).map_err(WebhookError::Tls)?;
        // The one TLS provider of the process; it is no matter who of us comes first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut http = Client::builder().timeout(ANSWER_MAX).no_proxy().redirect(Policy::none());
        if let Some(roots) = roots.filter(|_| over_tls) {
            let certificates: Result<Vec<_>, _> = roots.der().map(Certificate::from_der).collect();
            http = http.https_only(true).tls_certs_only(certificates.map_err(WebhookError::Client)?);
        }
        Ok(Self { http: http.build().map_err(WebhookError::Client)?, url, key })
    }

    /// `id`: the same for every try, by which the receiver knows what it has had. `claims`: JSON.
    pub(crate) async fn send(&self, id: &str, claims: &str) -> Result<(), Unsent> {
        let claims: serde_json::Value = serde_json::from_str(claims).map_err(|_| Unsent::Never)?;
        let body = jws::sign(NOTICE, &claims, &self.key).map_err(|_| Unsent::Later)?;
        let post =
            self.http.post(self.url.clone()).header("idempotency-key", id).header("content-type", "application/jose");
        match post.body(body).send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(()),
            // The receiver is gone for good (RFC 9110, 15.5.11); anything else it, or we, may mend.
            Ok(StatusCode::GONE) => Err(Unsent::Never),
            Ok(_) | Err(_) => Err(Unsent::Later),
        }
    }
}
