//! Where a person is written to, and in which language.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lettre::Address;
use policies::UserId;
use policies::audit::AuditLog;
use sqlx::{Any, Executor};

use crate::alerts;
use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::factors::code::{self, Purpose};
use crate::language::Language;
use crate::outbox::{self, Kind, Post};
use crate::portal::Portal;
use crate::record::Note;

/// How long a new address waits for its confirmation.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Before an account's name: the address that waits for confirmation, in the outbox.
const UNCONFIRMED: &str = "unconfirmed:";

/// Sets or replaces where `user` is written to, by an operator's word. `mail`: the address, none to end mails; `english`: else
/// Japanese.
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
    write(&mut work, user, mail.as_ref(), language).await?;
    // What the person asked for before is overtaken.
    end_change(&mut work, user).await?;
    Note::new("operator", "account:contact-set", user).append(audit, now).await?;
    Ok(work.commit().await?)
}

async fn write(work: &mut Work, user: &UserId, mail: Option<&Address>, language: Language) -> Result<(), PortalError> {
    let set = sqlx::query(
        "insert into contact (account, mail, language) values ($1, $2, $3)
         on conflict (account) do update set mail = excluded.mail, language = excluded.language",
    );
    let set = set.bind(user.as_str()).bind(mail.map(ToString::to_string)).bind(language.as_str());
    set.execute(&mut **work).await?;
    Ok(())
}

async fn end_change(work: &mut Work, user: &UserId) -> Result<(), PortalError> {
    let end = sqlx::query("delete from contact_change where account = $1");
    end.bind(user.as_str()).execute(&mut **work).await?;
    Ok(())
}

/// How a person is written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contact {
    /// The confirmed address.
    pub(crate) mail: Option<Address>,
    /// The one that waits for its code.
    pub(crate) unconfirmed: Option<Address>,
    pub(crate) language: Language,
}

/// How `user` is written to at `now`.
pub(crate) async fn of(db: &Database, user: &UserId, now: Timestamp) -> Result<Contact, PortalError> {
    let find = sqlx::query_as::<_, (Option<String>, String)>("select mail, language from contact where account = $1");
    let (mail, language) = find.bind(user.as_str()).fetch_optional(db.pool()).await?.unwrap_or_default();
    let waits = sqlx::query_as::<_, (String, String)>("select mail, expires_at from contact_change where account = $1");
    let waits = waits.bind(user.as_str()).fetch_optional(db.pool()).await?;
    let mut unconfirmed = None;
    if let Some((mail, until)) = waits {
        let until: Timestamp = until.parse().map_err(|_| PortalError::Stored)?;
        unconfirmed = (now < until).then(|| mail.parse().map_err(|_| PortalError::Stored)).transpose()?;
    }
    let mail = mail.map(|mail| mail.parse().map_err(|_| PortalError::Stored)).transpose()?;
    Ok(Contact { mail, unconfirmed, language: Language::parse(&language).unwrap_or_default() })
}

/// The person says in which language to write, and to which address. Another address than before is written to first: it takes the
/// place of the earlier one when its code comes back. `mail`: none to end mails.
pub(crate) async fn ask(
    portal: &Portal,
    user: &UserId,
    (mail, language): (Option<Address>, Language),
) -> Result<(), PortalError> {
    let now = portal.now();
    let before = of(&portal.db, user, now).await?;
    let mut work = portal.db.begin().await?;
    end_change(&mut work, user).await?;
    let new = match mail {
        Some(new) if before.mail.as_ref() != Some(&new) => new,
        same => {
            write(&mut work, user, same.as_ref(), language).await?;
            alerts::contact_changed(portal, &mut work, user).await?;
            return Ok(work.commit().await?);
        }
    };
    write(&mut work, user, before.mail.as_ref(), language).await?;
    let code = code::random();
    let until = now.checked_add(LIFETIME).map_err(|_| PortalError::Stored)?;
    let insert = sqlx::query("insert into contact_change (account, mail, hash, expires_at) values ($1, $2, $3, $4)");
    let insert = insert.bind(user.as_str()).bind(new.to_string()).bind(Purpose::Contact.hash(user, &code));
    insert.bind(until.to_string()).execute(&mut *work).await?;
    let post = Post {
        dedup: format!("contact/{user}/{now}"),
        kind: Kind::Mail,
        recipient: &format!("{UNCONFIRMED}{user}"),
        language,
        subject: language.say("contact.mail.subject"),
        body: format!("{}\n\n{code}\n\n{}", language.say("contact.mail.body"), language.say("contact.mail.foot")),
    };
    outbox::post(&mut work, post, now).await?;
    Note::new(user, "account:contact-asked", user).append(&portal.audit, now).await?;
    Ok(work.commit().await?)
}

/// Takes the address into use whose code this is. False: it is of none.
pub(crate) async fn confirm(portal: &Portal, user: &UserId, code: &str) -> Result<bool, PortalError> {
    let now = portal.now();
    let Contact { unconfirmed: Some(mail), language, .. } = of(&portal.db, user, now).await? else { return Ok(false) };
    let mut work = portal.db.begin().await?;
    let take = sqlx::query("delete from contact_change where account = $1 and hash = $2 and mail = $3");
    let take = take.bind(user.as_str()).bind(Purpose::Contact.hash(user, code)).bind(mail.to_string());
    if take.execute(&mut *work).await?.rows_affected() == 0 {
        return Ok(false);
    }
    write(&mut work, user, Some(&mail), language).await?;
    alerts::contact_changed(portal, &mut work, user).await?;
    work.commit().await?;
    Ok(true)
}

/// The language of each account that has said one.
pub(crate) async fn languages<'c>(
    db: impl Executor<'c, Database = Any>,
) -> Result<BTreeMap<String, Language>, PortalError> {
    let rows = sqlx::query_as::<_, (String, String)>("select account, language from contact");
    let read = |(account, word): (String, String)| Some((account, Language::parse(&word)?));
    Ok(rows.fetch_all(db).await?.into_iter().filter_map(read).collect())
}

/// The address of that recipient of the outbox, if it has one.
pub(crate) async fn mail_of<'c>(
    db: impl Executor<'c, Database = Any>,
    recipient: &str,
) -> Result<Option<Address>, PortalError> {
    let (find, account) = match recipient.strip_prefix(UNCONFIRMED) {
        Some(account) => ("select mail from contact_change where account = $1", account),
        None => ("select mail from contact where account = $1", recipient),
    };
    let mail = sqlx::query_scalar::<_, Option<String>>(find).bind(account).fetch_optional(db).await?.flatten();
    mail.map(|mail| mail.parse().map_err(|_| PortalError::Stored)).transpose()
}
