//! The demo's folder: whose it is, what is ready in it, where each zone's things lie.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use policies::durable;
use serde::{Deserialize, Serialize};

use crate::cli::{self, ErrorsChoice};
use crate::lang::Lang;

/// Layout of the folder that this version writes. Raised whenever a prepared folder would not serve any more.
const FORMAT: u32 = 3;

/// Disk that a population takes while it is prepared, in megabytes per 1,000 persons (measured at 20,000), rounded up.
const MEGABYTES_PER_1000: u64 = 30;

/// What a prepared folder was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    format: u32,
    version: String,
    persons: u64,
    seed: u64,
    errors: String,
}

impl Settings {
    /// What the command line asks for.
    pub(super) fn of(arguments: &cli::Demo) -> Self {
        let errors = match arguments.errors {
            ErrorsChoice::None => "none",
            ErrorsChoice::Realistic => "realistic",
        };
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            persons: arguments.persons,
            seed: arguments.seed,
            errors: errors.to_owned(),
        }
    }
}

/// An opened folder, locked against a second demo.
pub(super) struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder, makes it if absent. Refuses one that was made otherwise, is in use, or is no demo's.
    pub(super) fn open(root: &Path, settings: &Settings, lang: Lang) -> Result<Self> {
        let path = root.display().to_string();
        let about = root.join("about.json");
        if !about.exists() && fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(anyhow!(lang.with("demo-not-a-demo", &[("path", &path)])));
        }
        fs::create_dir_all(root)
            .map_err(|error| anyhow!(error).context(lang.with("cannot-write", &[("path", &path)])))?;
        match fs::read(&about) {
            Ok(bytes) => {
                let found: Option<Settings> = serde_json::from_slice(&bytes).ok();
                if found.as_ref() != Some(settings) {
                    let found = found.map_or_else(
                        || "?".to_owned(),
                        |it| {
                            format!(
                                "{} persons, seed {}, errors {}, version {}, format {}",
                                it.persons, it.seed, it.errors, it.version, it.format
                            )
                        },
                    );
                    return Err(anyhow!(lang.with("demo-other-version", &[("path", &path), ("found", &found)])));
                }
            }
            Err(_) => durable::replace(&about, &serde_json::to_vec_pretty(settings)?)?,
        }
        let lock = File::create(root.join(".lock"))?;
        lock.try_lock().map_err(|_| anyhow!(lang.with("demo-locked", &[("path", &path)])))?;
        Ok(Self { root: root.canonicalize()?, _lock: lock })
    }

    /// A folder for making something that is moved out of it. What an ended run left in it is removed.
    pub(super) fn scratch(root: &Path, lang: Lang) -> Result<Self> {
        let path = root.display().to_string();
        if root.exists() {
            fs::remove_dir_all(root)?;
        }
        fs::create_dir_all(root)
            .map_err(|error| anyhow!(error).context(lang.with("cannot-write", &[("path", &path)])))?;
        let lock = File::create(root.join(".lock"))?;
        lock.try_lock().map_err(|_| anyhow!(lang.with("demo-locked", &[("path", &path)])))?;
        Ok(Self { root: root.canonicalize()?, _lock: lock })
    }

    /// The dummy releases, with the keys that they were made with.
    pub(super) fn dummy(&self) -> PathBuf {
        self.root.join("dummy")
    }

    /// Whether the data are ready to be served.
    pub(super) fn is_prepared(&self) -> bool {
        self.root.join("prepared.json").exists()
    }

    /// Marks the data as ready.
    pub(super) fn set_prepared(&self) -> Result<()> {
        Ok(durable::replace(&self.root.join("prepared.json"), b"{}")?)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// `holder/<source>`, with `raw/`, `keys/`, `batch/`.
    pub(super) fn holder(&self, source: &str) -> PathBuf {
        self.root.join("holder").join(source)
    }

    /// A zone's folder.
    pub(super) fn zone(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A zone's key folder.
    pub(super) fn keys(&self, name: &str) -> PathBuf {
        self.zone(name).join("keys")
    }

    /// The installation's CA, with its private key.
    pub(super) fn ca(&self) -> PathBuf {
        self.root.join("ca")
    }

    /// What clients of the services believe over TLS.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.ca().join("ca.pem")
    }

    /// The portal's database.
    pub(super) fn database(&self) -> PathBuf {
        self.zone("portal").join("portal.sqlite")
    }

    /// The signer's permits, state and enrolled passkeys.
    pub(super) fn signer_store(&self) -> PathBuf {
        self.zone("permit").join("store")
    }

    /// The seed of the demo's passkeys.
    pub(super) fn passkeys(&self) -> PathBuf {
        self.zone("portal").join("demo-passkeys.key")
    }

    /// For which portal and desk the demo's passkeys are made.
    pub(super) fn relying_parties(&self) -> PathBuf {
        self.zone("portal").join("demo-relying-parties.json")
    }

    /// The enclave's releases.
    pub(super) fn releases(&self) -> PathBuf {
        self.zone("enclave").join("releases")
    }

    /// Where the enclave has what a steward told it.
    pub(super) fn steward(&self) -> PathBuf {
        self.zone("enclave").join("inbox").join("steward")
    }

    /// Files of added sources.
    pub(super) fn sources(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// The truth, which no zone of a real installation has.
    pub(super) fn truth(&self) -> PathBuf {
        self.root.join("truth")
    }

    /// Turns "no space left" into a sentence that says how much is needed.
    pub(super) fn explain(&self, error: anyhow::Error, persons: u64, lang: Lang) -> anyhow::Error {
        let full = |cause: &(dyn std::error::Error + 'static)| {
            cause
                .downcast_ref::<io::Error>()
                .is_some_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
        };
        if !error.chain().any(full) {
            return error;
        }
        let needed = (persons * MEGABYTES_PER_1000 / 1000).max(50).to_string();
        anyhow!(lang.with("demo-full", &[("path", &self.root.display().to_string()), ("needed", &needed)]))
    }
}
