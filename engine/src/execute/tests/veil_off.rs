//! The veil switched off: the same tables under DataFusion as it comes. What the oracles are tried on, and what counts beside
//! the engine.
#![expect(clippy::disallowed_methods, reason = "tests: what goes wrong ends them, and figures are small")]

use datafusion::common::TableReference;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::relations::{CATALOG, DEFAULT_SCHEMA};

/// The relations of a population with their hidden columns, without guard and veil.
pub(super) fn plain(relations: &Relations) -> SessionContext {
    let config =
        SessionConfig::new().with_default_catalog_and_schema(CATALOG, DEFAULT_SCHEMA).with_target_partitions(1);
    let context = SessionContext::new_with_config(config);
    let catalog = context.catalog(CATALOG).unwrap();
    for name in relations.names() {
        let (schema, table) = name.split_once('.').unwrap_or((DEFAULT_SCHEMA, name));
        if catalog.schema(schema).is_none() {
            let provider = Arc::new(datafusion::catalog::MemorySchemaProvider::new());
            catalog.register_schema(schema, provider).unwrap();
        }
        let full = relations.find(&TableReference::partial(schema, table)).unwrap().full();
        catalog.schema(schema).unwrap().register_table(table.to_owned(), full).unwrap();
    }
    context
}

/// Rows of an answer without veil as text; `None` where DataFusion gives none.
pub(super) async fn truth(context: &SessionContext, sql: &str) -> Option<Vec<Vec<String>>> {
    let running = AssertUnwindSafe(async { context.sql(sql).await?.collect().await }).catch_unwind();
    Some(texts(&running.await.ok()?.ok()?))
}

/// Cells as text in the order of the answer; NULL as `-`.
pub(super) fn texts(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("-");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()));
    }
    rows
}

/// A number of the environment, or what a run of all tests takes.
pub(super) fn times(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Deterministic numbers (`SplitMix64`).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    pub(super) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

#[tokio::test]
async fn without_the_veil_single_persons_are_counted() {
    let context = plain(&fixture::relations(Twin::Base));
    let sql =
        "SELECT count(*), sum(points), count(DISTINCT __facility) FROM ndb.claims WHERE facility_id = 7 AND age = 93";
    assert_eq!(truth(&context, sql).await.unwrap(), [["3", "12992", "1"]]);
}
