//! The whole chain: official-format files to veiled answers that agree with DuckDB on the truth.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::world::{PERSONS, World, copy_of, path, prepared, prepared_output, python, root};

#[test]
fn the_demo_prints_addresses_accounts_and_a_worked_example() {
    let (stdout, stderr) = prepared_output(PERSONS, "none");
    for wanted in [
        "合成データ（実在の個人・医療機関ではありません）",
        "http://127.0.0.1:",
        "grpc://127.0.0.1:",
        "researcher",
        "auditor",
        "in_hospital",
        "Withheld cells",
    ] {
        assert!(stdout.contains(wanted), "{wanted} is missing in\n{stdout}");
    }
    for step in
        ["population", "pseudonymize ndb", "pseudonymize ehr", "link", "release person", "application and review"]
    {
        assert!(stderr.contains(step), "{step} is missing in\n{stderr}");
    }
}

#[test]
fn studies_over_one_to_four_databases_agree_with_duckdb_on_the_truth() {
    agree_with_the_truth(&World::start());
}

#[test]
fn studies_agree_at_the_size_of_the_demo() {
    let world = World::serve(copy_of(&prepared(20_000, "none")), 20_000, "none");
    agree_with_the_truth(&world);
}

fn agree_with_the_truth(world: &World) {
    let file = root().join("tests/fixtures/studies.json");
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(cases.len() >= 20);
    let truth = world.folder.path().join("truth");
    let expected = python("oracle.py", &[path(&truth), path(&file)]);
    let mut wrong = Vec::new();
    let mut shown = 0;
    for (case, expected) in cases.iter().zip(&expected) {
        let answer = world.answer(case["sql"].as_str().unwrap());
        assert_eq!(answer["veil"]["grade"], "exact");
        let keys = answer["columns"].as_array().unwrap().len() - case["aggregates"].as_array().unwrap().len();
        let (ours, theirs) = (by_key(&answer["rows"], keys), by_key(&expected["rows"], keys));
        shown += ours.len();
        let kinds = case["aggregates"].as_array().unwrap().iter().map(|aggregate| aggregate[0].as_str().unwrap());
        let different = differences(&ours, &theirs, &kinds.map(tolerance).collect::<Vec<_>>());
        // The studies are of one project: what the ledger took from an earlier one is told, and no other cell may differ.
        let snapped = answer["veil"]["snapped"].as_u64().unwrap();
        if different.len() as u64 > snapped {
            wrong.extend(
                different.iter().map(|difference| format!("{} ({snapped} snapped): {difference}", case["name"])),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shown > 100, "only {shown} rows passed the veil: the test says too little");
}

fn by_key(rows: &Value, keys: usize) -> BTreeMap<String, Vec<Value>> {
    let rows = rows.as_array().unwrap().iter().map(|row| row.as_array().unwrap());
    rows.map(|row| (row[..keys].iter().map(key_text).collect::<Vec<_>>().join("|"), row[keys..].to_vec())).collect()
}

/// Both sides spell a key in their own way: `2022-04-01T00:00:00` and `2022-04-01`, `10.0` and `10`.
fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.trim_end_matches(" 00:00:00").trim_end_matches("T00:00:00").to_owned(),
        Value::Number(number) => number.as_f64().unwrap().to_string(),
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => key.to_string(),
    }
}

/// By how much a value of that kind may be off, relatively: counts not at all, sums by what adding doubles loses.
fn tolerance(kind: &str) -> f64 {
    if matches!(kind, "sum" | "avg") { 1e-6 } else { 1e-9 }
}

fn differences(
    ours: &BTreeMap<String, Vec<Value>>,
    theirs: &BTreeMap<String, Vec<Value>>,
    tolerances: &[f64],
) -> Vec<String> {
    let agree = |ours: &[Value], theirs: &[Value]| {
        ours.iter().zip(theirs).zip(tolerances).all(|((ours, theirs), tolerance)| same(ours, theirs, *tolerance))
    };
    let mut found: Vec<String> = theirs
        .keys()
        .filter(|key| !ours.contains_key(*key))
        .map(|key| format!("{key} is withheld, the rules show it"))
        .collect();
    for (key, values) in ours {
        match theirs.get(key) {
            None => found.push(format!("{key} is shown, the rules withhold it")),
            Some(expected) if !agree(values, expected) => {
                found.push(format!("{key}: {values:?}, DuckDB says {expected:?}"));
            }
            Some(_) => {}
        }
    }
    found
}

fn same(ours: &Value, theirs: &Value, tolerance: f64) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0),
        _ => ours == theirs,
    }
}
