//! What portal and permit signer say to each other.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::stream::EventRecord;
use crate::audit::Head;
use crate::id::{PermitId, SessionId, UserId};
use crate::permit::Permit;

/// `typ` of a revocation on its way from the portal to the signer.
pub const REVOCATION: &str = "sudare-revocation+jws";

/// The claims of the JWS that `POST /permits` takes (`typ` = [`crate::jws::EVENTS`], signed by the portal's `sign` key).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitRequest {
    /// All events of the application, from the first.
    pub records: Vec<EventRecord>,
    /// Until when the permit should hold; the end of the period that was granted if absent or earlier.
    pub until: Option<Timestamp>,
    /// Where the portal's audit chain stands; the signer's chain witnesses it.
    pub portal_head: Option<Head>,
}

/// What `POST /permits` answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitAnswer {
    /// The permit as signed, for showing.
    pub permit: Permit,
    /// The document itself.
    pub jws: String,
    /// Public key of the signer's audit chain (hex).
    pub audit_key: String,
    /// Where that chain stands; the portal's chain witnesses it.
    pub audit_head: Head,
}

/// The claims of the JWS that `POST /revocations` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// What ends.
    pub what: Revoked,
    /// Why.
    pub reason: String,
    /// Who ended it, by sign-in name.
    pub by: UserId,
}

/// A permit, for good or for a time, or a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revoked {
    /// A permit, for good.
    Permit(PermitId),
    /// A signed-in session with all its tokens.
    Session(SessionId),
    /// A permit while its use is suspended. It does not come back itself: after the use was resumed, the longer history of the
    /// application leads to a new one.
    Suspension(PermitId),
}

/// What a refused request gets, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalAnswer {
    /// Stable code.
    pub code: String,
    /// One sentence.
    pub message: String,
}
