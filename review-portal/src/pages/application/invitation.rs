//! Inviting members, and taking part as one.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::UserId;
use policies::application::{Application, Command, Training};

use crate::access::{Allowed, Edit, ReadAccount};
use crate::accounts;
use crate::application::invitations::{self, Standing};
use crate::application::{Change, change, load, permits};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, name};

#[derive(Template)]
#[template(path = "application/invitations.html")]
struct InvitationsPage {
    frame: Frame,
    state: Application,
    members: Vec<MemberLine>,
    /// What was typed, and the key of what is wrong with it.
    typed: String,
    wrong: Option<&'static str>,
}

struct MemberLine {
    user: UserId,
    name: String,
    /// `joined`, `open`, `lapsed` or `missing`: a word of the messages.
    standing: &'static str,
}

#[derive(Template)]
#[template(path = "application/invitation.html")]
struct InvitationPage {
    frame: Frame,
    token: String,
    /// Number, title and applicant; none if the invitation cannot be used.
    offered: Option<(String, String, String)>,
}

impl InvitationsPage {
    fn error(&self) -> String {
        self.wrong.map(|key| self.frame.say(key)).unwrap_or_default()
    }
}

/// `GET /applications/{application}/invitations`
pub(crate) async fn list(allowed: Allowed<Edit>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    shown(&portal, &allowed, String::new(), None).await
}

/// `POST /applications/{application}/invitations`: `user`, a sign-in name or mail address.
pub(crate) async fn invite(
    allowed: Allowed<Edit>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let typed = posted.one("user").to_owned();
    let state = allowed.application()?;
    let content = state.content().ok_or(PortalError::NotFound)?;
    let Some(member) = invitations::account_of(&portal.db, &typed).await? else {
        return shown(&portal, &allowed, typed, Some("invitations.unknown")).await;
    };
    if !content.members.contains_key(&member) {
        return shown(&portal, &allowed, typed, Some("invitations.not-member")).await;
    }
    invitations::invite(&portal, &allowed.user, (&state.id, content), &member).await?;
    Ok(Redirect::to(&format!("/applications/{}/invitations", state.id)).into_response())
}

/// `GET /invitations/{token}`: who is not signed in signs in first and comes back.
pub(crate) async fn show(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    Path(token): Path<String>,
) -> Result<Response, PortalError> {
    let frame = allowed.visit.frame(&portal);
    let id = invitations::open(&portal.db, &token, &allowed.user.id, portal.now()).await?;
    let state = match &id {
        Some(id) => load(portal.db.pool(), id).await?,
        None => None,
    };
    let Some(state) = state else {
        let gone = page(&InvitationPage { frame, token: String::new(), offered: None })?;
        return Ok((StatusCode::NOT_FOUND, gone).into_response());
    };
    let applicant = match &state.applicant {
        Some(applicant) => accounts::find(&portal.db, applicant).await?,
        None => None,
    };
    let applicant = applicant.map(|user| format!("{} ({})", name(&user, frame.language), user.affiliation));
    let title = state.content().map(|content| content.title.clone()).unwrap_or_default();
    let offered = Some((state.id.to_string(), title, applicant.unwrap_or_default()));
    page(&InvitationPage { frame, token, offered })
}

/// `POST /invitations/{token}`: `course`, `until`.
pub(crate) async fn accept(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    Path(token): Path<String>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let state = offered(&portal, &allowed, &token).await?;
    let until = posted.one("until").trim().parse().map_err(|_| PortalError::BadForm)?;
    let training = Training { course: posted.one("course").trim().to_owned(), until, sha256: None };
    join(&portal, allowed, (&token, state), training, posted.once()).await
}

/// The application that the token invites this person to.
pub(super) async fn offered(
    portal: &Portal,
    allowed: &Allowed<ReadAccount>,
    token: &str,
) -> Result<Application, PortalError> {
    let id = invitations::open(&portal.db, token, &allowed.user.id, portal.now()).await?;
    load(portal.db.pool(), &id.ok_or(PortalError::NotFound)?).await?.ok_or(PortalError::NotFound)
}

/// Takes part by a token, which is used up unless that is refused.
pub(super) async fn join(
    portal: &Portal,
    allowed: Allowed<ReadAccount>,
    (token, application): (&str, Application),
    training: Training,
    once: Option<String>,
) -> Result<Response, PortalError> {
    let (user, id) = (allowed.user.id.clone(), application.id.clone());
    let member = crate::access::joining(portal, allowed, application)?;
    invitations::take(&portal.db, token, &user, portal.now()).await?;
    let joined = Box::pin(change(portal, &member, Change::new(Command::Join { training }, once))).await;
    if let Err(error) = joined {
        // Nothing came of it, so it works still: a course without a name can be mended.
        invitations::give_back(&portal.db, token, &user).await?;
        return Err(error);
    }
    Box::pin(permits::renew(portal, &member)).await?;
    Ok(Redirect::to(&format!("/applications/{id}")).into_response())
}

async fn shown(
    portal: &Portal,
    allowed: &Allowed<Edit>,
    typed: String,
    wrong: Option<&'static str>,
) -> Result<Response, PortalError> {
    let state = allowed.application()?.clone();
    let frame = allowed.visit.frame(portal);
    let mut members = Vec::new();
    for user in state.content().into_iter().flat_map(|content| content.members.keys()) {
        let account = accounts::find(&portal.db, user).await?;
        let standing = match invitations::standing(&portal.db, &state, user, portal.now()).await? {
            _ if state.joined.contains_key(user) => "joined",
            Some(Standing::Open) => "open",
            Some(Standing::Lapsed) => "lapsed",
            Some(Standing::Used) | None => "missing",
        };
        let name = account.map(|account| name(&account, frame.language)).unwrap_or_default();
        members.push(MemberLine { user: user.clone(), name, standing });
    }
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, page(&InvitationsPage { frame, state, members, typed, wrong })?).into_response())
}
