//! Tests of a whole release.

mod absent;
mod added;
mod believed;

use std::collections::HashSet;
use std::fs::{self, File};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, FixedSizeBinaryBuilder, StringArray, new_null_array};
use arrow::datatypes::{DataType, SchemaRef, UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use catalog::batch::{FORMAT, LeakScan};
use catalog::{BatchManifest, PersonKey, aad_prefix, bucket_of, content_schema};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::encryption::decrypt::FileDecryptionProperties;
use policies::keys::SigningKey;

use super::*;
use crate::link::LinkJob;
use crate::link::fixture::{Zones, atom, atom_id};
use crate::seal::BatchWriter;

/// Two NDB batches' persons: number of atoms, linked two by two (atoms 2n and 2n+1 are one person).
pub(super) struct World {
    pub(super) zones: Zones,
    pub(super) content: Vec<PathBuf>,
    holder: SigningKey,
}

impl World {
    pub(super) fn new(persons: u128) -> Self {
        let zones = Zones::new();
        let numbers = 0..persons * 2;
        let atoms: Vec<_> = numbers.clone().map(|n| atom(&format!("{n} ndb 2020-01..2020-12 a3=n{}", n / 2))).collect();
        let tokens = [zones.tokens("b1", "ndb", &atoms, &[])];
        let batch = zones.path("b1");
        let holder = SigningKey::generate();
        zones.enclave.trust("ndb", &holder.verifying()).unwrap();
        let world = Self { zones, content: vec![batch], holder };
        let claims: Vec<_> = numbers
            .clone()
            .map(|n| (n, [("facility_code", "1310100015"), ("insurer_code", "01130012"), ("sex", "1")]))
            .collect();
        world.write("ndb.claims", &content_schema(catalog::table("ndb.claims").unwrap()), &claims);
        let diagnoses: Vec<_> = numbers
            .clone()
            .chain(numbers.clone())
            .map(|n| (n, [("facility_code", "1310100015"), ("icd10", "I21")]))
            .collect();
        world.write("ndb.diagnoses", &content_schema(catalog::table("ndb.diagnoses").unwrap()), &diagnoses);
        let facts: Vec<_> = numbers
            .map(|n| {
                let (seen, place) = if n % 2 == 0 { ("18300", "13") } else { ("18600", "27") };
                (
                    n,
                    [
                        ("sex", "2"),
                        ("birth_date", "-5000"),
                        ("first_seen", seen),
                        ("last_seen", seen),
                        ("prefecture", place),
                        ("place_on", seen),
                    ],
                )
            })
            .collect();
        world.write("person", &catalog::person_facts_schema(), &facts);
        world.write_facilities();
        world.sign();
        let out = world.zones.path("link");
        let job = LinkJob::new(&world.zones.linkage, &out, &tokens, crate::link::fixture::policy());
        crate::link::run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).unwrap();
        world
    }

    /// What the holder says of the files that lie in the batch now.
    fn manifest(&self) -> BatchManifest {
        let content = self.zones.path("b1").join("content");
        let names = fs::read_dir(&content).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let files = names.map(|name| (format!("content/{name}"), manifest::digest(&content.join(&name)).unwrap().1));
        BatchManifest {
            format: FORMAT,
            source: "ndb".to_owned(),
            batch: "b1".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            normaliser: "1".to_owned(),
            layouts: BTreeMap::from([("uke-medical".to_owned(), "ab12".to_owned())]),
            holder: self.holder.verifying().fingerprint(),
            epoch: "epoch".to_owned(),
            atoms: 2,
            tables: BTreeMap::from([("ndb.claims".to_owned(), 1)]),
            quarantined: 0,
            files: files.collect(),
            leak_scan: Some(LeakScan { values: 1, hits: 0 }),
            absent: 0,
        }
    }

    pub(super) fn sign(&self) {
        self.sign_as(|_| ());
    }

    fn sign_as(&self, change: impl FnOnce(&mut BatchManifest)) {
        let mut manifest = self.manifest();
        change(&mut manifest);
        manifest.write(&self.zones.path("b1"), &self.holder).unwrap();
    }

    /// Rows of an atom and named cells; all else is null.
    pub(super) fn write<const N: usize>(&self, table: &str, schema: &SchemaRef, rows: &[(u128, [(&str, &str); N])]) {
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| -> ArrayRef {
                if field.name() == "atom" {
                    let mut atoms = FixedSizeBinaryBuilder::new(16);
                    for (atom, _) in rows {
                        atoms.append_value(atom_id(*atom)).unwrap();
                    }
                    return Arc::new(atoms.finish());
                }
                let cells = rows
                    .iter()
                    .map(|(_, cells)| cells.iter().find(|(name, _)| name == field.name()).map(|(_, value)| *value));
                if *field.data_type() == DataType::Utf8 {
                    Arc::new(cells.collect::<StringArray>())
                } else if *field.data_type() == DataType::Date32 {
                    let days = cells.map(|cell| cell.map(|cell| cell.parse::<i32>().unwrap()));
                    Arc::new(days.collect::<Date32Array>())
                } else {
                    new_null_array(field.data_type(), rows.len())
                }
            })
            .collect();
        self.seal(table, &RecordBatch::try_new(Arc::clone(schema), columns).unwrap());
    }

    fn write_facilities(&self) {
        let schema = catalog::facility_facts_schema();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["1310100015", "1310100015"])),
            Arc::new(arrow::array::Int32Array::from(vec![None, Some(300)])),
            Arc::new(arrow::array::BooleanArray::from(vec![true, false])),
        ];
        self.seal("facility", &RecordBatch::try_new(schema, columns).unwrap());
    }

    fn seal(&self, table: &str, rows: &RecordBatch) {
        let folder = self.zones.path("b1").join("content");
        fs::create_dir_all(&folder).unwrap();
        let to = self.zones.enclave.recipient().unwrap();
        let mut writer = BatchWriter::create(&folder.join(format!("{table}.arrow.age")), &rows.schema(), &to).unwrap();
        writer.write(rows).unwrap();
        writer.finish().unwrap();
    }

    pub(super) fn releases(&self) -> PathBuf {
        self.zones.path("R")
    }

    fn release_with(
        &self,
        dataset: &str,
        version: Option<&str>,
        progress: &mut dyn FnMut(ReleaseProgress<'_>) -> bool,
    ) -> Result<Manifest, ReleaseError> {
        let (crosswalk, releases) = (self.zones.path("link"), self.releases());
        let job = ReleaseJob {
            dataset,
            version,
            content: &self.content,
            crosswalk: &crosswalk,
            keys: &self.zones.enclave,
            kind: ReleaseKind::Holders,
            releases: &releases,
            buckets: BucketCount::DEFAULT,
            code_version: "test",
            policy: crate::link::fixture::policy(),
            facility_software: None,
            steward_word: None,
        };
        run(&job, "2026-04-01T00:00:00Z".parse().unwrap(), progress)
    }

    fn release(&self, dataset: &str) -> Manifest {
        self.release_with(dataset, None, &mut |_| true).unwrap()
    }

    /// Rows of a bucket as the engine reads them; the file may be read as another table or bucket.
    fn read(&self, manifest: &Manifest, table: &str, file: usize, as_bucket: u16) -> Result<Vec<RecordBatch>, String> {
        let folder = manifest.release.folder(&self.releases());
        let kek = self.zones.enclave.bytes("kek").unwrap();
        let key = DatasetKey::unwrap(&manifest.wrapped_key, &kek, &manifest.release).unwrap();
        let properties = FileDecryptionProperties::builder(key.expose().to_vec())
            .with_aad_prefix(aad_prefix(&manifest.release, table, as_bucket))
            .build()
            .unwrap();
        let options = ArrowReaderOptions::new().with_file_decryption_properties(properties);
        let path = folder.join(&manifest.tables[table].files[file].path);
        ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(path).unwrap(), options)
            .map_err(|cause| cause.to_string())?
            .build()
            .map_err(|cause| cause.to_string())?
            .collect::<Result<_, _>>()
            .map_err(|cause| cause.to_string())
    }

    fn read_all(&self, manifest: &Manifest, table: &str) -> Vec<(u16, RecordBatch)> {
        let buckets = 0..u16::try_from(manifest.tables[table].files.len()).unwrap();
        buckets
            .flat_map(|bucket| {
                let rows = self.read(manifest, table, usize::from(bucket), bucket).unwrap();
                rows.into_iter().map(move |rows| (bucket, rows)).collect::<Vec<_>>()
            })
            .collect()
    }
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    rows.column_by_name(name).unwrap()
}

#[test]
fn a_release_is_bucketed_sorted_counted_and_readable() {
    let world = World::new(300);
    let manifest = world.release("ndb");
    assert_eq!(manifest.release.to_string(), "ndb/2026.1");
    let folder = manifest.release.folder(&world.releases());
    let key = world.zones.enclave.signing("sign").unwrap().verifying();
    assert_eq!(Manifest::read(&folder, &key).unwrap(), manifest);
    manifest.check_files(&folder).unwrap();
    assert!(!folder.join("spill").exists());
    assert_eq!(manifest.sources[0].layouts, BTreeMap::from([("uke-medical".to_owned(), "ab12".to_owned())]));

    let wanted: HashSet<&str> =
        catalog::tables().iter().filter(|t| t.schema() == Some("ndb")).map(|t| t.name.as_str()).collect();
    assert_eq!(manifest.tables.keys().map(String::as_str).collect::<HashSet<_>>(), wanted);
    assert!(manifest.tables.values().all(|table| table.files.len() == 8));
    let claims = &manifest.tables["ndb.claims"];
    assert_eq!((claims.rows, claims.persons), (600, Some(300)));
    assert_eq!((manifest.tables["ndb.diagnoses"].rows, manifest.tables["ndb.diagnoses"].persons), (1200, Some(300)));
    assert_eq!((manifest.tables["ndb.drugs"].rows, manifest.tables["ndb.drugs"].persons), (0, Some(0)));

    let mut last = 0;
    let mut facilities = HashSet::new();
    for (bucket, rows) in world.read_all(&manifest, "ndb.diagnoses") {
        assert_eq!(rows.schema().fields(), release_schema(catalog::table("ndb.diagnoses").unwrap()).fields());
        for key in column(&rows, "person_key").as_primitive::<UInt64Type>().values() {
            assert!(*key >= last && *key != 0);
            assert_eq!(bucket_of(PersonKey::new(*key), BucketCount::DEFAULT), bucket);
            last = *key;
        }
        facilities.extend(column(&rows, "__facility").as_primitive::<UInt32Type>().iter());
    }
    assert_eq!(facilities.len(), 1, "one institution, one surrogate");
}

#[test]
fn persons_of_a_source_are_merged_and_institutions_keep_their_surrogate() {
    let world = World::new(40);
    let ndb = world.release("ndb");
    let person = world.release("person");
    assert_eq!(person.pinned, std::slice::from_ref(&ndb.release));
    let table = &person.tables["person.ndb"];
    assert_eq!((table.rows, table.persons), (40, Some(40)));
    for (_, rows) in world.read_all(&person, "person.ndb") {
        let text = |name: &str| {
            column(&rows, name).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<HashSet<_>>()
        };
        assert_eq!(text("prefecture"), HashSet::from(["27".to_owned()]), "the latest place wins");
        assert_eq!(text("link_grade"), HashSet::from(["strong".to_owned()]));
        let first = column(&rows, "first_seen").as_primitive::<arrow::datatypes::Date32Type>();
        let last = column(&rows, "last_seen").as_primitive::<arrow::datatypes::Date32Type>();
        let month = column(&rows, "birth_month").as_primitive::<arrow::datatypes::Date32Type>();
        assert!(first.iter().all(|day| day == Some(18300)) && last.iter().all(|day| day == Some(18600)));
        assert!(month.iter().all(|day| day == Some(catalog::codes::days(jiff::civil::date(1956, 4, 1)))));
    }
    let facility = world.read(&person, "facility", 0, 0).unwrap();
    let id = column(&facility[0], "facility_id").as_primitive::<UInt32Type>().value(0);
    let in_claims = world.read_all(&ndb, "ndb.claims");
    assert!(in_claims.iter().all(|(_, rows)| {
        column(rows, "facility_id").as_primitive::<UInt32Type>().values().iter().all(|other| *other == id)
    }));
    assert!(in_claims.iter().all(|(_, rows)| {
        column(rows, "insurer_id").as_primitive::<UInt32Type>().values().iter().all(|other| *other != id)
    }));
    assert_eq!(facility[0].num_rows(), 1);
    assert_eq!(column(&facility[0], "kind").as_string::<i32>().value(0), "hospital");
    assert_eq!(column(&facility[0], "beds_band").as_string::<i32>().value(0), "200-399");
    assert!(column(&facility[0], "dpc_hospital").as_boolean().value(0));
}

#[test]
fn a_file_opens_in_its_own_place_only_and_a_flipped_byte_is_noticed() {
    let world = World::new(60);
    let manifest = world.release("ndb");
    let bucket = manifest.tables["ndb.claims"].files.iter().position(|file| file.rows > 0).unwrap();
    let number = u16::try_from(bucket).unwrap();
    assert!(world.read(&manifest, "ndb.claims", bucket, number).is_ok());
    assert!(world.read(&manifest, "ndb.claims", bucket, number ^ 1).is_err());
    let folder = manifest.release.folder(&world.releases());
    let path = folder.join(&manifest.tables["ndb.claims"].files[bucket].path);
    let whole = fs::read(&path).unwrap();
    for at in [10, whole.len() / 2, whole.len() - 20] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        policies::durable::replace(&path, &bytes).unwrap();
        assert!(manifest.check_files(&folder).is_err(), "byte {at}");
    }
    let mut bytes = whole;
    bytes[20] ^= 1;
    policies::durable::replace(&path, &bytes).unwrap();
    assert!(world.read(&manifest, "ndb.claims", bucket, number).is_err(), "Parquet notices as well");
}

#[test]
fn versions_are_immutable_and_the_next_one_is_free() {
    let world = World::new(4);
    assert_eq!(world.release("ndb").release.version(), "2026.1");
    assert_eq!(world.release("ndb").release.version(), "2026.2");
    let again = world.release_with("ndb", Some("2026.1"), &mut |_| true);
    assert!(matches!(again, Err(ReleaseError::Exists { .. })));
    let bad = world.release_with("ndb", Some("../x"), &mut |_| true);
    assert!(matches!(bad, Err(ReleaseError::Version)));
    let unknown = world.release_with("..", None, &mut |_| true);
    assert!(matches!(unknown, Err(ReleaseError::Dataset)));
    let other = world.release_with("dpc", None, &mut |_| true);
    assert!(matches!(other, Err(ReleaseError::Source { .. })));
}

#[test]
fn a_release_stopped_anywhere_leaves_nothing_to_be_seen() {
    let world = World::new(20);
    for steps in [0, 1, 3, 8] {
        let mut left = steps;
        let stopped = world.release_with("ndb", None, &mut |_| {
            left -= 1;
            left >= 0
        });
        assert!(matches!(stopped, Err(ReleaseError::Stopped)));
        assert_eq!(fs::read_dir(world.releases().join("ndb")).unwrap().count(), 0);
    }
    let signed = world.release_with("ndb", None, &mut |progress| progress.table != "manifest.json");
    assert!(matches!(signed, Err(ReleaseError::Stopped)));
    fs::create_dir_all(world.releases().join("ndb/.partial-dead/tables")).unwrap();
    assert_eq!(world.release("ndb").release.version(), "2026.1");
    assert!(!world.releases().join("ndb/.partial-dead").exists());
}

#[test]
fn content_that_was_not_linked_is_refused() {
    let world = World::new(4);
    let schema = catalog::person_facts_schema();
    world.write("person", &schema, &[(0, [("sex", "1")]), (99, [("sex", "1")])]);
    world.sign();
    let refused = world.release_with("person", None, &mut |_| true);
    assert!(matches!(refused, Err(ReleaseError::Unlinked { atoms: 1, .. })));
    world.sign_as(|manifest| manifest.batch = "b2".to_owned());
    let refused = world.release_with("ndb", None, &mut |_| true);
    assert!(matches!(refused, Err(ReleaseError::NotLinked { .. })));
    let crosswalk = world.zones.path("link").join("crosswalk.json");
    fs::remove_file(crosswalk).unwrap();
    let refused = world.release_with("ndb", None, &mut |_| true);
    assert!(matches!(refused, Err(ReleaseError::Crosswalk { .. })));
}

#[test]
fn a_batch_that_lost_a_table_is_refused() {
    let world = World::new(4);
    fs::remove_file(world.zones.path("b1").join("content/ndb.claims.arrow.age")).unwrap();
    let refused = world.release_with("ndb", None, &mut |_| true);
    assert!(matches!(refused, Err(ReleaseError::Batch { .. })));
    // A holder that signs for less than it counts has not finished either.
    world.sign();
    let refused = world.release_with("ndb", None, &mut |_| true);
    assert!(matches!(refused, Err(ReleaseError::Batch { .. })));
    fs::remove_file(world.zones.path("b1").join("batch.json")).unwrap();
    let refused = world.release_with("ndb", None, &mut |_| true);
    assert!(matches!(refused, Err(ReleaseError::Batch { .. })));
}

#[test]
fn errors_cross_threads() {
    fn crosses<T: std::error::Error + Send + Sync + 'static>() {}
    crosses::<ReleaseError>();
    crosses::<crate::link::LinkError>();
}
