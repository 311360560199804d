//! The analysis schema: tables, columns, types and classes, read from `data/variables.tsv`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

/// The hidden institution of a row: physically there, named by no permit, used by the institution rule.
pub const HIDDEN_FACILITY: &str = "__facility";

/// The four sources that are built in, in the order that settles ties in `person` (schema.md, "Truth"). [`crate::sources`]
/// has the added ones too.
pub const SOURCES: [&str; 4] = ["ndb", "ltc", "dpc", "ehr"];

/// 項目区分 of a variable (schema.md, "Classes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Person key: joined, grouped, counted, nothing else.
    Key,
    /// Measure.
    Measure,
    /// Column of a public code list.
    Open,
    /// Quasi-identifier.
    Quasi,
    /// Sensitive.
    Sensitive,
    /// Technical.
    Technical,
}

/// Type of a column as a researcher sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Boolean.
    Bool,
    /// Days since 1970-01-01.
    Date,
    /// 64-bit float.
    Double,
    /// 32-bit integer.
    Int,
    /// UTF-8 text, dictionary-encoded on disk.
    Text,
    /// Unsigned 32-bit surrogate.
    U32,
    /// Unsigned 64-bit surrogate.
    U64,
}

impl ColumnType {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Double => DataType::Float64,
            Self::Int => DataType::Int32,
            Self::Text => DataType::Utf8,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "bool" => Self::Bool,
            "date" => Self::Date,
            "double" => Self::Double,
            "int" => Self::Int,
            "text" => Self::Text,
            "u32" => Self::U32,
            "u64" => Self::U64,
            _ => return None,
        })
    }
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Name in SQL.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Class.
    pub class: Class,
    /// What it is, in Japanese.
    pub ja: String,
    /// What it is, in English.
    pub en: String,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Name in SQL, with its schema where it has one: `ndb.claims`, `person`, `code.drug`.
    pub name: String,
    /// What a row is, in Japanese.
    pub ja: String,
    /// What a row is, in English.
    pub en: String,
    /// Which records it is made from, in Japanese.
    pub source_ja: String,
    /// Which records it is made from, in English.
    pub source_en: String,
    /// Columns in order.
    pub columns: Vec<Column>,
}

impl Table {
    /// The schema part of the name: the source database, `code`, or none for `person` and `facility`.
    pub fn schema(&self) -> Option<&str> {
        self.name.split_once('.').map(|(schema, _)| schema)
    }

    /// Whether each row belongs to a person.
    pub fn has_persons(&self) -> bool {
        self.columns.first().is_some_and(|column| column.class == Class::Key)
    }

    /// Whether rows carry [`HIDDEN_FACILITY`]: all made from a record of an institution. An added source's table is if it says
    /// which, in `facility_id`.
    pub fn has_hidden_facility(&self) -> bool {
        let built_in = self.schema().is_some_and(|schema| SOURCES.contains(&schema));
        self.has_persons()
            && if built_in { self.name != "ltc.certifications" } else { self.column("facility_id").is_some() }
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The Arrow schema that a researcher sees.
    pub fn arrow(&self) -> Schema {
        Schema::new(self.columns.iter().map(arrow_field).collect::<Vec<_>>())
    }
}

/// The tables that are built in, in the order of schema.md.
pub(crate) fn built_in() -> Vec<Table> {
    parse(include_str!("../data/variables.tsv"))
}

/// The table of that name.
pub fn table(name: &str) -> Option<&'static Table> {
    crate::tables().iter().find(|table| table.name == name)
}

/// Columns that a release numbers, and how a holder's content calls the codes in their place.
pub(crate) const PLACES: [(&str, &str); 3] = [
    ("facility_id", "facility_code"),
    ("insurer_id", "insurer_code"),
    ("prescriber_facility_id", "prescriber_facility_code"),
];

/// The first column of a table of persons.
pub(crate) fn person_key() -> Column {
    Column {
        name: "person_key".to_owned(),
        kind: ColumnType::U64,
        class: Class::Key,
        ja: "個人キー（不透明な番号。結合・集約・計数にのみ使える）".to_owned(),
        en: "Person key: opaque, for joining, grouping and counting only".to_owned(),
    }
}

/// What a release stores for a table: the visible columns and, where there is one, the hidden institution.
pub fn release_schema(table: &Table) -> SchemaRef {
    let mut fields: Vec<Field> = table.columns.iter().map(arrow_field).collect();
    if table.has_hidden_facility() {
        fields.push(Field::new(HIDDEN_FACILITY, DataType::UInt32, true));
    }
    Arc::new(Schema::new(fields))
}

/// What a holder hands over for a table: an atom in the place of the person, institutions by their codes.
pub fn content_schema(table: &Table) -> SchemaRef {
    let mut fields = vec![atom_field()];
    for column in table.columns.iter().filter(|column| column.class != Class::Key) {
        let code = PLACES.iter().find(|(id, _)| *id == column.name).map(|(_, code)| *code);
        fields.push(code.map_or_else(|| arrow_field(column), |code| Field::new(code, DataType::Utf8, true)));
    }
    if table.has_hidden_facility() && table.column("facility_id").is_none() {
        fields.push(Field::new("facility_code", DataType::Utf8, true));
    }
    Arc::new(Schema::new(fields))
}

/// What a holder says about each atom's person: one row an atom.
pub fn person_facts_schema() -> SchemaRef {
    let mut fields = vec![atom_field()];
    fields.extend(person_facts());
    Arc::new(Schema::new(fields))
}

/// What a holder says about institutions: one row a code. `beds` where a record states it; `dpc` if seen in DPC data.
pub fn facility_facts_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("facility_code", DataType::Utf8, false),
        Field::new("beds", DataType::Int32, true),
        Field::new("dpc", DataType::Boolean, false),
    ]))
}

/// The stored tables of the `person` release, one a source: `person.ndb`, `person.ltc` …, one row a person of that source. The
/// engine merges the granted ones.
pub fn person_source_schema() -> SchemaRef {
    let mut fields = vec![Field::new("person_key", DataType::UInt64, false)];
    fields.extend(person_facts());
    fields.push(Field::new("medical_area", DataType::Utf8, true));
    fields.push(Field::new("link_grade", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}

fn person_facts() -> Vec<Field> {
    let date = |name: &str| Field::new(name, DataType::Date32, true);
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    vec![
        date("birth_date"),
        date("birth_month"),
        text("sex"),
        text("prefecture"),
        text("municipality"),
        date("place_on"),
        date("first_seen"),
        date("last_seen"),
        date("died_month"),
    ]
}

fn atom_field() -> Field {
    Field::new("atom", DataType::FixedSizeBinary(16), false)
}

fn arrow_field(column: &Column) -> Field {
    Field::new(&column.name, column.kind.arrow(), column.class != Class::Key)
}

fn parse(text: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for line in text.lines().skip(1) {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap_or_default();
        let (table, name, kind, class) = (next(), next(), next(), next());
        let (Some(kind), Some(class)) = (ColumnType::parse(kind), class_of(class)) else { continue };
        let column = Column { name: name.to_owned(), kind, class, ja: next().to_owned(), en: next().to_owned() };
        match tables.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push(column),
            None => tables.push(described(table, column)),
        }
    }
    tables
}

fn described(name: &str, first: Column) -> Table {
    let lines = include_str!("../data/tables.tsv").lines();
    let texts =
        lines.filter_map(|line| line.split_once('\t')).find(|(known, _)| *known == name).map_or("", |(_, texts)| texts);
    let mut texts = texts.split('\t').map(str::to_owned);
    let mut next = || texts.next().unwrap_or_default();
    let (ja, en, source_ja, source_en) = (next(), next(), next(), next());
    Table { name: name.to_owned(), ja, en, source_ja, source_en, columns: vec![first] }
}

fn class_of(letter: &str) -> Option<Class> {
    Some(match letter {
        "K" => Class::Key,
        "M" => Class::Measure,
        "O" => Class::Open,
        "Q" => Class::Quasi,
        "S" => Class::Sensitive,
        "T" => Class::Technical,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;

    #[test]
    fn no_line_of_the_file_is_lost() {
        let lines = include_str!("../data/variables.tsv").lines().count() - 1;
        assert_eq!(tables().iter().map(|table| table.columns.len()).sum::<usize>(), lines);
    }

    #[test]
    fn every_table_and_variable_is_described_in_both_languages() {
        for table in tables() {
            assert!(
                [&table.ja, &table.en, &table.source_ja, &table.source_en].iter().all(|text| !text.is_empty()),
                "{}",
                table.name
            );
            assert!(
                table.columns.iter().all(|column| !column.ja.is_empty() && !column.en.is_empty()),
                "{}",
                table.name
            );
        }
    }

    #[test]
    fn content_never_has_a_person_key_and_release_always_has_one() {
        for table in tables().iter().filter(|table| table.has_persons()) {
            assert!(content_schema(table).field_with_name("person_key").is_err(), "{}", table.name);
            assert_eq!(release_schema(table).field(0).name(), "person_key", "{}", table.name);
        }
    }

    #[test]
    fn institutions_are_hidden_in_every_record_table() {
        assert!(table("ndb.diagnoses").unwrap().has_hidden_facility());
        assert!(!table("person").unwrap().has_hidden_facility());
        assert!(!table("ltc.certifications").unwrap().has_hidden_facility());
        assert!(!table("code.drug").unwrap().has_hidden_facility());
    }
}
