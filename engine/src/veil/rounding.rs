//! Rounding of exact answers: counts to a base, sums to a base that the largest persons set (disclosure.md, 4e and 4b; V-ROUND, V-ROUNDSUM).

/// The multiple of `base` nearest `value`; a tie goes down or up by the lowest bit of the cell key, so always the same way.
pub(crate) fn round_base(value: u64, base: u64, cell_key: u64) -> u64 {
    let Some(rest) = value.checked_rem(base) else { return value };
    let down = value - rest;
    let up = down.checked_add(base).unwrap_or(down);
    match rest.cmp(&(base - rest)) {
        std::cmp::Ordering::Less => down,
        std::cmp::Ordering::Equal if cell_key & 1 == 0 => down,
        std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => up,
    }
}

/// [`round_base`] of a count that passed the threshold `min_persons`, and never below it.
///
/// The least result is the first multiple of `base` that is not below the threshold: with a threshold of 12 and base 5,
/// a shown 12 would mean 12 exactly.
pub(crate) fn round_count(persons: u64, base: u64, cell_key: u64, min_persons: u64) -> u64 {
    let least = min_persons.checked_next_multiple_of(base).unwrap_or(min_persons);
    round_base(persons, base, cell_key).max(least)
}

/// The base for a sum: of 1, 2 and 5 times the powers of ten, the one nearest `p` times the mean of the second to
/// fourth largest absolute totals; the larger on a tie. `top` falls. `None` where these are absent or zero.
pub(crate) fn sum_base(top: &[f64], p: f64) -> Option<f64> {
    let next: Vec<f64> = top.iter().skip(1).take(3).map(|x| x.abs()).collect();
    let persons = u32::try_from(next.len()).ok().filter(|persons| *persons > 0)?;
    let target = p * next.iter().sum::<f64>() / f64::from(persons);
    if !target.is_normal() || target < 0.0 {
        return None;
    }
    let power = |exponent: f64| if exponent < 0.0 { 1.0 / 10_f64.powf(-exponent) } else { 10_f64.powf(exponent) };
    let exponent = target.log10().floor();
    // The logarithm may be off by one at a power of ten, hence a decade to both sides.
    [-1.0, 0.0, 1.0]
        .into_iter()
        .flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * power(exponent + decade)))
        .filter(|base| base.is_normal())
        .reduce(|best, base| if (base - target).abs() <= (best - target).abs() { base } else { best })
}

/// The multiple of `base` nearest `total`, as the decimal number nearest to it where `base` is below 1.
///
/// NaN where `base` is none: a sum without a base is not shown.
pub(crate) fn round_sum(total: f64, base: f64) -> f64 {
    if !base.is_normal() || base < 0.0 {
        return f64::NAN;
    }
    // Bases below 1 are inverses of 2, 5 or 10 times powers of ten, which doubles hold exactly.
    let rounded = if base < 1.0 {
        let inverse = (1.0 / base).round();
        (total * inverse).round() / inverse
    } else {
        (total / base).round() * base
    };
    rounded + 0.0 // not -0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_go_to_the_nearest_and_ties_by_the_key() {
        assert_eq!(
            (10..=20).map(|n| round_base(n, 5, 0)).collect::<Vec<_>>(),
            [10, 10, 10, 15, 15, 15, 15, 15, 20, 20, 20]
        );
        assert_eq!((round_base(15, 10, 0b10), round_base(15, 10, 0b11)), (10, 20));
        assert_eq!((round_base(17, 0, 1), round_base(17, 1, 1)), (17, 17));
        assert_eq!(round_base(u64::MAX, 10, 1), u64::MAX - 5);
        assert_eq!(round_base(u64::MAX, 16, 1), u64::MAX - 15, "no multiple above fits");
    }

    #[test]
    fn no_count_shows_below_the_threshold_and_none_is_told_by_it() {
        assert!((10..15).all(|n| matches!(round_count(n, 5, n, 10), 10 | 15)));
        assert_eq!((round_count(10, 20, 0, 10), round_count(10, 20, 1, 10)), (20, 20));
        for (base, threshold) in [(5, 12), (10, 11), (3, 10), (10, 20)] {
            for shown in (threshold..100).map(|n| round_count(n, base, 1, threshold)) {
                assert!(shown >= threshold);
                let meant = (threshold..200).filter(|n| round_count(*n, base, 1, threshold) == shown).count();
                assert!(2 * meant >= usize::try_from(base).unwrap(), "{shown} has {meant} meanings");
            }
        }
    }

    #[test]
    fn a_sums_base_follows_the_second_to_fourth() {
        assert_eq!(sum_base(&[9_200.0, 7_900.0, 6_100.0], 0.1), Some(500.0));
        assert_eq!(sum_base(&[1e9, 30.0, 20.0, 10.0], 0.1), Some(2.0), "the largest does not count");
        assert_eq!(sum_base(&[-40.0, -35.0, -35.0, -35.0, -1.0], 0.1), Some(5.0), "3.5 is a tie");
        assert_eq!(sum_base(&[1.0; 4], 0.1), Some(0.1));
        for power in [1e-6, 1e-3, 1.0, 1e3, 1e6, 1e12] {
            assert_eq!(sum_base(&[power; 4], 1.0), Some(power));
        }
        for top in [&[5.0][..], &[5.0, 0.0], &[5.0, f64::NAN], &[5.0, f64::INFINITY], &[5.0, 1e-320], &[]] {
            assert_eq!(sum_base(top, 0.1), None);
        }
    }

    #[test]
    fn a_thousand_equal_persons_lose_the_fifth_digit() {
        let base = sum_base(&[12.3; 4], 0.1).unwrap();
        assert_eq!((base, round_sum(12_300.4, base)), (1.0, 12_300.0));
        assert_eq!(
            (round_sum(0.3, 0.1), round_sum(1234.5678, 0.2), round_sum(0.000_37, 0.000_2)),
            (0.3, 1234.6, 0.000_4)
        );
        assert!(round_sum(-0.2, 0.5).is_sign_positive());
        assert!([0.0, -1.0, f64::NAN, f64::INFINITY].iter().all(|base| round_sum(5.0, *base).is_nan()));
    }

    proptest! {
        #[test]
        fn counts_move_by_half_a_base_at_most(value in 0..u64::MAX / 2, base in 1..1000_u64, key: u64) {
            let rounded = round_base(value, base, key);
            prop_assert_eq!(rounded % base, 0);
            prop_assert!(rounded.abs_diff(value) * 2 <= base);
        }

        #[test]
        fn no_other_base_is_nearer(x in 1e-9..1e12_f64, p in 0.01..1.0_f64) {
            let (base, target) = (sum_base(&[x; 4], p).unwrap(), p * x);
            for exponent in -12..=13 {
                for digit in [1.0, 2.0, 5.0] {
                    let other: f64 = digit * 10_f64.powi(exponent);
                    prop_assert!((base - target).abs() <= (other - target).abs() * (1.0 + 1e-9));
                }
            }
        }

        #[test]
        fn sums_move_by_half_a_base_at_most(total in -1e12..1e12_f64, x in 1e-3..1e9_f64) {
            let base = sum_base(&[x; 4], 0.1).unwrap();
            let rounded = round_sum(total, base);
            prop_assert!((rounded - total).abs() <= base * 0.5 + total.abs() * 1e-15);
            prop_assert_eq!(round_sum(rounded, base), rounded, "and stay there");
        }
    }
}
