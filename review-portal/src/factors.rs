//! Second factors: codes by time, passkeys, recovery codes.

pub(crate) mod code;
pub(crate) mod passkeys;
pub(crate) mod recovery;
pub(crate) mod reset;
mod seal;
pub(crate) mod totp;

use policies::UserId;
use serde::{Deserialize, Serialize};

pub(crate) use seal::FactorKey;

use crate::database::Database;
use crate::error::PortalError;

/// With what a person signed in beside the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Factor {
    /// A passkey, which alone is two factors: a device, and a PIN, finger or face.
    Passkey,
    /// One of the codes on paper.
    Recovery,
    /// A code by time.
    Totp,
}

impl Factor {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Recovery => "recovery",
            Self::Totp => "totp",
        }
    }
}

/// What a person has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors {
    pub(crate) totp: bool,
    pub(crate) passkeys: usize,
    pub(crate) recovery_left: usize,
    /// An operator ended the earlier ones, and the code that was handed over is asked for.
    pub(crate) is_reset: bool,
}

impl Factors {
    pub(crate) async fn of(db: &Database, user: &UserId) -> Result<Self, PortalError> {
        Ok(Self {
            totp: totp::is_set_up(db, user).await?,
            passkeys: passkeys::of(db, user).await?.len(),
            recovery_left: recovery::left(db, user).await?,
            is_reset: reset::is_pending(db, user).await?,
        })
    }

    /// Nothing was set up yet.
    pub(crate) fn none(self) -> bool {
        !self.totp && self.passkeys == 0
    }
}
