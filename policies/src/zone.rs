//! The five zones of the design. Secrets of one never lie in the folder of another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where code runs and which secrets it may hold (DESIGN.md, "Zones").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zone {
    /// Content, person keys, dataset keys.
    Enclave,
    /// Identifiers and token keys; one a source.
    Holder,
    /// Tokens only.
    Linkage,
    /// The permit signer's key.
    Permit,
    /// Accounts, applications, session key.
    Portal,
}

impl Zone {
    /// All zones, in the order in which data reach them.
    pub const ALL: [Self; 5] = [Self::Holder, Self::Linkage, Self::Enclave, Self::Permit, Self::Portal];

    /// The word used on the command line and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enclave => "enclave",
            Self::Holder => "holder",
            Self::Linkage => "linkage",
            Self::Permit => "permit",
            Self::Portal => "portal",
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is none of the five zones.
#[derive(Debug, thiserror::Error)]
#[error("not a zone; one of holder, linkage, enclave, permit, portal")]
pub struct InvalidZone;

impl FromStr for Zone {
    type Err = InvalidZone;
    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        Self::ALL.into_iter().find(|zone| zone.as_str() == text).ok_or(InvalidZone)
    }
}
