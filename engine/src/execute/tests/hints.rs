//! Every hint that shows how to write a query is run: what it says is accepted.

use super::*;
use crate::error::rules;

/// A query built from each hint.
const WRITTEN: &[(&str, &str)] = &[
    (
        "guard/institutions",
        "WITH f AS (SELECT facility_id, count(DISTINCT person_key) AS volume FROM dpc.stays WHERE main_icd10 LIKE 'S72%' \
         GROUP BY facility_id) SELECT CASE WHEN volume >= 8 THEN 'high' ELSE 'low' END AS class, count(*) AS facilities, \
         sum(volume) AS persons FROM f GROUP BY 1",
    ),
    ("guard/rows-at-root", "SELECT prefecture, count(DISTINCT person_key) FROM ndb.claims GROUP BY prefecture"),
    (
        "guard/two-persons-in-a-row",
        "SELECT count(*) FROM ndb.claims c JOIN ndb.diagnoses d ON d.person_key = c.person_key AND d.claim_id = c.claim_id",
    ),
    (
        "guard/full-join",
        "SELECT count(*), count(d.person_key) FROM person p LEFT JOIN (SELECT DISTINCT person_key FROM ndb.diagnoses WHERE icd10 = 'I10') d ON d.person_key = p.person_key",
    ),
    ("guard/too-many-branches", "SELECT sex, count(*) FROM person GROUP BY sex"),
    ("guard/too-deep", "WITH a AS (SELECT person_key FROM person WHERE sex = '1') SELECT count(*) FROM a"),
    ("guard/in-list", "SELECT count(*) FROM ndb.diagnoses WHERE icd10 LIKE 'E1%'"),
    (
        "guard/not-supported",
        "WITH a AS (SELECT c.person_key, p.sex FROM ndb.claims c JOIN person p ON p.person_key = c.person_key) SELECT sex, count(*) FROM a GROUP BY sex",
    ),
    ("guard/ambiguous-column", "SELECT count(*) FROM person a JOIN ndb.claims b ON a.person_key = b.person_key"),
    ("guard/duplicate-name", "SELECT n FROM (SELECT count(*) AS n, sum(days) AS d FROM ndb.claims) t"),
    ("guard/change", "WITH a AS (SELECT person_key FROM person) SELECT count(*) FROM a"),
    ("guard/volatile", "SELECT count(*) FROM ndb.drugs WHERE dispensed_on < DATE '2023-04-01'"),
    ("guard/icd10-list", "SELECT count(*) FROM ndb.diagnoses WHERE icd10_in(icd10, 'E10-E14, I21.9')"),
    ("guard/pattern", "SELECT count(*) FROM ndb.diagnoses WHERE icd10 LIKE 'I%'"),
    ("guard/person-key", "SELECT count(DISTINCT person_key) FROM ndb.claims"),
    ("guard/person-key-literal", "SELECT count(*) FROM ndb.claims WHERE age > 60 AND sex = '1'"),
    ("guard/technical-id", "SELECT service_month, setting, count(*) FROM ndb.claims GROUP BY 1, 2"),
    ("guard/arithmetic", "SELECT count(*) FROM ndb.claims WHERE points BETWEEN 1000 AND 2000"),
    ("guard/integer-range", "SELECT count(*) FROM ndb.claims WHERE CAST(points AS DOUBLE) * 9223372036854775807 > 0"),
    (
        "guard/interval",
        "SELECT count(*) FROM ndb.drugs WHERE CAST(CAST(dispensed_on AS timestamp) AS date) + INTERVAL '90 days' > DATE '2022-01-01'",
    ),
    (
        "guard/subquery",
        "SELECT count(*) FROM ndb.claims c JOIN (SELECT person_key, max(points) AS m FROM ndb.claims GROUP BY person_key) t ON t.person_key = c.person_key WHERE c.points = t.m",
    ),
    (
        "guard/correlated",
        "SELECT count(*) FROM ndb.claims c JOIN (SELECT person_key, count(*) AS n FROM ndb.diagnoses GROUP BY person_key) t ON t.person_key = c.person_key WHERE t.n > 2",
    ),
    (
        "guard/semi-join",
        "SELECT count(*) FROM person WHERE person_key IN (SELECT person_key FROM ndb.diagnoses WHERE icd10 = 'I10')",
    ),
    (
        "guard/union-rows",
        "SELECT count(DISTINCT person_key) FROM (SELECT person_key, icd10 FROM ndb.diagnoses UNION ALL SELECT person_key, icd10 FROM ehr.conditions) u",
    ),
    ("guard/limit", "SELECT prefecture, count(*) AS n FROM ndb.claims GROUP BY prefecture ORDER BY n DESC LIMIT 3"),
    (
        "guard/limit",
        "SELECT count(*) FROM (SELECT person_key, row_number() OVER (PARTITION BY person_key ORDER BY service_month) AS n FROM ndb.claims) t WHERE n = 1",
    ),
    (
        "guard/window",
        "SELECT count(*) FROM (SELECT sum(points) OVER (PARTITION BY person_key) AS n FROM ndb.claims) t WHERE n > 10000",
    ),
    (
        "guard/recursion",
        "SELECT g.value, count(*) FROM ndb.claims c JOIN generate_series(1, 3) g ON c.days > g.value GROUP BY 1",
    ),
    ("guard/generated-rows", "SELECT count(*) FROM generate_series(1, 100000, 10)"),
    ("guard/table-function", "SELECT count(*) FROM range(1, 10)"),
    ("guard/aggregate", "SELECT floor(points/1000.0) AS band, count(DISTINCT person_key) FROM ndb.claims GROUP BY 1"),
    (
        "guard/aggregate-per-person",
        "SELECT count(*) FROM (SELECT person_key, count(*) AS a, sum(points) AS b, avg(points) AS c, min(points) AS d, max(points) AS e, first_value(points ORDER BY service_month) AS f, last_value(points ORDER BY service_month) AS g, bool_or(points > 0) AS h, bool_and(points > 0) AS i FROM ndb.claims GROUP BY person_key) t WHERE h AND i AND f >= d AND g <= e",
    ),
    ("guard/condition-in-aggregate", "SELECT sum(CASE WHEN points > 1000 THEN 1 ELSE 0 END) FROM ndb.claims"),
    ("guard/condition-in-aggregate", "SELECT floor(points/1000.0) AS band, count(*) FROM ndb.claims GROUP BY 1"),
    ("guard/expression-in-aggregate", "SELECT sum(points)/sum(days) FROM ndb.claims"),
    (
        "guard/expression-in-aggregate",
        "SELECT sum(CASE WHEN mark = 1 THEN 1 ELSE 0 END) FROM (SELECT person_key, max(CASE WHEN points > 5000 THEN 1 ELSE 0 END) AS mark FROM ndb.claims GROUP BY person_key) t",
    ),
    ("guard/quantile", "SELECT median(points) FROM ndb.claims WHERE days > 2"),
    ("guard/quantile", "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY points) FROM ndb.claims"),
    ("guard/moments", "SELECT stddev(points) FROM ndb.claims WHERE days > 2"),
    ("guard/moments", "SELECT corr(points, age) FROM ndb.claims"),
    ("guard/distinct-count", "SELECT count(DISTINCT person_key) FROM ndb.claims"),
    ("guard/distinct-count", "SELECT count(DISTINCT facility_id) FROM ndb.claims"),
    (
        "guard/multiplied-rows",
        "SELECT count(DISTINCT c.person_key) FROM ndb.claims c JOIN ndb.diagnoses d ON d.person_key = c.person_key",
    ),
    (
        "guard/multiplied-rows",
        "SELECT sum(t.p) FROM person q JOIN (SELECT person_key, sum(points) AS p FROM ndb.claims GROUP BY person_key) t ON t.person_key = q.person_key",
    ),
];

/// Words that make a hint one that shows how to write something.
const FORMS: &[&str] = &[
    "SELECT",
    "count(",
    "sum(",
    "median(",
    "stddev(",
    "corr(",
    "icd10_in(",
    "CASE",
    "PARTITION BY",
    "LEFT JOIN",
    "DATE '",
    "INTERVAL",
    "WITHIN",
    "person_key IN",
    "LIKE",
    "GROUP BY",
    "WITH",
];
/// Hints that name a form and show none of SQL that could be run against the fixture, or say to send less.
const NOT_A_FORM: &[&str] = &["guard/copy", "guard/prepare", "guard/grouping-sets"];

#[tokio::test]
async fn what_hints_say_is_accepted() {
    for (code, sql) in WRITTEN {
        assert!(rules::ALL.iter().any(|rule| rule.code == *code), "{code} is no rule");
        let outcome = ask(Twin::Base, sql).await;
        let Outcome::Answered(answer) = outcome else { panic!("{code}: {sql}: {outcome:?}") };
        assert!(rows(&answer).iter().flatten().any(|cell| cell != "-"), "{code}: {sql}: all is withheld");
    }
}

#[test]
fn every_hint_that_shows_a_form_is_run() {
    for rule in rules::ALL.iter().filter(|rule| FORMS.iter().any(|form| rule.hint.contains(form))) {
        // The tests of workspace tables run theirs.
        let kept = rule.code.starts_with("guard/work");
        let run = kept || WRITTEN.iter().any(|(code, _)| *code == rule.code) || NOT_A_FORM.contains(&rule.code);
        assert!(run, "{}: {}", rule.code, rule.hint);
    }
}
