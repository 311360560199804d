//! No audit entry, no change: the one way to the portal's audit chain.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use policies::audit::{Act, AuditLog, Head};
use serde_json::Value;

use crate::error::PortalError;

/// An entry to be, owned, so that it can wait for the disk on another thread.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    actor: String,
    action: String,
    object: String,
    detail: BTreeMap<String, Value>,
}

impl Note {
    pub(crate) fn new(actor: &(impl ToString + ?Sized), action: &str, object: &(impl ToString + ?Sized)) -> Self {
        let (actor, object) = (actor.to_string(), object.to_string());
        Self { actor, action: action.to_owned(), object, detail: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    /// Appends the entry and syncs it.
    pub(crate) async fn append(self, audit: &Arc<AuditLog>, now: Timestamp) -> Result<Head, PortalError> {
        let audit = Arc::clone(audit);
        let write = move || {
            let Self { actor, action, object, detail } = &self;
            audit.append(now, &Act { actor, action, object, detail: detail.clone() })
        };
        tokio::task::spawn_blocking(write).await.map_err(PortalError::task)?.map_err(PortalError::Audit)
    }
}
