//! The notices to whoever is signed in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::{Allowed, ReadAccount};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::outbox;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "mail/list.html")]
struct ListPage {
    frame: Frame,
    /// Whether a mail server is configured.
    sends: bool,
    mails: Vec<Line>,
}

struct Line {
    subject: String,
    language: String,
    paragraphs: Vec<Paragraph>,
    at: Moment,
    fate: &'static str,
}

struct Paragraph {
    text: String,
    /// Where it leads, if it is a link to the portal.
    link: Option<String>,
}

/// `GET /mails`: one's own, the latest first.
pub(crate) async fn list(allowed: Allowed<ReadAccount>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let mails = outbox::to(&portal.db, allowed.user.id.as_str()).await?;
    let base = portal.mail.as_deref().unwrap_or_default().trim_end_matches('/');
    let language = allowed.visit.language;
    let paragraph = |text: &str| {
        let path = text.strip_prefix(base);
        let path = path.filter(|path| path.starts_with("/applications/") || path.starts_with("/invitations/"));
        Paragraph { text: text.to_owned(), link: path.map(str::to_owned) }
    };
    let line = |mail: outbox::Mail| Line {
        paragraphs: mail.body.split("\n\n").map(paragraph).collect(),
        language: mail.language,
        subject: mail.subject,
        at: dates::at(mail.created_at, language),
        fate: mail.fate.as_str(),
    };
    let mails = mails.into_iter().map(line).collect();
    page(&ListPage { frame: allowed.visit.frame(&portal), sends: portal.mail.is_some(), mails })
}
