//! Where the person is written to: asked for here, confirmed with a code that went to the new address.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use lettre::Address;

use super::shown;
use crate::access::{Allowed, ReadAccount};
use crate::attempts::{self, Guess, Turn};
use crate::contact;
use crate::error::PortalError;
use crate::form::Posted;
use crate::language::Language;
use crate::portal::Portal;

/// Longest address (RFC 5321, 4.5.3.1.3).
const MAIL_MAX: usize = 254; // bytes

/// `POST /account/contact`: fields `mail`, which may be empty, and `language`; or `code`.
pub(crate) async fn contact(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let user = &allowed.user.id;
    let code = posted.one("code");
    let problem = if code.is_empty() {
        asked(&portal, &allowed, &posted).await?
    } else if attempts::count(&portal.db, Guess::SecondFactor(user), portal.now()).await? == Turn::Wait {
        Some("sign-in.wait")
    } else if contact::confirm(&portal, user, code).await? {
        attempts::forgive(&portal.db, Guess::SecondFactor(user)).await?;
        None
    } else {
        Some("contact.wrong-code")
    };
    match problem {
        None => Ok(Redirect::to("/account#contact").into_response()),
        Some(problem) => shown(&portal, &allowed, Some(problem)).await,
    }
}

/// What is wrong with the address that was typed, if anything is.
async fn asked(
    portal: &Portal,
    allowed: &Allowed<ReadAccount>,
    posted: &Posted,
) -> Result<Option<&'static str>, PortalError> {
    let typed = posted.one("mail").trim();
    let language = Language::parse(posted.one("language")).ok_or(PortalError::BadForm)?;
    let mail = match typed {
        "" => None,
        _ if typed.len() > MAIL_MAX => return Ok(Some("contact.wrong-mail")),
        _ => match typed.parse::<Address>() {
            Ok(mail) => Some(mail),
            Err(_) => return Ok(Some("contact.wrong-mail")),
        },
    };
    // Nothing could bring the code.
    let known = contact::of(&portal.db, &allowed.user.id, portal.now()).await?.mail;
    if portal.mail.is_none() && mail.is_some() && mail != known {
        return Ok(Some("contact.no-server"));
    }
    contact::ask(portal, &allowed.user.id, (mail, language)).await?;
    Ok(None)
}
