//! What comes and goes: all batches, those that are new, those that are forgotten.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{Next, Session};
use crate::link::atoms::Atom;
use crate::link::error::LinkError;
use crate::link::events::Reason;
use crate::link::held::Held;
use crate::link::held::gather::{self, Change, Work, gather};
use crate::link::held::lists::Lists;
use crate::link::held::meta::HeldBatch;
use crate::link::tokens::{Checked, Gathered, Given};
use crate::link::{Forgotten, LinkReport};

impl Session<'_> {
    /// A full pass over the batches. What was held before counts for the keys alone, and what was answered.
    pub(super) fn all(self, mut handed: Checked, read: impl FnMut(u64)) -> Result<LinkReport, LinkError> {
        let agreed = handed.agreed.take().ok_or(LinkError::Nothing)?;
        let path = handed.first_path();
        let mut work = Work::default();
        if let Some(held) = &self.held {
            held.remember(&mut work)?;
        }
        let mut lists = Lists::default();
        lists.add(0, &mut handed.batches, &handed.sources);
        let standing = lists.standing();
        let lists_of = |atom: &Atom| gather::lists_of(atom, &handed.sources, &standing);
        let Gathered { atoms, listed } = handed.gather(&self.store.scratch(), lists_of, read)?;
        (work.listed, work.whole) = (listed, Some(atoms));
        work.verdicts.clone_from(&self.job.verdicts);
        let next = Next {
            batches: (0..)
                .zip(&handed.batches)
                .map(|(at, batch)| Some(entry(batch, &handed.sources, &lists, at)))
                .collect(),
            sources: handed.sources,
            agreed,
            first_batch: 0,
            lists,
            standing,
            reason: if self.held.is_some() { Reason::Rebuilt } else { Reason::Added },
            held_already: Vec::new(),
            is_base: true,
        };
        self.finish(work, &next, &path)
    }

    /// Adds batches to what is held.
    pub(super) fn add(self, handed: Checked, read: impl FnMut(u64)) -> Result<LinkReport, LinkError> {
        let Some(held) = &self.held else { return Err(LinkError::Nothing) };
        if handed.batches.is_empty() && self.job.answers.is_empty() {
            let nothing = handed.skipped.is_empty();
            return if nothing { Err(LinkError::Nothing) } else { Ok(self.nothing(held, handed.skipped)) };
        }
        let (work, next, path) = self.prepare(held, handed, read)?;
        self.finish(work, &next, &path)
    }

    /// What adding the batches would link, and a file to name if that fails. Nothing is written.
    pub(super) fn prepare(
        &self,
        held: &Held,
        mut handed: Checked,
        read: impl FnMut(u64),
    ) -> Result<(Work, Next, PathBuf), LinkError> {
        let agreed = handed.agreed.take().unwrap_or_else(|| held.meta.agreed.clone());
        let path = handed.batches.first().map_or_else(|| self.store.out().to_owned(), |first| first.path.clone());
        if let Some(what) = held.meta.agreed.first_difference(&agreed) {
            return Err(LinkError::Mixed { path, what });
        }
        self.check_policy(held)?;
        if let Some(batch) = handed.batches.iter().find(|batch| held.batches().any(|known| known.name == batch.name)) {
            return Err(LinkError::Changed { path: batch.path.clone() });
        }
        let sources = join_sources(&held.meta.sources, &handed.sources);
        let place = |of: u8| {
            let name = handed.sources.get(usize::from(of));
            sources.iter().position(|known| Some(known) == name).and_then(|at| u8::try_from(at).ok()).unwrap_or(of)
        };
        let first_batch = held.meta.batches.len();
        let mut new = handed.rows(read)?;
        for atom in &mut new {
            atom.source = place(atom.source);
            atom.batch = atom.batch.saturating_add(u32::try_from(first_batch).unwrap_or(u32::MAX));
        }
        let mut lists = Lists::of(held)?;
        let before = lists.standing();
        lists.add(first_batch, &mut handed.batches, &handed.sources);
        let standing = lists.standing();
        let mut batches = held.meta.batches.clone();
        for (at, batch) in (first_batch..).zip(&handed.batches) {
            batches.push(Some(entry(batch, &handed.sources, &lists, at)));
        }
        let change = Change {
            sources: &sources,
            new,
            gone: HashSet::new(),
            before: &before,
            after: &standing,
            told: self.job.verdicts.iter().flat_map(|(a, b, _)| [*a, *b]).collect(),
            path: &path,
            hubs: self.policy.hubs,
        };
        let mut work = gather(held, change)?;
        work.verdicts.clone_from(&self.job.verdicts);
        let (held_already, reason) = (handed.skipped, Reason::Added);
        let next =
            Next { sources, agreed, batches, first_batch, lists, standing, reason, held_already, is_base: false };
        Ok((work, next, path))
    }

    /// Takes a source or a batch away.
    pub(in crate::link) fn forget(self, what: Forgotten<'_>) -> Result<LinkReport, LinkError> {
        let (name, reason) = match what {
            Forgotten::Batch(name) => (name, Reason::BatchForgotten),
            Forgotten::Source(name) => (name, Reason::SourceForgotten),
        };
        let path = self.store.out().to_owned();
        let unheld = || LinkError::Unheld { path: path.clone(), name: name.to_owned() };
        let held = self.held.as_ref().ok_or_else(unheld)?;
        self.check_policy(held)?;
        let goes = |batch: &HeldBatch| match what {
            Forgotten::Batch(name) => batch.name == name,
            Forgotten::Source(name) => batch.source == name,
        };
        let mut lists = Lists::of(held)?;
        let before = lists.standing();
        let (mut batches, mut gone) = (held.meta.batches.clone(), HashSet::new());
        for (place, batch) in (0..).zip(&mut batches) {
            if batch.as_ref().is_some_and(goes) {
                *batch = None;
                lists.said.remove(&place);
                gone.insert(place);
            }
        }
        if gone.is_empty() {
            return Err(unheld());
        }
        let standing = lists.standing();
        let (sources, agreed) = (held.meta.sources.clone(), held.meta.agreed.clone());
        let change = Change {
            sources: &sources,
            new: Vec::new(),
            gone,
            before: &before,
            after: &standing,
            told: Vec::new(),
            path: &path,
            hubs: self.policy.hubs,
        };
        let work = gather(held, change)?;
        let (first_batch, held_already) = (batches.len(), Vec::new());
        let next =
            Next { sources, agreed, batches, first_batch, lists, standing, reason, held_already, is_base: false };
        self.finish(work, &next, &path)
    }

    /// What the last run found, since there is nothing to do.
    fn nothing(&self, held: &Held, held_already: Vec<String>) -> LinkReport {
        let crosswalk = self.marker.as_ref().map(|marker| marker.sha256.clone()).unwrap_or_default();
        let last = LinkReport { born: 0, merged: 0, split: 0, ..held.meta.report.clone() };
        LinkReport { held_already, events: String::new(), crosswalk, ..last }
    }

    fn check_policy(&self, held: &Held) -> Result<(), LinkError> {
        if held.meta.policy == self.policy.digest() {
            return Ok(());
        }
        Err(LinkError::Mixed { path: self.store.out().to_owned(), what: "policy of linkage" })
    }
}

fn entry(batch: &Given, sources: &[String], lists: &Lists, place: usize) -> HeldBatch {
    let said = u32::try_from(place).ok().and_then(|place| lists.said.get(&place));
    HeldBatch {
        name: batch.name.clone(),
        sha256: batch.sha256.clone(),
        source: sources.get(usize::from(batch.source)).cloned().unwrap_or_default(),
        said_at: said.map(|(_, said)| said.at),
    }
}

/// The catalog's sources, then all added ones in the order of their names.
fn join_sources(held: &[String], handed: &[String]) -> Vec<String> {
    let built_in = catalog::SOURCES.len();
    let mut added: Vec<String> = held.iter().skip(built_in).chain(handed.iter().skip(built_in)).cloned().collect();
    added.sort_unstable();
    added.dedup();
    held.iter().take(built_in).cloned().chain(added).collect()
}
