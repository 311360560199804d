//! Reads token folders of holders: signature, metadata, rows. Refuses whatever holds content.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use catalog::SOURCES;
use policies::keys::{KeyFolder, SealIdentity, SealRecipient};
use serde::{Deserialize, Serialize};

use super::absent::Said;
use super::atoms::{Atom, Atoms};
use super::error::LinkError;
use super::gather::{Fault, Gather};
use super::parallel;
use super::permutation::Permutation;
use crate::seal::BatchReader;
use head::{Head, Signed, token_file};
use rows::Rows;

mod head;
mod rows;

pub(crate) use head::signer;

/// Bytes of rows that wait in memory on their way to [`Atoms`].
const GATHER_BYTES: usize = 256 * 1024 * 1024;

/// A batch that was handed over.
pub(crate) struct Given {
    /// Its token file.
    pub(crate) path: PathBuf,
    /// Its random name.
    pub(crate) name: String,
    /// SHA-256 of the sealed token file, hexadecimal.
    pub(crate) sha256: String,
    /// Place among the names of the sources.
    pub(crate) source: u8,
    /// What it says of persons who stay out.
    pub(crate) said: Option<Said>,
}

/// What all batches of a run must agree in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// Version of the normaliser that the tokens were made with.
    pub(crate) normaliser: String,
    /// Fingerprint of the epoch key.
    pub(crate) epoch: String,
    /// Who the crosswalk is sealed to.
    pub(crate) release_to: String,
}

impl Agreed {
    /// The enclave's sealing key.
    pub(crate) fn recipient(&self) -> Option<SealRecipient> {
        self.release_to.parse().ok()
    }

    pub(crate) fn first_difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.epoch != other.epoch, "epoch key"),
            (self.normaliser != other.normaliser, "normaliser version"),
            (self.release_to != other.release_to, "recipient of the crosswalk"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

/// Most sources of one run: a person's sources are counted in the bits of a `u128`.
const SOURCES_MAX: usize = 128;

/// Token files of a run that were checked: signed by whom the zone believes, of one epoch, each once. No row was looked at.
pub(crate) struct Checked {
    identity: SealIdentity,
    permutation: Permutation,
    /// Names of the sources by the places that atoms have: the four of the catalog, then the added ones.
    pub(crate) sources: Vec<String>,
    /// What the batches agree in; nothing if all were skipped.
    pub(crate) agreed: Option<Agreed>,
    /// The batches that are to be read, in the order of the folders: the places that atoms have.
    pub(crate) batches: Vec<Given>,
    /// Names of those that were skipped.
    pub(crate) skipped: Vec<String>,
}

/// What a zone has of the rows of all files.
pub(crate) struct Gathered {
    /// Their atoms.
    pub(crate) atoms: Atoms,
    /// By atom that lists of persons who stay out touch, which ones: bits by the places of the sources.
    pub(crate) listed: HashMap<[u8; 16], u128>,
}

/// Checks all folders but those of batches that `held` names by the digest of their token files.
pub(crate) fn check(
    folders: &[PathBuf],
    keys: &KeyFolder,
    held: &dyn Fn(&str) -> Option<String>,
) -> Result<Checked, LinkError> {
    let identity = keys.seal().map_err(LinkError::keys)?;
    let permutation = Permutation::of(keys).map_err(LinkError::keys)?;
    let (mut names, mut heads, mut skipped) = (HashSet::new(), Vec::new(), Vec::new());
    let mut agreed: Option<Agreed> = None;
    for signed in signed_files(folders) {
        let signed = signed?;
        if let Some(name) = held(&signed.sha256) {
            skipped.push(name);
            continue;
        }
        let head = Head::read(signed, keys, &identity, &permutation)?;
        if !names.insert(head.batch.clone()) {
            return Err(LinkError::Twice { path: head.path });
        }
        if let Some(what) = agreed.as_ref().and_then(|agreed| agreed.first_difference(&head.agreed)) {
            return Err(LinkError::Mixed { path: head.path, what });
        }
        agreed = Some(head.agreed.clone());
        heads.push(head);
    }
    let sources = sources_of(&heads);
    let mut batches = Vec::with_capacity(heads.len());
    for Head { path, sha256, source, batch: name, said, .. } in heads {
        let place = sources.iter().take(SOURCES_MAX).position(|name| *name == source);
        let Some(source) = place.and_then(|place| u8::try_from(place).ok()) else {
            return Err(LinkError::Form { path, what: "sudare.source" });
        };
        batches.push(Given { path, name, sha256, source, said });
    }
    Ok(Checked { identity, permutation, sources, agreed, batches, skipped })
}

/// Names of the sources by the places that atoms have. Added ones in the order of their names, so that the order of files does not
/// show.
fn sources_of(heads: &[Head]) -> Vec<String> {
    let known = SOURCES.map(str::to_owned);
    let added: BTreeSet<&String> = heads.iter().map(|head| &head.source).filter(|name| !known.contains(name)).collect();
    known.iter().chain(added).cloned().collect()
}

/// The token file of each folder with its signer, in the order of the folders.
fn signed_files(folders: &[PathBuf]) -> Vec<Result<Signed, LinkError>> {
    let mut files: Vec<Option<Result<Signed, LinkError>>> = folders.iter().map(|_| None).collect();
    let jobs = folders.iter().zip(&mut files);
    let Ok(()) = parallel::each(parallel::threads(), jobs, |(folder, file)| -> Result<(), Infallible> {
        *file = Some(token_file(folder).and_then(Signed::of));
        Ok(())
    });
    files.into_iter().flatten().collect()
}

impl Checked {
    /// Names of the batches, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.batches.iter().map(|batch| batch.name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// All rows, in the order of the files. `progress` is told the count of rows after each.
    pub(crate) fn rows(&self, mut progress: impl FnMut(u64)) -> Result<Vec<Atom>, LinkError> {
        let mut rows = Vec::new();
        for batch in (0..).zip(&self.batches) {
            self.each_atom(batch, |atom| {
                rows.push(atom.clone());
                Ok(())
            })?;
            progress(rows.len() as u64);
        }
        Ok(rows)
    }

    /// Reads the rows of all files, a file a thread, with what does not fit into memory sealed in `folder`. `listed` says which
    /// lists touch an atom; `progress` is told the count of atoms after each file.
    pub(crate) fn gather(
        &self,
        folder: &Path,
        listed: impl Fn(&Atom) -> u128 + Sync,
        mut progress: impl FnMut(u64),
    ) -> Result<Gathered, LinkError> {
        let threads = parallel::threads();
        let shares = (0..threads).map(|_| Gather::on_disk(GATHER_BYTES / threads, folder));
        let shares = shares.collect::<Result<Vec<_>, _>>().map_err(LinkError::io(folder))?;
        let found = Mutex::new(Found { shares, listed: HashMap::new() });
        let (told, counts) = mpsc::channel();
        thread::scope(|scope| {
            let (found, listed) = (&found, &listed);
            let all = scope.spawn(move || {
                let read = |(batch, told)| self.gather_file(batch, found, listed, &told, folder);
                parallel::each(threads, (0..).zip(&self.batches).map(|batch| (batch, told.clone())), read)
            });
            let mut atoms = 0;
            for count in counts {
                atoms += count;
                progress(atoms);
            }
            all.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
        })?;
        let Found { shares, listed } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let atoms = Gather::finish(shares, threads).map_err(|fault| match fault {
            Fault::Io(cause) => LinkError::io(folder)(cause),
            Fault::Twice => LinkError::Twice { path: self.first_path() },
        })?;
        Ok(Gathered { atoms, listed })
    }

    /// What is named where it cannot be told which file is meant.
    pub(crate) fn first_path(&self) -> PathBuf {
        self.batches.first().map(|batch| batch.path.clone()).unwrap_or_default()
    }

    fn gather_file(
        &self,
        batch: (u32, &Given),
        found: &Mutex<Found>,
        listed: &(impl Fn(&Atom) -> u128 + Sync),
        told: &mpsc::Sender<u64>,
        folder: &Path,
    ) -> Result<(), LinkError> {
        let free = found.lock().unwrap_or_else(PoisonError::into_inner).shares.pop();
        // INVARIANT: there is a share for each thread.
        let Some(mut gather) = free else { return Ok(()) };
        let (mut count, mut touched) = (0, Vec::new());
        self.each_atom(batch, |atom| {
            count += 1;
            let lists = listed(atom);
            if lists != 0 {
                touched.push((atom.id, lists));
            }
            gather.push(atom).map_err(LinkError::io(folder))
        })?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.shares.push(gather);
        found.listed.extend(touched);
        // Somebody listens until all files are read.
        let _ = told.send(count);
        Ok(())
    }

    fn each_atom(
        &self,
        (place, given): (u32, &Given),
        mut each: impl FnMut(&Atom) -> Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        let source = (given.source, place);
        for batch in BatchReader::open(&given.path, &self.identity).map_err(LinkError::seal)? {
            let batch = batch.map_err(LinkError::seal)?;
            let rows = Rows::of(&batch, source, &self.permutation, &given.path)?;
            let mut atom = rows.blank();
            for row in 0..rows.len() {
                let lacks = || LinkError::Form { path: given.path.clone(), what: "atom" };
                rows.read(row, &mut atom).ok_or_else(lacks)?;
                each(&atom)?;
            }
        }
        Ok(())
    }
}

/// What threads have read.
struct Found {
    /// Rows of each thread that is not at work.
    shares: Vec<Gather>,
    listed: HashMap<[u8; 16], u128>,
}

#[cfg(test)]
mod tests;
