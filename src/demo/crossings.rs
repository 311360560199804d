//! Each zone's chain records where the others stand, so that a tail cut off in one is missed in another.

use anyhow::Result;
use policies::Zone;
use policies::audit::{AuditLog, Head};
use policies::keys::KeyFolder;

use super::folder::Folder;
use super::sources::SOURCES;
use crate::clock;

/// Every chain signs a checkpoint, then records the others' heads.
pub(super) fn witness(folder: &Folder) -> Result<()> {
    let zones =
        [("linkage", Zone::Linkage), ("enclave", Zone::Enclave), ("permit", Zone::Permit), ("portal", Zone::Portal)];
    let mut places: Vec<_> = SOURCES.iter().map(|source| (folder.holder(source).join("keys"), Zone::Holder)).collect();
    places.extend(zones.iter().map(|(name, zone)| (folder.keys(name), *zone)));
    let mut chains: Vec<(AuditLog, Head)> = Vec::new();
    for (path, zone) in places {
        let keys = KeyFolder::open(&path, zone)?;
        let chain = AuditLog::open(&path, zone, keys.signing("sign")?)?;
        let head = chain.checkpoint(clock::now())?;
        chains.push((chain, head));
    }
    for (witness, _) in &chains {
        for (other, head) in chains.iter().filter(|(other, _)| other.identity() != witness.identity()) {
            witness.witness(clock::now(), other.zone(), &other.identity(), head)?;
        }
    }
    Ok(())
}
