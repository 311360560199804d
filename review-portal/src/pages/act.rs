//! The page before an act is signed: it hands the record to the signing desk, whose page shows it and asks for the passkey.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::acts::PendingAct;
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::serve::csp_of_hand_over;
use crate::visit::{Frame, Visit};

/// What a form asks of a passkey: see `passkey.html` and [`policies::passkey::BROWSER_SCRIPT`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) challenge: String,
    pub(crate) domain: String,
    /// Spaces between; empty: whichever passkey the person has for this portal.
    pub(crate) credentials: String,
    /// Where to go on.
    pub(crate) next: String,
    /// Whether the demo's authenticator may answer.
    pub(crate) demo: bool,
}

/// What the desk is handed, in its own words (`permit-signer/src/desk/paper.rs`).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paper {
    Enrolment,
    Record,
}

impl Paper {
    fn as_str(self) -> &'static str {
        match self {
            Self::Enrolment => "enrolment",
            Self::Record => "record",
        }
    }
}

#[derive(Template)]
#[template(path = "act/sign.html")]
struct SignPage<'a> {
    frame: Frame,
    title: String,
    /// Where the desk's form is posted, at the portal.
    action: String,
    /// The desk's address.
    desk: String,
    paper: &'static str,
    act: &'a PendingAct,
    credentials: String,
    demo: bool,
}

/// Asks for the signature of a pending act. What the desk's page posts goes to `action`, whose handler calls [`crate::acts::finish`].
pub(crate) fn ask(
    portal: &Portal,
    visit: &Visit,
    (title, action): (String, String),
    (paper, act): (Paper, &PendingAct),
) -> Result<Response, PortalError> {
    let credentials: Vec<String> = act.credentials.iter().map(ToString::to_string).collect();
    let mut response = page(&SignPage {
        frame: visit.frame(portal),
        title,
        action,
        desk: portal.desk.origin.clone(),
        paper: paper.as_str(),
        act,
        credentials: credentials.join(" "),
        demo: portal.demo.is_some(),
    })?;
    let csp = HeaderValue::from_str(&csp_of_hand_over(&portal.desk.origin)).map_err(|_| PortalError::Stored)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    Ok(response)
}
