//! What every page stands on: database, policy, audit chain, keys, the way to signer and engine.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use policies::Role;
use policies::access::{Access, Action, Relation};
use policies::audit::AuditLog;
use policies::keys::SigningKey;
use policies::passkey::RelyingParty;

use crate::application::Kept;
use crate::authenticator::DemoAuthenticator;
use crate::database::Database;
use crate::factors::FactorKey;
use crate::oidc::Institutions;
use crate::query::{DummyEngine, QueryRunner};
use crate::review::ReviewFile;
use crate::signer::SignerClient;
use crate::workbench::running::Running;

/// Shared state of all handlers.
#[derive(Clone)]
pub(crate) struct Portal(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) db: Database,
    pub(crate) access: Access,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) audit_folder: PathBuf,
    pub(crate) session_key: SigningKey,
    /// The zone's `sign` key, for what operators carry to other zones.
    pub(crate) sign_key: SigningKey,
    pub(crate) factor_key: FactorKey,
    /// Where else people may sign in.
    pub(crate) institutions: Institutions,
    /// Whom passkeys sign for.
    pub(crate) party: RelyingParty,
    /// The same passkeys at the signing desk: what acts are signed for.
    pub(crate) desk: RelyingParty,
    /// The demo's own, none elsewhere.
    pub(crate) demo: Option<Arc<dyn DemoAuthenticator>>,
    /// Whether a proxy stands before the portal and says who asks.
    pub(crate) behind_proxy: bool,
    pub(crate) signer: SignerClient,
    pub(crate) runner: Arc<dyn QueryRunner>,
    /// The engine for dummy data, if there is one.
    pub(crate) dummy: Option<DummyEngine>,
    pub(crate) running: Running,
    pub(crate) review: Option<ReviewFile>,
    /// Open applications as they were read last.
    pub(crate) open: Kept,
    /// Where mails lead readers to; none if no mail is sent.
    pub(crate) mail: Option<String>,
    /// Whether another system is told of every event.
    pub(crate) webhook: bool,
    pub(crate) synthetic: bool,
    pub(crate) clock: fn() -> Timestamp,
}

impl Portal {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether casbin lets these roles, or a visitor, do this to an object in that relation.
    pub(crate) fn may(&self, roles: Option<&BTreeSet<Role>>, relation: Relation, what: Action) -> bool {
        match roles {
            Some(roles) => self.access.person_may(roles, relation, what),
            None => self.access.visitor_may(what),
        }
    }
}

impl std::ops::Deref for Portal {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Portal")
    }
}
