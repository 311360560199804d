//! Candidate pairs: atoms of different components that share a composite; how each agrees, counted and kept by pattern.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use policies::LinkagePolicy;

use super::attributes::{Kinds, Reader, Said, bit};
use super::tokens::{PARTITIONS, Partitioner, Record, THREADS, Tokens, spill};
use crate::link::atoms::{Atoms, Kind};
use crate::link::error::LinkError;
use crate::link::evidence::Pattern;
use crate::link::parallel;
use crate::link::spill::Spill;
use crate::tokens::Input;

/// Components of which pairs of their own atoms are looked at, to learn how one person's records differ.
const LABELLED_COMPONENTS: u32 = 100_000;

/// Atoms of one component that are compared with one another.
const LABELLED_ATOMS: usize = 12;

/// Two sources, the lesser place in the upper byte.
pub(super) type SourcePair = u16;

/// By what a labelled pair is one person: kinds at rest that say so without looking at what is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Labelled {
    pub(super) pattern: Pattern,
    /// A chart or a national number: it says nothing of birth, sex or insurer.
    pub(super) by_chart: bool,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Candidate pairs by sources and pattern.
    pub(super) cells: BTreeMap<(SourcePair, Pattern), u64>,
    /// Pairs inside components.
    pub(super) labelled: BTreeMap<Labelled, u64>,
    /// By place of a kind: pairs of different components that share a token and are no candidates, because too many share it or
    /// because the kind says too little alone.
    pub(super) strangers: Vec<u64>,
    /// By band of the family name, then of the given name: the same, of the kinds that pair it with the birth date.
    pub(super) strangers_by_band: [[u64; 8]; 2],
    /// Tokens set aside because too many share them, by kind.
    pub(super) hubs: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn new() -> Self {
        Self { strangers: vec![0; Kind::all().count()], ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        other.cells.into_iter().for_each(|(key, count)| *self.cells.entry(key).or_default() += count);
        other.labelled.into_iter().for_each(|(key, count)| *self.labelled.entry(key).or_default() += count);
        self.strangers.iter_mut().zip(other.strangers).for_each(|(sum, count)| *sum += count);
        for (sums, counts) in self.strangers_by_band.iter_mut().zip(other.strangers_by_band) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        other.hubs.into_iter().for_each(|(key, count)| *self.hubs.entry(key).or_default() += count);
    }
}

/// What pairs are made from.
pub(super) struct Ground<'a> {
    pub(super) atoms: &'a Atoms,
    pub(super) roots: &'a [u32],
    pub(super) policy: &'a LinkagePolicy,
    pub(super) tokens: &'a Tokens,
    /// Atoms of which pairs are asked for; none for all.
    pub(super) only: Option<&'a HashSet<u32>>,
    pub(super) scratch: &'a Path,
}

/// Candidate pairs with their patterns, on disk.
pub(super) struct Pairs {
    pub(super) counts: Counts,
    spills: Vec<Spill>,
    scratch: PathBuf,
}

const PAIR: usize = 9;
const PATTERN: usize = 16;

impl Ground<'_> {
    /// All candidate pairs.
    pub(super) fn pairs(&self) -> Result<Pairs, LinkError> {
        let hubs: Vec<AtomicU64> = (0..self.atoms.len()).map(|_| AtomicU64::new(0)).collect();
        let (next, partitioner) = (AtomicUsize::new(0), Partitioner::new());
        let kinds: Vec<Rule> = Kind::all().map(Rule::of).collect();
        let grouping = parallel::on_each(THREADS, &|| {
            let spill = spill(self.scratch)?;
            let mut groups =
                Groups { ground: self, kinds: &kinds, hubs: &hubs, partitioner, spill, counts: Counts::new() };
            while let Some(partition) = take(&next) {
                groups.partition(&self.tokens.partition(partition)?)?;
            }
            Ok::<_, LinkError>((groups.spill, groups.counts))
        })?;
        let (shares, counted): (Vec<Spill>, Vec<Counts>) = grouping.into_iter().unzip();
        let hubs: Vec<Kinds> = hubs.into_iter().map(AtomicU64::into_inner).collect();
        let said: Vec<Said> = Kind::all().map(Said::of).collect();
        let next = AtomicUsize::new(0);
        let patterns = parallel::on_each(THREADS, &|| {
            let reader = Reader::new(self.atoms, &said, self.policy);
            let spill = spill(self.scratch)?;
            let mut patterns = Patterns { ground: self, hubs: &hubs, reader, spill, counts: Counts::new() };
            while let Some(partition) = take(&next) {
                patterns.partition(&shares, partition)?;
            }
            Ok::<_, LinkError>((patterns.spill, patterns.counts))
        })?;
        let (spills, more): (Vec<Spill>, Vec<Counts>) = patterns.into_iter().unzip();
        let mut counts = Counts::new();
        counted.into_iter().chain(more).for_each(|some| counts.add(some));
        Ok(Pairs { counts, spills, scratch: self.scratch.to_owned() })
    }

    fn root(&self, atom: u32) -> u32 {
        self.roots.get(atom as usize).copied().unwrap_or(atom)
    }

    fn fault(&self, cause: io::Error) -> LinkError {
        LinkError::io(self.scratch)(cause)
    }

    fn is_asked(&self, a: u32, b: u32) -> bool {
        self.only.is_none_or(|only| only.contains(&a) || only.contains(&b))
    }

    /// Whether pairs of the component's own atoms are looked at. Ids are random, and so is a component's place among them.
    fn is_sampled(&self, root: u32) -> bool {
        let stride = u32::try_from(self.atoms.len()).unwrap_or(u32::MAX) / LABELLED_COMPONENTS + 1;
        self.only.is_none() && root.is_multiple_of(stride)
    }
}

fn take(next: &AtomicUsize) -> Option<usize> {
    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|partition| *partition < PARTITIONS)
}

/// How many may share a token of a kind, and which name's band it counts for.
struct Rule {
    name: &'static str,
    /// Birth date, address or number: few share it by chance.
    is_selective: bool,
    band: Option<usize>,
}

impl Rule {
    fn of(kind: Kind) -> Self {
        let has = |input: &Input| kind.inputs().contains(input);
        let selective = [
            Input::Address,
            Input::AddressNear,
            Input::Born,
            Input::ChartNear,
            Input::KanaStrict,
            Input::NumberCore,
            Input::Postcode,
            Input::PostcodeNear,
        ];
        let band = [Kind::P1, Kind::P2].iter().position(|paired| *paired == kind);
        Self { name: kind.name(), is_selective: selective.iter().any(has) && kind != Kind::P5, band }
    }
}

/// Kinds that make no candidate alone: noise of large insurers and of common names.
const WEAK: [Kind; 6] = [Kind::P4, Kind::P5, Kind::W3, Kind::W4, Kind::W5, Kind::W6];

struct Groups<'a> {
    ground: &'a Ground<'a>,
    kinds: &'a [Rule],
    hubs: &'a [AtomicU64],
    partitioner: Partitioner,
    spill: Spill,
    counts: Counts,
}

impl Groups<'_> {
    fn partition(&mut self, records: &[Record]) -> Result<(), LinkError> {
        let mut atoms = Vec::new();
        let mut roots = Vec::new();
        for group in records.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let [(_, kind, _), _, ..] = group else { continue };
            atoms.clear();
            atoms.extend(group.iter().map(|(_, _, atom)| *atom));
            roots.clear();
            roots.extend(atoms.iter().map(|atom| self.ground.root(*atom)));
            self.group(*kind, &atoms, &mut roots)?;
        }
        Ok(())
    }

    fn group(&mut self, kind: u8, atoms: &[u32], roots: &mut [u32]) -> Result<(), LinkError> {
        let Some(rule) = self.kinds.get(usize::from(kind)) else { return Ok(()) };
        roots.sort_unstable();
        let pairs = |many: usize| many as u64 * (many as u64 - 1) / 2;
        let own: u64 = roots.chunk_by(|a, b| a == b).map(|same| pairs(same.len())).sum();
        let components = roots.chunk_by(|a, b| a == b).count();
        let cross = pairs(atoms.len()) - own;
        let hubs = self.ground.policy.hubs;
        let most = if rule.is_selective { hubs.identities } else { hubs.components };
        let many = self.ground.policy.scored.pairs_per_token as u64;
        if components > 1 && (atoms.len() > hubs.atoms || components > most || cross > many) {
            self.set_aside(kind, atoms, cross);
            return Ok(());
        }
        for (at, a) in atoms.iter().enumerate() {
            let root = self.ground.root(*a);
            let sampled = self.ground.is_sampled(root);
            for (b, place) in atoms.iter().skip(at + 1).zip(at + 1..) {
                let wanted = if self.ground.root(*b) == root {
                    sampled && place < LABELLED_ATOMS
                } else {
                    self.ground.is_asked(*a, *b)
                };
                if wanted {
                    let pair = u64::from(*a) << 32 | u64::from(*b);
                    let mut record = [kind; PAIR];
                    record.iter_mut().zip(pair.to_be_bytes()).for_each(|(to, from)| *to = from);
                    self.spill.push(self.partitioner.of(pair), &record).map_err(|cause| self.ground.fault(cause))?;
                }
            }
        }
        Ok(())
    }

    fn set_aside(&mut self, kind: u8, atoms: &[u32], cross: u64) {
        let Some(rule) = self.kinds.get(usize::from(kind)) else { return };
        let mark = 1_u64.wrapping_shl(u32::from(kind));
        for hub in atoms.iter().filter_map(|atom| self.hubs.get(*atom as usize)) {
            hub.fetch_or(mark, Ordering::Relaxed);
        }
        *self.counts.hubs.entry(rule.name).or_default() += 1;
        if let Some(strangers) = self.counts.strangers.get_mut(usize::from(kind)) {
            *strangers += cross;
        }
        let band = rule.band.zip(atoms.first()).and_then(|(name, atom)| {
            let band = self.ground.tokens.bands(*atom).get(name).copied().flatten()?;
            self.counts.strangers_by_band.get_mut(name)?.get_mut(usize::from(band))
        });
        if let Some(band) = band {
            *band += cross;
        }
    }
}

struct Patterns<'a> {
    ground: &'a Ground<'a>,
    hubs: &'a [Kinds],
    reader: Reader<'a>,
    spill: Spill,
    counts: Counts,
}

impl Patterns<'_> {
    fn partition(&mut self, shares: &[Spill], partition: usize) -> Result<(), LinkError> {
        let mut records: Vec<(u64, u8)> = Vec::new();
        for spill in shares {
            records.reserve_exact(spill.len(partition) / PAIR);
            let record = |bytes: &[u8]| {
                let (pair, kind) = bytes.split_first_chunk::<8>()?;
                Some((u64::from_be_bytes(*pair), *kind.first()?))
            };
            spill
                .read(partition, |bytes| records.extend(bytes.chunks_exact(PAIR).filter_map(record)))
                .map_err(|cause| self.ground.fault(cause))?;
        }
        records.sort_unstable();
        for same in records.chunk_by(|a, b| a.0 == b.0) {
            let Some((pair, _)) = same.first() else { continue };
            let shared = same.iter().fold(0, |set, (_, kind)| set | 1_u64.wrapping_shl(u32::from(*kind)));
            self.pair(partition, *pair, shared)?;
        }
        Ok(())
    }

    fn pair(&mut self, partition: usize, pair: u64, shared: Kinds) -> Result<(), LinkError> {
        let halves = (u32::try_from(pair >> 32), u32::try_from(pair & u64::from(u32::MAX)));
        let (Ok(a), Ok(b)) = halves else { return Ok(()) };
        let one_component = self.ground.root(a) == self.ground.root(b);
        let weak = WEAK.into_iter().fold(0, |set, kind| set | bit(kind));
        if !one_component && shared & !weak == 0 && shared.is_power_of_two() {
            let place = shared.trailing_zeros() as usize;
            if let Some(strangers) = self.counts.strangers.get_mut(place) {
                *strangers += 1;
            }
            return Ok(());
        }
        let of = |sets: &[Kinds], atom: u32| sets.get(atom as usize).copied().unwrap_or(0);
        let present = &self.ground.tokens.present;
        let both = of(present, a) & of(present, b) & !(of(self.hubs, a) | of(self.hubs, b));
        let at_rest = self.shared_at_rest(a, b, both);
        let (ours, theirs) = (self.ground.tokens.bands(a), self.ground.tokens.bands(b));
        let bands = if ours == theirs { ours } else { common(ours, theirs) };
        let pattern = self.reader.pattern((a, b), shared | at_rest, both, bands);
        if one_component {
            self.label(pattern, at_rest);
            return Ok(());
        }
        *self.counts.cells.entry((self.sources(a, b), pattern)).or_default() += 1;
        let mut record = [0; PATTERN];
        let bytes = pair.to_be_bytes().into_iter().chain(pattern.0.to_be_bytes());
        record.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        self.spill.push(partition, &record).map_err(|cause| self.ground.fault(cause))
    }

    fn shared_at_rest(&self, a: u32, b: u32, both: Kinds) -> Kinds {
        let same = |kind: &Kind| {
            both & bit(*kind) != 0 && self.ground.atoms.token(a, *kind) == self.ground.atoms.token(b, *kind)
        };
        Kind::AT_REST.iter().filter(|kind| same(kind)).fold(0, |set, kind| set | bit(*kind))
    }

    fn label(&mut self, pattern: Pattern, at_rest: Kinds) {
        let shares = |kinds: &[Kind]| kinds.iter().any(|kind| at_rest & bit(*kind) != 0);
        let by_chart = shares(&[Kind::D1, Kind::C3]);
        if by_chart || shares(&[Kind::A3, Kind::C2]) {
            *self.counts.labelled.entry(Labelled { pattern, by_chart }).or_default() += 1;
        }
    }

    fn sources(&self, a: u32, b: u32) -> SourcePair {
        let source = |atom: u32| self.ground.atoms.sources().get(atom as usize).copied().unwrap_or(0);
        let (ours, theirs) = (source(a), source(b));
        u16::from_be_bytes([ours.min(theirs), ours.max(theirs)])
    }
}

fn common([family, given]: [Option<u8>; 2], [other_family, other_given]: [Option<u8>; 2]) -> [Option<u8>; 2] {
    [family.filter(|band| other_family == Some(*band)), given.filter(|band| other_given == Some(*band))]
}

impl Pairs {
    /// Hands over all candidate pairs.
    pub(super) fn each(&self, mut take: impl FnMut(u32, u32, Pattern)) -> Result<(), LinkError> {
        for (spill, partition) in self.spills.iter().flat_map(|spill| (0..PARTITIONS).map(move |at| (spill, at))) {
            let some = |bytes: &[u8]| {
                for bytes in bytes.chunks_exact(PATTERN) {
                    let Some((a, rest)) = bytes.split_first_chunk::<4>() else { continue };
                    let Some((b, pattern)) = rest.split_first_chunk::<4>() else { continue };
                    let Ok(pattern) = pattern.try_into() else { continue };
                    take(u32::from_be_bytes(*a), u32::from_be_bytes(*b), Pattern(u64::from_be_bytes(pattern)));
                }
            };
            spill.read(partition, some).map_err(LinkError::io(&self.scratch))?;
        }
        Ok(())
    }
}
