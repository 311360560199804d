//! The `[source]` and `[[table]]` parts of a file, and every rule that they must keep.

use std::collections::BTreeSet;
use std::path::Path;

use policies::source::{admission_max_multiplicity, max_quarantine_share};
use policies::{HolderSay, PersonSay, SourceId, SourcePolicy};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{AddedSource, AddedSourceError, ColumnFault, SourceFault, TableFault};
use crate::schema::{Class, Column, ColumnType, PLACES, Table, person_key};

/// Schemas that SQL or the catalog knows already, and zones, whose signatures are believed under these words.
pub(super) const TAKEN_SOURCES: [&str; 15] = [
    "ndb", "ltc", "dpc", "ehr", "person", "facility", "code", "work", "truth", "public", "holder", "linkage",
    "enclave", "permit", "portal",
];

/// What a record's own parts are called between the zones, and what the guard knows as numbers of records.
const TAKEN_COLUMNS: [&str; 8] = [
    "person_key",
    "atom",
    "facility_code",
    "prescriber_facility_code",
    "insurer_code",
    "claim_id",
    "stay_id",
    "document_id",
];

/// Letters of a table's or a column's name.
const NAME_MAX: usize = 40;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: SourcePart,
    #[serde(default)]
    table: Vec<TablePart>,
    #[serde(rename = "layout")]
    _layout: Option<IgnoredAny>,
    #[serde(rename = "record")]
    _record: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourcePart {
    id: SourceId,
    title_ja: String,
    title_en: String,
    description_ja: String,
    description_en: String,
    person_say: PersonSay,
    holder_say: HolderSay,
    #[serde(default = "max_quarantine_share")]
    max_quarantine_share: f64,
    #[serde(default = "admission_max_multiplicity")]
    admission_max_multiplicity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TablePart {
    name: String,
    ja: String,
    en: String,
    source_ja: String,
    source_en: String,
    columns: Vec<ColumnPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnPart {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    class: String,
    ja: String,
    en: String,
}

/// Reads a file's text.
pub(super) fn source(path: &Path, text: String) -> Result<AddedSource, AddedSourceError> {
    let File { source, table, .. } = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        AddedSourceError::Form { path: path.to_owned(), line, what: error.message().to_owned() }
    })?;
    let refused = |fault| AddedSourceError::Source { path: path.to_owned(), fault };
    if TAKEN_SOURCES.contains(&source.id.as_str()) {
        return Err(refused(SourceFault::Taken));
    }
    if !are_said(&[&source.title_ja, &source.title_en, &source.description_ja, &source.description_en]) {
        return Err(refused(SourceFault::Words));
    }
    if table.is_empty() {
        return Err(refused(SourceFault::Tables));
    }
    let policy = SourcePolicy {
        id: source.id,
        person_say: source.person_say,
        holder_say: source.holder_say,
        max_quarantine_share: source.max_quarantine_share,
        admission_max_multiplicity: source.admission_max_multiplicity,
    };
    let policy = policy.checked().map_err(|_| refused(SourceFault::Bounds))?;
    let tables = tables(path, &policy.id, table)?;
    Ok(AddedSource {
        path: path.to_owned(),
        text,
        policy,
        title_ja: source.title_ja,
        title_en: source.title_en,
        description_ja: source.description_ja,
        description_en: source.description_en,
        tables,
    })
}

fn tables(path: &Path, id: &SourceId, parts: Vec<TablePart>) -> Result<Vec<Table>, AddedSourceError> {
    let mut seen = BTreeSet::new();
    let mut tables = Vec::with_capacity(parts.len());
    for part in parts {
        let refused = |fault| AddedSourceError::Table { path: path.to_owned(), table: part.name.clone(), fault };
        if !part.name.split_once('.').is_some_and(|(schema, name)| schema == id.as_str() && is_name(name)) {
            return Err(refused(TableFault::Name));
        }
        if !seen.insert(part.name.clone()) {
            return Err(refused(TableFault::Twice));
        }
        if !are_said(&[&part.ja, &part.en, &part.source_ja, &part.source_en]) {
            return Err(refused(TableFault::Words));
        }
        if part.columns.is_empty() {
            return Err(refused(TableFault::Columns));
        }
        let mut columns = vec![person_key()];
        for given in part.columns {
            let name = given.name.clone();
            columns.push(column(given, &columns).map_err(|fault| {
                let (path, table) = (path.to_owned(), part.name.clone());
                AddedSourceError::Column { path, table, column: name, fault }
            })?);
        }
        let (ja, en, source_ja, source_en) = (part.ja, part.en, part.source_ja, part.source_en);
        tables.push(Table { name: part.name, ja, en, source_ja, source_en, columns });
    }
    Ok(tables)
}

fn column(part: ColumnPart, before: &[Column]) -> Result<Column, ColumnFault> {
    let ColumnPart { name, kind, class, ja, en } = part;
    if TAKEN_COLUMNS.contains(&name.as_str()) {
        return Err(ColumnFault::Taken);
    }
    if !is_name(&name) {
        return Err(ColumnFault::Name);
    }
    if before.iter().any(|column| column.name == name) {
        return Err(ColumnFault::Twice);
    }
    let kind = ColumnType::parse(&kind).ok_or(ColumnFault::Type)?;
    let class = match class.as_str() {
        "M" => Class::Measure,
        "Q" => Class::Quasi,
        "S" => Class::Sensitive,
        "T" => Class::Technical,
        _ => return Err(ColumnFault::Class),
    };
    if PLACES.iter().any(|(id, _)| *id == name) {
        if (kind, class) != (ColumnType::U32, Class::Quasi) {
            return Err(ColumnFault::Place);
        }
    } else if matches!(kind, ColumnType::U32 | ColumnType::U64) {
        return Err(ColumnFault::Type);
    } else if class == Class::Measure && !matches!(kind, ColumnType::Double | ColumnType::Int) {
        return Err(ColumnFault::Measure);
    }
    if !are_said(&[&ja, &en]) {
        return Err(ColumnFault::Words);
    }
    Ok(Column { name, kind, class, ja, en })
}

fn is_name(text: &str) -> bool {
    let within = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && text.len() <= NAME_MAX
        && text.bytes().all(within)
}

fn are_said(texts: &[&str]) -> bool {
    texts.iter().all(|text| !text.trim().is_empty())
}
