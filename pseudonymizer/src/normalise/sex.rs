//! Sex as the claims write it; unknown is absent and never matches (formats.md 13.8).

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
        match written.trim() {
            "1" | "１" | "M" | "male" | "男" => Some(Self::Male),
            "2" | "２" | "F" | "female" | "女" => Some(Self::Female),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        assert_eq!(Sex::read("1"), Sex::read("male"));
        assert_eq!(Sex::read("女").unwrap().code(), "2");
        for unknown in ["", "3", "9", "other", "unknown"] {
            assert!(Sex::read(unknown).is_none());
        }
    }
}
