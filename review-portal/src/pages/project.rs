//! Projects that run under a permit: the list, the SQL page, the history of runs, saved queries. And the same bench on dummy data.

mod bench;
mod queries;
mod runs;
mod schema;
mod token;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::Permit;

pub(crate) use self::bench::{dummy, run, run_dummy, sql};
pub(crate) use self::queries::{add, create, queries, query};
pub(crate) use self::runs::{cancel, cancel_dummy, dummy_runs, open, runs};
pub(crate) use self::schema::{dummies, schema};
pub(crate) use self::token::token;
use crate::access::{Allowed, Query, ReadAccount};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::pages::page;
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
    until: Moment,
}

/// `GET /projects`
pub(crate) async fn list(allowed: Allowed<ReadAccount>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let permits = permits_of(&portal.db, &allowed.user.id, portal.now()).await?;
    let language = allowed.visit.language;
    let line = |permit: Permit| Line { until: dates::until(permit.expires_at, language), permit };
    page(&ListPage { frame: allowed.visit.frame(&portal), permits: permits.into_iter().map(line).collect() })
}

/// The permit under which the asking person works in the project that the path names.
async fn permit(portal: &Portal, allowed: &Allowed<Query>) -> Result<Permit, PortalError> {
    let project = allowed.project.as_ref().ok_or(PortalError::NotFound)?;
    let permits = permits_of(&portal.db, &allowed.user.id, portal.now()).await?;
    permits.into_iter().find(|permit| permit.project == *project).ok_or(PortalError::NotFound)
}
