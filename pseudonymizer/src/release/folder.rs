//! Where a release is made and where it appears: one at a time, in a partial folder, then by one rename.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use catalog::ReleaseId;
use policies::durable;
use rand::Rng;

use super::error::ReleaseError;

/// The partial folder of the release being made. Removed when it is dropped unpublished.
pub(crate) struct Partial {
    path: PathBuf,
    target: PathBuf,
    release: ReleaseId,
    _lock: File,
}

impl Partial {
    /// Takes the folder of all releases for this run, clears what dead runs left, and opens a partial folder.
    ///
    /// `version`: the next free one of `year` if none is wanted.
    pub(crate) fn open(releases: &Path, dataset: &str, version: Option<&str>, year: i16) -> Result<Self, ReleaseError> {
        let dataset_folder = releases.join(dataset);
        fs::create_dir_all(&dataset_folder).map_err(ReleaseError::io(&dataset_folder))?;
        let lock = lock(releases)?;
        clear(&dataset_folder)?;
        let parse = |version: &str| format!("{dataset}/{version}").parse().map_err(|_| ReleaseError::Version);
        let release: ReleaseId = match version {
            Some(version) => parse(version)?,
            None => parse(&next_free(&dataset_folder, year))?,
        };
        let target = release.folder(releases);
        if target.exists() {
            return Err(ReleaseError::Exists { release });
        }
        let path = dataset_folder.join(format!(".partial-{:016x}", rand::rng().next_u64()));
        fs::create_dir(&path).map_err(ReleaseError::io(&path))?;
        Ok(Self { path, target, release, _lock: lock })
    }

    /// The partial folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The release that this will be.
    pub(crate) fn release(&self) -> &ReleaseId {
        &self.release
    }

    /// A folder for rows that wait; not part of the release.
    pub(crate) fn spill(&self) -> Result<PathBuf, ReleaseError> {
        let path = self.path.join("spill");
        fs::create_dir_all(&path).map_err(ReleaseError::io(&path))?;
        Ok(path)
    }

    /// Forgets the rows that waited.
    pub(crate) fn clear_spill(&self) -> Result<(), ReleaseError> {
        let path = self.path.join("spill");
        if path.exists() { fs::remove_dir_all(&path).map_err(ReleaseError::io(&path)) } else { Ok(()) }
    }

    /// Lets the release appear. It is whole and synced before, and never changes after.
    pub(crate) fn publish(self) -> Result<(), ReleaseError> {
        self.clear_spill()?;
        let tables = self.path.join("tables");
        File::open(&tables).and_then(|folder| folder.sync_all()).map_err(ReleaseError::io(&tables))?;
        durable::publish(&self.path, &self.target).map_err(ReleaseError::io(&self.target))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.path.exists() {
            // What cannot be removed now is removed by the next run.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

fn lock(releases: &Path) -> Result<File, ReleaseError> {
    let path = releases.join(".lock");
    let lock = File::create(&path).map_err(ReleaseError::io(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ReleaseError::Busy { path: releases.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(ReleaseError::io(&path)(cause)),
    }
}

fn clear(dataset: &Path) -> Result<(), ReleaseError> {
    for entry in fs::read_dir(dataset).map_err(ReleaseError::io(dataset))? {
        let entry = entry.map_err(ReleaseError::io(dataset))?;
        // INVARIANT: the lock is held, so whoever made this is dead.
        if entry.file_name().to_string_lossy().starts_with(".partial-") {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(ReleaseError::io(&path))?;
        }
    }
    Ok(())
}

fn next_free(dataset: &Path, year: i16) -> String {
    let free =
        (1_u32..=u32::MAX).map(|number| format!("{year}.{number}")).find(|version| !dataset.join(version).exists());
    free.unwrap_or_default()
}
