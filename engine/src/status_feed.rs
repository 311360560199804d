//! What the permit signer says: status documents, renewed in the background, and permits, fetched on demand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use policies::keys::VerifyingKey;
use policies::status::StatusDocument;
use policies::tls::Roots;
use policies::{PermitId, jws};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, Url};

use crate::admission::Rejection;
use crate::service::Clock;

/// How often the status is renewed without being asked (a document holds for 60 seconds).
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// A query that finds an older document asks for a newer one first, so that a revocation is seen at once.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(2);
/// A permit fetched longer ago is fetched again.
const PERMIT_KEPT_FOR: SignedDuration = SignedDuration::from_secs(60);
/// How long the signer may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Documents larger than this are not read.
const BYTES_MAX: usize = 4 << 20;
/// Permits kept at most.
const PERMITS_MAX: usize = 10_000;

/// Why a status document was not taken over. The one held stays in use until it is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StatusError {
    #[error("the status document's signature does not verify")]
    Invalid,
    #[error("the status document is older than one seen before")]
    Older,
    #[error("the status document is too old or from the future")]
    Stale,
    #[error("the permit signer did not answer")]
    Unreachable,
}

/// The signer's documents, checked.
pub(crate) struct StatusFeed {
    client: Client,
    signer: Url,
    key: VerifyingKey,
    clock: Clock,
    held: Mutex<Option<Arc<StatusDocument>>>,
    permits: Mutex<HashMap<PermitId, (Timestamp, String)>>,
}

/// The client for the signer could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare the connection to the permit signer")]
pub struct FeedError(#[source] reqwest::Error);

impl StatusFeed {
    /// `signer`: where the permit signer listens. `key`: the public half of its key. `roots`: who may vouch for it over TLS.
    pub(crate) fn new(signer: Url, key: VerifyingKey, clock: Clock, roots: Option<&Roots>) -> Result<Self, FeedError> {
        // A provider that another part of the process installed before serves as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut client = Client::builder().timeout(DEADLINE).no_proxy().redirect(Policy::none());
        if let Some(roots) = roots {
            let certificates: Result<Vec<_>, _> = roots.der().map(Certificate::from_der).collect();
            client = client.https_only(true).tls_certs_only(certificates.map_err(FeedError)?);
        }
        let client = client.build().map_err(FeedError)?;
        Ok(Self { client, signer, key, clock, held: Mutex::default(), permits: Mutex::default() })
    }

    /// Renews for ever; ends when dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            if let Err(why) = self.renew().await {
                tracing::warn!(status.problem = %why, "no new status document");
            }
            tokio::time::sleep(RENEW_EVERY).await;
        }
    }

    /// A document that holds at `now`; a newer one is asked for if the one held is not fresh.
    pub(crate) async fn current(&self, now: Timestamp) -> Option<Arc<StatusDocument>> {
        let held = self.held();
        if held.is_none_or(|held| now.duration_since(held.issued_at) > FRESH_FOR)
            && let Err(why) = self.renew().await
        {
            tracing::warn!(status.problem = %why, "no new status document");
        }
        self.held().filter(|held| held.holds_at(now))
    }

    /// The text of a permit. It is verified by whoever reads it, each time.
    pub(crate) async fn permit(&self, id: &PermitId, now: Timestamp) -> Result<String, Rejection> {
        if let Some((at, text)) = self.kept().get(id)
            && now.duration_since(*at) <= PERMIT_KEPT_FOR
        {
            return Ok(text.clone());
        }
        let answer = self.get(&["permits", id.as_str()]).await.ok_or(Rejection::NoFetch)?;
        let text = match answer.status() {
            StatusCode::OK => bounded(answer).await.ok_or(Rejection::NoFetch)?,
            StatusCode::NOT_FOUND => return Err(Rejection::PermitUnknown),
            _ => return Err(Rejection::NoFetch),
        };
        let mut kept = self.kept();
        if kept.len() >= PERMITS_MAX {
            kept.clear();
        }
        kept.insert(id.clone(), (now, text.clone()));
        Ok(text)
    }

    /// Keeps the text of a permit as if it had been fetched.
    #[cfg(test)]
    pub(crate) fn keep(&self, id: PermitId, text: String, now: Timestamp) {
        self.kept().insert(id, (now, text));
    }

    /// Takes a document over if its signature verifies, it holds at `now`, and none newer was seen.
    pub(crate) fn accept(&self, text: &str, now: Timestamp) -> Result<(), StatusError> {
        let document: StatusDocument = jws::verify(jws::STATUS, text, &self.key).map_err(|_| StatusError::Invalid)?;
        if !document.holds_at(now) {
            return Err(StatusError::Stale);
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| document.sequence < held.sequence) {
            return Err(StatusError::Older);
        }
        *held = Some(Arc::new(document));
        Ok(())
    }

    async fn renew(&self) -> Result<(), StatusError> {
        let answer = self.get(&["status"]).await.filter(|answer| answer.status() == StatusCode::OK);
        let text = bounded(answer.ok_or(StatusError::Unreachable)?).await.ok_or(StatusError::Unreachable)?;
        self.accept(&text, (self.clock)())
    }

    async fn get(&self, path: &[&str]) -> Option<Response> {
        let mut url = self.signer.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(path);
        self.client.get(url).send().await.ok()
    }

    fn held(&self) -> Option<Arc<StatusDocument>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<PermitId, (Timestamp, String)>> {
        // A poisoned lock holds whole entries only.
        self.permits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as text, if it is not too large.
async fn bounded(mut answer: Response) -> Option<String> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.ok()? {
        body.extend_from_slice(&part);
        if body.len() > BYTES_MAX {
            return None;
        }
    }
    String::from_utf8(body).ok().map(|text| text.trim().to_owned())
}
