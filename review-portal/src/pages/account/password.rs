//! A new password.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;

use crate::access::{Allowed, ReadAccount};
use crate::accounts;
use crate::alerts;
use crate::attempts::{self, Guess, Turn};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordPage {
    frame: Frame,
    problem: Option<String>,
}

/// `GET /account/password`
pub(crate) async fn password(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
) -> Result<Response, PortalError> {
    page(&PasswordPage { frame: allowed.visit.frame(&portal), problem: None })
}

/// `POST /account/password`: fields `current`, `new`.
pub(crate) async fn change(
    visit: Visit,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let user = visit.user().cloned().ok_or(PortalError::NotSignedIn { next: None })?;
    let now = portal.now();
    let guess = Guess::Password(user.id.as_str());
    let problem = if attempts::count(&portal.db, guess, now).await? == Turn::Wait {
        "sign-in.wait".to_owned()
    } else if accounts::fits(&portal.db, user.id.as_str(), SecretString::from(posted.one("current"))).await? {
        attempts::forgive(&portal.db, guess).await?;
        match accounts::hashed(SecretString::from(posted.one("new")), &user.id).await {
            Ok(hash) => {
                let mut work = portal.db.begin().await?;
                accounts::set_password(&mut work, &user.id, &hash).await?;
                alerts::factor_changed(&portal, &mut work, &user.id, "password").await?;
                accounts::end_sessions(&mut work, &user.id, now).await?;
                work.commit().await?;
                visit.reopen(now).await?;
                return Ok(Redirect::to("/account").into_response());
            }
            Err(PortalError::Password(weakness)) => format!("password.{}", weakness.word()),
            Err(error) => return Err(error),
        }
    } else {
        "password.wrong".to_owned()
    };
    let frame = visit.frame(&portal);
    let problem = Some(frame.say(&problem));
    Ok((StatusCode::BAD_REQUEST, page(&PasswordPage { frame, problem })?).into_response())
}
