//! Dice: the one source of chance, drawn from (seed, household) so that households do not depend on each other.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of chance.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream numbered `stream` of a seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Uniform in [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in 0..n; 0 when n is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        place(self.0.next_u64(), n)
    }

    /// Uniform in 0..n, for small answers.
    pub(crate) fn small(&mut self, n: u8) -> u8 {
        u8::try_from(self.below(usize::from(n))).unwrap_or(0)
    }

    /// Uniform in low..=high.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let width = usize::try_from(high.saturating_sub(low)).unwrap_or(0) + 1;
        low + i32::try_from(self.below(width)).unwrap_or(0)
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.unit(), self.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Log-normal by median and sigma.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// Exponential by mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Poisson by mean (Knuth), for small means.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (floor, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// One of a list, all alike. `None` of an empty one.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// The place of an entry of a list of weights.
    pub(crate) fn weighted(&mut self, weights: impl IntoIterator<Item = f64> + Clone) -> usize {
        let mut rest = self.unit() * weights.clone().into_iter().sum::<f64>();
        for (at, weight) in weights.into_iter().enumerate() {
            if rest < weight {
                return at;
            }
            rest -= weight;
        }
        0
    }
}

/// The whole part of a number; the nearest `i32` of one beyond.
#[expect(clippy::cast_possible_truncation, reason = "saturates, as wanted")]
pub(crate) fn whole(value: f64) -> i32 {
    value as i32
}

/// A fixed shuffle of 0..10^digits: different in, different out.
pub(crate) fn permute(number: u64, digits: u32, salt: u64) -> u64 {
    /// Ends in 7, so it shares no factor with a power of ten.
    const FACTOR: u128 = 7_368_787_273_917;
    let modulus = 10u128.pow(digits);
    let mixed = (u128::from(number) * FACTOR + u128::from(salt) * 1_234_577) % modulus;
    u64::try_from(mixed).unwrap_or(0)
}

/// A well mixed hash of a number (splitmix64), for choices that must not depend on the order of draws.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of `n` places by a number; 0 when `n` is 0.
pub(crate) fn place(number: u64, n: usize) -> usize {
    usize::try_from((u128::from(number) * n as u128) >> 64).unwrap_or(0)
}

/// A number as a share of all numbers, in [0, 1).
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
pub(crate) fn share(number: u64) -> f64 {
    (number >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_never_meets_itself() {
        let seen: std::collections::HashSet<u64> = (0..10_000).map(|n| permute(n, 4, 3)).collect();
        assert_eq!(seen.len(), 10_000);
    }

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, stream| Dice::new(seed, stream).unit();
        assert!((draw(1, 2) - draw(1, 2)).abs() < f64::EPSILON);
        assert!((draw(1, 2) - draw(1, 3)).abs() > f64::EPSILON);
        assert!((draw(1, 2) - draw(2, 2)).abs() > f64::EPSILON);
    }
}
