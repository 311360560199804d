//! A passphrase or a token's PIN, read from a file or a descriptor (`/dev/fd/3`): arguments and variables are seen by others.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Fewest letters of a new passphrase (NIST SP 800-63B-4, 3.1.1.2: 15 for a password that stands alone).
const LETTERS_MIN: usize = 15;

/// Longest file that is read as a passphrase.
const BYTES_MAX: u64 = 4096;

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The first line is empty, is no text, or does not end.
    #[error("{} holds no passphrase; its first line is to be the passphrase, as text", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// The file can be read by others.
    #[error("{} can be read by other users; run `chmod 600` on it and choose another passphrase", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// Too short to protect a root.
    #[error("the passphrase is too short; choose at least {LETTERS_MIN} letters, e.g. six random words")]
    Short,
    /// Input failed.
    #[error("cannot read the passphrase from {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// What opens a root. Wiped on drop, never printed.
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes the passphrase over.
    pub fn new(text: SecretString) -> Self {
        Self(text)
    }

    /// The first line of a file that this user alone may read, or of a pipe.
    pub fn read(path: &Path) -> Result<Self, PassphraseError> {
        let io = |cause| PassphraseError::Io { path: path.to_owned(), cause };
        let file = File::open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
            return Err(PassphraseError::Open { path: path.to_owned() });
        }
        // The room is reserved at once: growing would leave copies behind that nobody wipes.
        let mut text = Zeroizing::new(String::with_capacity(usize::try_from(BYTES_MAX).unwrap_or(0) + 1));
        match file.take(BYTES_MAX + 1).read_to_string(&mut text) {
            Ok(length) if length as u64 <= BYTES_MAX => {}
            Err(cause) if cause.kind() != io::ErrorKind::InvalidData => return Err(io(cause)),
            _ => return Err(PassphraseError::Form { path: path.to_owned() }),
        }
        match text.lines().next() {
            None | Some("") => Err(PassphraseError::Form { path: path.to_owned() }),
            Some(line) => Ok(Self(SecretString::from(line.to_owned()))),
        }
    }

    /// Refuses what is too short to seal with. What a token takes as PIN is the token's own rule.
    pub fn strong(self) -> Result<Self, PassphraseError> {
        if self.0.expose_secret().chars().count() < LETTERS_MIN { Err(PassphraseError::Short) } else { Ok(self) }
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(bytes: &[u8], mode: u32) -> Result<Passphrase, PassphraseError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        crate::durable::replace(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Passphrase::read(&path)
    }

    #[test]
    fn the_first_line_of_a_private_file() {
        for (bytes, expected) in
            [(&b"one two three\nfour"[..], "one two three"), (b"a b\r\n", "a b"), ("簾 の 鍵".as_bytes(), "簾 の 鍵")]
        {
            assert_eq!(read(bytes, 0o600).unwrap().secret().expose_secret(), expected);
        }
        for bytes in [&b""[..], b"\n", b"\xff\xfe", &[b'a'; 5000]] {
            assert!(matches!(read(bytes, 0o600), Err(PassphraseError::Form { .. })));
        }
        assert!(matches!(read(b"secret", 0o640), Err(PassphraseError::Open { .. })));
        assert!(matches!(Passphrase::read(Path::new("/nowhere")), Err(PassphraseError::Io { .. })));
        assert!(matches!(read(b"short", 0o600).unwrap().strong(), Err(PassphraseError::Short)));
        assert!(read("簾簾簾簾簾簾簾簾簾簾簾簾簾簾簾".as_bytes(), 0o600).unwrap().strong().is_ok());
    }
}
