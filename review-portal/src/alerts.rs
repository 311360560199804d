//! What a person is told of the own account without having asked: by mail and on the page of notices.

use jiff::Timestamp;
use policies::UserId;

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
    tell(portal, &mut work, user, (note, "locked")).await?;
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
    tell(portal, work, user, (note, "factor")).await
}

/// An institution is linked or unlinked in this transaction, which the caller commits.
pub(crate) async fn institution_changed(
    portal: &Portal,
    work: &mut Work,
    user: &UserId,
    (action, institution): (&'static str, &str),
) -> Result<(), PortalError> {
    let note = Note::new(user, action, user).with("institution", institution);
    tell(portal, work, user, (note, "institution")).await
}

/// A code on paper opened a session: the person has it, or somebody found the paper.
pub(crate) async fn recovery_used(portal: &Portal, user: &UserId) -> Result<(), PortalError> {
    let mut work = portal.db.begin().await?;
    tell(portal, &mut work, user, (Note::new(user, "account:recovery-used", user), "recovery")).await?;
    Ok(work.commit().await?)
}

/// `what`: the message files have `alert.<what>.subject` and `.body`.
async fn tell(portal: &Portal, work: &mut Work, user: &UserId, (note, what): (Note, &str)) -> Result<(), PortalError> {
    let now = portal.now();
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
    note.append(&portal.audit, now).await.map(drop)
}

async fn language_of(work: &mut Work, user: &UserId) -> Result<Language, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select language from contact where account = $1");
    let word = find.bind(user.as_str()).fetch_optional(&mut **work).await?;
    Ok(word.and_then(|word| Language::parse(&word)).unwrap_or_default())
}

fn at(language: Language, now: Timestamp) -> String {
    format!("{} {}", language.say("alert.at"), crate::dates::at(now, language))
}
