//! Pages by noun. Handlers unpack, call one thing and return a page.

mod account;
pub(crate) mod act;
mod application;
mod audit;
mod catalog;
pub(crate) mod error;
mod home;
mod linkage;
mod mail;
mod project;
mod sign_in;

use askama::Template;
use axum::Router;
use axum::extract::{Query, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::Deserialize;

use crate::error::PortalError;
use crate::language::{CHOICE, Language};
use crate::portal::Portal;

const JAPAN: Offset = Offset::constant(9);

/// All routes. `tests/routes.rs` holds the same list with who may not.
pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/", get(home::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-in/passkey", post(sign_in::by_passkey))
        .route("/sign-in/second", get(sign_in::second).post(sign_in::confirm))
        .route("/account", get(account::show))
        .route("/account/enrolment", post(account::begin))
        .route("/account/enrolment/signed", post(account::finish))
        .route("/account/passkey", post(account::add_passkey))
        .route("/account/passkey/remove", post(account::remove_passkey))
        .route("/account/password", get(account::password).post(account::change))
        .route("/account/recovery", post(account::renew_codes))
        .route("/account/second-factor", get(account::set_up))
        .route("/account/totp", post(account::take_totp))
        .route("/sign-out", post(sign_in::leave))
        .route("/catalog", get(catalog::list))
        .route("/catalog.json", get(catalog::export))
        .route("/catalog/{dataset}", get(catalog::show))
        .route("/applications", get(application::list).post(application::create))
        .route("/applications/new", get(application::new))
        .route("/applications/{application}", get(application::show))
        .route("/applications/{application}/edit", get(application::edit).post(application::save))
        .route("/applications/{application}/submit", post(application::submit))
        .route("/applications/{application}/withdraw", post(application::withdraw))
        .route("/applications/{application}/accept", post(application::accept))
        .route("/applications/{application}/return", post(application::send_back))
        .route("/applications/{application}/assign", post(application::assign))
        .route("/applications/{application}/conflict", post(application::declare_conflict))
        .route("/applications/{application}/voting", post(application::open_voting))
        .route("/applications/{application}/vote", post(application::vote))
        .route("/applications/{application}/decide", post(application::conclude))
        .route("/applications/{application}/pledge", post(application::pledge))
        .route("/applications/{application}/permit", post(application::permit))
        .route("/applications/{application}/revoke", post(application::revoke))
        .route("/applications/{application}/close", post(application::close))
        .route("/projects", get(project::list))
        .route("/projects/{project}/sql", get(project::sql).post(project::run))
        .route("/audit", get(audit::list))
        .route("/linkage", get(linkage::show))
        .route("/mails", get(mail::list))
        .route("/static/portal.css", get(style))
        .route("/static/passkey.js", get(passkey_script))
        .fallback(error::not_found)
}

/// A rendered page.
fn page(template: &impl Template) -> Result<Response, PortalError> {
    template.render().map(|text| Html(text).into_response()).map_err(|_| PortalError::Stored)
}

/// `GET /static/portal.css`
async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=300")];
    (headers, include_str!("../static/portal.css")).into_response()
}

/// `GET /static/passkey.js`
async fn passkey_script() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "max-age=300")];
    (headers, include_str!("../static/passkey.js")).into_response()
}

#[derive(Deserialize)]
struct Choice {
    lang: Option<String>,
}

/// Finds the reader's language: `?lang=` first, which is then remembered, else the cookie, else Japanese.
pub(crate) async fn choose_language(mut request: Request, next: Next) -> Response {
    let chosen = Query::<Choice>::try_from_uri(request.uri()).ok().and_then(|query| query.0.lang);
    let chosen = chosen.and_then(|word| Language::parse(&word));
    let language = chosen.unwrap_or_else(|| Language::of(request.headers()));
    request.extensions_mut().insert(language);
    let mut response = next.run(request).await;
    if let Some(language) = chosen {
        let cookie = format!("{CHOICE}={}; Path=/; Max-Age=31536000; SameSite=Lax", language.as_str());
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// The last minute before `end`, in Japan: a period's end is its last day, not the midnight after it.
fn last_minute(end: Timestamp) -> String {
    japan(end.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(end))
}

/// Day and minute in Japan, e.g. `2026-11-21 12:04`.
pub(crate) fn japan(at: Timestamp) -> String {
    at.to_zoned(TimeZone::fixed(JAPAN)).strftime("%Y-%m-%d %H:%M").to_string()
}
