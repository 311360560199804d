//! The applications that a person may read.

use policies::access::Action;
use policies::application::Application;

use crate::access::{Allowed, List, relation};
use crate::error::PortalError;
use crate::portal::Portal;

/// One line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) state: Application,
    /// Day of the last change, as text.
    pub(crate) updated_on: String,
}

/// All applications that casbin lets this person read, the latest change first.
pub(crate) async fn list(portal: &Portal, allowed: &Allowed<List>) -> Result<Vec<Listed>, PortalError> {
    let rows =
        sqlx::query_as::<_, (String, String)>("select state, updated_at from application order by updated_at desc, id");
    let mut listed = Vec::new();
    for (state, updated_at) in rows.fetch_all(portal.db.pool()).await? {
        let state: Application = serde_json::from_str(&state).map_err(|_| PortalError::Stored)?;
        let relation = relation(&state, &allowed.user);
        if portal.may(Some(&allowed.user.roles), relation, Action::ApplicationRead) {
            listed.push(Listed { state, updated_on: updated_at.chars().take(10).collect() });
        }
    }
    Ok(listed)
}
