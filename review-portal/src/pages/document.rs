//! A document as a page, and as the PDF that is saved from it.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::page;
use crate::documents::{self, Block, Document, PaperError, Span};
use crate::error::PortalError;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "document/show.html")]
struct DocumentPage {
    frame: Frame,
    document: Document,
    back: (String, String),
    paper: String,
    aside: Vec<Block>,
}

/// Where a document's page leads to.
pub(super) struct Around {
    /// Address and words of where the reader came from.
    pub(super) back: (String, String),
    /// Address of the PDF.
    pub(super) paper: String,
    /// What stands below on the page alone: how it is now, which paper cannot know.
    pub(super) aside: Vec<Block>,
}

impl Around {
    /// For a document of an application; `paper` is the PDF's name there.
    pub(super) fn application(id: &impl ToString, paper: &str) -> Self {
        let id = id.to_string();
        let at = format!("/applications/{id}");
        Self { paper: format!("{at}/{paper}"), back: (at, id), aside: Vec::new() }
    }
}

/// The document as a page.
pub(super) fn shown(frame: Frame, document: Document, around: Around) -> Result<Response, PortalError> {
    let Around { back, paper, aside } = around;
    page(&DocumentPage { frame, document, back, paper, aside })
}

/// The document as a PDF to be saved as `<name>-<language>.pdf`; `name` is ours and ASCII.
pub(super) async fn printed(document: Document, name: &str) -> Result<Response, PortalError> {
    let disposition = format!("attachment; filename=\"{name}-{}.pdf\"", document.language);
    let bytes = documents::print(document).await.map_err(|error| {
        tracing::error!(cause = %error, "a document was not made");
        if matches!(error, PaperError::Busy) { PortalError::Busy } else { PortalError::Paper }
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).map_err(|_| PortalError::Paper)?),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    Ok((headers, bytes).into_response())
}

/// What each sheet of paper says at its head in the demo.
pub(super) fn mark(frame: &Frame) -> Option<String> {
    frame.synthetic.then(|| frame.say("site.synthetic"))
}

/// Names in a row.
pub(super) fn listed(frame: &Frame, names: &[String]) -> String {
    names.join(if frame.is_ja() { "、" } else { ", " })
}

/// Words with a dot between them.
pub(super) fn dotted(parts: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut words = Vec::new();
    for part in parts {
        if !words.is_empty() {
            words.push(Span::text(" · "));
        }
        words.push(part);
    }
    words
}
