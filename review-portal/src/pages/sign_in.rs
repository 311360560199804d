//! Signing in and out: name and password or an institution, then a second factor; or a passkey, which is two.

mod institution;
mod second;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{Revocation, Revoked};
use secrecy::SecretString;
use serde::Deserialize;

pub(crate) use institution::{Choice, choices, leave_for, return_from, send};
pub(crate) use second::{confirm, second};

use crate::accounts::{self, SignIn, User};
use crate::acts;
use crate::alerts;
use crate::attempts::{self, Guess, Turn};
use crate::error::PortalError;
use crate::factors::{Factor, Factors, passkeys};
use crate::form::Posted;
use crate::oidc::InstitutionId;
use crate::pages::act::Ask;
use crate::pages::page;
use crate::peer::Address;
use crate::portal::Portal;
use crate::record::Note;
use crate::session::Sessions;
use crate::visit::{Ceremony, Frame, Visit};

#[derive(Template)]
#[template(path = "sign_in/show.html")]
struct SignInPage {
    frame: Frame,
    user: String,
    ask: Ask,
    institutions: Vec<Choice>,
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
    form(&portal, &visit, (String::new(), local(&goal.next)), None).await
}

async fn form(
    portal: &Portal,
    visit: &Visit,
    (user, next): (String, &str),
    problem: Option<&str>,
) -> Result<Response, PortalError> {
    let frame = visit.frame(portal);
    let problem = problem.map(|key| frame.say(key));
    let challenge = visit.challenge(Ceremony::SignIn, portal.now()).await?.to_string();
    let ask = Ask { challenge, domain: portal.party.id.clone(), next: next.to_owned(), ..Ask::default() };
    let institutions = choices(portal, visit.language);
    page(&SignInPage { frame, user, ask, institutions, problem })
}

/// `POST /sign-in`: fields `user`, `password`, `next`. The first of two steps.
pub(crate) async fn enter(
    visit: Visit,
    State(portal): State<Portal>,
    Address(address): Address,
    posted: Posted,
) -> Result<Response, PortalError> {
    let now = portal.now();
    let name = posted.one("user").trim().to_lowercase();
    let next = local(posted.one("next"));
    let password = SecretString::from(posted.one("password"));
    let problem = match accounts::sign_in(&portal.db, &address, &name, password, now).await? {
        SignIn::Known(user) => {
            return Ok(first_step(&portal, &visit, (&user, None), next).await?.into_response());
        }
        SignIn::Wait => "sign-in.wait",
        SignIn::Wrong { locked } => {
            if let Some(user) = locked {
                alerts::locked_out(&portal, &user, "password").await?;
            }
            "sign-in.wrong"
        }
    };
    // The name tried may be a password typed into the wrong field: it is not recorded.
    Note::new("visitor", "account:sign-in-refused", "account").append(&portal.audit, now).await?;
    Ok((StatusCode::UNAUTHORIZED, form(&portal, &visit, (name, next), Some(problem)).await?).into_response())
}

/// The first of two steps is done, by an institution or, with none, by the password.
async fn first_step(
    portal: &Portal,
    visit: &Visit,
    (user, institution): (&User, Option<&InstitutionId>),
    next: &str,
) -> Result<Redirect, PortalError> {
    visit.open_half(user, institution, portal.now()).await?;
    // Who has no second factor yet sets one up before anything else.
    let factors = Factors::of(&portal.db, &user.id).await?;
    let step = if factors.none() && !factors.is_reset {
        "/account/second-factor".to_owned()
    } else {
        format!("/sign-in/second?next={next}")
    };
    Ok(Redirect::to(&step))
}

/// `POST /sign-in/passkey`: a passkey alone, which checked its owner.
pub(crate) async fn by_passkey(
    visit: Visit,
    State(portal): State<Portal>,
    Address(address): Address,
    posted: Posted,
) -> Result<Response, PortalError> {
    let now = portal.now();
    let next = local(posted.one("next"));
    if attempts::count(&portal.db, Guess::Address(&address), now).await? == Turn::Wait {
        let page = form(&portal, &visit, (String::new(), next), Some("sign-in.wait")).await?;
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    }
    let challenge = visit.take_challenge(Ceremony::SignIn, now).await?;
    let act = acts::assertion(&posted)?;
    let user = match passkeys::verify(&portal.db, None, &act, (&challenge, &portal.party), now).await {
        Ok(user) => user,
        Err(error) => {
            let note = Note::new("visitor", "account:sign-in-refused", "account").with("code", error.code());
            note.append(&portal.audit, now).await?;
            return Err(error);
        }
    };
    attempts::forgive(&portal.db, Guess::Address(&address)).await?;
    let user = accounts::find(&portal.db, &user).await?.ok_or(PortalError::Stored)?;
    welcome(&portal, &visit, &user, (None, Factor::Passkey)).await?;
    Ok(Redirect::to(next).into_response())
}

/// Both factors were given. `institution`: which one was the first of them; none: the password, or a passkey that was both.
pub(crate) async fn welcome(
    portal: &Portal,
    visit: &Visit,
    user: &User,
    (institution, factor): (Option<&InstitutionId>, Factor),
) -> Result<(), PortalError> {
    let now = portal.now();
    let note = Note::new(&user.id, "account:signed-in", &user.id).with("factor", factor.as_str());
    let note = match institution {
        Some(institution) => note.with("institution", institution.as_str()),
        None => note,
    };
    note.append(&portal.audit, now).await?;
    Sessions::new(portal.db.pool().clone()).sweep(now.as_second()).await?;
    visit.open(user, factor, now).await
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
pub(crate) fn local(next: &str) -> &str {
    if next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(|letter: char| letter.is_control() || "\\?#&%".contains(letter))
    {
        next
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        for bad in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
        {
            assert_eq!(local(bad), "/", "{bad}");
        }
        assert_eq!(local("/applications/A-2026-000001"), "/applications/A-2026-000001");
    }
}
