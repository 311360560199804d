//! A granted table shows what the permit names, decrypts in its own place only, and keeps the order of the buckets.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, UInt64Type};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{col, lit};
use datafusion::physical_plan::{ExecutionPlanProperties, collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::release::Releases;
use crate::release::tests::{Enclave, claims};

pub(crate) fn state() -> SessionState {
    let config = SessionConfig::new().with_target_partitions(2).with_batch_size(5);
    SessionStateBuilder::new().with_config(config).with_default_features().build()
}

fn stored(enclave: &Enclave, persons: u64, each: usize) -> Arc<StoredTable> {
    let id = enclave.write("ndb/2026.1", &[("ndb.claims", claims(persons, each))]);
    let releases = Releases::open(&enclave.folder(), &enclave.keys, |_, _| ()).unwrap();
    Arc::clone(releases.get(&id).unwrap().table("ndb.claims").unwrap())
}

fn granted(stored: &Arc<StoredTable>, columns: &[&str], filters: &[RowFilter]) -> GrantedTable {
    GrantedTable::new(Arc::clone(stored), |name| columns.contains(&name), filters).unwrap()
}

async fn read(table: &GrantedTable, projection: Option<Vec<usize>>, filters: &[Expr]) -> Vec<RecordBatch> {
    let state = state();
    let plan = table.scan(&state, projection.as_ref(), filters, None).await.unwrap();
    collect(plan, state.task_ctx()).await.unwrap()
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

const SHOWN: &[&str] = &["person_key", "points", "__facility"];

#[tokio::test]
async fn all_rows_come_decrypted_and_only_granted_columns_exist() {
    let enclave = Enclave::new();
    let table = granted(&stored(&enclave, 10, 3), SHOWN, &[]);
    let names: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, SHOWN);
    let batches = read(&table, None, &[]).await;
    assert_eq!(count(&batches), 30);
    let points: BTreeSet<i32> =
        batches.iter().flat_map(|batch| batch.column(1).as_primitive::<Int32Type>().values().to_vec()).collect();
    assert_eq!(points, (1..=30).map(|row| row * 100).collect());
}

#[tokio::test]
async fn a_partition_is_a_bucket_in_the_order_of_the_key() {
    let enclave = Enclave::new();
    let table = granted(&stored(&enclave, 23, 3), SHOWN, &[]);
    let state = state();
    let plan = table.scan(&state, Some(&vec![0]), &[], None).await.unwrap();
    assert_eq!(plan.output_partitioning().partition_count(), 4);
    assert_eq!(plan.output_ordering().unwrap().to_string(), "person_key@0 ASC NULLS LAST");
    for bucket in 0..4_usize {
        let stream = plan.execute(bucket, state.task_ctx()).unwrap();
        let batches = datafusion::physical_plan::common::collect(stream).await.unwrap();
        let keys: Vec<u64> =
            batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec()).collect();
        assert!(keys.is_sorted() && !keys.is_empty());
        assert!(keys.iter().all(|key| usize::try_from(key >> 62).unwrap() == bucket));
    }
}

#[tokio::test]
async fn the_permits_filter_holds_even_on_columns_that_are_not_shown() {
    let enclave = Enclave::new();
    let stored = stored(&enclave, 10, 2);
    let tokyo =
        RowFilter { column: "prefecture".to_owned(), any_of: BTreeSet::from(["13".to_owned()]), from: None, to: None };
    let table = granted(&stored, SHOWN, std::slice::from_ref(&tokyo));
    assert!(table.schema().field_with_name("prefecture").is_err());
    for projection in [None, Some(vec![1]), Some(vec![])] {
        assert_eq!(count(&read(&table, projection, &[]).await), 10);
    }
    let months = RowFilter {
        column: "service_month".to_owned(),
        any_of: BTreeSet::new(),
        from: Some("2022-01-09".to_owned()),
        to: Some("2022-01-12".to_owned()),
    };
    assert_eq!(count(&read(&granted(&stored, SHOWN, &[months]), None, &[]).await), 4);
}

#[tokio::test]
async fn filters_skip_row_groups_and_lose_no_match() {
    let enclave = Enclave::new();
    let table = granted(&stored(&enclave, 10, 3), SHOWN, &[]);
    let batches = read(&table, None, &[col("points").gt_eq(lit(2900))]).await;
    let kept = count(&batches);
    assert!((2..=6).contains(&kept), "{kept} rows left of 30");
}

#[tokio::test]
async fn a_file_that_lies_in_anothers_place_does_not_open() {
    let enclave = Enclave::new();
    let stored = stored(&enclave, 8, 1);
    let folder = enclave.folder().join("ndb/2026.1/tables/ndb.claims");
    std::fs::copy(folder.join("bucket-001.parquet"), folder.join("bucket-002.parquet")).unwrap();
    let table = granted(&stored, SHOWN, &[]);
    let state = state();
    let plan = table.scan(&state, None, &[], None).await.unwrap();
    assert!(collect(plan, state.task_ctx()).await.is_err());
}

/// Joins and groups by person run inside the buckets, and count right.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the plain engine, without guard and veil, is what is compared")]
async fn groups_and_joins_by_person_need_no_shuffle() {
    let enclave = Enclave::new();
    let stored = stored(&enclave, 11, 3);
    let context = SessionContext::new_with_state(state());
    context.register_table("a", Arc::new(granted(&stored, SHOWN, &[]))).unwrap();
    context.register_table("b", Arc::new(granted(&stored, SHOWN, &[]))).unwrap();
    let cases = [
        ("select count(*) from (select person_key, sum(points) p from a group by person_key)", 11),
        ("select count(*) from a join b on a.person_key = b.person_key", 99),
        ("select count(*) from a left join b on a.person_key = b.person_key and b.points > 2900", 39),
        ("select count(*) from a full join b on a.person_key = b.person_key and a.points = b.points", 33),
        ("select count(*) from a where person_key in (select person_key from b where points > 2900)", 6),
        ("select count(*) from a join b on a.points = b.points", 33),
        ("select count(distinct person_key) from a", 11),
    ];
    for (sql, expected) in cases {
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        let batches = collect(plan, context.task_ctx()).await.unwrap();
        assert_eq!(
            batches[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0),
            expected,
            "{sql}\n{shown}"
        );
    }
}
