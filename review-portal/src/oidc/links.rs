//! Which person of which provider an account belongs to: by issuer and subject alone, never by a mail address.

use jiff::Timestamp;
use policies::UserId;
use sha2::{Digest, Sha256};

use super::OidcError;
use crate::database::{Database, Work};
use crate::error::PortalError;

/// A person as a provider knows them. Has no `Debug`: the subject may be a name.
pub(crate) struct Subject {
    pub(crate) issuer: String,
    pub(crate) subject: String,
}

impl Subject {
    /// Its name in the database: who sees a copy of the table learns nobody's name at the institution.
    fn stored(&self) -> String {
        hex::encode(Sha256::digest(format!("institution\0{}\0{}", self.issuer, self.subject)))
    }
}

/// A link as its owner sees it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) issuer: String,
    pub(crate) linked_at: Timestamp,
    pub(crate) used_at: Option<Timestamp>,
}

/// Links a person of a provider to an account. Neither may be linked already.
pub(crate) async fn add(work: &mut Work, user: &UserId, who: &Subject, now: Timestamp) -> Result<(), PortalError> {
    let insert = sqlx::query(
        "insert into institution_link (issuer, subject, account, linked_at) values ($1, $2, $3, $4) on conflict do nothing",
    );
    let insert = insert.bind(&who.issuer).bind(who.stored()).bind(user.as_str()).bind(now.to_string());
    match insert.execute(&mut **work).await?.rows_affected() {
        0 => Err(OidcError::Linked.into()),
        _ => Ok(()),
    }
}

/// Whose account it is.
pub(crate) async fn find(db: &Database, who: &Subject, now: Timestamp) -> Result<Option<UserId>, PortalError> {
    let used = sqlx::query_scalar::<_, String>(
        "update institution_link set used_at = $1 where issuer = $2 and subject = $3 returning account",
    );
    let used = used.bind(now.to_string()).bind(&who.issuer).bind(who.stored());
    let account = used.fetch_optional(db.pool()).await?;
    account.map(|id| id.parse().map_err(|_| PortalError::Stored)).transpose()
}

/// The links of an account, the oldest first.
pub(crate) async fn of(db: &Database, user: &UserId) -> Result<Vec<Link>, PortalError> {
    let list = sqlx::query_as::<_, (String, String, Option<String>)>(
        "select issuer, linked_at, used_at from institution_link where account = $1 order by linked_at, issuer",
    );
    let rows = list.bind(user.as_str()).fetch_all(db.pool()).await?;
    let at = |text: String| text.parse::<Timestamp>().map_err(|_| PortalError::Stored);
    let link = |(issuer, linked_at, used_at): (String, String, Option<String>)| {
        Ok(Link { issuer, linked_at: at(linked_at)?, used_at: used_at.map(at).transpose()? })
    };
    rows.into_iter().map(link).collect()
}

/// Ends a link. Whether there was one.
pub(crate) async fn remove(work: &mut Work, user: &UserId, issuer: &str) -> Result<bool, PortalError> {
    let remove = sqlx::query("delete from institution_link where account = $1 and issuer = $2");
    Ok(remove.bind(user.as_str()).bind(issuer).execute(&mut **work).await?.rows_affected() > 0)
}
