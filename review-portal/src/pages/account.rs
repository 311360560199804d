//! The own account: factors, recovery codes, password, and the request that makes a passkey count.

mod enrolment;
mod factor;
mod password;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

pub(crate) use enrolment::{begin, finish};
pub(crate) use factor::{add_passkey, remove_passkey, renew_codes, set_up, take_totp};
pub(crate) use password::{change, password};

use crate::access::{Allowed, ReadAccount};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::factors::{Factors, passkeys};
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    frame: Frame,
    user: String,
    factors: Factors,
    passkeys: Vec<Line>,
}

struct Line {
    credential: String,
    label: String,
    made: Moment,
}

/// `GET /account`
pub(crate) async fn show(allowed: Allowed<ReadAccount>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let user = &allowed.user.id;
    let passkeys = passkeys::of(&portal.db, user).await?;
    let line = |passkey: passkeys::Passkey| Line {
        credential: passkey.credential.to_string(),
        label: passkey.label,
        made: dates::at(passkey.created_at, allowed.visit.language),
    };
    page(&AccountPage {
        frame: allowed.visit.frame(&portal),
        user: user.to_string(),
        factors: Factors::of(&portal.db, user).await?,
        passkeys: passkeys.into_iter().map(line).collect(),
    })
}
