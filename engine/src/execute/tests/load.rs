//! Texts that would take a planner or an operator long: refused soon, or bounded (disclosure.md, "Limits against load").
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::wildcard_enum_match_arm,
    reason = "tests: what goes wrong ends them, and figures are small"
)]

use std::time::{Duration, Instant};

use super::*;

/// 100 ms in an optimised build; this one is not, on a busy machine.
const SOON: Duration = Duration::from_secs(5);

async fn soon(sql: &str) -> Outcome {
    let begun = Instant::now();
    let outcome = ask(Twin::Base, sql).await;
    assert!(begun.elapsed() < SOON, "{:?}: {}", begun.elapsed(), sql.chars().take(80).collect::<String>());
    outcome
}

async fn refused_soon(sql: &str) -> Refusal {
    match soon(sql).await {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}: {}", sql.chars().take(80).collect::<String>()),
    }
}

fn thousand(each: impl Fn(usize) -> String, between: &str) -> String {
    (0..1_000).map(each).collect::<Vec<_>>().join(between)
}

#[tokio::test]
async fn a_thousand_joins_are_refused() {
    for from in [
        thousand(|at| format!("person p{at}"), ", "),
        thousand(|at| format!("person p{at}"), " CROSS JOIN "),
        thousand(|at| format!("person p{at}"), " NATURAL JOIN "),
        format!("person p LEFT JOIN ({}) ON true", thousand(|at| format!("facility p{at}"), " CROSS JOIN ")),
        format!("(SELECT 1 FROM {}) x", thousand(|at| format!("facility p{at}"), ", ")),
    ] {
        assert_eq!(refused_soon(&format!("SELECT count(*) FROM {from}")).await.code, "guard/too-many-joins");
    }
}

#[tokio::test]
async fn twelve_joins_are_looked_at() {
    let joins: String = (0..12).map(|at| format!(" JOIN person p{at} ON p{at}.person_key = p.person_key")).collect();
    let outcome = ask(Twin::Base, &format!("SELECT count(*) FROM person p{joins}")).await;
    assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
}

#[tokio::test]
async fn long_literals_are_refused() {
    let long = "x".repeat(200 << 10);
    for sql in [
        format!("SELECT count(*) FROM ndb.claims WHERE concat(sex, '{long}') = 'x'"),
        format!("SELECT count(*) FROM ndb.claims GROUP BY '{long}'"),
        format!("SELECT count(*) AS \"{long}\" FROM ndb.claims"),
        format!("SELECT count(*) FROM ndb.claims WHERE sex = $a${long}$a$"),
        format!("SELECT count(*) FROM ndb.claims WHERE sex = E'{long}'"),
    ] {
        assert_eq!(refused_soon(&sql).await.code, "guard/literal-too-long");
    }
    answered(&format!("SELECT count(*) FROM person /* {long} */")).await;
}

/// Each step writes the one before it twice.
#[tokio::test]
async fn steps_that_double_are_refused() {
    let doubled = |steps: usize| {
        let mut with = String::from("WITH c0 AS (SELECT person_key, CAST(1 AS double) * days AS x FROM ndb.claims)");
        for at in 1..=steps {
            with += &format!(", c{at} AS (SELECT person_key, x + x AS x FROM c{})", at - 1);
        }
        format!("{with} SELECT count(*) FROM c{steps} WHERE x > 100")
    };
    for steps in [13, 30, 90] {
        assert_eq!(refused_soon(&doubled(steps)).await.rule, "V-RES", "{steps}");
    }
    assert_eq!(answered(&doubled(5)).await, answered("SELECT count(*) FROM ndb.claims WHERE days * 32 > 100").await);
}

#[tokio::test]
async fn texts_of_a_person_do_not_grow_without_bound() {
    let sql = "WITH a AS (SELECT person_key, string_agg(setting, ',') AS t FROM ndb.claims GROUP BY person_key) \
               SELECT length(t) > 20 AS long, count(*) FROM a GROUP BY 1";
    let rows = answered(sql).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    let window = "SELECT length(t) > 20 AS long, count(DISTINCT person_key) FROM (SELECT person_key, string_agg(setting, ',') \
                  OVER (PARTITION BY person_key) AS t FROM ndb.claims) a GROUP BY 1";
    assert_eq!(answered(window).await, rows);
}

/// What SQL says of NULL and NOT IN would let one person drop a crowd.
#[tokio::test]
async fn not_in_lets_one_person_drop_nobody_else() {
    let aim = "SELECT person_key FROM ndb.claims WHERE facility_id = 7 AND age = 93";
    let optional = "SELECT l.person_key FROM person n LEFT JOIN ltc.claims l ON l.person_key = n.person_key WHERE \
                    n.birth_month = DATE '1929-05-01' AND n.prefecture = '31'";
    for sql in [
        format!(
            "SELECT count(*) FROM person n LEFT JOIN (SELECT DISTINCT person_key FROM ltc.claims) l ON l.person_key = n.person_key WHERE l.person_key NOT IN ({aim})"
        ),
        format!(
            "SELECT count(*) FROM person n LEFT JOIN (SELECT DISTINCT person_key FROM ltc.claims) l ON l.person_key = n.person_key WHERE NOT (l.person_key IN ({aim}))"
        ),
        format!(
            "SELECT count(*) FROM person n LEFT JOIN (SELECT DISTINCT person_key FROM ltc.claims) l ON l.person_key = n.person_key WHERE l.person_key NOT IN ({aim}) OR n.sex = '1'"
        ),
        format!("SELECT count(*) FROM person WHERE person_key NOT IN ({optional})"),
        format!("SELECT count(*) FROM person WHERE person_key NOT IN ({optional}) OR sex = '1'"),
    ] {
        let mut counts = Vec::new();
        for twin in [Twin::Base, Twin::Absent] {
            match ask(twin, &sql).await {
                Outcome::Answered(answer) => counts.push(rows(&answer)[0][0].parse::<i64>().unwrap_or(-1)),
                Outcome::Refused(_) => counts.push(-2),
                Outcome::Failed(error) => panic!("{sql}: {error}"),
            }
        }
        assert!((counts[0] - counts[1]).abs() <= 1, "{sql}: {counts:?}");
    }
}
