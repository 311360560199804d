//! The applications that a person may read.

use policies::access::Action;
use policies::application::{Application, Rules, Stage, day_of};

use crate::access::{Allowed, List, relation};
use crate::error::PortalError;
use crate::portal::Portal;

/// One line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) state: Application,
    pub(crate) stage: Stage,
    /// Whether the person may open the file; else only what is needed to declare interests.
    pub(crate) is_open: bool,
    /// Day of the last change, as text.
    pub(crate) updated_on: String,
}

impl Listed {
    /// The title that is asked or was granted.
    pub(crate) fn title(&self) -> &str {
        self.state.content().map_or("", |content| content.title.as_str())
    }
}

/// All applications that casbin lets this person read, the latest change first.
pub(crate) async fn list(portal: &Portal, allowed: &Allowed<List>) -> Result<Vec<Listed>, PortalError> {
    let rows =
        sqlx::query_as::<_, (String, String)>("select state, updated_at from application order by updated_at desc, id");
    let mut listed = Vec::new();
    let today = day_of(portal.now());
    for (state, updated_at) in rows.fetch_all(portal.db.pool()).await? {
        let state: Application = serde_json::from_str(&state).map_err(|_| PortalError::Stored)?;
        let relation = relation(&state, &allowed.user, today);
        let may = |what| portal.may(Some(&allowed.user.roles), relation, what);
        let is_open = may(Action::ApplicationRead);
        if is_open || may(Action::ApplicationJudgeInterest) {
            let stage = state.stage(Rules::current(), today);
            listed.push(Listed { stage, is_open, state, updated_on: updated_at.chars().take(10).collect() });
        }
    }
    Ok(listed)
}
