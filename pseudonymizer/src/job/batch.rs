//! The batch folder: built beside its place, signed, and renamed when everything is in it; `batch.json` is its last file.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int32Array, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use catalog::codes::days;
use jiff::Timestamp;
use policies::durable;
use policies::keys::SecretBytes;
use rand::Rng;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Job, PseudonymizeError, remove};
use crate::atoms::AtomFacts;
use crate::intake::{FacilityFacts, Intake};
use crate::normalise;
use crate::report::{FileReport, Report};
use crate::seal::{BatchWriter, SealError};
use crate::tokens::{KINDS, Kind, Token};

/// What the readers of this version understand; its SHA-256 stands on each batch.
const LAYOUTS: &str = "uke-medical 2022-04; uke-dpc 2014; uke-pharmacy 2018; checkup-cda V08; ltc-claims 2018; \
                       ltc-certification 2009; dpc-form1 2014; dpc-ef 2024; fhir-clins 2024-10";

/// Rows of one Arrow batch.
const ROWS: usize = 8192;

/// A batch folder being made. Dropped unfinished, it takes what it made away.
pub(crate) struct Folder {
    partial: PathBuf,
    out: PathBuf,
}

impl Folder {
    /// Makes the folder beside its place. Refuses a place that holds something.
    pub(crate) fn begin(out: &Path) -> Result<Self, PseudonymizeError> {
        let taken = || PseudonymizeError::Exists { path: out.to_owned() };
        let free = match fs::read_dir(out) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => !out.exists(),
        };
        if !free {
            return Err(taken());
        }
        let mut partial = out.as_os_str().to_owned();
        partial.push(".partial");
        let folder = Self { partial: PathBuf::from(partial), out: out.to_owned() };
        remove(&folder.partial)?;
        for part in [folder.tokens(), folder.content(), folder.quarantine()] {
            fs::create_dir_all(&part).map_err(PseudonymizeError::io(&part))?;
        }
        Ok(folder)
    }

    pub(crate) fn content(&self) -> PathBuf {
        self.partial.join("content")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.partial.join("quarantine")
    }

    fn tokens(&self) -> PathBuf {
        self.partial.join("tokens")
    }

    fn write(&self, name: &str, value: &serde_json::Value) -> Result<(), PseudonymizeError> {
        let path = self.partial.join(name);
        let text = format!("{value:#}\n");
        durable::replace(&path, text.as_bytes()).map_err(PseudonymizeError::io(&path))
    }

    fn publish(self) -> Result<(), PseudonymizeError> {
        for part in [self.tokens(), self.content(), self.quarantine()] {
            File::open(&part).and_then(|folder| folder.sync_all()).map_err(PseudonymizeError::io(&part))?;
        }
        durable::publish(&self.partial, &self.out).map_err(PseudonymizeError::io(&self.out))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; what cannot be removed is named `.partial` and is never read.
        let _removed = fs::remove_dir_all(&self.partial);
    }
}

/// Ends everything and lets the batch appear.
pub(crate) fn finish(
    job: &Job<'_>,
    epoch: &SecretBytes,
    intake: Intake<'_>,
    files: Vec<FileReport>,
    folder: Folder,
    now: Timestamp,
) -> Result<Report, PseudonymizeError> {
    let sign = job.keys.signing("sign").map_err(PseudonymizeError::Keys)?;
    let mut name = [0; 16];
    rand::rng().fill_bytes(&mut name);
    let atoms = intake.atoms.into_facts();
    let mut report = Report {
        source: job.source.name(),
        batch: hex::encode(name),
        created_at: now,
        normaliser: normalise::VERSION,
        files,
        tables: intake.content.finish()?,
        atoms: u64::try_from(atoms.len()).unwrap_or(u64::MAX),
        tokens: token_counts(&atoms),
    };
    intake.quarantine.finish()?;
    let persons = write_persons(&folder, job, &atoms)?;
    let facilities = write_facilities(&folder, job, &intake.facilities)?;
    report.tables.extend([("person", persons), ("facility", facilities)]);
    let digest = write_tokens(&folder, job, epoch, &report.batch, &atoms)?;
    let signature = format!("{} {}\n", hex::encode(sign.sign(&digest)), sign.verifying().to_hex());
    let path = folder.tokens().join("tokens.sig");
    durable::replace(&path, signature.as_bytes()).map_err(PseudonymizeError::io(&path))?;
    folder.write("report.json", &json!(report))?;
    folder.write(
        "batch.json",
        &json!({
            "source": report.source,
            "batch": report.batch,
            "created_at": report.created_at,
            "normaliser": report.normaliser,
            "layouts": hex::encode(Sha256::digest(LAYOUTS)),
            "holder": sign.verifying().fingerprint(),
            "epoch": epoch.fingerprint(),
            "atoms": report.atoms,
            "tables": report.tables,
            "quarantined": report.quarantined(),
            "tokens_sha256": hex::encode(digest),
        }),
    )?;
    folder.publish()?;
    Ok(report)
}

fn token_counts(atoms: &[AtomFacts]) -> BTreeMap<&'static str, u64> {
    let count = |kind: Kind| {
        let made = atoms.iter().filter(|atom| atom.tokens.get(kind.place()).is_some_and(Option::is_some)).count();
        u64::try_from(made).unwrap_or(u64::MAX)
    };
    Kind::AT_REST.into_iter().map(|kind| (kind.name(), count(kind))).collect()
}

fn write_persons(folder: &Folder, job: &Job<'_>, atoms: &[AtomFacts]) -> Result<u64, PseudonymizeError> {
    let path = folder.content().join("person.arrow.age");
    let schema = catalog::person_facts_schema();
    write(&path, &schema, &job.release_to, atoms, |atoms| {
        let date = |of: fn(&AtomFacts) -> Option<jiff::civil::Date>| -> ArrayRef {
            Arc::new(atoms.iter().map(|atom| of(atom).map(days)).collect::<Date32Array>())
        };
        let text = |of: fn(&AtomFacts) -> Option<String>| -> ArrayRef {
            Arc::new(atoms.iter().map(of).collect::<StringArray>())
        };
        Ok(vec![
            ids(atoms)?,
            date(|atom| atom.birth_date),
            date(|atom| atom.birth_month),
            text(|atom| atom.sex.map(str::to_owned)),
            text(|atom| atom.home.map(|(_, home)| format!("{:02}", home.prefecture))),
            text(|atom| atom.home.and_then(|(_, home)| home.municipality).map(|code| format!("{code:05}"))),
            date(|atom| atom.home.map(|(on, _)| on)),
            date(|atom| atom.seen.map(|(first, _)| first)),
            date(|atom| atom.seen.map(|(_, last)| last)),
            date(|atom| atom.died),
        ])
    })
}

fn write_facilities(
    folder: &Folder,
    job: &Job<'_>,
    facilities: &BTreeMap<String, FacilityFacts>,
) -> Result<u64, PseudonymizeError> {
    let path = folder.content().join("facility.arrow.age");
    let schema = catalog::facility_facts_schema();
    let all: Vec<(&String, &FacilityFacts)> = facilities.iter().collect();
    write(&path, &schema, &job.release_to, &all, |some| {
        let codes: ArrayRef = Arc::new(some.iter().map(|(code, _)| Some(code.as_str())).collect::<StringArray>());
        let beds: ArrayRef = Arc::new(some.iter().map(|(_, facts)| facts.beds).collect::<Int32Array>());
        let dpc: ArrayRef = Arc::new(some.iter().map(|(_, facts)| Some(facts.dpc)).collect::<BooleanArray>());
        Ok(vec![codes, beds, dpc])
    })
}

/// Writes the tokens; SHA-256 of the sealed file.
fn write_tokens(
    folder: &Folder,
    job: &Job<'_>,
    epoch: &SecretBytes,
    batch: &str,
    atoms: &[AtomFacts],
) -> Result<[u8; 32], PseudonymizeError> {
    let bytes = |name: &str, null: bool| Field::new(name, DataType::FixedSizeBinary(16), null);
    let mut fields = vec![bytes("atom", false)];
    fields.extend(Kind::AT_REST.map(|kind| bytes(kind.name(), true)));
    fields.extend(["first_month", "last_month"].map(|name| Field::new(name, DataType::Date32, true)));
    let metadata: HashMap<String, String> = [
        ("sudare.source", job.source.name().to_owned()),
        ("sudare.batch", batch.to_owned()),
        ("sudare.normaliser", normalise::VERSION.to_owned()),
        ("sudare.epoch", epoch.fingerprint()),
        ("sudare.release_to", job.release_to.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let schema: SchemaRef = Arc::new(Schema::new(fields).with_metadata(metadata));
    let path = folder.tokens().join("tokens.arrow.age");
    write(&path, &schema, &job.link_to, atoms, |atoms| {
        let mut columns = vec![ids(atoms)?];
        for kind in 0..KINDS {
            columns.push(optional(atoms.iter().map(|atom| atom.tokens.get(kind).copied().flatten()))?);
        }
        let month = |of: fn(&AtomFacts) -> Option<jiff::civil::Date>| -> ArrayRef {
            Arc::new(atoms.iter().map(|atom| of(atom).map(days)).collect::<Date32Array>())
        };
        columns.push(month(|atom| atom.insured.filter(|(first, last)| first <= last).map(|(first, _)| first)));
        columns.push(month(|atom| atom.insured.filter(|(first, last)| first <= last).map(|(_, last)| last)));
        Ok(columns)
    })?;
    let mut hash = Sha256::new();
    let mut file = File::open(&path).map_err(PseudonymizeError::io(&path))?;
    std::io::copy(&mut file, &mut HashWriter(&mut hash)).map_err(PseudonymizeError::io(&path))?;
    Ok(hash.finalize().into())
}

fn write<T>(
    path: &Path,
    schema: &SchemaRef,
    to: &policies::keys::SealRecipient,
    all: &[T],
    columns: impl Fn(&[T]) -> Result<Vec<ArrayRef>, ArrowError>,
) -> Result<u64, PseudonymizeError> {
    let arrow = |cause| SealError::Arrow { path: path.to_owned(), cause };
    let mut writer = BatchWriter::create(path, schema, to)?;
    for some in all.chunks(ROWS) {
        let batch =
            columns(some).and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns)).map_err(arrow)?;
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok(u64::try_from(all.len()).unwrap_or(u64::MAX))
}

fn ids(atoms: &[AtomFacts]) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(FixedSizeBinaryArray::try_from_iter(atoms.iter().map(|atom| atom.id))?))
}

fn optional(tokens: impl Iterator<Item = Option<Token>>) -> Result<ArrayRef, ArrowError> {
    let mut column = FixedSizeBinaryBuilder::new(16);
    for token in tokens {
        match token {
            Some(token) => column.append_value(token)?,
            None => column.append_null(),
        }
    }
    Ok(Arc::new(column.finish()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
