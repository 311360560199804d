//! The portal's way to the permit signer: requests signed by the portal's `sign` key, over HTTP.

use std::time::Duration;

use policies::application::{EventRecord, PermitAnswer, PermitRequest, REVOCATION, RefusalAnswer, Revocation};
use policies::audit::Head;
use policies::jws;
use policies::keys::SigningKey;
use reqwest::{Client, Response, StatusCode};

use crate::error::PortalError;

const WAIT_MAX: Duration = Duration::from_secs(20);

/// The signer, by its address.
pub(crate) struct SignerClient {
    http: Client,
    url: String,
    key: SigningKey,
}

impl SignerClient {
    /// `url`: scheme, host and port, e.g. `http://127.0.0.1:7402`. `key`: the portal's `sign` key.
    pub(crate) fn new(url: &str, key: SigningKey) -> Result<Self, PortalError> {
        // The one TLS provider of the process; it is no matter who of us comes first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder().timeout(WAIT_MAX).no_proxy().build();
        let http = http.map_err(|_| PortalError::SignerUnreachable)?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), key })
    }

    /// Asks for the permit of an application.
    pub(crate) async fn permit(&self, records: Vec<EventRecord>, head: Head) -> Result<PermitAnswer, PortalError> {
        let request = PermitRequest { records, until: None, portal_head: Some(head) };
        let body = jws::sign(jws::EVENTS, &request, &self.key).map_err(PortalError::Sign)?;
        let answer = self.post("/permits", body).await?;
        answer.json().await.map_err(|_| PortalError::SignerUnreachable)
    }

    /// Ends a permit or a session.
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
