//! What an attacker asks, and what the ledger makes of it.
#![expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests: what goes wrong ends them, and figures are small"
)]

use proptest::prelude::*;

use super::*;

/// 600 persons in six cells, the first without some.
fn six(missing: u64) -> Vec<Option<Number>> {
    let rest = [200, 320, 400, 460, 530].into_iter().zip([320, 400, 460, 530, 600]);
    std::iter::once((missing, 200)).chain(rest).map(|(from, to)| count(from..to)).collect()
}

#[test]
fn a_table_of_few_cells_without_a_few_has_the_same_marks() {
    for missing in 0..=9 {
        let mut ledger = Ledger::in_memory();
        one(&mut ledger, 1, count(0..600));
        let table = grouped(2, vec![count(missing..300), count(300..500), count(500..600)]);
        let verdicts = ask(&mut ledger, &table);
        assert!(matches!(verdicts[..], [Verdict::Fresh, Verdict::Fresh, Verdict::Snapped(_)]), "{verdicts:?}");
        assert_eq!(shown(&table, &verdicts).iter().flatten().sum::<f64>(), 600.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn who_differs_by_nine_or_fewer_persons_or_by_nobody_gets_the_same_answer(
        first in 0_u64..1_000_000, size in 25_u64..400, fewer in 0_u64..=9, more in 0_u64..=9,
    ) {
        prop_assume!(fewer + more <= 9);
        let mut ledger = Ledger::in_memory();
        prop_assert_eq!(one(&mut ledger, 1, count(first..first + size)), Verdict::Fresh);
        let again = one(&mut ledger, 2, count(first + fewer..first + size + more));
        prop_assert_eq!(again, Verdict::Snapped(size as f64));
    }

    #[test]
    fn the_same_persons_with_other_values_of_a_few_get_the_same_answer(changed in 0_u64..=9, by in 1_u32..1_000_000) {
        let mut ledger = Ledger::in_memory();
        let points = |changed| total((0..200).map(move |person| (person, if person < changed { f64::from(by) } else { 5.0 })));
        prop_assert_eq!(one(&mut ledger, 1, points(0)), Verdict::Fresh);
        prop_assert_eq!(one(&mut ledger, 2, points(changed)), Verdict::Snapped(1000.0));
    }

    #[test]
    fn a_total_less_a_cell_is_known(hidden in 0_u64..=9, size in 60_u64..300) {
        let mut ledger = Ledger::in_memory();
        one(&mut ledger, 1, count(0..1000));
        one(&mut ledger, 2, count(0..size));
        let rest = one(&mut ledger, 3, count(size + hidden..1000));
        prop_assert_eq!(rest, Verdict::Snapped((1000 - size) as f64));
    }

    #[test]
    fn a_table_without_a_few_adds_up_to_the_total_and_looks_like_one_with_them(missing in 1_u64..=9) {
        let by_age = |missing| grouped(2, six(missing));
        let answers = [0, missing].map(|missing| {
            let mut ledger = Ledger::in_memory();
            one(&mut ledger, 1, count(0..600));
            let table = by_age(missing);
            let verdicts = ask(&mut ledger, &table);
            shown(&table, &verdicts)
        });
        prop_assert_eq!(&answers[0], &answers[1]);
        prop_assert_eq!(answers[0].iter().flatten().sum::<f64>(), 600.0);
    }
}

#[test]
fn few_persons_are_never_shown() {
    for persons in 0..=9 {
        assert_eq!(one(&mut Ledger::in_memory(), 1, count(0..persons)), Verdict::Withheld);
    }
}

#[test]
fn weights_that_vanish_hide_nothing() {
    // 2^54 · 1024 is zero modulo 2^64: a sketch of nothing is a number of nobody.
    assert_eq!(one(&mut Ledger::in_memory(), 1, total((0..100).map(|p| (p, (1_u64 << 54) as f64)))), Verdict::Withheld);
}

#[test]
fn in_one_query_the_second_cell_is_the_first_whether_equal_or_near() {
    for missing in 0..=3 {
        let mut ledger = Ledger::in_memory();
        let verdicts = ask(&mut ledger, &grouped(1, vec![count(0..100), count(missing..100)]));
        assert_eq!(verdicts, [Verdict::Fresh, Verdict::Snapped(100.0)]);
    }
}

#[test]
fn overlapping_ranges_of_four_queries() {
    // A063: q1 − q2 − (q3 − q4) would be the persons 700–704.
    let mut ledger = Ledger::in_memory();
    assert_eq!(one(&mut ledger, 1, count(0..1000)), Verdict::Fresh);
    assert_eq!(one(&mut ledger, 2, count(0..700)), Verdict::Fresh);
    assert_eq!(one(&mut ledger, 3, count((705..1000).chain(2000..2500))), Verdict::Fresh);
    assert_eq!(one(&mut ledger, 4, count(2000..2500)), Verdict::Snapped(495.0));
}

#[test]
fn a_sum_of_two_and_a_difference() {
    let mut ledger = Ledger::in_memory();
    one(&mut ledger, 1, count(0..300));
    one(&mut ledger, 2, count(300..500));
    assert_eq!(one(&mut ledger, 3, count(4..500)), Verdict::Snapped(500.0));
    one(&mut ledger, 4, count(0..2000));
    assert_eq!(one(&mut ledger, 5, count(506..2000)), Verdict::Snapped(1500.0));
}

#[test]
fn totals_and_subtotals_of_earlier_tables_are_known() {
    let mut ledger = Ledger::in_memory();
    let by_two = table(
        1,
        vec![count(0..100), count(100..250), count(1000..1200), count(1200..1260)],
        vec![vec![1, 1, 2, 2], vec![7, 8, 7, 8]],
    );
    assert_eq!(ask(&mut ledger, &by_two), [Verdict::Fresh; 4]);
    assert_eq!(one(&mut ledger, 2, count((3..250).chain(1000..1260))), Verdict::Snapped(510.0));
    assert_eq!(one(&mut ledger, 3, count(1..250)), Verdict::Snapped(250.0));
    assert_eq!(one(&mut ledger, 4, count((100..250).chain(1200..1255))), Verdict::Snapped(210.0));
}

#[test]
fn a_snapped_cell_is_not_recovered_when_the_window_has_moved_on() {
    let mut ledger = Ledger::in_memory();
    one(&mut ledger, 1, count(0..1000));
    one(&mut ledger, 2, count(0..400));
    assert_eq!(one(&mut ledger, 3, count(405..1000)), Verdict::Snapped(600.0));
    for plan in 10..60 {
        let from = 10_000 * u64::from(plan);
        assert_eq!(one(&mut ledger, plan, count(from..from + 50)), Verdict::Fresh);
    }
    assert_eq!(one(&mut ledger, 4, count(406..1000)), Verdict::Snapped(600.0));
}

#[test]
fn a_cell_that_took_up_a_difference_is_not_recovered_afterwards() {
    let mut ledger = Ledger::in_memory();
    one(&mut ledger, 1, count(0..600));
    let verdicts = ask(&mut ledger, &grouped(2, six(5)));
    assert_eq!(verdicts[0], Verdict::Snapped(200.0));
    assert_eq!(verdicts[1..], [Verdict::Fresh; 5]);
    assert_eq!(one(&mut ledger, 3, count(5..200)), Verdict::Snapped(200.0));
}

#[test]
fn where_every_cell_is_bound_the_smallest_is_withheld() {
    // Rows and columns are known, and the corner that was withheld already lies in both.
    let mut ledger = Ledger::in_memory();
    ask(&mut ledger, &grouped(1, vec![count(0..105), count(1000..1300)]));
    ask(&mut ledger, &grouped(2, vec![count((0..100).chain(1000..1100)), count((100..105).chain(1100..1300))]));
    let crossed = table(
        3,
        vec![count(0..100), None, count(1000..1100), count(1100..1300)],
        vec![vec![1, 1, 2, 2], vec![7, 8, 7, 8]],
    );
    let verdicts = ask(&mut ledger, &crossed);
    let shown = shown(&crossed, &verdicts);
    // Nothing that can be added up leaves a few persons over.
    for (row, whole) in [([0, 1], 105.0), ([2, 3], 300.0), ([0, 2], 200.0), ([1, 3], 205.0)] {
        let sum: f64 = row.iter().filter_map(|cell| shown[*cell]).sum();
        assert!((whole - sum).abs() < 1e-9 || whole - sum >= 10.0, "{shown:?}");
    }
}
