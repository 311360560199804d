//! Invitations of members: a token that was mailed works once, for the account that it was made for.

use jiff::{SignedDuration, Timestamp};
use policies::application::{Application, Content};
use policies::{ApplicationId, UserId};
use sha2::{Digest, Sha256};

use crate::accounts::User;
use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::language::Language;
use crate::outbox::{self, Kind, Post};
use crate::portal::Portal;
use crate::record::Note;

/// How long an invitation works.
const LIFETIME: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What an invitation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Lapsed,
    Open,
    Used,
}

/// The account of a sign-in name or a mail address.
pub(crate) async fn account_of(db: &Database, named: &str) -> Result<Option<UserId>, PortalError> {
    let named = named.trim();
    let find = "select account.id from account left join contact on contact.account = account.id
                where account.id = $1 or lower(contact.mail) = $2 order by account.id = $1 desc";
    let found = sqlx::query_scalar::<_, String>(find).bind(named.to_lowercase()).bind(named.to_lowercase());
    let found = found.fetch_all(db.pool()).await?;
    // An address that several accounts share names nobody.
    match found.as_slice() {
        [one] => Ok(one.parse().ok()),
        _ => Ok(found.iter().find(|id| **id == named.to_lowercase()).and_then(|id| id.parse().ok())),
    }
}

/// Invites a member: earlier invitations of the same end, and the token leaves by mail alone.
pub(crate) async fn invite(
    portal: &Portal,
    by: &User,
    (id, content): (&ApplicationId, &Content),
    member: &UserId,
) -> Result<(), PortalError> {
    let now = portal.now();
    let mut bytes = [0; 32];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    let token = hex::encode(bytes);
    let mut work = portal.db.begin().await?;
    end_open(&mut work, id, member, now).await?;
    let insert = sqlx::query(
        "insert into invitation (token, application, account, by_user, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
    );
    let until = now.checked_add(LIFETIME).map_err(|_| PortalError::Stored)?;
    let insert = insert.bind(digest(&token)).bind(id.as_str()).bind(member.as_str()).bind(by.id.as_str());
    insert.bind(now.to_string()).bind(until.to_string()).execute(&mut *work).await?;
    let language = language_of(&mut work, member).await?;
    let link = format!("{}/invitations/{token}", portal.mail.as_deref().unwrap_or_default().trim_end_matches('/'));
    // One line: a title is no place for paragraphs of a letter.
    let title = content.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let say = |key: &str| {
        let words = language.say(key);
        words.replacen("{number}", id.as_str(), 1).replacen("{title}", &title, 1)
    };
    let mail = Post {
        dedup: format!("invitation/{}", digest(&token)),
        kind: Kind::Mail,
        recipient: member.as_str(),
        language,
        subject: say("invitation.subject"),
        body: format!("{}\n\n{link}\n\n{}", say("invitation.body"), language.say("notice.foot")),
    };
    outbox::post(&mut work, mail, now).await?;
    let note = Note::new(&by.id, "application:invite", id).with("member", member.as_str());
    note.append(&portal.audit, now).await?;
    Ok(work.commit().await?)
}

/// The application that an open invitation of this person is for.
pub(crate) async fn open(
    db: &Database,
    token: &str,
    user: &UserId,
    now: Timestamp,
) -> Result<Option<ApplicationId>, PortalError> {
    let find = sqlx::query_as::<_, (String, String)>(
        "select application, expires_at from invitation where token = $1 and account = $2 and used_at is null",
    );
    let found = find.bind(digest(token)).bind(user.as_str()).fetch_optional(db.pool()).await?;
    let Some((id, until)) = found else { return Ok(None) };
    let until: Timestamp = until.parse().map_err(|_| PortalError::Stored)?;
    if until <= now {
        return Ok(None);
    }
    id.parse().map(Some).map_err(|_| PortalError::Stored)
}

/// Takes an open invitation of this person: of two who take it at once, one does.
pub(crate) async fn take(db: &Database, token: &str, user: &UserId, now: Timestamp) -> Result<(), PortalError> {
    let take = sqlx::query("update invitation set used_at = $1 where token = $2 and account = $3 and used_at is null");
    let taken = take.bind(now.to_string()).bind(digest(token)).bind(user.as_str()).execute(db.pool()).await?;
    if taken.rows_affected() == 1 { Ok(()) } else { Err(PortalError::NotFound) }
}

/// Gives it back: what it was taken for was refused.
pub(crate) async fn give_back(db: &Database, token: &str, user: &UserId) -> Result<(), PortalError> {
    let back = sqlx::query("update invitation set used_at = null where token = $1 and account = $2");
    back.bind(digest(token)).bind(user.as_str()).execute(db.pool()).await?;
    Ok(())
}

/// How the member's last invitation stands; none if there was none.
pub(crate) async fn standing(
    db: &Database,
    state: &Application,
    member: &UserId,
    now: Timestamp,
) -> Result<Option<Standing>, PortalError> {
    let find = sqlx::query_as::<_, (String, Option<String>)>(
        "select expires_at, used_at from invitation where application = $1 and account = $2
         order by created_at desc limit 1",
    );
    let found = find.bind(state.id.as_str()).bind(member.as_str()).fetch_optional(db.pool()).await?;
    let Some((until, used)) = found else { return Ok(None) };
    let until: Timestamp = until.parse().map_err(|_| PortalError::Stored)?;
    Ok(Some(match used {
        Some(_) => Standing::Used,
        None if until <= now => Standing::Lapsed,
        None => Standing::Open,
    }))
}

async fn end_open(work: &mut Work, id: &ApplicationId, member: &UserId, now: Timestamp) -> Result<(), PortalError> {
    let end =
        sqlx::query("update invitation set used_at = $1 where application = $2 and account = $3 and used_at is null");
    end.bind(now.to_string()).bind(id.as_str()).bind(member.as_str()).execute(&mut **work).await?;
    Ok(())
}

async fn language_of(work: &mut Work, account: &UserId) -> Result<Language, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select language from contact where account = $1");
    let word = find.bind(account.as_str()).fetch_optional(&mut **work).await?;
    Ok(word.and_then(|word| Language::parse(&word)).unwrap_or_default())
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
