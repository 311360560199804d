//! What an operator does for a person who lost telephone, passkeys and recovery codes: all factors end, and a code that the operator
//! hands over lets the person set up new ones. The code opens nothing without the password, and the password nothing without it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use policies::UserId;
use policies::audit::AuditLog;
use secrecy::{ExposeSecret as _, SecretString};

use super::code::{self, Purpose};
use crate::accounts;
use crate::alerts;
use crate::attempts::{self, Guess};
use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::record::Note;

/// How long the code works.
const LIFETIME: SignedDuration = SignedDuration::from_hours(72);

/// What the operator hands over: shown once, kept as a hash only.
#[derive(Debug)]
pub struct HandedOver {
    code: SecretString,
    /// Until when it works.
    pub until: Timestamp,
}

impl HandedOver {
    /// The code.
    pub fn expose(&self) -> &str {
        self.code.expose_secret()
    }
}

/// Ends all factors and sessions of a person, tells the person, and makes the code. Done again, only the newer code works.
pub async fn reset(
    db: &Database,
    audit: &Arc<AuditLog>,
    user: &UserId,
    reason: &str,
    now: Timestamp,
) -> Result<HandedOver, PortalError> {
    accounts::find(db, user).await?.ok_or(PortalError::NotFound)?;
    let code = code::random();
    let until = now.checked_add(LIFETIME).map_err(|_| PortalError::Stored)?;
    let mut work = db.begin().await?;
    for table in ["totp", "passkey", "recovery_code", "pending_act"] {
        let end = sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table} where account = $1")));
        end.bind(user.as_str()).execute(&mut *work).await?;
    }
    let insert = sqlx::query(
        "insert into factor_reset (account, hash, expires_at) values ($1, $2, $3)
         on conflict (account) do update set hash = excluded.hash, expires_at = excluded.expires_at",
    );
    let insert = insert.bind(user.as_str()).bind(Purpose::Reset.hash(user, &code)).bind(until.to_string());
    insert.execute(&mut *work).await?;
    accounts::end_sessions(&mut work, user, now).await?;
    let note = Note::new("operator", "account:factors-reset", user).with("reason", reason);
    alerts::tell(&mut work, audit, user, (note, "reset"), now).await?;
    work.commit().await?;
    // Whoever guessed at the old factors, the owner need not wait for the new ones.
    attempts::forgive(db, Guess::SecondFactor(user)).await?;
    Ok(HandedOver { code: SecretString::from(code), until })
}

/// Whether the person's factors were ended and no new one is set up.
pub(crate) async fn is_pending(db: &Database, user: &UserId) -> Result<bool, PortalError> {
    let find = sqlx::query_scalar::<_, i64>("select count(*) from factor_reset where account = $1");
    Ok(find.bind(user.as_str()).fetch_one(db.pool()).await? > 0)
}

/// Whether this is the code that was handed over. It works until a factor is set up.
pub(crate) async fn fits(db: &Database, user: &UserId, code: &str, now: Timestamp) -> Result<bool, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select expires_at from factor_reset where account = $1 and hash = $2");
    let until = find.bind(user.as_str()).bind(Purpose::Reset.hash(user, code)).fetch_optional(db.pool()).await?;
    let Some(until) = until else { return Ok(false) };
    let until: Timestamp = until.parse().map_err(|_| PortalError::Stored)?;
    Ok(now < until)
}

/// A new factor is set up: the code is used up.
pub(crate) async fn finish(work: &mut Work, user: &UserId) -> Result<(), PortalError> {
    let end = sqlx::query("delete from factor_reset where account = $1");
    end.bind(user.as_str()).execute(&mut **work).await?;
    Ok(())
}
