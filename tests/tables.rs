//! Every table of the schema, row for row: what the releases hold is what the raw files state, and nothing else.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::plain;
use crate::world::{PERSONS, path, prepared, python, target};

/// What de-identified text would yield: empty on both sides until that part exists.
const EMPTY: [&str; 1] = ["ehr.findings"];

#[test]
fn every_table_of_the_releases_holds_what_the_truth_states() {
    let world = prepared(PERSONS, "none");
    // It stays, for who wants to look into a difference; made-up people only.
    let out = target().join("test-worlds/plain");
    let _absent = fs::remove_dir_all(&out);
    plain::write(&world, &out);
    let lines = python("tables.py", &[path(&world.join("truth")), path(&out)]);
    let (kinds, tables): (Vec<&Value>, Vec<&Value>) = lines.iter().partition(|line| line.get("kind").is_some());
    let tables: BTreeMap<&str, &Value> =
        tables.into_iter().map(|line| (line["table"].as_str().unwrap(), line)).collect();
    let built_in = catalog::tables().iter().map(|table| table.name.as_str());
    let wanted = built_in.filter(|name| catalog::SOURCES.iter().any(|source| name.starts_with(&format!("{source}."))));
    let persons = ["person.ndb", "person.ltc", "person.dpc", "person.ehr"];
    let mut wrong: Vec<String> = kinds.iter().filter(|line| mistaken(line)).map(ToString::to_string).collect();
    for name in wanted.chain(persons).chain(["registry.cases", "facility"]) {
        let line = tables.get(name).unwrap_or_else(|| panic!("{name} is not compared"));
        assert_eq!(line["truth"].as_u64().unwrap() == 0, EMPTY.contains(&name), "{line}");
        if line["only_truth"] != 0 || line["only_release"] != 0 || line["unlike_columns"] != Value::Array(Vec::new()) {
            wrong.push(line.to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether one name of the truth became two of the release, or two one.
fn mistaken(kind: &Value) -> bool {
    kind["split"] != 0 || kind["mixed"] != 0 || kind["names"].as_u64().unwrap() < 10
}
