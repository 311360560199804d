//! Session tokens: who asks the engine, under which of that person's permits.

use std::net::IpAddr;

use jiff::Timestamp;
use policies::jws::Document as _;
use policies::keys::SigningKey;
use policies::session::{DummyToken, LIFETIME_MAX, SessionToken};
use policies::{Permit, ProjectId, SessionId, UserId, jws};

use crate::database::Database;
use crate::error::PortalError;
use crate::visit::Signed;

/// Permits of a person that hold at `now`, by number.
pub async fn permits_of(db: &Database, user: &UserId, now: Timestamp) -> Result<Vec<Permit>, PortalError> {
    let rows = sqlx::query_scalar::<_, String>(
        "select permit.claims from permit join permit_member on permit_member.permit = permit.id
         where permit_member.account = $1 and permit.ended_at is null order by permit.id",
    );
    let rows = rows.bind(user.as_str()).fetch_all(db.pool()).await?;
    let permits: Result<Vec<Permit>, _> =
        rows.iter().map(|claims| serde_json::from_str(claims).map_err(|_| PortalError::Stored)).collect();
    Ok(permits?.into_iter().filter(|permit| permit.holds_at(now)).collect())
}

/// A token for all permits of `user` that hold at `now`, or for those of one project. Valid for [`LIFETIME_MAX`].
///
/// `key`: the portal's `session` key. Revoking the signed-in session ends the token.
pub async fn session_token(
    db: &Database,
    key: &SigningKey,
    (user, session): (&UserId, &SessionId),
    second_factor_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<String, PortalError> {
    let permits = permits_of(db, user, now).await?;
    sign(key, &Bearer { user, session, second_factor_at, address: None }, permits.iter(), now)
}

/// A token for the permits of one project only: what the SQL page sends, with the visitor's address. It never leaves the portal,
/// else the page's place would be believed of another machine.
pub(crate) async fn project_token(
    db: &Database,
    key: &SigningKey,
    (signed, address): (&Signed, Option<IpAddr>),
    project: &ProjectId,
    now: Timestamp,
) -> Result<String, PortalError> {
    let permits = permits_of(db, &signed.user, now).await?;
    let second_factor_at = Some(signed.second_factor_at);
    let bearer = Bearer { user: &signed.user, session: &signed.session, second_factor_at, address };
    sign(key, &bearer, permits.iter().filter(|permit| permit.project == *project), now)
}

/// A token for dummy data: for any signed-in person, under no permit. It may leave the portal; engines of people's records refuse it.
pub(crate) fn dummy_token(key: &SigningKey, signed: &Signed, now: Timestamp) -> Result<String, PortalError> {
    let token = DummyToken {
        user: signed.user.clone(),
        session: signed.session.clone(),
        issued_at: now,
        expires_at: now.checked_add(LIFETIME_MAX).map_err(|_| PortalError::Stored)?,
    };
    token.sign(key).map_err(PortalError::Sign)
}

/// Whom a token names.
struct Bearer<'a> {
    user: &'a UserId,
    session: &'a SessionId,
    second_factor_at: Option<Timestamp>,
    address: Option<IpAddr>,
}

fn sign<'a>(
    key: &SigningKey,
    bearer: &Bearer<'_>,
    permits: impl Iterator<Item = &'a Permit>,
    now: Timestamp,
) -> Result<String, PortalError> {
    let token = SessionToken {
        user: bearer.user.clone(),
        session: bearer.session.clone(),
        second_factor_at: bearer.second_factor_at,
        permits: permits.map(|permit| permit.id.clone()).collect(),
        address: bearer.address,
        issued_at: now,
        expires_at: now.checked_add(LIFETIME_MAX).map_err(|_| PortalError::Stored)?,
    };
    jws::sign(jws::SESSION, &token, key).map_err(PortalError::Sign)
}
