//! Quarantine: which record of which file was put aside and why, in the open; the record itself, sealed to the holder alone.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use policies::keys::SealRecipient;
use serde_json::json;

use crate::report::Reason;
use crate::seal::{self, SealError, SealedWriter};

/// The quarantine folder of a batch being made.
pub(crate) struct Quarantine {
    folder: PathBuf,
    unit: u32,
    holder: SealRecipient,
    list: Option<(PathBuf, BufWriter<File>)>,
    records: Option<SealedWriter<BufWriter<File>>>,
    file: usize,
    path: PathBuf,
}

impl Quarantine {
    /// An empty quarantine; files appear with the first entry.
    pub(crate) fn new(folder: &Path, unit: u32, holder: &SealRecipient) -> Self {
        let (folder, holder) = (folder.to_owned(), holder.clone());
        Self { folder, unit, holder, list: None, records: None, file: 0, path: PathBuf::new() }
    }

    /// Goes on to the next file.
    pub(crate) fn begin(&mut self, file: usize, path: &Path) -> Result<(), SealError> {
        self.end_list()?;
        self.file = file;
        path.clone_into(&mut self.path);
        Ok(())
    }

    /// Puts a record aside.
    pub(crate) fn put(&mut self, record: u64, reason: Reason, bytes: &[u8]) -> Result<(), SealError> {
        let (file, code) = (self.file, reason.code());
        let at = self.folder.join(format!("{file}.jsonl"));
        let io = |path: &Path| {
            let path = path.to_owned();
            move |cause| SealError::Io { path, cause }
        };
        let (_, list) = match &mut self.list {
            Some(list) => list,
            none => none.insert((at.clone(), BufWriter::new(File::create(&at).map_err(io(&at))?))),
        };
        writeln!(list, "{}", json!({ "file": file, "record": record, "reason": code })).map_err(io(&at))?;
        let sealed = self.sealed();
        let records = match &mut self.records {
            Some(records) => records,
            none => none.insert(seal::create(&sealed, &self.holder)?),
        };
        let header = json!({
            "file": file, "path": self.path.to_string_lossy(), "record": record, "reason": code, "bytes": bytes.len(),
        });
        writeln!(records, "{header}").and_then(|()| records.write_all(bytes)).map_err(io(&sealed))?;
        records.write_all(b"\n").map_err(io(&sealed))
    }

    /// Ends all files.
    pub(crate) fn finish(mut self) -> Result<(), SealError> {
        self.end_list()?;
        let Some(records) = self.records else { return Ok(()) };
        let path = sealed(&self.folder, self.unit);
        let io = |cause| SealError::Io { path: path.clone(), cause };
        let file = records.finish().map_err(io)?.into_inner().map_err(|fault| io(fault.into_error()))?;
        file.sync_all().map_err(io)
    }

    fn sealed(&self) -> PathBuf {
        sealed(&self.folder, self.unit)
    }

    fn end_list(&mut self) -> Result<(), SealError> {
        let Some((path, list)) = self.list.take() else { return Ok(()) };
        let file =
            list.into_inner().map_err(|fault| SealError::Io { path: path.clone(), cause: fault.into_error() })?;
        file.sync_all().map_err(|cause| SealError::Io { path, cause })
    }
}

/// Records of one unit of work, sealed to the holder.
fn sealed(folder: &Path, unit: u32) -> PathBuf {
    folder.join(format!("records-{unit:06}.age"))
}
