//! How a request ends without cells, and the gRPC status that says so.

use tonic::{Code, Status};

use crate::admission::Rejection;
use crate::error::{QueryError, Refusal, Rule};
use crate::refused::{Refused, RefusedObject};

/// What is no part of this service.
pub(super) const PROTOCOL: Rule = Rule {
    code: "guard/protocol",
    rule: "V-PROTOCOL",
    message: "this part of Flight SQL is not available",
    hint: "send a SELECT as a statement or as a prepared statement",
};
/// A handle that is not this session's, or used, or old.
pub(super) const TICKET: Rule = Rule {
    code: "guard/ticket",
    rule: "V-PROTOCOL",
    message: "the ticket is unknown, used, too old, or another session's",
    hint: "send the query again",
};
/// Too many at a time.
pub(super) const BUSY: Rule = Rule {
    code: "guard/busy",
    rule: "V-RES",
    message: "too many queries run or wait at the moment",
    hint: "wait until one has ended, then send the query again",
};
/// Too many of one project at a time.
pub(super) const PROJECT_BUSY: Rule = Rule {
    code: "guard/project-busy",
    rule: "V-RES",
    message: "too many queries of this project run or wait at the moment",
    hint: "wait until one of the project's queries has ended, then send the query again",
};
/// The project rests.
pub(super) const PAUSED: Rule = Rule {
    code: "veil/paused",
    rule: "V-ERRTEXT",
    message: "too many queries of this project have failed today, so that it is paused until tomorrow",
    hint: "try again after midnight in Japan; the operator can help to find what fails",
};
/// Stopped by its client.
const CANCELLED: Rule = Rule {
    code: "veil/cancelled",
    rule: "V-RES",
    message: "the query was cancelled",
    hint: "send the query again if its answer is still wanted",
};
/// All of this file, for `docs/errors.md`.
pub(crate) const ALL: &[Rule] = &[PROTOCOL, TICKET, BUSY, PROJECT_BUSY, PAUSED, CANCELLED];

/// Why a request gave no cells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ending {
    /// Stopped by its client.
    #[error("{}: {}", CANCELLED.code, CANCELLED.message)]
    Cancelled,
    /// It ran and failed.
    #[error("{code}: {0}", code = .0.code())]
    Failed(QueryError),
    /// Refused by guard, permit or session.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// The audit log could not be written, so that nothing was done.
    #[error("audit/not-written: the request could not be recorded, so nothing was run")]
    Unrecorded,
}

impl Ending {
    /// No place, neither to run nor to wait.
    pub(crate) fn busy() -> Self {
        Self::from(&BUSY)
    }

    /// No place for this project.
    pub(crate) fn project_busy() -> Self {
        Self::from(&PROJECT_BUSY)
    }

    /// Stable code.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Cancelled => CANCELLED.code,
            Self::Failed(error) => error.code(),
            Self::Refused(refused) => &refused.code,
            Self::Unrecorded => "audit/not-written",
        }
    }
}

impl From<QueryError> for Ending {
    fn from(error: QueryError) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Ending {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal.into()))
    }
}

impl From<&Rule> for Ending {
    fn from(rule: &Rule) -> Self {
        Self::Refused(Box::new(rule.into()))
    }
}

impl From<Rejection> for Ending {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(Box::new(rejection.into()))
    }
}

impl From<Ending> for Status {
    fn from(ending: Ending) -> Self {
        let message = ending.to_string();
        match ending {
            Ending::Cancelled => Self::cancelled(message),
            Ending::Refused(refused) => {
                let code =
                    if refused.is_about_permission() { Code::FailedPrecondition } else { Code::PermissionDenied };
                // INVARIANT: strings and numbers always serialize.
                let details = serde_json::to_vec(&RefusedObject { refused: *refused }).unwrap_or_default();
                Self::with_details(code, message, details.into())
            }
            Ending::Failed(
                QueryError::DayBudget
                | QueryError::TooLarge
                | QueryError::TooMuchMemory
                | QueryError::VariantBudget
                | QueryError::WorkspaceFull,
            ) => Self::resource_exhausted(message),
            Ending::Failed(QueryError::Ledger | QueryError::Workspace) | Ending::Unrecorded => {
                Self::unavailable(message)
            }
            Ending::Failed(QueryError::TooSlow) => Self::deadline_exceeded(message),
            Ending::Failed(QueryError::Failed | QueryError::Unveiled) => Self::internal(message),
        }
    }
}
