//! Conditions and expressions inside aggregates: what tells one person apart, and what papers write (V-ARM, V-DECOMP).

use super::attacks::shape;
use super::*;

/// The target, by what an attacker may know.
const AIM: &str = "facility_id = 7 AND age = 93 AND sex = '2' AND prefecture = '31'";

/// Aggregates over the claims that must be refused or withheld, whoever is there; `{a}` is the target.
const SINGLE_OUT: &[&str] = &[
    "sum(CASE WHEN {a} THEN points ELSE 0 END)",
    "sum(CASE WHEN NOT ({a}) THEN points END)",
    "sum(CASE WHEN NOT ({a}) THEN points ELSE 0 END)",
    "sum(CASE WHEN age = 93 THEN CASE WHEN facility_id = 7 THEN 2 ELSE 1 END ELSE 1 END)",
    "sum(CASE WHEN CASE WHEN {a} THEN days > 10 ELSE false END THEN 2 ELSE 1 END)",
    "sum(CASE WHEN CASE WHEN {a} THEN 1 ELSE 0 END = 0 THEN points ELSE 1 END)",
    "sum(CASE WHEN {a} THEN 2 ELSE 1 END) FILTER (WHERE points > 0)",
    "sum(CASE WHEN points > 300 THEN 1 ELSE 0 END) FILTER (WHERE NOT ({a}))",
    "sum(CASE WHEN sex = '1' THEN points WHEN NOT ({a}) THEN points ELSE 0 END)",
    "sum(CASE CASE WHEN {a} THEN 1 ELSE 0 END WHEN 1 THEN 0 ELSE points END)",
    "sum(points + CASE WHEN {a} THEN days*0.001 ELSE 0 END)",
    "sum(points - CASE WHEN {a} THEN points ELSE 0 END)",
    "sum(points * CASE WHEN {a} THEN 0 ELSE 1 END)",
    "sum(CASE WHEN {a} THEN 0 ELSE 1 END * CASE WHEN days > 2 THEN points ELSE 0 END)",
    "sum(-CASE WHEN {a} THEN 0.001 ELSE points END)",
    "sum(points + CASE WHEN NOT ({a}) THEN 0 END)",
    "sum(points * NULLIF(CASE WHEN {a} THEN 0 ELSE 1 END, 0))",
    "sum(NULLIF(points, 4331))",
    "sum(COALESCE(CASE WHEN {a} THEN NULL ELSE points END, 0))",
    "sum(COALESCE(NULLIF(points, 4331), 1000000))",
    "sum(nvl2(NULLIF(age, 93), points, 0)) FILTER (WHERE prefecture = '31')",
    "sum(CAST(({a}) AS int))",
    "sum(1 - CAST(({a}) AS int))",
    "avg(CAST(CASE WHEN {a} THEN NULL ELSE days > 3 END AS int))",
    "sum(CAST((NOT ({a}) AND days > 3) OR ({a} AND days > 10) AS int))",
    "avg(CASE WHEN {a} THEN points END)",
    "avg(CASE WHEN NOT ({a}) THEN points END)",
    "avg(points) FILTER (WHERE NOT ({a}))",
    "sum(points) FILTER (WHERE {a})",
    "count(*) FILTER (WHERE NOT ({a}))",
    "count(points) FILTER (WHERE {a})",
    "count(CASE WHEN {a} THEN NULL ELSE 1 END)",
    "count(CASE WHEN NOT ({a}) THEN 1 END)",
    "count(NULLIF(points, 4331))",
    "count(DISTINCT CASE WHEN NOT ({a}) THEN person_key END)",
    "count(DISTINCT CASE WHEN {a} THEN person_key END)",
    "count(DISTINCT person_key) FILTER (WHERE NOT ({a}))",
    "count(DISTINCT CASE WHEN {a} THEN NULL ELSE person_key END)",
    "count(DISTINCT CASE WHEN {a} THEN 0 ELSE person_key END)",
    "count(DISTINCT CASE {a} WHEN true THEN NULL ELSE person_key END)",
    "sum(0 * points)",
    "sum(points * 0.0 + CASE WHEN {a} THEN 1 ELSE 0 END)",
    "sum(points / points)",
    "sum(1.0 / (points - 4331))",
    "sum(power(age, 0))",
    "sum(exp(-1000.0 * (age - 93) * (age - 93)))",
    "sum(CAST(points AS double) * days * age)",
    "sum(COALESCE(days, 0) * CASE WHEN {a} THEN 0.001 ELSE 1.0 END)",
    "sum(points) FILTER (WHERE COALESCE(NULLIF(points, 4331), 0) > 0)",
    "sum(CASE WHEN points > 300 THEN CASE WHEN {a} THEN points + 1 ELSE points END ELSE 0 END)",
    "sum(CASE WHEN {a} OR points > 4000 THEN 0 ELSE CASE WHEN {a} THEN 1 ELSE 2 END END)",
    "avg(points - CASE WHEN days > 3 THEN NULLIF(points, 4331) ELSE 0 END)",
    "count(COALESCE(NULLIF(points, 4331), NULL))",
    "count(DISTINCT COALESCE(CASE WHEN {a} THEN NULL ELSE person_key END, NULL))",
    "sum(CASE WHEN {a} THEN points / 0.0 ELSE points END)",
    "sum(CASE WHEN {a} THEN CAST('NaN' AS double) ELSE points END)",
    "avg(DISTINCT points)",
    "sum(-(-(CASE WHEN {a} THEN -points ELSE points END)))",
    "sum(points + facility_id)",
    "sum(floor(points / 4331.0))",
    "sum(abs(points - 4331))",
    "sum(greatest(points, 4331))",
    "sum(CAST(points / 4331.0 AS int))",
    "sum(CAST(age / 93 AS double))",
    "sum(CAST(sex AS double))",
    "sum(1e300 * points)",
    "sum(points + 1e-15 * days)",
    "sum(strpos(prefecture, '31') * points)",
    "avg(CAST(in_x AS int))",
];

/// A statistic with its condition inside, and the same with a condition on rows or from its parts.
const SAME: &[(&str, &str)] = &[
    (
        "count(*) FILTER (WHERE setting = 'inpatient') FROM ndb.claims",
        "count(*) FROM ndb.claims WHERE setting = 'inpatient'",
    ),
    (
        "sum(CASE WHEN setting = 'inpatient' THEN 1 ELSE 0 END) FROM ndb.claims",
        "count(*) FROM ndb.claims WHERE setting = 'inpatient'",
    ),
    ("sum(CAST(setting = 'inpatient' AS int)) FROM ndb.claims", "count(*) FROM ndb.claims WHERE setting = 'inpatient'"),
    ("count(CASE WHEN age >= 65 THEN 1 END) FROM ndb.claims", "count(*) FROM ndb.claims WHERE age >= 65"),
    ("sum(points) FILTER (WHERE sex = '1') FROM ndb.claims", "sum(points) FROM ndb.claims WHERE sex = '1'"),
    ("avg(points) FILTER (WHERE sex = '1') FROM ndb.claims", "avg(points) FROM ndb.claims WHERE sex = '1'"),
    ("avg(CASE WHEN age >= 65 THEN points END) FROM ndb.claims", "avg(points) FROM ndb.claims WHERE age >= 65"),
    (
        "sum(CASE WHEN age < 40 THEN 0 WHEN sex = '1' THEN points ELSE 0 END) FROM ndb.claims",
        "sum(points) FROM ndb.claims WHERE age >= 40 AND sex = '1'",
    ),
    (
        "sum(points * CASE WHEN age >= 65 THEN 1 ELSE 0 END) FROM ndb.claims",
        "sum(points) FROM ndb.claims WHERE age >= 65",
    ),
    (
        "count(DISTINCT CASE WHEN age >= 65 THEN person_key END) FROM ndb.claims",
        "count(DISTINCT person_key) FROM ndb.claims WHERE age >= 65",
    ),
    (
        "count(DISTINCT person_key) FILTER (WHERE age >= 65) FROM ndb.claims",
        "count(DISTINCT person_key) FROM ndb.claims WHERE age >= 65",
    ),
    ("sum(2 * points + 3 * days) FROM ndb.claims", "2 * sum(points) + 3 * sum(days) FROM ndb.claims"),
    ("sum(points - 10) FROM ndb.claims", "sum(points) - 10 * count(*) FROM ndb.claims"),
    (
        "sum((CAST(points AS double) - 10) * (CAST(points AS double) - 10)) FROM ndb.claims",
        "sum(CAST(points AS double) * points) - 20 * sum(points) + 100 * count(*) FROM ndb.claims",
    ),
    ("sum(points / 10.0) FROM ndb.claims", "sum(points) / 10.0 FROM ndb.claims"),
    ("sum(COALESCE(points, 0)) FROM ndb.claims", "sum(points) FROM ndb.claims"),
    ("sum(nvl(points, 0)) FROM ndb.claims WHERE COALESCE(days, 0) > 3", "sum(points) FROM ndb.claims WHERE days > 3"),
    (
        "sum(COALESCE(d.t, 0)) FROM person p LEFT JOIN (SELECT person_key, sum(points) AS t FROM ndb.claims \
             WHERE setting = 'inpatient' GROUP BY person_key) d ON d.person_key = p.person_key",
        "sum(points) FROM ndb.claims WHERE setting = 'inpatient'",
    ),
    (
        "avg(los) FROM (SELECT person_key, discharged_on - admitted_on AS los FROM dpc.stays) s",
        "avg(discharged_on - admitted_on) FROM dpc.stays",
    ),
    (
        "avg(CASE WHEN outcome = 'died' THEN 1.0 ELSE 0.0 END) FROM dpc.stays",
        "CAST(count(*) FILTER (WHERE outcome = 'died') AS double) / count(*) FROM dpc.stays",
    ),
    (
        "avg(2023 - date_part('year', birth_month)) FROM person",
        "2023 - avg(date_part('year', birth_month)) FROM person",
    ),
];

/// The outcome in words that depend on nothing but what a researcher can see.
async fn seen(twin: Twin, sql: &str) -> String {
    match ask(twin, sql).await {
        Outcome::Answered(answer) => format!("{:?} {:?}", shape(&answer), rows(&answer)),
        Outcome::Refused(refusal) => refusal.to_string(),
        Outcome::Failed(error) => panic!("{sql}: {error}"),
    }
}

#[tokio::test]
async fn no_expression_singles_a_person_out() {
    let mut open = Vec::new();
    for aggregate in SINGLE_OUT {
        let aggregate = aggregate.replace("{a}", AIM);
        let sql = format!("SELECT {aggregate} AS s FROM ndb.claims");
        let base = ask(Twin::Base, &sql).await;
        if let Outcome::Answered(answer) = &base
            && rows(answer) != [["-"]]
        {
            open.push(format!("{aggregate}: {:?}", rows(answer)));
        }
        let base = seen(Twin::Base, &sql).await;
        for twin in [Twin::Absent, Twin::Changed] {
            if seen(twin, &sql).await != base {
                open.push(format!("{aggregate}: differs on {twin:?}"));
            }
        }
    }
    assert!(open.is_empty(), "{open:#?}");
}

/// What comes up from a grouping by person or over an outer join and hides a condition.
#[tokio::test]
async fn marks_made_below_do_not_single_a_person_out() {
    let marked = format!(
        "(SELECT person_key, sum(points) AS p, max(CASE WHEN {AIM} THEN 1 ELSE 0 END) AS f, \
         max(days) FILTER (WHERE NOT ({AIM})) AS d, sum(points + CASE WHEN {AIM} THEN 1 ELSE 0 END) AS q \
         FROM ndb.claims GROUP BY person_key) x"
    );
    let aimed =
        format!("(SELECT person_key, max(points) AS p, max(age) AS a FROM ndb.claims WHERE {AIM} GROUP BY person_key)");
    let derived = format!(
        "(SELECT person_key, points, CASE WHEN {AIM} THEN 1 ELSE 0 END AS f, points*1.0 AS m FROM ndb.claims) x"
    );
    for sql in [
        format!("SELECT sum(p*f) FROM {marked}"),
        format!("SELECT sum(p + 0.001*f) FROM {marked}"),
        format!("SELECT sum(f) FROM {marked}"),
        format!("SELECT sum(q) FROM {marked}"),
        format!("SELECT sum(d) FROM {marked}"),
        format!("SELECT sum(COALESCE(d, 0)) FROM {marked}"),
        format!("SELECT sum(p*p*p) FROM {marked}"),
        format!("SELECT sum(CASE WHEN f = 1 THEN p ELSE 0 END) FROM {marked}"),
        format!("SELECT sum(CASE WHEN f = 0 THEN p ELSE 0 END) FROM {marked}"),
        format!("SELECT sum(p) FILTER (WHERE f = 0) FROM {marked}"),
        format!("SELECT count(DISTINCT CASE WHEN f = 0 THEN person_key END) FROM {marked}"),
        format!("SELECT sum(f*points) FROM {derived}"),
        format!("SELECT sum(m*f) FROM {derived}"),
        format!("SELECT sum(COALESCE(d.p, 1)) FROM person p LEFT JOIN {aimed} d ON d.person_key = p.person_key"),
        format!(
            "SELECT sum(CASE WHEN d.p IS NULL THEN 1 ELSE 2 END) FROM person p LEFT JOIN {aimed} d ON d.person_key = p.person_key"
        ),
        format!("SELECT sum(COALESCE(d.p, d.a)) FROM person p LEFT JOIN {aimed} d ON d.person_key = p.person_key"),
        format!("SELECT sum(COALESCE(d.p, 0) + 1) FROM person p LEFT JOIN {aimed} d ON d.person_key = p.person_key"),
        format!("SELECT sum(CAST(d.p > 0 AS int)) FROM person p LEFT JOIN {aimed} d ON d.person_key = p.person_key"),
        format!("SELECT sum(d.a) FROM person p LEFT JOIN {aimed} d ON d.person_key = p.person_key"),
        format!(
            "SELECT count(DISTINCT CASE WHEN d.p > 1 THEN d.person_key ELSE p.person_key END), count(DISTINCT CASE WHEN p.sex = '1' THEN d.person_key END) FROM person p LEFT JOIN {aimed} d ON d.person_key = p.person_key"
        ),
        format!(
            "SELECT sum(CASE WHEN points > v.m AND {AIM} THEN 1 ELSE 0 END) FROM ndb.claims CROSS JOIN (SELECT avg(points) AS m FROM ndb.claims) v"
        ),
        "SELECT sum(points * w) FROM ndb.claims c JOIN (VALUES (93, 1.0), (25, 0.001)) v(a, w) ON v.a = c.age"
            .to_owned(),
    ] {
        let outcome = ask(Twin::Base, &sql).await;
        if let Outcome::Answered(answer) = &outcome {
            assert!(rows(answer).iter().flatten().all(|cell| cell == "-"), "{sql}: {:?}", rows(answer));
        }
        let base = seen(Twin::Base, &sql).await;
        for twin in [Twin::Absent, Twin::Changed] {
            assert_eq!(seen(twin, &sql).await, base, "{sql}");
        }
    }
}

/// One number of a query that answers with one.
async fn number(sql: &str) -> f64 {
    try_number(sql).await.unwrap_or_else(|outcome| panic!("{sql}: {outcome}"))
}

async fn try_number(sql: &str) -> Result<f64, String> {
    match ask(Twin::Base, sql).await {
        Outcome::Answered(answer) => rows(&answer)[0][0].parse().map_err(|_| format!("{:?}", rows(&answer))),
        other @ (Outcome::Failed(_) | Outcome::Refused(_)) => Err(format!("{other:?}")),
    }
}

/// But for the rounding of sums, which depends on how a sum is written (V-ROUNDSUM).
fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-3 * one.abs().max(other.abs())
}

#[tokio::test]
async fn what_papers_write_is_the_same_as_with_a_condition_on_rows() {
    let mut apart = Vec::new();
    for (inside, outside) in SAME {
        let (inside, outside) = (format!("SELECT {inside}"), format!("SELECT {outside}"));
        match (try_number(&inside).await, try_number(&outside).await) {
            (Ok(one), Ok(other)) if close(one, other) => {}
            (one, other) => apart.push(format!("{inside}: {one:?}; {outside}: {other:?}")),
        }
    }
    assert!(apart.is_empty(), "{apart:#?}");
}

#[tokio::test]
async fn marks_made_per_person_are_counted_by_a_condition() {
    let flagged = "(SELECT person_key, sum(points) AS p, max(CASE WHEN setting = 'inpatient' THEN 1 ELSE 0 END) AS mark \
                   FROM ndb.claims GROUP BY person_key) x";
    let refusal = refused(&format!("SELECT sum(mark) FROM {flagged}")).await;
    assert_eq!(refusal.code, "guard/expression-in-aggregate");
    // The hints, word for word.
    let marked = number(&format!("SELECT sum(CASE WHEN mark = 1 THEN 1 ELSE 0 END) FROM {flagged}")).await;
    let persons = number("SELECT count(DISTINCT person_key) FROM ndb.claims WHERE setting = 'inpatient'").await;
    assert!(close(marked, persons));
    assert_eq!(refused("SELECT sum(floor(points/1000.0)) FROM ndb.claims").await.code, "guard/condition-in-aggregate");
    answered("SELECT sum(CASE WHEN points > 1000 THEN 1 ELSE 0 END) FROM ndb.claims").await;
    answered("SELECT floor(points/1000.0) AS band, count(*) FROM ndb.claims GROUP BY 1").await;
    answered("SELECT sum(points)/sum(days) FROM ndb.claims").await;
}

#[tokio::test]
async fn a_branch_of_too_few_institutions_is_withheld() {
    let row = answered(
        "SELECT sum(CASE WHEN facility_id IN (11, 12) THEN points ELSE 0 END), count(*) FILTER (WHERE facility_id IN (11, 12)), \
         sum(CASE WHEN facility_id IN (11, 12, 13, 14) THEN points ELSE 0 END) FROM ndb.claims",
    )
    .await;
    assert_eq!((row[0][0].as_str(), row[0][1].as_str()), ("-", "-"));
    assert_ne!(row[0][2], "-");
}
