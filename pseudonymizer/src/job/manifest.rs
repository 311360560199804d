//! The batch's manifest, signed by the holder: what it holds, what it was read with, and that the leak scan passed. Its last file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use policies::durable;
use policies::keys::SecretBytes;
use serde_json::json;

use super::fold::Folded;
use super::folder::Folder;
use super::{Job, PseudonymizeError};
use crate::layout::Layout;
use crate::normalise;
use crate::report::{Reason, Report};

/// Writes report and manifest, signs, and lets the batch appear.
pub(super) fn finish(
    job: &Job<'_>,
    epoch: &SecretBytes,
    layouts: &BTreeMap<String, Layout>,
    folded: Folded,
    folder: Folder,
    now: Timestamp,
) -> Result<Report, PseudonymizeError> {
    let sign = job.keys.signing("sign").map_err(PseudonymizeError::Keys)?;
    let report = Report {
        source: job.source.name().to_owned(),
        batch: folded.name,
        created_at: now,
        normaliser: normalise::VERSION.to_owned(),
        files: folded.files,
        tables: folded.tables,
        atoms: folded.atoms,
        tokens: folded.tokens,
        refused: folded.refused,
        scanned: folded.scanned,
        resolved: folded.resolved,
        unchanged: false,
    };
    let files = digests(&folder)?;
    let tokens = files.get("tokens/tokens.arrow.age").cloned().unwrap_or_default();
    let digest = hex::decode(&tokens).unwrap_or_default();
    write(&folder.path("tokens/tokens.sig"), &signed(&sign.sign(&digest), &sign.verifying().to_hex()))?;
    write(&folder.path("report.json"), format!("{:#}\n", json!(report)).as_bytes())?;
    let manifest = json!({
        "format": 2,
        "source": report.source,
        "batch": report.batch,
        "created_at": report.created_at,
        "normaliser": report.normaliser,
        "layouts": layouts.iter().map(|(id, layout)| (id, &layout.sha256)).collect::<BTreeMap<_, _>>(),
        "holder": sign.verifying().fingerprint(),
        "epoch": epoch.fingerprint(),
        "atoms": report.atoms,
        "tables": report.tables,
        "quarantined": report.quarantined(),
        "files": files,
        "leak_scan": { "values": report.scanned, "hits": 0 },
        "absent": report.count(Reason::Absent),
    });
    let text = format!("{manifest:#}\n");
    write(&folder.path("batch.sig"), &signed(&sign.sign(text.as_bytes()), &sign.verifying().to_hex()))?;
    write(&folder.path("batch.json"), text.as_bytes())?;
    folder.publish()?;
    Ok(report)
}

fn signed(signature: &[u8], key: &str) -> Vec<u8> {
    format!("{} {key}\n", hex::encode(signature)).into_bytes()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PseudonymizeError> {
    durable::replace(path, bytes).map_err(PseudonymizeError::io(path))
}

/// SHA-256 of every file that leaves the holder, by its path in the batch.
fn digests(folder: &Folder) -> Result<BTreeMap<String, String>, PseudonymizeError> {
    let mut digests = BTreeMap::new();
    for part in ["content", "tokens"] {
        let path = folder.path(part);
        for entry in fs::read_dir(&path).map_err(PseudonymizeError::io(&path))? {
            let entry = entry.map_err(PseudonymizeError::io(&path))?;
            let name = format!("{part}/{}", entry.file_name().to_string_lossy());
            let unreadable = |_| PseudonymizeError::io(&entry.path())(std::io::ErrorKind::InvalidData.into());
            let (_, sha256) = catalog::manifest::digest(&entry.path()).map_err(unreadable)?;
            digests.insert(name, sha256);
        }
    }
    Ok(digests)
}
