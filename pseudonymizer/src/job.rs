//! A run of the pseudonymizer: one source's raw files to a batch folder, which appears whole or not at all.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::keys::{KeyError, KeyFolder, SealRecipient};

mod batch;
mod files;
#[cfg(test)]
mod tests;

use crate::atoms::Atoms;
use crate::content::Content;
use crate::dpc::Dpc;
use crate::intake::Intake;
use crate::layout::LayoutError;
use crate::quarantine::Quarantine;
use crate::report::{FileReport, Reason, Report};
use crate::seal::SealError;
use crate::surrogate::Surrogates;
use crate::tokens::TokenKeys;
use crate::{ehr, ltc, ndb};
use batch::Folder;
use files::{Kind, Raw};

/// A source database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// 診断群分類 survey of hospitals.
    Dpc,
    /// 電子カルテ: FHIR documents and bundles.
    Ehr,
    /// 介護DB: claims and certifications of long-term care.
    Ltc,
    /// NDB: claims and health checkups.
    Ndb,
}

impl Source {
    /// Its name in file names, schemas and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dpc => "dpc",
            Self::Ehr => "ehr",
            Self::Ltc => "ltc",
            Self::Ndb => "ndb",
        }
    }
}

/// The word names no source.
#[derive(Debug, thiserror::Error)]
#[error("not a source; use ndb, ltc, dpc or ehr")]
pub struct InvalidSource;

impl std::str::FromStr for Source {
    type Err = InvalidSource;
    fn from_str(word: &str) -> Result<Self, InvalidSource> {
        [Self::Dpc, Self::Ehr, Self::Ltc, Self::Ndb]
            .into_iter()
            .find(|source| source.name() == word)
            .ok_or(InvalidSource)
    }
}

/// What to do.
pub struct Job<'a> {
    /// Whose files they are.
    pub source: Source,
    /// The holder's keys.
    pub keys: &'a KeyFolder,
    /// Who the tokens are sealed to: the linkage zone.
    pub link_to: SealRecipient,
    /// Who the content is sealed to: the enclave.
    pub release_to: SealRecipient,
    /// The batch folder to make.
    pub out: PathBuf,
    /// Files, or folders of files.
    pub files: Vec<PathBuf>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// File being read, from 1.
    pub file: usize,
    /// Files in all.
    pub files: usize,
    /// Bytes of this file read so far.
    pub bytes: u64,
    /// Records of this file read so far.
    pub records: u64,
}

/// Why a run ended without a batch. Says where, never a value.
#[derive(Debug, thiserror::Error)]
pub enum PseudonymizeError {
    /// The folder holds something already.
    #[error("{} holds a batch or other files already; choose a new folder, batches are never overwritten", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Input or output failed.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A layout does not load.
    #[error(transparent)]
    Layout(LayoutError),
    /// The holder's keys.
    #[error("the holder's keys cannot be used")]
    Keys(#[source] KeyError),
    /// No file of this source.
    #[error("none of the {files} files is of the source '{source_name}'; name its files, or another source")]
    Nothing {
        /// Files looked at.
        files: usize,
        /// The source asked for.
        source_name: &'static str,
    },
    /// Sealing failed.
    #[error("cannot seal what leaves the holder")]
    Seal(#[from] SealError),
}

impl PseudonymizeError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "pseudonymize/exists",
            Self::Io { .. } => "pseudonymize/io",
            Self::Keys(_) => "pseudonymize/keys",
            Self::Layout(fault) => fault.code(),
            Self::Nothing { .. } => "pseudonymize/nothing",
            Self::Seal(_) => "pseudonymize/seal",
        }
    }

    /// What the operator can do now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "give --out a folder that does not exist yet",
            Self::Io { .. } => "check that the path exists, that this user may use it and that the disk has room",
            Self::Layout(fault) => fault.hint(),
            Self::Keys(_) => "make the folder with `sudare keys init --zone holder`, or check its permissions",
            Self::Nothing { .. } => "kinds are told by content: UKE, XML, CSV, 様式1, EF, JSON; see docs for the list",
            Self::Seal(_) => "check the recipients' public keys and the room on the disk, then run again",
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |cause| Self::Io { path: path.to_owned(), cause }
    }
}

/// Makes a batch folder of a source's raw files.
///
/// Bad records go to quarantine and do not end the run. On an error nothing is left that looks finished. `now` is written on the
/// batch; `progress` is called at each file and every 65,536 records.
#[expect(clippy::needless_pass_by_value, reason = "a job is done once")]
pub fn pseudonymize(
    job: Job<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, PseudonymizeError> {
    let folder = Folder::begin(&job.out)?;
    let raw = files::find(&job.files)?;
    let readable = raw.iter().filter(|file| file.kind.source() == Some(job.source)).count();
    if readable == 0 {
        return Err(PseudonymizeError::Nothing { files: raw.len(), source_name: job.source.name() });
    }
    let epoch = job.keys.bytes("epoch").map_err(PseudonymizeError::Keys)?;
    let holder = job.keys.recipient().map_err(PseudonymizeError::Keys)?;
    let layouts = crate::layout::shipped().map_err(PseudonymizeError::Layout)?;
    let mut intake = Intake {
        layouts: &layouts,
        keys: TokenKeys::derive(&epoch),
        atoms: Atoms::default(),
        content: Content::new(&folder.content(), &job.release_to),
        quarantine: Quarantine::new(&folder.quarantine(), &holder),
        facilities: BTreeMap::new(),
        surrogates: Surrogates::new(),
        file: FileReport::default(),
        seen: HashSet::new(),
        files: raw.len(),
        progress,
    };
    let reports = read_all(&mut intake, &raw, job.source)?;
    batch::finish(&job, &epoch, intake, reports, folder, now)
}

/// Reads the files, 様式1 before EF so that an item finds its stay; reports come in the order of the files' numbers.
fn read_all(intake: &mut Intake<'_>, raw: &[Raw], source: Source) -> Result<Vec<FileReport>, PseudonymizeError> {
    let mut order: Vec<&Raw> = raw.iter().collect();
    order.sort_by_key(|file| (file.kind, file.number));
    let mut dpc = Dpc::default();
    let mut reports = Vec::with_capacity(raw.len());
    for file in order {
        intake.file = FileReport { file: file.number, kind: file.kind.name(), ..FileReport::default() };
        intake.quarantine.begin(file.number, &file.path)?;
        intake.tell();
        if file.kind.source() == Some(source) {
            read_one(intake, file, &mut dpc)?;
        } else {
            intake.note(if file.kind == Kind::Unknown { Reason::FileUnknown } else { Reason::FileOtherSource });
        }
        reports.push(std::mem::take(&mut intake.file));
    }
    dpc.finish(intake)?;
    reports.sort_by_key(|report| report.file);
    Ok(reports)
}

fn read_one(intake: &mut Intake<'_>, file: &Raw, dpc: &mut Dpc) -> Result<(), PseudonymizeError> {
    let open = File::open(&file.path).map_err(PseudonymizeError::io(&file.path))?;
    let mut from = BufReader::with_capacity(BUFFER, open);
    match file.kind {
        Kind::Certification => ltc::certification::read(&mut from, intake, &file.path),
        Kind::Checkup => ndb::checkup::read(&mut from, intake, &file.path),
        Kind::CheckupArchive => ndb::checkup::archive::read(&mut from, intake, &file.path),
        Kind::CheckupTable => ndb::checkup::table::read(&mut from, intake, &file.path),
        Kind::Fhir => ehr::read(&mut from, intake, &file.path),
        Kind::Form1 => dpc.read_form1(&mut from, intake, &file.path),
        Kind::Items => dpc.read_items(&mut from, intake, &file.path),
        Kind::LtcClaims => ltc::claims::read(&mut from, intake, &file.path),
        Kind::Receipts => ndb::receipts::read(&mut from, intake, &file.path),
        Kind::Unknown => Ok(()),
    }
}

/// Bytes of a raw file in memory at a time.
const BUFFER: usize = 256 * 1024;

/// Removes a folder and all in it; fine if it is not there.
fn remove(path: &Path) -> Result<(), PseudonymizeError> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(PseudonymizeError::Io { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}
