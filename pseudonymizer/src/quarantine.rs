//! Quarantine: which record of which file was put aside and why, in the open; the record itself, sealed to the holder alone.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use policies::keys::SealRecipient;
use serde_json::json;

use crate::report::Reason;
use crate::seal::{self, SealError, SealedWriter};

/// Records of a file whose beginnings are remembered: a record is put aside after those inside of it were read, e.g. a receipt.
const REMEMBERED: usize = 256 * 1024;

/// Where the latest records of a file begin: where reading stood when the record before had been taken, so blank lines and title
/// rows in front of a record count with it. Inside an archive these are unpacked bytes.
#[derive(Default)]
pub(crate) struct Beginnings {
    latest: VecDeque<u64>,
    records: u64,
    end: u64,
}

impl Beginnings {
    /// A record was read; `end` is the place behind it.
    pub(crate) fn read(&mut self, end: u64) {
        if self.latest.len() >= REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back(self.end);
        self.records = self.records.saturating_add(1);
        self.end = end;
    }

    /// Where a record begins, from 1; the one behind the last is where reading stands. `None` if it is too long ago.
    pub(crate) fn of(&self, record: u64) -> Option<u64> {
        let Some(back) = self.records.checked_sub(record) else { return Some(self.end) };
        let place = self.latest.len().checked_sub(usize::try_from(back).ok()?)?.checked_sub(1)?;
        self.latest.get(place).copied()
    }
}

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

    /// Puts a record aside. `byte`: where it begins in the file.
    pub(crate) fn put(
        &mut self,
        record: u64,
        byte: Option<u64>,
        reason: Reason,
        bytes: &[u8],
    ) -> Result<(), SealError> {
        let (file, code) = (self.file, reason.code());
        let at = self.folder.join(list(file));
        let io = |path: &Path| {
            let path = path.to_owned();
            move |cause| SealError::Io { path, cause }
        };
        let (_, list) = match &mut self.list {
            Some(list) => list,
            none => none.insert((at.clone(), BufWriter::new(File::create(&at).map_err(io(&at))?))),
        };
        writeln!(list, "{}", json!({ "file": file, "record": record, "byte": byte, "reason": code }))
            .map_err(io(&at))?;
        let sealed = self.sealed();
        let records = match &mut self.records {
            Some(records) => records,
            none => none.insert(seal::create(&sealed, &self.holder)?),
        };
        let header = json!({
            "file": file, "path": self.path.to_string_lossy(), "record": record, "byte": byte, "reason": code,
            "bytes": bytes.len(),
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
    folder.join(records(unit))
}

/// Name of the list of a file.
pub(crate) fn list(file: usize) -> String {
    format!("{file}.jsonl")
}

/// Name of the sealed records of a unit.
pub(crate) fn records(unit: u32) -> String {
    format!("records-{unit:06}.age")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_the_ends_before() {
        let mut begins = Beginnings::default();
        assert_eq!(begins.of(1), Some(0));
        for end in [10, 25, 25, 40] {
            begins.read(end);
        }
        let found: Vec<_> = (1..=6).map(|record| begins.of(record)).collect();
        assert_eq!(found, [Some(0), Some(10), Some(25), Some(25), Some(40), Some(40)]);
        for at in 0..300_000_u64 {
            begins.read(40 + at);
        }
        assert_eq!((begins.of(4), begins.of(300_004)), (None, Some(40 + 299_998)));
    }
}
