//! Who asks, and when.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use super::content::Affiliation;
use crate::id::UserId;
use crate::role::Role;
use crate::source::SourceId;

/// Hours that Japan's time is ahead of UTC; no daylight saving.
const JAPAN: Offset = Offset::constant(9);

/// Who acts, as the portal knows the person at that moment. Recorded with each event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The account.
    pub user: UserId,
    /// Where the person works.
    pub affiliation: Affiliation,
    /// The person's roles.
    pub roles: BTreeSet<Role>,
    /// Seats of the committee that the person holds.
    #[serde(default)]
    pub seats: BTreeSet<String>,
    /// Sources that the person answers for as a steward.
    #[serde(default)]
    pub holds: BTreeSet<SourceId>,
}

impl Actor {
    /// Whether the person has that role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Who.
    pub by: &'a Actor,
    /// When: the time with which the event is recorded, and decided again.
    pub at: Timestamp,
}

impl Asking<'_> {
    /// The day in Japan.
    pub fn day(&self) -> Date {
        day_of(self.at)
    }
}

/// The day in Japan.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::fixed(JAPAN)).date()
}

/// When a day begins in Japan; the beginning of time for a day before it.
pub(super) fn start_of(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::fixed(JAPAN)).map_or(Timestamp::MIN, |day| day.timestamp())
}

/// When a day ends in Japan; the end of time for the last day.
pub(super) fn end_of(day: Date) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, start_of)
}
