//! Acts in which the permit signer takes part: issue and replace, restrict, suspend, resume, revoke, close.

mod settling;

use std::sync::Arc;

use policies::application::{
    Application, Asking, Command, Event, EventRecord, Pause, Revocation, Revoked, Rules, day_of, decide,
};
use policies::audit::AuditLog;
use policies::{ApplicationId, Zone};

use super::change::Acting;
use super::{Act, Change, change, load, records};
use crate::access::AllowedAct;
use crate::error::PortalError;
use crate::portal::Portal;

pub(crate) use settling::Settling;

/// How often it is asked anew when other events come between the signature and its record.
const TRIES: u32 = 3;

/// Has the signer replay the events and sign, and records the permit. Asking again changes nothing.
pub(crate) async fn issue(portal: &Portal, acting: &impl Acting, once: Option<String>) -> Result<(), PortalError> {
    for _ in 1..TRIES {
        match Box::pin(sign_and_record(portal, acting, once.clone())).await {
            // The permit says what an earlier history says. The longer one leads to another in its place.
            Err(PortalError::ChangedMeanwhile) => {}
            done => return done,
        }
    }
    Box::pin(sign_and_record(portal, acting, once)).await
}

async fn sign_and_record(portal: &Portal, acting: &impl Acting, once: Option<String>) -> Result<(), PortalError> {
    let records = records(portal.db.pool(), &acting.application()?.id).await?;
    let state = Application::replay(acting.application()?.id.clone(), &records);
    state.check_permittable(portal.now())?;
    // A second click: nothing has happened since, so there is nothing that another permit could say.
    if records.last().is_some_and(|last| matches!(last.event, Event::PermitIssued { .. })) {
        return Ok(());
    }
    let head = blocking(Arc::clone(&portal.audit), AuditLog::head).await?;
    let answer = portal.signer.permit(records, head).await?;
    let (key, signer_head) = (answer.audit_key.clone(), answer.audit_head.clone());
    let permit = answer.permit.id.clone();
    let held = state.usage.as_ref().is_some_and(|usage| usage.permit == permit);
    if !held {
        let recorded = Change { permit: Some(answer), ..Change::new(Command::RecordPermit { permit }, once) };
        change(portal, acting, recorded).await?;
    }
    let now = portal.now();
    let audit = Arc::clone(&portal.audit);
    blocking(audit, move |audit| audit.witness(now, Zone::Permit, &key, &signer_head)).await.map(drop)
}

/// What must be stopped is stopped at the signer first: it must be stopped even if recording it fails.
pub(crate) async fn before(portal: &Portal, allowed: &AllowedAct, command: &Command) -> Result<(), PortalError> {
    if !matches!(allowed.act, Act::Close | Act::Revoke | Act::Suspend) {
        return Ok(());
    }
    let id = &allowed.application.id;
    let records = records(portal.db.pool(), id).await?;
    let state = Application::replay(id.clone(), &records);
    let by = allowed.user.actor();
    let asking = Asking { by: &by, at: portal.now() };
    decide(Rules::current(), &state, &asking, command.clone())?;
    // The application, not a permit: one may have been signed that is not recorded here yet. What is suspended may go on under
    // another permit; what is ended may not.
    let what = if allowed.act == Act::Suspend {
        let head = records.last().map(|last| last.hash.clone()).ok_or(PortalError::Stored)?;
        Revoked::Suspension(Pause { application: id.clone(), head })
    } else {
        Revoked::Application(id.clone())
    };
    let revocation = Revocation { what, reason: reason(command), by: allowed.user.id.clone() };
    portal.signer.revoke(&revocation).await
}

fn reason(command: &Command) -> String {
    if let Command::Revoke { reason } | Command::Suspend { reason } = command {
        reason.clone()
    } else {
        "closed".to_owned()
    }
}

/// What was narrowed, or goes on again, gets its new permit at once, and so does a member who became ready after it was issued.
/// Where what was narrowed does not, nothing holds until it does: the page says so, and [`Settling`] tries again.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest does not concern the signer")]
pub(crate) async fn after(portal: &Portal, allowed: &AllowedAct) {
    let id = &allowed.application.id;
    let settled = match allowed.act {
        Act::Restrict | Act::Resume => settle(portal, allowed, id).await.map(drop),
        // A resumption that came between the first word to the signer and the record is an earlier suspension's.
        Act::Suspend => pause(portal, id).await,
        Act::Join | Act::Pledge => renew(portal, allowed).await,
        _ => Ok(()),
    };
    if let Err(error) = settled {
        tracing::error!(code = error.code(), "the permit signer was not told of the last act; it is told again");
    }
}

/// The pledge or training is recorded and stays so, whatever the signer says: the secretariat has the button for another try.
pub(crate) async fn renew(portal: &Portal, acting: &impl Acting) -> Result<(), PortalError> {
    let id = acting.application()?.id.clone();
    let state = load(portal.db.pool(), &id).await?.ok_or(PortalError::NotFound)?;
    if !state.may_renew_permit(&acting.user().id, day_of(portal.now())) {
        return Ok(());
    }
    if let Err(error) = issue(portal, acting, None).await {
        tracing::warn!(code = error.code(), "the permit that names one more member could not be issued");
    }
    Ok(())
}

/// Has the permit follow the last restriction or resumption. False: it cannot, and the signer knows that none holds.
async fn settle(portal: &Portal, acting: &impl Acting, id: &ApplicationId) -> Result<bool, PortalError> {
    let Err(cause) = issue(portal, acting, None).await else { return Ok(true) };
    tracing::warn!(code = cause.code(), "no permit follows the last act; none holds until one does");
    pause(portal, id).await.map(|()| false)
}

/// Tells the signer of the restriction or suspension since the last permit, whichever came last.
async fn pause(portal: &Portal, id: &ApplicationId) -> Result<(), PortalError> {
    let records = records(portal.db.pool(), id).await?;
    let is_later = |record: &&EventRecord| !matches!(record.event, Event::PermitIssued { .. });
    for record in records.iter().rev().take_while(is_later) {
        let place = || Pause { application: id.clone(), head: record.hash.clone() };
        let (what, reason) = if let Event::Restricted { reason, .. } = &record.event {
            (Revoked::Restriction(place()), reason)
        } else if let Event::Suspended { reason } = &record.event {
            (Revoked::Suspension(place()), reason)
        } else {
            continue;
        };
        let revocation = Revocation { what, reason: reason.clone(), by: record.by.user.clone() };
        return portal.signer.revoke(&revocation).await;
    }
    Ok(())
}

/// Whether the signer would be asked now.
pub(crate) fn is_wanted(portal: &Portal, state: &Application) -> bool {
    let awaits = state.usage.as_ref().is_some_and(|usage| usage.awaits_permit);
    (awaits && state.check_permittable(portal.now()).is_ok()) || state.is_permit_wanted(portal.now())
}

async fn blocking<T: Send + 'static>(
    audit: Arc<AuditLog>,
    work: impl FnOnce(&AuditLog) -> Result<T, policies::audit::AuditError> + Send + 'static,
) -> Result<T, PortalError> {
    tokio::task::spawn_blocking(move || work(&audit)).await.map_err(PortalError::task)?.map_err(PortalError::Audit)
}
