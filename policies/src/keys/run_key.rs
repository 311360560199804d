//! The key of one linkage run: holders make composites under it, share it among themselves, and wipe it after the run.
//!
//! One holder makes it and wraps it to the others; the linkage zone never holds it. A wiped or old key does not come back: its name
//! stays as a mark, so that a copy of the wrapped key on some disk opens nothing any more.

use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::{KeyError, KeyFolder, SecretBytes, file};
use crate::durable;
use crate::zone::Zone;

/// A run key older than this opens nothing: a monthly run ends within two weeks, or begins again under a new key.
pub const RUN_KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How far another holder's clock may be ahead of ours.
const CLOCK_SLIP_MAX: SignedDuration = SignedDuration::from_mins(10);

/// Letters of a run's name.
const LETTERS_MAX: usize = 32;

/// The name of a linkage run, e.g. `2026-11`: small letters, digits, `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = RunKeyError;
    fn from_str(text: &str) -> Result<Self, RunKeyError> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=LETTERS_MAX).contains(&text.len()) && text.bytes().all(letter) && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(RunKeyError::Id) }
    }
}

/// Why there is no run key. Never carries key material.
#[derive(Debug, thiserror::Error)]
pub enum RunKeyError {
    /// No name of a run.
    #[error("a run is named by small letters, digits and '-', at most {LETTERS_MAX} of them, e.g. 2026-11")]
    Id,
    /// The folder has no such key.
    #[error("there is no key of the run {0}; one holder makes it with `sudare keys run-key new`, the others join it")]
    Missing(RunId),
    /// There is another key of that name.
    #[error("the run {0} has another key already; choose another name, or wipe that key if its run is over")]
    Exists(RunId),
    /// It was wiped.
    #[error("the key of the run {0} was wiped and does not come back; a new run takes a new name")]
    Wiped(RunId),
    /// It is too old.
    #[error("the key of the run {0} is older than {days} days; wipe it and begin a new run", days = RUN_KEY_AGE_MAX.as_hours() / 24)]
    Old(RunId),
    /// It comes from later than now.
    #[error("the key of the run {0} was made later than now; set the clocks of both holders")]
    Future(RunId),
    /// The file is broken.
    #[error("the key of the run {0} is not whole; join it again")]
    Form(RunId),
    /// The folder.
    #[error("the key folder cannot be used")]
    Folder(#[source] KeyError),
}

impl From<KeyError> for RunKeyError {
    fn from(cause: KeyError) -> Self {
        Self::Folder(cause)
    }
}

/// The key of one linkage run. Wiped from memory on drop; neither `Debug` nor `Serialize`.
pub struct RunKey {
    id: RunId,
    made_at: Timestamp,
    key: SecretBytes,
}

impl RunKey {
    /// A fresh key.
    pub fn generate(id: RunId, now: Timestamp) -> Self {
        Self { id, made_at: now, key: SecretBytes::generate() }
    }

    /// A key that another holder made.
    pub fn received(id: RunId, made_at: Timestamp, key: SecretBytes) -> Self {
        Self { id, made_at, key }
    }

    /// Whose run's.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// When it was made, at whichever holder.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// The key, for the one function that derives from it.
    pub fn bytes(&self) -> &SecretBytes {
        &self.key
    }

    fn fresh(self, now: Timestamp) -> Result<Self, RunKeyError> {
        let age = now.duration_since(self.made_at);
        if age > RUN_KEY_AGE_MAX {
            Err(RunKeyError::Old(self.id))
        } else if age < -CLOCK_SLIP_MAX {
            Err(RunKeyError::Future(self.id))
        } else {
            Ok(self)
        }
    }
}

impl KeyFolder {
    /// The key of a run, if it is there and not too old.
    pub fn run_key(&self, id: &RunId, now: Timestamp) -> Result<RunKey, RunKeyError> {
        self.holders_only()?;
        if self.run_file(id, "wiped").exists() {
            return Err(RunKeyError::Wiped(id.clone()));
        }
        let text = file::read_private(&self.run_file(id, "key"))?.ok_or_else(|| RunKeyError::Missing(id.clone()))?;
        let key = parse(id, &text).ok_or_else(|| RunKeyError::Form(id.clone()))?;
        key.fresh(now)
    }

    /// Keeps a run's key. The same key again changes nothing; another one under that name is refused.
    pub fn keep_run_key(&self, key: RunKey, now: Timestamp) -> Result<RunKey, RunKeyError> {
        let key = key.fresh(now)?;
        match self.run_key(key.id(), now) {
            Err(RunKeyError::Missing(_)) => {}
            Ok(known) if known.key.same(&key.key) => return Ok(known),
            Ok(_) | Err(RunKeyError::Old(_) | RunKeyError::Form(_) | RunKeyError::Future(_)) => {
                return Err(RunKeyError::Exists(key.id));
            }
            Err(other) => return Err(other),
        }
        let at = self.run_file(&key.id, "key");
        let hex = Zeroizing::new(hex::encode(key.key.expose()));
        // The room is reserved at once: growing would leave copies behind that nobody wipes.
        let mut text = Zeroizing::new(String::with_capacity(256));
        text.extend([&key.made_at.to_string(), "\n", hex.as_str(), "\n"]);
        self.run_write(&at, text.as_bytes())?;
        Ok(key)
    }

    /// Wipes a run's key and marks its name as used. Wiping what is not there marks it too.
    pub fn wipe_run_key(&self, id: &RunId, now: Timestamp) -> Result<(), RunKeyError> {
        self.holders_only()?;
        // The mark first: a stop in between leaves a key that nothing reads.
        self.run_write(&self.run_file(id, "wiped"), format!("{now}\n").as_bytes())?;
        Ok(file::wipe(&self.run_file(id, "key"))?)
    }

    fn run_write(&self, at: &Path, bytes: &[u8]) -> Result<(), KeyError> {
        let write = || {
            let folder = self.path().join("secret").join("run");
            if !folder.exists() {
                DirBuilder::new().mode(0o700).create(&folder)?;
            }
            durable::replace_private(at, bytes)
        };
        write().map_err(|cause| KeyError::Io { path: at.to_owned(), cause })
    }

    fn run_file(&self, id: &RunId, ending: &str) -> PathBuf {
        self.path().join("secret").join("run").join(format!("{id}.{ending}"))
    }

    /// Run keys and epochs are the holders'; above all, the linkage zone must never hold one.
    pub(super) fn holders_only(&self) -> Result<(), KeyError> {
        if self.zone() == Zone::Holder {
            Ok(())
        } else {
            Err(KeyError::OtherZone { path: self.path().to_owned(), found: self.zone(), wanted: Zone::Holder })
        }
    }
}

fn parse(id: &RunId, text: &str) -> Option<RunKey> {
    let (made_at, hex) = text.split_once('\n')?;
    let bytes = Zeroizing::new(hex::decode(hex.trim()).ok()?);
    Some(RunKey::received(id.clone(), made_at.parse().ok()?, SecretBytes::from_slice(&bytes)?))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder(dir: &tempfile::TempDir, zone: Zone) -> KeyFolder {
        KeyFolder::init(&dir.path().join(zone.as_str()), zone, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn day(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days)
    }

    #[test]
    fn a_run_key_lives_for_one_run() {
        let dir = tempfile::tempdir().unwrap();
        let keys = folder(&dir, Zone::Holder);
        let id: RunId = "2026-11".parse().unwrap();
        assert!(matches!(keys.run_key(&id, day(1)), Err(RunKeyError::Missing(_))));
        let made = keys.keep_run_key(RunKey::generate(id.clone(), day(1)), day(1)).unwrap();
        let copy = || RunKey::received(id.clone(), day(1), SecretBytes::from_slice(made.bytes().expose()).unwrap());
        assert!(keys.run_key(&id, day(15)).unwrap().bytes().same(made.bytes()));
        keys.keep_run_key(copy(), day(2)).unwrap();
        let other = keys.keep_run_key(RunKey::generate(id.clone(), day(2)), day(2));
        assert!(matches!(other, Err(RunKeyError::Exists(_))));
        assert!(matches!(keys.run_key(&id, day(16)), Err(RunKeyError::Old(_))));
        assert!(matches!(keys.keep_run_key(copy(), day(16)), Err(RunKeyError::Old(_))));
        assert!(matches!(keys.run_key(&id, day(0)), Err(RunKeyError::Future(_))));

        let at = keys.path().join("secret/run/2026-11.key");
        assert_eq!(fs::metadata(&at).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&at, fs::Permissions::from_mode(0o604)).unwrap();
        assert!(matches!(keys.run_key(&id, day(2)), Err(RunKeyError::Folder(KeyError::Open { .. }))));
        fs::set_permissions(&at, fs::Permissions::from_mode(0o600)).unwrap();

        keys.wipe_run_key(&id, day(3)).unwrap();
        assert!(!at.exists());
        // Neither the wrapped copy nor a new key of that name comes back.
        assert!(matches!(keys.keep_run_key(copy(), day(3)), Err(RunKeyError::Wiped(_))));
        assert!(matches!(keys.run_key(&id, day(3)), Err(RunKeyError::Wiped(_))));
        keys.wipe_run_key(&id, day(3)).unwrap();
    }

    #[test]
    fn the_linkage_zone_never_holds_one_and_a_cut_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let id: RunId = "r".parse().unwrap();
        for zone in [Zone::Linkage, Zone::Enclave] {
            let keys = folder(&dir, zone);
            let kept = keys.keep_run_key(RunKey::generate(id.clone(), day(0)), day(0));
            assert!(matches!(kept, Err(RunKeyError::Folder(KeyError::OtherZone { .. }))));
            assert!(matches!(keys.wipe_run_key(&id, day(0)), Err(RunKeyError::Folder(KeyError::OtherZone { .. }))));
        }
        let keys = folder(&dir, Zone::Holder);
        keys.keep_run_key(RunKey::generate(id.clone(), day(0)), day(0)).unwrap();
        let at = keys.path().join("secret/run/r.key");
        let whole = fs::read(&at).unwrap();
        for length in 0..whole.len() - 2 {
            durable::replace_private(&at, &whole[..length]).unwrap();
            assert!(matches!(keys.run_key(&id, day(0)), Err(RunKeyError::Form(_))), "{length} bytes");
        }
        for bad in ["", "-a", "A", "a/b", "..", "a.b", "a b", &"a".repeat(33)] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}
