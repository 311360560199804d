//! Ten codes on paper for the day on which everything else is lost. Each works once; only hashes are kept.

use jiff::Timestamp;
use policies::UserId;
use sha2::{Digest, Sha256};

use crate::database::{Database, Work};
use crate::error::PortalError;

const CODES: usize = 10;
/// Small letters and digits without look-alikes.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 80 bits: too many to try, so that a fast hash is enough.
const LENGTH: usize = 16; // letters

/// Fresh codes in the place of all old ones, to be shown once.
pub(crate) async fn renew(work: &mut Work, user: &UserId) -> Result<Vec<String>, PortalError> {
    sqlx::query("delete from recovery_code where account = $1").bind(user.as_str()).execute(&mut **work).await?;
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let code = random();
        let insert = sqlx::query("insert into recovery_code (account, hash) values ($1, $2)");
        insert.bind(user.as_str()).bind(hash(user, &code)).execute(&mut **work).await?;
        codes.push(code);
    }
    Ok(codes)
}

/// Uses a code up. False: there is none like it, or it was used before.
pub(crate) async fn redeem(db: &Database, user: &UserId, code: &str, now: Timestamp) -> Result<bool, PortalError> {
    let redeem =
        sqlx::query("update recovery_code set used_at = $1 where account = $2 and hash = $3 and used_at is null");
    let redeem = redeem.bind(now.to_string()).bind(user.as_str()).bind(hash(user, code));
    Ok(redeem.execute(db.pool()).await?.rows_affected() == 1)
}

/// How many are left.
pub(crate) async fn left(db: &Database, user: &UserId) -> Result<usize, PortalError> {
    let left =
        sqlx::query_scalar::<_, i64>("select count(*) from recovery_code where account = $1 and used_at is null");
    Ok(usize::try_from(left.bind(user.as_str()).fetch_one(db.pool()).await?).unwrap_or(0))
}

/// Four groups of four.
fn random() -> String {
    let mut bytes = [0; LENGTH];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    let mut code = String::with_capacity(LENGTH + 3);
    for (place, letter) in letters.enumerate() {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(*letter));
    }
    code
}

fn hash(user: &UserId, code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    hex::encode(Sha256::digest(format!("recovery\0{user}\0{}", plain.to_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_typed_in_any_shape() {
        let user: UserId = "pi".parse().unwrap();
        let code = random();
        assert_eq!(code.len(), 19);
        assert_eq!(hash(&user, &code), hash(&user, &code.replace('-', " ").to_uppercase()));
        assert_ne!(hash(&user, &code), hash(&"co".parse().unwrap(), &code));
        assert_ne!(random(), code);
    }
}
