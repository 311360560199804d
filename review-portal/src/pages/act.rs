//! The page on which a person signs an act with a passkey, and what every such form carries.

use askama::Template;
use axum::response::Response;

use crate::acts::PendingAct;
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, Visit};

/// What a form asks of a passkey: see `passkey.html` and `static/passkey.js`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) challenge: String,
    pub(crate) domain: String,
    /// Spaces between; empty: whichever passkey the person has for this portal.
    pub(crate) credentials: String,
    /// Where to go on.
    pub(crate) next: String,
    /// The pending act, if it is one.
    pub(crate) act: String,
    /// Whether the demo's authenticator may answer.
    pub(crate) demo: bool,
}

#[derive(Template)]
#[template(path = "act/sign.html")]
struct SignPage {
    frame: Frame,
    title: String,
    action: String,
    ask: Ask,
}

/// Asks for the signature of a pending act. The form is posted to `action`, whose handler calls [`crate::acts::finish`].
pub(crate) fn ask(
    portal: &Portal,
    visit: &Visit,
    (title, action): (String, String),
    act: &PendingAct,
) -> Result<Response, PortalError> {
    let credentials: Vec<String> = act.credentials.iter().map(ToString::to_string).collect();
    let ask = Ask {
        challenge: act.challenge.to_string(),
        domain: act.domain.clone(),
        credentials: credentials.join(" "),
        next: String::new(),
        act: act.id.clone(),
        demo: portal.demo.is_some(),
    };
    page(&SignPage { frame: visit.frame(portal), title, action, ask })
}
