//! How much of a query is done: a coarse share of the buckets, never rows (disclosure.md, "Side channels").

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A whole, in thousandths.
const WHOLE: u32 = 1000;
/// What leaves the enclave is rounded down to this many thousandths.
const STEP: u32 = 50;

/// The share that is done, in thousandths. Whoever runs the query sets it; clones share one number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicU32>);

impl Progress {
    /// `done` of `all` buckets have been read. Never goes back.
    #[cfg_attr(not(test), expect(dead_code, reason = "set by the operators that read buckets"))]
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
}
