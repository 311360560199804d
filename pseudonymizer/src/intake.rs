//! The batch being made, as the readers of formats see it: who a record belongs to, where rows go, what is put aside.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use aes::Aes256;
use aes::cipher::{BlockEncrypt, KeyInit};
use serde::{Deserialize, Serialize};

use crate::absent::{self, Absent};
use crate::atoms::{AtomEntry, Home, Owner, Sighting, SightingEntry};
use crate::job::{BatchSecrets, PseudonymizeError};
use crate::layout::Layout;
use crate::leak_scan::LeakScan;
use crate::normalise::insurer::Insurer;
use crate::quarantine::{Beginnings, Quarantine};
use crate::report::{FileReport, Reason};
use crate::rows::Row;
use crate::seal::SealError;
use crate::spool::{Facts, Slice, Spool, bucket_of, bucket_of_digest};
use crate::surrogate::Surrogates;
use crate::tokens::{Identity, Token, TokenKeys};
use crate::{stays, versions};

/// What the batch says of an institution.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FacilityFacts {
    /// Largest number of beds seen.
    pub(crate) beds: Option<i32>,
    /// Seen in DPC data.
    pub(crate) dpc: bool,
}

/// What all units of a batch share.
pub(crate) struct Batch<'a> {
    pub(crate) layouts: &'a BTreeMap<String, Layout>,
    pub(crate) keys: &'a TokenKeys,
    pub(crate) secrets: &'a BatchSecrets,
    pub(crate) absent: &'a Absent,
}

/// Everything a reader may touch, of one unit of work.
pub(crate) struct Intake<'a> {
    pub(crate) layouts: &'a BTreeMap<String, Layout>,
    pub(crate) keys: &'a TokenKeys,
    batch: &'a Batch<'a>,
    cipher: Aes256,
    known: HashMap<Token, bool>,
    spool: Spool,
    scan: LeakScan,
    quarantine: Quarantine,
    begins: Beginnings,
    facilities: BTreeMap<String, FacilityFacts>,
    surrogates: Surrogates,
    unit: u32,
    registered: u64,
    alone: u64,
    pub(crate) file: FileReport,
    progress: &'a dyn Fn(u64, u64) -> bool,
    told: (u64, u64),
    stopped: bool,
    fault: Option<SealError>,
}

/// What a unit leaves.
pub(crate) struct Made {
    pub(crate) slices: Vec<Slice>,
    pub(crate) facilities: BTreeMap<String, FacilityFacts>,
    /// Values that the leak scan compared.
    pub(crate) scanned: u64,
}

/// Records between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 16_384;
/// Identities remembered within a unit.
const KNOWN: usize = 262_144;

impl<'a> Intake<'a> {
    /// An empty intake.
    pub(crate) fn new(
        batch: &'a Batch<'a>,
        unit: u32,
        spool: Spool,
        quarantine: Quarantine,
        progress: &'a dyn Fn(u64, u64) -> bool,
    ) -> Self {
        Self {
            layouts: batch.layouts,
            keys: batch.keys,
            batch,
            cipher: Aes256::new((&*batch.secrets.atom).into()),
            known: HashMap::new(),
            spool,
            scan: LeakScan::new(),
            quarantine,
            begins: Beginnings::default(),
            facilities: BTreeMap::new(),
            surrogates: Surrogates::new(&batch.secrets.record, unit),
            unit,
            registered: 0,
            alone: 0,
            file: FileReport::default(),
            progress,
            told: (0, 0),
            stopped: false,
            fault: None,
        }
    }

    /// Goes on to the next file.
    pub(crate) fn begin_file(&mut self, number: usize, path: &Path, kind: &str) -> Result<(), PseudonymizeError> {
        self.file = FileReport { file: number, kind: kind.to_owned(), ..FileReport::default() };
        self.told = (0, 0);
        self.begins = Beginnings::default();
        Ok(self.quarantine.begin(number, path)?)
    }

    /// Ends a file; what happened to it.
    pub(crate) fn end_file(&mut self) -> Result<FileReport, PseudonymizeError> {
        self.tell();
        match self.fault.take() {
            Some(fault) => Err(fault.into()),
            None if self.stopped => Err(PseudonymizeError::Stopped),
            None => Ok(std::mem::take(&mut self.file)),
        }
    }

    /// Ends the unit: its slices, its institutions, and how many values were scanned.
    pub(crate) fn finish(self) -> Result<Made, PseudonymizeError> {
        self.quarantine.finish()?;
        Ok(Made { slices: self.spool.finish()?, facilities: self.facilities, scanned: self.scan.compared })
    }

    /// Counts a record read, whose bytes are counted already.
    pub(crate) fn read_one(&mut self) {
        self.begins.read(self.file.bytes);
        self.file.records = self.file.records.saturating_add(1);
        if self.file.records.is_multiple_of(PROGRESS_EVERY) {
            self.tell();
        }
    }

    /// Tells how far the unit is. An answer of `false` stops the run at the next row.
    pub(crate) fn tell(&mut self) {
        let (bytes, records) = self.told;
        let now = (self.file.bytes, self.file.records);
        self.stopped |= !(self.progress)(now.0.saturating_sub(bytes), now.1.saturating_sub(records));
        self.told = now;
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
        Ok(self.quarantine.put(record, self.begins.of(record), reason, bytes)?)
    }

    /// The layout of that id; a source is read with the layouts that were loaded for it alone.
    pub(crate) fn layout(&self, id: &str) -> Option<&'a Layout> {
        self.layouts.get(id)
    }

    /// Begins a record of a person: its atom and a fresh surrogate, which is also its claim, stay or document id. `None` if the
    /// person is to stay out; nothing of the record may be written then. An atom without any token is counted.
    pub(crate) fn begin(&mut self, identity: &Identity) -> Option<Owner> {
        let digest = self.keys.digest(identity);
        let atom = self.atom(digest, digest, identity, true)?;
        Some(Owner { atom, record: self.surrogates.draw() })
    }

    /// Begins or goes on with a record that several files tell of: the same words give the same surrogate in a batch, whatever
    /// the order of the files. The atom is that of institution and chart number alone.
    pub(crate) fn resume(&mut self, identity: &Identity, case: &[&str]) -> Option<Owner> {
        let chart =
            Identity { facility: identity.facility.clone(), chart: identity.chart.clone(), ..Identity::default() };
        let atom = self.atom(self.keys.digest(&chart), self.keys.digest(identity), identity, false)?;
        let record = self.permuted(self.keys.record_digest(case));
        Some(Owner { atom, record: record.first_chunk().map_or(0, |half| u64::from_be_bytes(*half)) })
    }

    /// Begins a record that names its person by long-term care insurer and number, as the forms of LIFE do. The atom is that of
    /// the two alone, so that the users' file adds the rest to it.
    pub(crate) fn begin_insured(&mut self, identity: &Identity) -> Option<Owner> {
        if identity.ltc_insurer.is_none() || identity.ltc_number.is_none() {
            return self.begin(identity);
        }
        let insured = Identity {
            ltc_insurer: identity.ltc_insurer.clone(),
            ltc_number: identity.ltc_number.clone(),
            ..Identity::default()
        };
        let atom = self.atom(self.keys.digest(&insured), self.keys.digest(identity), identity, false)?;
        Some(Owner { atom, record: self.surrogates.draw() })
    }

    /// The atom of an identity. `anchor` is the digest that names the atom, `whole` the one of all that is known; `complete` where no
    /// other file says more about the same atom.
    fn atom(&mut self, anchor: Token, whole: Token, identity: &Identity, complete: bool) -> Option<Token> {
        let mut id = self.permuted(anchor);
        // One set of identifiers may stand for two atoms: by all that it says, and by its number alone.
        let mut named = id;
        named.iter_mut().zip(whole).for_each(|(byte, other)| *byte ^= other);
        if let Some(absent) = self.known.get(&named) {
            if *absent {
                self.note(Reason::Absent);
                return None;
            }
            self.scan.person(id, named, identity);
            return Some(id);
        }
        let tokens = self.keys.tokens(identity);
        let absent = self.batch.absent.holds(&tokens);
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        if absent {
            self.known.insert(named, true);
            self.keep(Facts::Absent, bucket_of_digest(&id, self.spool.buckets()), |to| absent::put(&tokens, to));
            self.note(Reason::Absent);
            return None;
        }
        if tokens.iter().all(Option::is_none) {
            self.note(Reason::Unlinkable);
            if complete {
                // The scan knows each of them by its own name.
                id = self.alone(whole);
                named = id;
            }
        } else {
            self.known.insert(named, false);
        }
        self.scan.person(id, named, identity);
        let entry = AtomEntry {
            id,
            tokens,
            birth_date: identity.born().map(catalog::codes::days),
            birth_month: identity.birth.map(|birth| catalog::codes::days(birth.month)),
            sex: identity.sex.and_then(|sex| sex.code().bytes().next()),
            insured: identity.insurer.is_some() || identity.ltc_insurer.is_some(),
            fields: identity.to_fields().into(),
        };
        self.keep(Facts::Atom, bucket_of_digest(&id, self.spool.buckets()), |to| entry.put(to));
        Some(id)
    }

    /// The atom of a record that says too little for any token, and is not one of those that another file completes: its own. Two of
    /// them, with the same few words or none, may be two persons.
    fn alone(&mut self, whole: Token) -> Token {
        self.alone = self.alone.saturating_add(1);
        let parts = [&whole[..], &self.unit.to_be_bytes(), &self.alone.to_be_bytes()];
        self.permuted(self.keys.record_digest(&parts))
    }

    fn permuted(&self, digest: Token) -> Token {
        let mut block = digest.into();
        self.cipher.encrypt_block(&mut block);
        block.into()
    }

    /// Says what a record is, so that the last valid one of a key stands and equal ones count once.
    pub(crate) fn register(&mut self, owner: Owner, version: &Version<'_>) {
        let content = self.keys.record_digest(version.content);
        let key = version.key.map_or(content, |key| self.keys.record_digest(key));
        self.registered = self.registered.saturating_add(1);
        let entry = versions::Entry {
            key,
            order: version.order,
            sequence: (u64::from(self.unit) << 40) | self.registered,
            content,
            record: owner.record,
            together: version.together,
            withdraws: version.withdraws,
        };
        self.keep(Facts::Version, bucket_of_digest(&key, self.spool.buckets()), |to| entry.put(to));
    }

    /// Adds to a stay what its acts say.
    pub(crate) fn add_to_stay(&mut self, stay: Owner, points: Option<i32>, dpc_code: Option<&str>) {
        let bucket = bucket_of(stay.record, self.spool.buckets());
        self.keep(Facts::Stay, bucket, |to| stays::Addition::put(to, stay.record, points, dpc_code));
    }

    /// Adds what a record says about its person.
    pub(crate) fn saw(&mut self, owner: Owner, sighting: Sighting) {
        let entry = SightingEntry::of(owner, &sighting);
        self.keep(Facts::Sighting, bucket_of_digest(&owner.atom, self.spool.buckets()), |to| entry.put(to));
    }

    /// Facts that cannot be written end the unit at its next row.
    fn keep(&mut self, kind: Facts, bucket: u32, put: impl FnOnce(&mut Vec<u8>)) {
        if let Err(fault) = self.spool.facts(kind, bucket, put) {
            self.fault.get_or_insert(fault);
        }
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

    /// Writes a row, unless one of its values is an identifier of its person: that stops the batch.
    pub(crate) fn row<R: Row>(&mut self, owner: Owner, row: &R) -> Result<(), PseudonymizeError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault.into());
        }
        if self.stopped {
            return Err(PseudonymizeError::Stopped);
        }
        self.scan.of(owner.atom);
        let mut leak = None;
        let scan = &mut self.scan;
        row.texts(&mut |column, text| {
            if leak.is_none() && !row.is_institution(column) && scan.is_own(text) && !is_public_code(column, text) {
                leak = Some(column);
            }
        });
        row.numbers(&mut |column, number| {
            if leak.is_none() && scan.is_own_number(number) {
                leak = Some(column);
            }
        });
        if let Some(column) = leak {
            let (file, record) = (self.file.file, self.file.records);
            return Err(PseudonymizeError::Leak { file, record, column: format!("{}.{column}", row.table()) });
        }
        Ok(self.spool.row(owner, row)?)
    }
}

/// Whether a value stands in the public list of its column's codes: such a value is nobody's, even if somebody's number equals it.
fn is_public_code(column: &str, text: &str) -> bool {
    match column {
        "disease_code" => catalog::codes::icd10_of_disease(text).is_some(),
        "drug_code" | "item_code" | "yj_code" | "procedure_code" | "material_code" | "jlac" | "service_code"
        | "dpc_code" => catalog::codes::is_listed(text),
        _ => false,
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
