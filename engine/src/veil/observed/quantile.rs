//! Quantiles: enough persons on both sides, and shown so coarsely that enough persons share the shown value (V-POSITION).

use std::collections::HashSet;

use super::{Asks, Seen};
use crate::veil::judge::magnitude;

/// Digits that a quantile is shown with at most.
const DIGITS: i32 = 4;

/// The quantile, interpolated as `percentile_cont` does, then rounded; none where too few persons stand around it.
pub(super) fn of(percent: u64, whole: bool, observations: &[Seen], asks: &Asks) -> Option<f64> {
    let enough = asks.thresholds.min_persons;
    let mut sorted = observations.to_vec();
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x));
    if persons(&sorted) * percent.min(100_u64.checked_sub(percent)?) < 100 * enough {
        return None;
    }
    let last = sorted.len().checked_sub(1)? as u64;
    let (below, part) = (percent * last / 100, percent * last % 100);
    let below = usize::try_from(below).ok()?;
    // By rows alone, one person with many could be a whole tail.
    if persons(sorted.get(..=below)?) < enough || persons(sorted.get(below..)?) < enough {
        return None;
    }
    let (low, high) = (sorted.get(below)?.x, sorted.get(below + 1).map_or(sorted.get(below)?.x, |seen| seen.x));
    #[expect(clippy::cast_precision_loss, reason = "below one hundred")]
    let value = low + (high - low) * (part as f64 / 100.0);
    shown(value, whole, &sorted, enough)
}

/// The value on the finest grid of 1, 2 or 5 times a power of ten on which enough persons share its place.
fn shown(value: f64, whole: bool, sorted: &[Seen], enough: u64) -> Option<f64> {
    let top = if value == 0.0 { 0 } else { magnitude(value) };
    let bottom = if whole { 0 } else { top - DIGITS + 1 };
    let steps = (bottom.min(top)..=top).flat_map(|exponent| [1.0, 2.0, 5.0].map(|digit| (digit, exponent)));
    for (digit, exponent) in steps.filter(|(digit, exponent)| *exponent < top || *digit <= 1.0) {
        let step = if exponent < 0 { digit / 10_f64.powi(-exponent) } else { digit * 10_f64.powi(exponent) };
        let centre = (value / step).round() * step;
        let from = sorted.partition_point(|seen| seen.x < centre - step / 2.0);
        let to = sorted.partition_point(|seen| seen.x < centre + step / 2.0);
        if persons(sorted.get(from..to)?) >= enough {
            return Some(centre);
        }
    }
    None
}

fn persons(observations: &[Seen]) -> u64 {
    observations.iter().map(|seen| seen.person).collect::<HashSet<u64>>().len() as u64
}
