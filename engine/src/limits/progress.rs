//! How much of a query is done: a coarse share of the buckets, never rows (disclosure.md, "Side channels").

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A whole, in thousandths.
const WHOLE: u32 = 1000;
/// What leaves the enclave is rounded down to this many thousandths.
const STEP: u32 = 50;

/// The share that is done, in thousandths. Whoever runs the query sets it; clones share one number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicU32>);

impl Progress {
    /// `done` of `all` buckets have been read. Never goes back.
    pub(crate) fn set(&self, done: u64, all: u64) {
        let share = done.min(all).saturating_mul(u64::from(WHOLE)).checked_div(all).unwrap_or_default();
        self.0.fetch_max(u32::try_from(share).unwrap_or(WHOLE), Ordering::Relaxed);
    }

    /// The share that may be told: 0 to 1, in steps of a twentieth.
    pub(crate) fn told(&self) -> f64 {
        let share = self.0.load(Ordering::Relaxed).min(WHOLE);
        f64::from(share / STEP * STEP) / f64::from(WHOLE)
    }
}

/// Counts the buckets that a query has read, stage by stage. Scans find it in the session's extensions.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    progress: Progress,
    stage: AtomicU64,
    stages: AtomicU64,
    done: AtomicU64,
    all: AtomicU64,
}

impl Reading {
    /// The share that is told.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The next stage, out of so many, reads so many buckets.
    pub(crate) fn begin(&self, stage: u64, stages: u64, buckets: u64) {
        self.stage.store(stage, Ordering::Relaxed);
        self.stages.store(stages, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.all.store(buckets, Ordering::Relaxed);
        self.tell(0);
    }

    /// One bucket has been read to its end.
    pub(crate) fn bucket_done(&self) {
        self.tell(1 + self.done.fetch_add(1, Ordering::Relaxed));
    }

    fn tell(&self, done: u64) {
        let all = self.all.load(Ordering::Relaxed).max(1);
        let before = self.stage.load(Ordering::Relaxed).saturating_mul(all);
        self.progress.set(before + done.min(all), self.stages.load(Ordering::Relaxed).saturating_mul(all));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_steps_and_never_goes_back() {
        let progress = Progress::default();
        let reader = progress.clone();
        assert!(reader.told().abs() < 1e-9);
        progress.set(13, 64);
        assert!((reader.told() - 0.2).abs() < 1e-9);
        progress.set(1, 64);
        assert!((reader.told() - 0.2).abs() < 1e-9);
        progress.set(99, 64);
        assert!((reader.told() - 1.0).abs() < 1e-9);
        progress.set(1, 0);
        assert!((reader.told() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn stages_share_the_whole() {
        let reading = Reading::default();
        reading.begin(0, 2, 4);
        (0..3).for_each(|_| reading.bucket_done());
        assert!((reading.progress().told() - 0.35).abs() < 1e-9);
        reading.begin(1, 2, 8);
        assert!((reading.progress().told() - 0.5).abs() < 1e-9);
        (0..8).for_each(|_| reading.bucket_done());
        assert!((reading.progress().told() - 1.0).abs() < 1e-9);
    }
}
