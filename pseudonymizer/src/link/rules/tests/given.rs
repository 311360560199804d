//! Tests of what never comes together, of answers, of caps, and of scored pairs.

use super::*;

const SURE: i32 = 12_000;
const UNSURE: i32 = 3_000;

#[test]
fn twins_stay_apart_whatever_joins_them() {
    let twins = [
        "1 ndb 2020-01..2020-12 a1=n01 a2=n a3=n b1=haruto c3=i d1=h",
        "2 ndb 2021-01..2021-12 a1=n02 a2=n a3=n b1=minato c3=i d1=h",
    ];
    assert!(Case::of(&twins).pair(1, 2, SURE).is("1 2").contains_key("twins"));
    // Of one name, or where zeros are lost, the branch is a slip.
    check(&["1 ndb a1=n01 a2=n a3=n b1=haruto", "2 ndb a1=n02 a2=n a3=n b1=haruto"], "1,2");
    check(&["1 ndb a1=n01 a2=n a3=n b2=kanji", "2 ndb a1=n02 a2=0n a3=n b1=kana"], "1,2");
    let vetoes = Case::of(&["1 ndb a1=n01 a2=n a3=n b2=kanji", "2 ndb a1=n02 a2=n a3=n b1=kana"]).is("1 2");
    assert_eq!(vetoes.get("branches_differ"), Some(&1));
    check(&["1 ndb 2020-01..2020-12 a3=n b2=one", "2 ndb 2020-01..2020-12 a3=n b2=two"], "1 2");
}

#[test]
fn two_national_numbers_are_two_persons() {
    let two = ["1 ndb 2020-01..2020-12 a3=a b1=yamada c3=i", "2 ndb 2021-01..2021-12 a3=b b1=yamada c3=j"];
    assert!(Case::of(&two).pair(1, 2, SURE).is("1 2").contains_key("national_ids_differ"));
    check(&[two[0], "2 ndb 2021-01..2021-12 a3=a b1=yamada c3=j"], "1,2");
}

#[test]
fn a_national_number_outlives_name_and_insurer_but_no_contradiction() {
    let before = "1 ndb 2020-01..2020-12 a3=a b1=before c3=i";
    check(&[before, "2 ndb 2021-01..2021-12 a3=b b1=married c3=i"], "1,2");
    let at_once = "2 ndb 2020-06..2021-12 a3=b b1=married c3=i";
    assert!(Case::of(&[before, at_once]).is("1 2").contains_key("names_and_lines_contradict"));
    check(&[before, "2 ndb 2020-06..2021-12 a3=b b1=before c3=i"], "1,2");
    check(&["1 ndb 2020-01..2020-12 a3=a b1=haruto c3=i", "2 ndb 2020-01..2020-12 a3=a b1=minato c3=i"], "1 2");
}

#[test]
fn a_crafted_atom_glues_no_strangers() {
    let crafted = "3 ndb 2020-01..2020-12 a1=x a3=x b1=suzuki c1=y";
    let strangers = ["1 ndb 2020-01..2020-12 a1=x a3=x b1=suzuki", "2 ndb 2020-01..2020-12 a1=z a3=z b1=yamada c1=y"];
    assert!(Case::of(&[strangers[0], strangers[1], crafted]).is("1,3 2").contains_key("names_and_lines_contradict"));
}

#[test]
fn what_reads_the_same_and_is_written_differently_is_left_to_be_scored() {
    let two = ["1 ndb 2020-01..2020-12 a3=a b1=minoru b2=one", "2 ndb 2021-01..2021-12 a3=b b1=minoru b2=two"];
    assert!(Case::of(&two).is("1 2").contains_key("kanji_differ"));
    Case::of(&two).pair(1, 2, SURE).is("1,2");
}

#[test]
fn the_nearer_follows_only_if_it_is_clearly_nearer() {
    let lines = [
        "1 ndb 2020-01..2020-10 a3=a b1=yamada",
        "2 ndb 2020-12..2021-12 a3=b b1=yamada",
        "3 ndb 2021-02..2021-12 a3=c b1=yamada",
    ];
    assert!(Case::of(&lines).is("1 2 3").contains_key("ambiguous"));
    check(&[lines[0], lines[1], "3 ndb 2021-05..2021-12 a3=c b1=yamada"], "1,2 3");
}

#[test]
fn lines_of_one_own_number_are_one_line() {
    let born = ["1 ndb 2020-01..2020-12 a3=a b1=right c2=l b2=k", "2 ndb 2020-01..2020-12 a3=wrong b1=wrong c2=l"];
    check(&born, "1,2");
    // What a name has placed elsewhere, a number does not fetch.
    let chart = ["1 ndb 2020-01..2020-12 a3=a b1=right c2=l", "2 ndb 2020-01..2020-12 a3=b b1=other c2=l"];
    check(&[chart[0], chart[1], "3 ndb 2019-10..2020-12 a3=z b1=other"], "1,2 3");
}

#[test]
fn an_answer_joins_and_an_answer_parts_for_good() {
    let overlap = ["1 ndb 2020-01..2020-12 a3=a b1=yamada", "2 ndb 2020-01..2020-12 a3=b b1=suzuki"];
    Case::of(&overlap).same(1, 2).is("1,2");
    let one = ["1 ndb a1=n a3=n b1=yamada", "2 ndb a1=n a3=n b1=yamada"];
    assert!(Case::of(&one).different(1, 2).is("1 2").contains_key("answered_different"));
    // Not by a third one, not by a score.
    let three = [one[0], one[1], "3 ndb a1=n a3=n b1=yamada"];
    Case::of(&three).different(1, 2).pair(1, 2, SURE).is("1 2 3");
    Case::of(&three).different(1, 2).same(2, 3).is("1 2,3");
    let chain = ["1 ehr d1=h", "2 ehr d1=h b1=yamada", "3 ehr b1=yamada d1=i", "4 ehr d1=i"];
    Case::of(&chain).is("1,2,3,4");
    Case::of(&chain).different(1, 4).is("1,2 3,4");
}

#[test]
fn answers_that_contradict_each_other_join_nobody() {
    let far = ["1 ehr d1=a", "2 ehr d1=b", "3 ehr d1=c", "4 ehr d1=e", "5 ehr d1=f"];
    let case = Case::of(&far).same(1, 2).same(2, 3).same(4, 5);
    case.is("1,2,3 4,5");
    assert_eq!(case.clone().different(1, 3).is("1 2 3 4,5").get("answers_contradict"), Some(&1));
    case.different(3, 4).is("1,2,3 4,5");
}

/// Atoms of one national number: `more` decides what else each says.
fn under_one_number(count: u128, more: impl Fn(u128) -> String) -> Case {
    let words: Vec<String> = (0..count).map(|n| format!("{n} ndb c3=i {}", more(n))).collect();
    Case::of(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn what_no_person_can_have_had_is_taken_apart_and_stays_so() {
    let lines = |count| under_one_number(count, |n| format!("2020-01..2020-01 a3=n{n}"));
    assert_eq!(lines(24).run(policy()).0.len(), 1);
    let (parts, partition) = lines(25).run(policy());
    assert_eq!((parts.len(), partition.vetoes.get("too_many_lines")), (25, Some(&1)));
    assert_eq!(partition.joined.get("c3"), Some(&0));
    let (parts, partition) = lines(25).pair(1, 2, SURE).run(policy());
    assert_eq!((parts.len(), partition.vetoes.get("quarantined")), (25, Some(&1)));

    // Two atoms a name: a spelling that is there once is a slip.
    let year = |n| 2010 + n / 2;
    let names = |count| under_one_number(count, |n| format!("{}-01..{}-06 b1=n{}", year(n), year(n), n / 2));
    assert_eq!(names(8).run(policy()).0.len(), 1);
    assert_eq!(names(9).run(policy()).0.len(), 1);
    let (parts, partition) = names(10).run(policy());
    assert_eq!(partition.vetoes.get("too_many_names"), Some(&1));
    // The names of each are joined by what comes after, the persons are not.
    assert_eq!(parts.len(), 10);

    let births = |count| under_one_number(count, |n| format!("c2=l a3=n{}", n / 2));
    assert_eq!(births(4).run(policy()).0.len(), 1);
    assert_eq!(births(6).run(policy()).1.vetoes.get("too_many_births"), Some(&1));
}

#[test]
fn parts_are_what_they_were_before_the_evidence_that_was_too_much() {
    let case = under_one_number(50, |n| format!("2020-01..2020-01 a1=n{} a3=n{}", n / 2, n / 2));
    let (parts, _) = case.run(policy());
    assert_eq!(parts.len(), 25);
    assert!(parts.iter().all(|part| part.len() == 2));
}

#[test]
fn a_chain_without_end_is_taken_apart() {
    let mut small = policy().clone();
    small.caps.atoms = 10;
    let chain: Vec<String> = (0..40).map(|n| format!("{n} ehr c1=c{} d1=d{}", n / 2, (n + 1) / 2)).collect();
    let case = Case::of(&chain.iter().map(String::as_str).collect::<Vec<_>>());
    let (parts, partition) = case.run(&small);
    assert!(partition.vetoes.contains_key("too_many_atoms"));
    assert!(parts.iter().all(|part| part.len() <= 4), "{parts:?}");
    assert_eq!(case.run(policy()).0.len(), 1);
}

#[test]
fn scores_join_from_the_heaviest_down() {
    let three = ["1 ndb 2020-01..2020-12 a3=a", "2 ndb 2021-01..2021-12 a3=b", "3 ndb 2021-01..2021-12 a3=c"];
    let case = Case::of(&three).pair(1, 2, SURE).pair(1, 3, SURE + 2000);
    let (found, partition) = case.run(policy());
    assert_eq!(found, sets("1,3 2"));
    let against: Vec<_> = partition.grey.iter().map(|grey| (grey.pair.weight, grey.against)).collect();
    assert_eq!(against, [(SURE, Some(Veto::OverlapMedical))]);
    assert_eq!(partition.joined.get("scored"), Some(&1));
    // Two that fit about as well: neither.
    let (found, partition) = Case::of(&three).pair(1, 2, SURE).pair(1, 3, SURE + 900).run(policy());
    assert_eq!(found, sets("1 2 3"));
    assert!(partition.grey.iter().all(|grey| grey.against == Some(Veto::Ambiguous)));
    assert_eq!(partition.grey.len(), 2);
}

#[test]
fn what_is_not_sure_is_asked_about_unless_it_came_together_anyway() {
    let three = ["1 ehr d1=a", "2 ehr d1=b", "3 ehr d1=c", "4 ehr d1=c", "5 ehr d1=e"];
    let case = Case::of(&three).pair(1, 2, SURE).pair(2, 3, SURE).pair(1, 3, UNSURE).pair(1, 5, UNSURE);
    let (found, partition) = case.pair(2, 5, UNSURE - 1).pair(4, 5, -1).run(policy());
    assert_eq!(found, sets("1,2,3,4 5"));
    let asked: Vec<_> = partition.grey.iter().map(|grey| (grey.pair.weight, grey.against)).collect();
    assert_eq!(asked, [(UNSURE, None)]);
}

#[test]
fn a_score_may_change_a_name_but_not_an_insurer() {
    let before = "1 ndb 2020-01..2020-12 a3=a b1=before";
    Case::of(&[before, "2 ndb 2021-01..2021-12 a3=b b1=married"]).pair(1, 2, SURE).is("1,2");
    let at_once = Case::of(&[before, "2 ndb 2020-06..2021-12 a3=b b1=married"]).pair(1, 2, SURE);
    assert!(at_once.is("1 2").contains_key("medical_lines_overlap"));
}
