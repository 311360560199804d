//! Threads that read units of work, each unit into a part of its own on disk; a finished part is not made again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use policies::durable;
use policies::keys::SealRecipient;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::Kind;
use super::folder::Folder;
use super::units::{Plan, Planned, Unit};
use super::{Progress, PseudonymizeError, digest, remove};
use crate::intake::{Batch, FacilityFacts, Intake, Made};
use crate::quarantine::Quarantine;
use crate::report::FileReport;
use crate::spool::{Part, Slice, Spool};
use crate::{dpc, ehr, flat, ltc, ndb};

/// Bytes of a raw file in memory at a time.
const BUFFER: usize = 256 * 1024;
/// Between two looks at how far the threads are.
const LOOK: Duration = Duration::from_millis(100);

/// What every thread needs.
pub(crate) struct Worker<'a> {
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) folder: &'a Folder,
    pub(crate) holder: &'a SealRecipient,
}

/// `part.json`: the last file of a part.
#[derive(Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) files: Vec<FileReport>,
    pub(crate) facilities: BTreeMap<String, FacilityFacts>,
    pub(crate) scanned: u64,
    slices: Vec<Slice>,
}

/// A finished unit: what it said and where it lies.
pub(crate) struct Done {
    pub(crate) unit: u32,
    pub(crate) finished: Finished,
    pub(crate) part: Part,
}

#[derive(Default)]
struct Counters {
    bytes: AtomicU64,
    records: AtomicU64,
    units: AtomicUsize,
    stop: AtomicBool,
}

impl Counters {
    fn progress(&self, plan: &Plan) -> Progress {
        Progress {
            bytes: self.bytes.load(Ordering::Relaxed),
            bytes_total: plan.bytes,
            records: self.records.load(Ordering::Relaxed),
            units: self.units.load(Ordering::Relaxed),
            units_total: plan.units.len(),
        }
    }
}

/// Reads all units that are not finished yet. The parts come in the order of the units.
pub(crate) fn read_all(
    worker: &Worker<'_>,
    threads: usize,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<Vec<Done>, PseudonymizeError> {
    let counters = Counters::default();
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    let mut done = Vec::with_capacity(worker.plan.units.len());
    let mut failed = None;
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, worker.plan.units.len().max(1)) {
            let (send, next, counters) = (send.clone(), &next, &counters);
            scope.spawn(move || {
                while let Some(unit) = worker.plan.units.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let read = unit_of(worker, unit, counters);
                    let ends = read.is_err();
                    if send.send(read).is_err() || ends {
                        return;
                    }
                }
            });
        }
        drop(send);
        loop {
            if !progress(counters.progress(worker.plan)) {
                counters.stop.store(true, Ordering::Relaxed);
            }
            match receive.recv_timeout(LOOK) {
                Ok(Ok(part)) => done.push(part),
                Ok(Err(fault)) => {
                    counters.stop.store(true, Ordering::Relaxed);
                    // The fault that stopped the others is the one to tell.
                    failed.get_or_insert(fault);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    match failed {
        Some(fault) => Err(fault),
        None if done.len() < worker.plan.units.len() => Err(PseudonymizeError::Stopped),
        None => {
            done.sort_unstable_by_key(|done| done.unit);
            progress(counters.progress(worker.plan));
            Ok(done)
        }
    }
}

/// Reads a unit, or finds it finished.
fn unit_of(worker: &Worker<'_>, unit: &Unit, counters: &Counters) -> Result<Done, PseudonymizeError> {
    let folder = worker.folder.part(unit.number);
    let mut finished = match known(&folder) {
        Some(finished) => {
            counters.bytes.fetch_add(unit.files.iter().map(|file| file.bytes).sum(), Ordering::Relaxed);
            counters.records.fetch_add(finished.files.iter().map(|file| file.records).sum(), Ordering::Relaxed);
            finished
        }
        None => make(worker, unit, &folder, counters)?,
    };
    counters.units.fetch_add(1, Ordering::Relaxed);
    let slices = std::mem::take(&mut finished.slices);
    let part = Part::open(&folder.join(SLICES), slices)?;
    Ok(Done { unit: unit.number, finished, part })
}

const SLICES: &str = "slices";
const FINISHED: &str = "part.json";

fn known(folder: &Path) -> Option<Finished> {
    serde_json::from_slice(&fs::read(folder.join(FINISHED)).ok()?).ok()
}

fn make(worker: &Worker<'_>, unit: &Unit, folder: &Path, counters: &Counters) -> Result<Finished, PseudonymizeError> {
    remove(folder)?;
    fs::create_dir_all(folder).map_err(PseudonymizeError::io(folder))?;
    let spool = Spool::create(&folder.join(SLICES), &worker.batch.secrets.spool, worker.plan.buckets)?;
    let quarantine = Quarantine::new(&worker.folder.path("quarantine"), unit.number, worker.holder);
    let tell = |bytes: u64, records: u64| {
        counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        counters.records.fetch_add(records, Ordering::Relaxed);
        !counters.stop.load(Ordering::Relaxed)
    };
    let mut intake = Intake::new(worker.batch, unit.number, spool, quarantine, &tell);
    let mut files = Vec::with_capacity(unit.files.len());
    for file in &unit.files {
        intake.begin_file(file.raw.number, &file.raw.path, file.raw.kind.name())?;
        let sha256 = match file.skip {
            Some(reason) => {
                intake.note(reason);
                String::new()
            }
            None => read(&mut intake, file)?,
        };
        files.push(FileReport { sha256, ..intake.end_file()? });
    }
    let Made { slices, facilities, scanned } = intake.finish()?;
    let finished = Finished { files, facilities, scanned, slices };
    let path = folder.join(FINISHED);
    let text = serde_json::to_vec(&finished).map_err(|cause| PseudonymizeError::io(&path)(cause.into()))?;
    durable::replace(&path, &text).map_err(PseudonymizeError::io(&path))?;
    Ok(finished)
}

/// Reads a file with the reader of its kind; the SHA-256 of all that it holds.
fn read(intake: &mut Intake<'_>, file: &Planned) -> Result<String, PseudonymizeError> {
    let path = &file.raw.path;
    let open = File::open(path).map_err(PseudonymizeError::io(path))?;
    if file.raw.kind == Kind::CheckupArchive {
        // An archive is read in the order of its list, not of its bytes.
        ndb::checkup::archive::read(&mut BufReader::with_capacity(BUFFER, open), intake, path)?;
        return digest(path);
    }
    let mut from = BufReader::with_capacity(BUFFER, Hashed { inner: open, hash: Sha256::new() });
    read_as(file.raw.kind, file.raw.layout.as_deref(), &mut from, intake, path)?;
    // What a reader left (the rest of broken XML) is part of the file all the same.
    loop {
        let left = from.fill_buf().map_err(PseudonymizeError::io(path))?.len();
        if left == 0 {
            return Ok(hex::encode(from.into_inner().hash.finalize()));
        }
        from.consume(left);
    }
}

/// The reader of a kind; `layout` is that of a file of an added source. Archives, which cannot be read in one go, have their own.
pub(crate) fn read_as(
    kind: Kind,
    layout: Option<&str>,
    from: &mut dyn BufRead,
    intake: &mut Intake<'_>,
    path: &Path,
) -> Result<(), PseudonymizeError> {
    match kind {
        Kind::Added => {
            // The layouts outlive the run, so that a reader may hold one while it writes.
            let layouts = intake.layouts;
            let layout = layout.and_then(|id| layouts.get(id));
            layout.map_or(Ok(()), |layout| flat::read(from, layout, intake, path))
        }
        Kind::Certification => ltc::certification::read(from, intake, path),
        Kind::Checkup => ndb::checkup::read(from, intake, path),
        Kind::CheckupTable => ndb::checkup::table::read(from, intake, path),
        Kind::Classes => dpc::read_classes(from, intake, path),
        Kind::CommonIds | Kind::Form4 => dpc::pass_over(from, intake, path),
        Kind::Fhir => ehr::read(from, intake, path),
        Kind::Form1 => dpc::read_form1(from, intake, path),
        Kind::Items => dpc::read_items(from, intake, path),
        Kind::Life => ltc::life::read(from, intake, path),
        Kind::LtcClaims => ltc::claims::read(from, intake, path),
        Kind::Nursing => dpc::read_nursing(from, intake, path),
        Kind::Receipts => ndb::receipts::read(from, intake, path),
        Kind::CheckupArchive | Kind::Unknown => Ok(()),
    }
}

/// A file that is hashed as it is read.
struct Hashed {
    inner: File,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.hash.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}
