//! Each rule of the merge on small sources, and that sources without a grant change nothing.

use std::collections::BTreeSet;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, StringArray, UInt64Array};
use arrow::util::pretty::pretty_format_batches;
use datafusion::physical_plan::{ExecutionPlanProperties, collect};

use super::*;
use crate::release::Releases;
use crate::release::tests::{Enclave, person_keys, rows};
use crate::tables::tests::state;

/// One source's row: key; sex, prefecture, link grade; dates of place, first seen, last seen, death.
type Row<'a> = (u64, [Option<&'a str>; 3], [Option<i32>; 4]);

fn source(given: &[Row<'_>]) -> RecordBatch {
    let schema = catalog::person_source_schema();
    let text = |at: usize| -> ArrayRef { Arc::new(given.iter().map(|row| row.1[at]).collect::<StringArray>()) };
    let date = |at: usize| -> ArrayRef { Arc::new(given.iter().map(|row| row.2[at]).collect::<Date32Array>()) };
    let keys: UInt64Array = given.iter().map(|row| row.0).collect();
    rows(
        &schema,
        &[
            ("person_key", Arc::new(keys)),
            ("sex", text(0)),
            ("prefecture", text(1)),
            ("link_grade", text(2)),
            ("place_on", date(0)),
            ("first_seen", date(1)),
            ("last_seen", date(2)),
            ("died_month", date(3)),
        ],
    )
}

fn view(enclave: &Enclave, granted: &[&'static str], columns: &[&str], filters: &[RowFilter]) -> PersonView {
    let releases = Releases::open(&enclave.folder(), &enclave.keys, |_, _| ()).unwrap();
    let release = releases.get(&"person/2026.1".parse().unwrap()).unwrap();
    let source =
        |name: &&'static str| Source { name, table: Arc::clone(release.table(&format!("person.{name}")).unwrap()) };
    let sources = granted.iter().map(source).collect();
    PersonView::new(sources, release.buckets(), |name| columns.contains(&name), filters).unwrap()
}

async fn shown(view: &PersonView, projection: Option<Vec<usize>>) -> String {
    let state = state();
    let plan = view.scan(&state, projection.as_ref(), &[], None).await.unwrap();
    let batches = collect(plan, state.task_ctx()).await.unwrap();
    let text = pretty_format_batches(&batches).unwrap().to_string();
    let line =
        |line: &str| line.split('|').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    text.lines().filter(|line| line.starts_with('|')).skip(1).map(line).collect::<Vec<_>>().join("\n")
}

/// Three persons: 1 in all sources, 2 in LTC and DPC, 3 in DPC alone.
fn world() -> Enclave {
    let enclave = Enclave::new();
    let ndb = source(&[(1, [Some("1"), Some("13"), Some("strong")], [Some(100), Some(10), Some(90), None])]);
    let ltc = source(&[
        (1, [Some("2"), Some("14"), Some("single")], [Some(100), Some(20), Some(95), Some(60)]),
        (2, [Some("2"), None, Some("single")], [Some(300), Some(50), Some(60), None]),
    ]);
    let dpc = source(&[
        (1, [None, Some("27"), Some("scored")], [Some(99), Some(5), Some(91), Some(31)]),
        (2, [Some("1"), Some("27"), Some("strong")], [Some(1), None, Some(70), None]),
        (3, [Some("1"), Some("40"), None], [None, Some(7), Some(8), None]),
    ]);
    enclave.write("person/2026.1", &[("person.ndb", ndb), ("person.ltc", ltc), ("person.dpc", dpc)]);
    enclave
}

const COLUMNS: &[&str] = &[
    "person_key",
    "sex",
    "prefecture",
    "municipality",
    "first_seen",
    "last_seen",
    "died_month",
    "in_ndb",
    "in_ehr",
    "link_grade",
];

#[tokio::test]
async fn each_column_follows_its_rule() {
    let enclave = world();
    let all = view(&enclave, &["ndb", "ltc", "dpc"], COLUMNS, &[]);
    assert_eq!(
        shown(&all, None).await,
        "1 1 13 1970-01-06 1970-04-06 1970-03-02 true false scored\n\
         2 2 27 1970-02-20 1970-03-12 false false strong\n\
         3 1 40 1970-01-08 1970-01-09 false false"
    );
}

#[tokio::test]
async fn what_is_not_granted_does_not_exist() {
    let enclave = world();
    let dpc = view(&enclave, &["dpc"], COLUMNS, &[]);
    let with_all = shown(&dpc, None).await;
    assert_eq!(
        with_all,
        "1 27 1970-01-06 1970-04-02 1970-02-01 false false scored\n\
         2 1 27 1970-03-12 false false strong\n\
         3 1 40 1970-01-08 1970-01-09 false false"
    );
    let alone = Enclave::new();
    let rows = source(&[
        (1, [None, Some("27"), Some("scored")], [Some(99), Some(5), Some(91), Some(31)]),
        (2, [Some("1"), Some("27"), Some("strong")], [Some(1), None, Some(70), None]),
        (3, [Some("1"), Some("40"), None], [None, Some(7), Some(8), None]),
    ]);
    alone.write("person/2026.1", &[("person.dpc", rows)]);
    assert_eq!(shown(&view(&alone, &["dpc"], COLUMNS, &[]), None).await, with_all);
    assert_eq!(shown(&view(&enclave, &[], COLUMNS, &[]), None).await, "");
}

#[tokio::test]
async fn filters_and_projections_need_not_be_shown() {
    let osaka =
        RowFilter { column: "prefecture".to_owned(), any_of: BTreeSet::from(["27".to_owned()]), from: None, to: None };
    let enclave = world();
    let view = view(&enclave, &["ndb", "ltc", "dpc"], &["person_key", "sex", "in_ltc"], &[osaka]);
    assert_eq!(shown(&view, None).await, "2 2 true");
    assert_eq!(shown(&view, Some(vec![2])).await, "true");
}

/// Many persons in many batches: each appears once, in the order of the key, in its own bucket.
#[tokio::test]
async fn the_merge_streams_in_order() {
    let enclave = Enclave::new();
    let keys = person_keys(203);
    let part = |step: usize| {
        let given: Vec<Row<'_>> = keys.iter().step_by(step).map(|key| (*key, [None; 3], [None; 4])).collect();
        source(&given)
    };
    enclave.write("person/2026.1", &[("person.ndb", part(3)), ("person.ltc", part(1)), ("person.ehr", part(7))]);
    let view = view(&enclave, &["ndb", "ltc", "ehr"], &["person_key", "in_ndb", "in_ehr"], &[]);
    let state = state();
    let plan = view.scan(&state, None, &[], None).await.unwrap();
    assert_eq!(plan.output_partitioning().partition_count(), 4);
    let mut found = Vec::new();
    let mut marks = [0, 0];
    for bucket in 0..4 {
        let stream = plan.execute(bucket, state.task_ctx()).unwrap();
        for batch in datafusion::physical_plan::common::collect(stream).await.unwrap() {
            found.extend(rules::keys_of(&batch).unwrap().values().iter().copied());
            for (mark, column) in marks.iter_mut().zip([1, 2]) {
                *mark += arrow::array::AsArray::as_boolean(batch.column(column)).true_count();
            }
        }
    }
    assert_eq!(found, keys);
    assert_eq!(marks, [68, 29]);
}
