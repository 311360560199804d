//! Sources are installed once a process; so this test has one of its own.

use catalog::{AddedSource, InstallError};
use policies::{HolderSay, PersonSay};

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
columns = [{ name = "disease", type = "text", class = "S", ja = "疾病", en = "Disease" }]
"#;

#[test]
fn what_is_installed_first_is_in_the_catalog_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    policies::durable::replace(&dir.path().join("registry.toml"), REGISTRY.as_bytes()).unwrap();
    let read = AddedSource::read_folder(dir.path()).unwrap();
    catalog::install(read.clone()).unwrap();

    assert_eq!(catalog::sources(), ["ndb", "ltc", "dpc", "ehr", "registry"]);
    assert_eq!(catalog::SOURCES, ["ndb", "ltc", "dpc", "ehr"]);
    assert_eq!(catalog::table("registry.cases").unwrap().en, "One row a notified case.");
    assert_eq!(catalog::tables().last().unwrap().name, "registry.cases");
    let about = catalog::datasets::about("registry").unwrap();
    assert_eq!((about.id, about.title_en), ("registry", "Infectious-disease register (made up)"));
    let policy = catalog::policy("registry").unwrap();
    assert_eq!((policy.person_say, policy.holder_say), (PersonSay::OptOut, HolderSay::Consent));
    assert_eq!(catalog::policy("ndb").unwrap().person_say, PersonSay::None);
    assert_eq!(catalog::added_source("registry").unwrap().text(), REGISTRY);
    assert!(catalog::added_source("ndb").is_none());

    assert!(matches!(catalog::install(Vec::new()), Err(InstallError::Late)));
    assert!(matches!(catalog::install(read), Err(InstallError::Late)));
}
