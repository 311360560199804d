//! Group keys of two arms: where one is nearly empty, the other stays back too (disclosure.md, 4a; V-ZERO, A017).

use super::*;

const AIM: &str = "facility_id = 7 AND age = 93";

#[tokio::test]
async fn an_arm_is_not_left_alone() {
    let hit = format!("CASE WHEN {AIM} THEN 1 ELSE 0 END");
    for sql in [
        format!("SELECT ({AIM}) AS hit, count(*) FROM ndb.claims GROUP BY 1"),
        format!("SELECT {hit} AS hit, count(*) FROM ndb.claims GROUP BY 1"),
        format!("SELECT CAST(({AIM}) AS int) AS hit, count(*) FROM ndb.claims GROUP BY 1"),
        format!("SELECT CASE WHEN {AIM} THEN 'x' END AS hit, count(*) FROM ndb.claims GROUP BY 1"),
        format!(
            "SELECT CASE WHEN {AIM} THEN 'x' WHEN age = 20 THEN 'y' ELSE 'x' END AS hit, count(*) FROM ndb.claims WHERE age > 20 GROUP BY 1"
        ),
        format!("SELECT hit, count(*) FROM (SELECT {hit} AS hit FROM ndb.claims) t GROUP BY hit"),
        format!(
            "WITH t AS (SELECT person_key, max({hit}) AS hit FROM ndb.claims GROUP BY person_key) SELECT hit, count(*) FROM t GROUP BY hit"
        ),
        format!(
            "WITH t AS (SELECT person_key, bool_or({AIM}) AS hit FROM ndb.claims GROUP BY person_key) SELECT hit, count(*) FROM t GROUP BY hit"
        ),
        format!(
            "SELECT d.hit, count(*) FROM person p LEFT JOIN (SELECT person_key, 1 AS hit FROM ndb.claims WHERE {AIM} GROUP BY person_key) d ON d.person_key = p.person_key GROUP BY d.hit"
        ),
        format!(
            "SELECT coalesce(d.hit, 0) AS h, count(*) FROM person p LEFT JOIN (SELECT person_key, 1 AS hit FROM ndb.claims WHERE {AIM} GROUP BY person_key) d ON d.person_key = p.person_key GROUP BY 1"
        ),
        format!(
            "SELECT hit, count(DISTINCT person_key) FROM (SELECT person_key, 'x' AS hit FROM ndb.claims WHERE {AIM} UNION ALL SELECT person_key, 'y' FROM ndb.claims WHERE NOT ({AIM})) u GROUP BY hit"
        ),
        format!("SELECT hit FROM (SELECT DISTINCT {hit} AS hit FROM ndb.claims) t"),
    ] {
        for twin in [Twin::Base, Twin::Absent, Twin::Changed] {
            let Outcome::Answered(answer) = ask(twin, &sql).await else { panic!("{sql}") };
            assert_eq!(rows(&answer).len(), 0, "{sql}");
        }
    }
}

#[tokio::test]
async fn arms_are_told_apart_within_each_combination_of_the_other_keys() {
    let rows =
        answered("SELECT prefecture, (age > 75 AND facility_id < 30) AS old, count(*) FROM ndb.claims GROUP BY 1, 2")
            .await;
    let alone = rows.iter().filter(|row| rows.iter().filter(|other| other[0] == row[0]).count() != 2);
    assert_eq!(alone.count(), 0, "{rows:?}");
    assert!(!rows.is_empty());
}

#[tokio::test]
async fn two_full_arms_are_shown_and_so_are_totals_over_them() {
    assert_eq!(answered("SELECT age > 50 AS old, count(*) FROM ndb.claims GROUP BY 1").await.len(), 2);
    let rows = answered("SELECT age > 50 AS old, count(*) FROM ndb.claims GROUP BY ROLLUP (age > 50)").await;
    assert_eq!(rows.len(), 3);
    // Three arms are none of two.
    let rows = answered("SELECT CASE WHEN age > 92 THEN 'a' WHEN age > 50 THEN 'b' ELSE 'c' END AS k, count(*) FROM ndb.claims WHERE prefecture = '31' GROUP BY 1").await;
    assert_eq!(rows.len(), 2);
}
