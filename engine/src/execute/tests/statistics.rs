//! Moments, quantiles and distinct values: right against plain formulas, and closed to who aims at one person.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;

use super::attacks::shape;
use super::*;

/// The target, by what an attacker may know.
const AIM: &str = "facility_id = 7 AND age = 93";
const HBA1C: &str = "jlac = '3D046000001906202'";

/// Columns of a table as they stand, without guard or veil; NULL as NaN.
#[expect(clippy::disallowed_methods, reason = "what the veil's answers are compared with")]
async fn raw(table: &str, columns: &[&str]) -> Vec<Vec<f64>> {
    let relations = fixture::relations(Twin::Base);
    let provider = relations.find(&TableReference::parse_str(table)).unwrap().full();
    let frame = SessionContext::new().read_table(provider).unwrap().select_columns(columns).unwrap();
    let mut rows = Vec::new();
    for batch in frame.collect().await.unwrap() {
        let columns: Vec<_> = batch.columns().iter().map(|column| cast(column, &DataType::Float64).unwrap()).collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            let cell = |column: &arrow::array::ArrayRef| {
                if column.is_null(row) { f64::NAN } else { column.as_primitive::<Float64Type>().value(row) }
            };
            columns.iter().map(cell).collect::<Vec<_>>()
        }));
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "some thousand rows")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("no number: {cell}"))
}

/// Equal to four digits.
fn near(found: &str, expected: f64) {
    assert!((number(found) - expected).abs() <= 6e-4 * expected.abs(), "{found} for {expected}");
}

#[tokio::test]
async fn moments_agree_with_plain_formulas() {
    let rows = raw("ndb.claims", &["points", "age"]).await;
    let (y, x) = (mean(rows.iter().map(|row| row[0])), mean(rows.iter().map(|row| row[1])));
    let yy = mean(rows.iter().map(|row| (row[0] - y).powi(2)));
    let xx = mean(rows.iter().map(|row| (row[1] - x).powi(2)));
    let xy = mean(rows.iter().map(|row| (row[0] - y) * (row[1] - x)));
    let one = answered("SELECT var_pop(points), stddev_pop(points) FROM ndb.claims").await;
    near(&one[0][0], yy);
    near(&one[0][1], yy.sqrt());
    let two = answered("SELECT corr(points, age), covar_pop(points, age) FROM ndb.claims").await;
    near(&two[0][0], xy / (xx * yy).sqrt());
    near(&two[0][1], xy);
    let line = answered("SELECT regr_slope(points, age), regr_intercept(points, age) FROM ndb.claims").await;
    near(&line[0][0], xy / xx);
    near(&line[0][1], y - xy / xx * x);
    let rest = answered("SELECT regr_avgx(points, age), regr_avgy(points, age) FROM ndb.claims").await;
    near(&rest[0][0], x);
    near(&rest[0][1], y);
    let counted = answered("SELECT regr_count(points, age), count(*), regr_r2(points, age) FROM ndb.claims").await;
    assert_eq!(counted[0][0], counted[0][1]);
    near(&counted[0][2], xy.powi(2) / (xx * yy));
    let sample = answered("SELECT stddev_samp(points + 2 * age) FROM ndb.claims").await;
    let sum = mean(rows.iter().map(|row| (row[0] - y + 2.0 * (row[1] - x)).powi(2)));
    near(&sample[0][0], sum.sqrt());
}

/// Persons of rows within the bin that a shown value stands for cannot be fewer than ten, whatever the step was.
#[tokio::test]
async fn quantiles_agree_with_sorted_rows_to_their_step() {
    let mut points: Vec<f64> = raw("ndb.claims", &["points"]).await.into_iter().map(|row| row[0]).collect();
    points.sort_by(f64::total_cmp);
    for percent in [5, 10, 25, 50, 75, 90, 95] {
        let at = percent * (points.len() - 1) / 100;
        let sql = format!("SELECT percentile_cont(0.{percent:02}) WITHIN GROUP (ORDER BY points) FROM ndb.claims");
        let found = number(&answered(&sql).await[0][0]);
        assert!((found - points[at]).abs() <= 0.05 * points[at], "{percent}: {found} for {}", points[at]);
        let falling = format!(
            "SELECT percentile_cont(0.{:02}) WITHIN GROUP (ORDER BY points DESC) FROM ndb.claims",
            100 - percent
        );
        assert!((number(&answered(&falling).await[0][0]) - found).abs() < 1e-9);
    }
}

#[tokio::test]
async fn approximations_are_answered_by_the_exact_value() {
    let sql = "SELECT median(value), approx_median(value), percentile_cont(0.5) WITHIN GROUP (ORDER BY value), \
               approx_percentile_cont(0.5, 200) WITHIN GROUP (ORDER BY value), quantile_cont(value, 0.5) \
               FROM ehr.observations WHERE jlac = '3D046000001906202'";
    let found = answered(sql).await;
    assert!(number(&found[0][0]) > 5.0 && found[0].iter().all(|cell| *cell == found[0][0]), "{found:?}");
}

#[tokio::test]
async fn distinct_values_are_those_of_two_persons_to_the_nearest_five() {
    let mut holders: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for row in raw("ndb.claims", &["points", "person_key"]).await {
        holders.entry(row[0].to_bits()).or_default().insert(row[1].to_bits());
    }
    let shared = holders.values().filter(|persons| persons.len() > 1).count();
    assert!(shared < holders.len());
    let expected = ((shared + 2) / 5 * 5).to_string();
    let found =
        answered("SELECT count(DISTINCT points), approx_distinct(points), count(DISTINCT facility_id) FROM ndb.claims")
            .await;
    assert_eq!(found, [[expected.clone(), expected, "60".to_owned()]]);
}

/// Groups of exactly ten persons have no deviation, of eleven they may; of eleven no correlation.
#[tokio::test]
async fn degrees_of_freedom_are_counted_in_persons() {
    let sql = "SELECT prefecture, age, count(DISTINCT person_key), stddev(points), covar_pop(points, mixed) \
               FROM (SELECT person_key, prefecture, age, points, points + 3 * days AS mixed FROM ndb.claims) c GROUP BY 1, 2";
    let rows = answered(sql).await;
    let of = |persons: &str| rows.iter().filter(|row| row[2] == persons).collect::<Vec<_>>();
    assert!(!of("10").is_empty() && of("10").iter().all(|row| row[3] == "-" && row[4] == "-"));
    assert!(of("11").iter().any(|row| row[3] != "-") && of("11").iter().all(|row| row[4] == "-"));
    assert!(of("12").iter().any(|row| row[4] != "-"));
}

#[tokio::test]
async fn studies_with_statistics_are_answered() {
    for sql in [
        "SELECT stddev(points), median(points), count(*) FROM ndb.claims".to_owned(),
        "SELECT corr(points, age) FROM ndb.claims".to_owned(),
        "SELECT stddev(CAST(points AS double) * 0.01 - 3) FROM ndb.claims".to_owned(),
        "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY points) FROM ndb.claims".to_owned(),
        "SELECT count(DISTINCT person_key), count(DISTINCT facility_id) FROM ndb.claims".to_owned(),
        "SELECT sex, avg(t), stddev(t), median(t) FROM (SELECT person_key, sex, sum(points) AS t FROM ndb.claims GROUP BY 1, 2) s GROUP BY sex".to_owned(),
        "SELECT sex, stddev(2023 - date_part('year', birth_month)), median(2023 - date_part('year', birth_month)) FROM person GROUP BY sex".to_owned(),
        "SELECT sex, median(a) FROM (SELECT sex, 2023 - date_part('year', birth_month) AS a FROM person) p GROUP BY sex".to_owned(),
        "SELECT corr(x.v, x.age) FROM (SELECT c.person_key, max(c.age) AS age, avg(c.points) AS v FROM ndb.claims c GROUP BY c.person_key) x".to_owned(),
        format!("SELECT p.prefecture, median(o.value) FROM ehr.observations o JOIN person p ON p.person_key = o.person_key WHERE o.{HBA1C} GROUP BY 1"),
        "SELECT median(discharged_on - admitted_on) AS days FROM dpc.stays".to_owned(),
        "SELECT median(points) FROM ndb.claims HAVING median(points) > 100".to_owned(),
        "SELECT setting, round(stddev(points) / avg(points), 2) FROM ndb.claims GROUP BY setting".to_owned(),
    ] {
        let rows = answered(&sql).await;
        assert!(rows.iter().flatten().any(|cell| *cell != "-") && rows[0].last().unwrap() != "-", "{sql}: {rows:?}");
    }
}

#[tokio::test]
async fn answers_do_not_depend_on_how_rows_are_spread() {
    let sql = "SELECT prefecture, stddev(points), median(points), corr(points, age), count(DISTINCT points) FROM ndb.claims GROUP BY 1";
    let mut found = Vec::new();
    for partitions in [1, 4] {
        let limits = Limits { partitions, ..Limits::default() };
        let profile = Profile::named("standard").unwrap();
        let session = Session::new(
            fixture::relations(Twin::Base),
            profile.clone(),
            Keeper::of_session(Grade::Exact, &profile, jiff::civil::date(2026, 4, 1)).unwrap(),
            VeilKey::new(&[7; 32]),
            limits,
        );
        let prepared = session.prepare(sql).await.unwrap();
        found.push(rows(&session.execute(prepared).await.unwrap()));
    }
    assert_eq!(found[0], found[1]);
    assert!(found[0].len() > 3);
}

#[tokio::test]
async fn two_quantiles_have_two_fingerprints() {
    let of = |p: &str| format!("SELECT percentile_cont({p}) WITHIN GROUP (ORDER BY points) AS q FROM ndb.claims");
    let (one, other) = (session(Twin::Base).prepare(&of("0.25")).await, session(Twin::Base).prepare(&of("0.75")).await);
    assert_ne!(one.unwrap().fingerprint(), other.unwrap().fingerprint());
}

/// No literal, no condition, no product and no list makes a value that points at one person.
#[tokio::test]
async fn what_a_query_makes_up_has_no_statistic() {
    let made =
        format!("(SELECT points, days, CASE WHEN {AIM} THEN 1000000 ELSE points END AS c, age FROM ndb.claims) t");
    for (rule, select) in [
        ("V-POSITION", "percentile_cont(0.99) WITHIN GROUP (ORDER BY points) FROM ndb.claims".to_owned()),
        ("V-POSITION", "percentile_cont(0.04) WITHIN GROUP (ORDER BY points) FROM ndb.claims".to_owned()),
        ("V-POSITION", "percentile_cont(0.0) WITHIN GROUP (ORDER BY points) FROM ndb.claims".to_owned()),
        ("V-POSITION", "percentile_cont(1.0) WITHIN GROUP (ORDER BY points) FROM ndb.claims".to_owned()),
        ("V-POSITION", "percentile_cont(0.4637) WITHIN GROUP (ORDER BY points) FROM ndb.claims".to_owned()),
        ("V-POSITION", "approx_percentile_cont_with_weight(days, 0.5) WITHIN GROUP (ORDER BY points) FROM ndb.claims".to_owned()),
        ("V-POSITION", format!("median(CASE WHEN {AIM} THEN points ELSE 0 END) FROM ndb.claims")),
        ("V-POSITION", format!("median(points) FILTER (WHERE {AIM}) FROM ndb.claims")),
        ("V-POSITION", "median(DISTINCT points) FROM ndb.claims".to_owned()),
        ("V-POSITION", format!("median(c) FROM {made}")),
        ("V-POSITION", "median(age * age) FROM ndb.claims".to_owned()),
        ("V-POSITION", "median(round(points, -3)) FROM ndb.claims".to_owned()),
        ("V-POSITION", "median(facility_id) FROM ndb.claims".to_owned()),
        ("V-POSITION", "median(x) FROM (SELECT person_key, max(points) FILTER (WHERE age = 93) AS x FROM ndb.claims GROUP BY 1) t".to_owned()),
        ("V-MOMENTS", format!("corr(points, CASE WHEN {AIM} THEN 1 ELSE 0 END) FROM ndb.claims")),
        ("V-MOMENTS", format!("corr(points, c) FROM {made}")),
        ("V-MOMENTS", format!("stddev(points + 0 * c) FROM {made}")),
        ("V-MOMENTS", "covar_pop(points, (age - 92) * (age - 91)) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "var_pop(points * points) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "stddev(1000 / age) FROM ndb.claims".to_owned()),
        // What leaves a type becomes NULL, and where that is would be the query's choice.
        ("V-MOMENTS", "stddev(CAST(points AS smallint)) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "stddev(CAST(points * 7.5 AS bigint)) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "stddev(points * 1e150) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "stddev(points / 1e-150) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", format!("stddev(points{}) FROM ndb.claims", " * 1e6".repeat(9))),
        ("V-POSITION", "median(CAST(prefecture AS int)) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "stddev(DISTINCT points) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "regr_avgx(1, points) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", format!("regr_slope(points, days) FILTER (WHERE {AIM}) FROM ndb.claims")),
        ("V-MOMENTS", "stddev(points), var_pop(points), stddev_pop(points) FROM ndb.claims".to_owned()),
        ("V-MOMENTS", "corr(c.points, v.w) FROM ndb.claims c JOIN (SELECT 93 AS a, 1 AS w UNION ALL SELECT 92, 2) v ON v.a = c.age".to_owned()),
        ("V-CDISTINCT", format!("count(DISTINCT CASE WHEN {AIM} THEN points ELSE 0 END) FROM ndb.claims")),
        ("V-CDISTINCT", format!("approx_distinct(CASE WHEN {AIM} THEN 1 ELSE 0 END) FROM ndb.claims")),
        ("V-CDISTINCT", format!("count(DISTINCT c) FROM {made}")),
        ("V-CDISTINCT", "count(DISTINCT points + age) FROM ndb.claims".to_owned()),
        ("V-CDISTINCT", "count(DISTINCT points) FILTER (WHERE age = 93) FROM ndb.claims".to_owned()),
        ("V-TECH", "count(DISTINCT claim_id) FROM ndb.claims".to_owned()),
        ("V-PK", "approx_distinct(person_key) FROM ndb.claims".to_owned()),
    ] {
        let refusal = refused(&format!("SELECT {select}")).await;
        let known = refusal.rule == rule || matches!(refusal.rule, "V-LEDGER-WEIGHT" | "V-PROTOCOL" | "V-ARITHFILTER");
        assert!(known, "{select}: {refusal} ({})", refusal.rule);
    }
    let ten: Vec<String> =
        (1..=10).map(|at| format!("percentile_cont(0.{:02}) WITHIN GROUP (ORDER BY points)", at * 5)).collect();
    assert_eq!(refused(&format!("SELECT {} FROM ndb.claims", ten.join(", "))).await.rule, "V-POSITION");
    answered(&format!("SELECT {} FROM ndb.claims", ten[..9].join(", "))).await;
}

#[tokio::test]
async fn repeated_rows_have_no_moment_and_no_quantile() {
    for of in ["stddev(c.points)", "median(c.points)", "corr(c.points, c.days)"] {
        let sql = format!(
            "SELECT {of} FROM ndb.claims c JOIN (SELECT 93 AS a UNION ALL SELECT 93 UNION ALL SELECT 50) v ON v.a = c.age"
        );
        assert_eq!(refused(&sql).await.rule, "V-LEDGER-WEIGHT", "{sql}");
    }
}

/// Where the aim is in WHERE, on an optional side or in a grouping, all twins look alike and the target's values do not matter.
#[tokio::test]
async fn statistics_of_one_person_look_alike_on_all_twins() {
    let mut statements = Vec::new();
    for of in [
        "median(points)",
        "percentile_cont(0.95) WITHIN GROUP (ORDER BY points)",
        "stddev(points), avg(points)",
        "corr(points, days)",
        "regr_count(points, days), regr_sxx(points, days)",
        "count(DISTINCT facility_id), count(DISTINCT points)",
    ] {
        statements.push(format!("SELECT {of} FROM ndb.claims WHERE {AIM}"));
        statements.push(format!("SELECT {of} FROM ndb.claims WHERE {AIM} AND points > 4000"));
        statements.push(format!("SELECT age, {of} FROM ndb.claims WHERE prefecture = '31' GROUP BY age"));
    }
    for of in ["median(d.t)", "stddev(d.t)", "corr(d.t, d.u)", "count(DISTINCT d.t)"] {
        for aim in [AIM.to_owned(), format!("NOT ({AIM})")] {
            statements.push(format!(
                "SELECT {of} FROM person p LEFT JOIN (SELECT person_key, max(points) AS t, max(days) AS u FROM ndb.claims \
                 WHERE {aim} GROUP BY person_key) d ON d.person_key = p.person_key"
            ));
        }
    }
    statements.push(format!(
        "SELECT count(DISTINCT d.f) FROM person p LEFT JOIN (SELECT person_key, facility_id AS f FROM ndb.claims WHERE NOT ({AIM})) d \
         ON d.person_key = p.person_key"
    ));
    for of in ["stddev(days)", "var_pop(2 * days)", "corr(points, days)", "regr_slope(days, points)"] {
        // Few levels, and the target stands off them, on one of them, or nowhere.
        statements.push(format!("SELECT {of} FROM ndb.claims WHERE days IN (3, 4) OR ({AIM})"));
        statements.push(format!("SELECT {of} FROM ndb.claims WHERE days < 9 OR ({AIM})"));
    }
    for of in ["stddev(value)", "median(value)", "percentile_cont(0.95) WITHIN GROUP (ORDER BY value)"] {
        // The target's value is the largest of all.
        statements.push(format!("SELECT {of} FROM ehr.observations WHERE {HBA1C} AND value > 8.8"));
        statements.push(format!("SELECT {of} FROM ehr.observations WHERE {HBA1C} AND facility_id = 7"));
    }
    for sql in statements {
        let mut seen = Vec::new();
        for twin in [Twin::Base, Twin::Absent, Twin::Changed] {
            seen.push(match ask(twin, &sql).await {
                Outcome::Answered(answer) => Ok((shape(&answer), rows(&answer))),
                Outcome::Refused(refusal) => Err(refusal.code),
                Outcome::Failed(error) => panic!("{sql}: {error}"),
            });
        }
        match (&seen[0], &seen[1], &seen[2]) {
            (Ok(base), Ok(absent), Ok(changed)) => {
                assert!(base.0 == absent.0 && base.0 == changed.0, "{sql}: {seen:?}");
                assert_eq!(base.1, changed.1, "{sql}");
            }
            (base, absent, changed) => assert!(base == absent && base == changed, "{sql}: {seen:?}"),
        }
    }
}

/// Filters that step over the target one row at a time: a shown quantile is either the same or a whole step further.
#[tokio::test]
async fn stepping_over_one_value_moves_a_quantile_by_no_row() {
    let mut found = BTreeSet::new();
    for points in [4_328, 4_329, 4_331, 4_332, 4_333] {
        let sql =
            format!("SELECT median(points) FROM ndb.claims WHERE points >= {points} AND prefecture IN ('31', '40')");
        found.insert(answered(&sql).await[0][0].clone());
    }
    assert_eq!(found.len(), 1, "{found:?}");
}
