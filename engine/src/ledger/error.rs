//! Why the ledger gives no verdicts. Without verdicts nothing is shown.

use std::io;

/// See the module. Fixed sentences: none holds a number or a name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// A record does not open, or is not what the ledger writes.
    #[error("the project's ledger cannot be read or written")]
    Damaged,
    /// Fresh numbers of a day.
    #[error("the project has been shown as many exact numbers as it may be in a day")]
    DayBudget,
    /// The file cannot be used, or another holds it.
    #[error("the project's ledger cannot be read or written")]
    Unavailable(#[source] io::Error),
    /// Plans that differ in literals alone.
    #[error("the project has asked this query with as many different values as it may")]
    VariantBudget,
}

impl LedgerError {
    /// Stable code, listed in `docs/errors.md`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Damaged | Self::Unavailable(_) => "veil/ledger",
            Self::DayBudget => "veil/budget-day",
            Self::VariantBudget => "veil/budget-variants",
        }
    }

    /// What can be done now.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Damaged | Self::Unavailable(_) => {
                "the operator has to look at the ledger's file; no query of the project is answered until then"
            }
            Self::DayBudget => "go on tomorrow, group more coarsely, or use answers that are there already",
            Self::VariantBudget => {
                "ask once with GROUP BY over these values in the place of one query for each, or take larger groups"
            }
        }
    }
}
