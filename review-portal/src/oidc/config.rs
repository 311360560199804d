//! Which institutions there are, as the operator configures them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use policies::tls::TlsError;
use serde::{Deserialize, Serialize};

use crate::private_file::PrivateFileError;

/// An institution's short name in the configuration and in addresses: small letters, digits and hyphens, at most 40.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct InstitutionId(String);

impl InstitutionId {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InstitutionId {
    type Err = InstitutionError;

    fn from_str(text: &str) -> Result<Self, InstitutionError> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=40).contains(&text.len()) && text.bytes().all(letters) && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InstitutionError::Name) }
    }
}

impl TryFrom<String> for InstitutionId {
    type Error = InstitutionError;

    fn try_from(text: String) -> Result<Self, InstitutionError> {
        text.parse()
    }
}

impl fmt::Display for InstitutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An institution whose people sign in there.
#[derive(Clone, Debug)]
pub struct InstitutionConfig {
    /// Its short name.
    pub id: InstitutionId,
    /// Its name in Japanese.
    pub name_ja: String,
    /// Its name in English.
    pub name_en: String,
    /// The issuer identifier of its OpenID provider; beyond this machine `https://…`.
    pub issuer: String,
    /// As what the portal is registered there.
    pub client_id: String,
    /// The file with the secret that the provider gave the portal, mode 0600.
    pub client_secret_file: PathBuf,
    /// The provider's CA file; without one the system's CAs count.
    pub ca: Option<PathBuf>,
    /// Classes of authentication of which the provider has to confirm one; none: any will do.
    pub acr: Vec<String>,
    /// Ways of authentication all of which the provider has to confirm (RFC 8176).
    pub amr: Vec<String>,
}

/// Why institutions cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum InstitutionError {
    /// The connection cannot be set up.
    #[error("the provider of institution {id} cannot be reached that way")]
    Client {
        /// Which one.
        id: InstitutionId,
        /// What the HTTP client said.
        #[source]
        cause: reqwest::Error,
    },
    /// No issuer identifier.
    #[error("the issuer of institution {id} is not an address of the form https://provider.example")]
    Issuer {
        /// Which one.
        id: InstitutionId,
    },
    /// Not a short name.
    #[error("an institution's short name has small letters, digits and hyphens, at most 40")]
    Name,
    /// The secret cannot be read.
    #[error("the secret of institution {id} cannot be read")]
    Secret {
        /// Which one.
        id: InstitutionId,
        /// Why not.
        #[source]
        cause: PrivateFileError,
    },
    /// The file of the secret is empty.
    #[error("the file with the secret of institution {id} is empty")]
    SecretEmpty {
        /// Which one.
        id: InstitutionId,
    },
    /// Plain beyond this machine, or a CA that cannot be read.
    #[error("the provider of institution {id} may not be spoken to that way")]
    Tls {
        /// Which one.
        id: InstitutionId,
        /// Why not.
        #[source]
        cause: TlsError,
    },
    /// Another institution has the same short name or issuer.
    #[error("institution {id} has the short name or the issuer of another one")]
    Twice {
        /// Which one.
        id: InstitutionId,
    },
}
