//! The portal's way to the permit signer: requests signed by the portal's `sign` key, over HTTP.

use std::path::Path;
use std::time::Duration;

use policies::UserId;
use policies::application::{
    EnrolmentsRequest, EventRecord, PermitAnswer, PermitRequest, REVOCATION, RefusalAnswer, Revocation,
};
use policies::audit::Head;
use policies::jws::{self, Document as _};
use policies::keys::SigningKey;
use policies::passkey::Keyring;
use policies::tls::{Roots, TlsError, check_peer};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, Url};

use crate::error::PortalError;

const WAIT_MAX: Duration = Duration::from_secs(20);

/// The signer, by its address.
pub(crate) struct SignerClient {
    http: Client,
    url: String,
    key: SigningKey,
}

impl SignerClient {
    /// `url`: scheme, host and port, e.g. `http://127.0.0.1:7402`. `ca`: the signer's CA file, needed for `https`.
    /// `key`: the portal's `sign` key.
    pub(crate) fn new(url: &str, ca: Option<&Path>, key: SigningKey) -> Result<Self, PortalError> {
        let place: Url = url.parse().map_err(|_| PortalError::SignerTls(TlsError::Plain))?;
        let roots = ca.map(Roots::read).transpose().map_err(PortalError::SignerTls)?;
        let over_tls = place.scheme() == "https";
        check_peer(over_tls, place.host_str().unwrap_or_default(), roots.as_ref()).map_err(PortalError::SignerTls)?;
        // The one TLS provider of the process; it is no matter who of us comes first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut http = Client::builder().timeout(WAIT_MAX).no_proxy().redirect(Policy::none());
        if let Some(roots) = roots.filter(|_| over_tls) {
            let certificates: Result<Vec<_>, _> = roots.der().map(Certificate::from_der).collect();
            let certificates = certificates.map_err(|_| PortalError::SignerUnreachable)?;
            http = http.https_only(true).tls_certs_only(certificates);
        }
        let http = http.build().map_err(|_| PortalError::SignerUnreachable)?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), key })
    }

    /// Asks for the permit of an application.
    pub(crate) async fn permit(&self, records: Vec<EventRecord>, head: Head) -> Result<PermitAnswer, PortalError> {
        let request = PermitRequest { records, until: None, portal_head: Some(head) };
        let body = jws::sign(jws::EVENTS, &request, &self.key).map_err(PortalError::Sign)?;
        let answer = self.post("/permits", body).await?;
        answer.json().await.map_err(|_| PortalError::SignerUnreachable)
    }

    /// A person's passkeys that count for acts.
    pub(crate) async fn enrolments(&self, user: &UserId) -> Result<Keyring, PortalError> {
        let request = EnrolmentsRequest { user: user.clone() };
        let answer = self.post("/enrolments", request.sign(&self.key).map_err(PortalError::Sign)?).await?;
        answer.json().await.map_err(|_| PortalError::SignerUnreachable)
    }

    /// Ends permits or a session.
    pub(crate) async fn revoke(&self, revocation: &Revocation) -> Result<(), PortalError> {
        let body = jws::sign(REVOCATION, revocation, &self.key).map_err(PortalError::Sign)?;
        self.post("/revocations", body).await.map(drop)
    }

    async fn post(&self, path: &str, body: String) -> Result<Response, PortalError> {
        let sent = self.http.post(format!("{}{path}", self.url)).body(body).send().await;
        let answer = sent.map_err(|_| PortalError::SignerUnreachable)?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => Ok(answer),
            _ => match answer.json::<RefusalAnswer>().await {
                Ok(refusal) => Err(PortalError::SignerRefused { code: refusal.code }),
                Err(_) => Err(PortalError::SignerUnreachable),
            },
        }
    }
}
