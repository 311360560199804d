//! Who may ask, under which permit: session token ∧ permit ∧ status document, all signed; none of it from a database
//! (DESIGN.md, "Zones"). Whatever is missing, old or contradictory is a no.

mod decide;
mod dummy;
mod rejection;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use policies::keys::VerifyingKey;
use policies::{Permit, PermitId, ProjectId, SessionId, UserId};

pub(crate) use dummy::Dummies;
pub use rejection::Rejection;

use crate::status_feed::StatusFeed;
use decide::{Wanted, choose, read_permit, read_token};

/// A session names at most this many permits; each is fetched from the signer.
const PERMITS_MAX: usize = 64;

/// What a request brings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    /// The token's JWS, without `Bearer `.
    pub(crate) token: Option<String>,
    /// The project asked for.
    pub(crate) project: Option<String>,
    /// Where the connection comes from.
    pub(crate) peer: Option<IpAddr>,
}

/// A person in a session, under one permit that holds.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// Who.
    pub(crate) user: UserId,
    /// In which session.
    pub(crate) session: SessionId,
    /// From where.
    address: Option<IpAddr>,
    /// Under what.
    pub(crate) permit: Arc<Permit>,
}

/// The door: to people's records under permits, or to dummy releases for everybody whom the portal knows. Never both.
pub(crate) enum Admission {
    /// To dummy releases.
    Dummies(Dummies),
    /// To people's records.
    Permits(Permits),
}

/// What is needed to judge a permit.
pub(crate) struct Permits {
    /// Public half of the portal's session key.
    session_key: VerifyingKey,
    /// Public half of the permit signer's key.
    permit_key: VerifyingKey,
    feed: Arc<StatusFeed>,
}

impl Admission {
    /// Checks everything anew. `bound` is the permit that a ticket was made for; without it the project decides.
    pub(crate) async fn admit(
        &self,
        credentials: &Credentials,
        bound: Option<&PermitId>,
        now: Timestamp,
    ) -> Result<Admitted, Rejection> {
        match self {
            Self::Dummies(dummies) => dummies.admit(credentials, now),
            Self::Permits(permits) => permits.admit(credentials, bound, now).await,
        }
    }

    /// Whether the permit and the session still hold, asked again before cells are sent.
    pub(crate) async fn still_holds(&self, admitted: &Admitted, now: Timestamp) -> Result<(), Rejection> {
        match self {
            // Nothing of a dummy release is anybody's: a query that was begun may end.
            Self::Dummies(_) => Ok(()),
            Self::Permits(permits) => permits.still_holds(admitted, now).await,
        }
    }

    /// Whether what is asked here is made up.
    pub(crate) fn is_dummy(&self) -> bool {
        matches!(self, Self::Dummies(_))
    }
}

impl Permits {
    /// `feed` brings status documents and permits.
    pub(crate) fn new(session_key: VerifyingKey, permit_key: VerifyingKey, feed: Arc<StatusFeed>) -> Self {
        Self { session_key, permit_key, feed }
    }

    async fn admit(
        &self,
        credentials: &Credentials,
        bound: Option<&PermitId>,
        now: Timestamp,
    ) -> Result<Admitted, Rejection> {
        let text = credentials.token.as_deref().ok_or(Rejection::NoToken)?;
        let token = read_token(text, &self.session_key, now)?;
        let project = credentials.project.as_deref().map(str::parse::<ProjectId>);
        let project = project.transpose().map_err(|_| Rejection::OtherProject)?;
        let status = self.feed.current(now).await.ok_or(Rejection::NoStatus)?;
        if status.revoked_sessions.contains(&token.session) {
            return Err(Rejection::SessionRevoked);
        }
        let mut found = Vec::new();
        for id in token.permits.iter().filter(|id| bound.is_none_or(|bound| bound == *id)).take(PERMITS_MAX) {
            let text = self.feed.permit(id, now).await;
            found.push(text.and_then(|text| read_permit(&text, id, &self.permit_key)));
        }
        // Who asks through the portal's pages is where the portal says; only tokens that it keeps to itself say it.
        let address = token.address.or(credentials.peer);
        let wanted = Wanted { user: &token.user, address, project: project.as_ref(), status: &status, now };
        let permit = Arc::new(choose(found, &wanted)?);
        Ok(Admitted { user: token.user, session: token.session, address, permit })
    }

    async fn still_holds(&self, admitted: &Admitted, now: Timestamp) -> Result<(), Rejection> {
        let status = self.feed.current(now).await.ok_or(Rejection::NoStatus)?;
        if status.revoked_sessions.contains(&admitted.session) {
            return Err(Rejection::SessionRevoked);
        }
        let wanted = Wanted { user: &admitted.user, address: admitted.address, project: None, status: &status, now };
        wanted.holds(&admitted.permit)
    }
}

#[cfg(test)]
pub(crate) mod tests;
