//! Events with their place: chained by hash, signed where they count, decided again by whoever has to believe them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::actor::{Actor, Asking};
use super::acts::Event;
use super::apply::{Act, apply};
use super::decide::decide;
use super::rules::Rules;
use super::{Application, Refusal};
use crate::id::ApplicationId;
use crate::passkey::{ActSignature, Base64Url, Challenge, Claims, Keyring};

/// What the first record says of the one before it.
pub const FIRST_PREV: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An event with its place in the application's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRecord {
    /// Whose.
    pub application: ApplicationId,
    /// From 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, with the roles and the affiliation of that moment.
    pub by: Actor,
    /// Edition of the rules.
    pub policy: String,
    /// What.
    pub event: Event,
    /// Hash of the record before; [`FIRST_PREV`] in the first.
    pub prev: String,
    /// SHA-256 (hex) of this record's JSON with an empty `hash` and without `signature`. The JSON is the type's own: fields in
    /// declared order, maps and sets sorted, no spaces.
    pub hash: String,
    /// The actor's passkey signature over the hash, where the event must have one.
    #[serde(default)]
    pub signature: Option<ActSignature>,
}

/// An event before it has a place.
#[derive(Clone, Debug)]
pub struct Draft {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What.
    pub event: Event,
}

/// Why a stream of events is not believed.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A record's number, link or hash does not fit.
    #[error("event {seq} does not fit into the application's chain; the stream was changed or is incomplete")]
    Broken {
        /// Its place.
        seq: u64,
    },
    /// The edition of the rules is not known here.
    #[error("event {seq} names an edition of the rules that is not known here")]
    UnknownRules {
        /// Its place.
        seq: u64,
    },
    /// The rules do not lead to this event.
    #[error("event {seq} does not follow from the rules")]
    Undecided {
        /// Its place.
        seq: u64,
        /// Why not, if the rules say so.
        #[source]
        cause: Option<Refusal>,
    },
    /// An act that counts without a signature of its actor that this zone knows.
    #[error("event {seq} does not carry its actor's signature by a passkey that is enrolled here")]
    Unsigned {
        /// Its place.
        seq: u64,
    },
    /// A time that is still to come.
    #[error("event {seq} is dated in the future; compare the clocks of the portal and of this machine")]
    Early {
        /// Its place.
        seq: u64,
    },
    /// No events.
    #[error("the application has no events")]
    Empty,
}

/// Who can say whether a signature is the actor's.
pub trait Vouching {
    /// Whether the signature over `challenge` is this person's, in the roles, seats, sources and affiliation that the act claims.
    fn vouches(&self, by: &Actor, challenge: &Challenge, signature: &ActSignature) -> bool;
}

impl Vouching for Keyring {
    fn vouches(&self, by: &Actor, challenge: &Challenge, signature: &ActSignature) -> bool {
        let claims = Claims { user: &by.user, roles: &by.roles, seats: &by.seats, holds: &by.holds };
        self.knows(by, &signature.credential) && self.vouches(claims, challenge, signature).is_ok()
    }
}

impl Keyring {
    /// Whether this is a passkey of the person, enrolled for all that the person acts as.
    pub fn knows(&self, by: &Actor, credential: &Base64Url) -> bool {
        self.iter().any(|enrolment| {
            enrolment.credential == *credential
                && enrolment.user == by.user
                // Who works elsewhere by the portal's word alone would be far from the applicants by its word alone.
                && enrolment.affiliation.is_same_as(&by.affiliation)
                && by.roles.is_subset(&enrolment.roles)
                && by.seats.is_subset(&enrolment.seats)
                && by.holds.is_subset(&enrolment.holds)
        })
    }
}

/// A stream that is believed.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Where it leads.
    pub state: Application,
    /// The last hash.
    pub head: String,
    /// Hashes of the pledges that nobody vouches for. The state does not know them, so no permit names their members; they break
    /// nothing, or each member could keep everybody from a permit, and from a restriction.
    pub unvouched: BTreeSet<String>,
}

impl EventRecord {
    /// Puts an event after `last`, under the present rules.
    pub fn after(application: &ApplicationId, last: Option<&Self>, draft: Draft) -> Self {
        let mut record = Self {
            application: application.clone(),
            seq: last.map_or(1, |last| last.seq + 1),
            at: draft.at,
            by: draft.by,
            policy: Rules::current().version.clone(),
            event: draft.event,
            prev: last.map_or_else(|| FIRST_PREV.to_owned(), |last| last.hash.clone()),
            hash: String::new(),
            signature: None,
        };
        record.hash = record.computed_hash();
        record
    }

    /// What the actor signs: the bytes of the hash.
    pub fn challenge(&self) -> Option<Challenge> {
        let mut challenge = Challenge::default();
        hex::decode_to_slice(&self.hash, &mut challenge).ok().map(|()| challenge)
    }

    /// The act, under its edition of the rules or, where that is not known, the present one.
    pub fn act(&self) -> Act<'_> {
        let rules = Rules::of(&self.policy).unwrap_or_else(Rules::current);
        Act { by: &self.by, at: self.at, rules, event: &self.event }
    }

    /// Whether the hash is the record's own.
    pub fn is_whole(&self) -> bool {
        let hash = self.computed_hash();
        !hash.is_empty() && self.hash == hash
    }

    fn computed_hash(&self) -> String {
        let bare = Self { hash: String::new(), signature: None, ..self.clone() };
        // A record that cannot be written gets a hash that no record carries.
        serde_json::to_vec(&bare).map(|bytes| hex::encode(Sha256::digest(bytes))).unwrap_or_default()
    }

    fn fits(&self, application: &ApplicationId, last: Option<&Self>) -> bool {
        self.application == *application
            && self.seq == last.map_or(1, |last| last.seq + 1)
            && self.prev == last.map_or(FIRST_PREV, |last| last.hash.as_str())
            && last.is_none_or(|last| last.at <= self.at)
            && self.is_whole()
    }

    fn is_vouched_for(&self, vouching: &impl Vouching) -> bool {
        let signed = self.signature.as_ref().zip(self.challenge());
        match signed {
            Some((signature, challenge)) => vouching.vouches(&self.by, &challenge, signature),
            None => !self.event.must_be_signed(),
        }
    }
}

impl Application {
    /// Checks the chain of `records` and the signatures in it, and decides each of them again by its edition of the rules.
    ///
    /// # Errors
    /// The first record that is not believed.
    pub fn verify(records: &[EventRecord], vouching: &impl Vouching) -> Result<Verified, StreamError> {
        let first = records.first().ok_or(StreamError::Empty)?;
        let id = first.application.clone();
        let mut state = Self::unwritten(id.clone());
        let mut unvouched = BTreeSet::new();
        let mut last: Option<&EventRecord> = None;
        for record in records {
            let seq = record.seq;
            if !record.fits(&id, last) {
                return Err(StreamError::Broken { seq });
            }
            let rules = Rules::of(&record.policy).ok_or(StreamError::UnknownRules { seq })?;
            let asking = Asking { by: &record.by, at: record.at };
            let decided = decide(rules, &state, &asking, record.event.clone().asked())
                .map_err(|refusal| StreamError::Undecided { seq, cause: Some(refusal) })?;
            if decided != [record.event.clone()] {
                return Err(StreamError::Undecided { seq, cause: None });
            }
            last = Some(record);
            if record.is_vouched_for(vouching) {
                state = apply(state, &record.act());
            } else if matches!(record.event, Event::PledgeSigned { .. }) {
                unvouched.insert(record.hash.clone());
            } else {
                return Err(StreamError::Unsigned { seq });
            }
        }
        let head = last.map(|record| record.hash.clone()).unwrap_or_default();
        Ok(Verified { state, head, unvouched })
    }
}
