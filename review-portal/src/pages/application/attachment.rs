//! Documents of an application: handed in, taken out again, read by those who may read the application.

use askama::Template;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{Application, Attachment, Command, Content};
use subtle::ConstantTimeEq;
use tower_sessions::Session;

use crate::access::{Allowed, Edit, Read};
use crate::application::attachments::{self, BYTES_MAX, Unfit};
use crate::application::{Change, change, content_head, kept, records};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

/// Documents of one application.
const FILES_MAX: usize = 20;

/// A field beside a document.
const FIELD_MAX: usize = 4096; // bytes

/// What a body may have beside the document: the token and what parts the fields.
const AROUND_MAX: usize = 64 * 1024;

/// The limit of a body that brings a document, in the place of the portal's own.
pub(crate) fn body_max() -> DefaultBodyLimit {
    DefaultBodyLimit::max(BYTES_MAX + AROUND_MAX)
}

#[derive(Template)]
#[template(path = "application/attachment.html")]
struct AttachmentPage {
    frame: Frame,
    state: Application,
    files: Vec<Attachment>,
    unfit: Option<Unfit>,
}

impl AttachmentPage {
    fn error(&self) -> String {
        self.unfit.map(|unfit| self.frame.say_of("attachments", unfit.as_str())).unwrap_or_default()
    }
}

/// A document whose form's token was checked before a byte of it was kept.
pub(crate) struct Upload {
    once: Option<String>,
    name: String,
    /// Fields that came before the document.
    fields: Vec<(String, String)>,
    /// None: more than a document may have.
    bytes: Option<Vec<u8>>,
}

impl Upload {
    /// The form's key against double click.
    pub(super) fn once(&self) -> Option<String> {
        self.once.clone()
    }

    /// The field of that name; empty if there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The document; empty if none was chosen, none if it is too long.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }
}

impl FromRequest<Portal> for Upload {
    type Rejection = PortalError;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, PortalError> {
        let session = request.extensions().get::<Session>().cloned().ok_or(PortalError::Csrf)?;
        let expected: String = session.get("csrf").await?.ok_or(PortalError::Csrf)?;
        let mut form = Multipart::from_request(request, portal).await.map_err(|_| PortalError::BadForm)?;
        let (mut trusted, mut once, mut fields) = (false, None, Vec::new());
        while let Some(mut field) = form.next_field().await.map_err(|_| PortalError::BadForm)? {
            match field.name().unwrap_or_default() {
                "csrf" => {
                    let token = short(&mut field).await?;
                    trusted = bool::from(expected.as_bytes().ct_eq(&token));
                }
                "idempotency" => once = String::from_utf8(short(&mut field).await?).ok().filter(|key| !key.is_empty()),
                name @ ("course" | "until") if trusted => {
                    let name = name.to_owned();
                    let value = up_to(&mut field, FIELD_MAX).await?.and_then(|bytes| String::from_utf8(bytes).ok());
                    // PostgreSQL keeps no NUL.
                    let value = value.filter(|value| !value.contains('\0')).ok_or(PortalError::BadForm)?;
                    fields.push((name, value));
                }
                "file" if trusted => {
                    let name = field.file_name().unwrap_or_default().to_owned();
                    return Ok(Self { once, name, fields, bytes: up_to(&mut field, BYTES_MAX).await? });
                }
                _ => return Err(if trusted { PortalError::BadForm } else { PortalError::Csrf }),
            }
        }
        Err(if trusted { PortalError::BadForm } else { PortalError::Csrf })
    }
}

/// A field of the form's own.
async fn short(field: &mut axum::extract::multipart::Field<'_>) -> Result<Vec<u8>, PortalError> {
    up_to(field, 64).await?.ok_or(PortalError::BadForm)
}

/// The field's bytes, none if there are more than `max`.
async fn up_to(field: &mut axum::extract::multipart::Field<'_>, max: usize) -> Result<Option<Vec<u8>>, PortalError> {
    let mut bytes = Vec::new();
    loop {
        match field.chunk().await {
            Ok(None) => return Ok(Some(bytes)),
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= max => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Ok(None),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => return Ok(None),
            Err(_) => return Err(PortalError::BadForm),
        }
    }
}

/// `GET /applications/{application}/attachments`
pub(crate) async fn list(allowed: Allowed<Edit>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    shown(&portal, &allowed, None)
}

/// `POST /applications/{application}/attachments`: `csrf`, `idempotency`, `file`, in this order.
pub(crate) async fn add(
    allowed: Allowed<Edit>,
    State(portal): State<Portal>,
    upload: Upload,
) -> Result<Response, PortalError> {
    let Upload { once, name, bytes, .. } = upload;
    let unfit = match &bytes {
        None => Some(Unfit::TooLarge),
        Some(bytes) => attachments::check(bytes).err(),
    };
    let (state, head) = now(&portal, &allowed).await?;
    let mut content = state.content().cloned().unwrap_or_default();
    let unfit = unfit.or_else(|| (content.attachments.len() >= FILES_MAX).then_some(Unfit::TooMany));
    if let Some(unfit) = unfit {
        return shown(&portal, &allowed, Some(unfit));
    }
    let file = attachments::store(&portal.db, &name, &bytes.unwrap_or_default(), portal.now()).await?;
    if !content.attachments.iter().any(|known| known.sha256 == file.sha256) {
        content.attachments.push(file);
        set(&portal, &allowed, content, head, once).await?;
    }
    Ok(back(&state))
}

/// `POST /applications/{application}/attachments/{sha256}/remove`
pub(crate) async fn remove(
    allowed: Allowed<Edit>,
    State(portal): State<Portal>,
    Path((_, sha256)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let (state, head) = now(&portal, &allowed).await?;
    let mut content = state.content().cloned().unwrap_or_default();
    let many = content.attachments.len();
    content.attachments.retain(|file| file.sha256 != sha256);
    if content.attachments.len() < many {
        set(&portal, &allowed, content, head, posted.once()).await?;
    }
    Ok(back(&state))
}

/// `GET /applications/{application}/attachments/{sha256}`: never shown in the portal's own pages, always saved.
pub(crate) async fn download(
    allowed: Allowed<Read>,
    State(portal): State<Portal>,
    Path((_, sha256)): Path<(String, String)>,
) -> Result<Response, PortalError> {
    let file = attachments::named(allowed.application()?, &sha256).ok_or(PortalError::NotFound)?;
    saved(&portal, &file.sha256, &file.name).await
}

/// A document as a file of that name.
pub(super) async fn saved(portal: &Portal, sha256: &str, name: &str) -> Result<Response, PortalError> {
    let bytes = attachments::bytes(&portal.db, sha256).await?.ok_or(PortalError::NotFound)?;
    let disposition = format!("attachment; filename=\"document.pdf\"; filename*=UTF-8''{}", encoded(name));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).map_err(|_| PortalError::Stored)?),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    Ok((headers, bytes).into_response())
}

/// A name as RFC 8187 writes it.
fn encoded(name: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    name.bytes().map(byte).collect()
}

/// The application now, and the number of its content.
async fn now(portal: &Portal, allowed: &Allowed<Edit>) -> Result<(Application, u64), PortalError> {
    let id = allowed.application()?.id.clone();
    let records = records(portal.db.pool(), &id).await?;
    let head = content_head(&records);
    Ok((Application::replay(id, &records), head))
}

/// Sets the content, if it is still the one that was read. What was typed and not read goes on beside the new one.
async fn set(
    portal: &Portal,
    allowed: &Allowed<Edit>,
    content: Content,
    head: u64,
    once: Option<String>,
) -> Result<(), PortalError> {
    let asked = Change { base: Some(head), ..Change::new(Command::Edit { content }, once) };
    let state = change(portal, allowed, asked).await?;
    let after = content_head(&records(portal.db.pool(), &state.id).await?);
    kept::carry(&portal.db, &state.id, head, after).await
}

fn back(state: &Application) -> Response {
    Redirect::to(&format!("/applications/{}/attachments", state.id)).into_response()
}

fn shown(portal: &Portal, allowed: &Allowed<Edit>, unfit: Option<Unfit>) -> Result<Response, PortalError> {
    let state = allowed.application()?.clone();
    let files = state.content().map(|content| content.attachments.clone()).unwrap_or_default();
    let shown = page(&AttachmentPage { frame: allowed.visit.frame(portal), state, files, unfit })?;
    let status = if unfit.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, shown).into_response())
}
