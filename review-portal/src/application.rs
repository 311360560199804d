//! Applications in the database: streams of events, changed only by `decide`, each change with its audit entry.

mod acts;
mod change;
mod list;
mod offers;
pub(crate) mod permits;

use policies::ApplicationId;
use policies::application::{Application, EventRecord};
use sqlx::{Any, Executor};

pub(crate) use acts::Act;
pub(crate) use change::{Change, change, content_version, create, prepare};
pub(crate) use list::{Listed, every, list};
pub(crate) use offers::offers;

use crate::error::PortalError;

/// All events of an application, in order.
pub(crate) async fn records<'c>(
    db: impl Executor<'c, Database = Any>,
    id: &ApplicationId,
) -> Result<Vec<EventRecord>, PortalError> {
    let rows =
        sqlx::query_scalar::<_, String>("select body from application_event where application = $1 order by seq");
    let rows = rows.bind(id.as_str()).fetch_all(db).await?;
    rows.iter().map(|body| serde_json::from_str(body).map_err(|_| PortalError::Stored)).collect()
}

/// The state of an application: its events, replayed. None if there is no such application.
pub(crate) async fn load<'c>(
    db: impl Executor<'c, Database = Any>,
    id: &ApplicationId,
) -> Result<Option<Application>, PortalError> {
    let records = records(db, id).await?;
    let state = || Application::replay(id.clone(), &records);
    Ok((!records.is_empty()).then(state))
}
