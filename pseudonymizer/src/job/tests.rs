//! Runs on the project's own samples (`tests/fixtures`), whose `truth.tsv` says who is who.

mod care;
mod carried;
mod checkup;
mod checkup_archive;
mod checkup_layout;
mod checkup_table;
mod damaged;
mod delivered;
mod dental;
mod dpc;
mod dropped;
mod ehr;
mod ehr_layout;
mod guidance;
mod harm;
mod interrupted;
mod leaks;
mod linked;
mod long_term;
mod ndb;
mod order;
mod pharmacy;
mod receipts;
mod samples;

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Float64Type, Int32Type};
use policies::Zone;
use policies::keys::SealIdentity;
use proptest::prelude::*;
use tempfile::TempDir;

use std::fs::{self, File};

use super::*;

use crate::report::Reason;
use crate::seal::{self, BatchReader};

/// Three zones' keys in a folder of their own.
struct World {
    dir: TempDir,
    holder: KeyFolder,
    linkage: KeyFolder,
    enclave: KeyFolder,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, zone| KeyFolder::init(&dir.path().join(name), zone, Timestamp::UNIX_EPOCH).unwrap();
        let (holder, linkage, enclave) =
            (make("holder", Zone::Holder), make("linkage", Zone::Linkage), make("enclave", Zone::Enclave));
        Self { dir, holder, linkage, enclave }
    }

    fn job(&self, source: &str, files: &[PathBuf], out: PathBuf) -> Job<'_> {
        Job {
            source: source.parse().unwrap(),
            keys: &self.holder,
            link_to: self.linkage.recipient().unwrap(),
            release_to: self.enclave.recipient().unwrap(),
            out,
            files: files.to_vec(),
            options: Options { max_quarantine_share: 1.0, ..Options::default() },
        }
    }

    fn try_run(&self, source: &str, files: &[PathBuf], out: &str) -> Result<Report, PseudonymizeError> {
        pseudonymize(&self.job(source, files, self.dir.path().join(out)), Timestamp::UNIX_EPOCH, &mut |_| true)
    }

    fn run(&self, source: &str, files: &[&str]) -> Batch {
        let paths: Vec<PathBuf> = files.iter().map(|file| fixture(file)).collect();
        self.batch(source, &paths, source)
    }

    fn batch(&self, source: &str, files: &[PathBuf], out: &str) -> Batch {
        let report = self.try_run(source, files, out).unwrap();
        let folder = self.dir.path().join(out);
        let tokens = read(&folder.join("tokens/tokens.arrow.age"), &self.linkage.seal().unwrap());
        let mut tables = BTreeMap::new();
        for table in report.tables.keys() {
            let path = folder.join(format!("content/{table}.arrow.age"));
            tables.insert(table.clone(), in_order(&read(&path, &self.enclave.seal().unwrap())));
        }
        Batch { folder, report, tokens, tables }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    }
}

/// A batch, opened.
struct Batch {
    folder: PathBuf,
    report: Report,
    tokens: RecordBatch,
    tables: BTreeMap<String, RecordBatch>,
}

impl Batch {
    fn text(&self, table: &str, column: &str) -> Vec<String> {
        let column = self.tables[table].column_by_name(column).unwrap().as_string::<i32>();
        column.iter().map(|cell| cell.unwrap_or("-").to_owned()).collect()
    }

    fn ints(&self, table: &str, column: &str) -> Vec<Option<i32>> {
        self.tables[table].column_by_name(column).unwrap().as_primitive::<Int32Type>().iter().collect()
    }

    fn days(&self, table: &str, column: &str) -> Vec<Option<i32>> {
        self.tables[table].column_by_name(column).unwrap().as_primitive::<Date32Type>().iter().collect()
    }

    fn numbers(&self, table: &str, column: &str) -> Vec<Option<f64>> {
        self.tables[table].column_by_name(column).unwrap().as_primitive::<Float64Type>().iter().collect()
    }

    /// Tokens of a kind by the atom that has them.
    fn tokens(&self, kind: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let atoms = self.tokens.column_by_name("atom").unwrap().as_fixed_size_binary();
        let tokens = self.tokens.column_by_name(kind).unwrap().as_fixed_size_binary();
        (0..self.tokens.num_rows())
            .filter(|row| !tokens.is_null(*row))
            .map(|row| (atoms.value(row).to_vec(), tokens.value(row).to_vec()))
            .collect()
    }

    /// Atoms in the order of a table's rows.
    fn atoms(&self, table: &str) -> Vec<Vec<u8>> {
        let atoms = self.tables[table].column_by_name("atom").unwrap().as_fixed_size_binary();
        (0..atoms.len()).map(|row| atoms.value(row).to_vec()).collect()
    }

    /// Token of the atom of a row.
    fn token_of(&self, table: &str, row: usize, kind: &str) -> Option<Vec<u8>> {
        self.tokens(kind).get(&self.atoms(table)[row]).cloned()
    }

    /// Whether the first row of a table has a token of a kind, and a row of another batch's table has the same.
    fn joins(&self, table: &str, other: &Self, others: &str, kind: &str) -> bool {
        let here = self.token_of(table, 0, kind);
        let rows = other.tables[others].num_rows();
        here.is_some() && (0..rows).any(|row| here == other.token_of(others, row, kind))
    }

    /// Everything that leaves the holder, opened, as one string of bytes; and what stands in the open.
    fn leaving(&self, world: &World) -> Vec<u8> {
        let mut all = Vec::new();
        let open = |path: &Path, identity: &SealIdentity, all: &mut Vec<u8>| {
            for batch in BatchReader::open(path, identity).unwrap() {
                let text = arrow::util::pretty::pretty_format_batches(&[batch.unwrap()]).unwrap().to_string();
                all.extend_from_slice(text.as_bytes());
            }
            seal::open(path, identity).unwrap().read_to_end(all).unwrap();
        };
        open(&self.folder.join("tokens/tokens.arrow.age"), &world.linkage.seal().unwrap(), &mut all);
        for table in self.tables.keys() {
            open(&self.folder.join(format!("content/{table}.arrow.age")), &world.enclave.seal().unwrap(), &mut all);
        }
        for part in ["", "quarantine", "tokens"] {
            for entry in fs::read_dir(self.folder.join(part)).unwrap().flatten() {
                if entry.path().is_file() && !entry.file_name().to_string_lossy().starts_with("records-") {
                    all.extend_from_slice(&fs::read(entry.path()).unwrap());
                }
            }
        }
        all
    }
}

/// A batch's rows come in random order: here, in the order of all that they say beside random numbers.
fn in_order(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let random = ["atom", "claim_id", "stay_id", "document_id"];
    let said: Vec<usize> =
        (0..rows.num_columns()).filter(|at| !random.contains(&schema.field(*at).name().as_str())).collect();
    let options = arrow::util::display::FormatOptions::default();
    let columns: Vec<_> = said
        .iter()
        .map(|at| arrow::util::display::ArrayFormatter::try_new(rows.column(*at), &options).unwrap())
        .collect();
    let text = |row: usize| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>();
    let mut order: Vec<u32> = (0..u32::try_from(rows.num_rows()).unwrap()).collect();
    order.sort_by_cached_key(|row| text(*row as usize));
    let order = arrow::array::UInt32Array::from(order);
    let columns = rows.columns().iter().map(|column| arrow::compute::take(column, &order, None).unwrap()).collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn read(path: &Path, identity: &SealIdentity) -> RecordBatch {
    let reader = BatchReader::open(path, identity).unwrap();
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

fn count_in(haystack: &[u8], needle: &str) -> usize {
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(needle);
    memchr::memmem::find_iter(haystack, needle).count() + memchr::memmem::find_iter(haystack, sjis.as_ref()).count()
}

#[test]
fn long_term_care_joins_certification_and_reaches_claims_by_kana() {
    let world = World::new();
    let ndb = world.run("ndb", &["RECEIPTC_202207.UKE"]);
    let ltc = world.run("ltc", &["i2208a.csv", "nintei_head18.csv"]);
    assert_eq!(ltc.text("ltc.claims", "service_code"), ["111211"]);
    assert_eq!(ltc.text("ltc.claims", "care_level"), ["c3"]);
    assert_eq!(ltc.text("ltc.claims", "insurer_municipality"), ["13101"]);
    assert_eq!(ltc.text("ltc.claims", "facility_code"), ["1370100001"]);
    assert_eq!(ltc.ints("ltc.claims", "units"), [Some(1500)]);
    assert_eq!(ltc.ints("ltc.claims", "days"), [Some(6)]);
    assert_eq!(ltc.report.tables["ltc.certifications"], 1);
    let c1: HashSet<Vec<u8>> = ltc.tokens("c1").into_values().collect();
    assert_eq!((ltc.tokens("c1").len(), c1.len()), (2, 1), "claim and certification share C1");
    assert!(ltc.joins("ltc.certifications", &ndb, "ndb.claims", "b1"));
    assert!(ltc.token_of("ltc.claims", 0, "b1").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn broken_files_end_in_a_report_not_in_a_panic(
        file in 0_usize..4,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
    ) {
        let (name, source) = [
            ("RECEIPTC_202207.UKE", "ndb"),
            ("i2208a.csv", "ltc"),
            ("nintei_head18.csv", "ltc"),
            ("EFn_131234566_2208.txt", "dpc"),
        ][file];
        let world = World::new();
        let mut bytes = fs::read(fixture(name)).unwrap();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let path = world.write("raw", &bytes);
        let done = world.try_run(source, &[path], "out");
        let ended = matches!(done, Ok(_) | Err(PseudonymizeError::Nothing { .. }));
        prop_assert!(ended);
    }
}
