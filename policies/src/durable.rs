//! Files appear whole or not at all: write beside, sync, rename, sync the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Puts `bytes` at `path`, readable by everybody who may read the folder.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_beside(path, bytes, 0o644)
}

/// Puts `bytes` at `path`, readable by this user alone (mode 0600).
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_beside(path, bytes, 0o600)
}

/// Renames a finished folder or file to its final name, after syncing it, and syncs the folder above.
pub fn publish(finished: &Path, target: &Path) -> io::Result<()> {
    File::open(finished)?.sync_all()?;
    fs::rename(finished, target)?;
    sync_parent(target)
}

fn write_beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.partial", std::process::id()));
    let beside = Path::new(&beside);
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(mode).open(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    sync_parent(path)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
