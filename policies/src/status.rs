//! The status document: what has been revoked. Signed by the permit signer, valid for 60 seconds; the engine fails closed without it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{PermitId, SessionId};

/// How long a status document may be believed (DESIGN.md, "Zones").
pub const VALID_FOR: Duration = Duration::from_mins(1);

/// The claims of a status document's JWS (`typ` = [`crate::jws::STATUS`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusDocument {
    /// Grows with each document; an older one than seen is refused.
    pub sequence: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Permits that no longer hold.
    pub revoked_permits: BTreeSet<PermitId>,
    /// Sessions that no longer hold.
    pub revoked_sessions: BTreeSet<SessionId>,
}

impl StatusDocument {
    /// Whether the document may be believed at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.issued_at);
        age >= jiff::SignedDuration::from_secs(-5) && (age.is_negative() || age.unsigned_abs() <= VALID_FOR)
    }
}
