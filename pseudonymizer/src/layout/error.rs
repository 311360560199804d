//! Why a layout does not load.

/// A rule that a layout breaks, and where. Layouts hold no values of persons, so their words may be quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The text is not of the form of a layout.
    #[error("the layout cannot be read: {what}")]
    Form {
        /// What the parser said, with line and column.
        what: String,
    },
    /// A rule is broken.
    #[error("layout {layout}, record {record}{field}: {what}")]
    Rule {
        /// Which layout.
        layout: String,
        /// Which record; `-` for the layout itself.
        record: String,
        /// `, field …`, or nothing.
        field: String,
        /// What is wrong and what to write instead.
        what: String,
    },
}

impl LayoutError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "layout/form",
            Self::Rule { .. } => "layout/rule",
        }
    }

    /// What the steward can do now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Form { .. } => "compare with the layouts that come with this version; the place is named",
            Self::Rule { .. } => "`sudare layout check FILE` shows every position and its action",
        }
    }
}
