//! `GET /`: what this is, and where to go on.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
}

/// `GET /`
pub(crate) async fn show(visit: Visit, State(portal): State<Portal>) -> Result<Response, PortalError> {
    page(&HomePage { frame: visit.frame(&portal) })
}
