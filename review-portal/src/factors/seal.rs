//! Secrets of people at rest: AES-256-GCM under the portal zone's key `factor`, bound to the person.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use policies::UserId;
use policies::keys::SecretBytes;
use zeroize::Zeroizing;

const NONCE: usize = 12; // bytes

/// The key, wiped on drop.
pub(crate) struct FactorKey(SecretBytes);

impl FactorKey {
    pub(crate) fn new(secret: SecretBytes) -> Self {
        Self(secret)
    }

    /// Nonce and sealed bytes in base64url. Nonces are random: a person sets up few secrets.
    pub(crate) fn seal(&self, user: &UserId, secret: &[u8]) -> Option<String> {
        let mut nonce = [0; NONCE];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut nonce);
        let payload = Payload { msg: secret, aad: user.as_str().as_bytes() };
        let sealed = self.cipher()?.encrypt(&Nonce::from(nonce), payload).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    pub(crate) fn open(&self, user: &UserId, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: user.as_str().as_bytes() };
        self.cipher()?.decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> Option<Aes256Gcm> {
        Aes256Gcm::new_from_slice(self.0.expose()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_person_under_its_key_only() {
        let key = FactorKey::new(SecretBytes::generate());
        let (a, b): (UserId, UserId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let sealed = key.seal(&a, b"secret").unwrap();
        assert_eq!(key.open(&a, &sealed).unwrap().as_slice(), b"secret");
        assert_ne!(key.seal(&a, b"secret").unwrap(), sealed);
        assert!(key.open(&b, &sealed).is_none());
        assert!(FactorKey::new(SecretBytes::generate()).open(&a, &sealed).is_none());
        assert!(key.open(&a, "").is_none());
    }
}
