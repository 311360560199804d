//! Secret files: read only if this user alone may read them, and overwritten before they are removed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyError;

/// A small public file.
pub(super) fn read(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|cause| KeyError::Io { path: path.to_owned(), cause })
}

/// A small secret file; `None` if there is none.
pub(super) fn read_private(path: &Path) -> Result<Option<Zeroizing<String>>, KeyError> {
    let meta = match fs::metadata(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|cause| KeyError::Io { path: path.to_owned(), cause })?,
    };
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Open { path: path.to_owned() });
    }
    read(path).map(|text| Some(Zeroizing::new(text)))
}

/// Overwrites a secret file with zeros, then removes it; a file that is not there is no error. On disks that write elsewhere
/// (flash, copy on write, snapshots, backups) the old bytes may stay: overwriting is a best effort.
pub(super) fn wipe(path: &Path) -> Result<(), KeyError> {
    let wipe = || {
        let mut file = match OpenOptions::new().write(true).open(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        file.write_all(&vec![0; length])?;
        file.sync_all()?;
        fs::remove_file(path)?;
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    };
    wipe().map_err(|cause| KeyError::Io { path: path.to_owned(), cause })
}
