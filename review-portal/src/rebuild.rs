//! Read models made again from the events: table `application`, one row a stream.

use policies::ApplicationId;
use policies::application::{Application, EventRecord, day_of};

use crate::database::{Database, Work};
use crate::error::PortalError;

/// What a rebuild came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Streams of applications.
    pub streams: u64,
    /// Events in them.
    pub events: u64,
    /// Rows that were missing, or other than their events say.
    pub corrected: u64,
    /// Rows that no event speaks of; they are left as they are.
    pub without_events: u64,
}

/// Makes table `application` again from the events, all of it or nothing. It holds the write lock meanwhile: others read, and wait to
/// write. `progress` hears how many of how many events are read.
pub async fn rebuild(db: &Database, progress: impl FnMut(u64, u64) + Send) -> Result<Rebuilt, PortalError> {
    rebuild_by(db, application, progress).await
}

/// A row of table `application`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    id: String,
    applicant: String,
    project: Option<String>,
    stage: String,
    state: String,
    created_at: String,
    updated_at: String,
}

/// The fold for applications: `bodies` are the events' in order, at least one.
fn application(stream: &str, bodies: &[String]) -> Result<Row, PortalError> {
    let stored = || PortalError::Stored;
    let read = |body: &String| serde_json::from_str::<EventRecord>(body).map_err(|_| stored());
    let records = bodies.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let (first, last) = (records.first().ok_or_else(stored)?, records.last().ok_or_else(stored)?);
    let id: ApplicationId = stream.parse().map_err(|_| stored())?;
    let state = Application::replay(id, &records);
    Ok(Row {
        id: stream.to_owned(),
        applicant: first.by.user.to_string(),
        project: state.content().and_then(|content| content.project.as_ref()).map(ToString::to_string),
        stage: state.stage(last.act().rules, day_of(last.at)).as_str().to_owned(),
        state: serde_json::to_string(&state).map_err(|_| stored())?,
        created_at: first.at.to_string(),
        updated_at: last.at.to_string(),
    })
}

async fn rebuild_by(
    db: &Database,
    fold: impl Fn(&str, &[String]) -> Result<Row, PortalError> + Send,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Rebuilt, PortalError> {
    let mut work = db.begin().await?;
    let streams = streams(&mut work).await?;
    let events = streams.iter().map(|(_, events)| events).sum();
    let mut rebuilt = Rebuilt { streams: streams.len() as u64, events, ..Rebuilt::default() };
    let (mut done, mut wrong) = (0, Vec::new());
    for (stream, events) in &streams {
        let row = fold(stream, &bodies(&mut work, stream).await?)?;
        if stored(&mut work, stream).await?.as_ref() != Some(&row) {
            wrong.push(row);
        }
        done += events;
        progress(done, rebuilt.events);
    }
    rebuilt.corrected = wrong.len() as u64;
    correct(&mut work, &wrong).await?;
    let rows = sqlx::query_scalar::<_, i64>("select count(*) from application").fetch_one(&mut *work).await?;
    rebuilt.without_events = u64::try_from(rows).unwrap_or(0).saturating_sub(rebuilt.streams);
    work.commit().await?;
    Ok(rebuilt)
}

/// Streams of applications with the number of their events.
async fn streams(work: &mut Work) -> Result<Vec<(String, u64)>, PortalError> {
    let streams = sqlx::query_as::<_, (String, i64)>(
        "select stream, count(*) from event where stream like 'A-%' group by stream order by stream",
    );
    let count = |(stream, events): (String, i64)| (stream, u64::try_from(events).unwrap_or(0));
    Ok(streams.fetch_all(&mut **work).await?.into_iter().map(count).collect())
}

async fn bodies(work: &mut Work, stream: &str) -> Result<Vec<String>, PortalError> {
    let bodies = sqlx::query_scalar::<_, String>("select body from event where stream = $1 order by version");
    Ok(bodies.bind(stream).fetch_all(&mut **work).await?)
}

async fn stored(work: &mut Work, id: &str) -> Result<Option<Row>, PortalError> {
    let find = sqlx::query_as::<_, (String, Option<String>, String, String, String, String)>(
        "select applicant, project, stage, state, created_at, updated_at from application where id = $1",
    );
    let found = find.bind(id).fetch_optional(&mut **work).await?;
    let row = |(applicant, project, stage, state, created_at, updated_at)| {
        let id = id.to_owned();
        Row { id, applicant, project, stage, state, created_at, updated_at }
    };
    Ok(found.map(row))
}

/// Writes rows over those that are there. Names of projects are unique, so wrong rows give theirs up first.
async fn correct(work: &mut Work, rows: &[Row]) -> Result<(), PortalError> {
    for row in rows {
        let free = sqlx::query("update application set project = null where id = $1");
        free.bind(&row.id).execute(&mut **work).await?;
    }
    for row in rows {
        let write = sqlx::query(
            "insert into application (id, applicant, project, stage, state, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (id) do update set applicant = excluded.applicant, project = excluded.project, stage = excluded.stage,
               state = excluded.state, created_at = excluded.created_at, updated_at = excluded.updated_at",
        );
        let write = write.bind(&row.id).bind(&row.applicant).bind(&row.project).bind(&row.stage).bind(&row.state);
        write.bind(&row.created_at).bind(&row.updated_at).execute(&mut **work).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
