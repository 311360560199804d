//! Published examples of FHIR documents: what is valid is read, what is not is put aside, and a table says of each path that is not
//! carried why. The folder is for local reading (`SUDARE_SAMPLES`, or `../shared/samples` beside the workspace); where it is
//! absent, the tests say so and one example with an open licence remains (`tests/fixtures/NOTICE.md`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::layout::{Fate, Form, Layout, Place, shipped};

/// Rows `resource path reason examples`; a resource that is not read at all has the path `*`.
const NOT_CARRIED: &str = include_str!("../../../tests/fixtures/fhir-not-carried.tsv");

/// The files below a folder of samples; none if it is absent, and then that is said.
fn samples(folder: &str) -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let root = std::env::var_os("SUDARE_SAMPLES").map_or(beside, PathBuf::from);
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        // Not a macro: those are caught by the test harness, and this is to be seen.
        writeln!(std::io::stderr(), "SKIPPED: no samples in {}", root.join(folder).display()).unwrap();
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    paths
}

fn all() -> Vec<PathBuf> {
    let folders = ["fhir-checkup", "fhir-clins", "fhir-docs"];
    folders.iter().flat_map(|folder| samples(folder)).chain([fixture("fhir-referral-example.json")]).collect()
}

/// The bundle that a file holds; none if it is a single resource or no JSON.
fn bundle(path: &Path) -> Option<Value> {
    let value: Value = serde_json::from_slice(&fs::read(path).unwrap()).ok()?;
    (value["resourceType"] == "Bundle").then_some(value)
}

#[test]
fn bundles_are_read_and_all_else_is_put_aside() {
    for (at, path) in all().iter().enumerate() {
        let world = World::new();
        let batch = world.batch("ehr", std::slice::from_ref(path), &format!("out{at}"));
        let expected = u64::from(bundle(path).is_none());
        assert_eq!(batch.report.quarantined(), expected, "{}: {:?}", path.display(), batch.report.files);
        assert_eq!(batch.report.count(Reason::RecordForm), expected, "{}", path.display());
        assert_eq!(batch.report.files[0].passed, 1 - expected);
        let unknown = batch.report.count(Reason::PartUnknown);
        assert_eq!(unknown, 0, "{}: a resource or section that the layout does not list", path.display());
    }
}

#[test]
fn the_open_example_gives_what_is_coded_in_it() {
    let world = World::new();
    let batch = world.run("ehr", &["fhir-referral-example.json"]);
    assert_eq!(batch.text("ehr.documents", "kind"), ["referral"]);
    assert_eq!(batch.text("ehr.medications", "yj_code"), ["2233002F1280"]);
    assert!(!batch.tables.contains_key("ehr.conditions"), "its diagnoses have texts alone");
    assert!(batch.token_of("ehr.documents", 0, "b1").is_some());
}

#[test]
fn templates_with_their_placeholder_filled_are_read() {
    let world = World::new();
    for path in samples("fhir-checkup") {
        let text = fs::read_to_string(&path).unwrap();
        let filled = text.replace("$jlac10_cs", "\"urn:oid:1.2.392.200119.6.1005\"").replace("$attachement", "{}");
        let Ok(value) = serde_json::from_str::<Value>(&filled) else { continue };
        let file = world.write("filled.json", filled.as_bytes());
        let name = path.file_stem().unwrap().to_str().unwrap();
        let batch = world.batch("ehr", &[file], name);
        assert_eq!(batch.report.quarantined(), 0, "{name}: {:?}", batch.report.files);
        let coded = value["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["resource"])
            .any(|resource| resource["code"]["coding"][0]["code"].as_str().is_some_and(|code| code.len() == 17));
        assert_eq!(batch.tables.contains_key("ehr.observations"), coded, "{name}");
        assert!(!coded || batch.text("ehr.observations", "category").contains(&"checkup".to_owned()), "{name}");
    }
}

/// Paths of values, lists left out.
fn paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| paths(one, path, into)),
        Value::Object(map) => {
            for (name, one) in map {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                paths(one, &below, into);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            into.insert(path.to_owned());
        }
    }
}

/// What of a bundle the layout does not let through, as `resource path`; a resource that is not read stands with `*`.
fn not_carried(bundle: &Value, layout: &Layout) -> BTreeSet<(String, String)> {
    let mut envelope = bundle.clone();
    let entries = envelope.as_object_mut().unwrap().remove("entry").unwrap_or_default();
    let resources = entries.as_array().into_iter().flatten().map(|entry| &entry["resource"]);
    let mut missing = BTreeSet::new();
    for resource in resources.chain([&envelope]) {
        let kind = resource["resourceType"].as_str().unwrap();
        if layout.fate(kind.as_bytes()) != Fate::Read {
            missing.insert((kind.to_owned(), "*".to_owned()));
            continue;
        }
        let fields = layout.record(kind).unwrap().fields.iter();
        let used = fields.filter(|field| Form::content(field).is_some() || Form::identity(field).is_some());
        let used: BTreeSet<&str> = used
            .filter_map(|field| if let Place::Path(path) = &field.place { Some(path.as_str()) } else { None })
            .collect();
        let mut stated = BTreeSet::new();
        paths(resource, "", &mut stated);
        let unused = stated.into_iter().filter(|path| !used.contains(path.as_str()));
        missing.extend(unused.map(|path| (kind.to_owned(), path)));
    }
    missing
}

/// The table's rows for one example.
fn listed(example: &str) -> BTreeSet<(String, String)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [kind, path, reason, examples] = cells[..] else { panic!("four cells: {line}") };
        assert!(!reason.is_empty(), "{line}");
        examples.split(',').any(|one| one == example).then(|| (kind.to_owned(), path.to_owned()))
    };
    NOT_CARRIED.lines().skip(1).filter_map(row).collect()
}

#[test]
fn every_path_that_is_not_carried_has_a_reason() {
    let layout = shipped().unwrap().remove("ehr-fhir").unwrap();
    for path in all() {
        let Some(bundle) = bundle(&path) else { continue };
        let (missing, listed) = (not_carried(&bundle, &layout), listed(path.file_stem().unwrap().to_str().unwrap()));
        let unexplained: Vec<_> = missing.difference(&listed).collect();
        let stale: Vec<_> = listed.difference(&missing).collect();
        assert!(unexplained.is_empty() && stale.is_empty(), "{}: {unexplained:#?} {stale:#?}", path.display());
    }
}

/// Words of a document that name somebody, and every word in Japanese.
fn secrets(value: &Value, named: bool, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| secrets(one, named, into)),
        Value::Object(map) => {
            for (name, one) in map {
                let names = ["telecom", "address", "contact", "groupIdentifier", "subject", "family", "given"];
                secrets(one, named || names.contains(&name.as_str()) || name == "identifier", into);
            }
        }
        Value::String(text) => {
            let is_word = text.chars().count() > 1 && text.chars().any(|letter| !letter.is_ascii() && letter != 'μ');
            let is_number = named && text.len() >= 5 && !text.starts_with("http") && !text.starts_with("urn");
            if is_word || is_number && text.bytes().any(|byte| byte.is_ascii_digit()) {
                into.insert(text.clone());
            }
        }
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

#[test]
fn nothing_that_names_somebody_is_in_what_leaves() {
    let world = World::new();
    for (at, path) in all().iter().enumerate() {
        let Some(bundle) = bundle(path) else { continue };
        let batch = world.batch("ehr", std::slice::from_ref(path), &format!("out{at}"));
        let leaving = batch.leaving(&world);
        let mut words = BTreeSet::new();
        secrets(&bundle, false, &mut words);
        assert!(words.len() > 5);
        let tables = batch.tables.keys().filter(|table| table.starts_with("ehr."));
        let facilities: BTreeSet<String> = tables.flat_map(|table| batch.text(table, "facility_code")).collect();
        // Institutions leave the holder by their codes; the enclave draws surrogates for them.
        let is_part = |word: &String| facilities.iter().any(|facility| facility.contains(word.as_str()));
        for word in words.iter().filter(|word| !is_part(word)) {
            assert_eq!(count_in(&leaving, word), 0, "{}", path.display());
        }
    }
}
