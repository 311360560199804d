//! Runs on receipts, with the shipped layouts or with others.

use super::*;
use crate::layout::{self, Layout};

/// A batch of NDB files.
pub(super) fn batch(world: &World, files: &[PathBuf], out: &str) -> Batch {
    world.batch("ndb", files, out)
}

/// The same, or why there is none.
pub(super) fn report(world: &World, files: &[PathBuf], out: &str) -> Result<Report, PseudonymizeError> {
    world.try_run("ndb", files, out)
}

/// A run with other layouts.
pub(super) fn with_layouts(world: &World, layouts: &BTreeMap<String, Layout>, file: &Path, out: &str) -> Report {
    let job = world.job("ndb", &[file.to_owned()], world.dir.path().join(out));
    super::super::with_layouts(&job, layouts, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap()
}

/// What all columns of a batch say, by `table.column`, in an order that does not depend on that of the rows. Ids are random.
pub(super) fn columns(world: &World, report: &Report, out: &str) -> BTreeMap<String, Vec<String>> {
    let mut said = BTreeMap::new();
    let options = arrow::util::display::FormatOptions::default().with_null("-");
    for table in report.tables.keys() {
        let path = world.dir.path().join(out).join(format!("content/{table}.arrow.age"));
        let rows = read(&path, &world.enclave.seal().unwrap());
        for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
            let text = arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap();
            let mut values: Vec<String> = (0..column.len()).map(|row| text.value(row).to_string()).collect();
            values.sort();
            // The enclave puts surrogates in the place of codes, and a band in that of beds.
            let column = match field.name().as_str() {
                "beds" => "beds_band",
                "facility_code" => "facility_id",
                "insurer_code" => "insurer_id",
                "prescriber_facility_code" => "prescriber_facility_id",
                same => same,
            };
            said.insert(format!("{table}.{column}"), values);
        }
    }
    said
}

/// A line as a layout places its fields; `days:5` is the fifth cell of a span.
pub(super) fn line(of: &Layout, tag: &str, cells: &[(&str, &str)]) -> String {
    let record = of.record(tag).unwrap();
    let mut row = vec![""; usize::from(record.width)];
    row[0] = tag;
    for (name, cell) in cells {
        let (name, further) = name.split_once(':').unwrap_or((name, "1"));
        let Some(layout::Place::At(from, _)) = record.field(name).map(|field| &field.place) else {
            panic!("{tag} {name}")
        };
        row[usize::from(*from) + further.parse::<usize>().unwrap() - 2] = cell;
    }
    format!("{}\r\n", row.join(","))
}

pub(super) fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

/// Tokens of each kind that a batch carries.
pub(super) fn tokens_by_kind(batch: &Batch) -> BTreeMap<String, HashSet<Vec<u8>>> {
    let schema = batch.tokens.schema();
    let binary = |field: &arrow::datatypes::Field| {
        matches!(field.data_type(), arrow::datatypes::DataType::FixedSizeBinary(_)) && field.name() != "atom"
    };
    let kinds = schema.fields().iter().filter(|field| binary(field)).map(|field| field.name().clone());
    kinds.map(|kind| (kind.clone(), batch.tokens(&kind).into_values().collect())).collect()
}
