//! The append-only stream of an application's events, chained by hash.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::command::Actor;
use super::event::Event;
use super::{Application, apply, decide};
use crate::id::ApplicationId;

/// `prev` of the first record: 64 zeros.
pub const FIRST_PREV: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One event in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRecord {
    /// Whose event.
    pub application: ApplicationId,
    /// 1, 2, 3 …
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, with the roles and the organisation of that moment.
    pub by: Actor,
    /// What.
    pub event: Event,
    /// Hash of the record before; [`FIRST_PREV`] in the first.
    pub prev: String,
    /// SHA-256 (hex) of this record's JSON with an empty `hash`. The JSON is the type's own: fields in declared order, maps
    /// and sets sorted, no spaces.
    pub hash: String,
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
    /// The rules do not lead to this event.
    #[error("event {seq} does not follow from the rules")]
    Undecided {
        /// Its place.
        seq: u64,
        /// Why not, if the rules say so.
        #[source]
        cause: Option<super::Refusal>,
    },
    /// No events.
    #[error("the application has no events")]
    Empty,
}

impl EventRecord {
    /// Puts an event after `last`.
    pub fn after(application: &ApplicationId, last: Option<&Self>, draft: Draft) -> Self {
        let mut record = Self {
            application: application.clone(),
            seq: last.map_or(1, |last| last.seq + 1),
            at: draft.at,
            by: draft.by,
            event: draft.event,
            prev: last.map_or_else(|| FIRST_PREV.to_owned(), |last| last.hash.clone()),
            hash: String::new(),
        };
        record.hash = record.computed_hash();
        record
    }

    fn computed_hash(&self) -> String {
        let bare = Self { hash: String::new(), ..self.clone() };
        // A record that cannot be written gets a hash that no record carries.
        serde_json::to_vec(&bare).map(|bytes| hex::encode(Sha256::digest(bytes))).unwrap_or_default()
    }

    fn fits(&self, application: &ApplicationId, last: Option<&Self>) -> bool {
        let hash = self.computed_hash();
        self.application == *application
            && self.seq == last.map_or(1, |last| last.seq + 1)
            && self.prev == last.map_or(FIRST_PREV, |last| last.hash.as_str())
            && last.is_none_or(|last| last.at <= self.at)
            && !hash.is_empty()
            && self.hash == hash
    }
}

impl Application {
    /// Checks the chain of `records`, decides each of them again by the same rules, and gives the state and the last hash.
    pub fn verify(records: &[EventRecord]) -> Result<(Self, String), StreamError> {
        let first = records.first().ok_or(StreamError::Empty)?;
        let id = first.application.clone();
        let mut state = Self::unwritten(id.clone());
        let mut last: Option<&EventRecord> = None;
        for record in records {
            let seq = record.seq;
            if !record.fits(&id, last) {
                return Err(StreamError::Broken { seq });
            }
            let decided = decide(&state, &record.by, record.event.asked(record.at))
                .map_err(|refusal| StreamError::Undecided { seq, cause: Some(refusal) })?;
            if !record.event.is_by(&record.by) || decided != [record.event.clone()] {
                return Err(StreamError::Undecided { seq, cause: None });
            }
            state = apply(state, &record.event);
            last = Some(record);
        }
        let head = last.map(|record| record.hash.clone()).unwrap_or_default();
        Ok((state, head))
    }
}
