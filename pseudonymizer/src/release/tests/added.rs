//! A release of a source that a steward added by a file.

use std::process::Command;

use catalog::AddedSource;

use super::*;

const REGISTRY: &str = r#"
[source]
id = "registry"
title_ja = "感染症登録（合成）"
title_en = "Infectious-disease register (made up)"
description_ja = "届出の記録。"
description_en = "Notified cases."
person_say = "opt_out"
holder_say = "consent"

[[table]]
name = "registry.cases"
ja = "一行が一件の届出。"
en = "One row a notified case."
source_ja = "登録の CSV"
source_en = "The register's CSV"
columns = [
  { name = "diagnosed_on", type = "date", class = "S", ja = "診断日", en = "Day of diagnosis" },
  { name = "disease", type = "text", class = "S", ja = "疾病", en = "Disease" },
  { name = "facility_id", type = "u32", class = "Q", ja = "届出医療機関", en = "Notifying institution" },
]
"#;

/// Sources are installed once a process, so the test of that name runs in one of its own. True there.
fn is_alone(name: &str) -> bool {
    let asked: Vec<String> = std::env::args().collect();
    if ["--exact", name].iter().all(|word| asked.iter().any(|asked| asked == word)) {
        return true;
    }
    let run = Command::new(std::env::current_exe().unwrap()).args(["--exact", name]).output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && told.contains("1 passed"), "{told}");
    false
}

#[test]
fn an_added_source_is_released_beside_those_that_are_built_in() {
    if !is_alone("release::tests::added::an_added_source_is_released_beside_those_that_are_built_in") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("registry.toml");
    policies::durable::replace(&file, REGISTRY.as_bytes()).unwrap();
    catalog::install(vec![AddedSource::read(&file).unwrap()]).unwrap();

    // The same persons' batch, now said to be the registry's.
    let world = World::new(30);
    let ndb = world.release("ndb");
    let content = world.zones.path("b1").join("content");
    for table in ["ndb.claims", "ndb.diagnoses"] {
        fs::remove_file(content.join(format!("{table}.arrow.age"))).unwrap();
    }
    let cases: Vec<_> = (0..60_u128)
        .map(|n| (n, [("facility_code", "1310100015"), ("disease", "measles"), ("diagnosed_on", "18400")]))
        .collect();
    world.write("registry.cases", &content_schema(catalog::table("registry.cases").unwrap()), &cases);
    world.zones.enclave.trust("registry", &world.holder.verifying()).unwrap();
    world.sign_as(|manifest| {
        manifest.source = "registry".to_owned();
        manifest.tables = BTreeMap::from([("registry.cases".to_owned(), 60)]);
    });

    let registry = world.release("registry");
    assert_eq!(registry.release.to_string(), "registry/2026.1");
    assert_eq!(registry.tables.keys().collect::<Vec<_>>(), ["registry.cases"]);
    let cases = &registry.tables["registry.cases"];
    assert_eq!((cases.rows, cases.persons), (60, Some(30)));
    let names: Vec<&str> = cases.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["person_key", "diagnosed_on", "disease", "facility_id", "__facility"]);
    let keys = |manifest: &Manifest, table: &str| {
        let rows = world.read_all(manifest, table);
        let keys = rows.iter().flat_map(|(_, rows)| {
            column(rows, "person_key").as_primitive::<UInt64Type>().values().iter().copied().collect::<Vec<_>>()
        });
        keys.collect::<HashSet<u64>>()
    };
    assert_eq!(keys(&registry, "registry.cases"), keys(&ndb, "ndb.claims"), "one person, one key");

    let person = world.release("person");
    assert_eq!(person.tables.keys().collect::<Vec<_>>(), ["facility", "person.registry"]);
    assert_eq!(person.tables["person.registry"].persons, Some(30));
    assert_eq!(person.pinned, [registry.release]);
}
