//! What is to be sent: rows that are written in the transaction of the event they tell of, and a worker that sends them later.
//!
//! Each row is sent at least once and, but for one moment, at most once: a process that dies after the mail server took the mail and
//! before the row says so sends it again. SMTP has no answer to that; the second mail carries the same Message-ID, by which mail
//! systems may know it.

mod smtp;
mod webhook;
mod worker;

use jiff::Timestamp;

pub(crate) use smtp::Smtp;
pub use smtp::{MailError, SmtpConfig, SmtpTls};
pub(crate) use webhook::Webhook;
pub use webhook::{NOTICE, WebhookConfig, WebhookError};
pub(crate) use worker::Worker;

use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::language::Language;

/// What is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Post<'a> {
    /// Event and recipient: the same notice twice is one.
    pub(crate) dedup: String,
    pub(crate) kind: Kind,
    /// An account, or `webhook`.
    pub(crate) recipient: &'a str,
    pub(crate) language: Language,
    pub(crate) subject: String,
    /// Plain text; for a webhook the claims, in JSON.
    pub(crate) body: String,
}

/// By which way something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mail,
    Webhook,
}

impl Kind {
    /// Its word in the table.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

/// Writes what is to be sent, unless it was written before.
pub(crate) async fn post(work: &mut Work, post: Post<'_>, now: Timestamp) -> Result<(), PortalError> {
    let insert = sqlx::query(
        "insert into outbox (id, dedup, kind, recipient, language, subject, body, created_at, next_try_at, tries)
         values ((select coalesce(max(id), 0) + 1 from outbox), $1, $2, $3, $4, $5, $6, $7, $8, 0)
         on conflict (dedup) do nothing",
    );
    let insert = insert.bind(post.dedup).bind(post.kind.as_str()).bind(post.recipient).bind(post.language.as_str());
    let insert = insert.bind(post.subject).bind(post.body).bind(now.to_string()).bind(now.as_second());
    insert.execute(&mut **work).await?;
    Ok(())
}

/// A mail as its recipient sees it on the page.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// `ja` or `en`.
    pub(crate) language: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) created_at: Timestamp,
    pub(crate) fate: Fate,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Given up.
    Failed,
    /// Taken by the mail server.
    Sent,
    /// Not sent yet.
    Waiting,
}

impl Fate {
    /// Its word in `messages/`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Sent => "sent",
            Self::Waiting => "waiting",
        }
    }
}

type MailRow = (String, String, String, String, Option<String>, Option<String>);

const SHOWN_MAX: i64 = 100;

/// The latest mails to an account, the last first.
pub(crate) async fn to(db: &Database, account: &str) -> Result<Vec<Mail>, PortalError> {
    let rows = sqlx::query_as::<_, MailRow>(
        "select language, subject, body, created_at, sent_at, failed_at from outbox where recipient = $1 and kind = 'mail'
         order by id desc limit $2",
    );
    let rows = rows.bind(account).bind(SHOWN_MAX).fetch_all(db.pool()).await?;
    let read = |(language, subject, body, created_at, sent, failed): MailRow| {
        let fate = match (sent, failed) {
            (Some(_), _) => Fate::Sent,
            (None, Some(_)) => Fate::Failed,
            (None, None) => Fate::Waiting,
        };
        let created_at = created_at.parse().map_err(|_| PortalError::Stored)?;
        Ok(Mail { language, subject, body, created_at, fate })
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests;
