//! Run tokens of a batch: sealed to the linkage zone, signed, of the run, and no kind that betrays by counting.

use arrow::array::Array;
use arrow::datatypes::DataType;
use jiff::SignedDuration;
use policies::keys::{RunId, RunKey, RunKeyError};

use super::*;
use crate::tokens::columns;

const FILES: [(&str, &[&str]); 2] =
    [("ndb", &["RECEIPTC_202207.UKE", "RECEIPTC_202209.UKE"]), ("ltc", &["i2208a.csv", "nintei_head18.csv"])];

fn id() -> RunId {
    "2026-11".parse().unwrap()
}

fn make(world: &World, at: usize, out: &str, bound: u32, now: Timestamp) -> Result<RunTokens, HolderError> {
    let (source, batch) = &world.batches[at];
    let (run, out) = (id(), world.path(out));
    let job = RunTokensJob {
        keys: &world.holders[source],
        batch,
        run: &run,
        link_to: world.linkage.recipient().unwrap(),
        max_multiplicity: bound,
        only: None,
        out: &out,
    };
    run_tokens(&job, now)
}

/// All holders have the run's key.
fn with_key() -> World {
    let world = World::new(&FILES);
    let (ndb, ltc) = (&world.holders["ndb"], &world.holders["ltc"]);
    assert!(matches!(make(&world, 0, "none", 200, NOW), Err(HolderError::RunKey(RunKeyError::Missing(_)))));
    ndb.keep_run_key(RunKey::generate(id(), NOW), NOW).unwrap();
    let wrapped = epoch::wrap_run_key(ndb, &id(), &ltc.recipient().unwrap(), NOW).unwrap();
    epoch::join_run_key(ltc, &wrapped, None, NOW).unwrap();
    world
}

fn table(world: &World, out: &str) -> RecordBatch {
    read(&world.path(out).join("run.arrow.age"), &world.linkage.seal().unwrap()).remove(0)
}

fn tokens(table: &RecordBatch, kind: &str) -> Vec<Vec<u8>> {
    table.column_by_name(kind).unwrap().as_fixed_size_binary().iter().flatten().map(<[u8]>::to_vec).collect()
}

#[test]
fn holders_of_a_run_share_composites_and_say_nothing_else() {
    let world = with_key();
    let (ndb, ltc) = (make(&world, 0, "run-ndb", 200, NOW).unwrap(), make(&world, 1, "run-ltc", 200, NOW).unwrap());
    assert_eq!(ndb.key, ltc.key);
    assert!(ndb.tokens["v1"] > 0 && ndb.tokens["p5"] > 0 && ltc.tokens["v4"] > 0 && ndb.refused.is_empty(), "{ndb:?}");
    let (one, other) = (table(&world, "run-ndb"), table(&world, "run-ltc"));
    assert!(tokens(&other, "v4").iter().any(|token| tokens(&one, "v4").contains(token)), "one person, both holders");

    let schema = one.schema();
    let told = |name: &str| schema.metadata()[name].clone();
    assert_eq!(told("sudare.run_key"), ndb.key);
    assert_eq!((told("sudare.run").as_str(), told("sudare.source").as_str()), ("2026-11", "ndb"));
    let handed = read(&world.batches[0].1.join("tokens/tokens.arrow.age"), &world.linkage.seal().unwrap()).remove(0);
    assert_eq!(one.column(0), handed.column(0), "the batch's atoms");
    let listed = schema.fields().iter().filter(|field| matches!(field.data_type(), DataType::List(_))).count();
    assert_eq!(listed, 20);
    // Nothing that lies at rest comes again, and no token is of two kinds.
    let mut all: Vec<Vec<u8>> = Vec::new();
    for kind in schema.fields().iter().map(|field| field.name()).filter(|name| *name != "atom") {
        let column = one.column_by_name(kind).unwrap();
        let mut own: Vec<Vec<u8>> = if *column.data_type() == columns::token_type() {
            tokens(&one, kind)
        } else if let Some(lists) = column.as_list_opt::<i32>() {
            lists.values().as_fixed_size_binary().iter().flatten().map(<[u8]>::to_vec).collect()
        } else {
            assert_eq!(*column.data_type(), DataType::UInt8, "{kind}");
            continue;
        };
        own.sort_unstable();
        own.dedup();
        all.extend(own);
    }
    let at_rest = |token: &Vec<u8>| {
        handed.columns().iter().any(|column| {
            column.as_fixed_size_binary_opt().is_some_and(|column| column.iter().flatten().any(|known| known == token))
        })
    };
    assert!(!all.iter().any(at_rest));
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn a_kind_that_too_many_share_stays_at_home() {
    let world = with_key();
    let made = make(&world, 0, "run", 1, NOW).unwrap();
    assert!(!made.refused.is_empty(), "{made:?}");
    let table = table(&world, "run");
    for (kind, most) in &made.refused {
        assert!(*most > 1 && made.tokens[kind] == 0, "{kind}");
        let column = table.column_by_name(kind).unwrap();
        assert_eq!(column.null_count(), column.len(), "{kind}");
    }
}

#[test]
fn an_old_or_wiped_key_makes_nothing() {
    let world = with_key();
    let late = NOW + SignedDuration::from_hours(15 * 24);
    assert!(matches!(make(&world, 0, "late", 200, late), Err(HolderError::RunKey(RunKeyError::Old(_)))));
    make(&world, 0, "run", 200, NOW).unwrap();
    assert!(matches!(make(&world, 0, "run", 200, NOW), Err(HolderError::Exists { .. })));
    world.holders["ndb"].wipe_run_key(&id(), NOW).unwrap();
    assert!(matches!(make(&world, 0, "again", 200, NOW), Err(HolderError::RunKey(RunKeyError::Wiped(_)))));
    assert!(!world.path("late").exists() && !world.path("again").exists());
}
