//! Session tokens: who asks the engine, under which of that person's permits.

use std::net::IpAddr;

use jiff::Timestamp;
use policies::keys::SigningKey;
use policies::session::{LIFETIME_MAX, SessionToken};
use policies::{Permit, ProjectId, SessionId, UserId, jws};

use crate::database::Database;
use crate::error::PortalError;

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
/// `key`: the portal's `session` key. `session`: the signed-in session; revoking it ends the token.
pub async fn session_token(
    db: &Database,
    key: &SigningKey,
    user: &UserId,
    session: &SessionId,
    now: Timestamp,
) -> Result<String, PortalError> {
    let permits = permits_of(db, user, now).await?;
    sign(key, (user, session, None), permits.iter(), now)
}

/// A token for the permits of one project only: what the SQL page sends, with the visitor's address. It never leaves the portal,
/// else the page's place would be believed of another machine.
pub(crate) async fn project_token(
    db: &Database,
    key: &SigningKey,
    person: (&UserId, &SessionId, Option<IpAddr>),
    project: &ProjectId,
    now: Timestamp,
) -> Result<String, PortalError> {
    let permits = permits_of(db, person.0, now).await?;
    sign(key, person, permits.iter().filter(|permit| permit.project == *project), now)
}

fn sign<'a>(
    key: &SigningKey,
    (user, session, address): (&UserId, &SessionId, Option<IpAddr>),
    permits: impl Iterator<Item = &'a Permit>,
    now: Timestamp,
) -> Result<String, PortalError> {
    let token = SessionToken {
        user: user.clone(),
        session: session.clone(),
        second_factor_at: None,
        permits: permits.map(|permit| permit.id.clone()).collect(),
        address,
        issued_at: now,
        expires_at: now.checked_add(LIFETIME_MAX).map_err(|_| PortalError::Stored)?,
    };
    jws::sign(jws::SESSION, &token, key).map_err(PortalError::Sign)
}
