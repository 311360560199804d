//! Applications in the database: streams of events, changed only by `decide`, each change with its audit entry.

mod acts;
pub(crate) mod attachments;
pub(crate) mod change;
pub(crate) mod invitations;
pub(crate) mod kept;
mod list;
pub(crate) mod model;
mod offers;
mod open;
pub(crate) mod permits;

use policies::ApplicationId;
use policies::application::{Application, EventRecord};
use sqlx::{Any, Executor};

pub(crate) use acts::Act;
pub(crate) use change::{Change, change, content_head, create, prepare};
pub(crate) use list::{Listing, Part, list, title};
pub(crate) use offers::{is_offered, offers};
pub(crate) use open::{Kept, open, open_to, sittings_of};

use crate::error::PortalError;
use crate::events;

/// All events of an application, in order.
pub(crate) async fn records<'c>(
    db: impl Executor<'c, Database = Any>,
    id: &ApplicationId,
) -> Result<Vec<EventRecord>, PortalError> {
    let stored = events::read(db, id.as_str()).await?;
    stored.iter().map(|event| serde_json::from_str(&event.body).map_err(|_| PortalError::Stored)).collect()
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
