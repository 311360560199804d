//! Why a release was not made. Says which folder, table or file, never what stood there.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use catalog::encryption::UnwrapError;
use catalog::{BatchError, ManifestError, ReleaseId};
use parquet::errors::ParquetError;
use policies::keys::KeyError;

use crate::seal::SealError;

/// Why the enclave could not make a release. Nothing of it is visible then, and no other release is touched.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// An Arrow kernel failed.
    #[error("table {table} could not be built")]
    Arrow {
        /// Which table.
        table: String,
        /// What Arrow said (of types and lengths; it quotes no cell).
        #[source]
        cause: ArrowError,
    },
    /// A content folder without a readable `batch.json`, or without a table that it counts.
    #[error("{} is no finished batch; run pseudonymize again, or copy the batch whole", path.display())]
    Batch {
        /// The folder.
        path: PathBuf,
        /// Which file, where one can be named.
        #[source]
        cause: Option<Box<BatchError>>,
    },
    /// Another release is being made.
    #[error("another release is being made in {}; wait for it to end", path.display())]
    Busy {
        /// The folder of all releases.
        path: PathBuf,
    },
    /// Files that are not those that the holder signed for.
    #[error("the content of a batch was changed on its way; nothing of it is released")]
    Changed(#[source] Box<BatchError>),
    /// The crosswalk is missing, unfinished or changed.
    #[error("{} holds no finished crosswalk; run link again", path.display())]
    Crosswalk {
        /// The file or folder that was named.
        path: PathBuf,
    },
    /// No such dataset.
    #[error("there is no such dataset; one of {}, person", catalog::sources().join(", "))]
    Dataset,
    /// The version exists.
    #[error("{release} exists already and releases never change; choose another version")]
    Exists {
        /// Which release.
        release: ReleaseId,
    },
    /// Linkage got worse for somebody.
    #[error(
        "{} waits for a steward's word: the linkage rate of {} with {} {} since {} (the policy's limit is {} points); the steward looks at {} and runs `sudare catalog word`, then --steward-word",
        .0.release, .0.group, .0.to, .0.fall, .0.last, .0.limit, .0.file.display()
    )]
    Fairness(Box<Waits>),
    /// A content file without one of its columns.
    #[error("{} lacks column {column} or has it in another form; make the batch again with this version", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Which column.
        column: String,
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
    /// The dataset key could not be wrapped.
    #[error("the key of the new release could not be wrapped")]
    Key(#[source] UnwrapError),
    /// The enclave's own keys.
    #[error("the enclave's keys cannot be used")]
    Keys(#[source] Box<KeyError>),
    /// No leak scan, or one that found an identifier.
    #[error("the batch in {} has no passed leak scan; its holder runs pseudonymize again and sends what passes", path.display())]
    LeakScan {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest could not be written.
    #[error("the manifest of the new release could not be written")]
    Manifest(#[source] Box<ManifestError>),
    /// Content of a batch whose tokens were not linked.
    #[error("the batch in {} is not in the crosswalk; run link with its tokens first", path.display())]
    NotLinked {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing to release.
    #[error("no content folder was named; name at least one")]
    Nothing,
    /// Parquet failed.
    #[error("cannot write {}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        cause: ParquetError,
    },
    /// The built-in profiles of disclosure.
    #[error("the disclosure profiles cannot be read")]
    Profile(#[source] policies::profile::ProfileError),
    /// A sealed file did not open or could not be written.
    #[error("a sealed file could not be used")]
    Seal(#[source] Box<SealError>),
    /// A batch whose signature is not the trusted holder's.
    #[error("the signature of a batch is not believed; nothing of it is released")]
    Signature(#[source] Box<BatchError>),
    /// A list of software that is none.
    #[error("{}, line {line}: not a list of institutions and software; UTF-8 with a heading, code,family, one family an institution (line 0: the whole list)", path.display())]
    Software {
        /// The file.
        path: PathBuf,
        /// Where.
        line: u64,
    },
    /// Content of another database.
    #[error("{} is content of {found}, which does not belong into dataset {dataset}", path.display())]
    Source {
        /// The folder.
        path: PathBuf,
        /// Its source.
        found: String,
        /// What was asked for.
        dataset: String,
    },
    /// The caller asked to stop.
    #[error("the release was stopped; nothing of it is visible")]
    Stopped,
    /// A batch was named twice.
    #[error("{} was named twice; name each batch once", path.display())]
    Twice {
        /// The folder.
        path: PathBuf,
    },
    /// Content and crosswalk are of different batches.
    #[error("{atoms} atoms of {} are not in the crosswalk; run link with this batch's tokens first", path.display())]
    Unlinked {
        /// The content folder or file.
        path: PathBuf,
        /// How many.
        atoms: u64,
    },
    /// Content of a source that this process does not know.
    #[error("{} is content of {found}, which is no source here; name the folder of its file with --sources", path.display())]
    UnknownSource {
        /// The folder.
        path: PathBuf,
        /// Its source.
        found: String,
    },
    /// No holder's key is believed for the source.
    #[error("the holder of the batch in {} is not known to this enclave", path.display())]
    Untrusted {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        #[source]
        cause: Box<KeyError>,
    },
    /// Not a version.
    #[error("not a version; small letters, digits, '-', '_' and '.', at most 40")]
    Version,
    /// A steward's word that does not fit.
    #[error("the steward's word in {} does not let this release pass: {why}", path.display())]
    Word {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: &'static str,
    },
}

/// A release that waits, by figures that may leave.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits {
    /// Which release.
    pub release: ReleaseId,
    /// The one before.
    pub last: ReleaseId,
    /// Whose rate.
    pub group: String,
    /// The other source.
    pub to: String,
    /// What became of it.
    pub fall: String,
    /// Points that need no word.
    pub limit: f64,
    /// The figures.
    pub file: PathBuf,
}

impl ReleaseError {
    /// Stable, listed in `docs/errors.md`, safe in logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Arrow { .. } => "release/arrow",
            Self::Batch { .. } => "release/batch",
            Self::Busy { .. } => "release/busy",
            Self::Changed(_) => "release/changed",
            Self::Crosswalk { .. } => "release/crosswalk",
            Self::Dataset => "release/dataset",
            Self::Exists { .. } => "release/exists",
            Self::Fairness(_) => "release/fairness",
            Self::Form { .. } => "release/form",
            Self::Io { .. } => "release/io",
            Self::Key(_) => "release/key",
            Self::Keys(_) => "release/keys",
            Self::LeakScan { .. } => "release/leak-scan",
            Self::Manifest(_) => "release/manifest",
            Self::NotLinked { .. } => "release/not-linked",
            Self::Nothing => "release/nothing",
            Self::Parquet { .. } => "release/parquet",
            Self::Profile(_) => "release/profile",
            Self::Seal(_) => "release/seal",
            Self::Signature(_) => "release/signature",
            Self::Software { .. } => "release/software",
            Self::Source { .. } => "release/source",
            Self::Stopped => "release/stopped",
            Self::Twice { .. } => "release/twice",
            Self::UnknownSource { .. } => "release/unknown-source",
            Self::Unlinked { .. } => "release/unlinked",
            Self::Untrusted { .. } => "release/untrusted",
            Self::Version => "release/version",
            Self::Word { .. } => "release/word",
        }
    }

    pub(crate) fn seal(cause: SealError) -> Self {
        Self::Seal(Box::new(cause))
    }

    pub(crate) fn keys(cause: KeyError) -> Self {
        Self::Keys(Box::new(cause))
    }

    pub(crate) fn manifest(cause: ManifestError) -> Self {
        Self::Manifest(Box::new(cause))
    }

    /// What is not believed of the batch in `path`.
    pub(crate) fn batch(path: &Path) -> impl Fn(BatchError) -> Self {
        let path = path.to_owned();
        move |cause| match cause {
            BatchError::Format { .. } | BatchError::Invalid { .. } | BatchError::Missing { .. } => {
                Self::Batch { path: path.clone(), cause: Some(Box::new(cause)) }
            }
            BatchError::Changed { .. } | BatchError::Unlisted { .. } => Self::Changed(Box::new(cause)),
            BatchError::Holder { .. } | BatchError::NotTrusted { .. } | BatchError::Signature { .. } => {
                Self::Signature(Box::new(cause))
            }
            BatchError::Io { path, cause } => Self::Io { path, cause },
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { path, cause }
    }

    pub(crate) fn arrow(table: &str) -> impl Fn(ArrowError) -> Self {
        let table = table.to_owned();
        move |cause| Self::Arrow { table: table.clone(), cause }
    }
}
