//! `GET /applications`

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use policies::access::{Action, Relation};

use crate::access::{Allowed, List};
use crate::application::{Listing, Part, list as part_of};
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "application/list.html")]
struct ListPage {
    frame: Frame,
    listing: Listing,
    may_create: bool,
}

/// `GET /applications`: those that the person may read.
pub(crate) async fn list(
    allowed: Allowed<List>,
    State(portal): State<Portal>,
    Query(part): Query<Part>,
) -> Result<Response, PortalError> {
    let listing = part_of(&portal, &allowed, part).await?;
    let may_create = portal.may(Some(&allowed.user.roles), Relation::Other, Action::ApplicationCreate);
    page(&ListPage { frame: allowed.visit.frame(&portal), listing, may_create })
}
