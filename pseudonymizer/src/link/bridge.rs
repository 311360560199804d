//! Whether a new epoch leaves every person as it was: the holders' bridges give each atom its tokens under both keys; the zone joins
//! under each, compares, and signs a verdict for every holder, or says what differs and signs nothing
//! (`research/pseudonymization-anchors.md`, part 5, rotation).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, FixedSizeBinaryArray};
use arrow::record_batch::RecordBatch;
use jiff::Timestamp;
use policies::durable;
use policies::jws::Document;
use policies::keys::{BridgeVerdict, KeyFolder, SealIdentity};
use policies::{LinkagePolicy, Zone};
use serde::Serialize;

use super::atoms::{Atom, Atoms, KINDS, Kind};
use super::permutation::Permutation;
use super::{LinkError, Marker, rules, tokens};
use crate::delivery::Delivery;
use crate::holder::{BRIDGE, NEXT};
use crate::seal::{self, BatchReader};

/// What to check.
#[derive(Clone, Copy, Debug)]
pub struct BridgeCheck<'a> {
    /// The linkage zone's keys.
    pub keys: &'a KeyFolder,
    /// The folder of link with its last run.
    pub crosswalk: &'a Path,
    /// Token folders of that run, all of them.
    pub tokens: &'a [PathBuf],
    /// Folders of the holders' bridges, one of each.
    pub bridges: &'a [PathBuf],
    /// The rules' thresholds.
    pub policy: &'a LinkagePolicy,
    /// The folder to make: `report.json`, and `<source>.jws` for each holder if the bridges hold.
    pub out: &'a Path,
}

/// A count that both epochs should agree in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What was counted.
    pub what: String,
    /// Under the epoch that goes.
    pub now: u64,
    /// Under the epoch that comes.
    pub next: u64,
}

/// `report.json` of a check. Counts and fingerprints only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BridgeReport {
    /// Fingerprint of the key of the epoch that goes.
    pub from: String,
    /// Fingerprint of the key of the epoch that comes, by source.
    pub to: BTreeMap<String, String>,
    /// SHA-256 of each bridge, by source.
    pub bridges: BTreeMap<String, String>,
    /// Atoms of all batches.
    pub atoms: u64,
    /// Persons under the epoch that goes.
    pub persons: u64,
    /// Counts in which the epochs differ; none if the bridges hold.
    pub differences: Vec<Difference>,
}

impl BridgeReport {
    /// Whether the same persons come of both epochs.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares what comes of both epochs. A bridge of another holder's key, or not over all atoms, is no failure of the check: the report
/// says in which counts it shows, and no verdict is signed.
pub fn check(job: &BridgeCheck<'_>, now: Timestamp) -> Result<BridgeReport, LinkError> {
    let keys = KeyFolder::open(job.keys.path(), Zone::Linkage).map_err(LinkError::keys)?;
    let handed = tokens::check(job.tokens, &keys, &|_| None)?;
    let names = handed.names();
    let last = Marker::beside(job.crosswalk).filter(|(_, marker)| marker.batches == names);
    if last.is_none() {
        return Err(LinkError::Other { path: job.crosswalk.to_owned() });
    }
    let out = Delivery::begin(job.out).map_err(taken(job.out))?;
    let bridges = read(job.bridges, &keys)?;
    let batches: BTreeSet<&str> = bridges.values().flat_map(|bridge| bridge.batches.split(' ')).collect();
    if !batches.into_iter().eq(names.iter().map(String::as_str)) {
        return Err(LinkError::Bridged);
    }
    let mut counts = Counts::default();
    let agreed = handed.agreed.as_ref().ok_or(LinkError::Nothing)?;
    let rows = handed.rows(|_| {})?;
    counts.fingerprints(&agreed.epoch, &agreed.normaliser, &bridges);
    let next = across(&rows, &handed.sources, &bridges, &mut counts);
    let twice = |_| LinkError::Twice { path: job.out.to_owned() };
    let (atoms, next) = (Atoms::new(rows).map_err(twice)?, Atoms::new(next).map_err(twice)?);
    let persons = counts.compare(&atoms, &next, job.policy);
    let report = BridgeReport {
        from: agreed.epoch.clone(),
        to: by_source(&bridges, |bridge| &bridge.to),
        bridges: by_source(&bridges, |bridge| &bridge.sha256),
        atoms: atoms.len() as u64,
        persons,
        differences: counts.0,
    };
    write(&out, &report, &keys, now)?;
    out.publish().map_err(taken(job.out))?;
    Ok(report)
}

/// A removed bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedBridge {
    /// Whose it was.
    pub source: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// Removes a bridge from the zone: what joins both epochs' tokens is not kept after the switch. `folder` must hold a bridge of a
/// trusted holder, so that nothing else is removed by mistake.
pub fn remove(keys: &KeyFolder, folder: &Path) -> Result<RemovedBridge, LinkError> {
    let keys = KeyFolder::open(keys.path(), Zone::Linkage).map_err(LinkError::keys)?;
    let path = folder.join(BRIDGE);
    let (reader, source, sha256) = believed(&path, &keys, &keys.seal().map_err(LinkError::keys)?)?;
    drop(reader);
    for path in [&path, &seal::signature_of(&path)] {
        fs::remove_file(path).map_err(LinkError::io(path))?;
    }
    // Somebody may have put other files into the folder: then it stays.
    drop(fs::remove_dir(folder));
    Ok(RemovedBridge { source, sha256 })
}

fn taken(out: &Path) -> impl FnOnce(io::Error) -> LinkError {
    let path = out.to_owned();
    move |cause| {
        if cause.kind() == io::ErrorKind::AlreadyExists {
            LinkError::Exists { path }
        } else {
            LinkError::Io { path, cause }
        }
    }
}

fn by_source(bridges: &BTreeMap<String, Bridge>, of: fn(&Bridge) -> &String) -> BTreeMap<String, String> {
    bridges.iter().map(|(source, bridge)| (source.clone(), of(bridge).clone())).collect()
}

fn write(out: &Delivery, report: &BridgeReport, keys: &KeyFolder, now: Timestamp) -> Result<(), LinkError> {
    let put = |name: &str, bytes: &[u8]| {
        let path = out.path(name);
        durable::replace(&path, bytes).map_err(LinkError::io(&path))
    };
    let invalid = |_| LinkError::io(&out.path("report.json"))(io::ErrorKind::InvalidData.into());
    put("report.json", &serde_json::to_vec_pretty(report).map_err(invalid)?)?;
    if !report.holds() {
        return Ok(());
    }
    let sign = keys.signing("sign").map_err(LinkError::keys)?;
    for ((source, to), bridge) in report.to.iter().zip(report.bridges.values()) {
        let verdict =
            BridgeVerdict { from: report.from.clone(), to: to.clone(), bridge: bridge.clone(), verified_at: now };
        let unsigned = |_| LinkError::Io { path: out.path(source), cause: io::ErrorKind::InvalidData.into() };
        put(&format!("{source}.jws"), verdict.sign(&sign).map_err(unsigned)?.as_bytes())?;
    }
    Ok(())
}

type Tokens = [Option<[u8; 16]>; KINDS];

/// A bridge as the zone reads it.
struct Bridge {
    sha256: String,
    batches: String,
    normaliser: String,
    from: String,
    to: String,
    /// By atom, tokens under the epoch that goes and the one that comes, permuted.
    rows: HashMap<[u8; 16], (Tokens, Tokens)>,
}

fn read(folders: &[PathBuf], keys: &KeyFolder) -> Result<BTreeMap<String, Bridge>, LinkError> {
    let identity = keys.seal().map_err(LinkError::keys)?;
    let permutation = Permutation::of(keys).map_err(LinkError::keys)?;
    let mut bridges = BTreeMap::new();
    for folder in folders {
        let path = folder.join(BRIDGE);
        let (reader, source, sha256) = believed(&path, keys, &identity)?;
        let schema = reader.schema();
        let entry = |what: &'static str| {
            schema.metadata().get(what).cloned().ok_or_else(|| LinkError::Form { path: path.clone(), what })
        };
        let mut bridge = Bridge {
            sha256,
            batches: entry("sudare.batches")?,
            normaliser: entry("sudare.normaliser")?,
            from: entry("sudare.from")?,
            to: entry("sudare.to")?,
            rows: HashMap::new(),
        };
        for batch in reader {
            let batch = batch.map_err(LinkError::seal)?;
            append(&batch, &permutation, &mut bridge.rows)
                .map_err(|what| LinkError::Form { path: path.clone(), what })?;
        }
        if bridges.insert(source, bridge).is_some() {
            return Err(LinkError::Bridged);
        }
    }
    Ok(bridges)
}

/// Opens a bridge that the holder of its source has signed. No row is looked at before.
fn believed(
    path: &Path,
    keys: &KeyFolder,
    identity: &SealIdentity,
) -> Result<(BatchReader, String, String), LinkError> {
    let signer = tokens::signer(path)?;
    let (_, sha256) = catalog::manifest::digest(path).map_err(LinkError::unreadable)?;
    let reader = BatchReader::open(path, identity).map_err(LinkError::seal)?;
    let lacks = || LinkError::Form { path: path.to_owned(), what: "sudare.source" };
    let source = reader.schema().metadata().get("sudare.source").cloned().ok_or_else(lacks)?;
    let untrusted = |cause| LinkError::Untrusted { path: path.to_owned(), cause: Box::new(cause) };
    if keys.trusted(&source).map_err(untrusted)? == signer {
        Ok((reader, source, sha256))
    } else {
        Err(LinkError::Signature { path: path.to_owned() })
    }
}

fn append(
    batch: &RecordBatch,
    permutation: &Permutation,
    rows: &mut HashMap<[u8; 16], (Tokens, Tokens)>,
) -> Result<(), &'static str> {
    let bytes = |name: &str| -> Option<&FixedSizeBinaryArray> {
        batch
            .column_by_name(name)
            .and_then(|column| column.as_fixed_size_binary_opt())
            .filter(|it| it.value_length() == 16)
    };
    let columns = |before: &str| -> Result<Vec<&FixedSizeBinaryArray>, &'static str> {
        Kind::AT_REST
            .into_iter()
            .map(|kind| bytes(&format!("{before}{}", kind.name())).ok_or_else(|| kind.name()))
            .collect()
    };
    let (atoms, now, next) = (bytes("atom").ok_or("atom")?, columns("")?, columns(NEXT)?);
    for row in 0..batch.num_rows() {
        let tokens = |columns: &[&FixedSizeBinaryArray]| -> Tokens {
            let mut columns = columns.iter();
            std::array::from_fn(|_| {
                let column = columns.next()?;
                let token = column.is_valid(row).then(|| column.value(row))?;
                token.try_into().ok().map(|token| permutation.apply(token))
            })
        };
        let atom = atoms.value(row).try_into().map_err(|_| "atom")?;
        if rows.insert(atom, (tokens(&now), tokens(&next))).is_some() {
            return Err("each atom once");
        }
    }
    Ok(())
}

/// The atoms with their tokens under the epoch that comes; what does not fit the bridges is counted.
fn across(atoms: &[Atom], sources: &[String], bridges: &BTreeMap<String, Bridge>, counts: &mut Counts) -> Vec<Atom> {
    let mut missing: BTreeMap<&str, u64> = BTreeMap::new();
    let mut changed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    let mut next = Vec::with_capacity(atoms.len());
    for atom in atoms {
        let source = sources.get(usize::from(atom.source)).map_or("", String::as_str);
        let row = bridges.get(source).and_then(|bridge| bridge.rows.get(&atom.id));
        let tokens = if let Some((now, next)) = row {
            *used.entry(source).or_default() += 1;
            *changed.entry(source).or_default() += u64::from(*now != atom.tokens);
            *next
        } else {
            *missing.entry(source).or_default() += 1;
            [None; KINDS]
        };
        next.push(Atom { tokens, ..atom.clone() });
    }
    for (source, count) in missing {
        counts.differ(format!("{source}: atoms without a row in the bridge"), 0, count);
    }
    for (source, count) in changed {
        counts.differ(
            format!("{source}: atoms whose tokens under the current epoch are not those handed over"),
            0,
            count,
        );
    }
    for (source, bridge) in bridges {
        let used = used.get(source.as_str()).copied().unwrap_or_default();
        counts.differ(format!("{source}: rows of the bridge"), used, bridge.rows.len() as u64);
    }
    next
}

/// The counts in which the epochs differ.
#[derive(Default)]
struct Counts(Vec<Difference>);

impl Counts {
    fn differ(&mut self, what: String, now: u64, next: u64) {
        if now != next {
            self.0.push(Difference { what, now, next });
        }
    }

    /// All bridges lead from the epoch of the tokens to one other, by the same normaliser.
    fn fingerprints(&mut self, epoch: &str, normaliser: &str, bridges: &BTreeMap<String, Bridge>) {
        let others = |of: fn(&Bridge) -> &String, known: &str| {
            bridges.values().filter(|bridge| of(bridge) != known).count() as u64
        };
        self.differ("bridges that leave from another epoch".to_owned(), 0, others(|bridge| &bridge.from, epoch));
        self.differ("bridges by another normaliser".to_owned(), 0, others(|bridge| &bridge.normaliser, normaliser));
        let ends: BTreeSet<&String> = bridges.values().map(|bridge| &bridge.to).collect();
        self.differ("epochs that the bridges lead to".to_owned(), 1, ends.len() as u64);
        let still = ends.iter().filter(|end| **end == epoch).count() as u64;
        self.differ("bridges that lead to the current epoch".to_owned(), 0, still);
    }

    /// Joins under both epochs; how many persons there are under the one that goes.
    fn compare(&mut self, now: &Atoms, next: &Atoms, policy: &LinkagePolicy) -> u64 {
        for kind in Kind::AT_REST {
            let tokens = |atoms: &Atoms| {
                let made = (0..).take(atoms.len()).filter_map(|atom| atoms.token(atom, kind));
                // Tokens are numbered from 1 without gaps: the greatest number is how many there are.
                let (count, distinct) = made.fold((0, 0), |(count, most), token| (count + 1, most.max(token)));
                (count, u64::from(distinct))
            };
            let (before, after) = (tokens(now), tokens(next));
            self.differ(format!("tokens {}", kind.name()), before.0, after.0);
            self.differ(format!("different tokens {}", kind.name()), before.1, after.1);
        }
        let roots = |atoms| rules::strong(atoms, policy, &[]).scored(&[]).roots;
        let (before, after) = (roots(now), roots(next));
        let persons = |roots: &[u32]| roots.iter().collect::<BTreeSet<_>>().len() as u64;
        self.differ("persons".to_owned(), persons(&before), persons(&after));
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count() as u64;
        self.differ("atoms of another person".to_owned(), 0, moved);
        persons(&before)
    }
}
