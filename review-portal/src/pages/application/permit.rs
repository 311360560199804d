//! Acts in which the permit signer takes part: issue, revoke, close.

use axum::extract::State;
use axum::response::Redirect;
use policies::Zone;
use policies::application::{Command, Revocation, Revoked, decide};
use policies::audit::AuditLog;
use std::sync::Arc;

use crate::access::{Acts, Allowed, Close, IssuePermit, RevokePermit};
use crate::application::{Change, change, records};
use crate::error::PortalError;
use crate::form::Posted;
use crate::portal::Portal;

/// `POST …/permit`: the signer replays the events and signs, or says why not. Asking again gives the same permit.
pub(crate) async fn permit(
    allowed: Allowed<IssuePermit>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Redirect, PortalError> {
    let state = allowed.application()?;
    let goal = Redirect::to(&format!("/applications/{}", state.id));
    if state.is_permitted() {
        return Ok(goal);
    }
    state.check_permittable()?;
    let records = records(portal.db.pool(), &state.id).await?;
    let audit = Arc::clone(&portal.audit);
    let head = blocking(audit, AuditLog::head).await?;
    let answer = portal.signer.permit(records, head).await?;
    let (key, signer_head) = (answer.audit_key.clone(), answer.audit_head.clone());
    let recorded =
        Change { command: Command::RecordPermit(answer.permit.id.clone()), once: posted.once(), permit: Some(answer) };
    change(&portal, &allowed, recorded).await?;
    let now = portal.now();
    let audit = Arc::clone(&portal.audit);
    blocking(audit, move |audit| audit.witness(now, Zone::Permit, &key, &signer_head)).await?;
    Ok(goal)
}

/// `POST …/revoke`: field `reason`. The signer first: what is ended must be ended even if recording it fails.
pub(crate) async fn revoke(
    allowed: Allowed<RevokePermit>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Redirect, PortalError> {
    let reason = posted.one("reason").trim().to_owned();
    end(&portal, &allowed, &posted, (Command::Revoke(reason.clone()), reason)).await
}

/// `POST …/close`: field `report`.
pub(crate) async fn close(
    allowed: Allowed<Close>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Redirect, PortalError> {
    let report = posted.one("report").trim().to_owned();
    end(&portal, &allowed, &posted, (Command::Close(report), "closed".to_owned())).await
}

async fn end<A: Acts>(
    portal: &Portal,
    allowed: &Allowed<A>,
    posted: &Posted,
    (command, reason): (Command, String),
) -> Result<Redirect, PortalError> {
    let state = allowed.application()?;
    let goal = Redirect::to(&format!("/applications/{}", state.id));
    let asked = Change::new(command.clone(), posted.once());
    if decide(state, &allowed.user.actor(), command).is_ok()
        && let Some(permit) = &state.permit
    {
        let by = allowed.user.id.clone();
        portal.signer.revoke(&Revocation { what: Revoked::Permit(permit.clone()), reason, by }).await?;
    }
    change(portal, allowed, asked).await?;
    Ok(goal)
}

async fn blocking<T: Send + 'static>(
    audit: Arc<AuditLog>,
    work: impl FnOnce(&AuditLog) -> Result<T, policies::audit::AuditError> + Send + 'static,
) -> Result<T, PortalError> {
    tokio::task::spawn_blocking(move || work(&audit)).await.map_err(PortalError::task)?.map_err(PortalError::Audit)
}
