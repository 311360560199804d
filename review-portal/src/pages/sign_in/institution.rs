//! To an institution's provider and back. The page in between is one of ours: a form may not lead to another site.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::{first_step, local};
use crate::accounts;
use crate::alerts;
use crate::attempts::{self, Guess, Turn};
use crate::error::PortalError;
use crate::form::Posted;
use crate::language::Language;
use crate::oidc::{Answer, OidcError, Pending, Provider, Purpose, links};
use crate::pages::page;
use crate::peer::Address;
use crate::portal::Portal;
use crate::record::Note;
use crate::visit::{Frame, Visit};

/// An institution to choose.
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) name: String,
}

/// The institutions of the configuration.
pub(crate) fn choices(portal: &Portal, language: Language) -> Vec<Choice> {
    let choice = |provider: &Provider| Choice {
        id: provider.id.to_string(),
        issuer: provider.issuer().to_owned(),
        name: provider.name(language).to_owned(),
    };
    portal.institutions.iter().map(choice).collect()
}

#[derive(Template)]
#[template(path = "sign_in/institution.html")]
struct LeavePage {
    frame: Frame,
    title: String,
    address: String,
    back: &'static str,
}

/// `POST /sign-in/institution`: fields `institution`, `next`.
pub(crate) async fn leave_for(
    visit: Visit,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let next = local(posted.one("next")).to_owned();
    send(&portal, &visit, posted.one("institution"), Purpose::SignIn { next }).await
}

/// Keeps in the session what waits for the institution's answer, and shows the page that leads there.
pub(crate) async fn send(
    portal: &Portal,
    visit: &Visit,
    institution: &str,
    purpose: Purpose,
) -> Result<Response, PortalError> {
    let provider = portal.institutions.find(institution).ok_or(PortalError::NotFound)?;
    let back = match purpose {
        Purpose::Link { .. } => "/account",
        Purpose::SignIn { .. } => "/sign-in",
    };
    let (address, pending) = provider.ask(purpose, portal.now()).await?;
    pending.keep(&visit.session).await?;
    let mut frame = visit.frame(portal);
    // The language switch must lead to a page that can be read, not to where the form was sent.
    back.clone_into(&mut frame.path);
    let title = frame.say("institution.title").replace("{institution}", provider.name(visit.language));
    page(&LeavePage { frame, title, address: address.into(), back })
}

/// `GET /sign-in/institution/{institution}`: where a provider sends people back to, with `code`, `state`, `iss` or `error`.
pub(crate) async fn return_from(
    visit: Visit,
    State(portal): State<Portal>,
    Address(address): Address,
    Path(institution): Path<String>,
    Query(answer): Query<Answer>,
) -> Result<Response, PortalError> {
    if answer.is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let provider = portal.institutions.find(&institution).ok_or(PortalError::NotFound)?;
    let now = portal.now();
    let here = Guess::Address(&address);
    if attempts::count(&portal.db, here, now).await? == Turn::Wait {
        return Err(OidcError::Wait.into());
    }
    let heard = hear(&portal, &visit, provider, &answer).await;
    if let Err(PortalError::Oidc(error)) = &heard {
        let actor = visit.user().map_or_else(|| "visitor".to_owned(), |user| user.id.to_string());
        let note = Note::new(&actor, "account:sign-in-refused", "account").with("code", error.code());
        note.with("institution", provider.id.as_str()).append(&portal.audit, now).await?;
    }
    if heard.as_ref().err().is_none_or(|error| matches!(error, PortalError::Oidc(error) if error.is_innocent())) {
        attempts::forgive(&portal.db, here).await?;
    }
    heard
}

/// What the answer leads to: the second step of a sign-in, or an account that is linked.
async fn hear(portal: &Portal, visit: &Visit, provider: &Provider, answer: &Answer) -> Result<Response, PortalError> {
    let now = portal.now();
    let pending = Pending::take(&visit.session, &provider.id, answer, now).await?;
    let who = provider.hear(&pending, answer, now).await?;
    let next = match &pending.purpose {
        Purpose::SignIn { next } => next,
        Purpose::Link { user, session } => {
            let (signed, _) = visit.signed.as_ref().ok_or(OidcError::State)?;
            if (&signed.user, &signed.session) != (user, session) {
                return Err(OidcError::State.into());
            }
            let mut work = portal.db.begin().await?;
            links::add(&mut work, user, &who, now).await?;
            let what = ("account:institution-linked", provider.id.as_str());
            alerts::institution_changed(portal, &mut work, user, what).await?;
            work.commit().await?;
            return Ok(Redirect::to("/account").into_response());
        }
    };
    let user = links::find(&portal.db, &who, now).await?.ok_or(OidcError::UnknownPerson)?;
    let user = accounts::find(&portal.db, &user).await?.ok_or(PortalError::Stored)?;
    Ok(first_step(portal, visit, (&user, Some(&provider.id)), local(next)).await?.into_response())
}
