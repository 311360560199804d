//! Layouts of sources that a steward adds: the generic reader reads them, and they must fit the tables of their own file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use catalog::{AddedSource, AddedSourceError, Column, ColumnType, Table};

use super::{
    Action, Attribute, By, Fate, Field, Kind, Layout, LayoutError, Place, Reader, Record, Role, rules, shipped,
};

/// Why a folder's layouts do not load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The `[layout]` and `[[record]]` parts.
    #[error(transparent)]
    Layout(LayoutError),
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The `[source]` and `[[table]]` parts.
    #[error(transparent)]
    Source(AddedSourceError),
}

impl LoadError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Layout(fault) => fault.code(),
            Self::Read { .. } => "layout/io",
            Self::Source(_) => "layout/source",
        }
    }
}

/// The layouts of a folder of added sources, by id.
pub fn load(folder: &Path) -> Result<BTreeMap<String, Layout>, LoadError> {
    let sources = AddedSource::read_folder(folder).map_err(LoadError::Source)?;
    let mut layouts = BTreeMap::new();
    for source in &sources {
        let layout = of_source(source).map_err(LoadError::Layout)?;
        if let Some(other) = layouts.insert(layout.id.clone(), layout) {
            let what = "two files of the folder have this id; each layout has its own".to_owned();
            return Err(LoadError::Layout(rules::wrong(&other, "", None, what)));
        }
    }
    Ok(layouts)
}

/// The layout of one file: one that comes with a version, or an added source's with its tables.
pub fn read_file(path: &Path) -> Result<Layout, LoadError> {
    let text = fs::read_to_string(path).map_err(|cause| LoadError::Read { path: path.to_owned(), cause })?;
    let is_source = text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("source"));
    if is_source {
        of_source(&AddedSource::read(path).map_err(LoadError::Source)?).map_err(LoadError::Layout)
    } else {
        Layout::parse(&text).map_err(LoadError::Layout)
    }
}

/// The layout of an added source, if it keeps the rules and fits the file's own tables.
pub fn of_source(source: &AddedSource) -> Result<Layout, LayoutError> {
    let layout = Layout::parse(source.text())?;
    let whole = |what: &str| Err(rules::wrong(&layout, "", None, what.to_owned()));
    if layout.source != source.id() {
        return whole("`source` is the id under [source] in the same file");
    }
    if shipped()?.contains_key(&layout.id) {
        return whole("a layout that comes with this version has this id; choose another");
    }
    if layout.reader != Reader::Delimited {
        return whole("an added source is read by the reader \"delimited\"; the others need code");
    }
    let [record] = layout.records.as_slice() else {
        return whole("a delimited file has one kind of record: write one [[record]]");
    };
    if !record.tag.is_empty() || record.fate != Fate::Read {
        return whole("the one [[record]] of a delimited file has no `tag` and no `fate`");
    }
    let wrong = |field: Option<&Field>, what: String| rules::wrong(&layout, &record.ja, field, what);
    places(record).map_err(|(field, what)| wrong(field, what))?;
    person(record).map_err(|(field, what)| wrong(field, what))?;
    columns(record, source.tables()).map_err(|(field, what)| wrong(field, what))?;
    Ok(layout)
}

/// What is wrong, and with which field.
type Fault<'l> = (Option<&'l Field>, String);

/// All fields have positions, or all have names of the header line.
fn places(record: &Record) -> Result<(), Fault<'_>> {
    let mut names = BTreeSet::new();
    for field in &record.fields {
        match &field.place {
            Place::At(from, to) if record.width > 0 => {
                if from != to && field.action != Action::Drop {
                    return Err((Some(field), "a span of positions is dropped; what is used stands at one".to_owned()));
                }
            }
            Place::Header(name) if record.width == 0 => {
                if !names.insert(name) {
                    return Err((Some(field), format!("the column {name} stands twice; each has exactly one action")));
                }
            }
            Place::At(..) | Place::Header(_) | Place::Path(_) => {
                let what = "write `header` for every field, or `at` for every field and the record's `width`";
                return Err((Some(field), what.to_owned()));
            }
        }
    }
    if record.fields.is_empty() { Err((None, "a record has fields".to_owned())) } else { Ok(()) }
}

/// Identifiers come once, whole, and what they tell of a person is written in `to`.
fn person(record: &Record) -> Result<(), Fault<'_>> {
    use Attribute as A;
    let of = |wanted: A| record.fields.iter().find(|field| field.identity.contains(&wanted));
    let mut seen = BTreeSet::new();
    for field in &record.fields {
        for attribute in &field.identity {
            if matches!(attribute, A::MemberId | A::PublicPayer | A::PublicRecipient) {
                let what = "member-id, public-payer and public-recipient are not read from delimited files; use `drop`";
                return Err((Some(field), what.to_owned()));
            }
            if !seen.insert(*attribute) {
                return Err((Some(field), "two fields cannot be the same attribute of one person".to_owned()));
            }
        }
        tells(field).map_err(|what| (Some(field), what))?;
    }
    // A chart number without an institution is a number that the source itself gives out.
    let together = [
        (A::FamilyKana, A::GivenKana),
        (A::GivenKana, A::FamilyKana),
        (A::FamilyKanji, A::GivenKanji),
        (A::GivenKanji, A::FamilyKanji),
        (A::Facility, A::Chart),
    ];
    for (have, lack) in together {
        if let Some(field) = of(have).filter(|_| of(lack).is_none()) {
            let what = "family name and given name, an institution and its chart number: only both make a token";
            return Err((Some(field), what.to_owned()));
        }
    }
    for role in [Role::Death, Role::RecordDate] {
        if let Some(field) = record.fields.iter().filter(|field| field.role == Some(role)).nth(1) {
            return Err((Some(field), "a record has one date of each role".to_owned()));
        }
    }
    let dated = record.fields.iter().any(|field| field.role == Some(Role::RecordDate) || is_date(field));
    match record.fields.iter().find(|field| field.by == Some(By::Age)) {
        Some(field) if !dated => Err((Some(field), "an age needs the date of the record: keep a date".to_owned())),
        _ => Ok(()),
    }
}

fn is_date(field: &Field) -> bool {
    field.action == Action::Keep && field.kind == Some(Kind::Date)
}

/// Birth, sex and home go into `person` wherever they are read; the file says so.
fn tells(field: &Field) -> Result<(), String> {
    let has = |attribute: Attribute| field.identity.contains(&attribute);
    let needed: &[&str] = match () {
        () if has(Attribute::Birth) => &["person.birth_date", "person.birth_month"],
        () if has(Attribute::Sex) => &["person.sex"],
        () if field.by == Some(By::Municipality) => &["person.prefecture", "person.municipality"],
        () if field.role == Some(Role::Death) => &["person.died_month"],
        () => &[],
    };
    let missing = needed.iter().find(|column| !field.to.iter().any(|to| to == *column));
    match missing {
        Some(column) => Err(format!("this tells of the person, and the file says so: write \"{column}\" into `to`")),
        None => Ok(()),
    }
}

/// Every column is fed by one field, and everything that is kept goes into a column of a fitting type.
fn columns<'l>(record: &'l Record, tables: &[Table]) -> Result<(), Fault<'l>> {
    let name = record.table.as_deref().unwrap_or_default();
    let Some(table) = tables.iter().find(|table| table.name == name) else {
        return Err((None, "`table` names a [[table]] of the same file".to_owned()));
    };
    if let Some(other) = tables.iter().find(|table| table.name != name) {
        return Err((None, format!("no record fills table {}; take it away", other.name)));
    }
    let mut fed = BTreeSet::new();
    for field in &record.fields {
        let leaves = matches!(field.action, Action::Keep | Action::Generalise);
        if leaves && field.to.is_empty() {
            return Err((Some(field), "what is kept goes into a column: name it in `to`, or use `drop`".to_owned()));
        }
        for to in &field.to {
            let own = to.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            let Some(column) = own else {
                if tells_person(field, to) {
                    continue;
                }
                return Err((
                    Some(field),
                    format!("{to} is no column of {name}, and nothing of `person` that this field tells"),
                ));
            };
            let known = table.column(column).filter(|known| known.name != "person_key");
            let known = known.ok_or_else(|| (Some(field), format!("{name} has no column {column}")))?;
            if !fits(field, known) {
                return Err((
                    Some(field),
                    format!("a value of this `type` and `by` does not fit the type of column {to}"),
                ));
            }
            if !fed.insert(column) {
                return Err((Some(field), format!("column {to} is fed by two fields")));
            }
        }
    }
    match table.columns.iter().find(|column| column.name != "person_key" && !fed.contains(column.name.as_str())) {
        Some(column) => Err((None, format!("column {name}.{} is fed by no field", column.name))),
        None => Ok(()),
    }
}

/// Whether a field tells that of the person.
fn tells_person(field: &Field, to: &str) -> bool {
    let has = |attribute: Attribute| field.identity.contains(&attribute);
    match to {
        "person.birth_date" | "person.birth_month" => has(Attribute::Birth),
        "person.died_month" => field.role == Some(Role::Death),
        "person.first_seen" | "person.last_seen" => field.role == Some(Role::RecordDate) || is_date(field),
        "person.municipality" | "person.prefecture" => {
            field.by == Some(By::Municipality) && (has(Attribute::Postcode) || has(Attribute::Insurer))
        }
        "person.sex" => has(Attribute::Sex),
        _ => false,
    }
}

fn fits(field: &Field, column: &Column) -> bool {
    let text = column.kind == ColumnType::Text;
    match (&field.by, field.kind) {
        (Some(By::Institution), _) => matches!(column.name.as_str(), "facility_id" | "prescriber_facility_id"),
        (Some(By::Insurer), _) => column.name == "insurer_id",
        (Some(By::Municipality), _) => text && field.identity.contains(&Attribute::Postcode),
        (Some(By::Month), _) | (None, Some(Kind::Date | Kind::Month)) => column.kind == ColumnType::Date,
        (Some(By::Prefix(_)), _) | (None, Some(Kind::Code)) => text,
        (Some(By::Band(_)) | None, Some(Kind::Decimal)) => column.kind == ColumnType::Double,
        (Some(By::Age | By::Band(_) | By::Year), _) | (None, Some(Kind::Int)) => column.kind == ColumnType::Int,
        (None, Some(Kind::Flag)) => column.kind == ColumnType::Bool,
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests;
