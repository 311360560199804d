//! The linkage zone's word that a bridge between two epochs joins what it should: without it no holder switches.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{SigningKey, VerifyingKey};
use crate::jws::{self, JwsError};

/// `typ` of a verdict.
const KIND: &str = "sudare-bridge+jws";

/// That the bridge of this digest was verified: the same components under both epochs, equal counts. Signed by the linkage zone's
/// `sign` key as a JWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BridgeVerdict {
    /// Fingerprint of the epoch key that goes.
    pub from: String,
    /// Fingerprint of the epoch key that comes.
    pub to: String,
    /// SHA-256 (hex) of the bridge that was verified.
    pub bridge: String,
    /// When.
    pub verified_at: Timestamp,
}

impl BridgeVerdict {
    /// Signs the verdict; `key` is the linkage zone's `sign` key.
    pub fn sign(&self, key: &SigningKey) -> Result<String, JwsError> {
        jws::sign(KIND, self, key)
    }

    /// Reads a signed verdict; `key` is the key that the holder trusts as the linkage zone's. Whether it speaks of this rotation
    /// is [`super::Epochs::verify`]'s to say.
    pub fn verify(signed: &str, key: &VerifyingKey) -> Result<Self, JwsError> {
        jws::verify(KIND, signed.trim(), key)
    }

    /// A short name of a signed verdict, for records.
    pub fn digest(signed: &str) -> String {
        hex::encode(Sha256::digest(signed.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signer_s_own_words_are_believed() {
        let key = SigningKey::generate();
        let verdict = BridgeVerdict {
            from: "0".repeat(16),
            to: "1".repeat(16),
            bridge: "a".repeat(64),
            verified_at: Timestamp::UNIX_EPOCH,
        };
        let signed = verdict.sign(&key).unwrap();
        assert_eq!(BridgeVerdict::verify(&format!("{signed}\n"), &key.verifying()).unwrap(), verdict);
        assert!(BridgeVerdict::verify(&signed, &SigningKey::generate().verifying()).is_err());
        assert!(BridgeVerdict::verify("", &key.verifying()).is_err());
        // A permit, or any other document of the same key, is no verdict.
        let other = jws::sign(jws::PERMIT, &verdict, &key).unwrap();
        assert!(BridgeVerdict::verify(&other, &key.verifying()).is_err());
    }
}
