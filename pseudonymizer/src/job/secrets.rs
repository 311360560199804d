//! Keys of one batch: drawn at its start, sealed to the holder while it is being made, gone when it stands. Atoms' and records' ids
//! are made with them, so that nobody, the holder included, finds them again from the identifiers.

use hkdf::Hkdf;
use policies::keys::SecretBytes;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The keys.
pub(crate) struct BatchSecrets {
    /// Of the permutation that makes atoms' ids.
    pub(crate) atom: Zeroizing<[u8; 32]>,
    /// Of the permutation that makes records' surrogates.
    pub(crate) record: Zeroizing<[u8; 32]>,
    /// Of what waits on disk.
    pub(crate) spool: Zeroizing<[u8; 32]>,
}

impl BatchSecrets {
    /// Derives the keys from the batch's root (HKDF-SHA256, RFC 5869).
    pub(crate) fn derive(root: &SecretBytes) -> Self {
        let expander = Hkdf::<Sha256>::new(None, root.expose());
        let key = |purpose: &str| {
            let mut key = Zeroizing::new([0; 32]);
            // INVARIANT: 32 bytes are far below HKDF's limit of 255 blocks, so the expansion cannot fail.
            let _expanded = expander.expand(format!("sudare/batch/{purpose}").as_bytes(), key.as_mut());
            key
        };
        Self { atom: key("atom"), record: key("record"), spool: key("spool") }
    }
}
