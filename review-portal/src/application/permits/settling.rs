//! The worker that asks again for permits which a restriction or a resumption waits for: the signer did not answer, or refused.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use policies::ApplicationId;
use policies::application::{Application, Event, EventRecord};
use tokio::sync::watch;

use super::super::{load, records};
use super::{pause, settle};
use crate::access;
use crate::accounts;
use crate::error::PortalError;
use crate::portal::Portal;

/// How often it is looked for them. A signer that comes back still believes the wide permit.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Wait after the signer, or the rules, said that there is no permit; doubles each time. Nothing holds meanwhile.
const WAIT_FIRST: SignedDuration = SignedDuration::from_secs(30);
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Brings the signer to what was recorded.
pub(crate) struct Settling {
    portal: Portal,
    waits: BTreeMap<ApplicationId, (SignedDuration, Timestamp)>,
}

impl Settling {
    pub(crate) fn new(portal: Portal) -> Self {
        Self { portal, waits: BTreeMap::new() }
    }

    /// Looks until the sender of `stop` is gone.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<()>) {
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Err(error) = self.look().await {
                tracing::error!(code = error.code(), "permits that are waited for cannot be looked up");
            }
        }
    }

    async fn look(&mut self) -> Result<(), PortalError> {
        let waiting = waiting(&self.portal).await?;
        self.waits.retain(|id, _| waiting.contains(id));
        for id in waiting {
            let now = self.portal.now();
            if self.waits.get(&id).is_some_and(|(_, next)| now < *next) {
                continue;
            }
            match again(&self.portal, &id).await {
                Ok(true) => drop(self.waits.remove(&id)),
                Ok(false) => {
                    let wait = self.waits.get(&id).map_or(WAIT_FIRST, |(wait, _)| (*wait * 2).min(WAIT_MAX));
                    self.waits.insert(id, (wait, now.checked_add(wait).unwrap_or(Timestamp::MAX)));
                }
                // The signer does not know yet that nothing holds: again at the next look.
                Err(error) => tracing::warn!(code = error.code(), "the permit signer was not told of the last act"),
            }
        }
        Ok(())
    }
}

/// Applications in use whose permits have all ended.
async fn waiting(portal: &Portal) -> Result<Vec<ApplicationId>, PortalError> {
    let find = sqlx::query_scalar::<_, String>(
        "select state from application where exists (select 1 from permit where permit.application = application.id)
         and not exists (select 1 from permit where permit.application = application.id and permit.ended_at is null)
         and stage not in ('closed', 'deletion-certified', 'revoked') order by id",
    );
    let mut waiting = Vec::new();
    for state in find.fetch_all(portal.db.pool()).await? {
        let state: Application = serde_json::from_str(&state).map_err(|_| PortalError::Stored)?;
        if state.usage.is_some_and(|usage| usage.is_running() && usage.awaits_permit) {
            waiting.push(state.id);
        }
    }
    Ok(waiting)
}

/// Asks in the name of who restricted or resumed, if that person may still have permits issued.
async fn again(portal: &Portal, id: &ApplicationId) -> Result<bool, PortalError> {
    let orders = |record: &&EventRecord| matches!(record.event, Event::Restricted { .. } | Event::Resumed { .. });
    let records = records(portal.db.pool(), id).await?;
    let order = records.iter().rev().find(orders).ok_or(PortalError::Stored)?;
    let application = load(portal.db.pool(), id).await?.ok_or(PortalError::Stored)?;
    let user = accounts::find(&portal.db, &order.by.user).await?;
    match user.and_then(|user| access::ordered(portal, user, application)) {
        Some(ordered) => settle(portal, &ordered, id).await,
        None => pause(portal, id).await.map(|()| false),
    }
}
