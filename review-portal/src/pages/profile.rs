//! `GET /profiles`: each disclosure profile with its source, edition, status and who checked it. Open to everybody.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::Profile;
use policies::profile::{Check, Status};

use crate::error::PortalError;
use crate::pages::catalog::{figure, require};
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "profile/list.html")]
struct ListPage {
    frame: Frame,
    profiles: Vec<Profile>,
}

/// `GET /profiles`
pub(crate) async fn list(visit: Visit, State(portal): State<Portal>) -> Result<Response, PortalError> {
    require(&visit, &portal)?;
    let profiles = Profile::names().map(Profile::named).collect::<Result<_, _>>().map_err(|_| PortalError::Stored)?;
    page(&ListPage { frame: visit.frame(&portal), profiles })
}

impl ListPage {
    fn source<'a>(&self, profile: &'a Profile) -> &'a str {
        if self.frame.is_ja() { &profile.origin.source_ja } else { &profile.origin.source_en }
    }

    fn edition<'a>(&self, profile: &'a Profile) -> &'a str {
        if self.frame.is_ja() { &profile.origin.edition_ja } else { &profile.origin.edition_en }
    }

    fn by<'a>(&self, check: &'a Check) -> &'a str {
        if self.frame.is_ja() { &check.by_ja } else { &check.by_en }
    }
}

/// The tone of a status's badge.
fn tone(status: Status) -> &'static str {
    match status {
        Status::Demonstration => "plain",
        Status::Draft | Status::Excerpt => "warn",
        Status::InForce => "good",
    }
}

/// A number for reading: `5,000`.
fn count(number: u64) -> String {
    figure(i64::try_from(number).ok())
}

/// A share for reading: `90%`.
fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}
