//! Where a holder's bridges lie, so that they go with the key that they join: `bridges.json` in the key folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use policies::durable;
use policies::keys::KeyFolder;
use serde::{Deserialize, Serialize};

use super::HolderError;
use super::bridge::BRIDGE;
use crate::seal;

const FILE: &str = "bridges.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    folder: PathBuf,
    sha256: String,
}

/// What became of the bridges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedBridges {
    /// SHA-256 of those that were removed.
    pub removed: Vec<String>,
    /// SHA-256 of those that no longer lay where they were made: whoever moved them has to remove them.
    pub elsewhere: Vec<String>,
}

/// Notes where a bridge is made.
pub(super) fn remember(keys: &KeyFolder, folder: &Path, sha256: &str) -> Result<(), HolderError> {
    let folder = std::path::absolute(folder).map_err(HolderError::io(folder))?;
    let mut places = places(keys)?;
    places.push(Place { folder, sha256: sha256.to_owned() });
    store(keys, &places)
}

/// Removes every bridge that was made at this holder: once the old key is gone, or the next one, nothing is left to join.
pub fn remove(keys: &KeyFolder) -> Result<RemovedBridges, HolderError> {
    let mut found = RemovedBridges::default();
    for Place { folder, sha256 } in places(keys)? {
        let table = folder.join(BRIDGE);
        let there = catalog::manifest::digest(&table).is_ok_and(|(_, known)| known == sha256);
        if there {
            for path in [&table, &seal::signature_of(&table)] {
                gone(fs::remove_file(path)).map_err(HolderError::io(path))?;
            }
            // Somebody may have put other files into the folder: then it stays.
            drop(fs::remove_dir(&folder));
            found.removed.push(sha256);
        } else {
            found.elsewhere.push(sha256);
        }
    }
    store(keys, &[])?;
    Ok(found)
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|cause| if cause.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(cause) })
}

fn places(keys: &KeyFolder) -> Result<Vec<Place>, HolderError> {
    let path = keys.path().join(FILE);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|cause| HolderError::io(&path)(cause.into())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(HolderError::io(&path)(cause)),
    }
}

fn store(keys: &KeyFolder, places: &[Place]) -> Result<(), HolderError> {
    let path = keys.path().join(FILE);
    let text = serde_json::to_vec_pretty(places).map_err(|cause| HolderError::io(&path)(cause.into()))?;
    durable::replace_private(&path, &text).map_err(HolderError::io(&path))
}
