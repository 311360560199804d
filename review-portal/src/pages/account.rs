//! The own account: factors, recovery codes, password, linked institutions, and the request that makes a passkey count.

mod contact;
mod enrolment;
mod factor;
mod institution;
mod password;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

pub(crate) use contact::contact;
pub(crate) use enrolment::{begin, finish};
pub(crate) use factor::{add_passkey, remove_passkey, renew_codes, set_up, take_totp};
pub(crate) use institution::{link, unlink};
pub(crate) use password::{change, password};

use crate::access::{Allowed, ReadAccount};
use crate::contact::{self as contacts, Contact};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::factors::{Factors, passkeys};
use crate::oidc::links;
use crate::pages::page;
use crate::pages::sign_in::{Choice, choices};
use crate::portal::Portal;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    frame: Frame,
    user: String,
    factors: Factors,
    passkeys: Vec<Line>,
    contact: Contact,
    /// Whether mails leave this portal.
    sends: bool,
    /// What was wrong with the contact that was typed.
    problem: Option<String>,
    linked: Vec<Linked>,
    /// Institutions of the configuration that are not linked yet.
    others: Vec<Choice>,
}

struct Line {
    credential: String,
    label: String,
    made: Moment,
}

struct Linked {
    name: String,
    issuer: String,
    made: Moment,
    used: Option<Moment>,
}

/// `GET /account`
pub(crate) async fn show(allowed: Allowed<ReadAccount>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    shown(&portal, &allowed, None).await
}

async fn shown(
    portal: &Portal,
    allowed: &Allowed<ReadAccount>,
    problem: Option<&'static str>,
) -> Result<Response, PortalError> {
    let user = &allowed.user.id;
    let passkeys = passkeys::of(&portal.db, user).await?;
    let line = |passkey: passkeys::Passkey| Line {
        credential: passkey.credential.to_string(),
        label: passkey.label,
        made: dates::at(passkey.created_at, allowed.visit.language),
    };
    let language = allowed.visit.language;
    let links = links::of(&portal.db, user).await?;
    let mut others = choices(portal, language);
    others.retain(|choice| !links.iter().any(|link| link.issuer == choice.issuer));
    let linked = links.into_iter().map(|link| Linked {
        // An institution that is no longer configured stands under its issuer, so that its link can be ended.
        name: portal
            .institutions
            .of_issuer(&link.issuer)
            .map_or_else(|| link.issuer.clone(), |it| it.name(language).to_owned()),
        issuer: link.issuer,
        made: dates::at(link.linked_at, language),
        used: link.used_at.map(|at| dates::at(at, language)),
    });
    let frame = allowed.visit.frame(portal);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = page(&AccountPage {
        contact: contacts::of(&portal.db, user, portal.now()).await?,
        sends: portal.mail.is_some(),
        problem: problem.map(|key| frame.say(key)),
        linked: linked.collect(),
        others,
        frame,
        user: user.to_string(),
        factors: Factors::of(&portal.db, user).await?,
        passkeys: passkeys.into_iter().map(line).collect(),
    })?;
    Ok((status, shown).into_response())
}
