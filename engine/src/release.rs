//! Releases on disk: believed only if signature, bucket count and every byte are what the enclave signed.

mod open;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use catalog::{BucketCount, DatasetKey, Manifest, ManifestError, ReleaseId, ReleaseKind};
use policies::keys::{KeyError, KeyFolder, SecretBytes, VerifyingKey};

pub(crate) use open::{StoredFile, StoredTable};

/// Why a release is not served. The sentence names the release or its file, never a value.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It was made with another number of buckets than the releases in use.
    #[error(
        "release {release} was made with {found} buckets, the releases in use with {wanted}; make it again with {wanted}"
    )]
    Buckets {
        /// Which release.
        release: ReleaseId,
        /// Its bucket count.
        found: BucketCount,
        /// The others' bucket count.
        wanted: BucketCount,
    },
    /// A dummy release among those of people.
    #[error("release {release} is made up (dummy); this engine serves people's records, so it is not served")]
    Dummy {
        /// Which release.
        release: ReleaseId,
    },
    /// The folder of the releases cannot be listed.
    #[error("cannot list the releases in {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A key is missing or does not open the release's.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The manifest lists files, buckets or columns that do not fit the contract of a release.
    #[error("table {table} of release {release} does not have the layout of this version; make the release again")]
    Layout {
        /// Which release.
        release: ReleaseId,
        /// Which table.
        table: String,
    },
    /// Manifest, signature or a file is not what was signed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The release is not there.
    #[error("there is no release {release} in the folder of the releases")]
    Missing {
        /// Which release.
        release: ReleaseId,
    },
    /// A release of people among dummies.
    #[error("release {release} is not marked as dummy; an engine for dummy releases never opens people's records")]
    NotDummy {
        /// Which release.
        release: ReleaseId,
    },
    /// The wrapped key does not open.
    #[error(transparent)]
    Unwrap(#[from] catalog::encryption::UnwrapError),
}

/// One release whose signature, bytes and key have been checked.
#[derive(Debug)]
pub struct Release {
    id: ReleaseId,
    buckets: BucketCount,
    tables: BTreeMap<String, Arc<StoredTable>>,
}

impl Release {
    /// Which release it is.
    pub fn id(&self) -> &ReleaseId {
        &self.id
    }

    /// Into how many buckets it is cut.
    pub fn buckets(&self) -> BucketCount {
        self.buckets
    }

    /// A stored table by its name, e.g. `ndb.claims` or `person.dpc`.
    pub(crate) fn table(&self, name: &str) -> Option<&Arc<StoredTable>> {
        self.tables.get(name)
    }

    /// All stored tables by name.
    pub(crate) fn tables(&self) -> &BTreeMap<String, Arc<StoredTable>> {
        &self.tables
    }
}

/// What opens a release: the enclave's public signing key and its key-encryption key.
struct Keys {
    sign: VerifyingKey,
    kek: SecretBytes,
}

type Outcome = Result<Arc<Release>, Arc<ReleaseError>>;

/// All releases of an enclave. Each is checked once, at its first opening; what failed stays closed until a restart.
pub struct Releases {
    folder: PathBuf,
    keys: Keys,
    /// Whose records may be opened here.
    kind: ReleaseKind,
    buckets: OnceLock<BucketCount>,
    opened: Mutex<BTreeMap<ReleaseId, Outcome>>,
    /// Held while one release is read whole; those that are open are had without it.
    opening: Mutex<()>,
}

impl Releases {
    /// Opens every release in `folder` (`<dataset>/<version>/manifest.json`). A release that is not believed is left out; why
    /// is told to `report`, one call a release. Reads every byte once (SHA-256).
    pub fn open(
        folder: &Path,
        keys: &KeyFolder,
        mut report: impl FnMut(&ReleaseId, Result<(), &ReleaseError>),
    ) -> Result<Self, ReleaseError> {
        let releases = Self::closed(folder, keys, ReleaseKind::Holders)?;
        for id in releases.listed()? {
            match releases.get(&id) {
                Ok(_) => report(&id, Ok(())),
                Err(error) => report(&id, Err(&error)),
            }
        }
        Ok(releases)
    }

    /// The same for dummy releases. A single one of people's in the folder is an error: somebody mixed up two folders.
    pub fn open_dummies(
        folder: &Path,
        keys: &KeyFolder,
        mut report: impl FnMut(&ReleaseId, Result<(), &ReleaseError>),
    ) -> Result<Self, ReleaseError> {
        let releases = Self::closed(folder, keys, ReleaseKind::Dummy)?;
        for id in releases.listed()? {
            match releases.get(&id).map_err(|error| (matches!(*error, ReleaseError::NotDummy { .. }), error)) {
                Ok(_) => report(&id, Ok(())),
                Err((true, _)) => return Err(ReleaseError::NotDummy { release: id }),
                Err((false, error)) => report(&id, Err(&error)),
            }
        }
        Ok(releases)
    }

    /// Those that were opened and are believed, by name.
    pub(crate) fn served(&self) -> Vec<Arc<Release>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.values().filter_map(|outcome| outcome.as_ref().ok().cloned()).collect()
    }

    /// The same, with no release opened yet.
    fn closed(folder: &Path, keys: &KeyFolder, kind: ReleaseKind) -> Result<Self, ReleaseError> {
        let sign = VerifyingKey::read(&keys.public("sign"))?;
        let keys = Keys { sign, kek: keys.bytes("kek")? };
        let folder = folder.canonicalize().map_err(|cause| ReleaseError::Folder { path: folder.to_owned(), cause })?;
        Ok(Self { folder, keys, kind, buckets: OnceLock::new(), opened: Mutex::default(), opening: Mutex::default() })
    }

    /// A release by its name; opened and checked now if it appeared since the start. Blocks on disk at a first opening.
    pub fn get(&self, id: &ReleaseId) -> Outcome {
        if let Some(outcome) = self.known(id) {
            return outcome;
        }
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = self.known(id) {
            return outcome;
        }
        let outcome = self.check(id).map(Arc::new).map_err(Arc::new);
        // What is not there yet may come; all else is remembered, so that asking again costs nothing.
        if !matches!(outcome.as_ref().map_err(AsRef::as_ref), Err(ReleaseError::Missing { .. })) {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.insert(id.clone(), outcome.clone());
        }
        outcome
    }

    /// What a first opening gave. A poisoned lock holds finished entries only, so it may be used on.
    fn known(&self, id: &ReleaseId) -> Option<Outcome> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn check(&self, id: &ReleaseId) -> Result<Release, ReleaseError> {
        let folder = id.folder(&self.folder);
        if !folder.join("manifest.json").is_file() {
            return Err(ReleaseError::Missing { release: id.clone() });
        }
        let manifest = Manifest::read(&folder, &self.keys.sign)?;
        if manifest.release != *id {
            // A signed release that lies in another's place is not what the permit named.
            return Err(ManifestError::Changed { release: id.clone(), file: "manifest.json".to_owned() }.into());
        }
        match (self.kind, manifest.kind) {
            (ReleaseKind::Dummy, ReleaseKind::Dummy) | (ReleaseKind::Holders, ReleaseKind::Holders) => {}
            (ReleaseKind::Dummy, ReleaseKind::Holders) => return Err(ReleaseError::NotDummy { release: id.clone() }),
            (ReleaseKind::Holders, ReleaseKind::Dummy) => return Err(ReleaseError::Dummy { release: id.clone() }),
        }
        let wanted = *self.buckets.get_or_init(|| manifest.buckets);
        if wanted != manifest.buckets {
            return Err(ReleaseError::Buckets { release: id.clone(), found: manifest.buckets, wanted });
        }
        manifest.check_files(&folder)?;
        let key = DatasetKey::unwrap(&manifest.wrapped_key, &self.keys.kek, id)?;
        let tables = open::tables(&manifest, &folder, &key)?;
        Ok(Release { id: id.clone(), buckets: manifest.buckets, tables })
    }

    fn listed(&self) -> Result<Vec<ReleaseId>, ReleaseError> {
        let mut ids = Vec::new();
        for dataset in names(&self.folder)? {
            let versions = names(&self.folder.join(&dataset))?;
            ids.extend(versions.iter().filter_map(|version| format!("{dataset}/{version}").parse().ok()));
        }
        ids.retain(|id: &ReleaseId| id.folder(&self.folder).join("manifest.json").is_file());
        Ok(ids)
    }
}

/// Names of the folders in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>, ReleaseError> {
    let failed = |cause| ReleaseError::Folder { path: folder.to_owned(), cause };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
pub(crate) mod tests;
