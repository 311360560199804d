//! Why a key folder cannot be used. Never carries key material.

use std::io;
use std::path::PathBuf;

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
    /// Only holders make tokens.
    #[error("the {zone} zone has no epochs; leave --root out, or make the holder's folder with --zone holder")]
    NoEpochs {
        /// Whose folder it was to be.
        zone: Zone,
    },
    /// A source's word that is none.
    #[error("a source is named by a word of small letters, digits, '-' and '_', at most 32 of them, e.g. ndb")]
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
