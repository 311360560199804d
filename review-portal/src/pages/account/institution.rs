//! Linking the own account to an institution, and ending that.

use axum::extract::State;
use axum::response::{Redirect, Response};

use crate::accounts;
use crate::alerts;
use crate::error::PortalError;
use crate::form::Posted;
use crate::oidc::{Purpose, links};
use crate::pages::sign_in;
use crate::portal::Portal;
use crate::visit::Visit;

/// `POST /account/institution`: field `institution`. Goes on at the institution.
pub(crate) async fn link(visit: Visit, State(portal): State<Portal>, posted: Posted) -> Result<Response, PortalError> {
    let (signed, _) = visit.signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let purpose = Purpose::Link { user: signed.user.clone(), session: signed.session.clone() };
    sign_in::send(&portal, &visit, posted.one("institution"), purpose).await
}

/// `POST /account/institution/remove`: field `issuer`. The password stays.
pub(crate) async fn unlink(
    visit: Visit,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Redirect, PortalError> {
    let user = visit.user().cloned().ok_or(PortalError::NotSignedIn { next: None })?;
    let issuer = posted.one("issuer");
    let now = portal.now();
    let mut work = portal.db.begin().await?;
    if !links::remove(&mut work, &user.id, issuer).await? {
        return Err(PortalError::NotFound);
    }
    let institution = portal.institutions.of_issuer(issuer).map_or(issuer, |provider| provider.id.as_str());
    alerts::institution_changed(&portal, &mut work, &user.id, ("account:institution-unlinked", institution)).await?;
    // Who came in by the link that is ended may have a session, too.
    accounts::end_sessions(&mut work, &user.id, now).await?;
    work.commit().await?;
    visit.reopen(now).await?;
    Ok(Redirect::to("/account"))
}
