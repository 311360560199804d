//! The roles of the design's word list. What each may do is casbin's answer, not an `if` in a page.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a person is for the system (DESIGN.md, "Words").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// 監査者: reads everything that was done, changes nothing.
    Auditor,
    /// 委員長: leads the committee and decides.
    Chair,
    /// 持出審査者: decides what leaves.
    OutputChecker,
    /// 取扱者: each named person who queries.
    Researcher,
    /// 審査委員: deliberates and votes.
    Reviewer,
    /// 受付窓口・事務局: checks applications for completeness.
    Secretariat,
    /// データ管理者: publishes datasets in the catalog.
    Steward,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] = [
        Self::Researcher,
        Self::Reviewer,
        Self::Chair,
        Self::Secretariat,
        Self::OutputChecker,
        Self::Steward,
        Self::Auditor,
    ];

    /// The word used in policy files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Chair => "chair",
            Self::OutputChecker => "output-checker",
            Self::Researcher => "researcher",
            Self::Reviewer => "reviewer",
            Self::Secretariat => "secretariat",
            Self::Steward => "steward",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is no role.
#[derive(Debug, thiserror::Error)]
#[error("not a role")]
pub struct InvalidRole;

impl FromStr for Role {
    type Err = InvalidRole;
    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(InvalidRole)
    }
}
