//! Dataset keys: one AES-128 key a release, wrapped by the enclave's key-encryption key (AES-256-GCM).
//!
//! Parquet modular encryption with a uniform key; the additional data bind each file to its release, table and bucket and are
//! not stored in the file, so that a file moved to another place does not open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policies::keys::SecretBytes;
use rand::Rng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::manifest::ReleaseId;
use crate::sealed;

/// The AES-128 key of one release. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DatasetKey([u8; 16]);

/// The wrapped key does not open with this enclave's key, or not for this release.
#[derive(Debug, thiserror::Error)]
#[error("the dataset key of {release} does not open with this enclave's key")]
pub struct UnwrapError {
    release: ReleaseId,
}

impl DatasetKey {
    /// A fresh key from the operating system.
    pub fn generate() -> Self {
        let mut key = [0; 16];
        rand::rng().fill_bytes(&mut key);
        Self(key)
    }

    /// The key bytes, for Parquet's encryption properties.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Base64 of the sealed key, bound to the release.
    pub fn wrap(&self, kek: &SecretBytes, release: &ReleaseId) -> Result<String, UnwrapError> {
        let sealed = sealed::seal(kek.expose(), release.to_string().as_bytes(), &self.0);
        sealed.map(|sealed| STANDARD.encode(sealed)).ok_or_else(|| UnwrapError { release: release.clone() })
    }

    /// Opens what [`Self::wrap`] made.
    pub fn unwrap(wrapped: &str, kek: &SecretBytes, release: &ReleaseId) -> Result<Self, UnwrapError> {
        let failed = || UnwrapError { release: release.clone() };
        let bytes = STANDARD.decode(wrapped).map_err(|_| failed())?;
        let key = sealed::open(kek.expose(), release.to_string().as_bytes(), &bytes).ok_or_else(failed)?;
        Ok(Self(key.as_slice().try_into().map_err(|_| failed())?))
    }
}

/// Additional data of a file: it opens only as this bucket of this table of this release.
pub fn aad_prefix(release: &ReleaseId, table: &str, bucket: u16) -> Vec<u8> {
    format!("sudare/1|{release}|{table}|{bucket}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_opens_for_its_release_and_enclave_only() {
        let (kek, other) = (SecretBytes::generate(), SecretBytes::generate());
        let release: ReleaseId = "ndb/2026.1".parse().unwrap();
        let key = DatasetKey::generate();
        let wrapped = key.wrap(&kek, &release).unwrap();
        assert_eq!(DatasetKey::unwrap(&wrapped, &kek, &release).unwrap().expose(), key.expose());
        assert!(DatasetKey::unwrap(&wrapped, &other, &release).is_err());
        assert!(DatasetKey::unwrap(&wrapped, &kek, &"ndb/2026.2".parse().unwrap()).is_err());
    }
}
