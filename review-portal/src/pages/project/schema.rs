//! The permit's schema, for the completion of the SQL page.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::permit;
use crate::access::{Allowed, Query, ReadAccount};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::workbench::schema;

/// `GET /projects/{project}/schema.json`: tables and columns of the asking person's permit.
pub(crate) async fn schema(allowed: Allowed<Query>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let permit = permit(&portal, &allowed).await?;
    Ok(Json(schema::of(&portal.db, &permit, allowed.visit.language).await?).into_response())
}

/// `GET /dummy/schema.json`: tables and columns of the dummy releases.
pub(crate) async fn dummies(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
) -> Result<Response, PortalError> {
    Ok(Json(schema::of_dummies(&portal.db, allowed.visit.language).await?).into_response())
}
