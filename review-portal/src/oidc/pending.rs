//! A sign-in that waits for its institution's answer: kept in the server-side session, taken once, not after ten minutes.

use jiff::{SignedDuration, Timestamp};
use policies::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tower_sessions::Session;

use super::{InstitutionId, OidcError};
use crate::error::PortalError;

/// Signing in at an institution takes no longer.
const WAIT_MAX: SignedDuration = SignedDuration::from_mins(10);

/// Where the session keeps it: one at a time, a later one takes the place of an earlier one.
const PLACE: &str = "institution";

/// What the institution is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// To link its person to the account that is signed in.
    Link { user: UserId, session: SessionId },
    /// To sign in, and go on there.
    SignIn { next: String },
}

/// What was sent with a person, or kept here to check the answer. Has no `Debug`: it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) institution: InstitutionId,
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// The secret half of PKCE (RFC 7636).
    pub(crate) verifier: String,
    pub(crate) purpose: Purpose,
    pub(crate) at: Timestamp,
}

/// What a browser brings back from an institution (OpenID Connect Core 1.0, 3.1.2.5 and 3.1.2.6; RFC 9207).
#[derive(Deserialize)]
pub(crate) struct Answer {
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) iss: Option<String>,
    state: Option<String>,
}

impl Answer {
    /// Whether somebody merely opened the address.
    pub(crate) fn is_none(&self) -> bool {
        self.code.is_none() && self.error.is_none() && self.state.is_none()
    }
}

impl Pending {
    pub(crate) async fn keep(&self, session: &Session) -> Result<(), PortalError> {
        Ok(session.insert(PLACE, self).await?)
    }

    /// Takes what waits for this answer. Whatever comes of it, nothing waits any more afterwards.
    pub(crate) async fn take(
        session: &Session,
        institution: &InstitutionId,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<Self, PortalError> {
        let pending: Option<Self> = session.remove(PLACE).await?;
        let pending = pending.filter(|pending| now.duration_since(pending.at) < WAIT_MAX).ok_or(OidcError::State)?;
        let state = answer.state.as_deref().unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(pending.state.as_bytes())) {
            return Err(OidcError::State.into());
        }
        // Each institution has an address of its own to answer at (RFC 9700, section 4.4.2).
        if pending.institution == *institution { Ok(pending) } else { Err(OidcError::Issuer.into()) }
    }
}
