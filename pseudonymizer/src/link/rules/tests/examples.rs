//! Examples of single rules: a few atoms each, and what becomes of them.

use super::*;

#[test]
fn twins_under_one_branch_are_two_where_both_names_last() {
    let twin = "1 ndb 2021-10..2022-06 a1=n01 a3=n b1=haruto";
    let vetoes = Case::of(&[twin, "2 ndb 2021-11..2022-08 a1=n01 a3=n b1=minato"]).is("1 2");
    assert!(vetoes.contains_key("twins"), "{vetoes:?}");
    // A name that is there once is written wrongly; one that goes on where the other ended has changed.
    check(&[twin, "2 ndb 2022-01..2022-01 a1=n01 a3=n b1=harudo"], "1,2");
    check(&[twin, "2 ndb 2022-07..2022-12 a1=n01 a3=n b1=married"], "1,2");
}

#[test]
fn a_slip_goes_to_the_one_person_who_lasts() {
    for own in ["c3=i", "d1=h"] {
        let right = format!("1 ndb 2022-04..2023-03 a3=a b1=right {own}");
        let once = format!("2 ndb 2022-06..2022-06 a3=wrong b1=wrong {own}");
        check(&[&right, &once], "1,2");
        // Twice is no slip, and of two who last it may be either's.
        check(&[&right, &format!("2 ndb 2022-06..2022-08 a3=wrong b1=wrong {own}")], "1 2");
        let other = format!("3 ndb 2021-01..2022-12 a3=c b1=other {own}");
        check(&[&right, &once, &other], "1 2 3");
    }
}

#[test]
fn a_number_of_ones_own_outlives_a_wrong_birth_month_in_the_national_one() {
    let right = "1 ndb 2022-04..2024-03 c2=l b1=right c3=i";
    check(&[right, "2 ndb 2022-06..2023-08 c2=l b1=wrong c3=j"], "1,2");
    // Not where somebody else's insurer runs beside it.
    let other = ["2 ndb 2022-06..2023-08 c2=l b1=other c3=j", "3 ndb 2022-04..2023-08 a3=z b1=other c3=j"];
    check(&[right, other[0], other[1]], "1 2,3");
    // Under a number with the birth date in it, two names and two national numbers are twins.
    let twins = ["1 ndb 2022-04..2022-12 a3=n b1=haruto c3=i", "2 ndb 2023-01..2023-12 a3=n b1=minato c3=j"];
    assert!(Case::of(&twins).is("1 2").contains_key("national_ids_differ"));
}

#[test]
fn a_name_is_judged_by_the_persons_who_share_it_and_not_by_their_atoms() {
    let mut words: Vec<String> = (0..30).map(|n| format!("{n} ndb 2020-01..2020-06 a3=n b1=yamada")).collect();
    words.push("500 ndb 2021-01..2021-06 a3=m b1=yamada".to_owned());
    let case = Case::of(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let (found, partition) = case.run(policy());
    assert_eq!((found.len(), partition.hubs.get("b1")), (1, None));
}
