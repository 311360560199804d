//! What the enclave keeps on disk under a key of its own: AES-256-GCM, a random nonce before the ciphertext, bound to its place.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use rand::Rng;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;

/// Nonce and ciphertext. `bound_to`: what the reader must name again, such as a release or a record's number.
pub fn seal(key: &[u8; 32], bound_to: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE_BYTES];
    rand::rng().fill_bytes(&mut nonce);
    let payload = Payload { msg: text, aad: bound_to };
    let sealed = Aes256Gcm::new(key.into()).encrypt(Nonce::from_slice(&nonce), payload).ok()?;
    Some([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] made; none under another key, bound to something else, or bent.
pub fn open(key: &[u8; 32], bound_to: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let payload = Payload { msg: sealed, aad: bound_to };
    Aes256Gcm::new(key.into()).decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
}
