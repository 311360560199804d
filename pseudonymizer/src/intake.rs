//! The batch being made, as the readers of formats see it: who a record belongs to, where rows go, what is put aside.

use std::collections::{BTreeMap, HashSet};

use crate::atoms::{Atom, Atoms, Home, Sighting};
use crate::content::Content;
use crate::job::{Progress, PseudonymizeError};
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

    /// The atom of an identity; one without any token is counted.
    pub(crate) fn atom(&mut self, identity: &Identity) -> Atom {
        let atom = self.atoms.of(identity, &self.keys);
        if !self.atoms.has_token(atom) {
            self.note(Reason::Unlinkable);
        }
        atom
    }

    /// Adds what a record says about its person.
    pub(crate) fn saw(&mut self, atom: Atom, sighting: Sighting) {
        self.atoms.saw(atom, sighting);
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
    pub(crate) fn row<R: Row>(&mut self, atom: Atom, row: &R) -> Result<(), PseudonymizeError> {
        Ok(self.content.push(self.atoms.id(atom), row)?)
    }
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
