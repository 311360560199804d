//! `GET /applications`

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::access::{Action, Relation};

use crate::access::{Allowed, List};
use crate::application::{Listed, list as all};
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "application/list.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Listed>,
    may_create: bool,
}

/// `GET /applications`: those that the person may read.
pub(crate) async fn list(allowed: Allowed<List>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let lines = all(&portal, &allowed).await?;
    let may_create = portal.may(Some(&allowed.user.roles), Relation::Other, Action::ApplicationCreate);
    page(&ListPage { frame: allowed.visit.frame(&portal), lines, may_create })
}
