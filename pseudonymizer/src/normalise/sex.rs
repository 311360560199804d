//! Sex in the words of all sources; unknown is absent and never matches (formats.md 13.8).

use super::text;

/// A recorded sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sex {
    /// 2, F, female, 女.
    Female,
    /// 1, M, male, 男.
    Male,
}

impl Sex {
    /// Reads any of the sources' ways.
    pub(crate) fn read(written: &str) -> Option<Self> {
        match text::fold_capital(written).as_str() {
            "1" | "M" | "MALE" | "男" | "男性" | "男子" => Some(Self::Male),
            "2" | "F" | "FEMALE" | "女" | "女性" | "女子" => Some(Self::Female),
            _ => None,
        }
    }

    /// The claims' code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Female => "2",
            Self::Male => "1",
        }
    }
}
