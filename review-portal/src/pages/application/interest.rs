//! `GET /applications/{application}/interest`: what a reviewer needs to know to declare interests, and nothing else of the file.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::UserId;
use policies::application::{Application, Member};

use crate::access::{Allowed, JudgeInterest};
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "application/interest.html")]
struct InterestPage<'a> {
    frame: Frame,
    state: &'a Application,
    title: &'a str,
    members: Vec<(&'a UserId, &'a Member)>,
    funding: &'a str,
}

/// Title, members with their institutions, funding; and the form.
pub(crate) async fn interest(
    allowed: Allowed<JudgeInterest>,
    State(portal): State<Portal>,
) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let content = state.content().ok_or(PortalError::NotFound)?;
    page(&InterestPage {
        frame: allowed.visit.frame(&portal),
        state,
        title: &content.title,
        members: content.members.iter().collect(),
        funding: content.answer("funding"),
    })
}
