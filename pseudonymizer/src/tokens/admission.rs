//! Whether a kind of token may leave the holder: measured on each batch, since how often one value comes is the one thing that a
//! token still shows (`research/pseudonymization-anchors.md`, part 3, mitigations).

use serde::Serialize;

/// What a batch's tokens of one kind show. Counts only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Admission {
    /// Tokens.
    pub(crate) made: u64,
    /// Different ones.
    pub(crate) distinct: u64,
    /// How often the most frequent one comes.
    pub(crate) max_multiplicity: u64,
    /// How surely the most frequent one is guessed: -log2 of its share. 0 where there is none.
    pub(crate) min_entropy_bits: f64,
    /// Share of the different ones that come once. 0 where there is none.
    pub(crate) single_share: f64,
    /// Whether the kind may leave.
    pub(crate) admitted: bool,
}

/// Measures tokens of one kind, one an atom; their first 8 bytes do as well. Exact: they are sorted.
pub(crate) fn admit<T: Ord>(tokens: impl IntoIterator<Item = T>, multiplicity_max: u64) -> Admission {
    let mut sorted: Vec<T> = tokens.into_iter().collect();
    sorted.sort_unstable();
    let (mut distinct, mut singles, mut most) = (0, 0, 0);
    for same in sorted.chunk_by(|a, b| a == b) {
        distinct += 1;
        singles += u64::from(same.len() == 1);
        most = most.max(same.len() as u64);
    }
    let made = sorted.len() as u64;
    Admission {
        made,
        distinct,
        max_multiplicity: most,
        min_entropy_bits: if made == 0 { 0.0 } else { ratio(made, most).log2() },
        single_share: if made == 0 { 0.0 } else { ratio(singles, distinct) },
        admitted: most <= multiplicity_max,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^52 atoms")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bound_itself_is_admitted_and_one_more_is_not() {
        let crowd = |many: usize| (0..1000_u64).chain(std::iter::repeat_n(7, many - 1));
        assert!(admit(crowd(200), 200).admitted);
        let refused = admit(crowd(201), 200);
        assert_eq!((refused.admitted, refused.max_multiplicity, refused.distinct), (false, 201, 1000));
    }

    /// Small counts, exactly.
    fn share(part: u64, whole: usize) -> f64 {
        f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
    }

    #[test]
    fn nothing_shows_nothing() {
        let none = admit(std::iter::empty::<[u8; 16]>(), 200);
        assert!(none.admitted && none.made == 0 && none.min_entropy_bits == 0.0 && none.single_share == 0.0);
        let flat = admit(0..1024_u64, 200);
        assert!((flat.min_entropy_bits - 10.0).abs() < 1e-12 && (flat.single_share - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn as_counted_one_by_one(tokens in proptest::collection::vec(0_u64..12, 0..80), bound in 0_u64..12) {
            let mut counts: HashMap<u64, u64> = HashMap::new();
            for token in &tokens {
                *counts.entry(*token).or_default() += 1;
            }
            let most = counts.values().copied().max().unwrap_or(0);
            let found = admit(tokens.iter().copied(), bound);
            prop_assert_eq!(found.made, tokens.len() as u64);
            prop_assert_eq!(found.distinct, counts.len() as u64);
            prop_assert_eq!(found.max_multiplicity, most);
            prop_assert_eq!(found.admitted, most <= bound);
            if most > 0 {
                let of_most = share(most, tokens.len());
                prop_assert!((found.min_entropy_bits + of_most.log2()).abs() < 1e-9);
                let singles = counts.values().filter(|count| **count == 1).count();
                prop_assert!((found.single_share - share(singles as u64, counts.len())).abs() < 1e-12);
            }
        }
    }
}
