//! Secrets come from files that this user alone may read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// The longest secret.
const BYTES_MAX: u64 = 4096;

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The system says no.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Others may read it.
    #[error("others may read {}; run `chmod 600` on it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
}

/// The first line of a file that this user alone may read, or of a pipe.
pub(crate) fn first_line(path: &Path) -> Result<SecretString, PrivateFileError> {
    let io = |cause| PrivateFileError::Io { path: path.to_owned(), cause };
    let file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
        return Err(PrivateFileError::Open { path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(io)?;
    Ok(SecretString::from(text.lines().next().unwrap_or_default()))
}
