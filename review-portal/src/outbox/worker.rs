//! The worker that sends what waits: each row claimed before it is sent, tried again later and later, given up at last.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lettre::Address;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::smtp::{Letter, Smtp, Unsent};
use super::{Kind, Webhook};
use crate::contact;
use crate::database::Database;
use crate::error::PortalError;

/// How often the table is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Rows of one look.
const ROWS_MAX: i64 = 50;
/// Wait after the first failure; doubles with each further one.
const WAIT_FIRST: SignedDuration = SignedDuration::from_secs(30);
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(6);
/// With these waits about a day and a half.
const TRIES_MAX: i64 = 16;
/// A notice older than this helps nobody: what waited while no mail server was configured is not sent when there is one.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(72);

/// Sends what waits in the outbox.
pub(crate) struct Worker {
    pub(crate) db: Database,
    /// Without one, mails wait on their readers' page.
    pub(crate) smtp: Option<Smtp>,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) clock: fn() -> Timestamp,
}

struct Row {
    id: i64,
    dedup: String,
    kind: String,
    recipient: String,
    subject: String,
    body: String,
    created_at: Timestamp,
    tries: i64,
}

/// What becomes of a row after a try.
enum After {
    Again,
    GivenUp(&'static str),
    Sent,
}

impl Worker {
    /// Works until the sender of `stop` is gone; a mail that is being sent is finished first.
    pub(crate) async fn run(self, mut stop: watch::Receiver<()>) {
        loop {
            if let Err(error) = self.round(&stop).await {
                tracing::error!(code = error.code(), "the outbox cannot be read or written");
            }
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tries what is due once. Answers how many were sent.
    pub(crate) async fn round(&self, stop: &watch::Receiver<()>) -> Result<usize, PortalError> {
        let mut sent = 0;
        for row in self.due().await? {
            if stop.has_changed().is_err() {
                break;
            }
            let now = (self.clock)();
            if !self.claim(&row, now).await? {
                continue;
            }
            let after = self.attempt(&row, now).await?;
            sent += usize::from(matches!(after, After::Sent));
            self.mark(&row, &after).await?;
        }
        Ok(sent)
    }

    async fn due(&self) -> Result<Vec<Row>, PortalError> {
        let rows = sqlx::query_as::<_, (i64, String, String, String, String, String, String, i64)>(
            "select id, dedup, kind, recipient, subject, body, created_at, tries from outbox
             where sent_at is null and failed_at is null and next_try_at <= $1 and kind in ($2, $3)
             order by id limit $4",
        );
        let way = |kind: Kind, there: bool| if there { kind.as_str() } else { "" };
        let rows = rows.bind((self.clock)().as_second()).bind(way(Kind::Mail, self.smtp.is_some()));
        let rows = rows.bind(way(Kind::Webhook, self.webhook.is_some())).bind(ROWS_MAX);
        let rows = rows.fetch_all(self.db.pool()).await?;
        let read = |(id, dedup, kind, recipient, subject, body, created_at, tries): (_, _, _, _, _, _, String, _)| {
            let created_at = created_at.parse().map_err(|_| PortalError::Stored)?;
            Ok(Row { id, dedup, kind, recipient, subject, body, created_at, tries })
        };
        rows.into_iter().map(read).collect()
    }

    /// Takes a row for this try and says when the next one would be, so that another process leaves it alone until then, and a killed
    /// one has lost nothing. False: somebody else has it.
    async fn claim(&self, row: &Row, now: Timestamp) -> Result<bool, PortalError> {
        let claim = sqlx::query(
            "update outbox set tries = tries + 1, next_try_at = $1
             where id = $2 and tries = $3 and sent_at is null and failed_at is null",
        );
        let next = now.as_second().saturating_add(wait_after(row.tries + 1).as_secs());
        let claimed = claim.bind(next).bind(row.id).bind(row.tries).execute(self.db.pool()).await?;
        Ok(claimed.rows_affected() == 1)
    }

    async fn attempt(&self, row: &Row, now: Timestamp) -> Result<After, PortalError> {
        if now.duration_since(row.created_at) > AGE_MAX {
            return Ok(After::GivenUp("stale"));
        }
        let sent = match (&self.webhook, &self.smtp) {
            (Some(webhook), _) if row.kind == Kind::Webhook.as_str() => webhook.send(&id(row), &row.body).await,
            (_, Some(smtp)) => match contact::mail_of(self.db.pool(), &row.recipient).await? {
                Some(to) => smtp.send(letter(row, to)).await,
                None => return Ok(After::GivenUp("no-address")),
            },
            (_, None) => Err(Unsent::Later),
        };
        Ok(match sent {
            Ok(()) => After::Sent,
            Err(Unsent::Never) => After::GivenUp("refused"),
            Err(Unsent::Later) if row.tries + 1 >= TRIES_MAX => After::GivenUp("unreachable"),
            Err(Unsent::Later) => After::Again,
        })
    }

    async fn mark(&self, row: &Row, after: &After) -> Result<(), PortalError> {
        let now = (self.clock)().to_string();
        let mark = match after {
            After::Again => sqlx::query("update outbox set failure = $1 where id = $2").bind("unreachable"),
            After::GivenUp(why) => {
                tracing::warn!(
                    mail.id = row.id,
                    mail.failure = *why,
                    mail.tries = row.tries + 1,
                    "a notice was given up"
                );
                sqlx::query("update outbox set failed_at = $1, failure = $3 where id = $2").bind(now)
            }
            After::Sent => sqlx::query("update outbox set sent_at = $1, failure = null where id = $2").bind(now),
        };
        let mark = mark.bind(row.id);
        let mark = if let After::GivenUp(why) = after { mark.bind(*why) } else { mark };
        mark.execute(self.db.pool()).await?;
        Ok(())
    }
}

fn letter(row: &Row, to: Address) -> Letter {
    Letter { id: id(row), to, subject: row.subject.clone(), body: row.body.clone(), at: row.created_at }
}

/// The same for every try of a row.
fn id(row: &Row) -> String {
    hex::encode(Sha256::digest(row.dedup.as_bytes())).chars().take(32).collect()
}

pub(super) fn wait_after(tries: i64) -> SignedDuration {
    let doublings = u32::try_from(tries.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    WAIT_FIRST.checked_mul(2_i32.saturating_pow(doublings)).unwrap_or(WAIT_MAX).min(WAIT_MAX)
}
