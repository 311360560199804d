//! Ten codes on paper for the day on which everything else is lost. Each works once; only hashes are kept.

use jiff::Timestamp;
use policies::UserId;

use super::code::{self, Purpose};
use crate::database::{Database, Work};
use crate::error::PortalError;

const CODES: usize = 10;

/// Fresh codes in the place of all old ones, to be shown once.
pub(crate) async fn renew(work: &mut Work, user: &UserId) -> Result<Vec<String>, PortalError> {
    sqlx::query("delete from recovery_code where account = $1").bind(user.as_str()).execute(&mut **work).await?;
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let code = code::random();
        let insert = sqlx::query("insert into recovery_code (account, hash) values ($1, $2)");
        insert.bind(user.as_str()).bind(Purpose::Recovery.hash(user, &code)).execute(&mut **work).await?;
        codes.push(code);
    }
    Ok(codes)
}

/// Uses a code up. False: there is none like it, or it was used before.
pub(crate) async fn redeem(db: &Database, user: &UserId, code: &str, now: Timestamp) -> Result<bool, PortalError> {
    let redeem =
        sqlx::query("update recovery_code set used_at = $1 where account = $2 and hash = $3 and used_at is null");
    let redeem = redeem.bind(now.to_string()).bind(user.as_str()).bind(Purpose::Recovery.hash(user, code));
    Ok(redeem.execute(db.pool()).await?.rows_affected() == 1)
}

/// How many are left.
pub(crate) async fn left(db: &Database, user: &UserId) -> Result<usize, PortalError> {
    let left =
        sqlx::query_scalar::<_, i64>("select count(*) from recovery_code where account = $1 and used_at is null");
    Ok(usize::try_from(left.bind(user.as_str()).fetch_one(db.pool()).await?).unwrap_or(0))
}
