//! Rounding of exact sums to a base that the largest persons set (disclosure.md, 4b; V-ROUNDSUM).

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
            prop_assert!((round_sum(rounded, base) - rounded).abs() <= rounded.abs() * 1e-15, "and stay there");
        }
    }
}
