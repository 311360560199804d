//! The public catalog.

mod quality;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use policies::access::{Action, Relation};

use crate::catalog::{Dataset, Release, export_json, list as all, show as one};
use crate::dummy::{self, DummyRelease};
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, Visit};
use quality::View;

#[derive(Template)]
#[template(path = "catalog/list.html")]
struct ListPage {
    frame: Frame,
    datasets: Vec<Dataset>,
}

#[derive(Template)]
#[template(path = "catalog/show.html")]
struct ShowPage {
    frame: Frame,
    dataset: Dataset,
    /// The dummy release of it that can be asked.
    dummy: Option<DummyRelease>,
}

impl ShowPage {
    fn quality(&self, release: &Release) -> Option<View> {
        release.quality.as_ref().map(|quality| View::of(quality, self.frame.language))
    }
}

/// `GET /catalog`
pub(crate) async fn list(visit: Visit, State(portal): State<Portal>) -> Result<Response, PortalError> {
    require(&visit, &portal)?;
    page(&ListPage { frame: visit.frame(&portal), datasets: all(&portal.db).await? })
}

/// `GET /catalog/{dataset}`
pub(crate) async fn show(
    visit: Visit,
    State(portal): State<Portal>,
    Path(dataset): Path<String>,
) -> Result<Response, PortalError> {
    require(&visit, &portal)?;
    let dataset = one(&portal.db, &dataset).await?.ok_or(PortalError::NotFound)?;
    let dummies = if portal.dummy.is_some() { dummy::list(&portal.db).await? } else { Vec::new() };
    let dummy = dummies.into_iter().find(|dummy| dummy.dataset == dataset.id);
    page(&ShowPage { frame: visit.frame(&portal), dataset, dummy })
}

/// `GET /catalog.json`
pub(crate) async fn export(visit: Visit, State(portal): State<Portal>) -> Result<Response, PortalError> {
    require(&visit, &portal)?;
    Ok(Json(export_json(&portal.db).await?).into_response())
}

/// The catalog is open to visitors; casbin is asked all the same.
pub(super) fn require(visit: &Visit, portal: &Portal) -> Result<(), PortalError> {
    let roles = visit.user().map(|user| &user.roles);
    if portal.may(roles, Relation::Other, Action::CatalogRead) { Ok(()) } else { Err(PortalError::Forbidden) }
}

/// A count for reading: `12,345`.
pub(crate) fn figure(count: Option<i64>) -> String {
    let Some(count) = count else { return "–".to_owned() };
    let digits = count.to_string();
    let groups: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into()).collect();
    groups.join(",")
}
