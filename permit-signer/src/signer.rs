//! The decision to sign. No network: requests come in as text, the clock as an argument.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use policies::application::{
    Application, EnrolmentsRequest, Event, EventRecord, PermitAnswer, PermitRequest, REVOCATION, Refusal, Revocation,
    Revoked, StreamError, Verified,
};
use policies::audit::{Act, AuditLog};
use policies::jws::Document as _;
use policies::keys::{KeyFolder, SigningKey, VerifyingKey};
use policies::passkey::Enrolment;
use policies::status::StatusDocument;
use policies::{ApplicationId, Permit, PermitId, Zone, jws};

use crate::error::SignerError;
use crate::registry::Registry;
use crate::store::{Signed, State, Store};
use crate::witnesses::Witnesses;

const SERVICE: &str = "permit-signer";
const JAPAN: Offset = Offset::constant(9);
/// How far the portal's clock may be ahead.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

/// The events of an application that a request brings, verified as a chain.
struct History<'a> {
    application: &'a ApplicationId,
    head: &'a str,
    unvouched: &'a BTreeSet<String>,
    request: &'a PermitRequest,
}

impl History<'_> {
    /// What came after the events that led to `head`: in a whole chain, after the one that carries its hash. None if the events do
    /// not begin with those.
    fn since(&self, head: &str) -> Option<&[EventRecord]> {
        let end = self.request.records.iter().position(|record| record.hash == head)?;
        self.request.records.get(end + 1..)
    }

    /// Whether it tells of what ends each pause of its application. One from before the pause that was late on its way does not.
    fn goes_on(&self, state: &State) -> bool {
        let resumed = |since: &[EventRecord]| since.iter().any(|record| matches!(record.event, Event::Resumed { .. }));
        let suspended = state.suspended.get(self.application);
        let restricted = state.restricted.get(self.application);
        suspended.is_none_or(|head| self.since(head).is_some_and(resumed))
            && restricted.is_none_or(|head| self.since(head).is_some())
    }
}

/// Permit key, portal's public key, store and audit chain.
pub(crate) struct Signer {
    key: SigningKey,
    portal: VerifyingKey,
    store: Mutex<Store>,
    audit: AuditLog,
}

impl Signer {
    /// Opens keys, store and audit chain. Refuses another zone's keys.
    pub(crate) fn open(keys: &Path, portal: &Path, store: &Path, audit: &Path) -> Result<Self, SignerError> {
        let folder = KeyFolder::open(keys, Zone::Permit).map_err(SignerError::Keys)?;
        let sign = folder.signing("sign").map_err(SignerError::Keys)?;
        Ok(Self {
            key: folder.signing("permit").map_err(SignerError::Keys)?,
            portal: VerifyingKey::read(portal).map_err(SignerError::Keys)?,
            store: Mutex::new(Store::open(store)?),
            audit: AuditLog::open(audit, Zone::Permit, sign).map_err(SignerError::Audit)?,
        })
    }

    /// Signs a permit for a granted application, or says why not. A refusal is recorded too.
    pub(crate) fn issue(&self, request: &str, now: Timestamp) -> Result<PermitAnswer, SignerError> {
        let request: PermitRequest = match jws::verify(jws::EVENTS, request, &self.portal) {
            Ok(request) => request,
            Err(cause) => return self.refused("permit:refused", "request", SignerError::Signature(cause), now),
        };
        let object = match request.records.first() {
            Some(first) => first.application.to_string(),
            None => return self.refused("permit:refused", "request", SignerError::Stream(StreamError::Empty), now),
        };
        self.decide(&request, now).or_else(|error| self.refused("permit:refused", &object, error, now))
    }

    fn decide(&self, request: &PermitRequest, now: Timestamp) -> Result<PermitAnswer, SignerError> {
        // A day on which turns are over does not come sooner by writing so.
        let latest = now.checked_add(SKEW_MAX).unwrap_or(Timestamp::MAX);
        if let Some(record) = request.records.iter().find(|record| record.at > latest) {
            return Err(SignerError::Stream(StreamError::Early { seq: record.seq }));
        }
        let witnesses = self.witnesses(&request.records)?;
        let Verified { state, head, unvouched } =
            Application::verify(&request.records, &witnesses).map_err(SignerError::Stream)?;
        // Nor does an amendment bring to life what was suspended or has ended.
        if state.usage.as_ref().is_some_and(|usage| !usage.is_running()) {
            return Err(SignerError::Conditions(Refusal::OutOfTurn));
        }
        let history = History { application: &state.id, head: &head, unvouched: &unvouched, request };
        self.settle(&history, now, |id| state.permit(id, &head, now, request.until).map_err(SignerError::Conditions))
    }

    /// Signs what `grant` says, once for each history. One that goes on from where a permit was signed leads to a new permit,
    /// and the old one is ended in the same change of state: at no moment do both hold, or neither be known.
    fn settle(
        &self,
        history: &History<'_>,
        now: Timestamp,
        grant: impl FnOnce(PermitId) -> Result<Permit, SignerError>,
    ) -> Result<PermitAnswer, SignerError> {
        let mut store = self.store();
        if store.state.ended.contains(history.application) {
            return Err(SignerError::Ended);
        }
        let replaced = match store.state.applications.get(history.application) {
            None => None,
            // What stood in a status document never holds again: after a pause even the same history leads to another number.
            Some(signed) if signed.head == history.head && !store.state.over().contains(&signed.permit) => {
                let jws = store.read_permit(&signed.permit)?;
                let permit = jws::verify(jws::PERMIT, &jws, &self.key.verifying()).map_err(SignerError::Signature)?;
                return self.answer(permit, jws);
            }
            Some(signed) => {
                replaceable(signed, history, &store.state)?;
                Some(signed.permit.clone())
            }
        };
        if !history.goes_on(&store.state) {
            return Err(SignerError::Suspended);
        }
        let number = store.state.last_number + 1;
        let permit = grant(permit_id(now, number).ok_or(SignerError::NotFound)?)?;
        if store.state.projects.get(&permit.project).is_some_and(|application| application != history.application) {
            return Err(SignerError::ProjectTaken);
        }
        let jws = jws::sign(jws::PERMIT, &permit, &self.key).map_err(SignerError::Sign)?;
        self.record_issue(&permit, replaced.as_ref(), history.request, now)?;
        // The file first: a number that the state names always has its document.
        store.write_permit(&permit.id, &jws)?;
        let mut next = State { last_number: number, ..store.state.clone() };
        let restricted = |record: &&EventRecord| matches!(record.event, Event::Restricted { .. });
        let restrictions = history.request.records.iter().filter(restricted).map(|record| record.hash.clone());
        let signed = Signed {
            head: history.head.to_owned(),
            permit: permit.id.clone(),
            restrictions: restrictions.collect(),
            unvouched: history.unvouched.clone(),
        };
        next.applications.insert(history.application.clone(), signed);
        next.projects.insert(permit.project.clone(), history.application.clone());
        next.revoked_permits.extend(replaced);
        next.restricted.remove(history.application);
        next.suspended.remove(history.application);
        store.replace(next)?;
        self.answer(permit, jws)
    }

    /// Who can say that the acts in `records` are their actors'. Read anew each time, for an operator enrols meanwhile.
    fn witnesses(&self, records: &[EventRecord]) -> Result<Witnesses, SignerError> {
        let store = self.store();
        let registry = Registry::read(store.folder())?;
        let signed = records.first().and_then(|first| store.state.applications.get(&first.application));
        Ok(Witnesses::of(registry.active, records, signed))
    }

    fn record_issue(
        &self,
        permit: &Permit,
        replaced: Option<&PermitId>,
        request: &PermitRequest,
        now: Timestamp,
    ) -> Result<(), SignerError> {
        let id = permit.id.to_string();
        let act = Act::new(SERVICE, "permit:signed", &id)
            .with("application", permit.application.as_str())
            .with("application_head", permit.application_head.as_str())
            .with("project", permit.project.as_str())
            .with("members", permit.members.len())
            .with("expires_at", permit.expires_at.to_string());
        let act = if let Some(replaced) = replaced { act.with("replaces", replaced.as_str()) } else { act };
        self.audit.append(now, &act).map_err(SignerError::Audit)?;
        if let Some(replaced) = replaced {
            let act = Act::new(SERVICE, "permit:revoked", replaced.as_str()).with("replaced_by", permit.id.as_str());
            self.audit.append(now, &act).map_err(SignerError::Audit)?;
        }
        if let Some(head) = &request.portal_head {
            let identity = self.portal.to_hex();
            self.audit.witness(now, Zone::Portal, &identity, head).map_err(SignerError::Audit)?;
        }
        Ok(())
    }

    fn answer(&self, permit: Permit, jws: String) -> Result<PermitAnswer, SignerError> {
        let audit_head = self.audit.head().map_err(SignerError::Audit)?;
        Ok(PermitAnswer { permit, jws, audit_key: self.audit.identity(), audit_head })
    }

    /// Ends an application's permits, for good or for a time, one permit, or a session. What it named never holds again; doing it
    /// twice changes nothing.
    pub(crate) fn revoke(&self, request: &str, now: Timestamp) -> Result<(), SignerError> {
        let request: Revocation = match jws::verify(REVOCATION, request, &self.portal) {
            Ok(request) => request,
            Err(cause) => return self.refused("revocation:refused", "request", SignerError::Signature(cause), now),
        };
        let mut store = self.store();
        let mut next = store.state.clone();
        let (fresh, action, object) = match &request.what {
            Revoked::Application(application) => {
                let permit = next.applications.get(application).map(|signed| signed.permit.clone());
                next.revoked_permits.extend(permit);
                (next.ended.insert(application.clone()), "application:ended", application.to_string())
            }
            Revoked::Permit(permit) => {
                store.read_permit(permit)?;
                (next.revoked_permits.insert(permit.clone()), "permit:revoked", permit.to_string())
            }
            Revoked::Restriction(pause) => (next.restrict(pause)?, "permit:restricted", pause.application.to_string()),
            Revoked::Suspension(pause) => (next.suspend(pause)?, "permit:suspended", pause.application.to_string()),
            Revoked::Session(session) => {
                (next.revoked_sessions.insert(session.clone()), "session:revoked", session_name(session.as_str()))
            }
        };
        if !fresh {
            return Ok(());
        }
        let act = Act::new(request.by.as_str(), action, &object).with("reason", request.reason.as_str());
        self.audit.append(now, &act).map_err(SignerError::Audit)?;
        store.replace(next)
    }

    /// A person's passkeys that count, for the portal: what it records by another one would be believed by nobody.
    pub(crate) fn enrolments(&self, request: &str, now: Timestamp) -> Result<Vec<Enrolment>, SignerError> {
        let request = match EnrolmentsRequest::verify(request, &self.portal) {
            Ok(request) => request,
            Err(cause) => return self.refused("enrolments:refused", "request", SignerError::Signature(cause), now),
        };
        let registry = Registry::read(self.store().folder())?;
        Ok(registry.active.iter().filter(|enrolment| enrolment.user == request.user).cloned().collect())
    }

    /// A freshly signed status document.
    pub(crate) fn status(&self, now: Timestamp) -> Result<String, SignerError> {
        let mut store = self.store();
        let document = StatusDocument {
            sequence: store.next_sequence()?,
            issued_at: now,
            revoked_permits: store.state.over(),
            revoked_sessions: store.state.revoked_sessions.clone(),
        };
        jws::sign(jws::STATUS, &document, &self.key).map_err(SignerError::Sign)
    }

    /// A permit as it was signed.
    pub(crate) fn permit(&self, id: &PermitId) -> Result<String, SignerError> {
        self.store().read_permit(id)
    }

    fn refused<T>(&self, action: &str, object: &str, error: SignerError, now: Timestamp) -> Result<T, SignerError> {
        let act = Act::new(SERVICE, action, object).with("code", error.code());
        self.audit.append(now, &act).map_err(SignerError::Audit)?;
        Err(error)
    }

    // A panic while the lock was held leaves nothing half done: `Store::replace` swaps after the disk.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a longer history may lead to a permit in the place of the one that was signed.
fn replaceable(signed: &Signed, history: &History<'_>, state: &State) -> Result<(), SignerError> {
    history.since(&signed.head).ok_or(SignerError::OtherHistory)?;
    // What somebody ended on purpose does not come back under another number.
    if state.revoked_permits.contains(&signed.permit) { Err(SignerError::Ended) } else { Ok(()) }
}

fn permit_id(now: Timestamp, number: u32) -> Option<PermitId> {
    let year = now.to_zoned(TimeZone::fixed(JAPAN)).year();
    format!("P-{year:04}-{number:06}").parse().ok()
}

/// The first eight digits: enough to find a session again, too few to be one.
fn session_name(session: &str) -> String {
    session.chars().take(8).collect()
}

#[cfg(test)]
mod tests;
