//! Atoms: tokens to the linkage zone, facts on persons to the enclave, identifiers to the holder alone; all in the order of the
//! atoms' random ids. A kind of token that too many atoms share is refused for the batch.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int32Array, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use jiff::ToSpan as _;
use jiff::civil::Date;
use policies::keys::SealRecipient;

use super::Gone;
use crate::absent::Absent;
use crate::atoms::{AtomEntry, AtomFacts, SightingEntry, gather};
use crate::intake::FacilityFacts;
use crate::job::folder::Folder;
use crate::job::units::Plan;
use crate::job::work::Done;
use crate::job::{Job, PseudonymizeError};
use crate::seal::{BatchWriter, SealError};
use crate::spool::Facts;
use crate::tokens::admission::admit;
use crate::tokens::{Identity, KINDS, Kind, Token, columns};

/// Rows of one Arrow batch.
const ROWS: usize = 8192;
/// Tokens counted in memory at a time, over the kinds that are counted together.
const COUNTED: usize = 12 * 1024 * 1024;

/// All atoms of a batch.
pub(super) struct People<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) folder: &'a Folder,
    pub(super) plan: &'a Plan,
    pub(super) parts: &'a [Done],
    pub(super) gone: &'a Gone,
    pub(super) absent: &'a Absent,
    pub(super) epoch: &'a str,
    pub(super) batch: &'a str,
}

/// Atoms; tokens by kind; by refused kind, how many atoms share one token.
type Counts = (u64, BTreeMap<String, u64>, BTreeMap<String, u64>);

impl People<'_> {
    /// Writes the three files.
    pub(super) fn write(&self) -> Result<Counts, PseudonymizeError> {
        let (atoms, shared) = self.admission()?;
        let refused: [bool; KINDS] = shared.map(|(admitted, _)| !admitted);
        let enclave = &self.job.release_to;
        let mut tokens = self.writer(
            "tokens/tokens.arrow.age",
            self.with_absent(self.token_schema(), &refused)?,
            &self.job.link_to,
        )?;
        let mut person = self.writer("content/person.arrow.age", catalog::person_facts_schema(), enclave)?;
        let holder = self.job.keys.recipient().map_err(PseudonymizeError::Keys)?;
        let mut identities = self.writer("holder/identities.arrow.age", identity_schema(), &holder)?;
        let mut made = [0_u64; KINDS];
        for bucket in 0..self.plan.buckets {
            let facts = self.bucket(bucket)?;
            for some in facts.chunks(ROWS) {
                tokens.write(token_columns(some, &refused, &mut made))?;
                person.write(person_columns(some))?;
                identities.write(identity_columns(some))?;
            }
        }
        for file in [tokens, person, identities] {
            file.file.finish()?;
        }
        let named = |kind: &Kind| kind.name().to_owned();
        let made = Kind::AT_REST.iter().zip(made).map(|(kind, count)| (named(kind), count)).collect();
        let hubs = Kind::AT_REST.iter().zip(shared).filter(|(_, (admitted, _))| !admitted);
        let refused = hubs.map(|(kind, (_, most))| (named(kind), most)).collect();
        Ok((atoms, made, refused))
    }

    /// Atoms of a bucket, in the order of their ids.
    fn bucket(&self, bucket: u32) -> Result<Vec<AtomFacts>, PseudonymizeError> {
        let key = &self.folder.secrets().spool;
        let (mut entries, mut sightings) = (Vec::new(), Vec::new());
        for done in self.parts {
            for piece in done.part.facts(Facts::Atom, bucket, key)? {
                entries.extend(AtomEntry::all(&piece));
            }
            for piece in done.part.facts(Facts::Sighting, bucket, key)? {
                let standing = |entry: &SightingEntry| self.gone.stands(entry.record, done.unit);
                sightings.extend(SightingEntry::all(&piece).into_iter().filter(standing));
            }
        }
        Ok(gather(entries, sightings))
    }

    /// Counts atoms, and for each kind the atoms that share its commonest token.
    fn admission(&self) -> Result<(u64, [(bool, u64); KINDS]), PseudonymizeError> {
        let bound = u64::from(self.job.options.max_multiplicity);
        let mut most = [(true, 0); KINDS];
        let mut atoms = 0_u64;
        let mut from = 0;
        while from < KINDS {
            let mut counted: Vec<Vec<u64>> = vec![Vec::new(); KINDS.saturating_sub(from)];
            atoms = 0;
            for bucket in 0..self.plan.buckets {
                for facts in self.bucket(bucket)? {
                    atoms = atoms.saturating_add(1);
                    for (halves, token) in counted.iter_mut().zip(facts.entry.tokens.iter().skip(from)) {
                        halves.extend(token.as_ref().and_then(half));
                    }
                }
                // Kinds that do not fit into memory beside the others are counted in another pass.
                while counted.iter().map(Vec::len).sum::<usize>() > COUNTED && counted.len() > 1 {
                    counted.pop();
                }
            }
            let kinds = counted.len();
            for (most, halves) in most.iter_mut().skip(from).zip(counted) {
                let admission = admit(halves, bound);
                *most = (admission.admitted, admission.max_multiplicity);
            }
            from = from.saturating_add(kinds);
        }
        Ok((atoms, most))
    }

    /// Writes what the batch says of institutions; how many.
    pub(super) fn write_facilities(&self) -> Result<u64, PseudonymizeError> {
        let mut all: BTreeMap<&str, FacilityFacts> = BTreeMap::new();
        for (code, facts) in self.parts.iter().flat_map(|done| &done.finished.facilities) {
            let known = all.entry(code).or_default();
            known.beds = known.beds.max(facts.beds);
            known.dpc |= facts.dpc;
        }
        let all: Vec<(&str, FacilityFacts)> = all.into_iter().collect();
        let schema = catalog::facility_facts_schema();
        let mut file = self.writer("content/facility.arrow.age", schema, &self.job.release_to)?;
        for some in all.chunks(ROWS) {
            let codes: ArrayRef = Arc::new(some.iter().map(|(code, _)| Some(*code)).collect::<StringArray>());
            let beds: ArrayRef = Arc::new(some.iter().map(|(_, facts)| facts.beds).collect::<Int32Array>());
            let dpc: ArrayRef = Arc::new(some.iter().map(|(_, facts)| Some(facts.dpc)).collect::<BooleanArray>());
            file.write(Ok(vec![codes, beds, dpc]))?;
        }
        file.file.finish()?;
        Ok(u64::try_from(all.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn writer(
        &self,
        name: &str,
        schema: SchemaRef,
        to: &SealRecipient,
    ) -> Result<Sealed, PseudonymizeError> {
        let path = self.folder.path(name);
        let file = BatchWriter::create(&path, &schema, to)?;
        Ok(Sealed { path, schema, file })
    }

    fn token_schema(&self) -> SchemaRef {
        columns::schema(self.job.source.as_str(), self.batch, self.epoch, &self.job.release_to)
    }
}

/// A sealed file being written.
pub(super) struct Sealed {
    path: PathBuf,
    pub(super) schema: SchemaRef,
    pub(super) file: BatchWriter,
}

impl Sealed {
    pub(super) fn write(&mut self, columns: Result<Vec<ArrayRef>, ArrowError>) -> Result<(), SealError> {
        let batch = columns.and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns));
        self.file.write(&batch.map_err(|cause| SealError::Arrow { path: self.path.clone(), cause })?)
    }
}

fn half(token: &Token) -> Option<u64> {
    token.first_chunk().map(|half| u64::from_be_bytes(*half))
}

fn ids(atoms: &[AtomFacts]) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(FixedSizeBinaryArray::try_from_iter(atoms.iter().map(|atom| atom.entry.id))?))
}

fn token_columns(
    atoms: &[AtomFacts],
    refused: &[bool; KINDS],
    made: &mut [u64; KINDS],
) -> Result<Vec<ArrayRef>, ArrowError> {
    let mut columns = vec![ids(atoms)?];
    for (kind, (refused, made)) in refused.iter().zip(made).enumerate() {
        let mut column = FixedSizeBinaryBuilder::with_capacity(atoms.len(), 16);
        for atom in atoms {
            match atom.entry.tokens.get(kind).copied().flatten().filter(|_| !refused) {
                Some(token) => {
                    column.append_value(token)?;
                    *made = made.saturating_add(1);
                }
                None => column.append_null(),
            }
        }
        columns.push(Arc::new(column.finish()));
    }
    columns.extend(months(atoms));
    Ok(columns)
}

/// First and last month of the insurer line.
fn months(atoms: &[AtomFacts]) -> [ArrayRef; 2] {
    let month = |of: fn((i32, i32)) -> i32| -> ArrayRef {
        let seen = atoms.iter().map(|atom| atom.seen.filter(|_| atom.entry.insured));
        let months = seen.map(|seen| seen.map(|seen| first_of_month(of(seen))));
        Arc::new(months.collect::<Date32Array>())
    };
    [month(|(first, _)| first), month(|(_, last)| last)]
}

/// The first day of a day's month, both since 1970-01-01.
fn first_of_month(days: i32) -> i32 {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    EPOCH.checked_add(i64::from(days).days()).map_or(days, |date| catalog::codes::days(date.first_of_month()))
}

fn person_columns(atoms: &[AtomFacts]) -> Result<Vec<ArrayRef>, ArrowError> {
    let date =
        |of: fn(&AtomFacts) -> Option<i32>| -> ArrayRef { Arc::new(atoms.iter().map(of).collect::<Date32Array>()) };
    let text =
        |of: fn(&AtomFacts) -> Option<String>| -> ArrayRef { Arc::new(atoms.iter().map(of).collect::<StringArray>()) };
    Ok(vec![
        ids(atoms)?,
        date(|atom| atom.entry.birth_date),
        date(|atom| atom.entry.birth_month),
        text(|atom| atom.entry.sex.map(|sex| char::from(sex).to_string())),
        text(|atom| atom.home.map(|(_, home)| format!("{:02}", home.prefecture))),
        text(|atom| atom.home.and_then(|(_, home)| home.municipality).map(|code| format!("{code:05}"))),
        date(|atom| atom.home.map(|(on, _)| on)),
        date(|atom| atom.seen.map(|(first, _)| first)),
        date(|atom| atom.seen.map(|(_, last)| last)),
        date(|atom| atom.died),
    ])
}

/// An atom's normalised identifiers, kept by the holder: to make the tokens of one linkage run or of the next epoch, and to answer
/// questions of the linkage zone. With the months of the token file, which is made again for the next epoch.
fn identity_schema() -> SchemaRef {
    let atom = Field::new("atom", DataType::FixedSizeBinary(16), false);
    let fields = Identity::FIELDS.map(|name| Field::new(name, DataType::Utf8, true));
    let months = columns::MONTHS.map(|name| Field::new(name, DataType::Date32, true));
    Arc::new(Schema::new([atom].into_iter().chain(fields).chain(months).collect::<Vec<_>>()))
}

fn identity_columns(atoms: &[AtomFacts]) -> Result<Vec<ArrayRef>, ArrowError> {
    let mut columns = vec![ids(atoms)?];
    for place in 0..Identity::FIELDS.len() {
        let texts = atoms.iter().map(|atom| atom.entry.fields.get(place).and_then(Option::as_deref));
        columns.push(Arc::new(texts.collect::<StringArray>()));
    }
    columns.extend(months(atoms));
    Ok(columns)
}
