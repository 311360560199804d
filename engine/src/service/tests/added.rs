//! A source that a steward added by a file: granted, described, joined and kept like those that are built in.

use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use catalog::AddedSource;

use super::*;
use crate::admission::tests::grant;
use crate::release::tests::{person_keys, rows};
use world::{Prepared, persons};

const REGISTRY: &str = r#"
[source]
id = "registry"
title_ja = "感染症登録（合成）"
title_en = "Infectious-disease register (made up)"
description_ja = "届出の記録。"
description_en = "Notified cases."
person_say = "opt_out"
holder_say = "consent"

[[table]]
name = "registry.cases"
ja = "一行が一件の届出。"
en = "One row a notified case."
source_ja = "登録の CSV"
source_en = "The register's CSV"
columns = [
  { name = "disease", type = "text", class = "S", ja = "疾病", en = "Disease" },
  { name = "days", type = "int", class = "M", ja = "日数", en = "Days of illness" },
  { name = "outcome", type = "text", class = "S", ja = "転帰", en = "Outcome" },
  { name = "facility_id", type = "u32", class = "Q", ja = "届出医療機関", en = "Notifying institution" },
]
"#;

/// Sources are installed once a process, so the test of that name runs in one of its own. True there.
fn is_alone(name: &str) -> bool {
    let asked: Vec<String> = std::env::args().collect();
    if ["--exact", name].iter().all(|word| asked.iter().any(|asked| asked == word)) {
        return true;
    }
    let run = Command::new(std::env::current_exe().unwrap()).args(["--exact", name]).output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && told.contains("1 passed"), "{told}");
    false
}

fn install() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("registry.toml");
    policies::durable::replace(&file, REGISTRY.as_bytes()).unwrap();
    catalog::install(vec![AddedSource::read(&file).unwrap()]).unwrap();
}

/// One case a person: measles, measles, rubella in turn, notified by five institutions; ten days each.
fn cases(count: u64) -> RecordBatch {
    let keys = person_keys(count);
    let disease = (0..keys.len()).map(|row| if row % 3 == 2 { "rubella" } else { "measles" });
    let places: UInt32Array = (0_u32..).take(keys.len()).map(|row| row % 5).collect();
    let schema = catalog::release_schema(catalog::table("registry.cases").unwrap());
    let columns: [(&str, ArrayRef); 5] = [
        ("disease", Arc::new(StringArray::from_iter_values(disease))),
        ("days", Arc::new(std::iter::repeat_n(Some(10), keys.len()).collect::<Int32Array>())),
        ("facility_id", Arc::new(places.clone())),
        ("__facility", Arc::new(places)),
        ("person_key", Arc::new(UInt64Array::from(keys))),
    ];
    rows(&schema, &columns)
}

/// 400 persons with claims, 600 in the register; the same keys first.
fn prepared(widen: impl FnOnce(&mut policies::Permit)) -> Prepared {
    let prepared = Prepared::with(400, |permit| {
        let registry = grant(&[("registry.cases", &["disease", "days", "facility_id"])]);
        permit.datasets.insert("registry".to_owned(), registry);
        permit.datasets.insert("person".to_owned(), grant(&[("person", &["sex", "in_ndb"])]));
        widen(permit);
    });
    prepared.write("registry/2026.1", &[("registry.cases", cases(600))]);
    prepared.write("person/2026.1", &[("person.ndb", persons(400)), ("person.registry", persons(600))]);
    prepared
}

async fn ask(running: &Running, sql: &str) -> Result<Vec<String>, String> {
    let answer = query(&running.address(), &running.token(), None, sql).await.map_err(refused)?;
    let cell = |column: &ArrayRef, row| arrow::util::display::array_value_to_string(column, row).unwrap();
    let line =
        |batch: &RecordBatch, row| batch.columns().iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" ");
    Ok(answer.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| line(batch, row))).collect())
}

const JOIN: &str = "SELECT r.disease, count(DISTINCT c.person_key) AS persons FROM ndb.claims c \
                    JOIN registry.cases r ON r.person_key = c.person_key GROUP BY r.disease ORDER BY r.disease";

#[tokio::test(flavor = "multi_thread")]
async fn an_added_source_answers_beside_ndb() {
    if !is_alone("service::tests::added::an_added_source_answers_beside_ndb") {
        return;
    }
    install();
    let running = Running::start_whole(prepared(|_| ())).await;
    let joined = ask(&running, JOIN).await.unwrap();
    // The first hundred of each bucket's 150 have claims; the register counts three by three over all buckets.
    let (measles, rubella) = (0..600).filter(|row| row % 150 < 100).fold((0, 0), |(measles, rubella), row| {
        if row % 3 == 2 { (measles, rubella + 1) } else { (measles + 1, rubella) }
    });
    assert_eq!(joined, [format!("measles {measles}"), format!("rubella {rubella}")]);
    assert_eq!(ask(&running, "SELECT sum(days) FROM registry.cases").await.unwrap(), ["6000"]);
    assert_eq!(ask(&running, "SELECT count(*) FROM person").await.unwrap(), ["600"]);
    assert_eq!(
        ask(&running, "SELECT in_ndb, count(*) FROM person GROUP BY in_ndb ORDER BY in_ndb").await.unwrap(),
        ["false 200", "true 400"]
    );

    assert!(ask(&running, "SELECT * FROM registry.cases").await.unwrap_err().contains("guard/rows-at-root"));
    assert!(ask(&running, "SELECT count(outcome) FROM registry.cases").await.unwrap_err().contains("guard/"));
    assert!(ask(&running, "SELECT count(*) FROM person.registry").await.unwrap_err().contains("guard/no-such-table"));
    assert_eq!(
        ask(&running, "SHOW TABLES FROM registry").await.unwrap(),
        ["registry cases persons 一行が一件の届出。 One row a notified case."]
    );
    let columns = ask(&running, "DESCRIBE registry.cases").await.unwrap();
    assert!(columns.iter().any(|line| line.starts_with("days ") && line.ends_with("Days of illness")), "{columns:?}");
    assert!(columns.iter().all(|line| !line.contains("__") && !line.starts_with("outcome")), "{columns:?}");

    let cohort =
        "CREATE TABLE work.ill AS SELECT person_key, sum(days) AS days FROM registry.cases GROUP BY person_key";
    assert_eq!(ask(&running, cohort).await.unwrap(), ["created"]);
    let kept = "SELECT count(DISTINCT c.person_key) FROM ndb.claims c JOIN work.ill i ON i.person_key = c.person_key";
    assert_eq!(ask(&running, kept).await.unwrap(), ["400"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_source_is_there_without_the_others_and_the_others_without_it() {
    if !is_alone("service::tests::added::an_added_source_is_there_without_the_others_and_the_others_without_it") {
        return;
    }
    install();
    let alone = prepared(|permit| drop(permit.datasets.remove("ndb")));
    let running = Running::start_whole(alone).await;
    assert_eq!(ask(&running, "SELECT count(*) FROM person").await.unwrap(), ["600"]);
    assert!(ask(&running, JOIN).await.unwrap_err().contains("guard/no-such-table"));
    let without = prepared(|permit| drop(permit.datasets.remove("registry")));
    let running = Running::start_whole(without).await;
    assert_eq!(ask(&running, "SELECT count(*) FROM person").await.unwrap(), ["400"]);
    assert!(ask(&running, JOIN).await.unwrap_err().contains("guard/no-such-table"));
}
