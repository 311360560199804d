//! A member's training certificate: handed in by the member alone, with its last day and the document, when taking part and again when
//! it was renewed. The document is the member's and the office's to read, not the committee's.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{Application, Command, Training};
use policies::{Role, UserId};

use super::attachment::{Upload, saved};
use crate::access::{Allowed, Join, Read, ReadAccount};
use crate::application::attachments::{self, Unfit};
use crate::application::{Change, change, permits};
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "application/training.html")]
struct TrainingPage {
    frame: Frame,
    action: String,
    /// The application's title.
    title: String,
    course: String,
    until: String,
    unfit: Option<Unfit>,
}

impl TrainingPage {
    fn error(&self) -> String {
        self.unfit.map(|unfit| self.frame.say_of("attachments", unfit.as_str())).unwrap_or_default()
    }
}

/// `GET /applications/{application}/training`
pub(crate) async fn form(allowed: Allowed<Join>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let action = format!("/applications/{}/training", state.id);
    let known = state.joined.get(&allowed.user.id);
    let (course, until) = known.map_or_else(Default::default, |known| (known.course.clone(), known.until.to_string()));
    let frame = allowed.visit.frame(&portal);
    page(&TrainingPage { frame, action, title: title(state), course, until, unfit: None })
}

/// `POST /applications/{application}/training`: `csrf`, `idempotency`, `course`, `until`, `file`, in this order.
pub(crate) async fn add(
    allowed: Allowed<Join>,
    State(portal): State<Portal>,
    upload: Upload,
) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let at = format!("/applications/{}", state.id);
    if let Some(unfit) = unfit(&upload) {
        return refused(&portal, &allowed.visit, state, (format!("{at}/training"), &upload, unfit));
    }
    let training = read(&portal, &upload).await?;
    change(&portal, &allowed, Change::new(Command::Join { training }, upload.once())).await?;
    permits::renew(&portal, &allowed).await?;
    Ok(Redirect::to(&at).into_response())
}

/// `POST /invitations/{token}/training`: the same, by who was invited.
pub(crate) async fn accept(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    Path(token): Path<String>,
    upload: Upload,
) -> Result<Response, PortalError> {
    let state = super::invitation::offered(&portal, &allowed, &token).await?;
    if let Some(unfit) = unfit(&upload) {
        let action = format!("/invitations/{token}/training");
        return refused(&portal, &allowed.visit, &state, (action, &upload, unfit));
    }
    let training = read(&portal, &upload).await?;
    super::invitation::join(&portal, allowed, (&token, state), training, upload.once()).await
}

/// `GET /applications/{application}/training/{member}`: the document itself.
pub(crate) async fn download(
    allowed: Allowed<Read>,
    State(portal): State<Portal>,
    Path((_, member)): Path<(String, String)>,
) -> Result<Response, PortalError> {
    let member: UserId = member.parse().map_err(|_| PortalError::NotFound)?;
    let is_office = [Role::Secretariat, Role::Auditor].iter().any(|role| allowed.user.roles.contains(role));
    if allowed.user.id != member && !is_office {
        return Err(PortalError::NotFound);
    }
    let training = allowed.application()?.joined.get(&member).ok_or(PortalError::NotFound)?;
    let sha256 = training.sha256.as_deref().ok_or(PortalError::NotFound)?;
    saved(&portal, sha256, "training.pdf").await
}

/// What is wrong with the document; none may be handed in, the secretariat asks for it then.
fn unfit(upload: &Upload) -> Option<Unfit> {
    match upload.bytes() {
        None => Some(Unfit::TooLarge),
        Some([]) => None,
        Some(bytes) => attachments::check(bytes).err(),
    }
}

async fn read(portal: &Portal, upload: &Upload) -> Result<Training, PortalError> {
    let until = upload.field("until").trim().parse().map_err(|_| PortalError::BadForm)?;
    let bytes = upload.bytes().unwrap_or_default();
    let sha256 = if bytes.is_empty() {
        None
    } else {
        Some(attachments::store(&portal.db, "training.pdf", bytes, portal.now()).await?.sha256)
    };
    Ok(Training { course: upload.field("course").trim().to_owned(), until, sha256 })
}

fn refused(
    portal: &Portal,
    visit: &Visit,
    state: &Application,
    (action, upload, unfit): (String, &Upload, Unfit),
) -> Result<Response, PortalError> {
    let (course, until) = (upload.field("course").to_owned(), upload.field("until").to_owned());
    let frame = visit.frame(portal);
    let shown = page(&TrainingPage { frame, action, title: title(state), course, until, unfit: Some(unfit) })?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
}

fn title(state: &Application) -> String {
    state.content().map(|content| content.title.clone()).unwrap_or_default()
}
