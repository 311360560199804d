//! A folder for another zone: written beside its place, appears whole or not at all; and the signature beside a sealed table.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use policies::durable;
use policies::keys::SigningKey;

use crate::seal;

/// A folder being written.
pub(crate) struct Delivery {
    partial: PathBuf,
    out: PathBuf,
}

impl Delivery {
    /// Begins it anew; what an interrupted run has left is removed. [`io::ErrorKind::AlreadyExists`] if its place is taken.
    pub(crate) fn begin(out: &Path) -> io::Result<Self> {
        let free = match fs::read_dir(out) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => !out.exists(),
        };
        if !free {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut partial = out.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        match fs::remove_dir_all(&partial) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        fs::create_dir_all(&partial)?;
        Ok(Self { partial, out: out.to_owned() })
    }

    /// A place in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// Lets it appear.
    pub(crate) fn publish(self) -> io::Result<()> {
        durable::publish(&self.partial, &self.out)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // After publishing there is nothing left to remove; what cannot be removed now is removed by the next run.
        drop(fs::remove_dir_all(&self.partial));
    }
}

/// Writes the signature over a sealed table's SHA-256 beside it, and gives that digest in hexadecimal.
pub(crate) fn sign(table: &Path, key: &SigningKey) -> io::Result<String> {
    let unreadable = |_| io::Error::from(io::ErrorKind::InvalidData);
    let (_, sha256) = catalog::manifest::digest(table).map_err(unreadable)?;
    let digest = hex::decode(&sha256).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let line = format!("{} {}\n", hex::encode(key.sign(&digest)), key.verifying().to_hex());
    durable::replace(&seal::signature_of(table), line.as_bytes())?;
    Ok(sha256)
}
