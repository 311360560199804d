//! Why a review stopped. Says which file or number, never what stood there.

use std::path::PathBuf;

use policies::jws::JwsError;

/// Why an answer was not taken, or a decision not written down. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// Nobody whom the zone trusts has signed the answers.
    #[error("{} is no file of answers, or is not signed by the key that this zone trusts for the holder that was asked; fetch it again from that holder", path.display())]
    Answers {
        /// The file.
        path: PathBuf,
    },
    /// The queue has no such dossier.
    #[error("the queue has no dossier of that number; `sudare link review` lists those that wait")]
    Dossier,
    /// What link keeps of its queue is of another version.
    #[error("{} cannot be read by this version; use the version that made it", path.display())]
    Queue {
        /// The file.
        path: PathBuf,
    },
    /// Nobody has asked that.
    #[error("{} answers questions that this zone has not asked that holder; nothing of it was taken", path.display())]
    Question {
        /// The file.
        path: PathBuf,
    },
    /// A newer file of questions stands.
    #[error("{} answers questions of an older queue, which newer ones have replaced; let the holder answer the newest file: what was answered before stands there already", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// A document could not be signed.
    #[error("the file could not be signed")]
    Sign(#[source] JwsError),
}

impl ReviewError {
    /// Stable, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Answers { .. } => "link/answers",
            Self::Dossier => "link/dossier",
            Self::Queue { .. } => "link/queue",
            Self::Question { .. } => "link/question",
            Self::Replaced { .. } => "link/replaced",
            Self::Sign(_) => "link/sign",
        }
    }
}
