//! Projects that run under a permit: the list, the SQL page, the history of runs, saved queries.

mod assets;
mod bench;
mod queries;
mod runs;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::Permit;

pub(crate) use self::assets::{chart, editor, scales, schema, script, style};
pub(crate) use self::bench::{run, sql};
pub(crate) use self::queries::{add, create, queries, query};
pub(crate) use self::runs::{cancel, open, runs};
use crate::access::{Allowed, Query, ReadAccount};
use crate::error::PortalError;
use crate::pages::{last_minute, page};
use crate::portal::Portal;
use crate::tokens::permits_of;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "project/list.html")]
struct ListPage {
    frame: Frame,
    permits: Vec<Line>,
}

struct Line {
    permit: Permit,
    until: String,
}

/// `GET /projects`
pub(crate) async fn list(allowed: Allowed<ReadAccount>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let permits = permits_of(&portal.db, &allowed.user.id, portal.now()).await?;
    let line = |permit: Permit| Line { until: last_minute(permit.expires_at), permit };
    page(&ListPage { frame: allowed.visit.frame(&portal), permits: permits.into_iter().map(line).collect() })
}

/// The permit under which the asking person works in the project that the path names.
async fn permit(portal: &Portal, allowed: &Allowed<Query>) -> Result<Permit, PortalError> {
    let project = allowed.project.as_ref().ok_or(PortalError::NotFound)?;
    let permits = permits_of(&portal.db, &allowed.user.id, portal.now()).await?;
    permits.into_iter().find(|permit| permit.project == *project).ok_or(PortalError::NotFound)
}
