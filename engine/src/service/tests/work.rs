//! A workspace over real sockets: made, listed, asked, dropped, and recorded before it is seen.

use super::*;
use crate::admission::tests::grant;
use policies::audit::read as entries;
use world::Prepared;

async fn whole() -> Running {
    let persons = |permit: &mut policies::Permit| {
        permit.datasets.insert("person".to_owned(), grant(&[("person", &["sex"])]));
    };
    Running::start_whole(Prepared::with(400, persons)).await
}

async fn ask(running: &Running, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let answer = query(&running.address(), &running.token(), None, sql).await.map_err(refused)?;
    let text = |batch: &arrow::array::RecordBatch, row: usize| {
        let cell = |column| arrow::util::display::array_value_to_string(column, row).unwrap();
        batch.columns().iter().map(|column| cell(column.as_ref())).collect::<Vec<_>>()
    };
    Ok(answer.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| text(batch, row))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_in_steps_over_the_wire() {
    let running = whole().await;
    let cohort = "CREATE TABLE work.cohort AS SELECT person_key, sum(points) AS points, count(*) AS n FROM ndb.claims GROUP BY person_key";
    assert_eq!(ask(&running, cohort).await.unwrap(), [["created"]]);
    let view = "CREATE VIEW work.sexes AS SELECT c.person_key, p.sex, c.points FROM work.cohort c JOIN person p ON p.person_key = c.person_key";
    assert_eq!(ask(&running, view).await.unwrap(), [["created"]]);
    let steps =
        ask(&running, "SELECT sex, count(*), sum(points) FROM work.sexes GROUP BY sex ORDER BY sex").await.unwrap();
    let once = "SELECT p.sex, count(*), sum(c.points) FROM (SELECT person_key, sum(points) AS points FROM ndb.claims GROUP BY person_key) c \
                JOIN person p ON p.person_key = c.person_key GROUP BY p.sex ORDER BY 1";
    assert_eq!(steps, ask(&running, once).await.unwrap());
    assert_eq!(steps.len(), 2);
    let tables = ask(&running, "SHOW TABLES FROM work").await.unwrap();
    assert_eq!(tables.iter().map(|row| row[1].as_str()).collect::<Vec<_>>(), ["cohort", "sexes"]);
    let columns = ask(&running, "DESCRIBE work.cohort").await.unwrap();
    assert_eq!(columns.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["person_key", "points", "n"]);
    assert_eq!(ask(&running, "DESCRIBE work.sexes").await.unwrap().len(), 3);
    assert!(ask(&running, "SELECT * FROM work.cohort").await.unwrap_err().contains("guard/rows-at-root"));
    assert!(ask(&running, cohort).await.unwrap_err().contains("guard/work-exists"));
    assert!(
        ask(&running, "CREATE TABLE mine AS SELECT person_key FROM person").await.unwrap_err().contains("guard/change")
    );
    assert!(ask(&running, "EXPLAIN CREATE TABLE work.x AS SELECT person_key FROM person").await.is_err());
    assert_eq!(ask(&running, "DROP TABLE work.cohort").await.unwrap(), [["dropped"]]);
    assert!(ask(&running, "SELECT count(*) FROM work.sexes").await.unwrap_err().contains("guard/no-such-table"));

    let mut log = entries(&running.audit_folder()).unwrap();
    log.retain(|entry| entry.action.starts_with("work:"));
    let seen: Vec<_> =
        log.iter().map(|entry| (entry.action.as_str(), entry.detail["name"].as_str().unwrap())).collect();
    assert_eq!(
        seen,
        [("work:created", "work.cohort"), ("work:created", "work.sexes"), ("work:dropped", "work.cohort")]
    );
    assert_eq!(log[0].detail["sql"], cohort);
    let asked = running.audit().into_iter().find(|entry| entry.action == "query:asked").unwrap();
    assert_eq!(asked.detail["tables"], serde_json::json!(["ndb.claims", "work.cohort"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_prepares_first_makes_tables_too() {
    let running = whole().await;
    let mut client = running.sql_client().await;
    let sql = "CREATE TABLE work.a AS SELECT person_key, points FROM ndb.claims";
    let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
    assert_eq!(prepared.dataset_schema().unwrap().field(0).name(), "status");
    assert!(ask(&running, "SELECT count(*) FROM work.a").await.is_err(), "prepared is not made");
    let info = prepared.execute().await.unwrap();
    assert_eq!(read(&mut client, info).await.num_rows(), 1);
    assert_eq!(ask(&running, "SELECT count(*) FROM work.a").await.unwrap(), [["800"]]);
}
