//! Acts in which the permit signer takes part: issue and replace, suspend, revoke, close.

use std::sync::Arc;

use policies::Zone;
use policies::application::{Application, Asking, Command, Event, Revocation, Revoked, Rules, day_of, decide};
use policies::audit::AuditLog;

use super::change::Acting;
use super::{Act, Change, change, load, records};
use crate::access::AllowedAct;
use crate::error::PortalError;
use crate::portal::Portal;

/// Has the signer replay the events and sign, and records the permit. Asking again changes nothing.
pub(crate) async fn issue(portal: &Portal, allowed: &impl Acting, once: Option<String>) -> Result<(), PortalError> {
    let id = allowed.application()?.id.clone();
    let state = load(portal.db.pool(), &id).await?.ok_or(PortalError::NotFound)?;
    state.check_permittable(portal.now())?;
    let records = records(portal.db.pool(), &state.id).await?;
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
        change(portal, allowed, recorded).await?;
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
    let state = &allowed.application;
    let by = allowed.user.actor();
    let asking = Asking { by: &by, at: portal.now() };
    decide(Rules::current(), state, &asking, command.clone())?;
    let Some(usage) = &state.usage else { return Ok(()) };
    // What is suspended may go on under another permit; what is ended may not.
    let permit = usage.permit.clone();
    let what = if allowed.act == Act::Suspend { Revoked::Suspension(permit) } else { Revoked::Permit(permit) };
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

/// What was narrowed, or goes on again, gets its new permit at once; so does a member who became ready after it was issued.
pub(crate) async fn after(portal: &Portal, allowed: &AllowedAct) -> Result<(), PortalError> {
    if matches!(allowed.act, Act::Restrict | Act::Resume) {
        issue(portal, allowed, None).await
    } else if matches!(allowed.act, Act::Join | Act::Pledge) {
        renew(portal, allowed).await
    } else {
        Ok(())
    }
}

/// The pledge or training is recorded and stays so, whatever the signer says: the secretariat has the button for another try.
pub(crate) async fn renew(portal: &Portal, allowed: &impl Acting) -> Result<(), PortalError> {
    let id = allowed.application()?.id.clone();
    let state = load(portal.db.pool(), &id).await?.ok_or(PortalError::NotFound)?;
    if !state.may_renew_permit(&allowed.user().id, day_of(portal.now())) {
        return Ok(());
    }
    if let Err(error) = issue(portal, allowed, None).await {
        tracing::warn!(code = error.code(), "the permit that names one more member could not be issued");
    }
    Ok(())
}

/// Whether the signer would be asked now.
pub(crate) fn is_wanted(portal: &Portal, state: &Application) -> bool {
    state.is_permit_wanted(portal.now())
}

async fn blocking<T: Send + 'static>(
    audit: Arc<AuditLog>,
    work: impl FnOnce(&AuditLog) -> Result<T, policies::audit::AuditError> + Send + 'static,
) -> Result<T, PortalError> {
    tokio::task::spawn_blocking(move || work(&audit)).await.map_err(PortalError::task)?.map_err(PortalError::Audit)
}
