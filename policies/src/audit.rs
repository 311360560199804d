//! The audit chain of a zone: append-only JSON lines, each carrying the hash of the one before.
//!
//! `audit.jsonl` belongs to one zone and is written by that zone alone, under a file lock. The zone's key signs a checkpoint
//! at every [`CHECKPOINT_EVERY`]th entry and on request; other zones' heads are recorded as `witness` entries, so that a tail
//! cut off in one zone is missed in another. Entries carry actors, objects and digests; never a row, a value or an identifier.

mod verify;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use verify::{Broken, Crossing, Report, ZoneReport, verify};

use crate::keys::SigningKey;
use crate::zone::Zone;

/// A signed checkpoint follows at the latest after this many entries.
pub const CHECKPOINT_EVERY: u64 = 64;

/// The action of the first entry of every chain.
pub const OPENED: &str = "audit:opened";

/// File name of a zone's chain; it lies in the zone's key folder.
pub const FILE: &str = "audit.jsonl";

/// Why an entry could not be written. Whatever was to be recorded must then not happen.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The chain in the file is not whole; nothing is appended to it.
    #[error("{} is not a whole audit chain; run `sudare audit verify`", path.display())]
    Chain {
        /// The file.
        path: PathBuf,
    },
    /// Input or output failed.
    #[error("cannot write the audit log {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// What happened, before it has a place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    /// Who: a sign-in name, or the service's name.
    pub actor: &'a str,
    /// What, `noun:verb`, e.g. `query:answered`.
    pub action: &'a str,
    /// On what, e.g. a permit number.
    pub object: &'a str,
    /// Anything else that a reader needs; no values from data.
    pub detail: BTreeMap<String, Value>,
}

impl<'a> Act<'a> {
    /// An act without details.
    pub fn new(actor: &'a str, action: &'a str, object: &'a str) -> Self {
        Self { actor, action, object, detail: BTreeMap::new() }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// One line of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// 1, 2, 3 …
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Whose chain.
    pub zone: Zone,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On what.
    pub object: String,
    /// Details.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, Value>,
    /// Hash of the entry before; 64 zeros in the first.
    pub prev: String,
    /// SHA-256 (hex) of this entry's JSON without `hash`.
    pub hash: String,
}

impl Entry {
    /// The hash that the entry should carry.
    fn computed_hash(&self) -> Option<String> {
        let bare = Self { hash: String::new(), ..self.clone() };
        serde_json::to_vec(&bare).ok().map(|bytes| hex::encode(Sha256::digest(bytes)))
    }
}

/// Where a chain stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last entry; 0 for an empty chain.
    pub seq: u64,
    /// Its hash; 64 zeros for an empty chain.
    pub hash: String,
}

impl Head {
    fn empty() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

/// A zone's chain, open for appending.
pub struct AuditLog {
    path: PathBuf,
    zone: Zone,
    key: SigningKey,
    file: Mutex<Tail>,
}

struct Tail {
    file: File,
    length: u64,
    head: Head,
}

impl AuditLog {
    /// Opens `folder/audit.jsonl`, made if absent. `key` is the zone's `sign` key.
    pub fn open(folder: &Path, zone: Zone, key: SigningKey) -> Result<Self, AuditError> {
        let path = folder.join(FILE);
        let open = || {
            std::fs::create_dir_all(folder)?;
            OpenOptions::new().create(true).append(true).read(true).open(&path)
        };
        let file = open().map_err(|cause| AuditError::Io { path: path.clone(), cause })?;
        let tail = Mutex::new(Tail { file, length: u64::MAX, head: Head::empty() });
        let log = Self { path, zone, key, file: tail };
        log.head()?;
        Ok(log)
    }

    /// The zone whose chain this is.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Appends one act and syncs it to disk. Returns the new head.
    pub fn append(&self, now: Timestamp, act: &Act<'_>) -> Result<Head, AuditError> {
        self.locked(|log, tail| {
            log.write_opening(tail, now)?;
            let head = log.write(tail, now, act)?;
            if head.seq.is_multiple_of(CHECKPOINT_EVERY) { log.write_checkpoint(tail, now) } else { Ok(head) }
        })
    }

    /// The chain's name for other zones: the public half of the key that signs it, hexadecimal.
    pub fn identity(&self) -> String {
        self.key.verifying().to_hex()
    }

    /// Signs the chain as it stands.
    pub fn checkpoint(&self, now: Timestamp) -> Result<Head, AuditError> {
        self.locked(|log, tail| {
            log.write_opening(tail, now)?;
            log.write_checkpoint(tail, now)
        })
    }

    /// Records where another zone's chain stands. `identity` is that chain's [`Self::identity`].
    pub fn witness(&self, now: Timestamp, zone: Zone, identity: &str, head: &Head) -> Result<Head, AuditError> {
        let act = Act::new("audit", "audit:witness", zone.as_str());
        self.append(now, &act.with("chain", identity).with("seq", head.seq).with("hash", head.hash.clone()))
    }

    /// Where the chain stands now.
    pub fn head(&self) -> Result<Head, AuditError> {
        self.locked(|_, tail| Ok(tail.head.clone()))
    }

    fn locked<T>(&self, work: impl FnOnce(&Self, &mut Tail) -> Result<T, AuditError>) -> Result<T, AuditError> {
        let mut tail = self.file.lock().map_err(|_| AuditError::Chain { path: self.path.clone() })?;
        tail.file.lock().map_err(|cause| self.io(cause))?;
        let result = self.refresh(&mut tail).and_then(|()| work(self, &mut tail));
        tail.file.unlock().map_err(|cause| self.io(cause))?;
        result
    }

    /// Another process of the zone may have written since: read the last line again if the length changed.
    fn refresh(&self, tail: &mut Tail) -> Result<(), AuditError> {
        let length = tail.file.metadata().map_err(|cause| self.io(cause))?.len();
        if length == tail.length {
            return Ok(());
        }
        tail.head = match last_line(&mut tail.file, length).map_err(|cause| self.io(cause))? {
            None => Head::empty(),
            Some(line) => {
                let entry: Entry =
                    serde_json::from_str(&line).map_err(|_| AuditError::Chain { path: self.path.clone() })?;
                if entry.computed_hash().as_deref() != Some(entry.hash.as_str()) || entry.zone != self.zone {
                    return Err(AuditError::Chain { path: self.path.clone() });
                }
                Head { seq: entry.seq, hash: entry.hash }
            }
        };
        tail.length = length;
        Ok(())
    }

    fn write(&self, tail: &mut Tail, now: Timestamp, act: &Act<'_>) -> Result<Head, AuditError> {
        let mut entry = Entry {
            seq: tail.head.seq + 1,
            at: now,
            zone: self.zone,
            actor: act.actor.to_owned(),
            action: act.action.to_owned(),
            object: act.object.to_owned(),
            detail: act.detail.clone(),
            prev: tail.head.hash.clone(),
            hash: String::new(),
        };
        entry.hash = entry.computed_hash().ok_or_else(|| AuditError::Chain { path: self.path.clone() })?;
        let mut line = serde_json::to_vec(&entry).map_err(|cause| self.io(cause.into()))?;
        line.push(b'\n');
        let written = tail.file.write_all(&line).and_then(|()| tail.file.sync_data());
        if let Err(cause) = written {
            // A half-written line must not stand: cut back to where the chain was whole.
            tail.file.set_len(tail.length).map_err(|cause| self.io(cause))?;
            return Err(self.io(cause));
        }
        tail.length += line.len() as u64;
        tail.head = Head { seq: entry.seq, hash: entry.hash };
        Ok(tail.head.clone())
    }

    /// The first entry names the key that signs the chain.
    fn write_opening(&self, tail: &mut Tail, now: Timestamp) -> Result<(), AuditError> {
        if tail.head.seq > 0 {
            return Ok(());
        }
        let act = Act::new("audit", OPENED, self.zone.as_str()).with("key", self.identity());
        self.write(tail, now, &act).map(|_| ())
    }

    fn write_checkpoint(&self, tail: &mut Tail, now: Timestamp) -> Result<Head, AuditError> {
        let act = Act::new("audit", "audit:checkpoint", self.zone.as_str());
        let signature = hex::encode(self.key.sign(checkpoint_message(self.zone, &tail.head).as_bytes()));
        let key = self.key.verifying().to_hex();
        self.write(tail, now, &act.with("signature", signature).with("key", key))
    }

    fn io(&self, cause: io::Error) -> AuditError {
        AuditError::Io { path: self.path.clone(), cause }
    }
}

/// What a checkpoint's signature covers: the head before it.
fn checkpoint_message(zone: Zone, head: &Head) -> String {
    format!("sudare audit checkpoint/1\n{zone}\n{}\n{}", head.seq, head.hash)
}

/// All entries of a chain as they stand, for showing; broken lines end the list. Use [`verify`] to judge a chain.
pub fn read(folder: &Path) -> Result<Vec<Entry>, AuditError> {
    let path = folder.join(FILE);
    let io = |cause| AuditError::Io { path: path.clone(), cause };
    let lines = BufReader::new(File::open(&path).map_err(io)?).lines();
    let mut entries = Vec::new();
    for line in lines {
        let Ok(entry) = serde_json::from_str(&line.map_err(io)?) else { break };
        entries.push(entry);
    }
    Ok(entries)
}

fn last_line(file: &mut File, length: u64) -> io::Result<Option<String>> {
    const STEP: u64 = 4096;
    let mut from = length;
    let mut bytes = Vec::new();
    while from > 0 {
        let step = STEP.min(from);
        from -= step;
        let mut part = vec![0; usize::try_from(step).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut part)?;
        part.extend_from_slice(&bytes);
        bytes = part;
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        if let Some(at) = text.iter().rposition(|byte| *byte == b'\n') {
            return Ok(Some(String::from_utf8_lossy(text.get(at + 1..).unwrap_or_default()).into_owned()));
        }
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok((!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests;
