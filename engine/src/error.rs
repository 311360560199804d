//! Every way a query can end without an answer: refused by the guard, or failed on the way.
//!
//! All sentences are fixed: none holds a value, a name from the data, or a text of a lower layer (disclosure.md, V-ERRTEXT).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of foreign errors that have a sentence of their own; all others share one"
)]

use datafusion::common::{DataFusionError, SchemaError};
use serde::Serialize;

use crate::ledger::LedgerError;

pub(crate) mod rules;

/// One rule's sentence, as it stands in `docs/errors.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "`rule` is the field's name in the JSON that clients read")]
pub struct Rule {
    /// Stable code, `guard/…`.
    pub code: &'static str,
    /// Rule of disclosure.md, section 2.
    pub rule: &'static str,
    /// What is not allowed.
    pub message: &'static str,
    /// What works instead.
    pub hint: &'static str,
}

/// The guard's no, decided before a row is read. Serializes to the `refused` object of the command line and of Flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code} {rule}: {message}")]
pub struct Refusal {
    /// Stable code, `guard/…`.
    pub code: &'static str,
    /// Rule of disclosure.md, section 2.
    pub rule: &'static str,
    /// What is not allowed: one sentence.
    pub message: &'static str,
    /// What works instead: one sentence.
    pub hint: &'static str,
    /// Line in the query's text, from 1, where known.
    pub line: Option<u64>,
    /// Column in the query's text, from 1, where known.
    pub column: Option<u64>,
}

impl Refusal {
    /// The refusal of that rule, without a place in the text.
    pub(crate) fn of(rule: &Rule) -> Self {
        Self { code: rule.code, rule: rule.rule, message: rule.message, hint: rule.hint, line: None, column: None }
    }

    /// The same at a place in the text; line 0 means unknown.
    pub(crate) fn at(self, line: u64, column: u64) -> Self {
        if line == 0 { self } else { Self { line: Some(line), column: Some(column), ..self } }
    }

    /// A planner's error, told in our words. Its own text may quote anything and is dropped.
    pub(crate) fn from_planning(error: &DataFusionError) -> Self {
        let place = error.diagnostic().and_then(|diagnostic| diagnostic.span).map(|span| span.start);
        let refusal = Self::of(planning_rule(error.find_root()));
        place.map_or(refusal, |start| refusal.at(start.line, start.column))
    }
}

/// Why a guarded query gave no answer. The cause is dropped on purpose: it may quote data (disclosure.md, F8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// New exact cells of a day (V-BUDGET).
    #[error("the project has been shown as many exact numbers as it may be in a day")]
    DayBudget,
    /// Something failed while it ran, or an operator unwound.
    #[error("the query failed while it ran")]
    Failed,
    /// The project's ledger cannot be used: nothing exact is shown.
    #[error("the project's ledger cannot be read or written")]
    Ledger,
    /// More groups or rows than the profile lets through.
    #[error("the query makes more groups or rows than the permit's profile allows")]
    TooLarge,
    /// More memory than a query may take.
    #[error("the query needs more memory than a query may take")]
    TooMuchMemory,
    /// It ran longer than a query may.
    #[error("the query ran longer than a query may")]
    TooSlow,
    /// The plan that would have run was not the one that was guarded.
    #[error("the plan lost its veil on the way and was not run")]
    Unveiled,
    /// The project's own tables cannot be read or written.
    #[error("the project's workspace cannot be read or written")]
    Workspace,
    /// More bytes or objects than the workspace may hold.
    #[error("the result does not fit into the project's workspace")]
    WorkspaceFull,
    /// Queries that differ in their literals alone (V-BUDGET).
    #[error("the project has asked this query with as many different values as it may")]
    VariantBudget,
}

impl QueryError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(self) -> &'static str {
        match self {
            Self::DayBudget => LedgerError::DayBudget.code(),
            Self::Failed => "veil/failed",
            Self::Ledger => LedgerError::Damaged.code(),
            Self::TooLarge => "veil/too-large",
            Self::TooMuchMemory => "veil/too-much-memory",
            Self::TooSlow => "veil/too-slow",
            Self::Unveiled => "veil/unveiled",
            Self::Workspace => "veil/workspace",
            Self::WorkspaceFull => "veil/workspace-full",
            Self::VariantBudget => LedgerError::VariantBudget.code(),
        }
    }

    /// What can be done now.
    pub fn hint(self) -> &'static str {
        match self {
            Self::DayBudget => LedgerError::DayBudget.hint(),
            Self::Ledger => LedgerError::Damaged.hint(),
            Self::VariantBudget => LedgerError::VariantBudget.hint(),
            Self::Failed => "simplify the query step by step; what fails again is worth a message to the operator",
            Self::TooLarge => "group more coarsely, or add a condition",
            Self::TooMuchMemory => "group by person first, select fewer columns, or add a condition",
            Self::TooSlow => "add a condition, or split the query",
            Self::Workspace => "send the statement again; what fails again is worth a message to the operator",
            Self::WorkspaceFull => {
                "drop tables that are not needed any more, keep fewer columns or rows, or choose another name"
            }
            Self::Unveiled => "this is a defect of the engine; please report the query to the operator",
        }
    }

    /// The ledger's no. Its cause is told to the operator where it arises.
    pub(crate) fn from_ledger(error: &LedgerError) -> Self {
        match error {
            LedgerError::DayBudget => Self::DayBudget,
            LedgerError::Damaged | LedgerError::Unavailable(_) => Self::Ledger,
            LedgerError::VariantBudget => Self::VariantBudget,
        }
    }

    /// The error of a running plan by its kind; the text is dropped.
    pub(crate) fn from_running(error: &DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::TooMuchMemory,
            DataFusionError::External(cause) => cause.downcast_ref::<Self>().copied().unwrap_or(Self::Failed),
            _ => Self::Failed,
        }
    }
}

fn planning_rule(root: &DataFusionError) -> &'static Rule {
    match root {
        DataFusionError::SchemaError(cause, _) => match cause.as_ref() {
            SchemaError::AmbiguousReference { .. } => &rules::AMBIGUOUS,
            SchemaError::FieldNotFound { .. } => &rules::NO_SUCH_COLUMN,
            SchemaError::DuplicateQualifiedField { .. } | SchemaError::DuplicateUnqualifiedField { .. } => {
                &rules::DUPLICATE_NAME
            }
        },
        DataFusionError::SQL(cause, _) => match cause.as_ref() {
            datafusion::sql::sqlparser::parser::ParserError::RecursionLimitExceeded => &rules::TOO_DEEP,
            _ => &rules::SYNTAX,
        },
        DataFusionError::NotImplemented(_) => &rules::NOT_SUPPORTED,
        _ => &rules::NOT_PLANNED,
    }
}
