//! Batches of the care readers' tests: by layouts of one's own, columns as sorted text.

use super::*;
use crate::layout::{self, Layout};

/// A batch, opened. Without one, no table has rows.
#[derive(Default)]
pub(super) struct Made {
    pub(super) report: Option<Report>,
    tables: BTreeMap<String, RecordBatch>,
    tokens: Option<RecordBatch>,
}

/// Runs the files with these layouts, or with the shipped ones.
pub(super) fn make(world: &World, layouts: Option<&BTreeMap<String, Layout>>, source: &str, files: &[PathBuf]) -> Made {
    let out = tempfile::tempdir_in(world.dir.path()).unwrap().keep().join("batch");
    let job = world.job(source, files, out.clone());
    let layouts = layouts.cloned().unwrap_or_else(|| layout::shipped().unwrap());
    let Ok(report) = with_layouts(&job, &layouts, Timestamp::UNIX_EPOCH, &mut |_| true) else { return Made::default() };
    let tokens = read(&out.join("tokens/tokens.arrow.age"), &world.linkage.seal().unwrap());
    let enclave = world.enclave.seal().unwrap();
    let open = |table: &str| read(&out.join(format!("content/{table}.arrow.age")), &enclave);
    let open = |table: &str| (table.to_owned(), open(table));
    let tables = report.tables.keys().map(|table| open(table)).collect();
    Made { report: Some(report), tables, tokens: Some(tokens) }
}

/// The same with files given by their bytes.
pub(super) fn make_of(world: &World, source: &str, files: &[(&str, &[u8])]) -> Made {
    let paths: Vec<PathBuf> = files.iter().map(|(name, bytes)| world.write(name, bytes)).collect();
    make(world, None, source, &paths)
}

impl Made {
    /// Values of a column (`table.column`), sorted; `-` for none.
    pub(super) fn column(&self, column: &str) -> Vec<String> {
        let (table, column) = column.rsplit_once('.').unwrap();
        let column = if column == "facility_id" { "facility_code" } else { column };
        let Some(column) = self.tables.get(table).map(|rows| rows.column_by_name(column).unwrap()) else {
            return Vec::new();
        };
        let text = |row| {
            let value = arrow::util::display::array_value_to_string(column, row).unwrap();
            if column.is_null(row) { "-".to_owned() } else { value }
        };
        let mut values: Vec<String> = (0..column.len()).map(text).collect();
        values.sort();
        values
    }

    /// Rows of a table as text without the atom, sorted.
    pub(super) fn rows(&self, table: &str, columns: &[&str]) -> Vec<String> {
        let Some(rows) = self.tables.get(table) else { return Vec::new() };
        let text = |row: usize| {
            let cells = columns.iter().map(|column| {
                let column = rows.column_by_name(column).unwrap();
                let value = arrow::util::display::array_value_to_string(column, row).unwrap();
                if column.is_null(row) { "-".to_owned() } else { value }
            });
            cells.collect::<Vec<_>>().join(" ")
        };
        let mut rows: Vec<String> = (0..rows.num_rows()).map(text).collect();
        rows.sort();
        rows
    }

    /// All tokens of all kinds, sorted.
    pub(super) fn tokens(&self) -> Vec<Vec<u8>> {
        let Some(tokens) = &self.tokens else { return Vec::new() };
        let kinds = tokens.columns().iter().skip(1).filter_map(|column| column.as_fixed_size_binary_opt());
        let mut all: Vec<Vec<u8>> =
            kinds.flat_map(|kind| kind.iter().flatten().map(<[u8]>::to_vec).collect::<Vec<_>>()).collect();
        all.sort();
        all
    }

    /// How many distinct atoms a table's rows are of.
    pub(super) fn atoms(&self, tables: &[&str]) -> HashSet<Vec<u8>> {
        let rows = tables.iter().filter_map(|table| self.tables.get(*table));
        rows.flat_map(|rows| {
            let atoms = rows.column_by_name("atom").unwrap().as_fixed_size_binary();
            (0..atoms.len()).map(|row| atoms.value(row).to_vec()).collect::<Vec<_>>()
        })
        .collect()
    }

    pub(super) fn count(&self, reason: Reason) -> u64 {
        self.report.as_ref().map_or(0, |report| report.count(reason))
    }

    pub(super) fn quarantined(&self) -> u64 {
        self.report.as_ref().map_or(0, Report::quarantined)
    }
}

/// CP932 bytes of a text.
pub(super) fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}
