//! What happened, in streams of events that are only ever added to.

use jiff::Timestamp;
use sqlx::{Any, Executor};

use crate::database::Work;
use crate::error::PortalError;

/// An event to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewEvent {
    /// Its word, e.g. `submitted`.
    pub(crate) kind: String,
    /// JSON.
    pub(crate) body: String,
    pub(crate) at: Timestamp,
    /// An account, or `system`.
    pub(crate) actor: String,
    /// Version of the rules that let it happen.
    pub(crate) policy: String,
    /// The form's key: the same key twice of the same actor is one change.
    pub(crate) once: Option<String>,
}

/// An event as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    pub(crate) stream: String,
    /// Place in its stream, from 1 on.
    pub(crate) version: u64,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) policy: String,
}

/// Adds events to `stream`, whose last event the caller believes to be number `expected` (0: there is none yet). Answers the number of
/// the last one now. If the stream has gone on in the meantime, nothing is added: [`PortalError::ChangedMeanwhile`].
pub(crate) async fn append(
    work: &mut Work,
    stream: &str,
    expected: u64,
    events: &[NewEvent],
) -> Result<u64, PortalError> {
    let last = sqlx::query_as::<_, (i64, i64)>(
        "select coalesce((select max(version) from event where stream = $1), 0),
                coalesce((select max(position) from event), 0)",
    );
    let (mut version, mut position) = last.bind(stream).fetch_one(&mut **work).await?;
    if whole(version)? != expected {
        return Err(PortalError::ChangedMeanwhile);
    }
    for event in events {
        (version, position) = (version + 1, position + 1);
        let insert = sqlx::query(
            "insert into event (stream, version, position, kind, body, at, actor, policy, once)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        );
        let insert = insert.bind(stream).bind(version).bind(position).bind(&event.kind).bind(&event.body);
        let insert = insert.bind(event.at.to_string()).bind(&event.actor).bind(&event.policy).bind(&event.once);
        insert.execute(&mut **work).await?;
    }
    whole(version)
}

/// The place among all events of a stream's last one.
pub(crate) async fn position(work: &mut Work, stream: &str) -> Result<i64, PortalError> {
    let last =
        sqlx::query_scalar::<_, i64>("select position from event where stream = $1 order by version desc limit 1");
    Ok(last.bind(stream).fetch_one(&mut **work).await?)
}

/// All events of a stream, in order.
pub(crate) async fn read<'c>(
    db: impl Executor<'c, Database = Any>,
    stream: &str,
) -> Result<Vec<StoredEvent>, PortalError> {
    let rows = sqlx::query_as::<_, Row>(
        "select stream, version, kind, body, at, actor, policy from event where stream = $1 order by version",
    );
    rows.bind(stream).fetch_all(db).await?.into_iter().map(stored).collect()
}

/// The stream that `actor` has changed under this form's key before.
pub(crate) async fn done_before(work: &mut Work, actor: &str, once: &str) -> Result<Option<String>, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select stream from event where actor = $1 and once = $2");
    Ok(find.bind(actor).bind(once).fetch_optional(&mut **work).await?)
}

type Row = (String, i64, String, String, String, String, String);

fn stored((stream, version, kind, body, at, actor, policy): Row) -> Result<StoredEvent, PortalError> {
    let version = whole(version)?;
    let at = at.parse().map_err(|_| PortalError::Stored)?;
    Ok(StoredEvent { stream, version, kind, body, at, actor, policy })
}

fn whole(number: i64) -> Result<u64, PortalError> {
    u64::try_from(number).map_err(|_| PortalError::Stored)
}

#[cfg(test)]
mod tests;
