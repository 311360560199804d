//! Preview answers by the cell-key method: noise that hangs on who is in a cell, whatever the query (disclosure.md, 4d; V-CKM).
//!
//! Pure functions of true values, parameters and the cell key. Equal contributors give equal noise, so asking again, or by
//! another table, averages nothing. Steps 1 to 8 of 4d; the budget of 4d.10 is the ledger's.

mod entropy;
mod flex;
mod keys;
mod ptable;

use flex::Flex;
use policies::profile::PreviewParameters;
pub(crate) use ptable::{MagnitudeTable, PTable, PTableError};
use serde::Serialize;

/// Why preview answers cannot be given under these parameters. A fault of the profile, never of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PreviewError {
    /// The curve for sums makes no sense.
    #[error(
        "the preview parameters for sums need 0 < p_large <= p_small <= 1, a positive flex_from, flex_exponent from 1.5 to 10 and epsilon falling from 1"
    )]
    Flex,
    /// A table cannot be made.
    #[error("the preview parameters give no perturbation table")]
    Table(#[from] PTableError),
    /// js would do the threshold's work (disclosure.md, 4d.7 and F9).
    #[error("removed_up_to must stay below min_persons by two or more")]
    Threshold,
}

/// Tables and curve, solved and checked before a session shows anything.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Perturbation {
    count: PTable,
    magnitude: MagnitudeTable,
    flex: Flex,
    min_persons: u64,
    /// V of counts.
    variance: f64,
    /// D of counts.
    shift_max: u8,
    factor_variance: f64,
    factor_max: u8,
}

/// How far a shown value may be from the true one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ErrorSize {
    /// Two values in three are nearer than about this.
    pub standard_deviation: f64,
    /// None is farther.
    pub maximum: f64,
}

/// The error that a reader must expect. It is the same for everybody and says nothing about a cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExpectedError {
    /// Of counts, in persons.
    pub count: ErrorSize,
    /// Of sums whose largest person's total is below `separation`, in the measure's unit; in parts of it below 1.
    pub sum_like_count: ErrorSize,
    /// See `sum_like_count`.
    pub separation: f64,
    /// Of sums whose three largest persons are equal and below `flex_from`, in shares of one such person's total.
    pub sum_small: ErrorSize,
    /// As `sum_small`, for totals far above `flex_from`.
    pub sum_large: ErrorSize,
}

impl Perturbation {
    /// Solves and checks the tables. `min_persons` is the profile's threshold, so that there is one only.
    pub(crate) fn new(parameters: &PreviewParameters, min_persons: u64) -> Result<Self, PreviewError> {
        if u64::from(parameters.removed_up_to).saturating_add(1) >= min_persons {
            return Err(PreviewError::Threshold);
        }
        let PreviewParameters { shift_max, variance, factor_max, factor_variance, .. } = *parameters;
        Ok(Self {
            count: PTable::solve(shift_max, variance, parameters.removed_up_to)?,
            magnitude: MagnitudeTable::solve(factor_max, factor_variance, parameters.factor_parts)?,
            flex: Flex::new(parameters).ok_or(PreviewError::Flex)?,
            min_persons,
            variance,
            shift_max,
            factor_variance,
            factor_max,
        })
    }

    /// The count to show for `n` persons; `None` where `n` or the result is below the threshold (disclosure.md, 4d.7).
    pub(crate) fn count(&self, n: u64, cell_key: u64) -> Option<u64> {
        let shown = n.checked_add_signed(self.count.shift(n, cell_key))?;
        (n >= self.min_persons && shown >= self.min_persons).then_some(shown)
    }

    /// The sum to show for `n` persons whose totals add up to `total`; `top` are their largest absolute totals, falling.
    ///
    /// The caller withholds it where [`Self::count`] of the same cell gives nothing. Never crosses zero. NaN where an
    /// argument is not finite, or where `top` cannot belong to `total`: then there is nothing to hide the total behind.
    /// With one per person, that is `total == n` and all of `top` 1, it is what `count` gives.
    pub(crate) fn sum(&self, total: f64, top: &[f64], n: u64, cell_key: u64) -> f64 {
        let top = top.get(..3).unwrap_or(top);
        let largest = top.first().map_or(0.0, |x| x.abs());
        if !total.is_finite() || !top.iter().all(|x| x.is_finite()) || (largest <= 0.0 && total != 0.0) {
            return f64::NAN;
        }
        if largest <= 0.0 {
            return 0.0;
        }
        let noise = if largest < self.separation() {
            self.noise_like_counts(total, largest, n, cell_key)
        } else {
            let factors = keys::of_largest(cell_key, total).map(|key| self.magnitude.factor(key));
            self.flex.steps(top).zip(factors).map(|(step, factor)| step * factor).sum()
        };
        let shown = total + noise;
        if shown * total < 0.0 { 0.0 } else { shown }
    }

    /// A mean is the quotient of the sum and the count that are shown, never a value with noise of its own (4d.9).
    pub(crate) fn mean(sum: f64, count: f64) -> Option<f64> {
        let shown = sum.is_finite() && count.is_finite() && count > 0.0;
        shown.then(|| sum / count).filter(|mean| mean.is_finite())
    }

    /// What a reader must expect of answers under these parameters.
    pub(crate) fn expected_error(&self) -> ExpectedError {
        let (small, large) = self.flex.shares();
        let of_share = |share: f64| ErrorSize {
            standard_deviation: share * self.flex.weight() * self.factor_variance.sqrt(),
            maximum: share * self.flex.weight_max() * f64::from(self.factor_max),
        };
        ExpectedError {
            count: ErrorSize { standard_deviation: self.variance.sqrt(), maximum: f64::from(self.shift_max) },
            sum_like_count: ErrorSize {
                standard_deviation: (2.0 * self.variance).sqrt(),
                maximum: 2.0 * f64::from(self.shift_max),
            },
            separation: self.separation(),
            sum_small: of_share(small),
            sum_large: of_share(large),
        }
    }

    /// `z_s` of disclosure.md, 4d.8: below this largest total a sum is treated like a count.
    fn separation(&self) -> f64 {
        self.flex.separation(self.variance.sqrt())
    }

    /// Shifts of counts, in the measure's unit, or in parts of it where nobody has a whole one (shares, proportions).
    ///
    /// One shift by the contributors, and on its result a second by the measure, except for one a person. The rows are
    /// those of the sum, so that small sums keep the mean and are never 1 to js. A sum smaller than its largest part
    /// has both signs in it and moves freely.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "not negative, saturates far above the last row, and shifts are at most 200"
    )]
    fn noise_like_counts(&self, total: f64, largest: f64, n: u64, cell_key: u64) -> f64 {
        let unit = largest.min(1.0);
        let whole = (total.abs() / unit).floor() as u64;
        let row = if whole == 0 { self.count.free_from() } else { whole.min(n) };
        let first = self.count.shift(row, cell_key);
        // With nobody above 1, a total of n means 1 for everybody.
        let counts_persons = largest.total_cmp(&1.0).is_eq() && total.total_cmp(&(n as f64)).is_eq();
        let second = match row.checked_add_signed(first) {
            Some(row) if !counts_persons => self.count.shift(row, keys::of_measure(cell_key, total)),
            _ => 0,
        };
        total.signum() * (first + second) as f64 * unit
    }
}

#[cfg(test)]
mod tests;
