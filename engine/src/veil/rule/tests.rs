//! The rule by example and by law.

use proptest::prelude::*;

use super::*;

fn standard() -> Thresholds {
    Thresholds::from(&Profile::named("standard").unwrap())
}

fn counted(totals: &[f64]) -> Counted {
    let shares = |mut sizes: Vec<f64>| {
        sizes.sort_by(|a, b| b.total_cmp(a));
        let at = |i: usize| sizes.get(i).copied().unwrap_or(0.0);
        Shares { total: sizes.iter().sum(), top_n: at(0) + at(1), first: at(0), second: at(1) }
    };
    Counted {
        persons: totals.len() as u64,
        contributors: totals.iter().filter(|total| **total != 0.0).count() as u64,
        all: shares(totals.iter().map(|total| total.abs()).collect()),
        positive: shares(totals.iter().copied().filter(|total| *total > 0.0).collect()),
        negative: shares(totals.iter().filter(|total| **total < 0.0).map(|total| -total).collect()),
    }
}

#[test]
fn nine_persons_look_like_none() {
    assert!(!standard().enough_persons(0));
    assert!(!standard().enough_persons(9));
    assert!(standard().enough_persons(10));
}

#[test]
fn an_outer_side_without_rows_asks_for_no_institution() {
    assert!(standard().enough_institutions(0, Some(0)));
    assert!(!standard().enough_institutions(0, None));
    assert!(!standard().enough_institutions(2, Some(10)));
    assert!(standard().enough_institutions(3, None));
}

#[test]
fn equal_shares_pass_and_a_giant_fails() {
    assert!(standard().even(&counted(&[5.0; 10])));
    let mut giant = vec![1.0; 30];
    giant.push(1_000.0);
    assert!(!standard().even(&counted(&giant)));
}

#[test]
fn a_sum_of_zeros_and_one_person_fails_as_all_zeros_do() {
    assert!(!standard().even(&counted(&[0.0; 40])));
    let mut one = vec![0.0; 40];
    one.push(7.0);
    assert!(!standard().even(&counted(&one)));
}

#[test]
fn a_giant_among_the_negatives_fails() {
    let mut totals = vec![100.0; 50];
    totals.extend([-1.0; 5]);
    totals.push(-90.0);
    assert!(!standard().even(&counted(&totals)));
}

#[test]
fn what_is_not_a_number_fails() {
    assert!(!standard().even(&counted(&[f64::NAN; 20])));
}

proptest! {
    /// More persons never withhold more: whoever joins with a total no larger than the median cannot close a cell.
    #[test]
    fn more_persons_never_withhold_more(totals in proptest::collection::vec(1.0_f64..1e6, 10..60)) {
        let before = standard().even(&counted(&totals));
        let mut sorted = totals.clone();
        sorted.sort_by(f64::total_cmp);
        let mut more = totals;
        more.push(sorted[sorted.len() / 2]);
        prop_assert!(!before || standard().even(&counted(&more)));
    }

    /// The person threshold is monotone.
    #[test]
    fn persons_are_monotone(persons in 0_u64..10_000, more in 0_u64..100) {
        prop_assert!(!standard().enough_persons(persons) || standard().enough_persons(persons + more));
    }
}
