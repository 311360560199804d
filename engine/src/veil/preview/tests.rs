//! The worked numbers of disclosure.md, 4d, properties over many keys, and attacks on noise (A322 to A329).
#![expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests: what goes wrong ends them, and figures are small"
)]

use proptest::prelude::*;

use super::*;
use crate::veil::sketch::{PersonMarks, Sketch};

const KEYS: u64 = 100_000;

fn perturbation() -> Perturbation {
    Perturbation::new(&PreviewParameters::default(), 10).unwrap()
}

/// Keys as evenly spread as cell keys are.
fn keys(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        keys::of_measure(state, 0.0)
    })
    .take(usize::try_from(KEYS).unwrap())
}

/// Mean and variance.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let number = KEYS as f64;
    let mean = values.clone().sum::<f64>() / number;
    (mean, values.map(|value| (value - mean).powi(2)).sum::<f64>() / number)
}

/// Disclosure.md, 4d.5.
const WORKED: [(i32, &[(i32, f64)]); 9] = [
    (0, &[(0, 1.0)]),
    (1, &[(0, 0.7345), (3, 0.1367), (4, 0.0728), (5, 0.0374), (6, 0.0186)]),
    (2, &[(0, 0.4088), (3, 0.4066), (4, 0.1476), (5, 0.0323), (6, 0.0043), (7, 0.0003)]),
    (3, &[(0, 0.2040), (3, 0.3937), (4, 0.2475), (5, 0.1106), (6, 0.0351), (7, 0.0079), (8, 0.0013)]),
    (4, &[(0, 0.0833), (3, 0.2893), (4, 0.2658), (5, 0.1901), (6, 0.1059), (7, 0.0460), (8, 0.0155), (9, 0.0041)]),
    (
        5,
        &[
            (0, 0.0201),
            (3, 0.1733),
            (4, 0.2206),
            (5, 0.2213),
            (6, 0.1750),
            (7, 0.1090),
            (8, 0.0535),
            (9, 0.0207),
            (10, 0.0063),
        ],
    ),
    (
        6,
        &[
            (3, 0.0720),
            (4, 0.1367),
            (5, 0.1974),
            (6, 0.2167),
            (7, 0.1809),
            (8, 0.1149),
            (9, 0.0555),
            (10, 0.0204),
            (11, 0.0057),
        ],
    ),
    (
        7,
        &[
            (3, 0.0184),
            (4, 0.0555),
            (5, 0.1216),
            (6, 0.1942),
            (7, 0.2259),
            (8, 0.1914),
            (9, 0.1182),
            (10, 0.0531),
            (11, 0.0174),
            (12, 0.0042),
        ],
    ),
    (
        8,
        &[
            (3, 0.0038),
            (4, 0.0166),
            (5, 0.0523),
            (6, 0.1187),
            (7, 0.1942),
            (8, 0.2288),
            (9, 0.1942),
            (10, 0.1187),
            (11, 0.0523),
            (12, 0.0166),
            (13, 0.0038),
        ],
    ),
];

#[test]
fn the_table_is_the_worked_one_and_the_documented_one() {
    let table = PTable::solve(5, 3.0, 2).unwrap();
    let document = include_str!("../../../../docs/preview.md");
    assert_eq!(table.free_from(), 8);
    for (n, worked) in WORKED {
        let solved = table.results(n);
        assert_eq!(solved.len(), worked.len(), "row {n}");
        for ((result, p), (worked_result, worked_p)) in solved.iter().zip(worked) {
            assert_eq!(result, worked_result, "row {n}");
            assert!((p - worked_p).abs() <= 0.000_051, "row {n}, result {result}: {p}");
        }
        let cells: Vec<String> = solved.iter().map(|(result, p)| format!("{result}: {p:.4}")).collect();
        let row = format!("| {n} | {} |", cells.join(", "));
        assert_eq!(document.matches(&row).count(), 2, "in docs/preview.md, both languages: {row}");
    }
    assert_eq!(table.shift(8, 77), table.shift(u64::MAX, 77));
}

#[test]
fn look_ups_are_the_worked_ones() {
    let perturbation = perturbation();
    let cells = [
        (12, 0x125d_a5af_7bb8_a5bc, -3, None),
        (11, 0x545b_0f85_184b_37af, -1, Some(10)),
        (10, 0xce92_11c3_f26f_1012, 1, Some(11)),
        (10, 0x9fa7_c5f2_caab_05d3, 1, Some(11)),
        (8, 0x438d_a9e5_65af_cdb0, -1, None),
        (3, 0xc28c_2d5a_73f6_0188, 1, None),
    ];
    for (n, key, shift, shown) in cells {
        assert_eq!(perturbation.count.shift(n, key), shift, "{n}");
        assert_eq!(perturbation.count(n, key), shown, "{n}");
    }
    assert_eq!((perturbation.count.shift(100, 0), perturbation.count.shift(100, u64::MAX)), (-5, 5));
}

#[test]
fn the_sum_is_the_worked_one() {
    let flex = Flex::new(&PreviewParameters::default()).unwrap();
    let top = [9_200.0, 7_900.0, 6_100.0];
    for (x, share) in top.iter().zip([0.0996, 0.1083, 0.1244]) {
        assert!((flex.share(*x) - share).abs() < 0.000_051);
    }
    let steps: Vec<f64> = flex.steps(&top).collect();
    for (step, worked) in steps.iter().zip([916.2, 427.7, 151.8]) {
        assert!((step - worked).abs() < 0.051);
    }
    let noise: f64 = steps.iter().zip([0.5, -1.0, 0.25]).map(|(step, factor)| step * factor).sum();
    assert!((52_340.0 + noise - 52_408.4).abs() < 0.1);
    assert!((flex.share(1000.0) - 0.20).abs() < 1e-12 && (flex.share(999.9) - 0.20).abs() < 1e-12);
    assert!((flex.share(1e9) - 0.03).abs() < 1e-5);
    assert!((perturbation().separation() - 7.625).abs() < 0.001);
}

#[test]
fn every_row_has_mean_zero_its_variance_and_one_top() {
    for (d, variance, js) in
        [(5, 3.0, 2), (5, 2.1, 2), (5, 8.0, 2), (10, 6.0, 0), (8, 5.0, 3), (3, 1.5, 1), (100, 30.0, 2)]
    {
        let table = PTable::solve(d, variance, js).unwrap();
        for n in 1..=i32::from(d) + i32::from(js) + 1 {
            let results = table.results(n);
            let moment = |power| results.iter().map(|(r, p)| f64::from(r - n).powi(power) * p).sum::<f64>();
            assert!((moment(0) - 1.0).abs() < 1e-9 && moment(1).abs() < 1e-9, "{d} {variance} {js}: row {n}");
            let lowered = moment(2) / variance / 0.05;
            assert!(lowered < 20.0 + 1e-6 && (lowered - lowered.round()).abs() < 1e-6, "row {n}: {}", moment(2));
            assert!(
                results
                    .iter()
                    .all(|(r, p)| (*r == 0 || *r > i32::from(js)) && (r - n).abs() <= i32::from(d) && *p > 0.0)
            );
            if (d, js) == (5, 2) && variance <= 3.0 {
                assert!((lowered - 20.0).abs() < 1e-6, "the default variance is in reach of every row");
                let falls = results.windows(2).map(|pair| pair[1].1 < pair[0].1).collect::<Vec<_>>();
                assert!(falls.is_sorted(), "row {n} rises, then falls");
            }
        }
    }
}

#[test]
fn tables_that_cannot_be_are_refused() {
    for (d, variance, js, error) in [
        (5, 3.0, 5, PTableError::Parameters),
        (0, 3.0, 0, PTableError::Parameters),
        (5, 0.0, 2, PTableError::Parameters),
        (5, f64::NAN, 2, PTableError::Parameters),
        (5, 3.0, 4, PTableError::Reach),
        (3, 1.0, 1, PTableError::Reach),
        (5, 24.0, 2, PTableError::Reach),
        (5, 500.0, 2, PTableError::Reach),
    ] {
        assert_eq!(PTable::solve(d, variance, js), Err(error), "{d} {variance} {js}");
    }
    assert_eq!(MagnitudeTable::solve(5, 24.0, 4), Err(PTableError::Reach));
    assert_eq!(MagnitudeTable::solve(5, 2.0, 0), Err(PTableError::Parameters));
    let with = |change: fn(&mut PreviewParameters), min_persons| {
        let mut parameters = PreviewParameters::default();
        change(&mut parameters);
        Perturbation::new(&parameters, min_persons).err()
    };
    assert_eq!(with(|_| (), 3), Some(PreviewError::Threshold));
    assert_eq!(with(|p| p.epsilon = [0.5, 0.5, 0.2], 10), Some(PreviewError::Flex));
    assert_eq!(with(|p| p.epsilon = [1.0, 0.2, 0.5], 10), Some(PreviewError::Flex));
    assert_eq!(with(|p| p.p_large = 0.3, 10), Some(PreviewError::Flex));
    assert_eq!(with(|p| p.flex_exponent = 1.0, 10), Some(PreviewError::Flex));
    assert_eq!(with(|p| p.variance = -1.0, 10), Some(PreviewError::Table(PTableError::Parameters)));
}

#[test]
fn over_many_keys_noise_has_mean_zero_and_the_stated_variance() {
    let perturbation = perturbation();
    for n in 1..=9 {
        let shifts: Vec<f64> = keys(n).map(|key| perturbation.count.shift(n, key) as f64).collect();
        let (mean, variance) = moments(shifts.iter().copied());
        assert!(mean.abs() < 0.03 && (variance - 3.0).abs() < 0.1, "{n}: {mean} {variance}");
    }
    let factors: Vec<f64> = keys(1).map(|key| perturbation.magnitude.factor(key)).collect();
    let (mean, variance) = moments(factors.iter().copied());
    assert!(mean.abs() < 0.025 && (variance - 2.0).abs() < 0.06, "{mean} {variance}");
    for (total, top) in [(52_340.0, [9_200.0, 7_900.0, 6_100.0]), (400.0, [20.0, 20.0, 20.0]), (40.0, [4.0, 3.0, 3.0])]
    {
        let errors: Vec<f64> = keys(2).map(|key| perturbation.sum(total, &top, 30, key) - total).collect();
        let (mean, variance) = moments(errors.iter().copied());
        let expected = sum_error(&perturbation, &top);
        assert!(mean.abs() < 0.03 * expected.standard_deviation, "{total}: {mean}");
        assert!((variance.sqrt() / expected.standard_deviation - 1.0).abs() < 0.03, "{total}: {variance}");
        assert!(errors.iter().all(|error| error.abs() <= expected.maximum + 1e-9));
    }
    let expected = perturbation.expected_error();
    assert!((expected.count.standard_deviation - 1.732).abs() < 0.001 && (expected.count.maximum - 5.0).abs() < 1e-9);
    assert!(
        (expected.sum_small.standard_deviation - 0.321).abs() < 0.001
            && (expected.sum_small.maximum - 1.7).abs() < 1e-9
    );
    assert!((expected.sum_large.standard_deviation - 0.048).abs() < 0.001);
}

#[test]
fn one_crowd_has_one_noise_however_it_is_asked() {
    let marks = PersonMarks::new(&[3; 32]);
    let perturbation = perturbation();
    for first in 0..200_u64 {
        let persons: Vec<u64> = (first * 1000..first * 1000 + 50).collect();
        let crowd = |persons: &mut dyn Iterator<Item = &u64>| {
            persons.fold(Sketch::EMPTY, |mut sketch, person| {
                sketch.add(marks.of(*person), 1);
                sketch
            })
        };
        let key = crowd(&mut persons.iter()).cell_key();
        let (even, odd): (Vec<u64>, Vec<u64>) = persons.iter().partition(|person| *person % 2 == 0);
        let mut parts = crowd(&mut odd.iter().rev());
        parts += &crowd(&mut even.iter());
        assert_eq!(parts.cell_key(), key, "order and partitions do not matter");
        assert_eq!(perturbation.count(50, key), perturbation.count(50, parts.cell_key()));
        // Sums of the same parts in another order differ in the last bits only, and show the same noise.
        let totals: Vec<f64> = persons.iter().map(|person| 20.0 + *person as f64 / 7.0).collect();
        let (up, down) = (totals.iter().sum::<f64>(), totals.iter().rev().sum::<f64>());
        let top: Vec<f64> = totals.iter().rev().take(3).copied().collect();
        let shown = [up, down].map(|total| perturbation.sum(total, &top, 50, key));
        assert!((shown[0] - shown[1]).abs() < 1e-6);
    }
}

#[test]
fn two_measures_of_one_cell_do_not_cancel_their_noise() {
    let perturbation = perturbation();
    let exact = |first: (f64, [f64; 3]), second: (f64, [f64; 3])| {
        let show = |(total, top): (f64, [f64; 3]), key| perturbation.sum(total, &top, 40, key) - total;
        keys(5).filter(|key| (show(first, *key) - show(second, *key)).abs() < 0.01).count() as f64 / KEYS as f64
    };
    // sum(1 + days) and count; sum(points) and sum(points + indicator of one who is not among the largest).
    assert!(exact((40.0, [1.0; 3]), (43.0, [2.0, 2.0, 2.0])) < 0.25);
    assert!(exact((8_000.0, [900.0, 800.0, 700.0]), (8_001.0, [900.0, 800.0, 700.0])) < 0.1);
    // The other way round: over a thousand variants of a measure the mean keeps the contributors' part.
    let drift = |key| {
        let variants = (0..1000_u32).map(|step| 8_000.0 + f64::from(step) * 1e-4);
        variants.map(|total| perturbation.sum(total, &[900.0, 800.0, 700.0], 40, key) - total).sum::<f64>() / 1000.0
    };
    let far = keys(6).take(200).filter(|key| drift(*key).abs() > 60.0).count();
    assert!(far > 120, "{far}");
}

#[test]
fn means_come_from_what_is_shown() {
    assert_eq!(Perturbation::mean(30.0, 12.0), Some(2.5));
    for (sum, count) in [(30.0, 0.0), (30.0, -1.0), (f64::NAN, 12.0), (30.0, f64::INFINITY), (1e308, 1e-308)] {
        assert_eq!(Perturbation::mean(sum, count), None);
    }
}

proptest! {
    #[test]
    fn one_a_person_sums_to_the_count(n in 0..1_000_000_u64, key: u64) {
        let perturbation = perturbation();
        let sum = perturbation.sum(n as f64, &[1.0; 3], n, key);
        prop_assert_eq!(sum, (n as f64) + perturbation.count.shift(n, key) as f64);
        if let Some(count) = perturbation.count(n, key) {
            prop_assert_eq!(sum, count as f64);
            prop_assert_eq!(Perturbation::mean(sum, count as f64), Some(1.0));
        }
    }

    #[test]
    fn counts_keep_their_bounds(n: u64, small in 0..40_u64, min_persons in 4..30_u64, key: u64) {
        let perturbation = Perturbation::new(&PreviewParameters::default(), min_persons).unwrap();
        for n in [n, small] {
            prop_assert!(perturbation.count.shift(n, key).abs() <= 5);
            let result = i128::from(n) + i128::from(perturbation.count.shift(n, key));
            prop_assert!(result >= 0 && result != 1 && result != 2);
            if let Some(shown) = perturbation.count(n, key) {
                prop_assert!(n >= min_persons && shown >= min_persons && shown.abs_diff(n) <= 5);
            }
        }
    }

    #[test]
    fn sums_keep_sign_and_bounds(parts in proptest::collection::vec(0.0..5000.0_f64, 1..30), scale in -6..6_i32, key: u64) {
        let perturbation = perturbation();
        let mut top: Vec<f64> = parts.iter().map(|part| part * 10_f64.powi(scale)).collect();
        top.sort_by(|a, b| b.total_cmp(a));
        let total: f64 = top.iter().sum();
        let n = u64::try_from(top.len()).unwrap();
        let shown = perturbation.sum(total, &top, n, key);
        prop_assert!(shown >= 0.0 && (shown - total).abs() <= sum_error(&perturbation, &top).maximum + 1e-6 * total);
        prop_assert_eq!(shown, perturbation.sum(total, &top, n, key));
        let negative: Vec<f64> = top.iter().map(|part| -part).collect();
        let mirrored = perturbation.sum(-total, &negative, n, key);
        prop_assert!(mirrored <= 0.0 && (mirrored.abs() - shown).abs() <= 2.0 * sum_error(&perturbation, &top).maximum + 1e-6 * total);
    }

    #[test]
    fn nothing_is_shown_bare(total: f64, key: u64) {
        let perturbation = perturbation();
        prop_assume!(total != 0.0);
        prop_assert!(perturbation.sum(total, &[], 20, key).is_nan());
        prop_assert!(perturbation.sum(total, &[0.0; 3], 20, key).is_nan());
        prop_assert!(perturbation.sum(f64::NAN, &[1.0], 20, key).is_nan());
        prop_assert!(perturbation.sum(1.0, &[f64::INFINITY], 20, key).is_nan());
        prop_assert_eq!(perturbation.sum(0.0, &[0.0], 20, key), 0.0);
    }
}

/// The error of one sum: sqrt(V Σδ²), at most D Σδ.
fn sum_error(of: &Perturbation, top: &[f64]) -> ErrorSize {
    if top.first().is_some_and(|x| x.abs() < of.separation()) {
        return of.expected_error().sum_like_count;
    }
    let squares: f64 = of.flex.steps(top).map(|step| step * step).sum();
    ErrorSize {
        standard_deviation: (of.factor_variance * squares).sqrt(),
        maximum: of.flex.steps(top).sum::<f64>() * f64::from(of.factor_max),
    }
}
