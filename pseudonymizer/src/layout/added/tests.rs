//! Added layouts that fit their tables, and each way of not fitting.

use super::*;

const REGISTRY: &str = include_str!("../../../../examples/sources/registry.toml");
const FEBRL4: &str = include_str!("../../../../examples/sources/febrl4.toml");

fn read(text: &str) -> Result<Layout, LoadError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.toml");
    policies::durable::replace(&path, text.as_bytes()).unwrap();
    read_file(&path)
}

/// What is said of the registry with one thing changed.
fn said(from: &str, to: &str) -> String {
    assert_eq!(REGISTRY.matches(from).count(), 1, "{from}");
    read(&REGISTRY.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn the_examples_load_by_file_and_by_folder() {
    let layout = read(REGISTRY).unwrap();
    assert_eq!((layout.id.as_str(), layout.records.len(), layout.records[0].fields.len()), ("registry", 1, 16));
    assert_eq!(read(FEBRL4).unwrap().records[0].fields.len(), 11);
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("registry.toml", REGISTRY), ("febrl4.toml", FEBRL4)] {
        policies::durable::replace(&dir.path().join(name), text.as_bytes()).unwrap();
    }
    let layouts = load(dir.path()).unwrap();
    assert_eq!(layouts.keys().collect::<Vec<_>>(), ["febrl4", "registry"]);
    let twice = FEBRL4.replace("[layout]\nid = \"febrl4\"", "[layout]\nid = \"registry\"");
    policies::durable::replace(&dir.path().join("febrl4.toml"), twice.as_bytes()).unwrap();
    assert!(load(dir.path()).unwrap_err().to_string().contains("two files of the folder have this id"));
}

#[test]
fn a_layout_fits_the_tables_of_its_own_file() {
    let onset = "to = [\"registry.cases.onset_on\"]";
    for (from, to, told) in [
        (onset, "to = [\"registry.cases.diagnosed_on\"]", "column registry.cases.diagnosed_on is fed by two fields"),
        (onset, "to = []", "what is kept goes into a column"),
        (onset, "to = [\"registry.cases.onset\"]", "registry.cases has no column onset"),
        (onset, "to = [\"registry.cases.icd10\"]", "does not fit the type of column registry.cases.icd10"),
        (onset, "to = [\"registry.cases.person_key\"]", "registry.cases has no column person_key"),
        (onset, "to = [\"ndb.claims.sex\"]", "is no column of registry.cases"),
        (onset, "to = [\"person.sex\"]", "nothing of `person` that this field tells"),
        ("table = \"registry.cases\"\nfields", "table = \"registry.other\"\nfields", "`table` names a [[table]]"),
        (
            "to = [\"person.birth_date\", \"person.birth_month\"]",
            "to = [\"person.birth_date\"]",
            "write \"person.birth_month\"",
        ),
        (" to = [\"person.sex\"],", "", "write \"person.sex\" into `to`"),
        ("\"person.prefecture\", ", "", "write \"person.prefecture\" into `to`"),
        ("by = \"institution\"", "by = \"insurer\"", "does not fit the type of column registry.cases.facility_id"),
    ] {
        let said = said(from, to);
        assert!(said.contains(told), "{from} -> {to}: {said}");
    }
    let column = "  { name = \"icd10\",";
    let more =
        "  { name = \"extra\", type = \"int\", class = \"M\", ja = \"余\", en = \"Extra\" },\n  { name = \"icd10\",";
    assert!(said(column, more).contains("column registry.cases.extra is fed by no field"));
}

#[test]
fn a_layout_names_one_kind_of_record_and_whole_identifiers() {
    for (from, to, told) in [
        ("source = \"registry\"\nedition", "source = \"other\"\nedition", "`source` is the id under [source]"),
        ("reader = \"delimited\"", "reader = \"tagged\"", "kind of place that this reader does not know"),
        ("ja = \"届出\"\n", "ja = \"届出\"\ntag = \"AB\"\n", "has no `tag`"),
        ("header = \"備考\"", "at = 1", "position 1 lies behind"),
        ("header = \"備考\"", "header = \"氏名\"", "the column 氏名 stands twice"),
        ("as = [\"kanji\"]", "as = [\"kana\"]", "two fields cannot be the same attribute"),
        ("as = [\"kanji\"]", "as = [\"family-kanji\"]", "only both make a token"),
        ("as = [\"kanji\"]", "as = [\"facility\"]", "only both make a token"),
        ("as = [\"kanji\"]", "as = [\"member-id\"]", "are not read from delimited files"),
        ("delimiter = \"comma\"", "delimiter = \"semicolon\"", "line "),
        ("role = \"record-date\"", "role = \"birthday\"", "line "),
    ] {
        let said = said(from, to);
        assert!(said.contains(told), "{from} -> {to}: {said}");
        assert!(!said.contains('\n'), "{said}");
    }
    let role = "type = \"date\", to = [\"registry.cases.onset_on\"]";
    assert!(said(role, &role.replace("to", "role = \"record-date\", to")).contains("one date of each role"));
    let free = "name = \"category\", ja = \"類型\", class = \"technical\", action = \"keep\", type = \"code\"";
    let dated = said(free, &free.replace("type = \"code\"", "type = \"code\", role = \"death\""));
    assert!(dated.contains("`role` says what a date means"), "{dated}");
}
