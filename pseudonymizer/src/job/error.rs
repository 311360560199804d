//! Why a run ended without a batch. Says where, never a value.

use std::io;
use std::path::{Path, PathBuf};

use catalog::batch::BatchError;
use policies::keys::KeyError;

use crate::absent::OptOutError;
use crate::layout::LayoutError;
use crate::layout::accepted::AcceptError;
use crate::seal::SealError;

/// Why a run ended without a batch. Says where, never a value.
#[derive(Debug, thiserror::Error)]
pub enum PseudonymizeError {
    /// The layout of an added source is not what the holder accepted.
    #[error(transparent)]
    Accept(AcceptError),
    /// The folder holds something already.
    #[error("{} holds another batch or other files already; choose a new folder, batches are never overwritten", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// An interrupted run of something else lies there.
    #[error("{} holds an interrupted run of other files, layouts or keys", path.display())]
    Interrupted {
        /// The partial folder.
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
    /// The holder's keys.
    #[error("the holder's keys cannot be used")]
    Keys(#[source] KeyError),
    /// A layout does not load.
    #[error(transparent)]
    Layout(LayoutError),
    /// A value that would leave is an identifier of the person whose record it is.
    #[error(
        "the leak scan found an identifier of a record's own person in column {column} (file {file}, record {record}); no batch was made"
    )]
    Leak {
        /// Number of the file, as in the report.
        file: usize,
        /// Number of the record in the file.
        record: u64,
        /// Table and column.
        column: String,
    },
    /// The manifest cannot be written.
    #[error("cannot write the batch's manifest")]
    Manifest(#[source] BatchError),
    /// No file of this source.
    #[error("none of the {files} files is of the source '{source_name}'; name its files, or another source")]
    Nothing {
        /// Files looked at.
        files: usize,
        /// The source asked for.
        source_name: String,
    },
    /// The list of persons who object.
    #[error(transparent)]
    OptOut(OptOutError),
    /// Too much was put aside.
    #[error(
        "{quarantined} of {records} records went to quarantine, more than the share of {share} that the source allows; no batch was made"
    )]
    Quarantine {
        /// Records put aside.
        quarantined: u64,
        /// Records read.
        records: u64,
        /// The largest share allowed.
        share: f64,
    },
    /// Sealing failed.
    #[error("cannot seal what leaves the holder")]
    Seal(#[from] SealError),
    /// Asked to stop.
    #[error("stopped before the batch was ready; the same command goes on where it stopped")]
    Stopped,
}

impl PseudonymizeError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Accept(fault) => fault.code(),
            Self::Exists { .. } => "pseudonymize/exists",
            Self::Interrupted { .. } => "pseudonymize/interrupted",
            Self::Io { .. } => "pseudonymize/io",
            Self::Keys(_) => "pseudonymize/keys",
            Self::Layout(fault) => fault.code(),
            Self::Leak { .. } => "pseudonymize/leak",
            Self::Manifest(_) => "pseudonymize/manifest",
            Self::Nothing { .. } => "pseudonymize/nothing",
            Self::OptOut(fault) => fault.code(),
            Self::Quarantine { .. } => "pseudonymize/quarantine",
            Self::Seal(_) => "pseudonymize/seal",
            Self::Stopped => "pseudonymize/stopped",
        }
    }

    /// What the operator can do now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Accept(fault) => fault.hint(),
            Self::Exists { .. } => "give --out a folder that does not exist yet",
            Self::Interrupted { .. } => "run the command that was interrupted once more, or remove that folder",
            Self::Io { .. } => {
                "check that the path exists, that this user may use it and that the disk has room; then run the same command again: finished files are not read again"
            }
            Self::Keys(_) => "make the folder with `sudare keys init --zone holder`, or check its permissions",
            Self::Layout(fault) => fault.hint(),
            Self::Leak { .. } => {
                "look at that record at home, correct the file or set the field to drop in the layout, and start anew in another folder"
            }
            Self::Manifest(_) => "check that the disk has room, then run the same command again",
            Self::Nothing { .. } => "kinds are told by content: UKE, XML, CSV, 様式1, EF, JSON; see docs for the list",
            Self::OptOut(fault) => fault.hint(),
            Self::Quarantine { .. } => {
                "the reasons stand in quarantine/*.jsonl of the partial folder; correct the files or the layout, and start anew"
            }
            Self::Seal(_) => "check the recipients' public keys and the room on the disk, then run again",
            Self::Stopped => "run the same command again",
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |cause| Self::Io { path: path.to_owned(), cause }
    }
}
