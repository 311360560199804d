//! A posted form whose token was checked: no handler sees a body before that.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{FromRequest, Request};
use subtle::ConstantTimeEq;
use tower_sessions::Session;

use crate::error::PortalError;
use crate::portal::Portal;

/// Fields of a form in order; a name may come several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posted(Vec<(String, String)>);

impl FromRequest<Portal> for Posted {
    type Rejection = PortalError;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, PortalError> {
        let session = request.extensions().get::<Session>().cloned().ok_or(PortalError::Csrf)?;
        let expected: Option<String> = session.get("csrf").await?;
        let form = Form::<Vec<(String, String)>>::from_request(request, portal).await;
        let Form(fields) = form.map_err(|_| PortalError::BadForm)?;
        // PostgreSQL keeps no NUL; what was no UTF-8 comes as the replacement character. The workbench judges its query itself.
        let is_broken = |text: &str| text.contains(['\0', char::REPLACEMENT_CHARACTER]);
        if fields.iter().any(|(name, value)| is_broken(name) || (name != "sql" && is_broken(value))) {
            return Err(PortalError::BadForm);
        }
        let posted = Self(fields);
        let same = expected.is_some_and(|token| bool::from(token.as_bytes().ct_eq(posted.one("csrf").as_bytes())));
        if same { Ok(posted) } else { Err(PortalError::Csrf) }
    }
}

impl Posted {
    /// The first value of that name; empty if there is none.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// All values of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reasons for tables, `reason:<table>`.
    pub(crate) fn reasons(&self) -> BTreeMap<String, String> {
        let reason = |(name, value): &(String, String)| Some((name.strip_prefix("reason:")?.to_owned(), value.clone()));
        self.0.iter().filter_map(reason).collect()
    }

    /// The form's key against double click.
    pub(crate) fn once(&self) -> Option<String> {
        Some(self.one("idempotency")).filter(|key| !key.is_empty() && key.len() <= 64).map(str::to_owned)
    }
}
