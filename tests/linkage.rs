//! Linkage with realistic identifier errors, against the truth: a test's work, since the zone itself knows no truth.

use std::fs;

use serde_json::Value;

use crate::plain;
use crate::world::{PERSONS, World, path, prepared, python};

/// Subgroups of fewer persons say little: one divided person more or less would decide.
const SUBGROUP_PERSONS: u64 = 60;

#[test]
fn few_persons_are_split_and_fewer_are_mixed() {
    for (errors, precision, recall, worst) in [("none", 1.0, 1.0, 1.0), ("realistic", 0.9995, 0.99, 0.98)] {
        let world = prepared(PERSONS, errors);
        let out = tempfile::tempdir().unwrap();
        plain::write(&world, out.path());
        let figures = &python("linkage.py", &[path(&world.join("truth")), path(out.path())])[0];
        assert!(figures["pairs"].as_u64().unwrap() > 100_000, "{figures}");
        assert!(figures["precision"].as_f64().unwrap() >= precision, "{errors}: {figures}");
        assert!(figures["recall"].as_f64().unwrap() >= recall, "{errors}: {figures}");
        let subgroups = figures["subgroups"].as_object().unwrap();
        let judged = subgroups.values().filter(|of| of["persons"].as_u64().unwrap() >= SUBGROUP_PERSONS);
        let recalls: Vec<f64> = judged.map(|of| of["recall"].as_f64().unwrap()).collect();
        assert!(recalls.len() >= 10, "subgroups by six bands of age and two sexes: {figures}");
        assert!(recalls.iter().all(|recall| *recall >= worst), "{errors}: {figures}");
    }
}

/// The demo's steward named the software of each institution: rates by it stand in the release and on the catalog's page.
#[test]
fn the_catalog_shows_rates_by_the_software_of_institutions() {
    let world = World::start();
    let file = world.folder.path().join("enclave/releases/ndb/2026.1/quality.json");
    let quality: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let tables = quality["links"].as_array().unwrap().iter().flat_map(|link| link["tables"].as_array().unwrap());
    let of_software: Vec<&Value> = tables.filter(|table| table["axis"] == "software").collect();
    assert!(!of_software.is_empty(), "{quality}");
    let mut shown = 0;
    for table in of_software {
        let cells = table["cells"].as_array().unwrap();
        let groups: Vec<&str> = cells.iter().map(|cell| cell["group"].as_str().unwrap()).collect();
        assert!(groups.starts_with(&["A", "B", "C", "D", "E", "F"]), "{table}");
        let figures = cells.iter().filter(|cell| !cell["shown"].is_null());
        shown += figures.filter(|cell| cell["shown"]["persons"].as_u64().unwrap() >= 10).count();
    }
    assert!(shown > 0, "all are withheld: {quality}");
    let page = world.page("/catalog/ndb?lang=en");
    assert!(page.contains("Software of institutions"), "{page}");
}
