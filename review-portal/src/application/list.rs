//! The applications that a person may read.

use jiff::Timestamp;
use policies::access::Action;
use policies::application::Application;

use crate::access::{Allowed, List, relation};
use crate::error::PortalError;
use crate::portal::Portal;

/// One line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) state: Application,
    /// Of the last change.
    pub(crate) updated_at: Timestamp,
}

/// All applications that casbin lets this person read, the latest change first.
pub(crate) async fn list(portal: &Portal, allowed: &Allowed<List>) -> Result<Vec<Listed>, PortalError> {
    let may_read = |listed: &Listed| {
        let relation = relation(&listed.state, &allowed.user);
        portal.may(Some(&allowed.user.roles), relation, Action::ApplicationRead)
    };
    Ok(every(portal).await?.into_iter().filter(may_read).collect())
}

/// All applications, the latest change first. Who calls this answers for what it shows to whom.
pub(crate) async fn every(portal: &Portal) -> Result<Vec<Listed>, PortalError> {
    let rows =
        sqlx::query_as::<_, (String, String)>("select state, updated_at from application order by updated_at desc, id");
    let mut listed = Vec::new();
    for (state, updated_at) in rows.fetch_all(portal.db.pool()).await? {
        let state: Application = serde_json::from_str(&state).map_err(|_| PortalError::Stored)?;
        listed.push(Listed { state, updated_at: updated_at.parse().map_err(|_| PortalError::Stored)? });
    }
    Ok(listed)
}
