//! The linkage zone's word that a bridge between two epochs joins what it should: without it no holder switches.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::jws::Document;

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

/// Signed by the linkage zone's `sign` key, read under the key that the holder trusts as that zone's. Whether it speaks of this rotation is
/// [`super::Epochs::verify`]'s to say.
impl Document for BridgeVerdict {
    const KIND: &'static str = "sudare-bridge+jws";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws;
    use crate::keys::SigningKey;

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
