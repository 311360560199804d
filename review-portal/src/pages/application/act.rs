//! `POST /applications/{application}/{act}`: one command, answered by going back to the application's page (303).

use axum::extract::State;
use axum::response::Redirect;

use super::form;
use crate::access::AllowedAct;
use crate::application::{Act, Change, change, permits};
use crate::error::PortalError;
use crate::form::Posted;
use crate::portal::Portal;

/// Does what the path and the form say.
pub(crate) async fn act(
    allowed: AllowedAct,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Redirect, PortalError> {
    let page = format!("/applications/{}", allowed.application.id);
    match form::read(&portal, &allowed.application, allowed.act, &posted).await? {
        None => permits::issue(&portal, &allowed, posted.once()).await?,
        Some(command) => {
            permits::before(&portal, &allowed, &command).await?;
            change(&portal, &allowed, Change::new(command, posted.once())).await?;
            permits::after(&portal, &allowed).await?;
        }
    }
    Ok(Redirect::to(match allowed.act {
        Act::Amend => return Ok(Redirect::to(&format!("{page}/edit"))),
        // The file opens to who declared no conflict, and closes to who did: the page itself knows.
        Act::DeclareInterest => "/applications",
        _ => &page,
    }))
}
