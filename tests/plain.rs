//! Releases of a world, decrypted with the enclave's keys: for the tests that look behind the veil.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use catalog::{DatasetKey, Manifest, aad_prefix};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::encryption::decrypt::FileDecryptionProperties;
use policies::Zone;
use policies::keys::{KeyFolder, VerifyingKey};

/// Batches of a Parquet file.
pub(crate) fn read(file: &Path, options: ArrowReaderOptions) -> impl Iterator<Item = RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(file).unwrap(), options).unwrap();
    builder.build().unwrap().map(|batch| batch.unwrap())
}

/// Calls `each` with table, bucket and batches of every file of every release in a world.
pub(crate) fn decrypt(world: &Path, mut each: impl FnMut(&str, u16, &mut dyn Iterator<Item = RecordBatch>)) {
    let keys = KeyFolder::open(&world.join("enclave/keys"), Zone::Enclave).unwrap();
    for dataset in ["ndb", "ltc", "dpc", "ehr", "registry", "person"] {
        decrypt_one(&keys, &world.join("enclave/releases").join(dataset).join("2026.1"), &mut each);
    }
}

/// The same of one release.
pub(crate) fn decrypt_one(
    keys: &KeyFolder,
    release: &Path,
    each: &mut dyn FnMut(&str, u16, &mut dyn Iterator<Item = RecordBatch>),
) {
    let (kek, signer) = (keys.bytes("kek").unwrap(), VerifyingKey::read(&keys.public("sign")).unwrap());
    let manifest = Manifest::read(release, &signer).unwrap();
    let key = DatasetKey::unwrap(&manifest.wrapped_key, &kek, &manifest.release).unwrap();
    for (name, table) in &manifest.tables {
        for file in &table.files {
            let bucket = file.bucket.unwrap_or(0);
            let properties = FileDecryptionProperties::builder(key.expose().to_vec())
                .with_aad_prefix(aad_prefix(&manifest.release, name, bucket))
                .build()
                .unwrap();
            let options = ArrowReaderOptions::new().with_file_decryption_properties(properties);
            each(name, bucket, &mut read(&release.join(&file.path), options));
        }
    }
}

/// Writes every table as plain Parquet into `out/<table>/`.
pub(crate) fn write(world: &Path, out: &Path) {
    decrypt(world, |table, bucket, batches| {
        let folder = out.join(table);
        fs::create_dir_all(&folder).unwrap();
        let mut writer = None;
        for batch in batches {
            let writer = writer.get_or_insert_with(|| {
                let file = File::create(folder.join(format!("{bucket:03}.parquet"))).unwrap();
                ArrowWriter::try_new(file, Arc::clone(batch.schema_ref()), None).unwrap()
            });
            writer.write(&batch).unwrap();
        }
        if let Some(writer) = writer {
            writer.close().unwrap();
        }
    });
}
