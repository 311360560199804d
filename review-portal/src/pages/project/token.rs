//! A token for dummy data, for clients outside the browser.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::{Allowed, ReadAccount};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::page;
use crate::portal::Portal;
use crate::record::Note;
use crate::tokens::dummy_token;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "project/token.html")]
struct TokenPage {
    frame: Frame,
    token: String,
    /// Where the engine is.
    address: String,
}

/// `POST /dummy/token`: on the answer itself and nowhere else.
pub(crate) async fn token(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    _posted: Posted,
) -> Result<Response, PortalError> {
    let engine = portal.dummy.as_ref().ok_or(PortalError::NotFound)?;
    let (signed, _) = allowed.visit.signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let now = portal.now();
    let token = dummy_token(&portal.session_key, signed, now)?;
    Note::new(&allowed.user.id, "token:given", "dummy").append(&portal.audit, now).await?;
    page(&TokenPage { frame: allowed.visit.frame(&portal), token, address: engine.address.clone() })
}
