//! Pages by noun. Handlers unpack, call one thing and return a page.

mod account;
pub(crate) mod act;
mod application;
mod audit;
mod board;
mod catalog;
#[cfg(test)]
mod components;
mod document;
pub(crate) mod error;
mod home;
mod incident;
mod letter;
mod linkage;
mod mail;
mod meeting;
mod profile;
mod project;
mod sheet;
mod sign_in;
mod usage;

use askama::Template;
use axum::Router;
use axum::extract::{Query, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use self::application::{attachment, invitation, training};
use crate::assets;
use crate::error::PortalError;
use crate::language::{CHOICE, Language};
use crate::portal::Portal;

/// All routes. `tests/routes.rs` holds the same list with who may not.
#[expect(clippy::too_many_lines, reason = "a list")]
pub(crate) fn router() -> Router<Portal> {
    let large = attachment::body_max();
    Router::new()
        .route("/", get(home::show))
        .route("/use", get(usage::show))
        .route("/use/decisions", get(usage::decisions))
        .route("/profiles", get(profile::list))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-in/institution", post(sign_in::leave_for))
        .route("/sign-in/institution/{institution}", get(sign_in::return_from))
        .route("/sign-in/passkey", post(sign_in::by_passkey))
        .route("/sign-in/second", get(sign_in::second).post(sign_in::confirm))
        .route("/account", get(account::show))
        .route("/account/contact", post(account::contact))
        .route("/account/enrolment", post(account::begin))
        .route("/account/enrolment/signed", post(account::finish))
        .route("/account/institution", post(account::link))
        .route("/account/institution/remove", post(account::unlink))
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
        .route("/applications/{application}/attachments", get(attachment::list).post(attachment::add).layer(large))
        .route("/applications/{application}/attachments/{sha256}", get(attachment::download))
        .route("/applications/{application}/attachments/{sha256}/remove", post(attachment::remove))
        .route("/applications/{application}/invitations", get(invitation::list).post(invitation::invite))
        .route("/invitations/{token}", get(invitation::show).post(invitation::accept))
        .route("/invitations/{token}/training", post(training::accept).layer(large))
        .route("/applications/{application}/training", get(training::form).post(training::add).layer(large))
        .route("/applications/{application}/training/{member}", get(training::download))
        .route("/applications/{application}/interest", get(application::interest))
        .route("/applications/{application}/incidents/{number}", get(incident::show))
        .route("/applications/{application}/incidents/{number}/report.pdf", get(incident::paper))
        .route("/applications/{application}/letter", get(letter::show))
        .route("/applications/{application}/letter.pdf", get(letter::paper))
        .route("/applications/{application}/sheet", get(sheet::show))
        .route("/applications/{application}/sheet.pdf", get(sheet::paper))
        .route("/applications/{application}/{act}", post(application::act))
        .route("/dummy", get(project::dummy).post(project::run_dummy))
        .route("/dummy/runs", get(project::dummy_runs))
        .route("/dummy/runs/{run}/cancel", post(project::cancel_dummy))
        .route("/dummy/schema.json", get(project::dummies))
        .route("/dummy/token", post(project::token))
        .route("/projects", get(project::list))
        .route("/projects/{project}/sql", get(project::sql).post(project::run))
        .route("/projects/{project}/schema.json", get(project::schema))
        .route("/projects/{project}/runs", get(project::runs))
        .route("/projects/{project}/runs/{run}", get(project::open))
        .route("/projects/{project}/runs/{run}/cancel", post(project::cancel))
        .route("/projects/{project}/queries", get(project::queries).post(project::create))
        .route("/projects/{project}/queries/{query}", get(project::query).post(project::add))
        .route("/board", get(board::show))
        .route("/meetings", get(meeting::list))
        .route("/meetings/{date}", get(meeting::show))
        .route("/meetings/{date}/minutes.pdf", get(meeting::paper))
        .route("/audit", get(audit::list))
        .route("/linkage", get(linkage::show))
        .route("/mails", get(mail::list))
        .fallback(error::not_found)
}

/// Files for browsers: the same for everybody, so no session comes near them.
pub(crate) fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/static/{*file}", get(assets::serve))
}

/// A rendered page.
fn page(template: &impl Template) -> Result<Response, PortalError> {
    template.render().map(|text| Html(text).into_response()).map_err(|_| PortalError::Stored)
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
