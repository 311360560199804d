//! The checker against plans that no guard has seen.

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;

use super::*;
use crate::execute::Limits;
use crate::relations::Relations;
use crate::state::session_state;

fn relations() -> Relations {
    let schema = Arc::new(Schema::new(vec![Field::new("person_key", DataType::UInt64, false)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(UInt64Array::from(vec![1, 2]))]).unwrap();
    let table = || Arc::new(MemTable::try_new(Arc::clone(&schema), vec![vec![batch.clone()]]).unwrap());
    Relations::default().with_rows("person", table(), &[]).with_open("code.list", table())
}

async fn verdict(sql: &str) -> Result<(), QueryError> {
    let state = session_state(&relations(), &Limits::default()).unwrap();
    let plan = state.create_logical_plan(sql).await.unwrap();
    let physical = state.create_physical_plan(&plan).await.unwrap();
    open(&physical)
}

#[tokio::test]
async fn rows_without_a_veil_do_not_run() {
    for sql in [
        "SELECT * FROM person",
        "SELECT count(*) FROM person",
        "SELECT a.person_key FROM code.list a JOIN person b ON a.person_key = b.person_key",
        "SELECT 1 UNION ALL SELECT count(*) FROM person",
    ] {
        assert_eq!(verdict(sql).await, Err(QueryError::Unveiled), "{sql}");
    }
}

#[tokio::test]
async fn open_lists_run() {
    for sql in ["SELECT * FROM code.list", "SELECT 1", "VALUES (1), (2)", "SELECT * FROM generate_series(1, 3)"] {
        assert_eq!(verdict(sql).await, Ok(()), "{sql}");
    }
}

#[tokio::test]
async fn what_is_judged_counts_its_persons() {
    let state = session_state(&relations(), &Limits::default()).unwrap();
    for sql in
        ["SELECT * FROM person", "SELECT count(*) FROM person", "SELECT person_key FROM person GROUP BY person_key"]
    {
        let plan = state.create_logical_plan(sql).await.unwrap();
        let physical = state.create_physical_plan(&plan).await.unwrap();
        assert_eq!(judged(&physical), Err(QueryError::Unveiled), "{sql}");
    }
}
