//! A permit for one database gets the same answers on `person` whether or not the others exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use policies::keys::KeyFolder;
use policies::{DatasetGrant, Grade, MemberTerms, Permit, SessionId, SessionToken, Tier, UserId, Zone, jws};
use serde_json::Value;

use crate::world::{PERSONS, World, copy_of, path, prepared, python, run, text};

const QUESTIONS: [&str; 4] = [
    "SELECT sex, count(*) AS n FROM person GROUP BY sex ORDER BY sex",
    "SELECT prefecture, count(*) AS n FROM person GROUP BY prefecture ORDER BY prefecture",
    "SELECT concat_ws('/', in_ndb, in_ltc, in_dpc, in_ehr) AS sources, count(*) AS n FROM person GROUP BY 1",
    "SELECT date_part('year', first_seen) AS year, count(*) AS n FROM person GROUP BY 1 ORDER BY 1",
];

/// Puts a permit for DPC alone beside the demo's.
fn permit(world: &Path, id: &str, project: &str, person_release: &str) -> Permit {
    let datasets = BTreeMap::from([
        ("dpc".to_owned(), grant("2026.1", &["dpc.stays"])),
        ("person".to_owned(), grant(person_release, &["person"])),
    ]);
    permit_for(world, id, project, datasets)
}

/// All columns of these tables of a release.
pub(crate) fn grant(release: &str, tables: &[&str]) -> DatasetGrant {
    let tables = tables.iter().map(|name| ((*name).to_owned(), columns(name)));
    DatasetGrant { release: release.to_owned(), tables: tables.collect() }
}

/// Puts a permit beside the demo's, signed with the permit zone's own key.
pub(crate) fn permit_for(world: &Path, id: &str, project: &str, datasets: BTreeMap<String, DatasetGrant>) -> Permit {
    let now = Timestamp::now();
    let until = now + SignedDuration::from_hours(24);
    let terms = MemberTerms { until, place: "大学A".to_owned(), networks: BTreeSet::new() };
    let permit = Permit {
        id: id.parse().unwrap(),
        application: "A-2026-900000".parse().unwrap(),
        application_head: "0".repeat(64),
        project: project.parse().unwrap(),
        members: BTreeMap::from([("researcher@univ-a.example".parse::<UserId>().unwrap(), terms)]),
        datasets,
        row_filter: Vec::new(),
        tier: Tier::Pseudonymized,
        profile: "standard".to_owned(),
        grade: Grade::Exact,
        conditions: Vec::new(),
        issued_at: now - SignedDuration::from_hours(1),
        expires_at: until,
    };
    let key = KeyFolder::open(&world.join("permit/keys"), Zone::Permit).unwrap().signing("permit").unwrap();
    let token = jws::sign(jws::PERMIT, &permit, &key).unwrap();
    fs::write(world.join("permit/store/permits").join(format!("{id}.jws")), token).unwrap();
    permit
}

fn columns(table: &str) -> BTreeSet<String> {
    catalog::table(table).unwrap().columns.iter().map(|column| column.name.clone()).collect()
}

/// The researcher's query under that permit, which must be answered.
pub(crate) fn ask(world: &World, permit: &Permit, sql: &str) -> Value {
    let now = Timestamp::now();
    let token = SessionToken {
        user: "researcher@univ-a.example".parse().unwrap(),
        session: SessionId::random(),
        second_factor_at: None,
        permits: BTreeSet::from([permit.id.clone()]),
        address: None,
        issued_at: now,
        expires_at: now + SignedDuration::from_mins(10),
    };
    let key =
        KeyFolder::open(&world.folder.path().join("portal/keys"), Zone::Portal).unwrap().signing("session").unwrap();
    let file = world.folder.path().join("dpc.token");
    fs::write(&file, jws::sign(jws::SESSION, &token, &key).unwrap()).unwrap();
    let output =
        run(&["sql", "--server", &world.address("engine"), "--token-file", path(&file), "--format", "json", "-c", sql]);
    assert!(output.status.success(), "{sql}\n{}{}", text(&output.stdout), text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn person_under_a_dpc_permit_does_not_depend_on_the_other_databases() {
    let folder = copy_of(&prepared(PERSONS, "none"));
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let release = |word: &[&str]| {
        let what =
            ["release", "--lang", "en", "--dataset", "person/2026.2", "--content", &at("enclave/inbox/dpc/content")];
        let to = ["--crosswalk", &at("enclave/inbox/crosswalk"), "--keys", &at("enclave/keys")];
        run(&[&what[..], &to, &["--out", &at("enclave/releases")], word].concat())
    };
    // Persons of one database are linked with fewer others than persons of all: that waits for a steward.
    let waits = release(&[]);
    assert!(
        !waits.status.success() && text(&waits.stderr).contains("waits for a steward's word"),
        "{}",
        text(&waits.stderr)
    );
    assert!(!folder.path().join("enclave/releases/person/2026.2").exists());
    let (word, quality) = (at("word.jws"), at("enclave/releases/.quality/person-2026.2.json"));
    let (enclave, portal, public) = (at("enclave/keys"), at("portal/keys"), at("portal/keys/public"));
    let trusted = run(&["keys", "trust", "--keys", &enclave, "--source", "steward", "--holder", &public]);
    assert!(trusted.status.success(), "{}", text(&trusted.stderr));
    let reason = ["--reason", "persons of one database alone", "--out", &word];
    let given = run(&[&["catalog", "word", "--keys", &portal, "--quality", &quality][..], &reason].concat());
    assert!(given.status.success(), "{}", text(&given.stderr));
    let released = release(&["--steward-word", &word]);
    assert!(released.status.success(), "{}", text(&released.stderr));
    let with_others = permit(folder.path(), "P-2026-900001", "dpc-with-others", "2026.1");
    let alone = permit(folder.path(), "P-2026-900002", "dpc-alone", "2026.2");
    let world = World::serve(folder, PERSONS, "none");
    let rows =
        |answer: &Value| answer["rows"].as_array().unwrap().iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    for question in QUESTIONS {
        let (one, other) = (ask(&world, &with_others, question), ask(&world, &alone, question));
        assert_eq!(rows(&one), rows(&other), "{question}");
        assert!(!rows(&one).is_empty(), "{question}");
    }
    let truth = world.folder.path().join("truth/person_by_source.parquet");
    let expected = python("dpc_person.py", &[path(&truth)]);
    let shown = ask(&world, &alone, QUESTIONS[0]);
    assert_eq!(shown["rows"], expected[0]["rows"], "persons by sex, as DuckDB counts them in the truth");
    let other_table = run(&[
        "sql",
        "--server",
        &world.address("engine"),
        "--token-file",
        path(&world.folder.path().join("dpc.token")),
        "--format",
        "json",
        "-c",
        "SELECT sex, count(*) FROM ndb.claims GROUP BY sex",
    ]);
    assert_eq!(
        other_table.status.code(),
        Some(3),
        "a table outside the permit does not exist: {}",
        text(&other_table.stdout)
    );
}
