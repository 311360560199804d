//! Signing in and out.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{Revocation, Revoked};
use secrecy::SecretString;
use serde::Deserialize;

use crate::accounts::{self, SignIn};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::page;
use crate::portal::Portal;
use crate::record::Note;
use crate::session::Sessions;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "sign_in/show.html")]
struct SignInPage {
    frame: Frame,
    user: String,
    next: String,
    problem: Option<String>,
}

/// Where to go on.
#[derive(Deserialize)]
pub(crate) struct Goal {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`
pub(crate) async fn show(
    mut visit: Visit,
    State(portal): State<Portal>,
    Query(goal): Query<Goal>,
) -> Result<Response, PortalError> {
    visit.csrf().await?;
    page(&SignInPage { frame: visit.frame(&portal), user: String::new(), next: goal.next, problem: None })
}

/// `POST /sign-in`: fields `user`, `password`, `next`.
pub(crate) async fn enter(visit: Visit, State(portal): State<Portal>, posted: Posted) -> Result<Response, PortalError> {
    let now = portal.now();
    let name = posted.one("user").trim().to_lowercase();
    let problem = match accounts::sign_in(&portal.db, &name, SecretString::from(posted.one("password")), now).await? {
        SignIn::Welcome(user) => {
            Note::new(&user.id, "account:signed-in", &user.id).append(&portal.audit, now).await?;
            Sessions::new(portal.db.pool().clone()).sweep(now.as_second()).await?;
            visit.open(&user, now).await?;
            return Ok(Redirect::to(local(posted.one("next"))).into_response());
        }
        SignIn::Wait => "sign-in.wait",
        SignIn::Wrong => "sign-in.wrong",
    };
    // The name tried may be a password typed into the wrong field: it is not recorded.
    Note::new("visitor", "account:sign-in-refused", "account").append(&portal.audit, now).await?;
    let frame = visit.frame(&portal);
    let problem = Some(frame.language.say(problem));
    let next = local(posted.one("next")).to_owned();
    Ok((StatusCode::UNAUTHORIZED, page(&SignInPage { frame, user: name, next, problem })?).into_response())
}

/// `POST /sign-out`: ends the session here and, by the signer, for the engine.
pub(crate) async fn leave(
    visit: Visit,
    State(portal): State<Portal>,
    _posted: Posted,
) -> Result<Redirect, PortalError> {
    let Some((signed, user)) = &visit.signed else { return Ok(Redirect::to("/")) };
    Note::new(&user.id, "account:signed-out", &user.id).append(&portal.audit, portal.now()).await?;
    visit.session.flush().await?;
    let revocation = Revocation {
        what: Revoked::Session(signed.session.clone()),
        reason: "signed out".to_owned(),
        by: user.id.clone(),
    };
    // Tokens of the session end by themselves within 15 minutes: signing out must not depend on the signer.
    if let Err(error) = portal.signer.revoke(&revocation).await {
        tracing::warn!(code = error.code(), "the signer was not told of a sign-out");
    }
    Ok(Redirect::to("/"))
}

/// A path on this portal, never another site.
fn local(next: &str) -> &str {
    if next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']) { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        for bad in ["", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            assert_eq!(local(bad), "/", "{bad}");
        }
        assert_eq!(local("/applications/A-2026-000001"), "/applications/A-2026-000001");
    }
}
