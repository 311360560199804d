//! The portal's way to a provider: over TLS, or plainly to a provider on this machine; bounded in time and size, no redirects.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use policies::tls::{Roots, TlsError, is_loopback};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Request, Url};

use super::config::{InstitutionConfig, InstitutionError};

/// The longest that a provider may take for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The longest answer: a provider's description, its keys or a token.
const BODY_MAX: usize = 256 * 1024; // bytes

/// Why a provider gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    /// A provider on the network names an address without TLS.
    #[error("an address of the provider is not one of https")]
    Plain,
    /// No answer in time.
    #[error("the provider does not answer")]
    Silent(#[source] reqwest::Error),
    /// The answer is too long, or none of HTTP.
    #[error("the provider's answer cannot be taken")]
    Answer,
}

/// The client of one provider.
#[derive(Debug)]
pub(super) struct Web {
    http: Client,
    /// Whether the provider is on this machine and may be spoken to without TLS.
    here: bool,
}

impl Web {
    pub(super) fn open(config: &InstitutionConfig, issuer: &Url) -> Result<Self, InstitutionError> {
        let id = || config.id.clone();
        let here = issuer.host_str().is_some_and(is_loopback);
        if !(issuer.scheme() == "https" || issuer.scheme() == "http" && here) {
            return Err(InstitutionError::Tls { id: id(), cause: TlsError::Plain });
        }
        let roots = config.ca.as_deref().map(Roots::read).transpose();
        let roots = roots.map_err(|cause| InstitutionError::Tls { id: id(), cause })?;
        // The one TLS provider of the process; it is no matter who of us comes first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = |cause| InstitutionError::Client { id: id(), cause };
        let mut http = Client::builder().timeout(ANSWER_MAX).no_proxy().redirect(Policy::none()).https_only(!here);
        if let Some(roots) = roots {
            let certificates: Result<Vec<_>, _> = roots.der().map(Certificate::from_der).collect();
            http = http.tls_certs_only(certificates.map_err(client)?);
        }
        Ok(Self { http: http.build().map_err(client)?, here })
    }

    /// Whether that is an address at which the provider may be asked, or people may be sent to.
    pub(super) fn may_go(&self, address: &Url) -> bool {
        address.scheme() == "https"
            || self.here && address.scheme() == "http" && address.host_str().is_some_and(is_loopback)
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, WebError> {
        let request = Request::try_from(request).map_err(WebError::Silent)?;
        if !self.may_go(request.url()) {
            return Err(WebError::Plain);
        }
        let mut answer = self.http.execute(request).await.map_err(WebError::Silent)?;
        let mut taken = http::Response::builder().status(answer.status());
        if let Some(kind) = answer.headers().get(http::header::CONTENT_TYPE) {
            taken = taken.header(http::header::CONTENT_TYPE, kind);
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(WebError::Silent)? {
            if body.len() + piece.len() > BODY_MAX {
                return Err(WebError::Answer);
            }
            body.extend_from_slice(&piece);
        }
        taken.body(body).map_err(|_| WebError::Answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Web {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WebError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
