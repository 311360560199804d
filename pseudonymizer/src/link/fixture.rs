//! Made-up token batches for tests, written through the same sealing as a holder's.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, FixedSizeBinaryBuilder};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::record_batch::RecordBatch;
use jiff::Timestamp;
use policies::keys::{KeyFolder, SigningKey};
use policies::{LinkagePolicy, Zone};
use sha2::{Digest, Sha256};

use super::atoms::{Atom, KINDS, Kind, Months};
use crate::seal::{BatchReader, BatchWriter};

/// The built-in policy.
pub(crate) fn policy() -> &'static LinkagePolicy {
    static POLICY: LazyLock<LinkagePolicy> = LazyLock::new(|| LinkagePolicy::shipped().unwrap());
    &POLICY
}

/// Keys of the zones, in a temporary folder.
pub(crate) struct Zones {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) linkage: KeyFolder,
    pub(crate) enclave: KeyFolder,
    pub(crate) holder: SigningKey,
}

impl Zones {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = |zone: Zone| KeyFolder::init(&dir.path().join(zone.as_str()), zone, Timestamp::UNIX_EPOCH).unwrap();
        let (linkage, enclave) = (keys(Zone::Linkage), keys(Zone::Enclave));
        Self { linkage, enclave, holder: SigningKey::generate(), dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes `<name>/tokens/` by a holder whom the zone trusts, and returns it. Metadata by name win over the usual ones.
    pub(crate) fn tokens(&self, name: &str, source: &str, rows: &[Atom], metadata: &[(&str, &str)]) -> PathBuf {
        self.linkage.trust(source, &self.holder.verifying()).unwrap();
        self.strange_tokens(name, source, rows, metadata)
    }

    /// The same, whether the zone trusts the holder or not.
    pub(crate) fn strange_tokens(&self, name: &str, source: &str, rows: &[Atom], metadata: &[(&str, &str)]) -> PathBuf {
        let folder = self.path(name).join("tokens");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("tokens.arrow.age");
        let batch = token_rows(rows);
        let mut told: HashMap<String, String> = HashMap::from([
            ("sudare.source".to_owned(), source.to_owned()),
            ("sudare.batch".to_owned(), name.to_owned()),
            ("sudare.normaliser".to_owned(), crate::NORMALISER_VERSION.to_owned()),
            ("sudare.epoch".to_owned(), "epoch".to_owned()),
            ("sudare.release_to".to_owned(), self.enclave.recipient().unwrap().to_string()),
        ]);
        told.extend(metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let schema = Arc::new(batch.schema().as_ref().clone().with_metadata(told));
        let mut writer = BatchWriter::create(&file, &schema, &self.linkage.recipient().unwrap()).unwrap();
        writer.write(&batch.with_schema(Arc::clone(&schema)).unwrap()).unwrap();
        writer.finish().unwrap();
        self.sign(&file);
        folder
    }

    /// Writes `<name>/tokens/` with the tokens of persons who stay out (the atoms of `absent`), as the list stood at `at`.
    pub(crate) fn tokens_with(&self, name: &str, source: &str, rows: &[Atom], absent: &[Atom], at: &str) -> PathBuf {
        let folder = self.path(name).join("tokens");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(super::absent::FILE);
        let schema = Arc::new(Schema::new(crate::absent::fields()));
        let mut writer = BatchWriter::create(&file, &schema, &self.linkage.recipient().unwrap()).unwrap();
        let absent: Vec<_> = absent.iter().map(|atom| &atom.tokens).collect();
        writer.write(&crate::absent::rows(&schema, &absent).unwrap()).unwrap();
        writer.finish().unwrap();
        let (_, digest) = catalog::manifest::digest(&file).unwrap();
        self.tokens(name, source, rows, &[(super::absent::DIGEST, &digest), (super::absent::CHANGED, at)])
    }

    /// Writes `<name>/` with run tokens by the trusted holder of a source. Metadata by name win over the usual ones.
    pub(crate) fn run_tokens(
        &self,
        name: &str,
        source: &str,
        rows: &RecordBatch,
        metadata: &[(&str, &str)],
    ) -> PathBuf {
        self.linkage.trust(source, &self.holder.verifying()).unwrap();
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("run.arrow.age");
        let usual = [
            ("sudare.source", source),
            ("sudare.batch", name),
            ("sudare.normaliser", crate::NORMALISER_VERSION),
            ("sudare.epoch", "epoch"),
            ("sudare.run", "2026-11"),
            ("sudare.run_key", "key"),
        ];
        let told: HashMap<String, String> =
            usual.iter().chain(metadata).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let schema = Arc::new(rows.schema().as_ref().clone().with_metadata(told));
        let mut writer = BatchWriter::create(&file, &schema, &self.linkage.recipient().unwrap()).unwrap();
        writer.write(&rows.clone().with_schema(Arc::clone(&schema)).unwrap()).unwrap();
        writer.finish().unwrap();
        crate::delivery::sign(&file, &self.holder).unwrap();
        folder
    }

    fn sign(&self, file: &Path) {
        let (_, digest) = catalog::manifest::digest(file).unwrap();
        let signature = hex::encode(self.holder.sign(&hex::decode(digest).unwrap()));
        let text = format!("{signature}\n{}\n", self.holder.verifying().to_hex());
        policies::durable::replace(&file.with_file_name("tokens.sig"), text.as_bytes()).unwrap();
    }
}

/// The crosswalk as the enclave reads it: by atom, key and grade.
pub(crate) fn crosswalk(out: &Path, enclave: &KeyFolder) -> BTreeMap<[u8; 16], (Option<u64>, String)> {
    let (_, marker) = super::Marker::beside(out).unwrap();
    let mut found = BTreeMap::new();
    for file in &marker.files {
        let path = out.join(&file.name);
        assert_eq!(catalog::manifest::digest(&path).unwrap().1, file.sha256);
        for batch in BatchReader::open(&path, &enclave.seal().unwrap()).unwrap() {
            let batch = batch.unwrap();
            let atoms = batch.column_by_name("atom").unwrap().as_fixed_size_binary();
            let keys = batch.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>();
            let grades = batch.column_by_name("link_grade").unwrap().as_string::<i32>();
            for row in 0..batch.num_rows() {
                let (atom, grade) = (atoms.value(row).try_into().unwrap(), grades.value(row).to_owned());
                assert_eq!(keys.is_null(row), [super::crosswalk::ABSENT, super::crosswalk::GONE].contains(&&*grade));
                if grade == super::crosswalk::GONE {
                    assert!(found.remove(&atom).is_some());
                } else {
                    found.insert(atom, (keys.is_valid(row).then(|| keys.value(row)), grade));
                }
            }
        }
    }
    assert_eq!(found.len() as u64, marker.atoms);
    found
}

/// All files of a folder of link, as they lie there, and as they open with the keys.
pub(crate) fn everything_in(out: &Path, keys: &[&KeyFolder]) -> (Vec<u8>, Vec<u8>) {
    let (mut lying, mut opened) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(out).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let (more, inside) = everything_in(&path, keys);
            lying.extend(more);
            opened.extend(inside);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for keys in keys {
            let identity = keys.seal().unwrap();
            if let Ok(batches) = BatchReader::open(&path, &identity) {
                for column in batches.flat_map(|batch| batch.unwrap().columns().to_vec()) {
                    opened.extend(column.to_data().buffers().iter().flat_map(|buffer| buffer.to_vec()));
                }
            } else if let Ok(inside) = crate::seal::open_bytes(&bytes, &identity) {
                opened.extend(inside);
            }
        }
        lying.extend(bytes);
    }
    (lying, opened)
}

fn token_rows(rows: &[Atom]) -> RecordBatch {
    let bytes = |cells: Vec<Option<[u8; 16]>>| {
        let mut builder = FixedSizeBinaryBuilder::new(16);
        for cell in cells {
            match cell {
                Some(cell) => builder.append_value(cell).unwrap(),
                None => builder.append_null(),
            }
        }
        Arc::new(builder.finish()) as ArrayRef
    };
    let date = |pick: fn(Months) -> i32| {
        let day = |months: Months| {
            let month = pick(months);
            let date = jiff::civil::date(i16::try_from(month / 12).unwrap(), i8::try_from(month % 12 + 1).unwrap(), 1);
            catalog::codes::days(date)
        };
        Arc::new(rows.iter().map(|row| row.months.map(day)).collect::<Date32Array>()) as ArrayRef
    };
    let mut fields = vec![Field::new("atom", DataType::FixedSizeBinary(16), false)];
    let mut columns = vec![bytes(rows.iter().map(|row| Some(row.id)).collect())];
    for (place, kind) in Kind::AT_REST.into_iter().enumerate() {
        fields.push(Field::new(kind.name(), DataType::FixedSizeBinary(16), true));
        columns.push(bytes(rows.iter().map(|row| row.tokens[place]).collect()));
    }
    fields.extend(["first_month", "last_month"].map(|name| Field::new(name, DataType::Date32, true)));
    columns.extend([date(|months| months.first), date(|months| months.last)]);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// An atom by words: `"1 ndb 2020-01..2020-12 a3=a b1=yamada"`. Equal words make equal tokens.
pub(crate) fn atom(words: &str) -> Atom {
    let mut words = words.split_whitespace();
    let id: u128 = words.next().unwrap().parse().unwrap();
    let source = words.next().unwrap();
    // An added source has the place behind the catalog's.
    let source = catalog::SOURCES.iter().position(|known| *known == source).unwrap_or(catalog::SOURCES.len());
    let source = u8::try_from(source).unwrap();
    let mut made = Atom { id: atom_id(id), source, batch: 0, tokens: [None; KINDS], months: None };
    for word in words {
        if let Some((first, last)) = word.split_once("..") {
            made.months = Some(Months { first: month(first), last: month(last) });
            continue;
        }
        let (kind, value) = word.split_once('=').unwrap();
        let place = Kind::AT_REST.iter().position(|known| known.name() == kind).unwrap();
        made.tokens[place] = Some(Sha256::digest(format!("{kind}={value}"))[..16].try_into().unwrap());
    }
    made
}

/// The id of the atom of that number, spread like a random one.
pub(crate) fn atom_id(number: u128) -> [u8; 16] {
    Sha256::digest(number.to_le_bytes())[..16].try_into().unwrap()
}

fn month(text: &str) -> i32 {
    let (year, month) = text.split_once('-').unwrap();
    year.parse::<i32>().unwrap() * 12 + month.parse::<i32>().unwrap() - 1
}
