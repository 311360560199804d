//! The pure part of admission: documents in, one permit or a rejection out.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use policies::jws::Document as _;
use policies::keys::VerifyingKey;
use policies::session::{DummyToken, SessionToken};
use policies::status::StatusDocument;
use policies::{Permit, PermitId, ProjectId, UserId, jws};

use super::Rejection;

/// Reads a session token: the portal's signature, and its time.
pub(super) fn read_token(text: &str, key: &VerifyingKey, now: Timestamp) -> Result<SessionToken, Rejection> {
    let token: SessionToken = jws::verify(jws::SESSION, text, key).map_err(|_| {
        // Nothing is let in by it: who mixed up two tokens is told so.
        if DummyToken::verify(text, key).is_ok() { Rejection::TokenForDummies } else { Rejection::TokenInvalid }
    })?;
    if token.holds_at(now) { Ok(token) } else { Err(Rejection::TokenExpired) }
}

/// Reads a permit: the signer's signature, and that it is the one asked for.
pub(super) fn read_permit(text: &str, id: &PermitId, key: &VerifyingKey) -> Result<Permit, Rejection> {
    let permit: Permit = jws::verify(jws::PERMIT, text, key).map_err(|_| Rejection::PermitInvalid)?;
    if permit.id == *id { Ok(permit) } else { Err(Rejection::PermitInvalid) }
}

/// What is asked of a permit.
pub(super) struct Wanted<'a> {
    pub(super) user: &'a UserId,
    pub(super) address: Option<IpAddr>,
    pub(super) project: Option<&'a ProjectId>,
    pub(super) status: &'a StatusDocument,
    pub(super) now: Timestamp,
}

impl Wanted<'_> {
    /// Whether the permit is this person's and holds now and here.
    pub(super) fn holds(&self, permit: &Permit) -> Result<(), Rejection> {
        let terms = permit.members.get(self.user).ok_or(Rejection::NotAMember)?;
        if self.status.revoked_permits.contains(&permit.id) {
            Err(Rejection::PermitRevoked)
        } else if !permit.holds_at(self.now) {
            Err(Rejection::PermitExpired)
        } else if terms.until <= self.now {
            Err(Rejection::TrainingLapsed)
        } else if terms.is_place(self.address) {
            Ok(())
        } else {
            Err(Rejection::OtherPlace)
        }
    }
}

/// The one permit to run under: the project's if one is asked for, else the only project of the session. Of several for one
/// project the latest that holds.
pub(super) fn choose(found: Vec<Result<Permit, Rejection>>, wanted: &Wanted<'_>) -> Result<Permit, Rejection> {
    let mut first_rejection = None;
    let mut permits = Vec::new();
    for permit in found {
        match permit {
            Ok(permit) if permit.members.contains_key(wanted.user) => permits.push(permit),
            Ok(_) => first_rejection = first_rejection.or(Some(Rejection::NotAMember)),
            Err(rejection) => first_rejection = first_rejection.or(Some(rejection)),
        }
    }
    if permits.is_empty() {
        return Err(first_rejection.unwrap_or(Rejection::NoPermit));
    }
    if let Some(project) = wanted.project {
        permits.retain(|permit| permit.project == *project);
    } else {
        let projects: BTreeSet<_> = permits.iter().map(|permit| permit.project.clone()).collect();
        if projects.len() > 1 {
            return Err(Rejection::ChooseProject { projects: projects.into_iter().collect() });
        }
    }
    permits.sort_by_key(|permit| permit.issued_at);
    // What the latest lacks is told: the ones before it are revoked because it came in their place.
    let mut rejection = None;
    for permit in permits.into_iter().rev() {
        match wanted.holds(&permit) {
            Ok(()) => return Ok(permit),
            Err(why) => rejection = rejection.or(Some(why)),
        }
    }
    Err(rejection.unwrap_or(Rejection::OtherProject))
}
