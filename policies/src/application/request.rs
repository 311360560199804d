//! What portal and permit signer say to each other.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::stream::EventRecord;
use crate::audit::Head;
use crate::id::{ApplicationId, PermitId, SessionId, UserId};
use crate::jws::Document;
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

/// An application's permits, for good or for a time, one permit, or a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revoked {
    /// Whatever was signed for an application, also what the portal never heard of, and whatever would be: for good.
    Application(ApplicationId),
    /// A permit, for good.
    Permit(PermitId),
    /// Whatever was signed for an application, until its history tells of the restriction whose record the pause names.
    Restriction(Pause),
    /// A signed-in session with all its tokens.
    Session(SessionId),
    /// Whatever was signed for an application, until its history tells, after the record that the pause names, that the use was
    /// resumed. No permit comes back itself: that history leads to a new one.
    Suspension(Pause),
}

/// From which place of its history on an application's permit does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The application.
    pub application: ApplicationId,
    /// Hash of the record. A history without it is older than the pause.
    pub head: String,
}

/// The claims of the JWS that `POST /enrolments` takes: whose passkeys that count are asked for. The answer is a list of
/// [`Enrolment`](crate::passkey::Enrolment)s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentsRequest {
    /// Whose.
    pub user: UserId,
}

impl Document for EnrolmentsRequest {
    const KIND: &'static str = "sudare-enrolments+jws";
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
