//! The linkage zone's folder: reads what the last run left, writes what this one found, and lets it appear as a whole.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, StringArray, UInt8Array, UInt64Array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use policies::durable;
use policies::keys::SealRecipient;
use rand::Rng;
use serde::Serialize;

use super::crosswalk::{self, MarkedFile, Marker, Row};
use super::error::LinkError;
use crate::seal::BatchWriter;

/// One line an event, of all runs.
pub(crate) const EVENTS: &str = "events.jsonl";
/// What the last run found.
pub(crate) const REPORT: &str = "report.json";
/// The scored tier's model, where the last run with composites left one.
pub(crate) const MODEL: &str = "model.json";
/// What the scored tier found.
pub(crate) const SCORED: &str = "scored.json";
/// In a partial folder: everything is written and synced, only the moves are left.
const READY: &str = "ready";
/// In a partial folder: what the run needs until it ends.
const SCRATCH: &str = "scratch";
/// Rows of one Arrow batch.
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
        sweep(out)?;
        let partial = out.join(format!(".partial-{:016x}", rand::rng().next_u64()));
        let scratch = partial.join(SCRATCH);
        fs::create_dir_all(&scratch).map_err(LinkError::io(&scratch))?;
        Ok(Self { out: out.to_owned(), partial, _lock: lock })
    }

    /// The folder.
    pub(crate) fn out(&self) -> &Path {
        &self.out
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
    pub(crate) fn scratch(&self) -> PathBuf {
        self.partial.join(SCRATCH)
    }

    /// Writes crosswalk rows, sealed to the enclave.
    pub(crate) fn write_crosswalk(
        &self,
        name: &str,
        sources: &[String],
        rows: impl Iterator<Item = Row>,
        to: &SealRecipient,
    ) -> Result<(), LinkError> {
        let mut writer = RowWriter::create(&self.next(name), sources, to)?;
        for row in rows {
            writer.push(row)?;
        }
        writer.finish()
    }

    /// The file as the marker names it.
    pub(crate) fn marked(&self, run: u32, name: String) -> Result<MarkedFile, LinkError> {
        let (_, sha256) = catalog::manifest::digest(&self.next(&name)).map_err(LinkError::unreadable)?;
        Ok(MarkedFile { run, name, sha256 })
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
        complete(&self.out, &self.partial)?;
        sweep(&self.out)
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

/// Rows of a crosswalk being written, a batch at a time.
pub(crate) struct RowWriter {
    writer: BatchWriter,
    schema: SchemaRef,
    rows: Vec<Row>,
}

impl RowWriter {
    /// `sources`: names by the places that rows have.
    pub(crate) fn create(path: &Path, sources: &[String], to: &SealRecipient) -> Result<Self, LinkError> {
        let schema = crosswalk::schema(sources);
        let writer = BatchWriter::create(path, &schema, to).map_err(LinkError::seal)?;
        Ok(Self { writer, schema, rows: Vec::with_capacity(ROWS) })
    }

    pub(crate) fn push(&mut self, row: Row) -> Result<(), LinkError> {
        self.rows.push(row);
        if self.rows.len() < ROWS { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        let keys: UInt64Array = self.rows.iter().map(|(_, key, ..)| *key).collect();
        let grades = StringArray::from_iter_values(self.rows.iter().map(|(_, _, grade, _)| *grade));
        let sources = UInt8Array::from_iter_values(self.rows.iter().map(|(.., source)| *source));
        let atoms = ids(self.rows.iter().map(|(id, ..)| id))?;
        let columns: Vec<ArrayRef> = vec![atoms, Arc::new(keys), Arc::new(grades), Arc::new(sources)];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns);
        self.rows.clear();
        self.writer.write(&batch.map_err(LinkError::Arrow)?).map_err(LinkError::seal)
    }

    pub(crate) fn finish(mut self) -> Result<(), LinkError> {
        if !self.rows.is_empty() {
            self.flush()?;
        }
        self.writer.finish().map_err(LinkError::seal)
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

/// Moves the results, the marker last: names of a run are its own, so that until then the marker's files all stand.
fn complete(out: &Path, partial: &Path) -> Result<(), LinkError> {
    for name in moves(partial)? {
        let target = out.join(&name);
        durable::publish(&partial.join(&name), &target).map_err(LinkError::io(&target))?;
    }
    fs::remove_dir_all(partial).map_err(LinkError::io(partial))
}

/// What a partial folder has left to be moved, in that order.
fn moves(partial: &Path) -> Result<Vec<String>, LinkError> {
    let mut names = names(partial)?;
    names.retain(|name| name != READY && name != SCRATCH);
    names.sort_unstable_by_key(|name| (name == crosswalk::MARKER, name.clone()));
    Ok(names)
}

fn names(folder: &Path) -> Result<Vec<String>, LinkError> {
    let entries = fs::read_dir(folder).map_err(LinkError::io(folder))?;
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
    entries.map(name).collect::<Result<_, _>>().map_err(LinkError::io(folder))
}

/// Removes what the marker speaks of no longer. A marker that cannot be read is no reason to remove anything.
fn sweep(out: &Path) -> Result<(), LinkError> {
    let Some((_, marker)) = Marker::beside(out) else { return Ok(()) };
    let files = marker.files.iter().chain(&marker.events).map(|file| file.name.clone());
    let held = marker.files.iter().map(|file| super::held::name(file.run));
    let known: HashSet<String> = files.chain(held).collect();
    for name in names(out)? {
        let ours = ["crosswalk-", "events-", "held-"].iter().any(|prefix| name.starts_with(prefix));
        if !ours || known.contains(&name) {
            continue;
        }
        let path = out.join(&name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(LinkError::io(&path))?;
    }
    Ok(())
}

fn ids<'a>(ids: impl ExactSizeIterator<Item = &'a [u8; 16]>) -> Result<ArrayRef, LinkError> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(ids.len(), 16);
    for id in ids {
        builder.append_value(id).map_err(LinkError::Arrow)?;
    }
    Ok(Arc::new(builder.finish()))
}
