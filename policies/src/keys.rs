//! A zone's key folder: `zone.json`, `secret/*.key` (mode 0600), `public/*.pub`, `trusted/*.pub`. Keys are wiped on drop and
//! never printed.

mod epochs;
mod error;
mod file;
mod material;
mod passphrase;
mod root;
mod run_key;
mod trust;
mod verdict;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use epochs::{Destroyed, Epoch, EpochState, Epochs, RotationError, Stage, Turn};
pub use error::KeyError;
pub(crate) use material::fingerprint;
pub use material::{InvalidRecipient, SealIdentity, SealRecipient, SecretBytes, SigningKey, VerifyingKey};
pub use passphrase::{Passphrase, PassphraseError};
pub use root::{Root, RootError, TokenPlace};
pub use run_key::{RUN_KEY_AGE_MAX, RunId, RunKey, RunKeyError};
pub use verdict::BridgeVerdict;

use crate::durable;
use crate::zone::Zone;

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
        Zone::Portal => &[("sign", Kind::Sign), ("session", Kind::Sign), ("factor", Kind::Bytes)],
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
        let ZoneFile { zone, .. } = zone_file(path)?;
        Ok(Self { path: path.to_owned(), zone })
    }

    /// When the folder was made.
    pub fn created_at(&self) -> Result<Timestamp, KeyError> {
        zone_file(&self.path).map(|file| file.created_at)
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
        SealIdentity::parse(&text).ok_or_else(|| self.missing("seal"))
    }

    /// Who this zone's files are sealed to.
    pub fn recipient(&self) -> Result<SealRecipient, KeyError> {
        SealRecipient::read(&self.public("seal"))
    }

    /// Reads 32 secret bytes (`epoch`, `kek`, `veil`, `state`, `factor`).
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

    /// Removes a secret, overwritten first as well as the disk lets us.
    fn wipe(&self, name: &str) -> Result<(), KeyError> {
        file::wipe(&self.secret(name))
    }

    fn secret(&self, name: &str) -> PathBuf {
        self.path.join("secret").join(format!("{name}.key"))
    }

    fn secret_text(&self, name: &'static str) -> Result<Zeroizing<String>, KeyError> {
        file::read_private(&self.secret(name))?.ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &'static str) -> KeyError {
        KeyError::Missing { path: self.path.clone(), name, zone: self.zone }
    }
}

fn zone_file(folder: &Path) -> Result<ZoneFile, KeyError> {
    let at = folder.join("zone.json");
    let text = file::read(&at)?;
    serde_json::from_str(&text).map_err(|cause| KeyError::Io { path: at, cause: cause.into() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

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
