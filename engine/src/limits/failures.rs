//! Failures of a project on a day. Whether a query fails can depend on data, so each failure is a bit that is counted; too
//! many, and the project rests until the next day (disclosure.md, "Side channels").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use policies::ProjectId;
use policies::audit::Entry;

use crate::error::QueryError;

/// A day begins at midnight in Japan.
const JAPAN: Offset = Offset::constant(9);
/// What is counted. Cancelling is the asker's own doing and a lost veil the engine's.
const COUNTED: [QueryError; 5] = [
    QueryError::Failed,
    QueryError::TooLarge,
    QueryError::TooMuchMemory,
    QueryError::TooSlow,
    QueryError::WorkspaceFull,
];

/// Counts by project and day.
pub(crate) struct Failures {
    a_day: u32,
    counted: Mutex<HashMap<ProjectId, (Date, u32)>>,
}

impl Failures {
    /// `a_day`: how many a project may have. `entries`: the audit chain, so that a restart forgets nothing.
    pub(crate) fn new(a_day: u32, entries: &[Entry], now: Timestamp) -> Self {
        let failures = Self { a_day, counted: Mutex::default() };
        let counts = |entry: &&Entry| {
            let code = entry.detail.get("code").and_then(serde_json::Value::as_str);
            entry.action == "query:failed" && code.is_some_and(|code| COUNTED.iter().any(|error| error.code() == code))
        };
        for entry in entries.iter().filter(|entry| day(entry.at) == day(now)).filter(counts) {
            if let Ok(project) = entry.object.parse() {
                failures.add(&project, entry.at);
            }
        }
        failures
    }

    /// Counts a failure, if it is one that data can cause.
    pub(crate) fn count(&self, project: &ProjectId, error: QueryError, now: Timestamp) {
        if COUNTED.contains(&error) {
            self.add(project, now);
        }
    }

    /// Whether the project rests.
    pub(crate) fn paused(&self, project: &ProjectId, now: Timestamp) -> bool {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.get(project).is_some_and(|(at, count)| *at == day(now) && *count >= self.a_day)
    }

    fn add(&self, project: &ProjectId, at: Timestamp) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = counted.entry(project.clone()).or_insert_with(|| (day(at), 0));
        if entry.0 != day(at) {
            *entry = (day(at), 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

/// The day that a moment lies in, as projects are counted by it.
pub(crate) fn day(at: Timestamp) -> Date {
    JAPAN.to_datetime(at).date()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn a_project_rests_until_midnight_in_japan_and_others_do_not() {
        let failures = Failures::new(20, &[], Timestamp::UNIX_EPOCH);
        let now: Timestamp = "2026-11-21T14:59:00Z".parse().unwrap();
        let (own, other): (ProjectId, ProjectId) = ("a".parse().unwrap(), "b".parse().unwrap());
        for _ in 0..19 {
            failures.count(&own, QueryError::Failed, now);
        }
        failures.count(&own, QueryError::Unveiled, now);
        assert!(!failures.paused(&own, now));
        failures.count(&own, QueryError::TooSlow, now);
        assert!(failures.paused(&own, now) && !failures.paused(&other, now));
        assert!(!failures.paused(&own, now + 1.minute()));
        failures.count(&own, QueryError::Failed, now + 1.minute());
        assert!(!failures.paused(&own, now + 2.minutes()));
    }
}
