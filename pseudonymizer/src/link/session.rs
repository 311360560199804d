//! A run in a folder of link, from what is held and what comes to what is held then.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::{panic, thread};

use jiff::Timestamp;
use policies::keys::{KeyFolder, SealRecipient};
use policies::{LinkagePolicy, Zone};
use rand::Rng;
use rand::seq::SliceRandom;

use super::absent::Standing;
use super::atoms::{Atoms, Kind};
use super::crosswalk::{self, ABSENT, GONE, MarkedFile, Marker, Row};
use super::error::LinkError;
use super::events::{Events, Reason};
use super::gather::Fault;
use super::held::gather::Work;
use super::held::lists::Lists;
use super::held::meta::{HeldBatch, Meta};
use super::held::write::{self, Found, Place};
use super::held::{self, Held};
use super::keys::{self, Assignment, Prior};
use super::pass::{Absence, Known, Pass};
use super::report::{self, PersonCounts};
use super::review;
use super::store::{self, RowWriter, Store};
use super::tokens::{self, Agreed, Checked};
use super::{LinkJob, LinkProgress, LinkReport};

mod asking;
mod batches;
mod scoring;

/// Bytes of blocks beside the base that are never worth a new base.
const SMALL: u64 = 4 * 1024 * 1024;

/// A folder of link, taken.
pub(super) struct Session<'a> {
    keys: KeyFolder,
    store: Store,
    marker: Option<Marker>,
    held: Option<Held>,
    policy: &'a LinkagePolicy,
    now: Timestamp,
    run: u32,
    small: u64,
    job: Said<'a>,
}

/// What was handed over beside tokens at rest.
#[derive(Default)]
struct Said<'a> {
    run_tokens: &'a [PathBuf],
    answers: &'a [PathBuf],
    /// All verdicts that stand.
    verdicts: Vec<([u8; 16], [u8; 16], bool)>,
}

/// What is held after a run, beside atoms and tokens.
struct Next {
    sources: Vec<String>,
    agreed: Agreed,
    batches: Vec<Option<HeldBatch>>,
    /// The place of the first batch that is new.
    first_batch: usize,
    lists: Lists,
    standing: BTreeMap<String, Standing>,
    reason: Reason,
    held_already: Vec<String>,
    /// Whether everything is made anew.
    is_base: bool,
}

impl<'a> Session<'a> {
    pub(super) fn open(
        keys: &KeyFolder,
        out: &Path,
        policy: &'a LinkagePolicy,
        now: Timestamp,
    ) -> Result<Self, LinkError> {
        let keys = KeyFolder::open(keys.path(), Zone::Linkage).map_err(LinkError::keys)?;
        let store = Store::open(out)?;
        let marker = Marker::beside(out).map(|(_, marker)| marker);
        if marker.is_none() && out.join(crosswalk::MARKER).exists() {
            return Err(LinkError::Form { path: out.join(crosswalk::MARKER), what: "the list of its files" });
        }
        let runs = marker.iter().flat_map(|marker| &marker.files);
        let folders = runs.map(|file| held::folder(out, file.run)).collect();
        let held = Held::open(folders, keys.seal().map_err(LinkError::keys)?)?;
        let run = marker.as_ref().map_or(1, |marker| marker.run.saturating_add(1));
        Ok(Self { keys, store, marker, held, policy, now, run, small: SMALL, job: Said::default() })
    }

    /// Makes a new base from fewer bytes on.
    #[cfg(test)]
    pub(super) fn compacting(mut self, small: u64) -> Self {
        self.small = small;
        self
    }

    pub(super) fn link(
        mut self,
        job: &LinkJob<'a>,
        progress: &mut dyn FnMut(LinkProgress),
    ) -> Result<LinkReport, LinkError> {
        let verdicts = review::said(&self.keys, self.store.out(), job.answers)?;
        self.job = Said { run_tokens: job.run_tokens, answers: job.answers, verdicts };
        let handed = self.check(job.tokens, job.rebuild)?;
        let read = |atoms| progress(LinkProgress { atoms, persons: None });
        let report =
            if self.held.is_some() && !job.rebuild { self.add(handed, read)? } else { self.all(handed, read)? };
        progress(LinkProgress { atoms: report.atoms, persons: Some(report.persons) });
        Ok(report)
    }

    /// Checks what is handed over; what is held already is passed over, unless everything begins anew.
    fn check(&self, folders: &[PathBuf], anew: bool) -> Result<Checked, LinkError> {
        let known = |sha256: &str| {
            let held = self.held.as_ref().filter(|_| !anew)?;
            held.batches().find(|batch| batch.sha256 == sha256).map(|batch| batch.name.clone())
        };
        tokens::check(folders, &self.keys, &known)
    }

    /// Links, gives keys, and publishes.
    fn finish(self, mut work: Work, next: &Next, path: &Path) -> Result<LinkReport, LinkError> {
        let unknown = || LinkError::Form { path: path.to_owned(), what: "sudare.release_to" };
        let enclave = next.agreed.recipient().ok_or_else(unknown)?;
        let atoms = match work.whole.take() {
            Some(atoms) => atoms,
            None => Atoms::new(std::mem::take(&mut work.atoms)).map_err(|fault| match fault {
                Fault::Io(cause) => LinkError::io(path)(cause),
                Fault::Twice => LinkError::Twice { path: path.to_owned() },
            })?,
        };
        let scratch = self.store.scratch();
        let scoring = self.scoring(next, &scratch)?;
        let pass = Pass::of(atoms, known(&work, !next.is_base), self.policy, scoring.as_ref())?;
        let has_list = |source: &String| next.standing.contains_key(source);
        let absence = pass.absent(&work.olds, &work.listed, &next.sources, has_list);
        let of = pass.prior(&work.olds);
        let prior = Prior { persons: &work.persons, of: &of };
        let assigned = keys::assign(&pass.atoms, &pass.partition.roots, &prior, self.run, |count| self.fresh(count))?;
        let mut report = self.report(&pass, &absence, &work, next);
        report.churn = self.churn(&pass, &work, &assigned, next).with(&absence.turns);
        let grades = pass.grades(&absence.out);
        let found = Found { pass: &pass, work: &work, keyed: &assigned.keys, grades: &grades, out: &absence.out };
        let digest = self.policy.digest();
        let events = Events {
            at: self.now,
            run: self.run,
            reason: next.reason,
            policy: &digest,
            persons: &assigned.events,
            turns: &absence.turns,
        };
        events.count(&mut report);
        let sealed = self.write_events(&events, &enclave, &mut report)?;
        self.renew_queue(&pass, next)?;
        let rows = self.write(&found, &assigned, next, &report, &enclave)?;
        self.publish(rows, sealed, next, report)
    }

    fn report(&self, pass: &Pass, absence: &Absence, work: &Work, next: &Next) -> LinkReport {
        let mut report = LinkReport::of(&pass.atoms, &pass.partition, &next.sources);
        report.absent_by_source.clone_from(&absence.by_source);
        if let Some(held) = self.held.as_ref().filter(|_| !next.is_base) {
            let by_source = work.atoms_before.clone();
            let persons = PersonCounts::those(&work.persons_before);
            let mut before = LinkReport::counting(&persons, by_source, &work.coverage_before, &next.sources);
            for hub in work.unsettled.iter().filter_map(|number| held.meta.hubs.get(number)) {
                let kind = Kind::AT_REST.into_iter().find(|kind| kind.place() == usize::from(hub.kind));
                if let Some(kind) = kind {
                    *before.hubs.entry(kind.name().to_owned()).or_default() += 1;
                }
            }
            let name = |place: u8| next.sources.get(usize::from(place)).cloned().unwrap_or_default();
            before.absent_by_source = work.out_before.iter().map(|(place, count)| (name(*place), *count)).collect();
            report = held.meta.report.moved(&before, &report);
            report.absent_by_source.retain(|source, count| *count > 0 || next.standing.contains_key(source));
        }
        report.held_already.clone_from(&next.held_already);
        report.scored = pass.scored.as_ref().map(|(_, report)| report.clone());
        let last_full =
            self.held.as_ref().filter(|_| !next.is_base).map_or(self.run, |held| held.meta.report.pass.last_full);
        let added = next.batches.iter().skip(next.first_batch).flatten().map(|batch| batch.name.clone());
        report.pass =
            report::Pass { last_full, batches_added: added.collect(), ..report::Pass::full(self.run, self.policy) };
        report
    }

    /// New keys, none of which was ever given.
    fn fresh(&self, count: usize) -> Result<Vec<u64>, LinkError> {
        let mut rng = rand::rng();
        let mut keys: Vec<u64> = Vec::with_capacity(count);
        while keys.len() < count {
            let drawn: Vec<u64> = std::iter::repeat_with(|| rng.next_u64()).take(count - keys.len()).collect();
            let taken = self.held.as_ref().map(|held| held.taken(&drawn)).transpose()?.unwrap_or_default();
            keys.extend(drawn.into_iter().filter(|key| *key != 0 && !taken.contains(key)));
            keys.sort_unstable();
            keys.dedup();
        }
        // In their order they would tell that of the atoms.
        keys.shuffle(&mut rng);
        Ok(keys)
    }

    fn write_events(
        &self,
        events: &Events<'_>,
        enclave: &SealRecipient,
        report: &mut LinkReport,
    ) -> Result<Option<MarkedFile>, LinkError> {
        let last = self.store.last(store::EVENTS);
        let mut text = if last.exists() { fs::read(&last).map_err(LinkError::io(&last))? } else { Vec::new() };
        let (lines, digest) = events.lines();
        text.extend(lines);
        self.store.write(store::EVENTS, &text)?;
        report.events = digest;
        let name = crosswalk::events_file(self.run);
        let sealed = events.seal(&self.store.next(&name), enclave)?;
        sealed.then(|| self.store.marked(self.run, name)).transpose()
    }

    /// Writes what is held and the crosswalk's rows. Returns the crosswalk's files.
    fn write(
        &self,
        found: &Found<'_>,
        assigned: &Assignment,
        next: &Next,
        report: &LinkReport,
        enclave: &SealRecipient,
    ) -> Result<Vec<MarkedFile>, LinkError> {
        let held = self.held.as_ref().filter(|_| !next.is_base);
        let mut meta = Meta {
            run: self.run,
            sources: next.sources.clone(),
            agreed: next.agreed.clone(),
            policy: self.policy.digest(),
            batches: next.batches.clone(),
            hubs: held.map(|held| held.meta.hubs.clone()).unwrap_or_default(),
            homes: held.map(|held| held.meta.homes.clone()).unwrap_or_default(),
            first: held.map_or((0, 0), |held| held.meta.next),
            next: (0, 0),
            report: report.clone(),
        };
        let mut given: Vec<u64> =
            assigned.keys.all().iter().filter(|keyed| keyed.born == self.run).map(|keyed| keyed.key).collect();
        if let Some(held) = self.held.as_ref().filter(|_| next.is_base) {
            given.extend(held.keys()?);
        }
        let to = self.keys.recipient().map_err(LinkError::keys)?;
        let folder = self.store.next(&held::name(self.run));
        let place = Place { folder: &folder, to: &to };
        let is_new = |batch: u32| usize::try_from(batch).is_ok_and(|batch| batch >= next.first_batch);
        let name = crosswalk::file(self.run);
        let (written, marked) = thread::scope(|scope| {
            let marked = scope.spawn(|| {
                self.store.write_crosswalk(&name, &next.sources, rows(found, assigned, next.is_base), enclave)?;
                self.store.marked(self.run, name.clone())
            });
            let written = write::write(&place, found, &mut meta, given, (&next.lists, &is_new));
            (written, marked.join().unwrap_or_else(|cause| panic::resume_unwind(cause)))
        });
        let written = written?;
        if held.is_some_and(|held| held.is_due(self.small, written)) {
            // A base of all has all rows.
            return Ok(vec![self.compact(&next.sources, &to, enclave)?]);
        }
        let mut files = match &self.marker {
            Some(marker) if !next.is_base => marker.files.clone(),
            Some(_) | None => Vec::new(),
        };
        files.push(marked?);
        Ok(files)
    }

    /// Makes one base of everything.
    fn compact(
        &self,
        sources: &[String],
        to: &SealRecipient,
        enclave: &SealRecipient,
    ) -> Result<MarkedFile, LinkError> {
        let written = self.store.next(&held::name(self.run));
        let earlier =
            self.marker.iter().flat_map(|marker| &marker.files).map(|file| held::folder(self.store.out(), file.run));
        let folders = earlier.chain([written.clone()]).collect();
        let identity = self.keys.seal().map_err(LinkError::keys)?;
        let held = Held::open(folders, identity)?.ok_or(LinkError::Nothing)?;
        let name = crosswalk::file(self.run);
        let mut rows = RowWriter::create(&self.store.next(&name), sources, enclave)?;
        let base = self.store.next("base");
        held.compact(&base, to, &mut |row| rows.push(row))?;
        rows.finish()?;
        fs::remove_dir_all(&written).map_err(LinkError::io(&written))?;
        fs::rename(&base, &written).map_err(LinkError::io(&base))?;
        self.store.marked(self.run, name)
    }

    fn publish(
        self,
        files: Vec<MarkedFile>,
        sealed: Option<MarkedFile>,
        next: &Next,
        mut report: LinkReport,
    ) -> Result<LinkReport, LinkError> {
        report.crosswalk = crosswalk::digest(&files);
        let mut batches: Vec<String> = next.batches.iter().flatten().map(|batch| batch.name.clone()).collect();
        batches.sort_unstable();
        let events = self.marker.map(|marker| marker.events).unwrap_or_default().into_iter().chain(sealed).collect();
        let marker = Marker {
            sha256: report.crosswalk.clone(),
            files,
            events,
            run: self.run,
            made_at: self.now,
            atoms: report.atoms,
            persons: report.persons,
            epoch: next.agreed.epoch.clone(),
            normaliser: next.agreed.normaliser.clone(),
            batches,
        };
        self.store.write_json(store::REPORT, &report)?;
        self.store.write_json(crosswalk::MARKER, &marker)?;
        self.store.publish()?;
        tracing::info!(
            link.run = self.run,
            atoms.count = report.atoms,
            persons.count = report.persons,
            "crosswalk published"
        );
        Ok(report)
    }
}

fn known(work: &Work, stood_in: bool) -> Known<'_> {
    Known { olds: &work.olds, pairs: &work.pairs, verdicts: &work.verdicts, aside: &work.aside, stood_in }
}

/// Rows of the crosswalk: all, or those that are not as they were.
fn rows<'a>(found: &'a Found<'a>, assigned: &'a Assignment, all: bool) -> impl Iterator<Item = Row> + 'a {
    let atoms = (0..).zip(found.pass.atoms.ids()).zip(&found.pass.partition.roots);
    let source = |atom: u32| found.pass.atoms.sources().get(atom as usize).copied().unwrap_or_default();
    let row = move |((atom, id), root): ((u32, &[u8; 16]), &u32)| {
        let now = if found.out.contains(&atom) {
            (None, ABSENT)
        } else {
            let grade = found.grades.get(*root as usize)?;
            (Some(assigned.keys.get(*root)?.key), grade.name())
        };
        let before = found.old(atom).and_then(|old| {
            let person = found.work.persons.get(old.person as usize)?;
            Some(if old.out { (None, ABSENT) } else { (Some(person.key), person.grade.name()) })
        });
        (all || before != Some(now)).then_some((*id, now.0, now.1, source(atom)))
    };
    atoms.filter_map(row).chain(found.work.gone.iter().map(|id| (*id, None, GONE, 0)))
}
