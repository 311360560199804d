//! People's passkeys in the portal's database. Which of them count for acts is the permit signer's to know.

use std::sync::Arc;

use jiff::Timestamp;
use policies::UserId;
use policies::audit::AuditLog;
use policies::passkey::{
    ActSignature, Base64Url, Challenge, PasskeyError, PasskeyKey, Registered, RelyingParty, verify_assertion,
};

use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::record::Note;

/// A registered passkey.
#[derive(Clone, Debug)]
pub(crate) struct Passkey {
    pub(crate) credential: Base64Url,
    pub(crate) key: PasskeyKey,
    pub(crate) label: String,
    pub(crate) created_at: Timestamp,
}

/// A person's passkeys, oldest first.
pub(crate) async fn of(db: &Database, user: &UserId) -> Result<Vec<Passkey>, PortalError> {
    let find = sqlx::query_as::<_, Row>(
        "select credential, public_key, label, created_at from passkey
         where account = $1 order by created_at, credential",
    );
    find.bind(user.as_str()).fetch_all(db.pool()).await?.into_iter().map(read).collect()
}

/// Keeps a person's new passkey. Refuses one that is registered already, whoever's it is.
pub async fn add(
    db: &Database,
    audit: &Arc<AuditLog>,
    user: &UserId,
    (registered, label): (&Registered, &str),
    now: Timestamp,
) -> Result<(), PortalError> {
    let mut work = db.begin().await?;
    let insert = sqlx::query(
        "insert into passkey (credential, account, public_key, label, sign_count, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict (credential) do nothing",
    );
    let insert = insert.bind(registered.credential.to_string()).bind(user.as_str()).bind(registered.key.to_string());
    let insert = insert.bind(label).bind(i64::from(registered.sign_count)).bind(now.to_string());
    if insert.execute(&mut *work).await?.rows_affected() == 0 {
        return Err(PortalError::Passkey(PasskeyError::OtherPerson));
    }
    let note = Note::new(user, "account:passkey-added", user).with("credential", registered.credential.to_string());
    note.append(audit, now).await?;
    Ok(work.commit().await?)
}

/// Takes a person's passkey away. False: it is not this person's.
pub(crate) async fn remove(work: &mut Work, user: &UserId, credential: &Base64Url) -> Result<bool, PortalError> {
    let remove = sqlx::query("delete from passkey where credential = $1 and account = $2");
    let remove = remove.bind(credential.to_string()).bind(user.as_str());
    Ok(remove.execute(&mut **work).await?.rows_affected() == 1)
}

/// Whose passkey made this assertion, if it is good. `user`: only this person's will do.
pub(crate) async fn verify(
    db: &Database,
    user: Option<&UserId>,
    act: &ActSignature,
    (challenge, party): (&Challenge, &RelyingParty),
    now: Timestamp,
) -> Result<UserId, PortalError> {
    let owner = sqlx::query_scalar::<_, String>("select account from passkey where credential = $1");
    let owner = owner.bind(act.credential.to_string()).fetch_optional(db.pool()).await?;
    let owner: UserId = match owner.map(|owner| owner.parse()) {
        Some(owner) => owner.map_err(|_| PortalError::Stored)?,
        None => return Err(PasskeyError::Unknown.into()),
    };
    if user.is_some_and(|user| *user != owner) {
        return Err(PasskeyError::Unknown.into());
    }
    let passkeys = of(db, &owner).await?;
    let passkey = passkeys.iter().find(|passkey| passkey.credential == act.credential).ok_or(PasskeyError::Unknown)?;
    let asserted = verify_assertion(act, challenge, &passkey.key, party)?;
    // A counter that does not grow is a copied key's (WebAuthn Level 3, §7.2 step 22); zeros are of authenticators without one.
    let used = sqlx::query(
        "update passkey set sign_count = $1, used_at = $2
         where credential = $3 and (sign_count < $1 or (sign_count = 0 and $1 = 0))",
    );
    let used = used.bind(i64::from(asserted.sign_count)).bind(now.to_string()).bind(act.credential.to_string());
    if used.execute(db.pool()).await?.rows_affected() == 0 {
        return Err(PasskeyError::Counter.into());
    }
    Ok(owner)
}

type Row = (String, String, String, String);

fn read((credential, key, label, created_at): Row) -> Result<Passkey, PortalError> {
    let stored = || PortalError::Stored;
    Ok(Passkey {
        credential: credential.parse().map_err(|_| stored())?,
        key: key.parse().map_err(|_| stored())?,
        label,
        created_at: created_at.parse().map_err(|_| stored())?,
    })
}
