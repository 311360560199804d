//! A passkey's public key: ES256 or `EdDSA`, from COSE, kept as one line of text.

use std::fmt;
use std::str::FromStr;

use coset::iana::{Algorithm, Ec2KeyParameter, EllipticCurve, EnumI64, OkpKeyParameter};
use coset::{CoseKey, KeyType, Label, RegisteredLabelWithPrivate, iana};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::{Base64Url, PasskeyError};
use crate::keys;

/// The public half of a passkey. As text: `es256:` or `eddsa:` and the point in base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PasskeyKey {
    /// Ed25519 (RFC 8032), COSE algorithm -8.
    EdDsa(keys::VerifyingKey),
    /// ECDSA over P-256 with SHA-256, COSE algorithm -7.
    Es256(Box<VerifyingKey>),
}

impl PasskeyKey {
    /// An ES256 key by its point (SEC 1, compressed or not).
    pub fn es256(point: &[u8]) -> Result<Self, PasskeyError> {
        VerifyingKey::from_sec1_bytes(point).map(|key| Self::Es256(Box::new(key))).map_err(|_| PasskeyError::Kind)
    }

    /// An Ed25519 key by its 32 bytes.
    pub fn eddsa(point: &[u8]) -> Result<Self, PasskeyError> {
        keys::VerifyingKey::from_hex(&hex::encode(point)).map(Self::EdDsa).ok_or(PasskeyError::Kind)
    }

    /// A COSE key (RFC 9053) of one of both kinds, as an authenticator sends it (§6.5.1.1).
    pub fn of_cose(key: &CoseKey) -> Result<Self, PasskeyError> {
        let algorithm = |wanted: Algorithm| key.alg == Some(RegisteredLabelWithPrivate::Assigned(wanted));
        let is = |label: i64, curve: EllipticCurve| {
            let found = parameter(key, label).and_then(coset::cbor::Value::as_integer);
            found.is_some_and(|value| value == curve.to_i64().into())
        };
        let bytes = |label: i64, length: usize| {
            let found = parameter(key, label).and_then(|value| value.as_bytes());
            found.filter(|bytes| bytes.len() == length).ok_or(PasskeyError::Kind)
        };
        let kind = |wanted: iana::KeyType| key.kty == KeyType::Assigned(wanted);
        if kind(iana::KeyType::EC2)
            && algorithm(Algorithm::ES256)
            && is(Ec2KeyParameter::Crv.to_i64(), EllipticCurve::P_256)
        {
            let (x, y) = (bytes(Ec2KeyParameter::X.to_i64(), 32)?, bytes(Ec2KeyParameter::Y.to_i64(), 32)?);
            return Self::es256(&[&[0x04], x.as_slice(), y.as_slice()].concat());
        }
        if kind(iana::KeyType::OKP)
            && algorithm(Algorithm::EdDSA)
            && is(OkpKeyParameter::Crv.to_i64(), EllipticCurve::Ed25519)
        {
            return Self::eddsa(bytes(OkpKeyParameter::X.to_i64(), 32)?);
        }
        Err(PasskeyError::Kind)
    }

    /// Whether `signature` is this key's over `message`.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::EdDsa(key) => key.verify(message, signature),
            Self::Es256(key) => {
                Signature::from_der(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }
}

fn parameter(key: &CoseKey, label: i64) -> Option<&coset::cbor::Value> {
    key.params.iter().find(|(known, _)| *known == Label::Int(label)).map(|(_, value)| value)
}

impl fmt::Display for PasskeyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EdDsa(key) => write!(f, "eddsa:{}", Base64Url::of(key.inner().as_bytes().as_slice())),
            Self::Es256(key) => write!(f, "es256:{}", Base64Url::of(key.to_sec1_point(false).as_bytes())),
        }
    }
}

impl FromStr for PasskeyKey {
    type Err = PasskeyError;
    fn from_str(text: &str) -> Result<Self, PasskeyError> {
        let (kind, point) = text.split_once(':').ok_or(PasskeyError::Form)?;
        let point: Base64Url = point.parse()?;
        match kind {
            "eddsa" => Self::eddsa(point.as_bytes()),
            "es256" => Self::es256(point.as_bytes()),
            _ => Err(PasskeyError::Kind),
        }
    }
}

impl TryFrom<String> for PasskeyKey {
    type Error = PasskeyError;
    fn try_from(text: String) -> Result<Self, PasskeyError> {
        text.parse()
    }
}

impl From<PasskeyKey> for String {
    fn from(key: PasskeyKey) -> Self {
        key.to_string()
    }
}
