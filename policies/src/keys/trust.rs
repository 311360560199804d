//! Whom a zone believes: the public signing keys of holders and zones, each under a short word, `trusted/<source>.pub`.
//!
//! A batch, a verdict or a wrapped key says itself who signed it; that is worth nothing before a person has compared that key's
//! fingerprint with its owner and put it here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{KeyError, KeyFolder, VerifyingKey};
use crate::durable;

/// Letters of a source's word.
const SOURCE_LETTERS_MAX: usize = 32;

impl KeyFolder {
    /// Believes `key` as that of `source` (small letters, digits, `-`). The same key again changes nothing; another key for a
    /// known source is refused: see [`Self::replace_trusted`].
    pub fn trust(&self, source: &str, key: &VerifyingKey) -> Result<(), KeyError> {
        match self.trusted(source) {
            Ok(known) if known == *key => Ok(()),
            Ok(_) => Err(KeyError::TrustedOther { path: self.trusted_path(source), source: source.to_owned() }),
            Err(KeyError::Untrusted { .. }) => self.replace_trusted(source, key),
            Err(other) => Err(other),
        }
    }

    /// Believes `key` as that of `source`, whatever key was believed before: after the owner has changed keys.
    pub fn replace_trusted(&self, source: &str, key: &VerifyingKey) -> Result<(), KeyError> {
        check(source)?;
        let at = self.trusted_path(source);
        let write = || {
            fs::create_dir_all(self.path().join("trusted"))?;
            durable::replace(&at, format!("{}\n", key.to_hex()).as_bytes())
        };
        write().map_err(|cause| KeyError::Io { path: at.clone(), cause })
    }

    /// The key that this zone believes as that of `source`.
    pub fn trusted(&self, source: &str) -> Result<VerifyingKey, KeyError> {
        check(source)?;
        let at = self.trusted_path(source);
        let meta = match fs::metadata(&at) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(KeyError::Untrusted { path: self.path().to_owned(), source: source.to_owned() });
            }
            other => other.map_err(|cause| KeyError::Io { path: at.clone(), cause })?,
        };
        // Who can write here decides whom the zone believes.
        if meta.permissions().mode() & 0o022 != 0 {
            return Err(KeyError::Writable { path: at });
        }
        VerifyingKey::read(&at)
    }

    fn trusted_path(&self, source: &str) -> PathBuf {
        self.path().join("trusted").join(format!("{source}.pub"))
    }
}

/// The word becomes a file's name: nothing else may be in it.
fn check(source: &str) -> Result<(), KeyError> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let fits = (1..=SOURCE_LETTERS_MAX).contains(&source.len()) && source.bytes().all(letters);
    if fits && !source.starts_with(['-', '_']) { Ok(()) } else { Err(KeyError::Source) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::super::SigningKey;
    use super::*;
    use crate::zone::Zone;

    fn folder(dir: &tempfile::TempDir) -> KeyFolder {
        KeyFolder::init(&dir.path().join("k"), Zone::Linkage, Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_key_is_believed_once_told_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let keys = folder(&dir);
        let (ndb, other) = (SigningKey::generate().verifying(), SigningKey::generate().verifying());
        let told = keys.trusted("ndb").unwrap_err();
        assert!(matches!(&told, KeyError::Untrusted { source, .. } if source == "ndb"));
        assert!(told.to_string().contains("sudare keys trust --keys"), "{told}");
        keys.trust("ndb", &ndb).unwrap();
        keys.trust("ndb", &ndb).unwrap();
        assert_eq!(keys.trusted("ndb").unwrap(), ndb);
        assert!(matches!(keys.trust("ndb", &other), Err(KeyError::TrustedOther { .. })));
        assert_eq!(keys.trusted("ndb").unwrap(), ndb);
        keys.replace_trusted("ndb", &other).unwrap();
        assert_eq!(keys.trusted("ndb").unwrap(), other);
        assert!(matches!(keys.trusted("ltc"), Err(KeyError::Untrusted { .. })));
    }

    #[test]
    fn a_broken_or_writable_file_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let keys = folder(&dir);
        let key = SigningKey::generate().verifying();
        keys.trust("ndb", &key).unwrap();
        let at = keys.path().join("trusted/ndb.pub");
        fs::set_permissions(&at, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(keys.trusted("ndb"), Err(KeyError::Writable { .. })));
        fs::set_permissions(&at, fs::Permissions::from_mode(0o644)).unwrap();
        durable::replace(&at, b"").unwrap();
        assert!(matches!(keys.trusted("ndb"), Err(KeyError::Public { .. })));
        // A broken file is no leave to put another key in its place unasked.
        assert!(matches!(keys.trust("ndb", &key), Err(KeyError::Public { .. })));
    }

    proptest! {
        /// Whatever is given as a source, no file outside `trusted/` is made.
        #[test]
        fn a_source_is_a_word(source in "[a-z0-9./\\-\u{e9}A_ ]{0,40}") {
            let dir = tempfile::tempdir().unwrap();
            let keys = folder(&dir);
            let word = source.len() <= 32 && !source.is_empty() && !source.starts_with(['-', '_'])
                && source.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'));
            let trusted = keys.trust(&source, &SigningKey::generate().verifying());
            prop_assert_eq!(trusted.is_ok(), word);
            let made = fs::read_dir(keys.path().join("trusted")).map_or(0, Iterator::count);
            prop_assert_eq!(made, usize::from(word));
        }
    }
}
