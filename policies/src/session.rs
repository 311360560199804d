//! The session token: who asks, since when, under which of that person's permits. Signed by the portal, at most 15 minutes.
//! The one for dummy releases is another document: it names no permit, and neither is ever taken for the other.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{PermitId, SessionId, UserId};

/// How long a session token may live (DESIGN.md, "Zones").
pub const LIFETIME_MAX: Duration = Duration::from_mins(15);

/// The claims of a session token's JWS (`typ` = [`crate::jws::SESSION`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionToken {
    /// The person.
    pub user: UserId,
    /// The signed-in session; revoking it ends every token of it.
    pub session: SessionId,
    /// When the second factor was given, if it was.
    #[serde(default)]
    pub second_factor_at: Option<Timestamp>,
    /// A subset of the person's permits.
    pub permits: BTreeSet<PermitId>,
    /// From where the person asks: of a query that the portal itself sends for a browser. A token that leaves the portal has none,
    /// for its query comes from the address that the engine sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// From when.
    pub issued_at: Timestamp,
    /// Until when, at most [`LIFETIME_MAX`] later.
    pub expires_at: Timestamp,
}

impl SessionToken {
    /// Whether the token holds at `now`: not yet over, not from the future, not longer than allowed.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        hold_at((self.issued_at, self.expires_at), now)
    }
}

/// The claims of the JWS (`typ` = [`crate::jws::DUMMY_SESSION`]) of whoever asks dummy releases: any signed-in person, no permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DummyToken {
    /// The person.
    pub user: UserId,
    /// The signed-in session.
    pub session: SessionId,
    /// From when.
    pub issued_at: Timestamp,
    /// Until when, at most [`LIFETIME_MAX`] later.
    pub expires_at: Timestamp,
}

impl DummyToken {
    /// Whether the token holds at `now`, as [`SessionToken::holds_at`].
    pub fn holds_at(&self, now: Timestamp) -> bool {
        hold_at((self.issued_at, self.expires_at), now)
    }
}

impl crate::jws::Document for DummyToken {
    const KIND: &'static str = crate::jws::DUMMY_SESSION;
}

fn hold_at((from, until): (Timestamp, Timestamp), now: Timestamp) -> bool {
    let lifetime = until.duration_since(from);
    let skew = jiff::SignedDuration::from_secs(5);
    from.duration_since(now) <= skew && now < until && lifetime.unsigned_abs() <= LIFETIME_MAX
}
