//! Read models made again from the events: table `application`, one row a stream, and what is found and public by it.

use policies::application::EventRecord;

use crate::application::model::Model;
use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::events;

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

/// Makes the read models again from the events, all of it or nothing. It holds the write lock meanwhile: others read, and wait to
/// write. `progress` hears how many of how many events are read.
pub async fn rebuild(db: &Database, progress: impl FnMut(u64, u64) + Send) -> Result<Rebuilt, PortalError> {
    rebuild_by(db, application, progress).await
}

/// The fold for applications: `bodies` are the events' in order, at least one.
fn application(bodies: &[String], position: i64) -> Result<Model, PortalError> {
    let read = |body: &String| serde_json::from_str::<EventRecord>(body).map_err(|_| PortalError::Stored);
    Model::of(&bodies.iter().map(read).collect::<Result<Vec<_>, _>>()?, position)
}

async fn rebuild_by(
    db: &Database,
    fold: impl Fn(&[String], i64) -> Result<Model, PortalError> + Send,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Rebuilt, PortalError> {
    let mut work = db.begin().await?;
    let streams = streams(&mut work).await?;
    let events = streams.iter().map(|(_, events)| events).sum();
    let mut rebuilt = Rebuilt { streams: streams.len() as u64, events, ..Rebuilt::default() };
    let (mut done, mut projects) = (0, Vec::new());
    for (stream, events) in &streams {
        let position = events::position(&mut work, stream).await?;
        let model = fold(&bodies(&mut work, stream).await?, position)?;
        if Model::kept(&mut work, stream).await?.as_ref() != Some(&model) {
            rebuilt.corrected += 1;
            projects.extend(model.project().map(|project| (model.id().to_owned(), project.to_owned())));
            model.without_project().write(&mut work).await?;
        }
        done += events;
        progress(done, rebuilt.events);
    }
    // Names of projects are unique: they are written when all wrong rows have given theirs up.
    for (id, project) in projects {
        let name = sqlx::query("update application set project = $1 where id = $2").bind(project).bind(id);
        name.execute(&mut *work).await?;
    }
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

#[cfg(test)]
mod tests;
