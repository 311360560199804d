//! Reads token folders of holders: signature, metadata, rows. Refuses whatever holds content.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::convert::Infallible;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use catalog::SOURCES;
use policies::keys::{KeyFolder, SealIdentity, SealRecipient};

use super::absent::{Said, Standing};
use super::atoms::{Atom, Atoms};
use super::error::LinkError;
use super::gather::{Fault, Gather};
use super::parallel;
use super::permutation::Permutation;
use crate::seal::BatchReader;
use head::{Head, token_file};
use rows::Rows;

mod head;
mod rows;

pub(crate) use head::signer;

/// Bytes of rows that wait in memory on their way to [`Atoms`].
const GATHER_BYTES: usize = 256 * 1024 * 1024;

/// All that the holders handed over.
pub(crate) struct Handed<A> {
    /// Their atoms.
    pub(crate) atoms: A,
    /// Names of the sources by the places that atoms have: the four of the catalog, then the added ones.
    pub(crate) sources: Vec<String>,
    /// What the batches agree in.
    pub(crate) agreed: Agreed,
    /// Random names of the batches.
    pub(crate) batches: Vec<String>,
    /// By place of each source that has a list of persons who stay out: the atoms that it touches.
    pub(crate) touched: Vec<(u8, Vec<[u8; 16]>)>,
}

/// What all batches of a run must agree in.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    fn first_difference(&self, other: &Self) -> Option<&'static str> {
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
    files: Vec<TokenFile>,
    sources: Vec<String>,
    agreed: Agreed,
    batches: Vec<String>,
    /// By place of each source that has a list of persons who stay out.
    standing: Vec<(u8, Standing)>,
}

struct TokenFile {
    path: PathBuf,
    /// Place of its source among the names of the sources.
    source: u8,
}

/// Checks all folders.
pub(crate) fn check(folders: &[PathBuf], keys: &KeyFolder) -> Result<Checked, LinkError> {
    let identity = keys.seal().map_err(LinkError::keys)?;
    let permutation = Permutation::of(keys).map_err(LinkError::keys)?;
    let mut names = HashSet::new();
    let mut agreed: Option<Agreed> = None;
    let mut heads = Vec::new();
    for head in heads_of(folders, keys, &identity, &permutation) {
        let head = head?;
        if !names.insert(head.batch.clone()) {
            return Err(LinkError::Twice { path: head.path });
        }
        if let Some(what) = agreed.as_ref().and_then(|agreed| agreed.first_difference(&head.agreed)) {
            return Err(LinkError::Mixed { path: head.path, what });
        }
        agreed = Some(head.agreed.clone());
        heads.push(head);
    }
    let agreed = agreed.ok_or(LinkError::Nothing)?;
    let sources = sources_of(&heads);
    let mut batches: Vec<String> = names.into_iter().collect();
    batches.sort_unstable();
    let mut files = Vec::new();
    let mut absent: BTreeMap<u8, Vec<Said>> = BTreeMap::new();
    for Head { path, source, said, .. } in heads {
        let lacks = || LinkError::Form { path: path.clone(), what: "sudare.source" };
        let place = sources.iter().take(SOURCES_MAX).position(|name| *name == source);
        let source = place.and_then(|place| u8::try_from(place).ok()).ok_or_else(lacks)?;
        absent.entry(source).or_default().extend(said);
        files.push(TokenFile { path, source });
    }
    absent.retain(|_, said| !said.is_empty());
    let standing = absent.iter().map(|(source, said)| (*source, Standing::of(said))).collect();
    Ok(Checked { identity, permutation, files, sources, agreed, batches, standing })
}

/// Names of the sources by the places that atoms have. Added ones in the order of their names, so that the order of files does not
/// show.
fn sources_of(heads: &[Head]) -> Vec<String> {
    let known = SOURCES.map(str::to_owned);
    let added: BTreeSet<&String> = heads.iter().map(|head| &head.source).filter(|name| !known.contains(name)).collect();
    known.iter().chain(added).cloned().collect()
}

/// What stands above the rows of each folder's file, in the order of the folders.
fn heads_of(
    folders: &[PathBuf],
    keys: &KeyFolder,
    identity: &SealIdentity,
    permutation: &Permutation,
) -> Vec<Result<Head, LinkError>> {
    let mut heads: Vec<Option<Result<Head, LinkError>>> = folders.iter().map(|_| None).collect();
    let jobs = folders.iter().zip(&mut heads);
    let Ok(()) = parallel::each(parallel::threads(), jobs, |(folder, head)| -> Result<(), Infallible> {
        *head = Some(token_file(folder).and_then(|path| Head::read(path, keys, identity, permutation)));
        Ok(())
    });
    heads.into_iter().flatten().collect()
}

/// Reads all folders into rows, in the order of the files. `progress` is told the count of rows after each.
pub(crate) fn read(
    folders: &[PathBuf],
    keys: &KeyFolder,
    mut progress: impl FnMut(u64),
) -> Result<Handed<Vec<Atom>>, LinkError> {
    let checked = check(folders, keys)?;
    let mut rows = Vec::new();
    for file in &checked.files {
        checked.each_atom(file, |atom| {
            rows.push(atom.clone());
            Ok(())
        })?;
        progress(rows.len() as u64);
    }
    let touched = rows.iter().flat_map(|atom| checked.touches(atom)).collect();
    Ok(checked.hand_over(rows, touched))
}

impl Checked {
    /// Reads the rows of all files, a file a thread, with what does not fit into memory sealed in `folder`. `progress` is told the
    /// count of atoms after each file.
    pub(crate) fn gather(self, folder: &Path, mut progress: impl FnMut(u64)) -> Result<Handed<Atoms>, LinkError> {
        let threads = parallel::threads();
        let shares = (0..threads).map(|_| Gather::on_disk(GATHER_BYTES / threads, folder));
        let shares = shares.collect::<Result<Vec<_>, _>>().map_err(LinkError::io(folder))?;
        let found = Mutex::new(Found { shares, touched: Vec::new() });
        let (told, counts) = mpsc::channel();
        thread::scope(|scope| {
            let (found, checked) = (&found, &self);
            let all = scope.spawn(move || {
                let read = |(file, told)| checked.gather_file(file, found, told, folder);
                parallel::each(threads, checked.files.iter().map(|file| (file, told.clone())), read)
            });
            let mut atoms = 0;
            for count in counts {
                atoms += count;
                progress(atoms);
            }
            all.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
        })?;
        let Found { shares, touched } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let twice = || LinkError::Twice { path: self.files.first().map(|file| file.path.clone()).unwrap_or_default() };
        let atoms = Gather::finish(shares, threads).map_err(|fault| match fault {
            Fault::Io(cause) => LinkError::io(folder)(cause),
            Fault::Twice => twice(),
        })?;
        Ok(self.hand_over(atoms, touched))
    }

    fn gather_file(
        &self,
        file: &TokenFile,
        found: &Mutex<Found>,
        told: mpsc::Sender<u64>,
        folder: &Path,
    ) -> Result<(), LinkError> {
        let free = found.lock().unwrap_or_else(PoisonError::into_inner).shares.pop();
        // INVARIANT: there is a share for each thread.
        let Some(mut gather) = free else { return Ok(()) };
        let (mut count, mut touched) = (0, Vec::new());
        self.each_atom(file, |atom| {
            count += 1;
            touched.extend(self.touches(atom));
            gather.push(atom).map_err(LinkError::io(folder))
        })?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.shares.push(gather);
        found.touched.extend(touched);
        // Somebody listens until all files are read.
        let _ = told.send(count);
        Ok(())
    }

    fn each_atom(
        &self,
        file: &TokenFile,
        mut each: impl FnMut(&Atom) -> Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        for batch in BatchReader::open(&file.path, &self.identity).map_err(LinkError::seal)? {
            let batch = batch.map_err(LinkError::seal)?;
            for atom in Rows::of(&batch, file.source, &self.permutation, &file.path)?.atoms() {
                each(&atom.ok_or_else(|| LinkError::Form { path: file.path.clone(), what: "atom" })?)?;
            }
        }
        Ok(())
    }

    /// The sources whose lists touch the atom.
    fn touches<'a>(&'a self, atom: &'a Atom) -> impl Iterator<Item = (u8, [u8; 16])> {
        let touching = self.standing.iter().filter(|(_, standing)| standing.touches(atom));
        touching.map(|(source, _)| (*source, atom.id))
    }

    fn hand_over<A>(self, atoms: A, found: Vec<(u8, [u8; 16])>) -> Handed<A> {
        let mut touched: Vec<(u8, Vec<[u8; 16]>)> =
            self.standing.iter().map(|(source, _)| (*source, Vec::new())).collect();
        for (source, id) in found {
            let of = touched.iter_mut().find(|(told, _)| *told == source);
            if let Some((_, ids)) = of {
                ids.push(id);
            }
        }
        let Self { sources, agreed, batches, .. } = self;
        Handed { atoms, sources, agreed, batches, touched }
    }
}

/// What threads have read.
struct Found {
    /// Rows of each thread that is not at work.
    shares: Vec<Gather>,
    /// Atoms that the list of a source touches.
    touched: Vec<(u8, [u8; 16])>,
}
