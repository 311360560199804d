//! Public code lists: open tables, embedded; the loader takes an official file in the same form.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Date32Builder, Int32Builder, StringBuilder};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use jiff::civil::Date;

use crate::schema::{ColumnType, Table, table};

/// A list as text: a header line with the table's column names, then one line an entry, tab-separated, empty for unknown.
const LISTS: [(&str, &str); 15] = [
    ("code.charlson", include_str!("../data/code/charlson.tsv")),
    ("code.disease", include_str!("../data/code/disease.tsv")),
    ("code.dpc", include_str!("../data/code/dpc.tsv")),
    ("code.drug", include_str!("../data/code/drug.tsv")),
    ("code.icd10_chapter", include_str!("../data/code/icd10_chapter.tsv")),
    ("code.jlac", include_str!("../data/code/jlac.tsv")),
    ("code.ltc_service", include_str!("../data/code/ltc_service.tsv")),
    ("code.material", include_str!("../data/code/material.tsv")),
    ("code.medical_area", include_str!("../data/code/medical_area.tsv")),
    ("code.municipality", include_str!("../data/code/municipality.tsv")),
    ("code.phenotype", include_str!("../data/code/phenotype.tsv")),
    ("code.population", include_str!("../data/code/population.tsv")),
    ("code.prefecture", include_str!("../data/code/prefecture.tsv")),
    ("code.procedure", include_str!("../data/code/procedure.tsv")),
    ("code.standard_population", include_str!("../data/code/standard_population.tsv")),
];

/// Names of all lists, as SQL knows them.
pub fn names() -> impl Iterator<Item = &'static str> {
    LISTS.iter().map(|(name, _)| *name)
}

/// A list as it is embedded. `None` for an unknown name.
pub fn embedded(name: &str) -> Option<Result<RecordBatch, ArrowError>> {
    let (_, text) = LISTS.iter().find(|(known, _)| *known == name)?;
    Some(load(table(name)?, text))
}

/// Reads a list for `table` from text. Columns are matched by the header's names; a line of another length is an error.
pub fn load(table: &Table, text: &str) -> Result<RecordBatch, ArrowError> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let rows: Vec<Vec<&str>> = lines.filter(|line| !line.is_empty()).map(|line| line.split('\t').collect()).collect();
    if let Some(at) = rows.iter().position(|row| row.len() != header.len()) {
        let message = format!("{}, line {}: not as many columns as the header", table.name, at + 2);
        return Err(ArrowError::ParseError(message));
    }
    let columns = table.columns.iter().map(|column| {
        let place = header.iter().position(|name| *name == column.name);
        let cells =
            rows.iter().map(|row| place.and_then(|place| row.get(place)).copied().filter(|cell| !cell.is_empty()));
        build(column.kind, cells)
    });
    RecordBatch::try_new(Arc::new(table.arrow()), columns.collect())
}

fn build<'a>(kind: ColumnType, cells: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    match kind {
        ColumnType::Date => {
            let mut builder = Date32Builder::new();
            cells.for_each(|cell| builder.append_option(cell.and_then(|cell| cell.parse().ok()).map(days)));
            Arc::new(builder.finish())
        }
        ColumnType::Int => {
            let mut builder = Int32Builder::new();
            cells.for_each(|cell| builder.append_option(cell.and_then(|cell| cell.parse().ok())));
            Arc::new(builder.finish())
        }
        ColumnType::Bool | ColumnType::Double | ColumnType::Text | ColumnType::U32 | ColumnType::U64 => {
            let mut builder = StringBuilder::new();
            cells.for_each(|cell| builder.append_option(cell));
            Arc::new(builder.finish())
        }
    }
}

/// Days since 1970-01-01, as `Date32` counts.
pub fn days(date: Date) -> i32 {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    // INVARIANT: jiff's dates span the years -9999 to 9999, which fit.
    i32::try_from(date.duration_since(EPOCH).as_hours() / 24).unwrap_or(0)
}

/// Whether a code stands in one of the public lists of drugs, procedures, materials, laboratory items, care services or DPC.
pub fn is_listed(code: &str) -> bool {
    static LISTED: LazyLock<std::collections::HashSet<&'static str>> = LazyLock::new(|| {
        let lists = ["code.dpc", "code.drug", "code.jlac", "code.ltc_service", "code.material", "code.procedure"];
        let texts = LISTS.iter().filter(|(name, _)| lists.contains(name)).flat_map(|(_, text)| text.lines().skip(1));
        texts.flat_map(|line| line.split('\t').take(2)).collect()
    });
    LISTED.contains(code)
}

/// What the official drug list says of a drug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drug {
    /// YJ code, 12 characters.
    pub yj: Option<&'static str>,
    /// `oral`, `external`, `injection` or `other`.
    pub route: Option<&'static str>,
    /// Unit of a quantity.
    pub unit: Option<&'static str>,
}

/// The ICD-10 code (3 to 5 characters, no dot) of a 7-digit disease code.
pub fn icd10_of_disease(code: &str) -> Option<&'static str> {
    static MAP: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs("code.disease", "code", "icd10"));
    MAP.get(code).copied()
}

/// A drug by its 9-digit receipt code.
pub fn drug(code: &str) -> Option<Drug> {
    static YJ: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs("code.drug", "code", "yj"));
    static ROUTE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs("code.drug", "code", "route"));
    static UNIT: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs("code.drug", "code", "unit"));
    let known = YJ.contains_key(code) || ROUTE.contains_key(code);
    known.then(|| Drug { yj: YJ.get(code).copied(), route: ROUTE.get(code).copied(), unit: UNIT.get(code).copied() })
}

/// The 4-digit medical area of a 5-digit municipality.
pub fn medical_area_of_municipality(code: &str) -> Option<&'static str> {
    static MAP: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs("code.municipality", "code", "medical_area"));
    MAP.get(code).copied()
}

/// Names of a prefecture by its 2-digit code: Japanese, English.
pub fn prefecture(code: &str) -> Option<(&'static str, &'static str)> {
    static JA: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs("code.prefecture", "code", "name_ja"));
    static EN: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs("code.prefecture", "code", "name_en"));
    Some((*JA.get(code)?, *EN.get(code)?))
}

fn pairs(list: &str, key: &str, value: &str) -> HashMap<&'static str, &'static str> {
    let Some((_, text)) = LISTS.iter().find(|(name, _)| *name == list) else { return HashMap::new() };
    columns(text, key, value)
}

/// Two columns of a tab-separated text as a map; lines without a value are left out.
pub(crate) fn columns(text: &'static str, key: &str, value: &str) -> HashMap<&'static str, &'static str> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let place = |wanted: &str| header.iter().position(|name| *name == wanted);
    let (Some(key), Some(value)) = (place(key), place(value)) else { return HashMap::new() };
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            Some((*cells.get(key)?, *cells.get(value).filter(|cell| !cell.is_empty())?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_list_loads_and_has_entries() {
        for name in names() {
            let batch = embedded(name).unwrap().unwrap();
            assert!(batch.num_rows() > 0, "{name}");
            assert_eq!(batch.column(0).null_count(), 0, "{name}: an entry without its first column");
        }
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(days(Date::constant(1970, 1, 2)), 1);
        assert_eq!(days(Date::constant(2022, 4, 1)), 19083);
    }
}
