//! Mistakes keep their overall rates, and cluster.

use std::collections::BTreeMap;

use jiff::civil::date;

use super::*;

fn stated() -> Stated {
    Stated {
        kanji: "高橋　京子".to_owned(),
        family_kana: "タカハシ".to_owned(),
        given_kana: "キョウコ".to_owned(),
        sex: 2,
        birth: date(1960, 4, 5),
        insurer: "06131239".to_owned(),
        symbol: "12".to_owned(),
        number: "0345".to_owned(),
        branch: Some("00".to_owned()),
        assistance: None,
        chart: "77".to_owned(),
        care_insurer: "131016".to_owned(),
        care_number: "0000012345".to_owned(),
        postcode: "100-0001".to_owned(),
        address: String::new(),
        phone: String::new(),
    }
}

#[test]
fn widths_and_kana_go_both_ways() {
    assert_eq!(forms::other_width("12"), "１２");
    assert_eq!(forms::other_width("１２"), "12");
    assert_eq!(forms::other_width("埼１２"), "埼１２");
    assert_eq!(large("キョウコ"), "キヨウコ");
}

#[test]
fn overall_rates_hold_and_mistakes_come_again_where_they_were_made() {
    let mistakes = Mistakes::at(OFFICIAL, 3);
    let mut dice = Dice::new(3, 1);
    let (mut counts, mut of_file) = (BTreeMap::<char, f64>::new(), [0.0_f64; 2]);
    let total = 400.0 * 40.0 * 4.0;
    for site in 0..400 {
        let site = Site::of(&format!("13110{site:05}"));
        for number in 0..40 {
            let age = i32::try_from(number * 2).unwrap();
            let patient = Patient { number: number + 1, hard: number == 0, age };
            let mut before = Slips::default();
            for visit in 0..4 {
                let mut one = stated();
                let slips = mistakes.spoil(&mut dice, site, patient, &mut one);
                assert_eq!(slips == Slips::default(), one == stated());
                slips.letters().for_each(|letter| *counts.entry(letter).or_default() += 1.0);
                if visit > 0 && before.has(Slip::Kanji) {
                    of_file[usize::from(slips.has(Slip::Kanji))] += 1.0;
                }
                before = slips;
            }
        }
    }
    for (letter, rate) in [('r', 0.03), ('w', 0.02), ('n', 0.025), ('z', 0.003), ('b', 0.0015), ('s', 0.0015)] {
        let found = counts[&letter] / total;
        assert!(found > rate * 0.4 && found < rate * 2.0, "{letter}: {found} for {rate}");
    }
    assert!(of_file[1] > 0.85 * (of_file[0] + of_file[1]), "the same person is written wrongly again: {of_file:?}");
}

#[test]
fn families_have_their_shares_and_weights_do_not_change_the_mean() {
    let mut counts = BTreeMap::<char, f64>::new();
    for number in 0..20_000 {
        *counts.entry(Site::of(&format!("27210{number:05}")).software.letter()).or_default() += 1.0 / 20_000.0;
    }
    for (_, letter, share) in FAMILIES {
        assert!((counts[&letter] - share).abs() < 0.012, "{letter}");
    }
    for (slip, _) in SLIPS {
        let mean: f64 = FAMILIES.iter().map(|(family, _, share)| share * family.weight(slip)).sum();
        assert!((mean - 1.0).abs() < 1e-9);
    }
}

#[test]
fn no_mistake_where_none_is_wanted() {
    let (mut one, mut dice) = (stated(), Dice::new(1, 1));
    let patient = Patient { number: 1, hard: true, age: 1 };
    for _ in 0..1000 {
        assert_eq!(Mistakes::none().spoil(&mut dice, Site::of("1"), patient, &mut one), Slips::default());
    }
    assert_eq!(one, stated());
}

#[test]
fn wrong_dates_are_dates_and_wrong() {
    let mut dice = Dice::new(2, 2);
    for day in 1..=28 {
        for year in [1912, 1926, 1941, 1965, 1990, 2024] {
            let birth = date(year, 1 + day % 12, day);
            let wrong = forms::another_date(&mut dice, birth);
            assert!(wrong.year() >= 1900 && wrong.year() <= 2025, "{birth} {wrong}");
        }
    }
}
