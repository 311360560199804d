//! Groups by institution that are aggregated again (disclosure.md, F6; L030, A021).

use super::attacks::shape;
use super::*;

const VOLUMES: &str = "WITH f AS (SELECT facility_id, count(DISTINCT person_key) AS volume, count(*) AS claims, sum(points) AS points \
                       FROM ndb.claims GROUP BY facility_id)";

fn number(cell: &str) -> u64 {
    cell.parse().unwrap()
}

#[tokio::test]
async fn hospitals_are_counted_by_volume_class() {
    let by_class = |least: u64| {
        format!(
            "WITH f AS (SELECT facility_id, count(DISTINCT person_key) AS volume FROM dpc.stays \
             WHERE main_icd10 LIKE 'S72%' GROUP BY facility_id) \
             SELECT CASE WHEN volume >= {least} THEN 'high' ELSE 'low' END AS class, count(*) AS facilities, \
             sum(volume) AS persons FROM f GROUP BY 1"
        )
    };
    let mut totals = Vec::new();
    for least in [6, 8, 10] {
        let rows = answered(&by_class(least)).await;
        assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["high", "low"]);
        assert_eq!(rows.iter().map(|row| number(&row[1])).sum::<u64>(), 60, "{rows:?}");
        totals.push(rows.iter().map(|row| number(&row[2])).sum::<u64>());
    }
    assert!(totals.windows(2).all(|pair| pair[0] == pair[1]), "{totals:?}");
    // No hospital has so many: one class is not shown alone.
    assert!(answered(&by_class(20)).await.is_empty());
}

#[tokio::test]
async fn what_is_counted_by_institution_adds_up() {
    let found = answered(&format!("{VOLUMES} SELECT count(*), sum(claims), sum(points), sum(volume) FROM f")).await;
    let whole = answered("SELECT count(*), sum(points), count(DISTINCT person_key) FROM ndb.claims").await;
    assert_eq!(found[0][0], "60");
    assert_eq!(found[0][2], whole[0][1]);
    let near = |a: &str, b: &str| number(a).abs_diff(number(b)) * 1000 < number(b);
    assert!(near(&found[0][1], &whole[0][0]), "{found:?} {whole:?}");
    // Who visits two institutions counts in both.
    assert!(number(&found[0][3]) > number(&whole[0][2]), "{found:?} {whole:?}");
}

#[tokio::test]
async fn few_institutions_and_few_persons_are_withheld() {
    for (select, of) in [
        ("count(*), sum(volume)", "FROM f WHERE facility_id IN (7, 8)"),
        ("count(*), sum(volume)", "FROM f WHERE facility_id = 7"),
        ("count(*), sum(points)", "FROM f WHERE volume = 1"),
        ("count(*)", "FROM f WHERE volume < 0"),
        ("CASE WHEN facility_id = 7 THEN 'a' ELSE 'b' END AS k, count(*), sum(points)", "FROM f GROUP BY 1"),
        ("facility_id, count(*), sum(volume)", "FROM f GROUP BY 1"),
        ("CASE WHEN points > 1000000000 THEN 'a' ELSE 'b' END AS k, count(*)", "FROM f GROUP BY 1"),
    ] {
        let rows = answered(&format!("{VOLUMES} SELECT {select} {of}")).await;
        assert!(rows.iter().flatten().all(|cell| cell == "-"), "{select} {of}: {rows:?}");
    }
}

#[tokio::test]
async fn a_sum_that_one_institution_has_nearly_alone_is_withheld() {
    // Institution 7 with all its rows, three others with few of theirs: enough institutions, enough persons.
    let sql = "WITH f AS (SELECT facility_id, count(DISTINCT person_key) AS volume, sum(points) AS points FROM ndb.claims \
               WHERE facility_id = 7 OR (facility_id IN (11, 12, 13) AND age IN (50, 51)) GROUP BY facility_id) \
               SELECT count(*), sum(volume), sum(points) FROM f";
    let rows = answered(sql).await;
    assert_eq!(rows[0][1..], ["-", "-"], "{rows:?}");
}

#[tokio::test]
async fn other_aggregates_over_institutions_are_refused_and_single_institutions_stay_back() {
    for select in [
        "max(volume)",
        "avg(volume)",
        "sum(volume * volume)",
        "count(DISTINCT volume)",
        "sum(CASE WHEN facility_id = 7 THEN volume END)",
        "median(points)",
        "count(*) FILTER (WHERE facility_id = 7)",
        "sum(volume) FILTER (WHERE volume > 1)",
    ] {
        let refusal = refused(&format!("{VOLUMES} SELECT {select} FROM f")).await;
        assert_eq!(refusal.code, "guard/institutions", "{select}");
    }
    assert!(answered(&format!("{VOLUMES} SELECT * FROM f")).await.is_empty());
    assert!(answered(&format!("{VOLUMES} SELECT * FROM f ORDER BY volume DESC LIMIT 1")).await.is_empty());
    assert!(
        answered(&format!("{VOLUMES} SELECT a.volume FROM f a JOIN f b ON a.facility_id = b.facility_id"))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn institutions_with_the_target_look_alike_on_all_twins() {
    for of in [
        "SELECT count(*), sum(volume) FROM f WHERE volume = 1",
        "SELECT CASE WHEN facility_id = 7 THEN 'a' ELSE 'b' END AS k, count(*) FROM f GROUP BY 1",
        "SELECT volume, count(*) FROM f WHERE facility_id IN (7, 8) GROUP BY 1",
        "SELECT count(*), sum(points) FROM f WHERE points = 12992",
    ] {
        for source in [VOLUMES.to_owned(), VOLUMES.replace("FROM ndb.claims", "FROM ndb.claims WHERE age = 93")] {
            let sql = format!("{source} {of}");
            let mut shapes = Vec::new();
            for twin in [Twin::Base, Twin::Absent, Twin::Changed] {
                let Outcome::Answered(answer) = ask(twin, &sql).await else { panic!("{sql}") };
                shapes.push(shape(&answer));
            }
            assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{sql}: {shapes:?}");
        }
    }
}

#[tokio::test]
async fn one_person_more_is_not_told_by_the_sum_over_institutions() {
    let project = session(Twin::Base);
    let sql = |aim: &str| {
        format!(
            "WITH f AS (SELECT facility_id, count(DISTINCT person_key) AS volume FROM ndb.claims WHERE {aim} GROUP BY facility_id) SELECT sum(volume) FROM f"
        )
    };
    let mut found = Vec::new();
    for aim in ["age > 50", "age > 50 AND NOT (facility_id = 7 AND age = 93)"] {
        let Outcome::Answered(answer) = ask_in(&project, &sql(aim)).await else { panic!("{aim}") };
        found.push(rows(&answer));
    }
    assert_eq!(found[0], found[1]);
}
