//! The file as it is written: TOML, unknown keys refused. `[source]` and `[[table]]` belong to the catalog and are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{
    Action, Attribute, By, Class, Delimiter, Encoding, Fate, Field, Kind, Layout, LayoutError, Place, Reader, Record,
    Role,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutFile {
    #[serde(default, rename = "source")]
    _source: Option<IgnoredAny>,
    #[serde(default, rename = "table")]
    _table: Option<IgnoredAny>,
    layout: Head,
    record: Vec<RecordFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    source: String,
    edition: String,
    version: String,
    reader: Reader,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    delimiter: Delimiter,
    #[serde(default = "quarantine")]
    unknown_record: Fate,
}

fn quarantine() -> Fate {
    Fate::Quarantine
}

fn read_fields() -> Fate {
    Fate::Read
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordFile {
    #[serde(default)]
    tag: String,
    ja: String,
    #[serde(default)]
    width: u16,
    #[serde(default = "read_fields")]
    fate: Fate,
    #[serde(default)]
    table: Option<String>,
    #[serde(default)]
    fields: Vec<FieldFile>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum At {
    One(u16),
    Span(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    #[serde(default)]
    at: Option<At>,
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    path: Option<String>,
    name: String,
    ja: String,
    class: Class,
    action: Action,
    #[serde(default, rename = "as")]
    identity: Vec<Attribute>,
    #[serde(default, rename = "type")]
    kind: Option<Kind>,
    #[serde(default)]
    codes: Option<String>,
    #[serde(default)]
    by: Option<By>,
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
    #[serde(default)]
    role: Option<Role>,
}

/// Reads the text, without asking whether it keeps the rules.
pub(super) fn read(text: &str, sha256: String) -> Result<Layout, LayoutError> {
    let file: LayoutFile = toml::from_str(text).map_err(|fault| {
        let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        LayoutError::Form { what: format!("line {line}: {}", fault.message().replace('\n', " ")) }
    })?;
    let LayoutFile { layout: head, record, .. } = file;
    let records = record.into_iter().map(|record| self::record(&head.id, record)).collect::<Result<_, _>>()?;
    Ok(Layout {
        id: head.id,
        source: head.source,
        edition: head.edition,
        version: head.version,
        reader: head.reader,
        encoding: head.encoding,
        delimiter: head.delimiter,
        unknown: head.unknown_record,
        records,
        sha256,
    })
}

fn record(layout: &str, file: RecordFile) -> Result<Record, LayoutError> {
    let RecordFile { tag, ja, width, fate, table, fields } = file;
    let fields = fields.into_iter().map(|file| field(layout, &tag, file)).collect::<Result<_, _>>()?;
    Ok(Record { tag, ja, width, fate, table, fields })
}

fn field(layout: &str, record: &str, file: FieldFile) -> Result<Field, LayoutError> {
    let wrong = |what: &str| LayoutError::Rule {
        layout: layout.to_owned(),
        record: record.to_owned(),
        field: format!(", field {}", file.name),
        what: what.to_owned(),
    };
    let place = match (&file.at, &file.header, &file.path) {
        (Some(at), None, None) => {
            let (from, to) = span(at).ok_or_else(|| wrong("`at` is a position from 1, or a span like \"14-44\""))?;
            Place::At(from, to)
        }
        (None, Some(header), None) => Place::Header(header.clone()),
        (None, None, Some(path)) => Place::Path(path.clone()),
        _ => return Err(wrong("a field stands at one place: give one of `at`, `header` and `path`")),
    };
    Ok(Field {
        place,
        name: file.name,
        ja: file.ja,
        class: file.class,
        action: file.action,
        identity: file.identity,
        kind: file.kind,
        codes: file.codes,
        by: file.by,
        to: file.to,
        values: file.values,
        role: file.role,
    })
}

fn span(at: &At) -> Option<(u16, u16)> {
    let (from, to) = match at {
        At::One(at) => (*at, *at),
        At::Span(text) => {
            let (from, to) = text.split_once('-')?;
            (from.trim().parse().ok()?, to.trim().parse().ok()?)
        }
    };
    (1 <= from && from <= to).then_some((from, to))
}
