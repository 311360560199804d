//! A submission of checkups or guidance: an archive whose folder `DATA` holds an XML file a document (formats.md 8.1). An archive
//! comes from elsewhere, so entries, their sizes and their names have limits.

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use zip::ZipArchive;
use zip::read::ZipFile;

use super::{Walk, documents};
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::report::Reason;

/// Most entries of an archive: a year of one insurer's submissions stays far below.
const ENTRIES_MAX: usize = 200_000;

/// Largest entry that is read, unpacked, in bytes: a document has some 50 KB.
const ENTRY_MAX: u64 = 16 * 1024 * 1024;

/// Most bytes of an archive that are read, unpacked.
const ARCHIVE_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// Most unpacked bytes for one packed byte; XML of this kind packs some twenty to one.
const RATIO_MAX: u64 = 400;

/// Reads an archive, entry by entry.
pub(crate) fn read<R: BufRead + Seek>(from: R, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let walk = Walk::of(intake.layout("ndb-checkup-xml"), intake.layout("ndb-guidance-xml"));
    let (Some(mut walk), Ok(mut archive)) = (walk, ZipArchive::new(from)) else {
        intake.note(Reason::FileUnknown);
        return Ok(());
    };
    if archive.len() > ENTRIES_MAX {
        return intake.put_aside(1, Reason::RecordLong, b"");
    }
    let (mut left, mut any) = (ARCHIVE_MAX, false);
    for at in 0..archive.len() {
        let number = intake.file.records.saturating_add(1);
        let Ok(entry) = archive.by_index(at) else {
            // An entry that is encrypted, or packed in a way that is not known.
            any = true;
            intake.put_aside(number, Reason::RecordForm, b"")?;
            continue;
        };
        if !is_document(&entry) {
            continue;
        }
        any = true;
        let reason = match entry.enclosed_name() {
            None => Some(Reason::RecordForm),
            Some(_) if is_bomb(&entry) || left == 0 => Some(Reason::RecordLong),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            intake.put_aside(number, reason, b"")?;
            continue;
        }
        let mut bounded = Bounded { inner: entry, left: ENTRY_MAX.min(left) };
        documents(&mut walk, &mut BufReader::new(&mut bounded), intake, path)?;
        left = left.saturating_sub(ENTRY_MAX.min(left).saturating_sub(bounded.left));
    }
    if !any {
        intake.note(Reason::FileUnknown);
    }
    Ok(())
}

/// Whether an entry is an XML file in a folder `DATA`.
fn is_document<R: Read>(entry: &ZipFile<'_, R>) -> bool {
    let Ok(name) = entry.name() else { return false };
    let mut parts = name.rsplit(['/', '\\']);
    let is_xml = parts.next().is_some_and(|file| file.to_ascii_lowercase().ends_with(".xml"));
    is_xml && entry.is_file() && parts.next().is_some_and(|folder| folder.eq_ignore_ascii_case("DATA"))
}

/// Whether an entry says that it is larger than any document, or packed as none is.
fn is_bomb<R: Read>(entry: &ZipFile<'_, R>) -> bool {
    entry.size() > ENTRY_MAX || entry.size() > entry.compressed_size().max(1).saturating_mul(RATIO_MAX)
}

/// An entry that ends where its limit is, whatever it says of its size; what cannot be unpacked is a broken document, no broken disk.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.inner.read(into.get_mut(..room).unwrap_or_default());
        let read = read.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
