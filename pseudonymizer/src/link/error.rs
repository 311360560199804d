//! Why linking stopped. Says which folder or file, never what stood there.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use catalog::ManifestError;
use policies::keys::KeyError;

use super::review::ReviewError;
use crate::seal::SealError;

/// Why the linkage zone could not make a crosswalk. Nothing of an earlier run is touched then.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// An Arrow kernel failed.
    #[error("the linkage tables could not be built")]
    Arrow(#[source] ArrowError),
    /// The bridges are of other batches.
    #[error(
        "the bridges are not of the batches that were named, or two are of one source; name one bridge of each holder, over all of its batches"
    )]
    Bridged,
    /// Another run works in the folder.
    #[error("another run of link works in {}; wait for it to end", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A batch of that name is held, and is another.
    #[error("{} has the name of a batch that is held, and other content; ask its holder which one counts, then name all batches that count with --rebuild", path.display())]
    Changed {
        /// The token file.
        path: PathBuf,
    },
    /// Content has no place in the linkage zone.
    #[error("{} holds content; the linkage zone takes tokens only: hand over the batch's tokens folder alone", path.display())]
    Content {
        /// The folder.
        path: PathBuf,
    },
    /// The place is taken.
    #[error("{} holds files already; choose a new folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A token file without one of its columns or metadata.
    #[error("{} lacks {what} or has it in another form; make the batch again with this version", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Name of the column or metadata entry.
        what: &'static str,
    },
    /// What a run left is no longer held.
    #[error("what run {run} left in {} is no longer held; name a later run", path.display())]
    Gone {
        /// The folder of link.
        path: PathBuf,
        /// The run.
        run: u32,
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
    /// The linkage zone's own keys.
    #[error("the linkage zone's keys cannot be used")]
    Keys(#[source] Box<KeyError>),
    /// Two batches that cannot be linked with one another.
    #[error("{} differs from the other batches in its {what}; batches of one folder must agree in it: name them all with --rebuild", path.display())]
    Mixed {
        /// The token file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// Nothing to link.
    #[error("no token folder was named; name at least one")]
    Nothing,
    /// The batches are not those of the last run.
    #[error("{} was made from other batches than those that were named; name the token folders of its last run, all of them", path.display())]
    Other {
        /// The folder of link.
        path: PathBuf,
    },
    /// Run tokens of some atoms, where all are needed.
    #[error("{} holds run tokens of asked atoms alone; a full pass needs those of whole batches: let their holders run `sudare tokens run` without --only", path.display())]
    Part {
        /// The run token file.
        path: PathBuf,
    },
    /// Doubtful pairs: an answer, a question or a decision.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// Run tokens of atoms that the zone does not hold.
    #[error("{} has atoms that this zone does not hold, or of another source; hand over that batch's tokens folder too", path.display())]
    RunAtoms {
        /// The run token file.
        path: PathBuf,
    },
    /// A sealed file did not open or could not be written.
    #[error("a sealed file could not be used")]
    Seal(#[source] Box<SealError>),
    /// The signature is missing, wrong, or by a key that nobody here has put into the zone.
    #[error("the signature beside {} does not fit it, or is not by the key that this zone trusts; fetch the batch again from its holder", path.display())]
    Signature {
        /// The token file.
        path: PathBuf,
    },
    /// No such source or batch is held.
    #[error("{} holds nothing of {name}", path.display())]
    Unheld {
        /// The folder of link.
        path: PathBuf,
        /// The source or batch that was named.
        name: String,
    },
    /// The same batch or atom came twice.
    #[error("{} was handed over twice, or shares atoms with another batch; name each batch once", path.display())]
    Twice {
        /// The token file, or the first folder if it cannot be told.
        path: PathBuf,
    },
    /// Nothing has been linked there yet.
    #[error("{} holds no finished run of link", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// There is no model to score new pairs by.
    #[error("{} holds no model of a full pass with composites; name all token folders and all run tokens with --rebuild", path.display())]
    Unscored {
        /// The folder of link.
        path: PathBuf,
    },
    /// The file that stands for the result could not be digested.
    #[error("the finished crosswalk could not be read back")]
    Unreadable(#[source] Box<ManifestError>),
    /// No key of the holder is believed.
    #[error("nobody has told this zone whose signature {} needs", path.display())]
    Untrusted {
        /// The token file.
        path: PathBuf,
        /// What is missing.
        #[source]
        cause: Box<KeyError>,
    },
}

impl LinkError {
    /// Stable, listed in `docs/errors.md`, safe in logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Arrow(_) => "link/arrow",
            Self::Bridged => "link/bridged",
            Self::Busy { .. } => "link/busy",
            Self::Changed { .. } => "link/changed",
            Self::Content { .. } => "link/content",
            Self::Exists { .. } => "link/exists",
            Self::Form { .. } => "link/form",
            Self::Gone { .. } => "link/gone",
            Self::Io { .. } => "link/io",
            Self::Keys(_) => "link/keys",
            Self::Mixed { .. } => "link/mixed",
            Self::Nothing => "link/nothing",
            Self::Other { .. } => "link/other",
            Self::Part { .. } => "link/part",
            Self::Review(cause) => cause.code(),
            Self::RunAtoms { .. } => "link/run-atoms",
            Self::Seal(_) => "link/seal",
            Self::Signature { .. } => "link/signature",
            Self::Twice { .. } => "link/twice",
            Self::Unfinished { .. } => "link/unfinished",
            Self::Unheld { .. } => "link/unheld",
            Self::Unreadable(_) => "link/unreadable",
            Self::Unscored { .. } => "link/unscored",
            Self::Untrusted { .. } => "link/untrusted",
        }
    }

    pub(crate) fn seal(cause: SealError) -> Self {
        Self::Seal(Box::new(cause))
    }

    pub(crate) fn keys(cause: KeyError) -> Self {
        Self::Keys(Box::new(cause))
    }

    pub(crate) fn unreadable(cause: ManifestError) -> Self {
        Self::Unreadable(Box::new(cause))
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { path, cause }
    }
}
