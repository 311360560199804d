//! Whole queries on the fixture of disclosure.md, section 8.

use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;
use crate::error::Refusal;
use fixture::Twin;
use policies::Grade;

mod arms;
mod attacks;
mod branches;
mod cases;
mod depth;
mod dialect;
mod fixture;
mod generated;
mod grouping;
mod hints;
mod holes;
mod institutions;
mod load;
mod random;
mod rule_files;
mod sequences;
mod statistics;
mod studies;
mod veil_off;
mod work;

fn session(twin: Twin) -> Session {
    over(fixture::relations(twin), Grade::Exact)
}

/// A session under the standard profile, in a project of its own.
fn over(relations: Relations, grade: Grade) -> Session {
    let profile = Profile::named("standard").unwrap();
    let keeper = Keeper::of_session(grade, &profile, jiff::civil::date(2026, 4, 1)).unwrap();
    Session::new(relations, profile, keeper, VeilKey::new(&[7; 32]), Limits::default())
}

/// What a query came to.
#[derive(Clone, Debug)]
enum Outcome {
    Answered(Answer),
    Failed(QueryError),
    Refused(Refusal),
}

async fn ask(twin: Twin, sql: &str) -> Outcome {
    ask_in(&session(twin), sql).await
}

/// One more query of a project.
async fn ask_in(session: &Session, sql: &str) -> Outcome {
    match session.prepare(sql).await {
        Err(refusal) => Outcome::Refused(refusal),
        Ok(prepared) => match session.execute(prepared).await {
            Ok(answer) => Outcome::Answered(answer),
            Err(error) => Outcome::Failed(error),
        },
    }
}

/// Rows of an answer as text, sorted; NULL as `-`.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("-");
    let mut rows = Vec::new();
    for batch in &answer.batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        rows.extend(
            (0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>()),
        );
    }
    rows.sort();
    rows
}

async fn answered(sql: &str) -> Vec<Vec<String>> {
    let outcome = ask(Twin::Base, sql).await;
    let Outcome::Answered(answer) = outcome else { panic!("{sql}: {outcome:?}") };
    rows(&answer)
}

async fn refused(sql: &str) -> Refusal {
    let outcome = ask(Twin::Base, sql).await;
    let Outcome::Refused(refusal) = outcome else { panic!("{sql}: {outcome:?}") };
    refusal
}

#[tokio::test]
async fn a_grouped_count_over_two_joined_tables_is_answered() {
    let sql = "SELECT c.prefecture, count(DISTINCT c.person_key) AS persons FROM ndb.claims c \
               JOIN ndb.diagnoses d ON d.person_key = c.person_key WHERE d.icd10 = 'I10' GROUP BY c.prefecture ORDER BY 1";
    let rows = answered(sql).await;
    assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["01", "13", "14", "23", "27", "31", "40"]);
    assert!(rows.iter().all(|row| row[1].parse::<u64>().unwrap() >= 10), "{rows:?}");
}

#[tokio::test]
async fn rows_are_refused_with_place_and_hint() {
    let refusal = refused("SELECT * FROM ndb.claims LIMIT 1").await;
    assert_eq!((refusal.code, refusal.rule), ("guard/rows-at-root", "V-ROOT"));
    assert!(!refusal.hint.is_empty());
}

#[tokio::test]
async fn a_column_that_is_not_granted_looks_like_one_that_does_not_exist() {
    let absent = refused("SELECT count(*)\nFROM ndb.claims WHERE nowhere = 1").await;
    let hidden = refused("SELECT count(*)\nFROM ndb.claims WHERE __facility = 1").await;
    assert_eq!(absent.code, "guard/no-such-column");
    assert_eq!((absent.line, absent.column), (Some(2), Some(23)));
    assert_eq!(hidden.code, "guard/reserved-name");
}

#[tokio::test]
async fn a_failed_group_is_left_out_and_a_failed_total_is_null() {
    let grouped =
        answered("SELECT icd10, count(*) FROM ndb.diagnoses WHERE icd10 IN ('A16', 'I10') GROUP BY icd10").await;
    assert_eq!(grouped.len(), 1);
    assert_eq!(answered("SELECT count(*) FROM ndb.diagnoses WHERE icd10 = 'A16'").await, [["-"]]);
    assert_eq!(answered("SELECT count(*) FROM ndb.diagnoses WHERE icd10 = 'Z99'").await, [["-"]]);
}

#[tokio::test]
async fn counts_are_right() {
    let total = answered("SELECT count(*) FROM person").await;
    assert_eq!(total, [["3001"]]);
    let persons = answered("SELECT count(DISTINCT person_key), sum(points) > 1000 FROM ndb.claims").await;
    assert_eq!(persons, [["3001", "true"]]);
}

#[tokio::test]
async fn a_cell_of_two_institutions_is_withheld() {
    assert_eq!(
        answered("SELECT count(DISTINCT person_key) FROM ndb.claims WHERE facility_id IN (11, 12)").await,
        [["-"]]
    );
    assert_ne!(
        answered("SELECT count(DISTINCT person_key) FROM ndb.claims WHERE facility_id IN (11, 12, 13)").await,
        [["-"]]
    );
}

#[tokio::test]
async fn institutions_are_counted_through_a_grouping_by_person() {
    let sql = |places: &str| {
        format!(
            "WITH p AS (SELECT person_key, sum(points) AS pts FROM ndb.claims WHERE facility_id IN ({places}) GROUP BY person_key) \
             SELECT count(*), sum(pts) FROM p"
        )
    };
    assert_eq!(answered(&sql("11, 12")).await, [["-", "-"]]);
    assert!(answered(&sql("11, 12, 13, 14")).await[0].iter().all(|cell| cell != "-"));
}

/// A table whose rows unwind with a canary in the message.
#[derive(Debug)]
struct Unwinding(SchemaRef);

impl datafusion::physical_plan::streaming::PartitionStream for Unwinding {
    fn schema(&self) -> &SchemaRef {
        &self.0
    }

    fn execute(&self, _: Arc<datafusion::execution::TaskContext>) -> datafusion::execution::SendableRecordBatchStream {
        let rows = futures::stream::once(async { panic!("canary 4711") });
        Box::pin(datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(Arc::clone(&self.0), rows))
    }
}

#[tokio::test]
async fn an_unwind_below_the_veil_is_one_fixed_sentence() {
    let schema = catalog::release_schema(catalog::table("ndb.claims").unwrap());
    let partition = Arc::new(Unwinding(Arc::clone(&schema)));
    let table = datafusion::catalog::streaming::StreamingTable::try_new(schema, vec![partition]).unwrap();
    let relations = Relations::default().with_rows("ndb.claims", Arc::new(table), &["points"]);
    let session = over(relations, Grade::Exact);
    let prepared = session.prepare("SELECT count(*) FROM ndb.claims").await.unwrap();
    let error = session.execute(prepared).await.unwrap_err();
    assert_eq!(error, QueryError::Failed);
    assert!(!format!("{error} {error:?} {}", error.hint()).contains("canary"));
}

#[tokio::test]
async fn a_column_outside_the_permit_looks_like_none() {
    let schema = catalog::release_schema(catalog::table("ndb.claims").unwrap());
    let table = datafusion::datasource::MemTable::try_new(schema, vec![vec![]]).unwrap();
    let relations = Relations::default().with_rows("ndb.claims", Arc::new(table), &["points"]);
    let session = over(relations, Grade::Exact);
    let ungranted = session.prepare("SELECT count(*) FROM ndb.claims WHERE days > 1").await.unwrap_err();
    let nowhere = session.prepare("SELECT count(*) FROM ndb.claims WHERE dayz > 1").await.unwrap_err();
    assert_eq!(ungranted, nowhere);
    let table = session.prepare("SELECT count(*) FROM dpc.stays").await.unwrap_err();
    assert_eq!(table, session.prepare("SELECT count(*) FROM dpc.nowhere").await.unwrap_err());
}

#[tokio::test]
async fn the_band_and_the_fingerprint_are_the_same_for_the_same_query() {
    let sql = "SELECT facility_id, prefecture, count(*) FROM ndb.claims GROUP BY 1, 2";
    let (one, two) = (session(Twin::Base).prepare(sql).await.unwrap(), session(Twin::Base).prepare(sql).await.unwrap());
    assert_eq!(one.fingerprint(), two.fingerprint());
    assert_eq!(one.reasons(), [Reason::Dominance, Reason::FewInstitutions, Reason::FewPersons]);
    let other = session(Twin::Base).prepare("SELECT prefecture, count(*) FROM ndb.claims GROUP BY 1").await.unwrap();
    assert_ne!(one.fingerprint(), other.fingerprint());
    let Outcome::Answered(answer) = ask(Twin::Base, sql).await else { panic!("not answered") };
    assert_eq!(answer.veil.withheld, Band::Many);
    assert_eq!(
        serde_json::to_string(&answer.veil).unwrap(),
        r#"{"grade":"exact","withheld":"50+","snapped":0,"reasons":["dominance","few_institutions","few_persons"]}"#
    );
}
