//! Error pages: the sentence, then what to do now, in the reader's language; the code stays the same.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{Failure, PortalError};
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, Place};

/// Codes with sentences of their own; all others are internal.
pub(crate) const SHOWN: [&str; 15] = [
    "bad-form",
    "busy",
    "changed-meanwhile",
    "csrf",
    "forbidden",
    "not-found",
    "not-signed-in",
    "paper",
    "passkey-needed",
    "passkey-not-enrolled",
    "password",
    "pending-act",
    "project-taken",
    "signer-refused",
    "signer-unreachable",
];

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    code: String,
    sentence: String,
    hint: String,
    back: String,
}

/// Turns a failure into a page. Outermost but for language and session.
pub(crate) async fn render(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let place = Place::of(&parts);
    let back = back(&parts.method, parts.uri.path());
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(failure) = response.extensions().get::<Failure>().cloned() else { return response };
    let Ok(place) = place else { return response };
    let Ok(visit) = place.visit(&portal).await else { return response };
    let Ok(shown) = page(&error_page(visit.frame(&portal), &failure, back)) else { return response };
    (response.status(), shown).into_response()
}

/// Every path that is no page.
pub(crate) async fn not_found() -> PortalError {
    PortalError::NotFound
}

fn error_page(mut frame: Frame, failure: &Failure, back: String) -> ErrorPage {
    // The language switch must lead to a page that can be read, not to where a form was sent.
    frame.path.clone_from(&back);
    let (sentence, hint) = if let Some(refusal) = &failure.refusal {
        (frame.language.refusal(refusal), frame.say("error.refused.hint"))
    } else if let Some(word) = failure.code.strip_prefix("passkey/") {
        (frame.say_of("passkey-error", word), frame.say("passkey-error.hint"))
    } else if let Some(word) = failure.code.strip_prefix("oidc/") {
        (frame.say_of("oidc-error", word), frame.say_of("oidc-error", &format!("{word}.hint")))
    } else {
        let word = failure.code.rsplit('/').next().unwrap_or_default();
        let word = if SHOWN.contains(&word) { word } else { "internal" };
        (frame.say_of("error", word), frame.say_of("error", &format!("{word}.hint")))
    };
    let code = match &failure.detail {
        Some(detail) => format!("{} · {detail}", failure.code),
        None => failure.code.to_owned(),
    };
    ErrorPage { frame, code, sentence, hint, back }
}

/// Where the reader came from: the page of the object that a form stood on.
fn back(method: &Method, path: &str) -> String {
    match path.rsplit_once('/') {
        Some((object, _)) if *method == Method::POST && !object.is_empty() => object.to_owned(),
        _ => "/".to_owned(),
    }
}
