//! Whole populations, small ones: determinism, frames, schemas, associations, canaries, identifiers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, UInt64Type};
use encoding_rs::SHIFT_JIS;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

mod cases;
mod checkups;
mod corrections;
mod dental;
mod documents;
mod dpc;
mod life;

/// Every file of a folder with a hash of its bytes.
fn digest(folder: &Path) -> Vec<(String, u64)> {
    let mut files = Vec::new();
    walk(folder, folder, &mut files);
    files.sort();
    files
}

fn walk(root: &Path, folder: &Path, into: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, into);
            continue;
        }
        let mut hasher = DefaultHasher::new();
        std::fs::read(&path).unwrap().hash(&mut hasher);
        into.push((path.strip_prefix(root).unwrap().display().to_string(), hasher.finish()));
    }
}

fn make(persons: u64, seed: u64, errors: Errors) -> (tempfile::TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let summary = synthesize(&Options { persons, seed, errors }, folder.path(), &mut |_| ()).unwrap();
    (folder, summary)
}

/// One population for all tests that only read it, for as long as one of them runs.
fn shared() -> Arc<(tempfile::TempDir, Summary)> {
    static SHARED: Mutex<Weak<(tempfile::TempDir, Summary)>> = Mutex::new(Weak::new());
    let mut known = SHARED.lock().unwrap();
    known.upgrade().unwrap_or_else(|| {
        let made = Arc::new(make(3_000, 3, Errors::None));
        *known = Arc::downgrade(&made);
        made
    })
}

fn read(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
}

fn texts(batches: &[RecordBatch], column: &str) -> Vec<Option<String>> {
    let each = batches.iter().flat_map(|batch| {
        let column = batch.column_by_name(column).unwrap().as_string::<i32>().clone();
        (0..column.len()).map(move |row| column.is_valid(row).then(|| column.value(row).to_owned()))
    });
    each.collect()
}

fn keys(batches: &[RecordBatch], column: &str) -> Vec<u64> {
    batches
        .iter()
        .flat_map(|batch| batch.column_by_name(column).unwrap().as_primitive::<UInt64Type>().values().to_vec())
        .collect()
}

fn cp932(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let (text, _, broken) = SHIFT_JIS.decode(&bytes);
    assert!(!broken, "{}", path.display());
    text.into_owned()
}

fn raw_files(folder: &Path, source: &str, beginning: &str) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder.join("raw").join(source))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(beginning))
        .collect();
    files.sort();
    files
}

#[test]
fn same_seed_same_bytes_and_other_seed_others() {
    let one = make(150, 7, Errors::Realistic);
    assert_eq!(digest(one.0.path()), digest(make(150, 7, Errors::Realistic).0.path()));
    assert_ne!(digest(one.0.path()), digest(make(150, 8, Errors::Realistic).0.path()));
    assert_ne!(digest(one.0.path()), digest(make(150, 7, Errors::None).0.path()));
}

#[test]
fn nobody_is_no_population() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { persons: 0, seed: 1, errors: Errors::None };
    let refused = synthesize(&options, folder.path(), &mut |_| ()).unwrap_err();
    assert_eq!(refused.code(), "synthetic/no-persons");
}

#[test]
fn receipt_files_have_whole_frames() {
    let world = shared();
    let (folder, summary) = (&world.0, &world.1);
    let mut receipts = 0;
    for path in raw_files(folder.path(), "ndb", "RECEIPT") {
        let text = cp932(&path);
        let text = text.strip_suffix('\u{1a}').expect("one EOF byte");
        assert!(text.ends_with("\r\n"));
        let (mut open, mut points, mut sum) = (0, 0i64, 0i64);
        for line in text.trim_end().split("\r\n") {
            let cells: Vec<&str> = line.split(',').collect();
            match cells[0] {
                "IR" | "YK" => (open, points, sum) = (0, 0, 0),
                "RE" => {
                    open += 1;
                    receipts += 1;
                    sum += points;
                    points = 0;
                    assert_eq!(cells[1], open.to_string());
                }
                "HO" | "KO" if points == 0 => points = cells[5].parse().unwrap(),
                "GO" => {
                    assert_eq!((cells[1], cells[2]), (open.to_string().as_str(), (sum + points).to_string().as_str()));
                }
                _ => {}
            }
        }
    }
    // More than hold in the end: `corrections` tells which do.
    assert!(receipts > summary.rows["ndb.claims"]);
}

#[test]
fn long_term_files_count_their_records() {
    let world = shared();
    let (folder, summary) = (&world.0, &world.1);
    let mut lines = 0;
    for path in raw_files(folder.path(), "ltc", "LTC") {
        let text = cp932(&path);
        let data = text.lines().filter(|line| line.starts_with("2,")).count();
        let control: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        assert_eq!(control[3].parse::<usize>().unwrap(), data);
        assert_eq!(text.lines().last().unwrap(), format!("3,{}", data + 2));
        lines += text.lines().filter(|line| line.contains(",\"02\",")).count();
    }
    assert_eq!(lines as u64, summary.rows["ltc.claims"]);
    let rows = cp932(&folder.path().join("raw/ltc/nintei.csv")).lines().count() - 1;
    assert_eq!(rows as u64, summary.rows["ltc.certifications"]);
}

#[test]
fn every_truth_table_has_the_catalogs_schema() {
    let (folder, summary) = make(120, 5, Errors::None);
    for table in catalog::tables().iter().filter(|table| table.schema() != Some("code")) {
        let path = folder.path().join(format!("truth/{}.parquet", table.name.replace('.', "/")));
        let file = std::fs::File::open(&path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let schema = reader.schema();
        let own = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone()));
        let expected = table.arrow();
        let expected = expected.fields().iter().map(|field| (field.name().clone(), field.data_type().clone()));
        assert_eq!(own.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{}", table.name);
        assert!(summary.rows.contains_key(&table.name));
    }
}

/// Persons with a diagnosis that begins so and is not merely suspected.
fn with(folder: &Path, beginnings: &[&str]) -> HashSet<u64> {
    let batches = read(&folder.join("truth/ndb/diagnoses.parquet"));
    let (persons, codes) = (keys(&batches, "person_key"), texts(&batches, "icd10"));
    let modifiers = texts(&batches, "modifiers");
    let all = persons.into_iter().zip(codes).zip(modifiers);
    all.filter(|((_, code), modifier)| {
        modifier.is_none() && code.as_ref().is_some_and(|code| beginnings.iter().any(|one| code.starts_with(one)))
    })
    .map(|((person, _), _)| person)
    .collect()
}

#[test]
fn known_associations_are_found_again() {
    let (folder, _) = make(3_000, 11, Errors::None);
    let folder = folder.path();
    // Diabetes raises HbA1c.
    let diabetics = with(folder, &["E11"]);
    let checkups = read(&folder.join("truth/ndb/checkups.parquet"));
    let persons = keys(&checkups, "person_key");
    let hba1c: Vec<f64> = checkups
        .iter()
        .flat_map(|batch| batch.column_by_name("hba1c").unwrap().as_primitive::<Float64Type>().values().to_vec())
        .collect();
    let mean = |sick: bool| {
        let values: Vec<f64> = persons
            .iter()
            .zip(&hba1c)
            .filter(|(person, _)| diabetics.contains(person) == sick)
            .map(|(_, v)| *v)
            .collect();
        values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
    };
    assert!(mean(true) > mean(false) + 0.8, "{} {}", mean(true), mean(false));
    // A hip fracture and dementia raise the chance of a certification among those of 75 and more.
    let everybody = read(&folder.join("truth/person.parquet"));
    let births = everybody.iter().flat_map(|batch| {
        batch.column_by_name("birth_date").unwrap().as_primitive::<arrow::datatypes::Date32Type>().values().to_vec()
    });
    let old: HashSet<u64> = keys(&everybody, "person_key")
        .into_iter()
        .zip(births)
        .filter(|(_, birth)| *birth < catalog::codes::days(jiff::civil::date(1948, 1, 1)))
        .map(|(person, _)| person)
        .collect();
    let certified: HashSet<u64> =
        keys(&read(&folder.join("truth/ltc/certifications.parquet")), "person_key").into_iter().collect();
    let frail = with(folder, &["S72", "F00", "F03"]);
    let share = |group: &mut dyn Iterator<Item = &u64>| {
        let all: Vec<&u64> = group.collect();
        let count = |number: usize| f64::from(u32::try_from(number).unwrap());
        count(all.iter().filter(|person| certified.contains(**person)).count()) / count(all.len().max(1))
    };
    let exposed = share(&mut old.iter().filter(|person| frail.contains(*person)));
    let others = share(&mut old.iter().filter(|person| !frail.contains(*person)));
    assert!(exposed > 1.5 * others, "{exposed} {others}");
}

#[test]
fn canaries_are_planted_and_named_in_the_raw_files() {
    let (folder, _) = make(500, 2, Errors::None);
    let list = std::fs::read_to_string(folder.path().join("truth/canaries.tsv")).unwrap();
    let persons: BTreeSet<&str> = list.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(persons.len(), 200);
    let raw: String = raw_files(folder.path(), "ndb", "RECEIPTC").iter().map(|path| cp932(path)).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for line in list.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        *seen.entry(cells[1]).or_default() += usize::from(raw.contains(cells[2]));
    }
    for kind in ["kanji", "kana", "chart", "phone"] {
        assert!(seen[kind] > 60, "{kind}: {}", seen[kind]);
    }
}

/// Without mistakes a name, birth date and sex belong to one person, and so does an insured number with its branch.
#[test]
fn without_mistakes_identifiers_tell_people_apart() {
    let (folder, _) = make(2_000, 4, Errors::None);
    let batches = read(&folder.path().join("truth/identities.parquet"));
    let persons = keys(&batches, "person_key");
    let column = |name| texts(&batches, name);
    let (kana, birth, sex) = (column("kana"), column("birth_date"), column("sex"));
    let (insurer, symbol, number, branch) = (column("insurer"), column("symbol"), column("number"), column("branch"));
    let mut named: HashMap<String, u64> = HashMap::new();
    let mut insured: HashMap<String, u64> = HashMap::new();
    for (row, person) in persons.iter().enumerate() {
        if let (Some(kana), Some(birth), Some(sex)) = (&kana[row], &birth[row], &sex[row]) {
            // Only the form of receipts: others have spaces or half width.
            let of_receipts = kana.chars().all(|sign| ('\u{30a1}'..='\u{30fc}').contains(&sign));
            let known = *named.entry(format!("{of_receipts}{kana}{birth}{sex}")).or_insert(*person);
            assert_eq!(known, *person);
        }
        if let (Some(insurer), Some(number), Some(branch)) = (&insurer[row], &number[row], &branch[row]) {
            let key = format!("{insurer}:{:?}:{number}:{branch}", symbol[row]);
            assert_eq!(*insured.entry(key).or_insert(*person), *person);
        }
    }
    assert!(named.len() > 1_500 && insured.len() > 1_000);
}

#[test]
fn mistakes_change_statements_and_not_the_truth() {
    let (right, wrong) = (make(300, 6, Errors::None), make(300, 6, Errors::Realistic));
    let spoiled = |folder: &Path| {
        let batches = read(&folder.join("truth/identities.parquet"));
        texts(&batches, "kanji").iter().flatten().filter(|name| name.contains('●')).count()
    };
    assert_eq!(spoiled(right.0.path()), 0);
    assert!(spoiled(wrong.0.path()) > 0);
    assert!(wrong.1.rows["person"].abs_diff(right.1.rows["person"]) < 15);
}

#[test]
fn each_institution_has_its_software() {
    let made = make(300, 6, Errors::Realistic);
    let text =
        |folder: &str| std::fs::read_to_string(made.0.path().join(folder).join("facility_software.csv")).unwrap();
    let steward = text("raw/steward");
    assert_eq!(steward, text("truth"));
    let families: BTreeSet<&str> = steward.lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect();
    assert!(steward.lines().count() >= 57 && families.len() >= 5, "{families:?}");
}
