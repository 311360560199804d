//! How much a project and the whole engine may do at a time (disclosure.md, "Limits against load").

mod failures;
pub(crate) mod progress;
mod queue;

use std::time::Duration;

use serde::Deserialize;

pub(crate) use failures::{Failures, day};
pub(crate) use progress::{Progress, Reading};
pub(crate) use queue::Queue;

use crate::execute::Limits;

/// A revoked permit ends running queries within a minute: the question is asked at least this often.
const RECHECK_SECONDS_MAX: u64 = 20;

/// The section `[engine.limits]` of the configuration. Whatever is left out has its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineLimits {
    /// Memory of one query, in MiB.
    pub memory_mib: usize,
    /// Longest run of one query, in seconds.
    pub run_seconds: u64,
    /// Threads that one query uses at a time.
    pub partitions: usize,
    /// Queries that run at a time.
    pub running: usize,
    /// Of one project.
    pub project_running: usize,
    /// Queries that wait for a place.
    pub waiting: usize,
    /// Of one project.
    pub project_waiting: usize,
    /// Longest wait for a place, in seconds.
    pub wait_seconds: u64,
    /// Queries of a project that may fail on a day; then the project rests until the next (disclosure.md, "Side channels").
    pub failures_a_day: u32,
    /// Bytes of a project's workspace tables, in MiB.
    pub project_work_mib: u64,
    /// How often permit and session are asked for again while a query runs, in seconds; 20 at most.
    pub recheck_seconds: u64,
    /// Whether answers leave at ticks only (disclosure.md, V-TIME). Off in benchmarks; no configuration file can say so.
    #[serde(skip)]
    pub answer_ticks: bool,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            memory_mib: 2048,
            run_seconds: 600,
            partitions: 2,
            running: 16,
            project_running: 4,
            waiting: 256,
            project_waiting: 32,
            wait_seconds: 300,
            failures_a_day: 20,
            project_work_mib: 4096,
            recheck_seconds: RECHECK_SECONDS_MAX,
            answer_ticks: true,
        }
    }
}

impl EngineLimits {
    /// What one query may take.
    pub(crate) fn of_a_query(&self) -> Limits {
        Limits {
            memory_bytes: self.memory_mib.saturating_mul(1 << 20),
            run_max: self.run_max(),
            partitions: self.partitions.max(1),
        }
    }

    pub(crate) fn run_max(&self) -> Duration {
        Duration::from_secs(self.run_seconds)
    }

    pub(crate) fn wait_max(&self) -> Duration {
        Duration::from_secs(self.wait_seconds)
    }

    pub(crate) fn recheck_every(&self) -> Duration {
        Duration::from_secs(self.recheck_seconds.clamp(1, RECHECK_SECONDS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cannot_switch_the_ticks_off_or_the_questions_apart() {
        let read = |text: &str| serde_json::from_str::<EngineLimits>(text);
        assert_eq!(read("{}").unwrap(), EngineLimits::default());
        assert!(read(r#"{"running": 3}"#).unwrap().answer_ticks);
        assert!(read(r#"{"answer_ticks": false}"#).is_err());
        assert!(read(r#"{"runing": 3}"#).is_err());
        let seldom = read(r#"{"recheck_seconds": 3600}"#).unwrap();
        assert_eq!(seldom.recheck_every(), Duration::from_secs(20));
    }
}
