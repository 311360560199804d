//! Signing and checking of the three documents that the engine believes: compact JWS, `EdDSA` (RFC 7515, RFC 8037).
//!
//! The kind of document stands in the protected header (`typ`), so that one can never pass for another.

use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::keys::{SigningKey, VerifyingKey};

/// `typ` of a permit.
pub const PERMIT: &str = "sudare-permit+jws";
/// `typ` of a session token.
pub const SESSION: &str = "sudare-session+jws";
/// `typ` of a session token for dummy releases: no engine that serves people's records takes it.
pub const DUMMY_SESSION: &str = "sudare-dummy-session+jws";
/// `typ` of a status document.
pub const STATUS: &str = "sudare-status+jws";
/// `typ` of a steward's word on the linkage of a release.
pub const QUALITY_WORD: &str = "sudare-quality-word+jws";
/// `typ` of an application's events on their way from the portal to the permit signer.
pub const EVENTS: &str = "sudare-events+jws";

/// Why a document was not believed. Never says what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum JwsError {
    /// Broken form, wrong key, changed byte or another kind of document.
    #[error("the signature of this {0} does not verify")]
    Invalid(&'static str),
    /// The document could not be signed.
    #[error("the {0} could not be signed")]
    Sign(&'static str),
}

/// Signs `claims` as a document of the given kind.
pub fn sign<T: Serialize>(kind: &'static str, claims: &T, key: &SigningKey) -> Result<String, JwsError> {
    let der = key.inner().to_pkcs8_der().map_err(|_| JwsError::Sign(name(kind)))?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(kind.to_owned());
    header.kid = Some(key.verifying().fingerprint());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(der.as_bytes()))
        .map_err(|_| JwsError::Sign(name(kind)))
}

/// Checks signature and kind and gives the claims. Times are the caller's to check: the clock comes in as an argument there.
pub fn verify<T: DeserializeOwned>(kind: &'static str, token: &str, key: &VerifyingKey) -> Result<T, JwsError> {
    let invalid = || JwsError::Invalid(name(kind));
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
    if header.typ.as_deref() != Some(kind) {
        return Err(invalid());
    }
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<T>(token, &DecodingKey::from_ed_der(key.inner().as_bytes()), &validation);
    Ok(decoded.map_err(|_| invalid())?.claims)
}

/// A document with a kind of its own: signed whole, and read only under the right key and as that kind.
pub trait Document: Serialize + DeserializeOwned {
    /// `typ` of its header.
    const KIND: &'static str;

    /// Signs it.
    fn sign(&self, key: &SigningKey) -> Result<String, JwsError> {
        sign(Self::KIND, self, key)
    }

    /// Reads a signed one, with or without the line's end of a file.
    fn verify(signed: &str, key: &VerifyingKey) -> Result<Self, JwsError> {
        verify(Self::KIND, signed.trim(), key)
    }
}

/// SHA-256 of a signed document, hexadecimal: its short name in records.
pub fn digest(signed: &str) -> String {
    hex::encode(Sha256::digest(signed.trim()))
}

fn name(kind: &'static str) -> &'static str {
    match kind {
        PERMIT => "permit",
        SESSION => "session token",
        DUMMY_SESSION => "session token for dummy data",
        STATUS => "status document",
        EVENTS => "event list",
        QUALITY_WORD => "steward's word",
        _ => "document",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_changed_byte_another_key_and_another_kind_fail() {
        let key = SigningKey::generate();
        let claims = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let token = sign(SESSION, &claims, &key).unwrap();
        assert_eq!(verify::<BTreeMap<String, String>>(SESSION, &token, &key.verifying()).unwrap(), claims);
        assert!(verify::<BTreeMap<String, String>>(PERMIT, &token, &key.verifying()).is_err());
        assert!(verify::<BTreeMap<String, String>>(SESSION, &token, &SigningKey::generate().verifying()).is_err());
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character of a base64 group may carry unused bits; a change there must be refused as well.
            assert!(
                changed == token || verify::<BTreeMap<String, String>>(SESSION, &changed, &key.verifying()).is_err(),
                "byte {place}"
            );
        }
    }
}
