//! Institutions that people sign in at: OpenID Connect by the authorization code flow, in the place of the password alone.
//!
//! What an institution says counts as the first of two factors, whatever it claims about a second one of its own: the portal's
//! second factor is asked for all the same, so that an institution whose provider was taken over opens nobody's account.
//! Source: OpenID Connect Core 1.0; RFC 9700, section 2.1 (PKCE, mix-up); RFC 9207 (`iss`).

mod config;
mod error;
mod http;
pub(crate) mod links;
mod pending;
mod provider;

use std::sync::Arc;

pub use config::{InstitutionConfig, InstitutionError, InstitutionId};
pub use error::OidcError;
pub(crate) use pending::{Answer, Pending, Purpose};
pub(crate) use provider::Provider;

/// The institutions of the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Institutions(Arc<[Provider]>);

impl Institutions {
    /// `origin`: where people reach the portal. No two may share an issuer: a person of one would be a person of the other.
    pub(crate) fn open(configured: &[InstitutionConfig], origin: &str) -> Result<Self, InstitutionError> {
        let providers: Vec<Provider> =
            configured.iter().map(|config| Provider::open(config, origin)).collect::<Result<_, _>>()?;
        for (at, provider) in providers.iter().enumerate() {
            if providers
                .iter()
                .take(at)
                .any(|earlier| earlier.id == provider.id || earlier.issuer() == provider.issuer())
            {
                return Err(InstitutionError::Twice { id: provider.id.clone() });
            }
        }
        Ok(Self(providers.into()))
    }

    /// In the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Provider> {
        self.iter().find(|provider| provider.id.as_str() == id)
    }

    pub(crate) fn of_issuer(&self, issuer: &str) -> Option<&Provider> {
        self.iter().find(|provider| provider.issuer() == issuer)
    }
}
