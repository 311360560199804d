//! Where a person is written to, and in which language.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use lettre::Address;
use policies::UserId;
use policies::audit::AuditLog;
use sqlx::{Any, Executor};

use crate::database::Database;
use crate::error::PortalError;
use crate::language::Language;
use crate::record::Note;

/// Sets or replaces where `user` is written to. `mail`: the address, none to end mails; `english`: else Japanese.
pub async fn set(
    db: &Database,
    audit: &Arc<AuditLog>,
    user: &UserId,
    (mail, english): (Option<&str>, bool),
    now: Timestamp,
) -> Result<(), PortalError> {
    let language = if english { Language::En } else { Language::Ja };
    let mail: Option<Address> = mail.map(str::parse).transpose().map_err(|_| PortalError::BadForm)?;
    let mut work = db.begin().await?;
    let set = sqlx::query(
        "insert into contact (account, mail, language) values ($1, $2, $3)
         on conflict (account) do update set mail = excluded.mail, language = excluded.language",
    );
    let set = set.bind(user.as_str()).bind(mail.map(|mail| mail.to_string())).bind(language.as_str());
    set.execute(&mut *work).await?;
    Note::new(user, "account:contact-set", user).append(audit, now).await?;
    Ok(work.commit().await?)
}

/// The language of each account that has said one.
pub(crate) async fn languages<'c>(
    db: impl Executor<'c, Database = Any>,
) -> Result<BTreeMap<String, Language>, PortalError> {
    let rows = sqlx::query_as::<_, (String, String)>("select account, language from contact");
    let read = |(account, word): (String, String)| Some((account, Language::parse(&word)?));
    Ok(rows.fetch_all(db).await?.into_iter().filter_map(read).collect())
}

/// The address of that account, if it has one.
pub(crate) async fn mail_of<'c>(
    db: impl Executor<'c, Database = Any>,
    account: &str,
) -> Result<Option<Address>, PortalError> {
    let find = sqlx::query_scalar::<_, Option<String>>("select mail from contact where account = $1");
    let mail = find.bind(account).fetch_optional(db).await?.flatten();
    mail.map(|mail| mail.parse().map_err(|_| PortalError::Stored)).transpose()
}
