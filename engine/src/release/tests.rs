//! A small encrypted release, written by the contract of `catalog`, and every way in which one is not believed.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use catalog::manifest::{FORMAT, ReleaseFile, ReleaseTable, digest};
use catalog::{PersonKey, ReleaseKind, aad_prefix, bucket_of};
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::encryption::encrypt::FileEncryptionProperties;
use parquet::file::properties::WriterProperties;
use policies::Zone;
use tempfile::TempDir;

use super::*;

/// An enclave's folders in a temporary place.
pub(crate) struct Enclave {
    pub(crate) dir: TempDir,
    pub(crate) keys: KeyFolder,
    pub(crate) buckets: BucketCount,
    /// Whose records its releases say they hold.
    pub(crate) kind: ReleaseKind,
}

impl Enclave {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyFolder::init(&dir.path().join("keys"), Zone::Enclave, Timestamp::UNIX_EPOCH).unwrap();
        std::fs::create_dir(dir.path().join("releases")).unwrap();
        Self { dir, keys, buckets: 4.try_into().unwrap(), kind: ReleaseKind::Holders }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("releases")
    }

    /// Writes a release of `tables` (rows sorted by person key).
    pub(crate) fn write(&self, release: &str, tables: &[(&str, RecordBatch)]) -> ReleaseId {
        let id: ReleaseId = release.parse().unwrap();
        let (folder, key) = (id.folder(&self.folder()), DatasetKey::generate());
        let kek = self.keys.bytes("kek").unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        let mut manifest = Manifest {
            format: FORMAT,
            release: id.clone(),
            kind: self.kind,
            created_at: Timestamp::UNIX_EPOCH,
            code_version: "test".to_owned(),
            buckets: self.buckets,
            tables: BTreeMap::new(),
            sources: Vec::new(),
            crosswalk: String::new(),
            pinned: Vec::new(),
            quality: None,
            wrapped_key: key.wrap(&kek, &id).unwrap(),
        };
        for (name, rows) in tables {
            let place = TablePlace { folder: &folder, id: &id, key: &key, name };
            manifest.tables.insert((*name).to_owned(), self.write_table(&place, rows));
        }
        manifest.write(&folder, &self.keys.signing("sign").unwrap()).unwrap();
        id
    }

    fn write_table(&self, place: &TablePlace<'_>, rows: &RecordBatch) -> ReleaseTable {
        std::fs::create_dir_all(place.folder.join("tables").join(place.name)).unwrap();
        let keys = rows.column_by_name("person_key").cloned();
        let files = match keys {
            None => vec![place.write(None, rows)],
            Some(keys) => {
                let keys = arrow::array::AsArray::as_primitive::<arrow::datatypes::UInt64Type>(&keys).clone();
                let of = |bucket| {
                    let mask =
                        keys.values().iter().map(|key| Some(bucket_of(PersonKey::new(*key), self.buckets) == bucket));
                    filter_record_batch(rows, &mask.collect()).unwrap()
                };
                // A bucket without rows has no file.
                let filled =
                    self.buckets.iter().map(|bucket| (bucket, of(bucket))).filter(|(_, rows)| rows.num_rows() > 0);
                filled.map(|(bucket, rows)| place.write(Some(bucket), &rows)).collect()
            }
        };
        let columns = rows.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().to_string())).collect();
        ReleaseTable { columns, rows: rows.num_rows() as u64, persons: None, files }
    }
}

struct TablePlace<'a> {
    folder: &'a Path,
    id: &'a ReleaseId,
    key: &'a DatasetKey,
    name: &'a str,
}

impl TablePlace<'_> {
    fn write(&self, bucket: Option<u16>, rows: &RecordBatch) -> ReleaseFile {
        let path = format!("tables/{}/bucket-{:03}.parquet", self.name, bucket.unwrap_or(0));
        let encryption = FileEncryptionProperties::builder(self.key.expose().to_vec())
            .with_aad_prefix(aad_prefix(self.id, self.name, bucket.unwrap_or(0)))
            .with_aad_prefix_storage(false)
            .build()
            .unwrap();
        let properties = WriterProperties::builder()
            .with_file_encryption_properties(encryption)
            .set_max_row_group_row_count(Some(3))
            .build();
        let at = self.folder.join(&path);
        let mut writer = ArrowWriter::try_new(File::create(&at).unwrap(), rows.schema(), Some(properties)).unwrap();
        writer.write(rows).unwrap();
        writer.close().unwrap();
        let (bytes, sha256) = digest(&at).unwrap();
        ReleaseFile { path, bucket, rows: rows.num_rows() as u64, bytes, sha256 }
    }
}

/// A batch of `schema` with the named columns; all others are missing values.
pub(crate) fn rows(schema: &SchemaRef, columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let length = columns[0].1.len();
    let column = |field: &Arc<arrow::datatypes::Field>| {
        let given = columns.iter().find(|(name, _)| name == field.name());
        given.map_or_else(|| new_null_array(field.data_type(), length), |(_, column)| Arc::clone(column))
    };
    RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect()).unwrap()
}

/// Person keys spread over the four buckets: person 0 in bucket 0, 1 in 1, 2 in 2, 3 in 3, 4 in 0 …, sorted.
pub(crate) fn person_keys(persons: u64) -> Vec<u64> {
    let mut keys: Vec<u64> = (0..persons).map(|person| (person % 4) << 62 | (person + 1)).collect();
    keys.sort_unstable();
    keys
}

/// `persons` persons with `each` claims a person; points 100, 200, … in the order of the rows.
pub(crate) fn claims(persons: u64, each: usize) -> RecordBatch {
    let keys: Vec<u64> = person_keys(persons).into_iter().flat_map(|key| vec![key; each]).collect();
    let schema = catalog::release_schema(catalog::table("ndb.claims").unwrap());
    let count = i32::try_from(keys.len()).unwrap();
    let prefecture = (0..count).map(|row| if row % 2 == 0 { "13" } else { "27" });
    rows(
        &schema,
        &[
            ("prefecture", Arc::new(arrow::array::StringArray::from_iter_values(prefecture))),
            ("points", Arc::new((1..=count).map(|row| row * 100).collect::<arrow::array::Int32Array>())),
            (
                "service_month",
                Arc::new(arrow::array::Date32Array::from_iter_values((0..count).map(|row| 19_000 + row))),
            ),
            (
                "__facility",
                Arc::new((0..count).map(|row| u32::try_from(row % 3).unwrap()).collect::<arrow::array::UInt32Array>()),
            ),
            ("person_key", Arc::new(arrow::array::UInt64Array::from(keys))),
        ],
    )
}

fn outcome(enclave: &Enclave, release: &ReleaseId) -> Result<(), String> {
    let releases = Releases::closed(&enclave.folder(), &enclave.keys, ReleaseKind::Holders).unwrap();
    releases.get(release).map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn a_whole_release_opens_and_lists_its_tables() {
    let enclave = Enclave::new();
    let id = enclave.write("ndb/2026.1", &[("ndb.claims", claims(10, 2))]);
    let mut seen = Vec::new();
    let releases =
        Releases::open(&enclave.folder(), &enclave.keys, |id, outcome| seen.push((id.clone(), outcome.is_ok())))
            .unwrap();
    assert_eq!(seen, [(id.clone(), true)]);
    let release = releases.get(&id).unwrap();
    assert_eq!(release.table("ndb.claims").unwrap().rows, 20);
    assert!(release.table("ndb.drugs").is_none());
}

#[test]
fn any_changed_byte_is_refused_by_name() {
    let enclave = Enclave::new();
    let id = enclave.write("ndb/2026.1", &[("ndb.claims", claims(4, 1))]);
    for file in ["manifest.json", "manifest.sig", "tables/ndb.claims/bucket-001.parquet"] {
        let path = id.folder(&enclave.folder()).join(file);
        let whole = std::fs::read(&path).unwrap();
        for place in [0, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[place] ^= 4;
            policies::durable::replace(&path, &changed).unwrap();
            let sentence = outcome(&enclave, &id).unwrap_err();
            assert!(sentence.contains("not served"), "{file}, byte {place}: {sentence}");
        }
        policies::durable::replace(&path, &whole).unwrap();
    }
    outcome(&enclave, &id).unwrap();
}

#[test]
fn a_release_of_another_enclave_or_in_anothers_place_is_refused() {
    let (enclave, other) = (Enclave::new(), Enclave::new());
    let id = enclave.write("ndb/2026.1", &[("ndb.claims", claims(4, 1))]);
    let foreign = Releases::closed(&enclave.folder(), &other.keys, ReleaseKind::Holders).unwrap();
    assert!(matches!(&*foreign.get(&id).unwrap_err(), ReleaseError::Manifest(ManifestError::Signature { .. })));
    let moved: ReleaseId = "ndb/2026.2".parse().unwrap();
    std::fs::rename(id.folder(&enclave.folder()), moved.folder(&enclave.folder())).unwrap();
    assert!(outcome(&enclave, &moved).unwrap_err().contains("not served"));
    assert!(outcome(&enclave, &id).unwrap_err().contains("no release ndb/2026.1"));
}

#[test]
fn bucket_counts_are_never_mixed() {
    let mut enclave = Enclave::new();
    let four = enclave.write("ndb/2026.1", &[("ndb.claims", claims(4, 1))]);
    enclave.buckets = 8.try_into().unwrap();
    let eight = enclave.write("ltc/2026.1", &[]);
    let releases = Releases::closed(&enclave.folder(), &enclave.keys, ReleaseKind::Holders).unwrap();
    releases.get(&four).unwrap();
    let error = releases.get(&eight).unwrap_err();
    assert_eq!(
        error.to_string(),
        "release ltc/2026.1 was made with 8 buckets, the releases in use with 4; make it again with 4"
    );
}

#[test]
fn dummy_releases_and_peoples_are_never_opened_for_each_other() {
    let mut enclave = Enclave::new();
    let people = enclave.write("ndb/2026.1", &[("ndb.claims", claims(4, 1))]);
    enclave.kind = ReleaseKind::Dummy;
    let dummy = enclave.write("ltc/2026.1", &[]);
    let releases = Releases::closed(&enclave.folder(), &enclave.keys, ReleaseKind::Holders).unwrap();
    releases.get(&people).unwrap();
    assert!(matches!(&*releases.get(&dummy).unwrap_err(), ReleaseError::Dummy { release } if *release == dummy));
    let dummies = Releases::closed(&enclave.folder(), &enclave.keys, ReleaseKind::Dummy).unwrap();
    dummies.get(&dummy).unwrap();
    assert!(matches!(&*dummies.get(&people).unwrap_err(), ReleaseError::NotDummy { release } if *release == people));
    // One release of people in the folder, and the engine for dummies does not begin.
    let started = Releases::open_dummies(&enclave.folder(), &enclave.keys, |_, _| ());
    assert!(matches!(started, Err(ReleaseError::NotDummy { .. })));
    std::fs::remove_dir_all(people.folder(&enclave.folder())).unwrap();
    let started = Releases::open_dummies(&enclave.folder(), &enclave.keys, |_, _| ()).unwrap();
    assert_eq!(
        started.served().iter().map(|release| release.id().clone()).collect::<Vec<_>>(),
        std::slice::from_ref(&dummy)
    );
    // A word that somebody changes takes the signature with it.
    let path = dummy.folder(&enclave.folder()).join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"dummy\"", "\"holders\"");
    policies::durable::replace(&path, text.as_bytes()).unwrap();
    let people = Releases::closed(&enclave.folder(), &enclave.keys, ReleaseKind::Holders).unwrap();
    assert!(matches!(&*people.get(&dummy).unwrap_err(), ReleaseError::Manifest(ManifestError::Signature { .. })));
}
