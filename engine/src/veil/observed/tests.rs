//! Statistics by example, against plain formulas, and by what must stay hidden.

use proptest::prelude::*;

use super::*;

fn asks() -> Asks {
    let profile = Profile::named("standard").unwrap();
    Asks { thresholds: Thresholds::from(&profile), dominance_n: profile.dominance_n }
}

/// One row a person.
fn one_each(values: impl IntoIterator<Item = f64>) -> Vec<Seen> {
    values.into_iter().enumerate().map(|(person, x)| Seen { person: person as u64, x, y: 0.0 }).collect()
}

fn pairs(values: impl IntoIterator<Item = (f64, f64)>) -> Vec<Seen> {
    values.into_iter().enumerate().map(|(person, (y, x))| Seen { person: person as u64, x, y }).collect()
}

fn line(count: u32) -> Vec<Seen> {
    one_each((0..count).map(f64::from))
}

#[test]
fn a_variance_is_the_textbooks() {
    let seen = line(21);
    // Of 0..n-1: (n² - 1) / 12.
    let found = moments::of(Moment::VarPop, &seen, &asks()).unwrap();
    assert!((found - 440.0 / 12.0).abs() < 1e-9, "{found}");
    let sample = moments::of(Moment::StddevSamp, &seen, &asks()).unwrap();
    assert!((sample - (440.0_f64 / 12.0 * 21.0 / 20.0).sqrt()).abs() < 1e-9);
}

#[test]
fn an_outlier_behind_an_offset_owns_the_variance() {
    let mut seen = one_each((0..40).map(|at| 1_000.0 + f64::from(at % 10) / 100.0));
    assert!(moments::of(Moment::StddevPop, &seen, &asks()).is_some());
    seen.push(Seen { person: 99, x: 1_050.0, y: 0.0 });
    assert_eq!(moments::of(Moment::StddevPop, &seen, &asks()), None);
}

#[test]
fn few_levels_tell_nothing_whether_somebody_stands_off_them_or_not() {
    let levels = |levels: u32, others: u32| {
        let crowd = (0..levels * 10).map(move |at| f64::from(at % levels));
        one_each(crowd.chain((0..others).map(|at| 0.5 + f64::from(at))))
    };
    for others in [0, 1, 9] {
        assert_eq!(moments::of(Moment::VarPop, &levels(2, others), &asks()), None);
        assert_eq!(moments::of(Moment::VarPop, &levels(8, others), &asks()), None);
        assert!(moments::of(Moment::VarPop, &levels(9, others), &asks()).is_some());
    }
    assert!(moments::of(Moment::VarPop, &levels(8, 10), &asks()).is_some());
}

#[test]
fn nothing_varies_and_nothing_is_said() {
    assert_eq!(moments::of(Moment::VarPop, &one_each([8.9; 30]), &asks()), None);
    assert_eq!(moments::of(Moment::VarPop, &[], &asks()), None);
    assert_eq!(moments::of(Moment::Corr, &pairs((0..30).map(|at| (f64::from(at), 1.0))), &asks()), None);
}

#[test]
fn a_line_is_withheld_and_a_cloud_is_not() {
    let exact = pairs((0..40).map(|at| (3.0 - 2.0 * f64::from(at), f64::from(at))));
    for moment in [Moment::Corr, Moment::R2, Moment::Slope, Moment::Intercept] {
        assert_eq!(moments::of(moment, &exact, &asks()), None);
    }
    let cloud = pairs((0..40).map(|at| (f64::from(at) + f64::from(at * 7 % 11), f64::from(at))));
    let slope = moments::of(Moment::Slope, &cloud, &asks()).unwrap();
    let (r, r2) =
        (moments::of(Moment::Corr, &cloud, &asks()).unwrap(), moments::of(Moment::R2, &cloud, &asks()).unwrap());
    let (sxx, syy) =
        (moments::of(Moment::Sxx, &cloud, &asks()).unwrap(), moments::of(Moment::Syy, &cloud, &asks()).unwrap());
    assert!((r * r - r2).abs() < 1e-12 && (slope - r * (syy / sxx).sqrt()).abs() < 1e-9);
}

#[test]
fn one_person_far_off_makes_no_correlation() {
    let mut cloud = pairs((0..40).map(|at| (f64::from(at * 7 % 11), f64::from(at % 13))));
    assert!(moments::of(Moment::Corr, &cloud, &asks()).is_some());
    cloud.push(Seen { person: 99, x: 5_000.0, y: 9_000.0 });
    assert_eq!(moments::of(Moment::Corr, &cloud, &asks()), None);
}

#[test]
fn a_median_needs_twenty_persons_and_a_twentieth_two_hundred() {
    for (percent, persons) in [(50, 20), (25, 40), (90, 100), (5, 200), (95, 200)] {
        let tied = |count: usize| one_each((0..count).map(|_| 5.0));
        assert_eq!(quantile::of(percent, false, &tied(persons - 1), &asks()), None, "{percent}");
        assert_eq!(quantile::of(percent, false, &tied(persons), &asks()), Some(5.0), "{percent}");
    }
}

#[test]
fn a_quantile_is_as_coarse_as_ten_persons() {
    // Steps of 1 hold one person, of 10 ten.
    assert_eq!(quantile::of(50, false, &line(200), &asks()), Some(100.0));
    assert_eq!(quantile::of(25, false, &line(200), &asks()), Some(50.0));
    // So far apart that no step up to the value's size holds ten.
    let apart = one_each((0..30).map(|at| 10_f64.powi(at)));
    assert_eq!(quantile::of(50, false, &apart, &asks()), None);
}

#[test]
fn one_person_with_most_rows_is_no_tail() {
    let mut seen = line(40);
    seen.extend([Seen { person: 99, x: 77_777.0, y: 0.0 }; 100]);
    assert_eq!(quantile::of(50, false, &seen, &asks()), None);
    assert_eq!(quantile::of(75, false, &seen, &asks()), None);
}

fn observations(statistic: Statistic) -> Observations {
    let values = vec![Vec::new(); 1];
    Observations { statistic, returns: DataType::Float64, asks: asks(), persons: Vec::new(), values }
}

#[test]
fn partitions_add_up_and_what_is_not_finite_is_left_out() {
    let statistic = Statistic::Moment(Moment::VarPop);
    let mut merged = observations(statistic);
    for part in [0..50_u64, 50..120] {
        let mut one = observations(statistic);
        let values = part.clone().map(|at| if at % 10 == 3 { f64::NAN } else { f64::from(u32::try_from(at).unwrap()) });
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(part.clone())),
            Arc::new(Float64Array::from_iter_values(values)),
        ];
        one.update_batch(&columns).unwrap();
        let state: Vec<ArrayRef> = one.state().unwrap().iter().map(|list| list.to_array().unwrap()).collect();
        merged.merge_batch(&state).unwrap();
    }
    let plain: Vec<f64> = (0..120_u32).filter(|at| at % 10 != 3).map(f64::from).collect();
    let mean = plain.iter().sum::<f64>() / 108.0;
    let variance = plain.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 108.0;
    let ScalarValue::Float64(Some(found)) = merged.evaluate().unwrap() else { panic!("nothing found") };
    assert!((found - variance).abs() < 1e-9);
}

proptest! {
    /// Whatever is shown, ten persons stand within half a unit of its first digit.
    #[test]
    fn a_shown_quantile_has_company(values in proptest::collection::vec(-1e4_f64..1e4, 20..120), percent in 5_u64..=95) {
        let seen = one_each(values.iter().copied());
        if let Some(shown) = quantile::of(percent, false, &seen, &asks()) {
            let reach = shown.abs().max(1.0);
            prop_assert!(values.iter().filter(|value| (**value - shown).abs() <= reach).count() >= 10);
            let low = values.iter().copied().fold(f64::MAX, f64::min);
            let high = values.iter().copied().fold(f64::MIN, f64::max);
            prop_assert!(shown >= low - reach && shown <= high + reach);
        }
    }

    /// The extreme of one person moves no quantile that is shown.
    #[test]
    fn how_far_the_extreme_lies_is_not_told(values in proptest::collection::vec(0.0_f64..1e4, 40..120), far in 2e4_f64..1e9) {
        let with = |last: f64| {
            let mut seen = one_each(values.iter().copied());
            seen.push(Seen { person: 999, x: last, y: 0.0 });
            quantile::of(75, false, &seen, &asks())
        };
        prop_assert_eq!(with(1.5e4), with(far));
    }
}
