//! Tokens of all sources to persons: union-find with conflict rules, then a crosswalk sealed to the enclave. Runs in the
//! linkage zone, which sees no identifier and no content.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, panic, thread};

use jiff::Timestamp;
use policies::keys::{KeyFolder, SealRecipient};
use policies::{LinkagePolicy, Zone};
use rand::Rng;
use serde_json::json;

pub(crate) mod absent;
mod atoms;
mod bridge;
mod components;
pub(crate) mod crosswalk;
mod error;
mod evidence;
mod gather;
mod groups;
mod keys;
mod names;
mod packed;
mod parallel;
mod permutation;
mod persons;
mod ranks;
mod report;
mod rules;
mod spill;
mod store;
mod tokens;

pub use bridge::{
    BridgeCheck, BridgeReport, Difference, RemovedBridge, check as check_bridges, remove as remove_bridge,
};
pub use crosswalk::Marker;
pub use error::LinkError;
pub use report::LinkReport;

use absent::{Absent, Turns};
use atoms::{Atom, Atoms};
use keys::{Assignment, Earlier, Event};
use persons::Persons;
use rules::Partition;
use store::Store;
use tokens::Agreed;

/// What to link.
#[derive(Clone, Copy, Debug)]
pub struct LinkJob<'a> {
    /// The linkage zone's keys.
    pub keys: &'a KeyFolder,
    /// The folder of link; earlier runs' results lie there.
    pub out: &'a Path,
    /// Token folders: of all batches for a rebuild, of new ones otherwise.
    pub tokens: &'a [PathBuf],
    /// The rules' thresholds.
    pub policy: &'a LinkagePolicy,
    /// Folders of the holders' tokens of this run, if composites are to be scored.
    pub run_tokens: &'a [PathBuf],
    /// Files with signed answers to questions.
    pub answers: &'a [PathBuf],
    /// Whether to begin from the named folders alone; person keys stay.
    pub rebuild: bool,
}

impl<'a> LinkJob<'a> {
    /// Links by tokens at rest alone, on top of what the folder holds.
    pub fn new(keys: &'a KeyFolder, out: &'a Path, tokens: &'a [PathBuf], policy: &'a LinkagePolicy) -> Self {
        Self { keys, out, tokens, policy, run_tokens: &[], answers: &[], rebuild: false }
    }
}

/// How far a run of link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkProgress {
    /// Atoms read so far.
    pub atoms: u64,
    /// Persons, once the atoms are partitioned.
    pub persons: Option<u64>,
}

/// Links all batches and leaves `crosswalk.arrow.age`, `state.arrow.age`, `events.jsonl`, `report.json` and, last,
/// `crosswalk.json` in `job.out`. Until then the results of the last finished run stand.
pub fn run(job: &LinkJob<'_>, now: Timestamp, progress: &mut dyn FnMut(LinkProgress)) -> Result<LinkReport, LinkError> {
    let keys = KeyFolder::open(job.keys.path(), Zone::Linkage).map_err(LinkError::keys)?;
    let identity = keys.seal().map_err(LinkError::keys)?;
    let mut handed = tokens::check(job.tokens, &keys, &|_| None)?;
    let agreed = handed.agreed.take().ok_or(LinkError::Nothing)?;
    let store = Store::open(job.out)?;
    let standing = handed.standing();
    let bit = |source: u8| 1_u128.wrapping_shl(u32::from(source));
    let listed =
        |atom: &Atom| standing.iter().filter(|(_, of)| of.touches(atom)).fold(0, |all, (of, _)| all | bit(*of));
    let tokens::Gathered { atoms, listed } =
        handed.gather(store.scratch(), listed, |atoms| progress(LinkProgress { atoms, persons: None }))?;
    let of_source = |source: u8| listed.iter().filter(move |(_, lists)| **lists & bit(source) != 0).map(|(id, _)| *id);
    let touched: Vec<(u8, Vec<[u8; 16]>)> =
        standing.iter().map(|(source, _)| (*source, of_source(*source).collect())).collect();
    let earlier = store.earlier(&identity)?;
    let out_before = store.absent(&identity)?;
    let run = Marker::beside(job.out).map_or(1, |(_, marker)| marker.run.saturating_add(1));

    let partition = rules::strong(&atoms, job.policy, &[]).scored(&[]);
    let mut rng = rand::rng();
    let assigned = keys::assign(&atoms, &partition.roots, &earlier, run, || rng.next_u64());
    let mut report = LinkReport::of(&atoms, &partition, &handed.sources);
    count_events(&mut report, &assigned.events);
    let absent = Absent::of(&atoms, &partition, &touched, &handed.sources, &out_before);
    let turns = absent.turns(&atoms, &partition, &handed.sources, |id| earlier.contains_key(id), &out_before);
    report.absent_by_source.clone_from(&absent.by_source);
    progress(LinkProgress { atoms: report.atoms, persons: Some(report.persons) });

    let found =
        Found { atoms: &atoms, partition: &partition, assigned: &assigned, absent, turns, out_before, earlier, run };
    found.write(&store, &keys, &agreed, now)?;
    let (_, sha256) = catalog::manifest::digest(&store.next(crosswalk::FILE)).map_err(LinkError::unreadable)?;
    report.crosswalk.clone_from(&sha256);
    let marker = Marker {
        sha256,
        run,
        made_at: now,
        atoms: report.atoms,
        persons: report.persons,
        epoch: agreed.epoch,
        normaliser: agreed.normaliser,
        batches: handed.names(),
    };
    store.write_json(store::REPORT, &report)?;
    store.write_json(crosswalk::MARKER, &marker)?;
    store.publish()?;
    tracing::info!(link.run = run, atoms.count = report.atoms, persons.count = report.persons, "crosswalk published");
    Ok(report)
}

struct Found<'a> {
    atoms: &'a Atoms,
    partition: &'a Partition,
    assigned: &'a Assignment,
    absent: Absent,
    turns: Turns,
    out_before: HashSet<[u8; 16]>,
    earlier: HashMap<[u8; 16], Earlier>,
    run: u32,
}

impl Found<'_> {
    fn write(mut self, store: &Store, keys: &KeyFolder, agreed: &Agreed, now: Timestamp) -> Result<(), LinkError> {
        let enclave = agreed
            .recipient()
            .ok_or_else(|| LinkError::Form { path: store.next(crosswalk::FILE), what: "sudare.release_to" })?;
        let zone = keys.recipient().map_err(LinkError::keys)?;
        let earlier = std::mem::take(&mut self.earlier);
        // Two files of a row an atom: a thread each.
        let (crosswalk, state) = thread::scope(|scope| {
            let crosswalk = scope.spawn(|| self.write_crosswalk(store, &enclave));
            let state = store.write_state(self.state(earlier), &zone);
            (crosswalk.join().unwrap_or_else(|cause| panic::resume_unwind(cause)), state)
        });
        crosswalk.and(state)?;
        store.write_absent(&self.out_now(), &zone)?;
        store.write(store::EVENTS, &self.events(store, now)?)
    }

    /// Atoms that stay out, those too that were not handed over this time.
    fn out_now(&self) -> Vec<[u8; 16]> {
        let handed = |id: &[u8; 16]| self.atoms.ids().binary_search(id).is_ok();
        let elsewhere = self.out_before.iter().copied().filter(|id| !handed(id));
        let mut all: Vec<_> = elsewhere.chain(self.absent.atoms(self.atoms, self.partition)).collect();
        all.sort_unstable();
        all
    }

    fn keyed(&self) -> impl Iterator<Item = ([u8; 16], u32, Earlier)> {
        let key = |root: &u32| self.assigned.keys.get(*root).copied();
        self.atoms.ids().iter().zip(&self.partition.roots).filter_map(move |(id, root)| Some((*id, *root, key(root)?)))
    }

    /// Atoms that stay out have no person there: the enclave learns that they are to be left out, and nothing else of them.
    fn write_crosswalk(&self, store: &Store, enclave: &SealRecipient) -> Result<(), LinkError> {
        let out: HashSet<[u8; 16]> = self.absent.atoms(self.atoms, self.partition).collect();
        let persons = Persons::of(&self.partition.roots);
        let mut sizes = vec![0_u32; persons.len()];
        for (id, root) in self.atoms.ids().iter().zip(&self.partition.roots) {
            if let Some(size) = sizes.get_mut(persons.number(*root)) {
                *size += u32::from(!out.contains(id));
            }
        }
        let grade = |root| if sizes.get(persons.number(root)) == Some(&1) { "single" } else { "strong" };
        let row = |(id, root, known): ([u8; 16], u32, Earlier)| {
            if out.contains(&id) { (id, None, "absent") } else { (id, Some(known.key), grade(root)) }
        };
        store.write_crosswalk(self.keyed().map(row), enclave)
    }

    /// Atoms that were not handed over this time keep their place, in case they come back.
    fn state(&self, mut earlier: HashMap<[u8; 16], Earlier>) -> impl Iterator<Item = ([u8; 16], Earlier)> {
        earlier.retain(|id, _| self.atoms.ids().binary_search(id).is_err());
        let mut elsewhere: Vec<_> = earlier.into_iter().collect();
        elsewhere.sort_unstable_by_key(|(id, _)| *id);
        let (mut current, mut elsewhere) =
            (self.keyed().map(|(id, _, known)| (id, known)).peekable(), elsewhere.into_iter().peekable());
        std::iter::from_fn(move || match (current.peek(), elsewhere.peek()) {
            (Some(now), Some(before)) if now.0 < before.0 => current.next(),
            (Some(_), None) => current.next(),
            (_, _) => elsewhere.next(),
        })
    }

    fn events(&self, store: &Store, now: Timestamp) -> Result<Vec<u8>, LinkError> {
        let last = store.last(store::EVENTS);
        let mut text = if last.exists() { fs::read(&last).map_err(LinkError::io(&last))? } else { Vec::new() };
        let mut rng = rand::rng();
        for event in &self.assigned.events {
            let id = format!("{:016x}", rng.next_u64());
            let line = match event {
                Event::Born { persons } => {
                    json!({ "at": now, "run": self.run, "event": "born", "id": id, "persons": persons })
                }
                Event::Merged { persons, atoms } => {
                    json!({ "at": now, "run": self.run, "event": "merged", "id": id, "persons": persons, "atoms": atoms })
                }
                Event::Split { persons, atoms } => {
                    json!({ "at": now, "run": self.run, "event": "split", "id": id, "persons": persons, "atoms": atoms })
                }
            };
            text.extend_from_slice(line.to_string().as_bytes());
            text.push(b'\n');
        }
        let turns = [("retired", "opt-out", &self.turns.retired), ("restored", "opt-out ended", &self.turns.restored)];
        for (event, reason, by_source) in turns {
            for (source, persons) in by_source {
                let id = format!("{:016x}", rng.next_u64());
                let line = json!({
                    "at": now, "run": self.run, "event": event, "id": id, "reason": reason, "source": source, "persons": persons
                });
                text.extend_from_slice(format!("{line}\n").as_bytes());
            }
        }
        Ok(text)
    }
}

fn count_events(report: &mut LinkReport, events: &[Event]) {
    for event in events {
        match event {
            Event::Born { persons } => report.born += persons,
            Event::Merged { .. } => report.merged += 1,
            Event::Split { .. } => report.split += 1,
        }
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
