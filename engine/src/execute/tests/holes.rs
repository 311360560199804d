//! Holes found by attacking the engine itself: each statement alone told one person apart, and no longer does.

use super::attacks::{Shape, shape};
use super::*;

/// The target, by what an attacker may know.
const AIM: &str = "facility_id = 7 AND age = 93";

/// One outcome in shape, the same on the base population and on both twins.
async fn one_shape(sql: &str) -> Result<Shape, Refusal> {
    let mut shapes = Vec::new();
    for twin in [Twin::Base, Twin::Absent, Twin::Changed] {
        shapes.push(match ask(twin, sql).await {
            Outcome::Answered(answer) => Ok(shape(&answer)),
            Outcome::Refused(refusal) => Err(refusal),
            Outcome::Failed(error) => panic!("{sql}: {error}"),
        });
    }
    assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{sql}: {shapes:?}");
    shapes.remove(0)
}

#[tokio::test]
async fn nobody_outside_a_chosen_set_looks_like_one() {
    for sql in [
        format!("SELECT count(*), count(a) FROM (SELECT CASE WHEN {AIM} THEN NULL ELSE 1 END AS a FROM ndb.claims) t"),
        format!(
            "SELECT count(DISTINCT d.person_key) FROM person p LEFT JOIN \
             (SELECT DISTINCT person_key FROM ndb.claims WHERE NOT ({AIM})) d ON d.person_key = p.person_key"
        ),
        format!(
            "SELECT sum(d.t) FROM person p LEFT JOIN \
             (SELECT person_key, sum(points) AS t FROM ndb.claims WHERE NOT ({AIM}) GROUP BY person_key) d \
             ON d.person_key = p.person_key"
        ),
        format!(
            "SELECT count(x) FROM (SELECT max(days) FILTER (WHERE NOT ({AIM})) AS x FROM ndb.claims GROUP BY person_key) t"
        ),
    ] {
        one_shape(&sql).await.unwrap();
    }
}

#[tokio::test]
async fn institutions_of_an_optional_side_do_not_tell_that_one_person_has_it() {
    for key in ["CASE WHEN d.n IS NULL THEN false ELSE d.n > 1000000 END", "d.n IS NULL OR d.n > 0"] {
        let sql = format!(
            "SELECT count(*) FROM person p LEFT JOIN (SELECT person_key, count(*) AS n FROM ndb.claims WHERE {AIM} \
             GROUP BY person_key) d ON d.person_key = p.person_key GROUP BY {key}"
        );
        // One arm of two is not shown alone (V-ZERO).
        assert_eq!(one_shape(&sql).await.unwrap().rows, 0, "{sql}");
    }
}

#[tokio::test]
async fn many_groups_of_one_person_move_no_band_and_no_limit() {
    let groups = |lists: &str, keys: &str| {
        format!(
            "SELECT {keys}, count(*) FROM ndb.claims c {lists} WHERE c.facility_id = 7 AND c.age = 93 GROUP BY {keys}"
        )
    };
    one_shape(&groups("CROSS JOIN generate_series(1, 100) v(i)", "v.i")).await.unwrap();
    one_shape(&groups(
        "CROSS JOIN generate_series(1, 300) v(i) CROSS JOIN generate_series(1, 300) w(i)",
        "v.i, w.i, points",
    ))
    .await
    .unwrap();
    let more = groups("CROSS JOIN generate_series(1, 1000) v(i) CROSS JOIN generate_series(1, 200) w(i)", "v.i, w.i");
    assert_eq!(one_shape(&more).await.unwrap_err().rule, "V-RES");
}

/// A crowd repeated N times and one person once: the remainder of a division by N is that person's value.
#[tokio::test]
async fn no_list_repeats_all_but_one() {
    let claims = |one: &str, other: &str| {
        format!("(SELECT CASE WHEN {AIM} THEN {one} ELSE {other} END AS w, points FROM ndb.claims) c")
    };
    for sql in [
        format!(
            "SELECT count(*), sum(points) FROM {} JOIN (SELECT a, b FROM (SELECT 1 AS a, 1 AS b) t GROUP BY CUBE (a, b)) v \
             ON c.w = 2 OR (v.a = 1 AND v.b = 1)",
            claims("1", "2")
        ),
        format!("SELECT sum(points) FROM {} LEFT JOIN facility f ON f.kind = c.w", claims("'x'", "'hospital'")),
        format!("SELECT count(*) FROM {} LEFT JOIN code.population f ON f.year = c.w", claims("1", "2020")),
    ] {
        assert_eq!(one_shape(&sql).await.unwrap_err().rule, "V-LEDGER-WEIGHT", "{sql}");
    }
}

#[tokio::test]
async fn timestamps_do_not_overflow_on_one_row() {
    for condition in [
        "date_trunc('month', service_month) + INTERVAL '200 years' + INTERVAL '200 years' IS NULL",
        "CAST(service_month AS timestamp) + INTERVAL '200 years' + INTERVAL '200 years' IS NULL",
        "CAST(service_month + INTERVAL '200 years' AS timestamp) - CAST('1700-01-01' AS timestamp) IS NULL",
        "service_month + INTERVAL '200 years' - CAST('1700-01-01' AS timestamp) IS NULL",
    ] {
        let sql = format!("SELECT count(*) FROM ndb.claims WHERE CASE WHEN {AIM} THEN {condition} ELSE true END");
        one_shape(&sql).await.unwrap_err();
    }
}

/// What could fail on one value fails on none, however the value was made.
#[tokio::test]
async fn no_number_and_no_text_fails_on_one_row() {
    let least = format!("SELECT CASE WHEN {AIM} THEN -9223372036854775807 - 1 ELSE 1 END AS m FROM ndb.claims");
    let direct =
        format!("SELECT CASE WHEN {AIM} THEN CAST('-9223372036854775808' AS bigint) ELSE 1 END AS m FROM ndb.claims");
    let wide = format!(
        "SELECT CASE WHEN {AIM} THEN CAST('99999999999999999999999999999999999999' AS decimal(38, 0)) ELSE CAST(1 AS decimal(38, 0)) END AS m FROM ndb.claims"
    );
    let mut open = Vec::new();
    for (name, table) in [("least", &least), ("direct", &direct), ("wide", &wide)] {
        for expr in [
            "abs(m) > 0",
            "-m > 0",
            "m / -1 > 0",
            "m * m > 0",
            "m + m + m > 0",
            "round(m, -3) > 0",
            "ceil(m) > 0",
            "CAST(m AS double) > 0",
            "trunc(m) > 0",
            "signum(m) > 0",
            "greatest(m, 2) > 0",
            "CAST(m AS int) IS NULL",
            "m - 0.5 > 0",
        ] {
            open.push((
                format!("{name} {expr}"),
                format!("SELECT count(*) FROM ({table}) t WHERE {expr} OR m IS NULL OR m = 1"),
            ));
        }
    }
    for (_, sql) in open {
        let _answered = one_shape(&sql).await;
    }
}
