//! Accounts: who may sign in, under which roles.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use jiff::{SignedDuration, Timestamp};
use policies::application::{Actor, Organisation};
use policies::audit::AuditLog;
use policies::{Role, UserId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::database::Database;
use crate::error::PortalError;
use crate::record::Note;

/// Failed sign-ins before an account waits.
const FAILURES_FREE: i64 = 4;
const WAIT_FIRST: SignedDuration = SignedDuration::from_secs(15); // doubles with each further failure
const WAIT_MAX: SignedDuration = SignedDuration::from_mins(15);
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// argon2 takes 19 MiB and a core for a moment: no more than this many at a time, the others wait in line.
static HASHING: Semaphore = Semaphore::const_new(2);

/// A hash that fits no password: verified against when there is no such account, so that both take as long.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash(&SecretString::from(policies::SessionId::random().as_str())).unwrap_or_default());

/// An account to be made.
#[derive(Debug)]
pub struct NewAccount {
    /// Sign-in name.
    pub user: UserId,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// Where the person works.
    pub organisation: Organisation,
    /// What the person may be.
    pub roles: BTreeSet<Role>,
    /// The password; only its argon2id hash is kept.
    pub password: SecretString,
}

/// An account as pages and rules need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Sign-in name.
    pub id: UserId,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// Where the person works.
    pub organisation: Organisation,
    /// What the person may be.
    pub roles: BTreeSet<Role>,
}

impl User {
    /// The person as the application's rules see it.
    pub fn actor(&self) -> Actor {
        Actor { user: self.id.clone(), organisation: self.organisation.clone(), roles: self.roles.clone() }
    }
}

/// Makes an account. Fails if the name is taken.
pub async fn create(
    db: &Database,
    audit: &Arc<AuditLog>,
    account: NewAccount,
    now: Timestamp,
) -> Result<(), PortalError> {
    let roles: Vec<_> = account.roles.iter().map(|role| role.as_str()).collect();
    let password = account.password;
    let password = tokio::task::spawn_blocking(move || hash(&password)).await.map_err(PortalError::task)?;
    let mut change = db.begin().await?;
    let insert = sqlx::query(
        "insert into account (id, name_ja, name_en, organisation, roles, password, created_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing",
    );
    let insert = insert.bind(account.user.as_str()).bind(account.name_ja).bind(account.name_en);
    let insert = insert.bind(account.organisation.as_str()).bind(roles.join(" "));
    let insert = insert.bind(password.ok_or(PortalError::Stored)?).bind(now.to_string());
    if insert.execute(&mut *change).await?.rows_affected() == 0 {
        return Err(PortalError::AccountExists);
    }
    Note::new("operator", "account:created", &account.user).with("roles", roles.join(" ")).append(audit, now).await?;
    Ok(change.commit().await?)
}

/// The account of that name.
pub async fn find(db: &Database, user: &UserId) -> Result<Option<User>, PortalError> {
    let find = sqlx::query_as::<_, Row>("select id, name_ja, name_en, organisation, roles from account where id = $1");
    find.bind(user.as_str()).fetch_optional(db.pool()).await?.map(read).transpose()
}

/// All accounts, by name.
pub async fn list(db: &Database) -> Result<Vec<User>, PortalError> {
    let list = sqlx::query_as::<_, Row>("select id, name_ja, name_en, organisation, roles from account order by id");
    list.fetch_all(db.pool()).await?.into_iter().map(read).collect()
}

/// What a sign-in came to.
#[derive(Debug)]
pub(crate) enum SignIn {
    Welcome(User),
    /// Wrong name or password: never said which.
    Wrong,
    /// Too many failures; the password was not looked at.
    Wait,
}

/// Checks name and password, counts failures, and makes those who guess wait longer and longer.
pub(crate) async fn sign_in(
    db: &Database,
    name: &str,
    password: SecretString,
    now: Timestamp,
) -> Result<SignIn, PortalError> {
    let tried = hex::encode(Sha256::digest(name.as_bytes()));
    // Counted before the password is looked at, so that guesses at the same moment count as well.
    if !count_attempt(db, &tried, now).await? {
        return Ok(SignIn::Wait);
    }
    let stored = sqlx::query_scalar::<_, String>("select password from account where id = $1");
    let stored = stored.bind(name).fetch_optional(db.pool()).await?;
    let known = stored.is_some();
    let stored = stored.unwrap_or_else(|| NOBODY.clone());
    let turn = HASHING.acquire().await.map_err(|_| PortalError::Stored)?;
    let fits = tokio::task::spawn_blocking(move || verify(&password, &stored)).await.map_err(PortalError::task)?;
    drop(turn);
    if !(known && fits) {
        return Ok(SignIn::Wrong);
    }
    sqlx::query("delete from sign_in_failure where name = $1").bind(tried).execute(db.pool()).await?;
    let user = name.parse().map_err(|_| PortalError::Stored)?;
    Ok(find(db, &user).await?.map_or(SignIn::Wrong, SignIn::Welcome))
}

/// Counts an attempt as failed until it has worked. False: too early, do not even look.
async fn count_attempt(db: &Database, tried: &str, now: Timestamp) -> Result<bool, PortalError> {
    let mut work = db.begin().await?;
    let forget = sqlx::query("delete from sign_in_failure where at < $1");
    forget.bind(now.as_second() - FORGET_AFTER.as_secs()).execute(&mut *work).await?;
    let known = sqlx::query_as::<_, (i64, Option<String>)>(
        "select failures, locked_until from sign_in_failure where name = $1",
    );
    let (failures, until) = known.bind(tried).fetch_optional(&mut *work).await?.unwrap_or_default();
    if until.and_then(|until| until.parse::<Timestamp>().ok()).is_some_and(|until| now < until) {
        return Ok(false);
    }
    let until = wait_after(failures + 1).and_then(|wait| now.checked_add(wait).ok()).map(|until| until.to_string());
    let count = sqlx::query(
        "insert into sign_in_failure (name, failures, locked_until, at) values ($1, 1, $2, $3)
         on conflict (name) do update set failures = sign_in_failure.failures + 1,
           locked_until = excluded.locked_until, at = excluded.at",
    );
    count.bind(tried).bind(until).bind(now.as_second()).execute(&mut *work).await?;
    work.commit().await?;
    Ok(true)
}

fn wait_after(failures: i64) -> Option<SignedDuration> {
    let further = u32::try_from(failures - FAILURES_FREE - 1).ok()?;
    let factor = 2_i32.saturating_pow(further.min(10));
    Some(WAIT_FIRST.checked_mul(factor).unwrap_or(WAIT_MAX).min(WAIT_MAX))
}

fn hash(password: &SecretString) -> Option<String> {
    let hashed: argon2::password_hash::Result<PasswordHash> =
        Argon2::default().hash_password(password.expose_secret().as_bytes());
    hashed.ok().map(|hash| hash.to_string())
}

fn verify(password: &SecretString, stored: &str) -> bool {
    let Ok(stored) = PasswordHash::new(stored) else { return false };
    Argon2::default().verify_password(password.expose_secret().as_bytes(), &stored).is_ok()
}

type Row = (String, String, String, String, String);

fn read((id, name_ja, name_en, organisation, roles): Row) -> Result<User, PortalError> {
    let stored = || PortalError::Stored;
    Ok(User {
        id: id.parse().map_err(|_| stored())?,
        name_ja,
        name_en,
        organisation: organisation.parse().map_err(|_| stored())?,
        roles: roles.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| stored())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_and_ends_at_a_quarter_of_an_hour() {
        assert_eq!(wait_after(4), None);
        assert_eq!(wait_after(5), Some(WAIT_FIRST));
        assert_eq!(wait_after(6), Some(SignedDuration::from_secs(30)));
        assert_eq!(wait_after(500), Some(WAIT_MAX));
    }
}
