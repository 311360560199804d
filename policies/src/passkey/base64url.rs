//! Bytes that travel as base64url without padding (RFC 4648 §5), as `WebAuthn` writes them in JSON.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::PasskeyError;

/// No part of an assertion or registration is longer; `clientDataJSON` has a few hundred bytes, a credential at most 1,023.
const BYTES_MAX: usize = 4096;

/// Some bytes, at most 4,096. One spelling only: unused bits must be zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64Url(Vec<u8>);

impl Base64Url {
    /// Takes bytes over.
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl FromStr for Base64Url {
    type Err = PasskeyError;
    fn from_str(text: &str) -> Result<Self, PasskeyError> {
        if text.len() > BYTES_MAX.div_ceil(3) * 4 {
            return Err(PasskeyError::Form);
        }
        URL_SAFE_NO_PAD.decode(text).map(Self).map_err(|_| PasskeyError::Form)
    }
}

impl TryFrom<String> for Base64Url {
    type Error = PasskeyError;
    fn try_from(text: String) -> Result<Self, PasskeyError> {
        text.parse()
    }
}

impl From<Base64Url> for String {
    fn from(bytes: Base64Url) -> Self {
        bytes.to_string()
    }
}
