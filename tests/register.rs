//! The fifth source: a register that came by a file alone, in the catalog and beside NDB under a permit that names both.

use std::collections::BTreeMap;
use std::fs;

use catalog::AddedSource;
use policies::DatasetGrant;
use serde_json::{Value, json};

use crate::person::{ask, grant, permit_for};
use crate::world::{PERSONS, World, copy_of, path, prepared, python, root, run, text};

const QUESTION: &str = "\
SELECT r.category, count(DISTINCT c.person_key) AS persons, count(*) AS claims
FROM (SELECT person_key, min(category) AS category FROM registry.cases GROUP BY person_key) r
JOIN ndb.claims c ON c.person_key = r.person_key GROUP BY 1 ORDER BY 1";

#[test]
fn cases_and_claims_of_one_permit_agree_with_duckdb_on_the_truth() {
    let folder = copy_of(&prepared(PERSONS, "none"));
    let register = AddedSource::read(&root().join("examples/sources/registry.toml")).unwrap();
    let table = |table: &catalog::Table| {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        (table.name.clone(), columns)
    };
    let cases = register.tables().iter().map(table).collect();
    let datasets = BTreeMap::from([
        ("ndb".to_owned(), grant("2026.1", &["ndb.claims"])),
        ("registry".to_owned(), DatasetGrant { release: "2026.1".to_owned(), tables: cases }),
    ]);
    let permit = permit_for(folder.path(), "P-2026-900003", "cases-and-claims", datasets);
    let world = World::serve(folder, PERSONS, "none");
    let case = json!([{
        "name": "cases and claims",
        "base": "SELECT r.category AS k1, c.person_key, r.places AS f1, c.place AS f2
                 FROM (SELECT person_key, min(category) AS category, list(DISTINCT place) AS places
                       FROM registry.cases GROUP BY person_key) r
                 JOIN ndb.claims c ON c.person_key = r.person_key",
        "aggregates": [["persons", null], ["rows", null]],
    }]);
    let file = world.folder.path().join("case.json");
    fs::write(&file, case.to_string()).unwrap();
    let expected = &python("oracle.py", &[path(&world.folder.path().join("truth")), path(&file)])[0];
    let answer = ask(&world, &permit, QUESTION);
    assert_eq!(sorted(&answer["rows"]), sorted(&expected["rows"]), "{answer}");
    assert!(sorted(&answer["rows"]).len() >= 4, "{answer}");
    // Who is granted nothing of the register learns nothing of it.
    let refused = world.refusal("SELECT category, count(*) FROM registry.cases GROUP BY category");
    assert!(refused["code"].as_str().is_some_and(|code| code.starts_with("guard/")), "{refused}");
}

fn sorted(rows: &Value) -> Vec<String> {
    let mut rows: Vec<String> = rows.as_array().unwrap().iter().map(ToString::to_string).collect();
    rows.sort();
    rows
}

#[test]
fn the_catalog_says_that_persons_may_object() {
    let world = World::start();
    let page = |name: &str| world.page(&format!("/catalog/{name}?lang=en"));
    let (register, ndb) = (page("registry"), page("ndb"));
    assert!(register.contains("Register of infectious diseases (made up)"), "{register}");
    assert!(register.contains("registry/2026.1") && register.contains("registry.cases"), "{register}");
    let say = "who objects is left out of the next release";
    assert!(register.contains(say) && !ndb.contains(say), "{register}");

    // Who works on the demo's folder by other commands names its sources.
    let at = |name: &str| world.folder.path().join(name);
    let shown = |sources: &[&str]| {
        let database = at("portal/portal.sqlite");
        run(&[&["catalog", "show", "--database", path(&database), "registry"], sources].concat())
    };
    let with = shown(&["--sources", path(&at("sources"))]);
    assert!(with.status.success(), "{}", text(&with.stderr));
    assert!(text(&with.stdout).contains("person_say = opt_out"), "{}", text(&with.stdout));
}
