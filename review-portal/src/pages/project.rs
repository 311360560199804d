//! Projects that run under a permit, and their SQL page.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::Permit;
use sha2::{Digest, Sha256};

use crate::access::{Allowed, Query, ReadAccount};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::{last_minute, page};
use crate::portal::Portal;
use crate::query::{PortalAnswer, PortalRefusal};
use crate::record::Note;
use crate::tokens::{permits_of, project_token};
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

#[derive(Template)]
#[template(path = "project/sql.html")]
struct SqlPage {
    frame: Frame,
    permit: Permit,
    until: String,
    sql: String,
    answer: Option<PortalAnswer>,
    refusal: Option<PortalRefusal>,
}

/// `GET /projects`
pub(crate) async fn list(allowed: Allowed<ReadAccount>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let permits = permits_of(&portal.db, &allowed.user.id, portal.now()).await?;
    let line = |permit: Permit| Line { until: last_minute(permit.expires_at), permit };
    page(&ListPage { frame: allowed.visit.frame(&portal), permits: permits.into_iter().map(line).collect() })
}

/// `GET /projects/{project}/sql`
pub(crate) async fn sql(allowed: Allowed<Query>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    page(&blank(&allowed, &portal, String::new()).await?)
}

/// `POST /projects/{project}/sql`: field `sql`.
pub(crate) async fn run(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let mut shown = blank(&allowed, &portal, posted.one("sql").to_owned()).await?;
    match ask(&portal, &allowed, &shown).await? {
        Ok(answer) => shown.answer = Some(answer),
        Err(refusal) => shown.refusal = Some(refusal),
    }
    page(&shown)
}

async fn blank(allowed: &Allowed<Query>, portal: &Portal, sql: String) -> Result<SqlPage, PortalError> {
    let project = allowed.project.as_ref().ok_or(PortalError::NotFound)?;
    let permits = permits_of(&portal.db, &allowed.user.id, portal.now()).await?;
    let permit = permits.into_iter().find(|permit| permit.project == *project).ok_or(PortalError::NotFound)?;
    let until = last_minute(permit.expires_at);
    Ok(SqlPage { frame: allowed.visit.frame(portal), permit, until, sql, answer: None, refusal: None })
}

/// Sends the query under a fresh token of the signed-in person. The portal's chain keeps the query's hash, never its text.
async fn ask(
    portal: &Portal,
    allowed: &Allowed<Query>,
    page: &SqlPage,
) -> Result<Result<PortalAnswer, PortalRefusal>, PortalError> {
    let now = portal.now();
    let (signed, _) = allowed.visit.signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let project = &page.permit.project;
    let token = project_token(&portal.db, &portal.session_key, signed, project, now).await?;
    let note = |action| {
        Note::new(&allowed.user.id, action, project)
            .with("permit", page.permit.id.as_str())
            .with("sql_sha256", hex::encode(Sha256::digest(page.sql.as_bytes())))
    };
    note("query:asked").append(&portal.audit, now).await?;
    let outcome = portal.runner.run(&token, project, &page.sql).await;
    let note = match &outcome {
        Ok(answer) => {
            note("query:answered").with("grade", answer.grade.as_str()).with("withheld", answer.withheld.as_str())
        }
        Err(refusal) => note("query:refused").with("code", refusal.code.as_str()),
    };
    note.append(&portal.audit, portal.now()).await?;
    Ok(outcome)
}
