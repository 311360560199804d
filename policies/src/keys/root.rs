//! The root of the token keys: epoch keys are derived from it, so that a lost folder can be made again and nothing else need be kept.
//!
//! It is either a file sealed by a passphrase (age, scrypt) or a key inside a PKCS#11 token. In both the epoch's key is
//! `HKDF-Expand(root, "sudare|epoch|v1|<number>", 32)` (RFC 5869, 2.3). Thirty-two bytes are one block of HKDF-SHA-256, that is
//! one `HMAC-SHA-256(root, info ‖ 0x01)`, which a token computes itself: the root never leaves it. Such a derivation by one
//! block of a keyed PRF is also what NIST SP 800-108r1 describes. Extracting first (RFC 5869, 3.3) is not needed: the root is
//! 32 random bytes. Whoever can use the token can derive every epoch, as with the passphrase.

mod sealed;
mod token;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Passphrase, SecretBytes};
use crate::durable;
pub use token::TokenPlace;
use token::TokenRoot;

/// A root's file is small; anything longer is none.
const BYTES_MAX: u64 = 64 * 1024;

/// Why a root cannot be made or used. Never carries key material.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// There is something at that place already.
    #[error("{} is there already; roots are never overwritten, choose another file", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// No root, or one that was cut or changed.
    #[error("{} is not a whole root; take the copy that was kept apart", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// Others can read or change it.
    #[error("{} can be read or changed by other users; run `chmod 600` on it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is another one.
    #[error("{} does not open with this passphrase", path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase's work is too much.
    #[error("{} asks for more work than a root of ours; it was not made by `sudare keys root init`", path.display())]
    Work {
        /// The file.
        path: PathBuf,
    },
    /// Sealing failed.
    #[error("the root cannot be sealed")]
    Seal(#[source] age::EncryptError),
    /// The PKCS#11 module cannot be used.
    #[error("the PKCS#11 module {} cannot be used; name the vendor's library with its whole path", module.display())]
    Module {
        /// The library.
        module: PathBuf,
        /// What it said.
        #[source]
        cause: cryptoki::error::Error,
    },
    /// The module's path begins nowhere.
    #[error("the PKCS#11 module is to be named with its whole path, e.g. /usr/lib/softhsm/libsofthsm2.so")]
    ModulePath,
    /// No such token, or two.
    #[error(
        "there is not exactly one token with the label {token}; list the tokens with the vendor's tool, e.g. `softhsm2-util --show-slots`"
    )]
    Token {
        /// Label.
        token: String,
    },
    /// The token refused the PIN.
    #[error("the token {token} does not take this PIN; mind that a token locks after some wrong ones")]
    Pin {
        /// Label.
        token: String,
    },
    /// The token holds a key of that label already.
    #[error("the token {token} holds a key {key} already; roots are never overwritten, choose another --label")]
    KeyExists {
        /// Label of the token.
        token: String,
        /// Label of the key.
        key: String,
    },
    /// The token has no such key, or several.
    #[error("the token {token} does not hold exactly one key {key}; is it the token that the root was made in?")]
    KeyMissing {
        /// Label of the token.
        token: String,
        /// Label of the key.
        key: String,
    },
    /// The key could be taken out of the token.
    #[error(
        "the key {key} could be read out of the token {token}, so it is no root; make one with `sudare keys root init`"
    )]
    Extractable {
        /// Label of the token.
        token: String,
        /// Label of the key.
        key: String,
    },
    /// The key is another one than the file says.
    #[error("the key in the token is not the root that {} names; find the token of that root", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// The token did something else than asked.
    #[error("the token {token} cannot do this (needed: generic secrets and HMAC-SHA-256)")]
    Device {
        /// Label of the token.
        token: String,
        /// What it said.
        #[source]
        cause: cryptoki::error::Error,
    },
    /// The token's answer has the wrong length.
    #[error("the token {token} gave no HMAC-SHA-256")]
    Answer {
        /// Label of the token.
        token: String,
    },
    /// Input or output failed.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// A root that is ready to derive.
pub struct Root(Inner);

enum Inner {
    Sealed(SecretBytes),
    Token(TokenRoot),
}

impl Root {
    /// Makes a root and seals it by a passphrase into a new file, which `age --decrypt` opens too.
    pub fn seal(path: &Path, passphrase: &Passphrase) -> Result<Self, RootError> {
        Self::seal_with(path, passphrase, sealed::LOG_WORK)
    }

    fn seal_with(path: &Path, passphrase: &Passphrase, log_work: u8) -> Result<Self, RootError> {
        absent(path)?;
        let root = SecretBytes::generate();
        let bytes = sealed::seal(&root, passphrase, log_work)?;
        write(path, &bytes)?;
        Ok(Self(Inner::Sealed(root)))
    }

    /// Makes a root inside a token and a new file that says where it is; the file holds no secret.
    pub fn generate_in_token(
        path: &Path,
        place: &TokenPlace,
        pin: &Passphrase,
        now: Timestamp,
    ) -> Result<Self, RootError> {
        absent(path)?;
        let root = Self(Inner::Token(TokenRoot::generate(place, pin)?));
        let text = token::describe(place, &root.fingerprint()?, now);
        write(path, text.as_bytes())?;
        Ok(root)
    }

    /// Opens a root by its passphrase, or by the token's PIN.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, RootError> {
        let bytes = read(path)?;
        let form = || RootError::Form { path: path.to_owned() };
        if bytes.starts_with(sealed::MAGIC) {
            return sealed::open(&bytes, passphrase, path).map(|root| Self(Inner::Sealed(root)));
        }
        let described = token::read(&bytes).ok_or_else(form)?;
        let root = Self(Inner::Token(TokenRoot::open(&described.place, passphrase)?));
        if root.fingerprint()? == described.fingerprint {
            Ok(root)
        } else {
            Err(RootError::OtherKey { path: path.to_owned() })
        }
    }

    /// `sealed` or `pkcs11`.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Inner::Sealed(_) => "sealed",
            Inner::Token(_) => "pkcs11",
        }
    }

    /// The key of one epoch.
    pub fn epoch(&self, number: u32) -> Result<SecretBytes, RootError> {
        let block = self.expand(&format!("sudare|epoch|v1|{number}"))?;
        Ok(SecretBytes::new(&block))
    }

    /// A short public name of the root: 16 hexadecimal digits, derived like a key of its own.
    pub fn fingerprint(&self) -> Result<String, RootError> {
        let name = self.expand("sudare|root|v1|name")?;
        Ok(hex::encode(*name).chars().take(16).collect())
    }

    /// `HKDF-Expand(root, info, 32)`: one block, T(1) = HMAC(root, info ‖ 0x01).
    fn expand(&self, info: &str) -> Result<Zeroizing<[u8; 32]>, RootError> {
        let message = [info.as_bytes(), &[1]].concat();
        match &self.0 {
            Inner::Sealed(root) => Ok(hmac(root.expose(), &message)),
            Inner::Token(token) => token.hmac(&message),
        }
    }
}

fn hmac(key: &[u8; 32], message: &[u8]) -> Zeroizing<[u8; 32]> {
    // RFC 2104: a key shorter than SHA-256's block of 64 bytes is filled up with zeros.
    let mut block = Zeroizing::new([0_u8; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn absent(path: &Path) -> Result<(), RootError> {
    if path.exists() { Err(RootError::Exists { path: path.to_owned() }) } else { Ok(()) }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), RootError> {
    durable::replace_private(path, bytes).map_err(|cause| RootError::Io { path: path.to_owned(), cause })
}

/// The file's bytes. One that others may change is refused even if it holds no secret: it names a library that is loaded.
fn read(path: &Path) -> Result<Vec<u8>, RootError> {
    let io = |cause| RootError::Io { path: path.to_owned(), cause };
    let meta = std::fs::metadata(path).map_err(io)?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(RootError::Open { path: path.to_owned() });
    }
    if !meta.is_file() || meta.len() > BYTES_MAX {
        return Err(RootError::Form { path: path.to_owned() });
    }
    std::fs::read(path).map_err(io)
}

#[cfg(test)]
mod tests;
