//! Studies that pass untouched, and budgets.

use super::*;

/// 5 prefectures by 2 sexes, large enough.
fn cell(prefecture: u64, sex: u64) -> std::ops::Range<u64> {
    let from = prefecture * 10_000 + sex * 5000;
    from..from + 40 + prefecture * 17 + sex * 9
}

#[test]
fn margins_in_any_order_come_out_true() {
    let by_prefecture =
        || grouped(1, (0..5).map(|prefecture| count((0..2).flat_map(move |sex| cell(prefecture, sex)))).collect());
    let by_sex =
        || grouped(2, (0..2).map(|sex| count((0..5).flat_map(move |prefecture| cell(prefecture, sex)))).collect());
    let crossed = || {
        let pairs = || (0..5).flat_map(|prefecture| (0..2).map(move |sex| (prefecture, sex)));
        let cells = pairs().map(|(prefecture, sex)| count(cell(prefecture, sex))).collect();
        table(3, cells, vec![pairs().map(|pair| pair.0).collect(), pairs().map(|pair| pair.1).collect()])
    };
    let all = || table(4, vec![count((0..5).flat_map(|p| (0..2).flat_map(move |s| cell(p, s))))], vec![]);
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [3, 0, 1, 2]];
    for order in orders {
        let mut ledger = Ledger::in_memory();
        for step in order {
            let table = [by_prefecture(), by_sex(), crossed(), all()].into_iter().nth(step).unwrap();
            let verdicts = ask(&mut ledger, &table);
            let truth: Vec<_> = table.measures[0].iter().map(|number| number.as_ref().map(|n| n.value)).collect();
            assert_eq!(shown(&table, &verdicts), truth, "order {order:?}, step {step}");
        }
    }
}

#[test]
fn disjoint_groups_are_all_fresh() {
    let mut ledger = Ledger::in_memory();
    let cells =
        |from: u64| (0..40).map(|group| count(from + group * 1000..from + group * 1000 + 30 + group * 7)).collect();
    assert_eq!(ask(&mut ledger, &grouped(1, cells(0))), [Verdict::Fresh; 40]);
    assert_eq!(ask(&mut ledger, &grouped(2, cells(1_000_000))), [Verdict::Fresh; 40]);
}

#[test]
fn the_same_question_gets_the_same_verdicts_for_nothing() {
    let mut ledger = Ledger::in_memory();
    let question = || grouped(1, vec![count(0..100), count(1..100), count(200..300), None]);
    let first = ask(&mut ledger, &question());
    let known = ledger.numbers.len();
    one(&mut ledger, 2, count(200..305));
    let spent = Budgets { cells_a_day: 0, variants_min: 0, window: 30 };
    assert_eq!(ledger.settle(&question(), &spent, TODAY).unwrap(), [first]);
    assert!(ledger.numbers.len() <= known + 1);
}

#[test]
fn a_cell_of_the_same_plan_stays_fresh_when_others_change() {
    let mut ledger = Ledger::in_memory();
    ask(&mut ledger, &grouped(1, vec![count(0..100), count(200..300)]));
    let verdicts = ask(&mut ledger, &grouped(1, vec![count(0..100), count(200..350)]));
    assert_eq!(verdicts, [Verdict::Fresh, Verdict::Fresh]);
}

#[test]
fn a_day_has_so_many_numbers_and_a_refused_answer_leaves_nothing_behind() {
    let mut ledger = Ledger::in_memory();
    let tight = Budgets { cells_a_day: 3, variants_min: 1000, window: 30 };
    let two = |plan: u8| {
        let from = u64::from(plan) * 1000;
        grouped(plan, vec![count(from..from + 50), count(from + 100..from + 200)])
    };
    ledger.settle(&two(1), &tight, TODAY).unwrap();
    let known = ledger.numbers.len();
    let refused = ledger.settle(&two(2), &tight, TODAY).unwrap_err();
    assert_eq!(refused.code(), "veil/budget-day");
    assert!(refused.hint().starts_with("go on tomorrow"));
    assert_eq!(ledger.numbers.len(), known);
    let tomorrow = TODAY.tomorrow().unwrap();
    assert_eq!(ledger.settle(&two(2), &tight, tomorrow).unwrap(), [[Verdict::Fresh; 2]]);
}

#[test]
fn a_shape_has_as_many_plans_as_a_tenth_of_its_smallest_number() {
    let asked = |persons: u64| {
        let mut ledger = Ledger::in_memory();
        let budgets = Budgets { cells_a_day: 5000, variants_min: 8, window: 5 };
        (0..40_u8)
            .take_while(|plan| {
                let from = u64::from(*plan) * 100_000;
                let question =
                    TableNumbers { shape: [0; 32], ..table(*plan, vec![count(from..from + persons)], vec![]) };
                match ledger.settle(&question, &budgets, TODAY) {
                    Ok(_) => true,
                    Err(error) => {
                        assert!(matches!(error, LedgerError::VariantBudget));
                        false
                    }
                }
            })
            .count()
    };
    assert_eq!(asked(50), 8);
    assert_eq!(asked(200), 20);
}
