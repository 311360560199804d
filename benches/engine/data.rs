//! Releases as the enclave keeps them, and the same rows unencrypted for the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use catalog::manifest::{FORMAT, Manifest, ReleaseFile, ReleaseTable, digest};
use catalog::{BucketCount, DatasetKey, ReleaseId, aad_prefix};
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::encryption::encrypt::FileEncryptionProperties;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use policies::keys::KeyFolder;
use policies::{DatasetGrant, Grade, Permit, Tier, Zone};
use synthetic::analysis::{self, Scale};

const BUCKETS: u16 = 8;
/// As the release writer has it.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// See the module.
pub(crate) struct Data {
    folder: PathBuf,
    keys: KeyFolder,
    rows: BTreeMap<String, u64>,
}

impl Data {
    /// Made in that folder, or found there complete.
    pub(crate) fn at(folder: &Path, persons: u64) -> Self {
        let folder = folder.join(format!("persons-{persons}"));
        let done = folder.join("rows.json");
        if let Ok(text) = fs::read_to_string(&done) {
            let keys = KeyFolder::open(&folder.join("keys"), Zone::Enclave).expect("the keys of that data");
            return Self { rows: serde_json::from_str(&text).expect("rows.json"), folder, keys };
        }
        fs::create_dir_all(folder.join("releases")).expect("a folder for the data");
        let keys = KeyFolder::init(&folder.join("keys"), Zone::Enclave, Timestamp::UNIX_EPOCH).expect("keys");
        let buckets: BucketCount = BUCKETS.try_into().expect("a bucket count");
        let scale = Scale { persons, buckets, seed: 20_261_121 };
        let mut data = Self { folder, keys, rows: BTreeMap::new() };
        for table in analysis::TABLES {
            data.write(&scale, table);
        }
        let mut file = File::create(done).expect("rows.json");
        serde_json::to_writer(&mut file, &data.rows).expect("rows.json");
        data
    }

    pub(crate) fn keys(&self) -> &KeyFolder {
        &self.keys
    }

    pub(crate) fn releases(&self) -> PathBuf {
        self.folder.join("releases")
    }

    pub(crate) fn plain(&self) -> PathBuf {
        self.folder.join("plain")
    }

    pub(crate) fn told(&self) -> String {
        let tables: Vec<String> = self.rows.iter().map(|(table, rows)| format!("{rows} rows of {table}")).collect();
        tables.join(", ")
    }

    /// For all columns of all tables.
    pub(crate) fn permit() -> Permit {
        let mut datasets = BTreeMap::new();
        for table in analysis::TABLES {
            let columns: BTreeSet<String> =
                catalog::table(table).expect("a table").columns.iter().map(|column| column.name.clone()).collect();
            let dataset = table.split('.').next().expect("a dataset").to_owned();
            let tables = BTreeMap::from([(table.to_owned(), columns)]);
            datasets.insert(dataset, DatasetGrant { release: "2026.1".to_owned(), tables });
        }
        let now = Timestamp::UNIX_EPOCH;
        Permit {
            id: "P-2026-000001".parse().expect("an id"),
            application: "A-2026-000001".parse().expect("an id"),
            application_head: String::new(),
            project: "bench".parse().expect("a project"),
            members: BTreeMap::new(),
            datasets,
            row_filter: Vec::new(),
            tier: Tier::Pseudonymized,
            profile: "standard".to_owned(),
            grade: Grade::Exact,
            conditions: Vec::new(),
            issued_at: now,
            expires_at: now,
        }
    }

    fn write(&mut self, scale: &Scale, table: &str) {
        let (dataset, short) = table.split_once('.').expect("a qualified name");
        let id: ReleaseId = format!("{dataset}/2026.1").parse().expect("a release");
        let folder = id.folder(&self.releases());
        fs::create_dir_all(folder.join("tables").join(table)).expect("a folder");
        fs::create_dir_all(self.plain().join(dataset).join(short)).expect("a folder");
        let key = DatasetKey::generate();
        let mut files = Vec::new();
        for bucket in scale.buckets.iter() {
            let rows = analysis::bucket(scale, table, bucket).expect("a table that is made");
            let path = format!("tables/{table}/bucket-{bucket:03}.parquet");
            let encryption = FileEncryptionProperties::builder(key.expose().to_vec())
                .with_aad_prefix(aad_prefix(&id, table, bucket))
                .with_aad_prefix_storage(false)
                .build()
                .expect("encryption");
            let sealed = properties().with_file_encryption_properties(encryption).build();
            write(&folder.join(&path), &rows, sealed);
            let plain = self.plain().join(dataset).join(short).join(format!("bucket-{bucket:03}.parquet"));
            write(&plain, &rows, properties().build());
            let (bytes, sha256) = digest(&folder.join(&path)).expect("a digest");
            *self.rows.entry(table.to_owned()).or_default() += rows.num_rows() as u64;
            files.push(ReleaseFile { path, bucket: Some(bucket), rows: rows.num_rows() as u64, bytes, sha256 });
        }
        let schema = catalog::release_schema(catalog::table(table).expect("a table"));
        let columns = schema.fields().iter().map(|f| (f.name().clone(), f.data_type().to_string())).collect();
        let rows = self.rows[table];
        let stored = ReleaseTable { columns, rows, persons: Some(scale.persons), files };
        let manifest = Manifest {
            format: FORMAT,
            release: id.clone(),
            kind: catalog::ReleaseKind::Holders,
            created_at: Timestamp::UNIX_EPOCH,
            code_version: "bench".to_owned(),
            buckets: scale.buckets,
            tables: BTreeMap::from([(table.to_owned(), stored)]),
            sources: Vec::new(),
            crosswalk: String::new(),
            pinned: Vec::new(),
            quality: None,
            wrapped_key: key.wrap(&self.keys.bytes("kek").expect("kek"), &id).expect("a wrapped key"),
        };
        manifest.write(&folder, &self.keys.signing("sign").expect("sign")).expect("a manifest");
    }
}

fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("a level")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
}

fn write(path: &Path, rows: &RecordBatch, properties: WriterProperties) {
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, Arc::clone(rows.schema_ref()), Some(properties)).expect("a writer");
    writer.write(rows).expect("rows");
    writer.close().expect("a file");
}
