//! Files of the SQL page, from the binary, and the permit's schema for its completion.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::permit;
use crate::access::{Allowed, Query};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::workbench::schema;

/// `GET /projects/{project}/schema.json`: tables and columns of the asking person's permit.
pub(crate) async fn schema(allowed: Allowed<Query>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let permit = permit(&portal, &allowed).await?;
    Ok(Json(schema::of(&portal.db, &permit, allowed.visit.language).await?).into_response())
}

/// `GET /static/workbench.css`
pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../../static/workbench.css"))
}

/// `GET /static/workbench.js`
pub(crate) async fn script() -> Response {
    file(JAVASCRIPT, include_str!("../../../static/workbench.js"))
}

/// `GET /static/vendor/codemirror.js`
pub(crate) async fn editor() -> Response {
    file(JAVASCRIPT, include_str!("../../../static/vendor/codemirror.js"))
}

/// `GET /static/chart.js`
pub(crate) async fn chart() -> Response {
    file(JAVASCRIPT, include_str!("../../../static/chart.js"))
}

/// `GET /static/vendor/d3.js`
pub(crate) async fn scales() -> Response {
    file(JAVASCRIPT, include_str!("../../../static/vendor/d3.js"))
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")], text).into_response()
}
