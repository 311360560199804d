//! A registry's file, and what no file may say.

use super::*;
use crate::schema::{Class, ColumnType};

/// A made-up infectious-disease register.
pub(crate) const REGISTRY: &str = r#"
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
  { name = "severity", type = "int", class = "M", ja = "重症度", en = "Severity" },
  { name = "facility_id", type = "u32", class = "Q", ja = "届出医療機関", en = "Notifying institution" },
]

[[table]]
name = "registry.contacts"
ja = "一行が一人の接触者。"
en = "One row a contact."
source_ja = "登録の CSV"
source_en = "The register's CSV"
columns = [{ name = "traced", type = "bool", class = "S", ja = "追跡", en = "Traced" }]

[layout]
anything = { the = ["pseudonymizer", 1] }

[[record]]
likes = true
"#;

pub(crate) fn registry(text: &str) -> Result<AddedSource, AddedSourceError> {
    parts::source(Path::new("registry.toml"), text.to_owned())
}

#[test]
fn a_file_becomes_a_source_with_its_tables() {
    let source = registry(REGISTRY).unwrap();
    assert_eq!(source.id(), "registry");
    assert_eq!(source.policy().person_say, policies::PersonSay::OptOut);
    assert_eq!((source.policy().max_quarantine_share, source.policy().admission_max_multiplicity), (0.05, 200));
    let [cases, contacts] = source.tables() else { panic!("two tables") };
    assert_eq!((cases.columns.len(), cases.schema()), (5, Some("registry")));
    assert_eq!((cases.columns[0].name.as_str(), cases.columns[0].class), ("person_key", Class::Key));
    assert_eq!(cases.column("severity").unwrap().kind, ColumnType::Int);
    // An institution that a table states is hidden in it too; one that it does not state is not asked for.
    assert!(cases.has_persons() && cases.has_hidden_facility());
    assert!(contacts.has_persons() && !contacts.has_hidden_facility());
    let content = crate::content_schema(cases);
    assert!(content.field_with_name("facility_code").is_ok() && content.field_with_name("facility_id").is_err());
    assert_eq!(content.fields().iter().filter(|field| field.name() == "facility_code").count(), 1);
    assert!(crate::release_schema(cases).field_with_name(crate::HIDDEN_FACILITY).is_ok());
    assert!(crate::release_schema(contacts).field_with_name(crate::HIDDEN_FACILITY).is_err());
    assert_eq!(source.sha256().len(), 64);
}

#[test]
fn the_documentation_shows_a_file_that_loads() {
    let page = include_str!("../../../docs/sources.md");
    let shown = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let source = registry(shown).unwrap();
    assert_eq!((source.id(), source.tables().len()), ("registry", 1));
    for name in parts::TAKEN_SOURCES.iter().take(10) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn bounds_are_the_files_where_it_states_them() {
    let text =
        REGISTRY.replace("holder_say", "max_quarantine_share = 0.2\nadmission_max_multiplicity = 50\nholder_say");
    let source = registry(&text).unwrap();
    assert_eq!((source.policy().max_quarantine_share, source.policy().admission_max_multiplicity), (0.2, 50));
    let text = text.replace("0.2", "1.2");
    assert!(registry(&text).unwrap_err().to_string().contains("a share from 0 to 1"));
}

/// What is replaced by what, and what the sentence must name.
const REFUSED: [(&str, &str, &str); 35] = [
    ("id = \"registry\"", "id = \"ndb\"", "registry.toml, [source]: this id is taken"),
    ("id = \"registry\"", "id = \"person\"", "this id is taken"),
    ("id = \"registry\"", "id = \"linkage\"", "this id is taken"),
    ("id = \"registry\"", "id = \"Registry\"", "registry.toml, line 3: not a source's name"),
    ("id = \"registry\"", "id = \"registry2\"", "table registry.cases: a table's name is the source's id, a dot"),
    ("title_en = \"I", "titel_en = \"I", "line 5: unknown field `titel_en`, expected one of"),
    ("\"Notified cases.\"", "\" \"", "may not be empty"),
    ("person_say = \"opt_out\"\n", "", "missing field `person_say`"),
    ("\"opt_out\"", "\"opt_in\"", "line 8: unknown variant `opt_in`, expected `none` or `opt_out`"),
    ("holder_say = \"consent\"", "holder_say = \"veto\"", "expected `consent` or `opinion`"),
    ("[[table]]", "[[tables]]", "unknown field `tables`, expected one of `source`, `table`, `layout`, `record`"),
    ("name = \"registry.cases\"", "name = \"ndb.cases\"", "table ndb.cases: a table's name is"),
    ("name = \"registry.cases\"", "name = \"cases\"", "table cases: a table's name is"),
    ("name = \"registry.cases\"", "name = \"registry.a.b\"", "table registry.a.b: a table's name is"),
    ("name = \"registry.cases\"", "name = \"registry.contacts\"", "table registry.contacts: this name stands twice"),
    ("en = \"One row a contact.\"", "en = \"\"", "table registry.contacts: ja, en, source_ja and source_en"),
    (
        "columns = [{ name = \"traced\", type = \"bool\", class = \"S\", ja = \"追跡\", en = \"Traced\" }]",
        "columns = []",
        "table registry.contacts: a table has at least one column",
    ),
    (
        "name = \"disease\", type = \"text\"",
        "name = \"disease\", type = \"string\"",
        "table registry.cases, column disease: type is one of bool, date, double, int, text",
    ),
    ("name = \"disease\", type = \"text\"", "name = \"disease\", type = \"u64\"", "column disease: type is one of"),
    ("name = \"disease\", type = \"text\"", "name = \"disease\", type = \"u32\"", "column disease: type is one of"),
    (
        "name = \"disease\", type = \"text\", class = \"S\"",
        "name = \"disease\", type = \"text\", class = \"K\"",
        "column disease: class is one of M (measure), Q",
    ),
    (
        "name = \"disease\", type = \"text\", class = \"S\"",
        "name = \"disease\", type = \"text\", class = \"O\"",
        "column disease: class is one of",
    ),
    (
        "name = \"disease\", type = \"text\", class = \"S\"",
        "name = \"disease\", type = \"text\", class = \"F\"",
        "direct identifiers and free text have no place",
    ),
    (
        "name = \"disease\", type = \"text\", class = \"S\"",
        "name = \"disease\", type = \"text\", class = \"M\"",
        "column disease: a measure",
    ),
    ("name = \"disease\"", "name = \"person_key\"", "column person_key: this name is taken"),
    ("name = \"disease\"", "name = \"claim_id\"", "column claim_id: this name is taken"),
    ("name = \"disease\"", "name = \"facility_code\"", "column facility_code: this name is taken"),
    ("name = \"disease\"", "name = \"__facility\"", "column __facility: a column's name"),
    ("name = \"disease\"", "name = \"Disease\"", "column Disease: a column's name"),
    ("name = \"disease\"", "name = \"diagnosed_on\"", "column diagnosed_on: this name stands twice"),
    (
        "name = \"disease\"",
        "name = \"insurer_id\"",
        "column insurer_id: facility_id, prescriber_facility_id and insurer_id have type u32",
    ),
    (
        "name = \"facility_id\", type = \"u32\", class = \"Q\"",
        "name = \"facility_id\", type = \"u32\", class = \"S\"",
        "column facility_id: facility_id",
    ),
    ("ja = \"疾病\"", "ja = \"\"", "column disease: ja and en"),
    ("ja = \"疾病\"", "jp = \"\"", "unknown field `jp`"),
    ("[layout]", "[layout", "registry.toml, line 32:"),
];

#[test]
fn what_is_not_allowed_is_said_with_its_place() {
    for (from, to, named) in REFUSED {
        let text = REGISTRY.replacen(from, to, 1);
        assert_ne!(text, REGISTRY, "{from}");
        let told = registry(&text).unwrap_err().to_string();
        assert!(told.contains(named), "{to}: {told}");
        assert!(told.contains("registry.toml") && !told.contains('\n'), "{told}");
    }
}

#[test]
fn a_folder_gives_its_sources_by_name_and_no_name_twice() {
    let dir = tempfile::tempdir().unwrap();
    let put = |file: &str, id: &str| {
        policies::durable::replace(&dir.path().join(file), REGISTRY.replace("registry", id).as_bytes()).unwrap();
    };
    assert!(matches!(AddedSource::read_folder(dir.path()), Err(AddedSourceError::Empty { .. })));
    assert!(matches!(AddedSource::read_folder(&dir.path().join("none")), Err(AddedSourceError::Read { .. })));
    put("a.toml", "zoster");
    put("b.toml", "measles");
    put("notes.txt", "notes");
    put(".c.toml", "hidden");
    let read = AddedSource::read_folder(dir.path()).unwrap();
    assert_eq!(read.iter().map(AddedSource::id).collect::<Vec<_>>(), ["measles", "zoster"]);
    assert_eq!(read[0].path(), dir.path().join("b.toml"));
    put("d.toml", "zoster");
    let told = AddedSource::read_folder(dir.path()).unwrap_err().to_string();
    assert!(told.contains("a.toml") && told.contains("d.toml") && told.contains("zoster"), "{told}");
    put("d.toml", "Zoster");
    assert!(AddedSource::read_folder(dir.path()).unwrap_err().to_string().contains("d.toml, line 3"));
}

proptest::proptest! {
    /// Whatever a file's bytes are, reading ends in a source or a sentence.
    #[test]
    fn no_file_stops_the_reader(at in 0..REGISTRY.len(), length in 0_usize..40, put in "[ -~\n\u{3042}]{0,12}") {
        let mut text = REGISTRY.to_owned();
        let floor = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1 } at };
        let (from, to) = (floor(at), floor((at + length).min(REGISTRY.len())));
        text.replace_range(from..to, &put);
        if let Err(error) = registry(&text) {
            proptest::prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
