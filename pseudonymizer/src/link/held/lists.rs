//! What each held batch said of persons who stay out, so that the newest list of a source decides whatever comes later.

use std::collections::BTreeMap;

use policies::keys::SealRecipient;

use super::bytes::put;
use super::sealed::{Reader, Writer};
use super::{Held, LISTS, numbers};
use crate::absent;
use crate::link::LinkError;
use crate::link::absent::{Said, Standing};
use crate::link::atoms::KINDS;
use crate::link::tokens::Given;

/// Bytes of one person's tokens, as [`absent::put`] writes them.
const PERSON: usize = KINDS * 17;

/// The lists of all batches that brought one.
#[derive(Default)]
pub(crate) struct Lists {
    /// By place of the batch: name of its source, and what it said.
    pub(crate) said: BTreeMap<u32, (String, Said)>,
}

impl Lists {
    /// What is held.
    pub(crate) fn of(held: &Held) -> Result<Self, LinkError> {
        let mut lists = Self::default();
        if held.batches().all(|batch| batch.said_at.is_none()) {
            return Ok(lists);
        }
        for run in &held.runs {
            let path = run.folder.join(LISTS);
            let bytes = Reader::open(&path, &held.identity)?.read_all()?;
            let mut from = numbers(&bytes);
            while !from.0.is_empty() {
                let lacks = || LinkError::Form { path: path.clone(), what: "lists" };
                let (batch, persons) = from.small().zip(from.small()).ok_or_else(lacks)?;
                let length = usize::try_from(persons).unwrap_or(usize::MAX).saturating_mul(PERSON);
                let (piece, rest) = from.0.split_at_checked(length).ok_or_else(lacks)?;
                from.0 = rest;
                let known = usize::try_from(batch).ok().and_then(|at| held.meta.batches.get(at)?.as_ref());
                if let Some((source, at)) = known.and_then(|known| Some((known.source.clone(), known.said_at?))) {
                    lists.said.insert(batch, (source, Said { at, persons: absent::all(piece).collect() }));
                }
            }
        }
        Ok(lists)
    }

    /// Adds what new batches say; the first of them gets the place `first`.
    pub(crate) fn add(&mut self, first: usize, batches: &mut [Given], sources: &[String]) {
        for (place, batch) in (first..).zip(batches) {
            let source = sources.get(usize::from(batch.source)).cloned();
            if let (Ok(place), Some(source), Some(said)) = (u32::try_from(place), source, batch.said.take()) {
                self.said.insert(place, (source, said));
            }
        }
    }

    /// What stands, by name of the source.
    pub(crate) fn standing(&self) -> BTreeMap<String, Standing> {
        let mut by_source: BTreeMap<&String, Vec<&Said>> = BTreeMap::new();
        for (source, said) in self.said.values() {
            by_source.entry(source).or_default().push(said);
        }
        by_source.into_iter().map(|(source, said)| (source.clone(), Standing::of(&said))).collect()
    }

    /// Writes the lists of some batches.
    pub(super) fn write(
        &self,
        path: &std::path::Path,
        to: &SealRecipient,
        which: impl Fn(u32) -> bool,
    ) -> Result<(), LinkError> {
        let mut file = Writer::create(path, to)?;
        for (batch, (_, said)) in self.said.iter().filter(|(batch, _)| which(**batch)) {
            let mut bytes = Vec::new();
            put(u64::from(*batch), &mut bytes);
            put(said.persons.len() as u64, &mut bytes);
            said.persons.iter().for_each(|tokens| absent::put(tokens, &mut bytes));
            file.write(&bytes)?;
        }
        file.finish()
    }
}
