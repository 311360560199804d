//! All run tokens of a run, on disk under a key of this process, and what each atom has.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use policies::LinkagePolicy;
use rand::Rng;

use super::attributes::{Kinds, bit};
use super::handed::{Desk, Handed, Take};
use crate::link::atoms::{Atoms, Kind};
use crate::link::error::LinkError;
use crate::link::parallel;
use crate::link::spill::Spill;

/// Pieces that tokens and pairs are divided into: a few million records each at 4 million atoms.
pub(super) const PARTITIONS: usize = 64;

/// Threads; the machines that the figures are measured on have two cores.
pub(super) const THREADS: usize = 2;

/// The mark of an atom whose run tokens came.
const CAME: Kinds = 1 << 63;

/// Bytes of a partition that wait in memory.
const WAITING: usize = 128 * 1024;

/// An empty spill of partitions, its file in `scratch`.
pub(super) fn spill(scratch: &Path) -> Result<Spill, LinkError> {
    Spill::on_disk(PARTITIONS, PARTITIONS * WAITING, scratch).map_err(LinkError::io(scratch))
}

/// One token: its first half, the kind, the atom.
pub(super) type Record = (u64, u8, u32);

const WIDTH: usize = 13;

/// A partition by a secret hash, so that no crafted batch puts all into one.
#[derive(Clone, Copy)]
pub(super) struct Partitioner {
    salt: u64,
    factor: u64,
}

impl Partitioner {
    pub(super) fn new() -> Self {
        let mut rng = rand::rng();
        Self { salt: rng.next_u64(), factor: rng.next_u64() | 1 }
    }

    pub(super) fn of(self, number: u64) -> usize {
        let mixed = (number ^ self.salt).wrapping_mul(self.factor);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(self.factor) >> 40;
        usize::try_from(mixed).unwrap_or(0) % PARTITIONS
    }
}

/// Tokens by partition, and what each atom has.
pub(super) struct Tokens {
    spills: Vec<Spill>,
    scratch: PathBuf,
    /// Kinds that each atom has.
    pub(super) present: Vec<Kinds>,
    bands: Vec<u8>,
}

impl Tokens {
    /// Reads all files. `scratch`: where the spill may lie.
    pub(super) fn read(desk: &Desk<'_>, files: &[Handed], scratch: &Path) -> Result<Self, LinkError> {
        let shared = Shared {
            present: (0..desk.atoms.len()).map(|_| AtomicU64::new(0)).collect(),
            bands: (0..desk.atoms.len()).map(|_| AtomicU8::new(0)).collect(),
            next: AtomicUsize::new(0),
            partitioner: Partitioner::new(),
        };
        let work = || -> Result<Spill, LinkError> {
            let mut gather = Gather { shared: &shared, spill: spill(scratch)?, scratch };
            while let Some(file) = files.get(shared.next.fetch_add(1, Ordering::Relaxed)) {
                desk.read(file, &mut gather)?;
            }
            Ok(gather.spill)
        };
        let spills = parallel::on_each(THREADS, &work)?;
        Ok(Self {
            spills,
            scratch: scratch.to_owned(),
            present: shared.present.into_iter().map(|kinds| kinds.into_inner() & !CAME).collect(),
            bands: shared.bands.into_iter().map(AtomicU8::into_inner).collect(),
        })
    }

    /// Adds the kinds at rest that may be compared: no placeholder is among them.
    pub(super) fn add_at_rest(&mut self, atoms: &Atoms, policy: &LinkagePolicy) {
        for kind in Kind::AT_REST {
            let sizes = atoms.multiplicities(kind);
            let few = |number: u32| sizes.get(number as usize).is_some_and(|size| *size as usize <= policy.hubs.atoms);
            for (atom, _) in atoms.of_kind(kind).filter(|(_, number)| few(*number)) {
                self.present.get_mut(atom as usize).into_iter().for_each(|present| *present |= bit(kind));
            }
        }
    }

    /// A partition's tokens, sorted, atoms that come twice left out.
    pub(super) fn partition(&self, partition: usize) -> Result<Vec<Record>, LinkError> {
        let mut records = Vec::new();
        for spill in &self.spills {
            records.reserve_exact(spill.len(partition) / WIDTH);
            spill
                .read(partition, |bytes| records.extend(bytes.chunks_exact(WIDTH).filter_map(record)))
                .map_err(LinkError::io(&self.scratch))?;
        }
        records.sort_unstable();
        records.dedup();
        Ok(records)
    }

    /// Frequency bands of an atom's family and given name.
    pub(super) fn bands(&self, atom: u32) -> [Option<u8>; 2] {
        let packed = self.bands.get(atom as usize).copied().unwrap_or(0);
        [packed & 15, packed >> 4].map(|band| band.checked_sub(1))
    }
}

fn record(bytes: &[u8]) -> Option<Record> {
    let (token, rest) = bytes.split_first_chunk::<8>()?;
    let (kind, atom) = rest.split_first()?;
    Some((u64::from_be_bytes(*token), *kind, u32::from_be_bytes(atom.try_into().ok()?)))
}

struct Shared {
    present: Vec<AtomicU64>,
    bands: Vec<AtomicU8>,
    next: AtomicUsize,
    partitioner: Partitioner,
}

struct Gather<'a> {
    shared: &'a Shared,
    spill: Spill,
    scratch: &'a Path,
}

impl Take for Gather<'_> {
    fn atom(&mut self, atom: u32, [family, given]: [Option<u8>; 2]) -> bool {
        // A band beyond those that there are is as good as none.
        let packed = |band: Option<u8>| band.filter(|band| *band < 7).map_or(0, |band| band + 1);
        if let Some(bands) = self.shared.bands.get(atom as usize) {
            bands.store(packed(family) | (packed(given) << 4), Ordering::Relaxed);
        }
        let present = self.shared.present.get(atom as usize);
        present.is_some_and(|present| present.fetch_or(CAME, Ordering::Relaxed) & CAME == 0)
    }

    fn token(&mut self, atom: u32, kind: Kind, token: &[u8]) -> Result<(), LinkError> {
        let Some((half, _)) = token.split_first_chunk::<8>() else { return Ok(()) };
        if let Some(present) = self.shared.present.get(atom as usize) {
            present.fetch_or(bit(kind), Ordering::Relaxed);
        }
        let mut record = [0; WIDTH];
        let place = u8::try_from(kind.place()).unwrap_or(u8::MAX);
        let bytes = half.iter().copied().chain([place]).chain(atom.to_be_bytes());
        record.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        let partition = self.shared.partitioner.of(u64::from_be_bytes(*half));
        self.spill.push(partition, &record).map_err(|cause| LinkError::io(self.scratch)(cause))
    }
}
