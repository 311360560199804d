//! Every table of the schema, row for row: what the releases hold is what the raw files state, and nothing else.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::plain;
use crate::world::{PERSONS, path, prepared, python};

/// What de-identified text would yield: empty on both sides until that part exists.
const EMPTY: [&str; 1] = ["ehr.findings"];

#[test]
fn every_table_of_the_releases_holds_what_the_truth_states() {
    let world = prepared(PERSONS, "none");
    let out = tempfile::tempdir().unwrap();
    plain::write(&world, out.path());
    let lines = python("tables.py", &[path(&world.join("truth")), path(out.path())]);
    let (kinds, tables): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.get("kind").is_some());
    let tables: BTreeMap<&str, &Value> = tables.into_iter().map(|line| (line["table"].as_str().unwrap(), line)).collect();
    let built_in = catalog::tables().iter().map(|table| table.name.as_str());
    let wanted = built_in.filter(|name| catalog::SOURCES.iter().any(|source| name.starts_with(&format!("{source}."))));
    let persons = ["person.ndb", "person.ltc", "person.dpc", "person.ehr"];
    let mut wrong = Vec::new();
    for name in wanted.chain(persons).chain(["registry.cases"]) {
        let line = tables.get(name).unwrap_or_else(|| panic!("{name} is not compared"));
        assert_eq!(line["truth"].as_u64().unwrap() == 0, EMPTY.contains(&name), "{line}");
        if line["only_truth"] != 0 || line["only_release"] != 0 || line["unlike_columns"] != Value::Array(Vec::new()) {
            wrong.push(format!("{line:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for line in kinds {
        assert_eq!((&line["split"], &line["mixed"]), (&Value::from(0), &Value::from(0)), "{line}");
        assert!(line["names"].as_u64().unwrap() > 10, "{line}");
    }
}
