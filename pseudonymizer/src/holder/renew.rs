//! A batch's token file under the current epoch, made from the retained identities: the same batch, the same atoms, other tokens. The
//! manifest is signed anew, since it names the epoch and the token file's digest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, Date32Array};
use arrow::error::ArrowError;
use policies::durable;
use policies::keys::{EpochState, Epochs, KeyFolder, SealRecipient, Stage};
use std::sync::Arc;

use super::HolderError;
use super::batch::{Held, Known};
use super::bridge;
use super::table::Table;
use crate::delivery;
use crate::normalise;
use crate::tokens::{TokenKeys, columns};

/// Holds what is made, until it is whole.
const STAGED: &str = ".renewed";
/// In it: everything is written and synced, only the moves are left.
const READY: &str = "ready";
/// From there to here, the manifest last.
const MOVES: [(&str, &str); 4] = [
    ("tokens.arrow.age", "tokens/tokens.arrow.age"),
    ("tokens.sig", "tokens/tokens.sig"),
    ("batch.sig", "batch.sig"),
    ("batch.json", "batch.json"),
];

/// What to renew.
#[derive(Clone)]
pub struct RenewJob<'a> {
    /// The holder's keys, after the switch.
    pub keys: &'a KeyFolder,
    /// The batch.
    pub batch: &'a Path,
    /// Whom the tokens are sealed to: the linkage zone.
    pub link_to: SealRecipient,
    /// Whom the crosswalk is to be sealed to: the enclave.
    pub release_to: SealRecipient,
}

/// What was renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The batch's random name, as before.
    pub batch: String,
    /// Fingerprint of the epoch's key before.
    pub from: String,
    /// Fingerprint of the epoch's key now.
    pub to: String,
    /// Atoms.
    pub atoms: u64,
    /// Whether the batch was under the current epoch already: nothing was changed.
    pub unchanged: bool,
}

/// Puts tokens under the current epoch in the place of a batch's old ones. A run that is interrupted while it moves its files is
/// completed by the next one; one that is interrupted earlier has changed nothing.
pub fn renew(job: &RenewJob<'_>) -> Result<Renewed, HolderError> {
    let staged = job.batch.join(STAGED);
    settle(job.batch, &staged)?;
    let held = Held::open(job.keys, job.batch)?;
    let epochs = Epochs::open(job.keys)?;
    let known = knows(epochs.state(), &held.manifest.epoch);
    drop(epochs);
    let (epoch, key) = job.keys.epoch()?;
    let renewed = Renewed {
        batch: held.manifest.batch.clone(),
        from: held.manifest.epoch.clone(),
        to: epoch.fingerprint,
        atoms: held.manifest.atoms,
        unchanged: false,
    };
    if renewed.from == renewed.to {
        return Ok(Renewed { unchanged: true, ..renewed });
    }
    if !known {
        return Err(HolderError::Strange { path: job.batch.to_owned() });
    }
    fs::create_dir(&staged).map_err(HolderError::io(&staged))?;
    let digests = write_tokens(job, &held, &TokenKeys::derive(&key), &staged)?;
    write_manifest(job, held, &renewed.to, digests, &staged)?;
    complete(job.batch, &staged)?;
    Ok(renewed)
}

/// Whether a batch's epoch was this folder's own before the current one.
fn knows(state: &EpochState, epoch: &str) -> bool {
    let before = matches!(&state.rotation, Stage::Switched { previous } if previous.fingerprint == epoch);
    before || state.destroyed.iter().any(|gone| gone.epoch.fingerprint == epoch)
}

/// Writes the token file and its signature; the digests of both.
fn write_tokens(
    job: &RenewJob<'_>,
    held: &Held,
    keys: &TokenKeys,
    staged: &Path,
) -> Result<[(String, String); 2], HolderError> {
    let path = staged.join("tokens.arrow.age");
    let epoch = job.keys.epoch()?.0.fingerprint;
    let schema = columns::schema(&held.manifest.source, &held.manifest.batch, &epoch, &job.release_to);
    let mut table = Table::create(&path, schema, &job.link_to)?;
    held.each(job.keys, |some| Ok(table.write(token_columns(keys, some, held))?))?;
    table.finish()?;
    let sha256 = delivery::sign(&path, &job.keys.signing("sign")?).map_err(HolderError::io(&path))?;
    let signature = staged.join("tokens.sig");
    let unreadable = |_| HolderError::io(&signature)(io::ErrorKind::InvalidData.into());
    let (_, of_signature) = catalog::manifest::digest(&signature).map_err(unreadable)?;
    Ok([("tokens/tokens.arrow.age".to_owned(), sha256), ("tokens/tokens.sig".to_owned(), of_signature)])
}

fn token_columns(keys: &TokenKeys, some: &[Known], held: &Held) -> Result<Vec<ArrayRef>, ArrowError> {
    let mut made = vec![columns::column(some.iter().map(|known| Some(known.atom)))?];
    made.extend(bridge::tokens(keys, some, &held.refused)?);
    let [first, last]: [Date32Array; 2] = [
        some.iter().map(|Known { months: [first, _], .. }| *first).collect(),
        some.iter().map(|Known { months: [_, last], .. }| *last).collect(),
    ];
    made.extend([Arc::new(first) as ArrayRef, Arc::new(last)]);
    Ok(made)
}

fn write_manifest(
    job: &RenewJob<'_>,
    held: Held,
    epoch: &str,
    digests: [(String, String); 2],
    staged: &Path,
) -> Result<(), HolderError> {
    let mut manifest = held.manifest;
    epoch.clone_into(&mut manifest.epoch);
    normalise::VERSION.clone_into(&mut manifest.normaliser);
    manifest.files.extend(digests);
    manifest.write(staged, &job.keys.signing("sign")?)?;
    let ready = staged.join(READY);
    durable::replace(&ready, b"").map_err(HolderError::io(&ready))
}

/// Completes what an interrupted run has made ready, and forgets what it has not.
fn settle(batch: &Path, staged: &Path) -> Result<(), HolderError> {
    if staged.join(READY).exists() {
        return complete(batch, staged);
    }
    match fs::remove_dir_all(staged) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(HolderError::io(staged)(cause)),
        _ => Ok(()),
    }
}

fn complete(batch: &Path, staged: &Path) -> Result<(), HolderError> {
    for (from, to) in MOVES {
        let to: PathBuf = batch.join(to);
        match durable::publish(&staged.join(from), &to) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(HolderError::io(&to)(cause)),
            // Not found: an interrupted run had moved it already.
            Ok(()) | Err(_) => {}
        }
    }
    fs::remove_dir_all(staged).map_err(HolderError::io(staged))
}
