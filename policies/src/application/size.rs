//! How long an application's stream may grow. The permit signer takes it whole, so one that it would not take could be neither
//! restricted nor resumed: whoever may go on writing is stopped before, and what the office has to do always fits.

use std::io;

use serde::Serialize;

use super::Application;
use super::actor::Actor;
use super::acts::Event;
use super::refusal::Refusal;
use crate::role::Role;

/// Longest stream: bytes of its records in JSON.
pub const STREAM_MAX: usize = 32 * 1024 * 1024;
/// Kept free of what applicants, holders and reviewers can say again and again.
const RESERVE: usize = 8 * 1024 * 1024;
/// Kept free of what the secretariat can say again and again.
const LAST_RESERVE: usize = 4 * 1024 * 1024;
/// Longest content: bytes of its JSON.
pub(super) const CONTENT_MAX: usize = 512 * 1024;
/// A record has besides its event: who, when, hashes; at most these bytes.
const RECORD_MAX: usize = 8 * 1024;
/// Four parts of a signature with at most 4,096 bytes each, in base64url.
const SIGNATURE_MAX: usize = 24 * 1024;

/// How much a stream grows by the event, at most.
pub(super) fn weight(event: &Event) -> usize {
    json_bytes(event) + RECORD_MAX + if event.must_be_signed() { SIGNATURE_MAX } else { 0 }
}

/// Refuses what has no place any more.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest has its turn: another's act lies between one and the next"
)]
pub(super) fn check(state: &Application, by: &Actor, event: &Event) -> Result<(), Refusal> {
    let is_office = by.is(Role::Secretariat) && !state.is_party(&by.user);
    let reserve = match event {
        Event::Amended { .. }
        | Event::Commented { .. }
        | Event::ConditionReported { .. }
        | Event::Drafted { .. }
        | Event::Edited { .. }
        | Event::IncidentFollowed { .. }
        | Event::IncidentReported { .. }
        | Event::InterestDeclared { .. }
        | Event::MemberJoined { .. }
        | Event::ResultsPublished { .. } => {
            if is_office {
                LAST_RESERVE
            } else {
                RESERVE
            }
        }
        _ => 0,
    };
    if state.bytes + weight(event) + reserve > STREAM_MAX { Err(Refusal::StreamFull) } else { Ok(()) }
}

/// The length of a value in JSON.
pub(super) fn json_bytes(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // Counting does not fail; what has no JSON has no place.
    serde_json::to_writer(&mut count, value).map_or(STREAM_MAX, |()| count.0)
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
