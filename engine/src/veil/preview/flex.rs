//! Noise of a sum by its largest persons: steps that shrink relative to large totals, times factors from the cell key.
//!
//! Disclosure.md, 4d.8: the top-contributor method and flex function of the R package cellKey (Giessing and Tent 2019).

use policies::profile::PreviewParameters;

/// The flex curve and the weights of the three largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flex {
    p_small: f64,
    p_large: f64,
    from: f64,
    exponent: f64,
    epsilon: [f64; 3],
}

impl Flex {
    /// `None` where the parameters make no falling curve and no falling weights.
    pub(super) fn new(parameters: &PreviewParameters) -> Option<Self> {
        let PreviewParameters { p_small, p_large, flex_from: from, flex_exponent: exponent, epsilon, .. } = *parameters;
        let [first, second, third] = epsilon;
        let shares = 0.0 < p_large && p_large <= p_small && p_small <= 1.0;
        let curve = from.is_finite() && from > 0.0 && (1.5..=10.0).contains(&exponent);
        let weights = (first - 1.0).abs() < f64::EPSILON && second <= first && third <= second && third >= 0.0;
        (shares && curve && weights).then_some(Self { p_small, p_large, from, exponent, epsilon })
    }

    /// m(x): the noise step of a person's total `x >= 0`, as a share of it. `p_small` below `from`, then down to `p_large`
    /// (with q = 2 it first rises a little: 0.204 at 1.2 f).
    pub(super) fn share(&self, x: f64) -> f64 {
        if x < self.from {
            return self.p_small;
        }
        let base = self.p_large * self.from;
        let rise = (self.p_small * x - base) / base;
        self.p_large * (1.0 + rise * (2.0 * self.from / (self.from + x)).powf(self.exponent))
    }

    /// δ: noise steps for the largest totals, falling. At most three count.
    pub(super) fn steps<'a>(&'a self, top: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        top.iter().zip(self.epsilon).map(|(x, epsilon)| x.abs() * self.share(x.abs()) * epsilon)
    }

    /// `z_s`: a largest total below it has less noise by steps than a count has with standard deviation `deviation`.
    pub(super) fn separation(&self, deviation: f64) -> f64 {
        deviation / (self.weight() * self.p_small)
    }

    /// sqrt(Σε²).
    pub(super) fn weight(&self) -> f64 {
        self.epsilon.iter().map(|epsilon| epsilon * epsilon).sum::<f64>().sqrt()
    }

    /// Σε.
    pub(super) fn weight_max(&self) -> f64 {
        self.epsilon.iter().sum()
    }

    /// Shares for small and for very large totals.
    pub(super) fn shares(&self) -> (f64, f64) {
        (self.p_small, self.p_large)
    }
}
