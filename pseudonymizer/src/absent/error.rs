//! Why an objection was not written down, or the list of them cannot be used. Says where, never what stood there.

use std::io;
use std::path::{Path, PathBuf};

use policies::keys::KeyError;
use policies::source::SourceId;

use crate::layout::LayoutError;
use crate::seal::SealError;

/// Why an objection was not written down, or the list cannot be used. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum OptOutError {
    /// The list of objections has another form.
    #[error("{} is no list of persons who object; bring it back from a backup, or give the whole list again with --anew", path.display())]
    Form {
        /// The list.
        path: PathBuf,
    },
    /// A name in the header line is unknown, or stands twice.
    #[error("column {column} of the header line of {} has a name that is not known here, or that stands twice", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// From 1.
        column: usize,
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
    /// The source's layout.
    #[error(transparent)]
    Layout(LayoutError),
    /// The source's policy gives its persons no say.
    #[error(
        "the policy of source {source_name} is person_say = none: a law rests it on other grounds, so no objection is written down"
    )]
    NoSay {
        /// The source.
        source_name: SourceId,
    },
    /// A record that cannot be read.
    #[error("record {record} of {} is not in the form of its header line; nothing was changed", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// From 1; the header line is the first.
        record: u64,
    },
    /// The sealed list.
    #[error("the list of persons who object cannot be opened or written")]
    Seal(#[from] SealError),
    /// Tokens of another epoch or normaliser would find nobody.
    #[error(
        "the list of persons who object to source {source_name} was made under another epoch key or normaliser, and would leave nobody out; give the whole list again with `sudare opt-out add --anew`"
    )]
    Stale {
        /// The source.
        source_name: SourceId,
    },
    /// There is no such source.
    #[error("there is no source {source_name}; name the folder of its file with --sources")]
    Unknown {
        /// What was asked for.
        source_name: SourceId,
    },
    /// Persons who would not be found.
    #[error(
        "{persons} persons of {} cannot be told by what stands there, the first of them in record {record}; nothing was changed", path.display()
    )]
    Unnamed {
        /// The file.
        path: PathBuf,
        /// How many.
        persons: u64,
        /// From 1; the header line is the first.
        record: u64,
    },
}

impl OptOutError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "opt-out/form",
            Self::Header { .. } => "opt-out/header",
            Self::Io { .. } => "opt-out/io",
            Self::Keys(_) => "opt-out/keys",
            Self::Layout(fault) => fault.code(),
            Self::NoSay { .. } => "opt-out/no-say",
            Self::Record { .. } => "opt-out/record",
            Self::Seal(_) => "opt-out/seal",
            Self::Stale { .. } => "opt-out/stale",
            Self::Unknown { .. } => "opt-out/unknown",
            Self::Unnamed { .. } => "opt-out/unnamed",
        }
    }

    /// What the holder can do now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Form { .. } | Self::Stale { .. } => {
                "sudare opt-out add --anew --keys holder/keys --source SOURCE FILE"
            }
            Self::Header { .. } => "docs/opt-out.md lists the names; take other columns out of the file",
            Self::Io { .. } | Self::Keys(_) | Self::Seal(_) => {
                "check that the path exists, that this user may use it and that the disk has room"
            }
            Self::Layout(fault) => fault.hint(),
            Self::NoSay { .. } => "the source's own file says what its persons may say; see docs/sources.md",
            Self::Record { .. } => "correct that record: as many cells as the header line has, in UTF-8 or CP932",
            Self::Unknown { .. } => "name the folder of the source's file with --sources, or set SUDARE_SOURCES",
            Self::Unnamed { .. } => {
                "add what finds a person: name, birth date and sex, or a card with birth date and sex; see docs/opt-out.md"
            }
        }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |cause| Self::Io { path: path.to_owned(), cause }
    }
}
