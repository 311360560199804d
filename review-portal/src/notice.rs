//! What a person is told of the own account without having asked. Mails leave by the outbox, from this one place.

use policies::UserId;

use crate::error::PortalError;
use crate::portal::Portal;
use crate::record::Note;

/// Somebody failed so often that the account waits: at the password, or, more serious, at the second factor behind it.
pub(crate) async fn locked_out(portal: &Portal, user: &UserId, at: &'static str) -> Result<(), PortalError> {
    let note = Note::new("portal", "account:locked-out", user).with("at", at);
    note.append(&portal.audit, portal.now()).await.map(drop)
}

/// A factor was added, removed or replaced.
pub(crate) async fn factor_changed(portal: &Portal, user: &UserId, what: &'static str) -> Result<(), PortalError> {
    let note = Note::new(user, "account:factor-changed", user).with("what", what);
    note.append(&portal.audit, portal.now()).await.map(drop)
}
