//! A zone's key folder: `zone.json`, `secret/*.key` (mode 0600), `public/*.pub`, `trusted/*.pub`. Keys are wiped on drop and
//! never printed.

mod trust;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519;
use ed25519_dalek::{Signature, Signer};
use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::durable;
use crate::zone::Zone;

/// Why a key folder could not be made or opened. Never carries key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The folder is there already.
    #[error("{0} holds keys already; choose an empty folder, keys are never overwritten", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// No such key in this folder.
    #[error("{path} has no usable key '{name}'; make the folder with `sudare keys init --zone {zone} --out …`", path = .path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// Which key.
        name: &'static str,
        /// Whose folder it is.
        zone: Zone,
    },
    /// The file can be read by others.
    #[error("{} can be read by other users; run `chmod 600` on it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// A public key that is none.
    #[error("{} is not a public key of the wanted kind", path.display())]
    Public {
        /// The file.
        path: PathBuf,
    },
    /// The folder belongs to another zone.
    #[error("{path} holds the secrets of the {found} zone, but the {wanted} zone's are needed; give each zone its own folder", path = .path.display())]
    OtherZone {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        found: Zone,
        /// Whose it should be.
        wanted: Zone,
    },
    /// A source's word that is none.
    #[error("a source is named by a word of small letters, digits and '-', at most 32 of them, e.g. ndb")]
    Source,
    /// Another key is believed for this source.
    #[error("{} holds another key for {source}; compare fingerprints with its owner, then run the same command with --replace", path.display())]
    TrustedOther {
        /// The file.
        path: PathBuf,
        /// Whose key.
        r#source: String,
    },
    /// No key is believed for this source.
    #[error(
        "{path} trusts no key of {source} yet; compare its fingerprint with the owner, then run `sudare keys trust --keys {path} --source {source} --holder …/public/sign.pub`",
        path = .path.display()
    )]
    Untrusted {
        /// The folder that does not believe.
        path: PathBuf,
        /// Whose key is missing.
        r#source: String,
    },
    /// Others can change whom the zone believes.
    #[error("{} can be changed by other users; run `chmod 644` on it and compare the key's fingerprint again", path.display())]
    Writable {
        /// The file.
        path: PathBuf,
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

    /// The bytes, for the one function that uses them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A short public name of the secret: 16 hexadecimal digits of a domain-separated SHA-256.
    pub fn fingerprint(&self) -> String {
        fingerprint(b"sudare secret", &self.0)
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
        let text = read(path)?;
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
        read(&file)?.parse().map_err(|_| KeyError::Public { path: file })
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

#[derive(Serialize, Deserialize)]
struct ZoneFile {
    zone: Zone,
    created_at: Timestamp,
}

enum Kind {
    Bytes,
    Seal,
    Sign,
}

/// What a zone's folder holds.
fn keys_of(zone: Zone) -> &'static [(&'static str, Kind)] {
    match zone {
        Zone::Enclave => &[("sign", Kind::Sign), ("seal", Kind::Seal), ("kek", Kind::Bytes), ("veil", Kind::Bytes)],
        Zone::Holder => &[("sign", Kind::Sign), ("seal", Kind::Seal), ("epoch", Kind::Bytes)],
        Zone::Linkage => &[("sign", Kind::Sign), ("seal", Kind::Seal), ("state", Kind::Bytes)],
        Zone::Permit => &[("sign", Kind::Sign), ("permit", Kind::Sign)],
        Zone::Portal => &[("sign", Kind::Sign), ("session", Kind::Sign)],
    }
}

/// One line of `sudare keys show`.
#[derive(Clone, Debug, Serialize)]
pub struct KeyLine {
    /// Name of the key.
    pub name: &'static str,
    /// `ed25519`, `x25519` or `secret`.
    pub kind: &'static str,
    /// Sixteen hexadecimal digits.
    pub fingerprint: String,
}

/// A zone's opened key folder. Keys are read when asked for and not held.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    path: PathBuf,
    zone: Zone,
}

impl KeyFolder {
    /// Makes a zone's folder with fresh keys. Refuses a folder that holds keys already.
    pub fn init(path: &Path, zone: Zone, now: Timestamp) -> Result<Self, KeyError> {
        if path.join("zone.json").exists() || path.join("secret").exists() {
            return Err(KeyError::Exists { path: path.to_owned() });
        }
        let io = |at: &Path| {
            let at = at.to_owned();
            move |cause| KeyError::Io { path: at, cause }
        };
        fs::create_dir_all(path.join("public")).map_err(io(path))?;
        let secret = path.join("secret");
        fs::DirBuilder::new().mode(0o700).create(&secret).map_err(io(&secret))?;
        let folder = Self { path: path.to_owned(), zone };
        for (name, kind) in keys_of(zone) {
            folder.create(name, kind)?;
        }
        let zone_file = serde_json::to_vec_pretty(&ZoneFile { zone, created_at: now })
            .map_err(|cause| KeyError::Io { path: path.to_owned(), cause: cause.into() })?;
        let at = path.join("zone.json");
        durable::replace(&at, &zone_file).map_err(io(&at))?;
        Ok(folder)
    }

    /// Opens the folder and checks that it is the wanted zone's.
    pub fn open(path: &Path, wanted: Zone) -> Result<Self, KeyError> {
        let folder = Self::open_any(path)?;
        if folder.zone == wanted {
            Ok(folder)
        } else {
            Err(KeyError::OtherZone { path: path.to_owned(), found: folder.zone, wanted })
        }
    }

    /// Opens the folder of whichever zone it is.
    pub fn open_any(path: &Path) -> Result<Self, KeyError> {
        let at = path.join("zone.json");
        let text = read(&at)?;
        let ZoneFile { zone, .. } =
            serde_json::from_str(&text).map_err(|cause| KeyError::Io { path: at, cause: cause.into() })?;
        Ok(Self { path: path.to_owned(), zone })
    }

    /// Whose it is.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a public half.
    pub fn public(&self, name: &str) -> PathBuf {
        self.path.join("public").join(format!("{name}.pub"))
    }

    /// Reads a private signing key (`sign`, `permit`, `session`).
    pub fn signing(&self, name: &'static str) -> Result<SigningKey, KeyError> {
        self.bytes(name).map(|seed| SigningKey::from_seed(&seed))
    }

    /// Reads the sealing key.
    pub fn seal(&self) -> Result<SealIdentity, KeyError> {
        let text = self.secret_text("seal")?;
        text.trim().parse().map(SealIdentity).map_err(|_| self.missing("seal"))
    }

    /// Who this zone's files are sealed to.
    pub fn recipient(&self) -> Result<SealRecipient, KeyError> {
        SealRecipient::read(&self.public("seal"))
    }

    /// Reads 32 secret bytes (`epoch`, `kek`, `veil`, `state`).
    pub fn bytes(&self, name: &'static str) -> Result<SecretBytes, KeyError> {
        let text = self.secret_text(name)?;
        let bytes = Zeroizing::new(hex::decode(text.trim()).map_err(|_| self.missing(name))?);
        SecretBytes::from_slice(&bytes).ok_or_else(|| self.missing(name))
    }

    /// Puts a shared secret in the place of this folder's own, e.g. the epoch key that another holder wrapped for this one.
    pub fn replace_bytes(&self, name: &'static str, secret: &SecretBytes) -> Result<(), KeyError> {
        let at = self.secret(name);
        let text = Zeroizing::new(hex::encode(secret.expose()));
        durable::replace_private(&at, text.as_bytes()).map_err(|cause| KeyError::Io { path: at, cause })
    }

    /// All keys by fingerprint, for people to compare.
    pub fn list(&self) -> Result<Vec<KeyLine>, KeyError> {
        let line = |(name, kind): &(&'static str, Kind)| {
            let (kind, fingerprint) = match kind {
                Kind::Bytes => ("secret", self.bytes(name)?.fingerprint()),
                Kind::Seal => ("x25519", fingerprint(b"sudare public", self.recipient()?.to_string().as_bytes())),
                Kind::Sign => ("ed25519", self.signing(name)?.verifying().fingerprint()),
            };
            Ok(KeyLine { name, kind, fingerprint })
        };
        keys_of(self.zone).iter().map(line).collect()
    }

    fn create(&self, name: &'static str, kind: &Kind) -> Result<(), KeyError> {
        let (secret, public) = match kind {
            Kind::Bytes => (Zeroizing::new(hex::encode(SecretBytes::generate().expose())), None),
            Kind::Seal => {
                let identity = x25519::Identity::generate();
                (
                    Zeroizing::new(identity.to_string().expose_secret().to_owned()),
                    Some(identity.to_public().to_string()),
                )
            }
            Kind::Sign => {
                let seed = SecretBytes::generate();
                let public = SigningKey::from_seed(&seed).verifying().to_hex();
                (Zeroizing::new(hex::encode(seed.expose())), Some(public))
            }
        };
        let at = self.secret(name);
        durable::replace_private(&at, secret.as_bytes()).map_err(|cause| KeyError::Io { path: at, cause })?;
        let Some(public) = public else { return Ok(()) };
        let at = self.public(name);
        durable::replace(&at, format!("{public}\n").as_bytes()).map_err(|cause| KeyError::Io { path: at, cause })
    }

    fn secret(&self, name: &str) -> PathBuf {
        self.path.join("secret").join(format!("{name}.key"))
    }

    fn secret_text(&self, name: &'static str) -> Result<Zeroizing<String>, KeyError> {
        let at = self.secret(name);
        let meta = fs::metadata(&at).map_err(|_| self.missing(name))?;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Open { path: at });
        }
        read(&at).map(Zeroizing::new)
    }

    fn missing(&self, name: &'static str) -> KeyError {
        KeyError::Missing { path: self.path.clone(), name, zone: self.zone }
    }
}

fn read(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|cause| KeyError::Io { path: path.to_owned(), cause })
}

pub(crate) fn fingerprint(domain: &[u8], bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(domain);
    hash.update([0]);
    hash.update(bytes);
    hex::encode(hash.finalize()).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_opens_for_its_own_zone_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        KeyFolder::init(&path, Zone::Holder, Timestamp::UNIX_EPOCH).unwrap();
        assert!(matches!(KeyFolder::open(&path, Zone::Enclave), Err(KeyError::OtherZone { .. })));
        assert!(matches!(KeyFolder::init(&path, Zone::Holder, Timestamp::UNIX_EPOCH), Err(KeyError::Exists { .. })));
        let folder = KeyFolder::open(&path, Zone::Holder).unwrap();
        assert_eq!(folder.list().unwrap().len(), 3);
        let epoch = path.join("secret/epoch.key");
        fs::set_permissions(&epoch, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(folder.bytes("epoch"), Err(KeyError::Open { .. })));
    }
}
