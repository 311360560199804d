//! Grouping sets over rows: one table to suppression, one table each to the ledger (V-GSETS, V-COMP).

use std::collections::BTreeMap;

use super::attacks::shape;
use super::*;

fn number(cell: &str) -> u64 {
    cell.parse().unwrap()
}

#[tokio::test]
async fn sets_count_what_single_groupings_count() {
    let sets = answered(
        "SELECT sex, claim_type, grouping(sex) AS a, grouping(claim_type) AS b, count(DISTINCT person_key) AS n, sum(points) AS t \
         FROM ndb.claims GROUP BY GROUPING SETS ((sex), (claim_type), ())",
    )
    .await;
    let one =
        answered("SELECT sex, '-', 0, 1, count(DISTINCT person_key), sum(points) FROM ndb.claims GROUP BY sex").await;
    let other = answered(
        "SELECT '-', claim_type, 1, 0, count(DISTINCT person_key), sum(points) FROM ndb.claims GROUP BY claim_type",
    )
    .await;
    let whole = answered("SELECT count(DISTINCT person_key), sum(points) FROM ndb.claims").await;
    let whole = ["-", "-", "1", "1"].into_iter().map(str::to_owned).chain(whole[0].clone()).collect();
    let mut expected = [one, other, vec![whole]].concat();
    expected.sort();
    assert_eq!(sets, expected);
}

#[tokio::test]
async fn rollup_and_cube_and_mixtures_have_their_sets() {
    let sets = |sql: &'static str| async move {
        let mut found: Vec<String> =
            answered(sql).await.into_iter().map(|row| format!("{}{}", row[0], row[1])).collect();
        found.sort();
        found.dedup();
        found
    };
    let of = "grouping(sex), grouping(prefecture), count(*) FROM person GROUP BY";
    for (groups, expected) in [
        ("ROLLUP (sex, prefecture)", vec!["00", "01", "11"]),
        ("CUBE (sex, prefecture)", vec!["00", "01", "10", "11"]),
        ("sex, ROLLUP (prefecture)", vec!["00", "01"]),
        ("GROUPING SETS ((prefecture), (sex, prefecture))", vec!["00", "10"]),
    ] {
        let sql: &'static str = format!("SELECT {of} {groups}").leak();
        assert_eq!(sets(sql).await, expected, "{groups}");
    }
}

#[tokio::test]
async fn a_total_is_told_by_the_set_and_not_by_null() {
    // Who has no certification has no care level: a group whose key is NULL, beside the total whose key is NULL.
    let rows = answered(
        "SELECT l.care_level, grouping(l.care_level) AS total, count(DISTINCT p.person_key) AS n FROM person p \
         LEFT JOIN ltc.certifications l ON l.person_key = p.person_key GROUP BY ROLLUP (l.care_level)",
    )
    .await;
    let null: Vec<_> = rows.iter().filter(|row| row[0] == "-").collect();
    assert_eq!(null.len(), 2, "{rows:?}");
    assert!(null.iter().any(|row| row[1] == "1" && row[2] == "3001"), "{rows:?}");
    assert!(null.iter().any(|row| row[1] == "0" && number(&row[2]) < 3001), "{rows:?}");
}

#[tokio::test]
async fn sets_that_no_rule_knows_are_refused() {
    for groups in [
        "CUBE (sex, prefecture, age, claim_type)",
        "GROUPING SETS ((sex), (sex))",
        "GROUPING SETS ((), (sex), ())",
        "ROLLUP (sex, sex)",
        "sex, CUBE (sex)",
        "GROUPING SETS ((person_key), (sex))",
        "ROLLUP (person_key)",
        "person_key, ROLLUP (sex)",
    ] {
        let refusal = refused(&format!("SELECT count(DISTINCT person_key) FROM ndb.claims GROUP BY {groups}")).await;
        assert!(matches!(refusal.rule, "V-GSETS" | "V-CATALOG"), "{groups}: {refusal}");
    }
    for groups in ["ROLLUP (claim_id)", "CUBE (sex, claim_id)"] {
        let refusal = refused(&format!("SELECT count(DISTINCT person_key) FROM ndb.claims GROUP BY {groups}")).await;
        assert_eq!(refusal.rule, "V-TECH", "{groups}");
    }
    // A set that leaves a joined list's columns out counts rows twice.
    let repeated = "FROM ndb.claims c JOIN (SELECT 93 AS a, 1 AS w UNION ALL SELECT 93, 2 UNION ALL SELECT 50, 2) v ON v.a = c.age";
    let refusal = refused(&format!("SELECT v.a, v.w, count(*) {repeated} GROUP BY ROLLUP (v.a, v.w)")).await;
    assert_eq!(refusal.rule, "V-LEDGER-WEIGHT");
}

/// What is missing under a shown total is nothing, or as many as a cell of its own would need.
#[tokio::test]
async fn no_total_gives_a_small_cell_back() {
    for key in ["age", "CASE WHEN age = 93 AND sex = '2' THEN 'a' WHEN age > 60 THEN 'b' ELSE 'c' END"] {
        let sql = format!(
            "SELECT prefecture, {key} AS k, grouping(prefecture), grouping({key}), count(*) FROM person GROUP BY CUBE (prefecture, {key})"
        );
        let sql = sql.replace("age", "(2022 - date_part('year', birth_month))");
        let rows = answered(&sql).await;
        let mut parts: BTreeMap<(usize, String), u64> = BTreeMap::new();
        for row in rows.iter().filter(|row| row[2] == "0" && row[3] == "0" && row[4] != "-") {
            for key in [0, 1] {
                *parts.entry((key, row[key].clone())).or_default() += number(&row[4]);
            }
        }
        let mut seen = 0;
        for row in rows.iter().filter(|row| (row[2] == "0") != (row[3] == "0") && row[4] != "-") {
            let key = usize::from(row[2] == "1");
            let shown = parts.get(&(key, row[key].clone())).copied().unwrap_or(0);
            let missing = number(&row[4]) - shown;
            assert!(missing == 0 || missing >= 10, "{key} {row:?}: {missing}");
            seen += 1;
        }
        assert!(seen > 3, "{rows:?}");
    }
}

#[tokio::test]
async fn all_that_is_counted_in_a_row_stays_back_together() {
    let rows = answered(
        "SELECT prefecture, sex, count(*) AS n, sum(points) AS t, avg(points) AS m FROM ndb.claims WHERE age >= 84 \
         GROUP BY ROLLUP (prefecture, sex)",
    )
    .await;
    assert!(!rows.is_empty());
    for row in rows {
        let hidden = row[2..].iter().filter(|cell| *cell == "-").count();
        assert!(hidden == 0 || hidden == 3, "{row:?}");
        assert!(hidden == 3 || number(&row[2]) >= 10, "{row:?}");
    }
}

#[tokio::test]
async fn sets_of_the_target_look_alike_on_all_twins() {
    for sql in [
        "SELECT prefecture, age, count(*) FROM ndb.claims WHERE prefecture IN ('31', '40') AND age > 80 GROUP BY ROLLUP (prefecture, age)",
        "SELECT facility_id, age, count(*), sum(points) FROM ndb.claims WHERE facility_id = 7 GROUP BY CUBE (facility_id, age)",
        "SELECT sex, count(*) FROM ndb.claims WHERE facility_id = 7 AND age = 93 GROUP BY GROUPING SETS ((sex), ())",
        "SELECT prefecture, count(DISTINCT person_key) FROM ndb.claims WHERE age = 93 GROUP BY ROLLUP (prefecture)",
    ] {
        let mut shapes = Vec::new();
        for twin in [Twin::Base, Twin::Absent, Twin::Changed] {
            let Outcome::Answered(answer) = ask(twin, sql).await else { panic!("{sql}") };
            shapes.push(shape(&answer));
        }
        assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{sql}: {shapes:?}");
    }
}

#[tokio::test]
async fn the_same_sets_twice_give_the_same_cells() {
    let project = session(Twin::Base);
    let sql = "SELECT prefecture, sex, count(*), sum(points) FROM ndb.claims GROUP BY CUBE (prefecture, sex)";
    let mut answers = Vec::new();
    for _ in 0..2 {
        let Outcome::Answered(answer) = ask_in(&project, sql).await else { panic!("not answered") };
        answers.push(rows(&answer));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn sets_are_perturbed_in_the_preview() {
    let project = over(fixture::relations(Twin::Base), Grade::Preview);
    let sql = "SELECT sex, grouping(sex), count(DISTINCT person_key) FROM ndb.claims GROUP BY ROLLUP (sex)";
    let Outcome::Answered(answer) = ask_in(&project, sql).await else { panic!("not answered") };
    assert_eq!(rows(&answer).len(), 3);
}
