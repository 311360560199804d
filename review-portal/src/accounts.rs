//! Accounts: who may sign in, under which roles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use jiff::Timestamp;
use policies::application::{Actor, Affiliation, ReviewerCard};
use policies::audit::AuditLog;
use policies::{Role, SourceId, UserId};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::attempts::{self, Guess, Turn};
use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::passwords;
use crate::record::Note;

pub use crate::factors::passkeys::add as add_passkey;
pub use crate::factors::reset::{HandedOver, reset as reset_factors};

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
    pub affiliation: Affiliation,
    /// What the person may be.
    pub roles: BTreeSet<Role>,
    /// Seats of the committee that the person holds.
    pub seats: BTreeSet<String>,
    /// Sources that the person answers for as a steward.
    pub holds: BTreeSet<SourceId>,
    /// With whom the person wrote papers, and the last year of one.
    pub coauthors: BTreeMap<UserId, i16>,
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
    pub affiliation: Affiliation,
    /// What the person may be.
    pub roles: BTreeSet<Role>,
    /// Seats of the committee that the person holds.
    pub seats: BTreeSet<String>,
    /// Sources that the person answers for as a steward.
    pub holds: BTreeSet<SourceId>,
    /// With whom the person wrote papers, and the last year of one.
    pub coauthors: BTreeMap<UserId, i16>,
    /// Sessions that began before are over.
    pub(crate) sessions_since: Option<Timestamp>,
}

impl User {
    /// The person as the application's rules see it.
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.id.clone(),
            affiliation: self.affiliation.clone(),
            roles: self.roles.clone(),
            seats: self.seats.clone(),
            holds: self.holds.clone(),
        }
    }

    /// The person as a reviewer who is asked.
    pub(crate) fn card(&self) -> ReviewerCard {
        ReviewerCard {
            affiliation: self.affiliation.clone(),
            seats: self.seats.clone(),
            coauthors: self.coauthors.clone(),
        }
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
    let password = hashed(account.password, &account.user).await?;
    let mut change = db.begin().await?;
    let insert = sqlx::query(
        "insert into account (id, name_ja, name_en, organisation, roles, seats, holds, coauthors, password, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing",
    );
    let insert = insert.bind(account.user.as_str()).bind(account.name_ja).bind(account.name_en);
    let insert = insert.bind(account.affiliation.to_string()).bind(roles.join(" "));
    let seats: Vec<_> = account.seats.iter().map(String::as_str).collect();
    let holds: Vec<_> = account.holds.iter().map(SourceId::as_str).collect();
    let coauthors = serde_json::to_string(&account.coauthors).map_err(|_| PortalError::Stored)?;
    let insert = insert.bind(seats.join(" ")).bind(holds.join(" ")).bind(coauthors);
    let insert = insert.bind(password).bind(now.to_string());
    if insert.execute(&mut *change).await?.rows_affected() == 0 {
        return Err(PortalError::AccountExists);
    }
    Note::new("operator", "account:created", &account.user).with("roles", roles.join(" ")).append(audit, now).await?;
    Ok(change.commit().await?)
}

/// Sets a new password, hashed by [`hashed`]. The caller has checked who asks.
pub(crate) async fn set_password(work: &mut Work, user: &UserId, hash: &str) -> Result<(), PortalError> {
    let set = sqlx::query("update account set password = $1 where id = $2").bind(hash).bind(user.as_str());
    set.execute(&mut **work).await?;
    Ok(())
}

/// Ends all sessions that began before `now`.
pub(crate) async fn end_sessions(work: &mut Work, user: &UserId, now: Timestamp) -> Result<(), PortalError> {
    let end = sqlx::query("update account set sessions_since = $1 where id = $2");
    end.bind(now.to_string()).bind(user.as_str()).execute(&mut **work).await?;
    Ok(())
}

/// The argon2id hash of a password that is fit to be one.
pub(crate) async fn hashed(password: SecretString, user: &UserId) -> Result<String, PortalError> {
    passwords::check(password.expose_secret(), user).map_err(PortalError::Password)?;
    let turn = HASHING.acquire().await.map_err(|_| PortalError::Stored)?;
    let hashed = tokio::task::spawn_blocking(move || hash(&password)).await.map_err(PortalError::task)?;
    drop(turn);
    hashed.ok_or(PortalError::Stored)
}

/// The account of that name.
pub async fn find(db: &Database, user: &UserId) -> Result<Option<User>, PortalError> {
    let find = sqlx::query_as::<_, Row>(
        "select id, name_ja, name_en, organisation, roles, seats, holds, coauthors, sessions_since from account where id = $1",
    );
    find.bind(user.as_str()).fetch_optional(db.pool()).await?.map(read).transpose()
}

/// All accounts, by name.
pub async fn list(db: &Database) -> Result<Vec<User>, PortalError> {
    let list = sqlx::query_as::<_, Row>(
        "select id, name_ja, name_en, organisation, roles, seats, holds, coauthors, sessions_since from account order by id",
    );
    list.fetch_all(db.pool()).await?.into_iter().map(read).collect()
}

/// What a name and a password came to.
#[derive(Debug)]
pub(crate) enum SignIn {
    /// The first of two steps is done.
    Known(Box<User>),
    /// Wrong name or password: never said which. `locked`: an account that now waits.
    Wrong { locked: Option<UserId> },
    /// Too many failures; the password was not looked at.
    Wait,
}

/// Checks name and password, counts failures by name and by address, and makes those who guess wait longer and longer.
pub(crate) async fn sign_in(
    db: &Database,
    address: &str,
    name: &str,
    password: SecretString,
    now: Timestamp,
) -> Result<SignIn, PortalError> {
    if attempts::count(db, Guess::Address(address), now).await? == Turn::Wait {
        return Ok(SignIn::Wait);
    }
    let Turn::Go { last } = attempts::count(db, Guess::Password(name), now).await? else { return Ok(SignIn::Wait) };
    let known = match name.parse() {
        Ok(user) => find(db, &user).await?,
        Err(_) => None,
    };
    if !fits(db, name, password).await? {
        return Ok(SignIn::Wrong { locked: known.map(|user| user.id).filter(|_| last) });
    }
    attempts::forgive(db, Guess::Password(name)).await?;
    attempts::forgive(db, Guess::Address(address)).await?;
    Ok(known.map_or(SignIn::Wrong { locked: None }, |user| SignIn::Known(Box::new(user))))
}

/// Whether the password is that account's; takes as long if there is no such account.
pub(crate) async fn fits(db: &Database, name: &str, password: SecretString) -> Result<bool, PortalError> {
    let stored = sqlx::query_scalar::<_, String>("select password from account where id = $1");
    let stored = stored.bind(name).fetch_optional(db.pool()).await?;
    let known = stored.is_some();
    let stored = stored.unwrap_or_else(|| NOBODY.clone());
    let turn = HASHING.acquire().await.map_err(|_| PortalError::Stored)?;
    let fits = tokio::task::spawn_blocking(move || verify(&password, &stored)).await.map_err(PortalError::task)?;
    drop(turn);
    Ok(known && fits)
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

type Row = (String, String, String, String, String, String, String, String, String);

fn read((id, name_ja, name_en, organisation, roles, seats, holds, coauthors, since): Row) -> Result<User, PortalError> {
    let stored = || PortalError::Stored;
    Ok(User {
        id: id.parse().map_err(|_| stored())?,
        name_ja,
        name_en,
        affiliation: organisation.parse().map_err(|_| stored())?,
        roles: roles.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| stored())?,
        seats: seats.split_whitespace().map(str::to_owned).collect(),
        holds: holds.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| stored())?,
        coauthors: serde_json::from_str(&coauthors).map_err(|_| stored())?,
        sessions_since: if since.is_empty() { None } else { Some(since.parse().map_err(|_| stored())?) },
    })
}
