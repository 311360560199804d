//! Keys as types: what is secret is wiped on drop and is neither `Debug` nor `Serialize`; what is public may be shown.

use std::path::Path;
use std::str::FromStr;

use age::x25519;
use ed25519_dalek::{Signature, Signer};
use rand::Rng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{KeyError, file};

/// 32 secret bytes. Wiped on drop; neither `Debug` nor `Serialize`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes([u8; 32]);

impl SecretBytes {
    /// Fresh bytes from the operating system.
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    pub(super) fn new(bytes: &Zeroizing<[u8; 32]>) -> Self {
        Self(**bytes)
    }

    /// The bytes, for the one function that uses them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A short public name of the secret: 16 hexadecimal digits of a domain-separated SHA-256.
    pub fn fingerprint(&self) -> String {
        fingerprint(b"sudare secret", &self.0)
    }

    /// Whether both are the same secret; takes the same time whatever they are.
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Takes the bytes over, e.g. from an unwrapped key.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// An Ed25519 private key. Wiped on drop.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A fresh key.
    pub fn generate() -> Self {
        Self::from_seed(&SecretBytes::generate())
    }

    /// The key of a 32-byte seed (RFC 8032).
    pub fn from_seed(seed: &SecretBytes) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    /// Its public half.
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signature over `message`, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    pub(crate) fn inner(&self) -> &ed25519_dalek::SigningKey {
        &self.0
    }
}

/// An Ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Whether `signature` is this key's over `message` (strict: no malleable signatures).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }

    /// 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// Reads [`Self::to_hex`]'s form.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = hex::decode(text.trim()).ok()?.try_into().ok()?;
        ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().map(Self)
    }

    /// Reads a `*.pub` file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = file::read(path)?;
        Self::from_hex(&text).ok_or_else(|| KeyError::Public { path: path.to_owned() })
    }

    /// A short name of the key.
    pub fn fingerprint(&self) -> String {
        fingerprint(b"sudare public", self.0.as_bytes())
    }

    pub(crate) fn inner(&self) -> &ed25519_dalek::VerifyingKey {
        &self.0
    }
}

/// The private half of a zone's sealing key (age, X25519).
pub struct SealIdentity(x25519::Identity);

impl SealIdentity {
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self)
    }

    /// For the crate that opens sealed files.
    pub fn age(&self) -> &x25519::Identity {
        &self.0
    }
}

/// The public half of a zone's sealing key: who a file is sealed to.
#[derive(Clone)]
pub struct SealRecipient(x25519::Recipient);

impl SealRecipient {
    /// Reads `seal.pub`, or the `public/` folder that holds it.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file = if path.is_dir() { path.join("seal.pub") } else { path.to_owned() };
        file::read(&file)?.parse().map_err(|_| KeyError::Public { path: file })
    }

    /// For the crate that seals files.
    pub fn age(&self) -> &x25519::Recipient {
        &self.0
    }
}

impl std::fmt::Display for SealRecipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no age X25519 recipient.
#[derive(Debug, thiserror::Error)]
#[error("not a sealing public key (age1…)")]
pub struct InvalidRecipient;

impl FromStr for SealRecipient {
    type Err = InvalidRecipient;
    fn from_str(text: &str) -> Result<Self, InvalidRecipient> {
        text.trim().parse().map(Self).map_err(|_| InvalidRecipient)
    }
}

pub(crate) fn fingerprint(domain: &[u8], bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(domain);
    hash.update([0]);
    hash.update(bytes);
    hex::encode(hash.finalize()).chars().take(16).collect()
}
