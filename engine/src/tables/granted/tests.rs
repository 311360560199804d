//! A permit's tables: what it names is there, everything else is not.

use std::collections::BTreeMap;

use catalog::person_source_schema;

use super::*;
use crate::admission::tests::{grant, permit};
use crate::release::tests::{Enclave, claims, rows};

fn releases(enclave: &Enclave) -> Releases {
    enclave.write("ndb/2026.1", &[("ndb.claims", claims(4, 1))]);
    let keys = Arc::new(arrow::array::UInt64Array::from(vec![1_u64]));
    let person = rows(&person_source_schema(), &[("person_key", keys)]);
    let facility = Arc::new(catalog::table("facility").unwrap().arrow());
    let ids = Arc::new(arrow::array::UInt32Array::from(vec![5_u32, 6]));
    let facility = rows(&facility, &[("facility_id", ids)]);
    enclave.write("person/2026.1", &[("person.ndb", person.clone()), ("person.dpc", person), ("facility", facility)]);
    Releases::open(&enclave.folder(), &enclave.keys, |_, _| ()).unwrap()
}

fn names(permit: &Permit, releases: &Releases) -> Vec<String> {
    let granted = granted(permit, releases).unwrap();
    granted.into_iter().map(|table| table.name).filter(|name| !name.starts_with("code.")).collect()
}

fn with(datasets: &[(&str, DatasetGrant)]) -> Permit {
    let datasets = datasets.iter().map(|(name, grant)| ((*name).to_owned(), grant.clone()));
    Permit { datasets: datasets.collect::<BTreeMap<_, _>>(), ..permit(1, "a") }
}

#[test]
fn only_named_tables_and_columns_exist() {
    let enclave = Enclave::new();
    let releases = releases(&enclave);
    let ndb = grant(&[("ndb.claims", &["points", "no_such_column"])]);
    let permit = with(&[("ndb", ndb.clone())]);
    assert_eq!(names(&permit, &releases), ["ndb.claims"]);
    let claims = granted(&permit, &releases).unwrap().into_iter().find(|table| table.name == "ndb.claims").unwrap();
    let schema = claims.provider.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(columns, ["person_key", "points", "__facility"]);
    assert_eq!(claims.kind, RelationKind::Rows);
    let person = grant(&[("person", &["sex"])]);
    assert_eq!(names(&with(&[("ndb", ndb), ("person", person)]), &releases), ["ndb.claims", "person", "facility"]);
}

#[test]
fn stored_tables_of_person_and_tables_of_other_databases_cannot_be_named() {
    let enclave = Enclave::new();
    let releases = releases(&enclave);
    let sly = grant(&[("person.ndb", &["sex"]), ("ndb.claims", &["points"])]);
    assert_eq!(names(&with(&[("person", sly)]), &releases), ["facility"]);
    let person_elsewhere = grant(&[("person", &["sex"])]);
    assert_eq!(names(&with(&[("ndb", person_elsewhere)]), &releases), Vec::<String>::new());
}

#[test]
fn a_release_that_is_not_served_stops_the_whole_permit() {
    let enclave = Enclave::new();
    let releases = releases(&enclave);
    let mut missing = grant(&[("ndb.claims", &["points"])]);
    missing.release = "2027.1".to_owned();
    let rejection = granted(&with(&[("ndb", missing)]), &releases).unwrap_err();
    assert_eq!(rejection, Rejection::ReleaseUnavailable { release: "ndb/2027.1".parse().unwrap() });
    let mut broken = permit(1, "a");
    broken.datasets.insert("../x".to_owned(), grant(&[]));
    assert_eq!(granted(&broken, &releases).unwrap_err(), Rejection::PermitUnusable);
}

#[test]
fn all_code_lists_are_open() {
    let enclave = Enclave::new();
    let tables = granted(&permit(1, "a"), &releases(&enclave)).unwrap();
    assert_eq!(tables.len(), catalog::codes::names().count());
    assert!(tables.iter().all(|table| table.kind == RelationKind::Open));
}
