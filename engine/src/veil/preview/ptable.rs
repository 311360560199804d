//! Perturbation tables of the cell-key method: what is added to a count, or to a magnitude, for which cell key.
//!
//! Disclosure.md, 4d.3 to 4d.6, after the R packages ptable and cellKey of the census methods.

use super::entropy;

/// Sums, means and variances of a row are met within this.
const TOLERANCE: f64 = 1e-9;
/// A row that cannot reach the variance takes the next of these shares of it, as ptable goes down in steps of 0.05.
const TARGET_STEP: f64 = 0.05;
/// Share of the largest possible variance that a row may be asked for: above, two results would take nearly all.
const REACH_MAX: f64 = 0.95;

/// Why a table cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PTableError {
    /// A row does not have the moments or the bounds that it was solved for.
    #[error("a row of the perturbation table fails its check")]
    Check,
    /// D, V, js or the steps are outside what a table can have.
    #[error("the perturbation table needs 0 <= js < D <= 100, a positive variance and 1 to 64 steps a unit")]
    Parameters,
    /// The variance is too small for the gap that js leaves, or too large for D.
    #[error("no perturbation table has this variance with this largest shift and these removed results")]
    Reach,
}

/// What is added to counts: whole numbers of at most `d`, by true count and cell key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PTable {
    /// Row n for a true count of n; the last also for all above.
    rows: Vec<Row>,
}

/// One row: shifts that are possible, with their probabilities.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// In parts of a unit, rising.
    steps: Vec<i32>,
    probabilities: Vec<f64>,
    /// Running sums of `probabilities`; the last is 1.
    cumulative: Vec<f64>,
}

impl PTable {
    /// Shifts of at most `d` with mean 0 and `variance`, such that no result is negative or in `1..=js`.
    ///
    /// Where a count below `d + js + 1` leaves no room for the variance, that row has the largest of
    /// 0.95, 0.90, … of it that it can reach. Rows of larger counts have it exactly, or there is no table.
    pub(crate) fn solve(d: u8, variance: f64, js: u8) -> Result<Self, PTableError> {
        if js >= d || d > 100 || !variance.is_finite() || variance <= 0.0 {
            return Err(PTableError::Parameters);
        }
        let last = i32::from(d) + i32::from(js) + 1;
        let mut rows = vec![Row::unmoved()];
        for n in 1..=last {
            let steps: Vec<i32> =
                (-i32::from(d)..=i32::from(d)).filter(|v| n + v == 0 || n + v > i32::from(js)).collect();
            let target = target(&steps, variance)?;
            if n == last && target < variance {
                return Err(PTableError::Reach);
            }
            let row = Row::solve(steps, 1, target)?;
            row.check_results(n, i32::from(d), i32::from(js))?;
            rows.push(row);
        }
        Ok(Self { rows })
    }

    /// What the cell key `cell_key` adds to a true count of `n`.
    pub(crate) fn shift(&self, n: u64, cell_key: u64) -> i64 {
        let row = usize::try_from(n).ok().and_then(|n| self.rows.get(n)).or_else(|| self.rows.last());
        row.map_or(0, |row| i64::from(row.at(cell_key)))
    }

    /// First row that no bound touches: D + js + 1.
    pub(crate) fn free_from(&self) -> u64 {
        u64::try_from(self.rows.len().saturating_sub(1)).unwrap_or(u64::MAX)
    }

    /// Results and their probabilities for a true count of `n`, for documents.
    #[cfg(test)]
    pub(super) fn results(&self, n: i32) -> Vec<(i32, f64)> {
        let row = usize::try_from(n).ok().and_then(|n| self.rows.get(n)).or_else(|| self.rows.last()).unwrap();
        row.steps.iter().map(|v| n + v).zip(row.probabilities.iter().copied()).collect()
    }
}

/// What is added to magnitudes, in parts of a noise step: one row, finer than for counts, and symmetric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MagnitudeTable {
    row: Row,
    parts: i32,
}

impl MagnitudeTable {
    /// Factors of at most `d` in steps of `1 / parts`, with mean 0 and `variance` (disclosure.md, 4d.8: D = 5, V = 2).
    ///
    /// A magnitude has no smallest unit, so no result is removed; quarters keep one factor from standing out.
    pub(crate) fn solve(d: u8, variance: f64, parts: u8) -> Result<Self, PTableError> {
        if d == 0 || d > 100 || parts == 0 || parts > 64 || !variance.is_finite() || variance <= 0.0 {
            return Err(PTableError::Parameters);
        }
        let (d, parts) = (i32::from(d), i32::from(parts));
        if variance > REACH_MAX * f64::from(d * d) {
            return Err(PTableError::Reach);
        }
        let row = Row::solve((-d * parts..=d * parts).collect(), parts, variance)?;
        Ok(Self { row, parts })
    }

    /// The factor for a key: `v` of disclosure.md, 4d.8.
    pub(crate) fn factor(&self, key: u64) -> f64 {
        f64::from(self.row.at(key)) / f64::from(self.parts)
    }
}

impl Row {
    /// Nobody stays nobody.
    fn unmoved() -> Self {
        Self { steps: vec![0], probabilities: vec![1.0], cumulative: vec![1.0] }
    }

    fn solve(steps: Vec<i32>, parts: i32, variance: f64) -> Result<Self, PTableError> {
        let values: Vec<f64> = steps.iter().map(|step| f64::from(*step) / f64::from(parts)).collect();
        let probabilities = entropy::distribution(&values, variance).ok_or(PTableError::Reach)?;
        let moment = |power| values.iter().zip(&probabilities).map(|(v, p)| v.powi(power) * p).sum::<f64>();
        let met = |got: f64, wanted: f64| (got - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0);
        if !met(moment(0), 1.0) || !met(moment(1), 0.0) || !met(moment(2), variance) {
            return Err(PTableError::Check);
        }
        let mut cumulative: Vec<f64> = probabilities
            .iter()
            .scan(0.0, |sum, p| {
                *sum += p;
                Some(*sum)
            })
            .collect();
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        Ok(Self { steps, probabilities, cumulative })
    }

    /// No shift above D, no result below 0 or in `1..=js`.
    fn check_results(&self, n: i32, d: i32, js: i32) -> Result<(), PTableError> {
        let sound = |v: &i32| v.abs() <= d && (n + v == 0 || n + v > js);
        if self.steps.iter().all(sound) { Ok(()) } else { Err(PTableError::Check) }
    }

    /// First step whose cumulative probability exceeds `u = key / 2^64`. 53 bits of the key, so that `u` stays below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    fn at(&self, key: u64) -> i32 {
        let u = (key >> 11) as f64 / (1_u64 << 53) as f64;
        self.steps.iter().zip(&self.cumulative).find(|(_, sum)| u < **sum).map_or(0, |(step, _)| *step)
    }
}

/// The variance asked of a row: `variance`, or as much of it as the row can reach.
fn target(steps: &[i32], variance: f64) -> Result<f64, PTableError> {
    let (Some(lowest), Some(highest)) = (steps.first(), steps.last()) else { return Err(PTableError::Reach) };
    let below = steps.iter().rev().find(|v| **v <= 0).ok_or(PTableError::Reach)?;
    let above = steps.iter().find(|v| **v >= 0).ok_or(PTableError::Reach)?;
    // With mean 0, the two values next to 0 give the least variance and the two ends the largest.
    let (least, largest) = (f64::from(-below * above), f64::from(-lowest * highest));
    (0..20_u8)
        .map(|step| variance * (1.0 - TARGET_STEP * f64::from(step)))
        .find(|target| *target <= REACH_MAX * largest)
        .filter(|target| *target > least)
        .ok_or(PTableError::Reach)
}
