//! The applications that a person may read.

use jiff::Timestamp;
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
    /// Of the last change.
    pub(crate) updated_at: Timestamp,
}

impl Listed {
    /// The title that is asked or was granted.
    pub(crate) fn title(&self) -> &str {
        self.state.content().map_or("", |content| content.title.as_str())
    }
}

/// All applications that casbin lets this person read, or declare interests in, the latest change first.
pub(crate) async fn list(portal: &Portal, allowed: &Allowed<List>) -> Result<Vec<Listed>, PortalError> {
    let today = day_of(portal.now());
    let may_see = |listed: &Listed| {
        let relation = relation(&listed.state, &allowed.user, today);
        let may = |what| portal.may(Some(&allowed.user.roles), relation, what);
        may(Action::ApplicationRead) || may(Action::ApplicationJudgeInterest)
    };
    Ok(every(portal).await?.into_iter().filter(may_see).collect())
}

/// All applications, the latest change first. Who calls this answers for what it shows to whom.
pub(crate) async fn every(portal: &Portal) -> Result<Vec<Listed>, PortalError> {
    let rows =
        sqlx::query_as::<_, (String, String)>("select state, updated_at from application order by updated_at desc, id");
    let today = day_of(portal.now());
    let mut listed = Vec::new();
    for (state, updated_at) in rows.fetch_all(portal.db.pool()).await? {
        let state: Application = serde_json::from_str(&state).map_err(|_| PortalError::Stored)?;
        let stage = state.stage(Rules::current(), today);
        listed.push(Listed { state, stage, updated_at: updated_at.parse().map_err(|_| PortalError::Stored)? });
    }
    Ok(listed)
}
