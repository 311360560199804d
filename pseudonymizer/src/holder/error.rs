//! Why a holder's tokens could not be made again. Says which folder or file, never what stood there.

use std::io;
use std::path::{Path, PathBuf};

use catalog::batch::BatchError;
use policies::jws::JwsError;
use policies::keys::{KeyError, RotationError, RunKeyError};

use crate::link::review::CaseNumber;
use crate::seal::SealError;

/// Why tokens could not be made from retained identities. The batch is left as it was.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// A line of a clerk's answers is wrong.
    #[error("line {line} of {} is no answer to a question of the file: write question,yes or question,no or question,unknown, each question once; nothing was noted", path.display())]
    AnswerLine {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
    },
    /// The batch is not whole, or not this holder's.
    #[error("the batch cannot be used")]
    Batch(#[from] BatchError),
    /// An atom of the question is in another batch.
    #[error(
        "question {question} is about records that are in none of the batches that were named; name their batch too"
    )]
    Elsewhere {
        /// Number of the question.
        question: CaseNumber,
    },
    /// The epochs do not allow it.
    #[error("the holder's epochs do not allow it")]
    Epochs(#[from] RotationError),
    /// The place is taken.
    #[error("{} holds files already; choose a new folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The retained identities are of an older form.
    #[error("{} lacks {what} or has it in another form; make the batch again with this version", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Name of the column.
        what: &'static str,
    },
    /// The request is about atoms that the batch does not have.
    #[error("{} asks for records that are not in {}, which it names; compare the batch with what the linkage zone was given, and let it ask again", request.display(), path.display())]
    Foreign {
        /// The request.
        request: PathBuf,
        /// The batch.
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
    /// This holder's own keys.
    #[error("the holder's keys cannot be used")]
    Keys(#[from] KeyError),
    /// Batches that cannot go into one bridge.
    #[error("{} differs from the other batches, or from the current epoch, in its {what}; name each batch of one source once", path.display())]
    Mixed {
        /// The batch.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// The request is about other batches.
    #[error("{} asks for nothing of {}; this run needs no tokens of that batch", request.display(), path.display())]
    NotAsked {
        /// The request.
        request: PathBuf,
        /// The batch.
        path: PathBuf,
    },
    /// The questions are another holder's.
    #[error("{} asks another holder, or was made for another signing key of this one; give it to the holder that it names", path.display())]
    OtherHolder {
        /// The file.
        path: PathBuf,
    },
    /// Nobody whom this holder trusts asks.
    #[error("{} is no file of questions, or is not signed by the key that this holder trusts as the linkage zone's", path.display())]
    Questions {
        /// The file.
        path: PathBuf,
    },
    /// Nobody whom this holder named asks for run tokens.
    #[error("{} is no request for run tokens, or is not signed by the linkage zone's key that was named; fetch it again from the linkage zone", path.display())]
    Request {
        /// The file.
        path: PathBuf,
    },
    /// There is no usable run key.
    #[error("the run's key cannot be used")]
    RunKey(#[from] RunKeyError),
    /// Sealing failed, or a sealed file did not open.
    #[error("a sealed file could not be used")]
    Seal(#[from] SealError),
    /// The answers could not be signed.
    #[error("the answers cannot be signed")]
    Sign(#[from] JwsError),
    /// Fewer or more identities than atoms.
    #[error("{} holds {found} sets of identifiers, the batch's manifest says {expected}; restore the batch from its copy, or make it again", path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// Rows of the file.
        found: u64,
        /// Atoms by the manifest.
        expected: u64,
    },
    /// The batch's epoch is none of this folder's.
    #[error("{} was made under an epoch that this key folder never had; use the keys that it was made with", path.display())]
    Strange {
        /// The batch.
        path: PathBuf,
    },
    /// More questions than a person answers.
    #[error("{} asks {found} questions; a holder answers at most {most} at a time, so that nobody compares its persons wholesale", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
        /// Questions of the file.
        found: usize,
        /// Most that are answered.
        most: usize,
    },
    /// There is nothing to send.
    #[error("no question is answered yet")]
    Unanswered,
}

impl HolderError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AnswerLine { .. } => "tokens/answer-line",
            Self::Batch(_) => "tokens/batch",
            Self::Elsewhere { .. } => "tokens/elsewhere",
            Self::Epochs(_) => "tokens/epochs",
            Self::Exists { .. } => "tokens/exists",
            Self::Foreign { .. } => "tokens/foreign",
            Self::Form { .. } => "tokens/form",
            Self::Io { .. } => "tokens/io",
            Self::Keys(_) => "tokens/keys",
            Self::Mixed { .. } => "tokens/mixed",
            Self::NotAsked { .. } => "tokens/not-asked",
            Self::OtherHolder { .. } => "tokens/other-holder",
            Self::Questions { .. } => "tokens/questions",
            Self::Request { .. } => "tokens/request",
            Self::RunKey(_) => "tokens/run-key",
            Self::Seal(_) => "tokens/seal",
            Self::Sign(_) => "tokens/sign",
            Self::Short { .. } => "tokens/short",
            Self::Strange { .. } => "tokens/strange",
            Self::TooMany { .. } => "tokens/too-many",
            Self::Unanswered => "tokens/unanswered",
        }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| {
            if cause.kind() == io::ErrorKind::AlreadyExists { Self::Exists { path } } else { Self::Io { path, cause } }
        }
    }
}
