//! The batch's manifest, signed by the holder: what it holds, what it was read with, and that the leak scan passed. Its last file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use catalog::batch::{self, BatchManifest, LeakScan};
use jiff::Timestamp;
use policies::durable;
use policies::keys::{SecretBytes, SigningKey};
use serde_json::json;

use super::fold::Folded;
use super::folder::Folder;
use super::{Job, PseudonymizeError, digest};
use crate::delivery;
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
        source: job.source.to_string(),
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
    sign_tokens(&folder, &sign)?;
    write(&folder.path("report.json"), format!("{:#}\n", json!(report)).as_bytes())?;
    let manifest = BatchManifest {
        format: batch::FORMAT,
        source: report.source.clone(),
        batch: report.batch.clone(),
        created_at: now,
        normaliser: report.normaliser.clone(),
        layouts: layouts.iter().map(|(id, layout)| (id.clone(), layout.sha256.clone())).collect(),
        holder: sign.verifying().fingerprint(),
        epoch: epoch.fingerprint(),
        atoms: report.atoms,
        tables: report.tables.clone(),
        quarantined: report.quarantined(),
        files: digests(&folder)?,
        leak_scan: Some(LeakScan { values: report.scanned, hits: 0 }),
        absent: report.count(Reason::Absent),
    };
    manifest.write(&folder.path(""), &sign).map_err(PseudonymizeError::Manifest)?;
    folder.publish()?;
    Ok(report)
}

/// The linkage zone believes a token file by the holder's signature over its digest.
fn sign_tokens(folder: &Folder, sign: &SigningKey) -> Result<(), PseudonymizeError> {
    let path = folder.path("tokens/tokens.arrow.age");
    delivery::sign(&path, sign).map_err(PseudonymizeError::io(&path)).map(drop)
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
            digests.insert(name, digest(&entry.path())?);
        }
    }
    Ok(digests)
}
