//! The linkage zone's folder: reads what the last run left, writes what this one found, and lets it appear as a whole.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeBinaryBuilder, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use policies::durable;
use policies::keys::{SealIdentity, SealRecipient};
use rand::Rng;
use serde::Serialize;

use super::error::LinkError;
use super::keys::Earlier;
use super::{absent, crosswalk};
use crate::seal::{BatchReader, BatchWriter};

const STATE: &str = "state.arrow.age";
/// One line an event, of all runs.
pub(crate) const EVENTS: &str = "events.jsonl";
/// What the last run found.
pub(crate) const REPORT: &str = "report.json";
/// In a partial folder: everything is written and synced, only the moves are left.
const READY: &str = "ready";
/// In the order in which they are moved; the marker last.
const RESULTS: [&str; 6] = [STATE, absent::FILE, EVENTS, REPORT, crosswalk::FILE, crosswalk::MARKER];
/// Rows of one Arrow batch of the crosswalk and the state.
const ROWS: usize = 64 * 1024;

/// The folder of link, held by one run at a time.
pub(crate) struct Store {
    out: PathBuf,
    partial: PathBuf,
    _lock: File,
}

impl Store {
    /// Takes the folder. A run that was killed while moving its results is completed; one killed earlier is forgotten.
    pub(crate) fn open(out: &Path) -> Result<Self, LinkError> {
        fs::create_dir_all(out).map_err(LinkError::io(out))?;
        let lock_path = out.join(".lock");
        let lock = File::create(&lock_path).map_err(LinkError::io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LinkError::Busy { path: out.to_owned() }),
            Err(TryLockError::Error(cause)) => return Err(LinkError::io(&lock_path)(cause)),
        }
        settle(out)?;
        let partial = out.join(format!(".partial-{:016x}", rand::rng().next_u64()));
        fs::create_dir(&partial).map_err(LinkError::io(&partial))?;
        Ok(Self { out: out.to_owned(), partial, _lock: lock })
    }

    /// A file of the finished results of the last run.
    pub(crate) fn last(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// A file of this run.
    pub(crate) fn next(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// Where this run may keep what it needs until it ends.
    pub(crate) fn scratch(&self) -> &Path {
        &self.partial
    }

    /// What the last run said of each atom.
    pub(crate) fn earlier(&self, identity: &SealIdentity) -> Result<HashMap<[u8; 16], Earlier>, LinkError> {
        let path = self.last(STATE);
        let mut known = HashMap::new();
        if !path.exists() {
            return Ok(known);
        }
        let lacks = |what| move || LinkError::Form { path: self.last(STATE), what };
        for batch in BatchReader::open(&path, identity).map_err(LinkError::seal)? {
            let batch = batch.map_err(LinkError::seal)?;
            let atoms = batch.column_by_name("atom").and_then(|column| column.as_fixed_size_binary_opt());
            let keys = batch.column_by_name("person_key").and_then(|column| column.as_primitive_opt::<UInt64Type>());
            let born = batch.column_by_name("born").and_then(|column| column.as_primitive_opt::<UInt32Type>());
            let (atoms, keys, born) = (
                atoms.ok_or_else(lacks("atom"))?,
                keys.ok_or_else(lacks("person_key"))?,
                born.ok_or_else(lacks("born"))?,
            );
            for ((atom, key), born) in atoms.iter().zip(keys.values()).zip(born.values()) {
                let id = atom.and_then(|atom| atom.try_into().ok()).ok_or_else(lacks("atom"))?;
                known.insert(id, Earlier { key: *key, born: *born });
            }
        }
        Ok(known)
    }

    /// Writes the state for the next run, sealed to this zone itself.
    pub(crate) fn write_state(
        &self,
        rows: impl Iterator<Item = ([u8; 16], Earlier)>,
        to: &SealRecipient,
    ) -> Result<(), LinkError> {
        let schema = crosswalk::state_schema();
        let mut writer = BatchWriter::create(&self.next(STATE), &schema, to).map_err(LinkError::seal)?;
        for rows in chunks(rows) {
            let keys = UInt64Array::from_iter_values(rows.iter().map(|(_, known)| known.key));
            let born = UInt32Array::from_iter_values(rows.iter().map(|(_, known)| known.born));
            let atoms = ids(rows.iter().map(|(id, _)| id))?;
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![atoms, Arc::new(keys), Arc::new(born)]);
            writer.write(&batch.map_err(LinkError::Arrow)?).map_err(LinkError::seal)?;
        }
        writer.finish().map_err(LinkError::seal)
    }

    /// Atoms that stayed out in the last run.
    pub(crate) fn absent(&self, identity: &SealIdentity) -> Result<HashSet<[u8; 16]>, LinkError> {
        let path = self.last(absent::FILE);
        let mut out = HashSet::new();
        if !path.exists() {
            return Ok(out);
        }
        let lacks = || LinkError::Form { path: path.clone(), what: "atom" };
        for batch in BatchReader::open(&path, identity).map_err(LinkError::seal)? {
            let batch = batch.map_err(LinkError::seal)?;
            let atoms = batch.column_by_name("atom").and_then(|column| column.as_fixed_size_binary_opt());
            for atom in atoms.ok_or_else(lacks)? {
                out.insert(atom.and_then(|atom| atom.try_into().ok()).ok_or_else(lacks)?);
            }
        }
        Ok(out)
    }

    /// Writes the atoms that stay out, for the next run, sealed to this zone itself.
    pub(crate) fn write_absent(&self, atoms: &[[u8; 16]], to: &SealRecipient) -> Result<(), LinkError> {
        let schema = absent::schema();
        let mut writer = BatchWriter::create(&self.next(absent::FILE), &schema, to).map_err(LinkError::seal)?;
        for atoms in atoms.chunks(ROWS) {
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![ids(atoms.iter())?]);
            writer.write(&batch.map_err(LinkError::Arrow)?).map_err(LinkError::seal)?;
        }
        writer.finish().map_err(LinkError::seal)
    }

    /// Writes the crosswalk, sealed to the enclave.
    pub(crate) fn write_crosswalk(
        &self,
        rows: impl Iterator<Item = ([u8; 16], Option<u64>, &'static str)>,
        to: &SealRecipient,
    ) -> Result<(), LinkError> {
        let schema = crosswalk::schema();
        let mut writer = BatchWriter::create(&self.next(crosswalk::FILE), &schema, to).map_err(LinkError::seal)?;
        for rows in chunks(rows) {
            let keys: UInt64Array = rows.iter().map(|(_, key, _)| *key).collect();
            let grades = StringArray::from_iter_values(rows.iter().map(|(_, _, grade)| *grade));
            let atoms = ids(rows.iter().map(|(id, _, _)| id))?;
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![atoms, Arc::new(keys), Arc::new(grades)]);
            writer.write(&batch.map_err(LinkError::Arrow)?).map_err(LinkError::seal)?;
        }
        writer.finish().map_err(LinkError::seal)
    }

    /// Writes a small file of this run.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LinkError> {
        let path = self.next(name);
        durable::replace(&path, bytes).map_err(LinkError::io(&path))
    }

    /// Writes a small file of this run as JSON.
    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), LinkError> {
        let text = serde_json::to_vec_pretty(value).map_err(|cause| LinkError::io(&self.next(name))(cause.into()))?;
        self.write(name, &text)
    }

    /// Lets the results of this run take the place of the last one's.
    pub(crate) fn publish(self) -> Result<(), LinkError> {
        self.write(READY, b"")?;
        complete(&self.out, &self.partial)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.partial.exists() && !self.partial.join(READY).exists() {
            // What cannot be removed now is removed by the next run.
            drop(fs::remove_dir_all(&self.partial));
        }
    }
}

fn settle(out: &Path) -> Result<(), LinkError> {
    for entry in fs::read_dir(out).map_err(LinkError::io(out))? {
        let entry = entry.map_err(LinkError::io(out))?;
        if !entry.file_name().to_string_lossy().starts_with(".partial-") {
            continue;
        }
        let partial = entry.path();
        if partial.join(READY).exists() {
            complete(out, &partial)?;
        } else {
            fs::remove_dir_all(&partial).map_err(LinkError::io(&partial))?;
        }
    }
    Ok(())
}

fn complete(out: &Path, partial: &Path) -> Result<(), LinkError> {
    for name in RESULTS {
        match durable::publish(&partial.join(name), &out.join(name)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(LinkError::io(&out.join(name))(cause)),
            // Not found: an interrupted run had moved it already.
            Ok(()) | Err(_) => {}
        }
    }
    fs::remove_dir_all(partial).map_err(LinkError::io(partial))
}

/// Rows, as many at a time as one Arrow batch takes.
fn chunks<T>(mut rows: impl Iterator<Item = T>) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || Some(rows.by_ref().take(ROWS).collect()).filter(|some: &Vec<T>| !some.is_empty()))
}

fn ids<'a>(ids: impl ExactSizeIterator<Item = &'a [u8; 16]>) -> Result<ArrayRef, LinkError> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(ids.len(), 16);
    for id in ids {
        builder.append_value(id).map_err(LinkError::Arrow)?;
    }
    Ok(Arc::new(builder.finish()))
}
