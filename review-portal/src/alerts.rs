//! What a person is told of the own account without having asked: by mail and on the page of notices.

use std::sync::Arc;

use jiff::Timestamp;
use policies::UserId;
use policies::audit::AuditLog;

use crate::database::Work;
use crate::error::PortalError;
use crate::language::Language;
use crate::outbox::{self, Kind, Post};
use crate::portal::Portal;
use crate::record::Note;

/// Somebody failed so often that the account waits: at the password, or, more serious, at the second factor behind it.
pub(crate) async fn locked_out(portal: &Portal, user: &UserId, at: &'static str) -> Result<(), PortalError> {
    let mut work = portal.db.begin().await?;
    let note = Note::new("portal", "account:locked-out", user).with("at", at);
    tell(&mut work, &portal.audit, user, (note, "locked"), portal.now()).await?;
    Ok(work.commit().await?)
}

/// A factor is added, removed or replaced in this transaction, which the caller commits.
pub(crate) async fn factor_changed(
    portal: &Portal,
    work: &mut Work,
    user: &UserId,
    what: &'static str,
) -> Result<(), PortalError> {
    let note = Note::new(user, "account:factor-changed", user).with("what", what);
    tell(work, &portal.audit, user, (note, "factor"), portal.now()).await
}

/// An institution is linked or unlinked in this transaction, which the caller commits.
pub(crate) async fn institution_changed(
    portal: &Portal,
    work: &mut Work,
    user: &UserId,
    (action, institution): (&'static str, &str),
) -> Result<(), PortalError> {
    let note = Note::new(user, action, user).with("institution", institution);
    tell(work, &portal.audit, user, (note, "institution"), portal.now()).await
}

/// A code on paper opened a session: the person has it, or somebody found the paper.
pub(crate) async fn recovery_used(portal: &Portal, user: &UserId) -> Result<(), PortalError> {
    let mut work = portal.db.begin().await?;
    let note = Note::new(user, "account:recovery-used", user);
    tell(&mut work, &portal.audit, user, (note, "recovery"), portal.now()).await?;
    Ok(work.commit().await?)
}

/// The address for mails is another one from now on.
pub(crate) async fn contact_changed(portal: &Portal, work: &mut Work, user: &UserId) -> Result<(), PortalError> {
    let note = Note::new(user, "account:contact-set", user);
    tell(work, &portal.audit, user, (note, "contact"), portal.now()).await
}

/// `what`: the message files have `alert.<what>.subject` and `.body`.
pub(crate) async fn tell(
    work: &mut Work,
    audit: &Arc<AuditLog>,
    user: &UserId,
    (note, what): (Note, &str),
    now: Timestamp,
) -> Result<(), PortalError> {
    let language = language_of(work, user).await?;
    let post = Post {
        dedup: format!("account/{user}/{what}/{now}"),
        kind: Kind::Mail,
        recipient: user.as_str(),
        language,
        subject: language.say(&format!("alert.{what}.subject")),
        body: format!("{}\n\n{}", language.say(&format!("alert.{what}.body")), at(language, now)),
    };
    outbox::post(work, post, now).await?;
    note.append(audit, now).await.map(drop)
}

async fn language_of(work: &mut Work, user: &UserId) -> Result<Language, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select language from contact where account = $1");
    let word = find.bind(user.as_str()).fetch_optional(&mut **work).await?;
    Ok(word.and_then(|word| Language::parse(&word)).unwrap_or_default())
}

fn at(language: Language, now: Timestamp) -> String {
    format!("{} {}", language.say("alert.at"), crate::dates::at(now, language))
}
