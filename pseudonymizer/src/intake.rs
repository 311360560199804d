//! The batch being made, as the readers of formats see it: who a record belongs to, where rows go, what is put aside.

use std::collections::{BTreeMap, HashSet};

use crate::atoms::{Atoms, Home, Owner, Sighting};
use crate::content::Content;
use crate::job::{Progress, PseudonymizeError};
use crate::layout::Layout;
use crate::normalise::insurer::Insurer;
use crate::quarantine::Quarantine;
use crate::report::{FileReport, Reason};
use crate::rows::Row;
use crate::surrogate::Surrogates;
use crate::tokens::{Identity, Token, TokenKeys};

/// What the batch says of an institution.
#[derive(Clone, Copy, Default)]
pub(crate) struct FacilityFacts {
    /// Largest number of beds seen.
    pub(crate) beds: Option<i32>,
    /// Seen in DPC data.
    pub(crate) dpc: bool,
}

/// Everything a reader may touch.
pub(crate) struct Intake<'a> {
    pub(crate) layouts: &'a BTreeMap<String, Layout>,
    pub(crate) keys: TokenKeys,
    pub(crate) atoms: Atoms,
    pub(crate) content: Content,
    pub(crate) quarantine: Quarantine,
    pub(crate) facilities: BTreeMap<String, FacilityFacts>,
    pub(crate) surrogates: Surrogates,
    pub(crate) file: FileReport,
    pub(crate) seen: HashSet<Token>,
    pub(crate) files: usize,
    pub(crate) progress: &'a mut dyn FnMut(Progress),
}

/// Records between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 65_536;

impl Intake<'_> {
    /// Counts a record read.
    pub(crate) fn read_one(&mut self) {
        self.file.records = self.file.records.saturating_add(1);
        if self.file.records.is_multiple_of(PROGRESS_EVERY) {
            self.tell();
        }
    }

    /// Tells how far the run is.
    pub(crate) fn tell(&mut self) {
        (self.progress)(Progress {
            file: self.file.file,
            files: self.files,
            bytes: self.file.bytes,
            records: self.file.records,
        });
    }

    /// Counts.
    pub(crate) fn note(&mut self, reason: Reason) {
        self.file.note(reason);
    }

    /// Counts something that passed whole.
    pub(crate) fn passed(&mut self) {
        self.file.passed = self.file.passed.saturating_add(1);
    }

    /// Counts a cell that has another form, and gives the value of one that has not.
    pub(crate) fn value<T>(&mut self, reading: crate::cell::Reading<T>) -> Option<T> {
        let (value, malformed) = reading.split();
        if malformed {
            self.note(Reason::CellForm);
        }
        value
    }

    /// Reads a cell: nothing if blank, counted if of another form.
    pub(crate) fn cell<'c, T>(&mut self, cell: &'c [u8], read: impl FnOnce(&'c [u8]) -> Option<T>) -> Option<T> {
        self.value(crate::cell::Reading::of(cell, read(cell)))
    }

    /// Reads an identifier: nothing if blank, counted if unreadable.
    pub(crate) fn identifier<T>(&mut self, cell: &[u8], read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        if cell.iter().all(|byte| *byte == b' ') {
            return None;
        }
        let value = crate::cell::cp932(cell).and_then(|written| read(&written));
        if value.is_none() {
            self.note(Reason::IdentifierForm);
        }
        value
    }

    /// Reads an identifier that is text already: nothing if blank, counted if unreadable.
    pub(crate) fn written<T>(&mut self, written: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        if written.chars().all(crate::normalise::text::is_blank) {
            return None;
        }
        let value = read(written);
        if value.is_none() {
            self.note(Reason::IdentifierForm);
        }
        value
    }

    /// Reads an insurer number; one whose check digit fails is kept and counted.
    pub(crate) fn insurer(&mut self, cell: &[u8]) -> Option<Insurer> {
        let insurer = self.identifier(cell, Insurer::read)?;
        if !insurer.check_digit_holds() {
            self.note(Reason::CheckDigit);
        }
        Some(insurer)
    }

    /// Puts a record aside.
    pub(crate) fn put_aside(&mut self, record: u64, reason: Reason, bytes: &[u8]) -> Result<(), PseudonymizeError> {
        self.note(reason);
        self.file.quarantined = self.file.quarantined.saturating_add(1);
        Ok(self.quarantine.put(record, reason, bytes)?)
    }

    /// Whether a record of that content came before.
    pub(crate) fn came_before<B: AsRef<[u8]>>(&mut self, parts: &[B]) -> bool {
        !self.seen.insert(self.keys.record_digest(parts))
    }

    /// The layout of that id; a source is read with the layouts that were loaded for it alone.
    pub(crate) fn layout(&self, id: &str) -> Option<&'_ Layout> {
        self.layouts.get(id)
    }

    /// Begins a record of a person: its atom and a fresh surrogate, which is also its claim, stay or document id. `None` if the
    /// person is to stay out; nothing of the record may be written then. An atom without any token is counted.
    pub(crate) fn begin(&mut self, identity: &Identity) -> Option<Owner> {
        let atom = self.atoms.of(identity, &self.keys);
        if !self.atoms.has_token(atom) {
            self.note(Reason::Unlinkable);
        }
        Some(Owner { atom, record: self.surrogates.draw() })
    }

    /// Begins or goes on with a record that several files tell of: the same words give the same surrogate in a batch, whatever
    /// the order of the files. The atom is that of institution and chart number alone.
    pub(crate) fn resume(&mut self, identity: &Identity, case: &[&str]) -> Option<Owner> {
        let atom = self.atoms.of(identity, &self.keys);
        let digest = self.keys.record_digest(case);
        let record = digest.first_chunk().map_or(0, |half| u64::from_be_bytes(*half));
        Some(Owner { atom, record })
    }

    /// Says what a record is, so that the last valid one of a key stands and equal ones count once.
    pub(crate) fn register(&mut self, _owner: Owner, _version: &Version<'_>) {}

    /// Adds to a stay what its acts say.
    pub(crate) fn add_to_stay(&mut self, _stay: Owner, _points: Option<i32>, _dpc_code: Option<&str>) {}

    /// Adds what a record says about its person.
    pub(crate) fn saw(&mut self, owner: Owner, sighting: Sighting) {
        self.atoms.saw(owner.atom, sighting);
    }

    /// Adds what a record says about its institution.
    pub(crate) fn saw_facility(&mut self, code: &str, beds: Option<i32>, dpc: bool) {
        let facts = match self.facilities.get_mut(code) {
            Some(facts) => facts,
            None => self.facilities.entry(code.to_owned()).or_default(),
        };
        facts.beds = facts.beds.max(beds);
        facts.dpc |= dpc;
    }

    /// Writes a row.
    pub(crate) fn row<R: Row>(&mut self, owner: Owner, row: &R) -> Result<(), PseudonymizeError> {
        Ok(self.content.push(self.atoms.id(owner.atom), row)?)
    }
}

/// Which record it is, and how it stands to others of the same key.
pub(crate) struct Version<'v> {
    /// What makes two records the same one, corrected: e.g. institution, month, kind and person. None: only equal content counts.
    pub(crate) key: Option<&'v [&'v [u8]]>,
    /// All that it says; the same key and content is a duplicate.
    pub(crate) content: &'v [&'v [u8]],
    /// Later is valid: e.g. the month of the claim as `year * 12 + month`.
    pub(crate) order: i64,
    /// Whether several of one order stand beside each other; otherwise the one read last stands.
    pub(crate) together: bool,
    /// Whether it takes away those of its key and of its own or an earlier order, itself too.
    pub(crate) withdraws: bool,
}

/// Where people of an insurer live, if it is a prefecture's own.
pub(crate) fn home_of_insurer(insurer: Option<&Insurer>) -> Option<Home> {
    insurer.and_then(Insurer::prefecture).map(|prefecture| Home { prefecture, municipality: None })
}

/// The home that a postcode says.
pub(crate) fn home_of_postcode(written: &str) -> Option<Home> {
    let code: u32 = crate::normalise::postcode::municipality(written)?.parse().ok()?;
    Some(Home { prefecture: u8::try_from(code / 1000).ok()?, municipality: Some(code) })
}
