//! Names of things that travel between crates. Each is parsed once; from then on nobody asks whether it is valid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Text that is no identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}; {form}")]
pub struct InvalidId {
    kind: &'static str,
    form: &'static str,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $form:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId { kind: $kind, form: $form }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn numbered(text: &str, letter: &str) -> bool {
    let digits = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<_> = text.split('-').collect();
    matches!(parts[..], [first, year, number] if first == letter && digits(year, 4) && digits(number, 6))
}

fn word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b'@'))
}

identifier!(
    /// An application's number, e.g. `A-2026-000123`.
    ApplicationId, "application number", "the form is A-2026-000123", |text| numbered(text, "A")
);
identifier!(
    /// A permit's number as it stands on the document, e.g. `P-2026-000123`.
    PermitId, "permit number", "the form is P-2026-000123", |text| numbered(text, "P")
);
identifier!(
    /// A project's short name, e.g. `fracture-2026`: small letters, digits, `-`.
    ProjectId, "project", "small letters, digits, '-', '_' and '.', at most 64", word
);
identifier!(
    /// A person's account, by sign-in name, e.g. `tanaka@univ-a.example`.
    UserId, "sign-in name", "small letters, digits, '-', '_', '.' and '@', at most 64", word
);
identifier!(
    /// One signed-in session, 32 hexadecimal digits.
    SessionId, "session", "32 hexadecimal digits", |text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
);

impl SessionId {
    /// A fresh name of a session: 128 bits from the operating system.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
        Self(hex::encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        assert!("P-2026-000123".parse::<PermitId>().is_ok());
        for bad in ["", "P-26-000123", "A-2026-000123", "P-2026-12", "P-2026-000123-1"] {
            assert!(bad.parse::<PermitId>().is_err(), "{bad}");
        }
    }
}
