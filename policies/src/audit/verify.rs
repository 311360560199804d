//! Checking of audit chains: each zone's own, and the crossings between them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{AuditError, Entry, FILE, Head, OPENED, checkpoint_message};
use crate::keys::VerifyingKey;
use crate::zone::Zone;

/// The first entry of a chain that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Line of the file, from 1.
    pub line: u64,
    /// What does not fit.
    pub why: &'static str,
}

/// What one chain looks like.
#[derive(Clone, Debug, Serialize)]
pub struct ZoneReport {
    /// Its folder.
    pub folder: PathBuf,
    /// Whose it is; none if the first line is broken.
    pub zone: Option<Zone>,
    /// Entries that fit.
    pub entries: u64,
    /// Signed checkpoints that verify.
    pub checkpoints: u64,
    /// The first that does not fit.
    pub broken: Option<Broken>,
}

/// One zone's record of another's head.
#[derive(Clone, Debug, Serialize)]
pub struct Crossing {
    /// Who recorded it.
    pub witness: Zone,
    /// Whose head.
    pub zone: Zone,
    /// Number of the entry.
    pub seq: u64,
    /// Whether that entry stands there with that hash. `None`: the other chain was not given.
    pub holds: Option<bool>,
}

/// What `sudare audit verify` found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// One a folder.
    pub zones: Vec<ZoneReport>,
    /// Crossings between them.
    pub crossings: Vec<Crossing>,
}

impl Report {
    /// Whether every chain and every crossing holds.
    pub fn whole(&self) -> bool {
        self.zones.iter().all(|zone| zone.broken.is_none())
            && self.crossings.iter().all(|crossing| crossing.holds != Some(false))
    }
}

struct Chain {
    folder: PathBuf,
    entries: Vec<Entry>,
    broken: Option<Broken>,
    checkpoints: u64,
}

/// Reads and checks the chains in `folders`. Fails only if a file cannot be read.
pub fn verify(folders: &[PathBuf]) -> Result<Report, AuditError> {
    let mut chains = folders.iter().map(|folder| check(folder)).collect::<Result<Vec<_>, _>>()?;
    let mut crossings = all_crossings(&chains);
    if crossings.iter().any(|crossing| crossing.holds == Some(false)) {
        // Chains that are being written were read one after the other: what was witnessed since may stand there now.
        let witnesses = chains;
        chains = folders.iter().map(|folder| check(folder)).collect::<Result<Vec<_>, _>>()?;
        crossings = witnesses.iter().flat_map(|chain| crossings_of(chain, &chains)).collect();
    }
    let zones = chains
        .into_iter()
        .map(|chain| ZoneReport {
            zone: chain.entries.first().map(|entry| entry.zone),
            entries: chain.entries.len() as u64,
            checkpoints: chain.checkpoints,
            broken: chain.broken,
            folder: chain.folder,
        })
        .collect();
    Ok(Report { zones, crossings })
}

fn check(folder: &Path) -> Result<Chain, AuditError> {
    let path = folder.join(FILE);
    let text = fs::read(&path).map_err(|cause| AuditError::Io { path, cause })?;
    let mut chain = Chain { folder: folder.to_owned(), entries: Vec::new(), broken: None, checkpoints: 0 };
    let key = zone_key(folder);
    let mut head = Head::empty();
    let whole_last_line = text.is_empty() || text.ends_with(b"\n");
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        if line.is_empty() {
            continue;
        }
        match fits(line, &head, chain.entries.first(), key.as_ref()) {
            Ok(entry) => {
                chain.checkpoints += u64::from(entry.action == "audit:checkpoint");
                head = Head { seq: entry.seq, hash: entry.hash.clone() };
                chain.entries.push(entry);
            }
            Err(why) => {
                chain.broken = Some(Broken { line: number, why });
                return Ok(chain);
            }
        }
    }
    if !whole_last_line {
        chain.broken = Some(Broken { line: head.seq, why: "the last line is not finished" });
    }
    Ok(chain)
}

fn fits(line: &[u8], head: &Head, first: Option<&Entry>, key: Option<&VerifyingKey>) -> Result<Entry, &'static str> {
    let entry: Entry = serde_json::from_slice(line).map_err(|_| "not an audit entry")?;
    if entry.seq != head.seq + 1 {
        return Err("the number does not follow the one before");
    }
    if entry.prev != head.hash {
        return Err("it does not carry the hash of the entry before");
    }
    if first.is_some_and(|first| first.zone != entry.zone) {
        return Err("it belongs to another zone");
    }
    if first.is_none()
        && (entry.action != OPENED || key.is_some_and(|key| text(&entry, "key") != Some(key.to_hex().as_str())))
    {
        return Err("it does not open the chain under this zone's key");
    }
    // The line must be exactly what was hashed: no other spelling of the same JSON passes.
    let same_bytes = serde_json::to_vec(&entry).is_ok_and(|bytes| bytes == line);
    if !same_bytes || entry.computed_hash().as_deref() != Some(entry.hash.as_str()) {
        return Err("its hash does not fit what it says");
    }
    if entry.action == "audit:checkpoint" && !checkpoint_holds(&entry, head, first) {
        return Err("the checkpoint's signature does not verify");
    }
    Ok(entry)
}

/// A checkpoint must be signed by the key that the first entry names; that one is held against `public/sign.pub` where it lies there.
fn checkpoint_holds(entry: &Entry, head: &Head, first: Option<&Entry>) -> bool {
    let Some(key) = first.and_then(|first| text(first, "key")).and_then(VerifyingKey::from_hex) else { return false };
    let signature = text(entry, "signature").and_then(|text| hex::decode(text).ok()).unwrap_or_default();
    text(entry, "key") == Some(key.to_hex().as_str())
        && key.verify(checkpoint_message(entry.zone, head).as_bytes(), &signature)
}

fn text<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.detail.get(name).and_then(|value| value.as_str())
}

/// The zone's public key, where the chain lies in its key folder.
fn zone_key(folder: &Path) -> Option<VerifyingKey> {
    VerifyingKey::read(&folder.join("public").join("sign.pub")).ok()
}

fn all_crossings(chains: &[Chain]) -> Vec<Crossing> {
    chains.iter().flat_map(|chain| crossings_of(chain, chains)).collect()
}

fn crossings_of(chain: &Chain, all: &[Chain]) -> Vec<Crossing> {
    let witnesses = chain.entries.iter().filter(|entry| entry.action == "audit:witness");
    witnesses
        .filter_map(|entry| {
            let zone: Zone = entry.object.parse().ok()?;
            let seq = entry.detail.get("seq")?.as_u64()?;
            let (hash, identity) = (text(entry, "hash")?, text(entry, "chain")?);
            let other =
                all.iter().find(|other| other.entries.first().and_then(|first| text(first, "key")) == Some(identity));
            let stands = |other: &Chain| other.entries.iter().any(|entry| entry.seq == seq && entry.hash == hash);
            Some(Crossing { witness: entry.zone, zone, seq, holds: other.map(|other| seq == 0 || stands(other)) })
        })
        .collect()
}
