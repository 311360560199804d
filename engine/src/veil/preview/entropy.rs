//! The distribution of greatest entropy with mean 0 and a given variance on given values: `p_v ∝ exp(a v + b v²)`.
//!
//! Disclosure.md, 4d.4; Marley and Leaver 2011, and Enderle, Giessing and Tent 2018, ask for it. The two unknowns
//! minimise the convex dual `log Σ exp(a v + b (v² - V))`; Newton's method with halved steps finds them.

/// Newton steps at most; five to ten are usual.
const STEPS_MAX: usize = 200;
/// Halvings of one step at most.
const HALVINGS_MAX: usize = 60;
/// Mean and variance (of values scaled to at most 1) are met within this.
const TOLERANCE: f64 = 1e-14;
/// Rounding in the dual, below which an increase is none.
const SLACK: f64 = 1e-14;

/// Probabilities of `values`, in their order. `None` if no such distribution with full support was found.
pub(super) fn distribution(values: &[f64], variance: f64) -> Option<Vec<f64>> {
    let scale = values.iter().fold(0.0_f64, |scale, value| scale.max(value.abs()));
    if values.len() < 3 || scale <= 0.0 || !scale.is_finite() {
        return None;
    }
    let dual =
        Dual { values: values.iter().map(|value| value / scale).collect(), variance: variance / (scale * scale) };
    dual.minimise()
}

/// The convex dual, on values scaled to at most 1.
struct Dual {
    values: Vec<f64>,
    variance: f64,
}

/// What the dual is at a point.
struct Point {
    height: f64,
    probabilities: Vec<f64>,
    moments: [f64; 4],
}

impl Dual {
    fn minimise(&self) -> Option<Vec<f64>> {
        let (mut a, mut b) = (0.0, 0.0);
        let mut here = self.at(a, b);
        for _ in 0..STEPS_MAX {
            let [mean, square, ..] = here.moments;
            if mean.abs().max((square - self.variance).abs()) < TOLERANCE {
                break;
            }
            let (step_a, step_b) = self.newton(&here)?;
            let mut share = 1.0;
            let mut next = self.at(a - step_a, b - step_b);
            for _ in 0..HALVINGS_MAX {
                if next.height <= here.height + SLACK {
                    break;
                }
                share /= 2.0;
                next = self.at(a - share * step_a, b - share * step_b);
            }
            a -= share * step_a;
            b -= share * step_b;
            here = next;
        }
        here.probabilities.iter().all(|p| p.is_finite() && *p > 0.0).then_some(here.probabilities)
    }

    fn at(&self, a: f64, b: f64) -> Point {
        let exponents: Vec<f64> = self.values.iter().map(|v| a * v + b * v * v).collect();
        let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = exponents.iter().map(|exponent| (exponent - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let probabilities: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
        let moments = [1, 2, 3, 4].map(|power| self.moment(&probabilities, power));
        Point { height: largest + sum.ln() - b * self.variance, probabilities, moments }
    }

    fn moment(&self, probabilities: &[f64], power: i32) -> f64 {
        self.values.iter().zip(probabilities).map(|(v, p)| v.powi(power) * p).sum()
    }

    /// Gradient through the inverse of the Hessian, which is the covariance of `v` and `v²`.
    fn newton(&self, here: &Point) -> Option<(f64, f64)> {
        let [m1, m2, m3, m4] = here.moments;
        let (slope_a, slope_b) = (m1, m2 - self.variance);
        let (aa, ab, bb) = (m2 - m1 * m1, m3 - m1 * m2, m4 - m2 * m2);
        let determinant = aa * bb - ab * ab;
        (determinant > 0.0)
            .then(|| ((bb * slope_a - ab * slope_b) / determinant, (aa * slope_b - ab * slope_a) / determinant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_distribution_is_made_up_where_there_is_none() {
        assert!(distribution(&[-1.0, 1.0], 1.0).is_none(), "two values leave no choice");
        assert!(distribution(&[], 1.0).is_none());
        let short = distribution(&[-1.0, 0.0, 1.0], 3.0);
        let variance = |p: Vec<f64>| p[0] + p[2];
        assert!(short.map(variance).is_none_or(|reached| reached < 1.0 + 1e-9), "and the table's own check refuses it");
    }

    #[test]
    fn the_greatest_entropy_is_greater_than_that_of_any_neighbour() {
        let values = [-2.0, -1.0, 0.0, 1.0, 2.0];
        let best = distribution(&values, 1.5).unwrap();
        let entropy = |p: &[f64]| -p.iter().map(|p| p * p.ln()).sum::<f64>();
        // Both directions keep sum, mean and variance as they are.
        for direction in [[1.0, -4.0, 6.0, -4.0, 1.0], [-1.0, 2.0, 0.0, -2.0, 1.0]] {
            for size in [-1e-3, 1e-3] {
                let other: Vec<f64> = best.iter().zip(direction).map(|(p, step)| p + size * step).collect();
                assert!(entropy(&other) < entropy(&best));
            }
        }
    }
}
