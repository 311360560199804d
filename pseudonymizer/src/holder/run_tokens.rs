//! The composites and variants of one linkage run, made from a batch's retained identities under the run's key, which is wiped after
//! the run (`research/pseudonymization-anchors.md`, part 3).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, ListBuilder, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use jiff::Timestamp;
use policies::keys::{KeyFolder, RunId, RunKey, SealRecipient};

use super::HolderError;
use super::asked::{Asked, OnlyAsked};
use super::batch::{Held, Known};
use super::table::Table;
use crate::delivery::{self, Delivery};
use crate::normalise;
use crate::tokens::admission::admit;
use crate::tokens::{Kind, RunTokenKeys, Token, TokenKeys, bands, columns};

/// The sealed file.
const RUN: &str = "run.arrow.age";

/// Metadata entry of a file that holds asked atoms alone: the digest of the request.
pub(crate) const ASKED: &str = "sudare.asked";

/// The columns of the names' frequency bands.
const BANDS: [&str; 2] = ["family_band", "given_band"];

/// Tokens counted in memory at a time, over the kinds that are counted together.
const COUNTED: usize = 8 * 1024 * 1024;

/// What to make.
#[derive(Clone)]
pub struct RunTokensJob<'a> {
    /// The holder's keys, with the run's.
    pub keys: &'a KeyFolder,
    /// The batch.
    pub batch: &'a Path,
    /// Which run.
    pub run: &'a RunId,
    /// Whom it is sealed to: the linkage zone.
    pub link_to: SealRecipient,
    /// Persons that may share one token of a kind; above, the kind is refused. A part of the source's policy.
    pub max_multiplicity: u32,
    /// The atoms that the linkage zone asks for; all of the batch if it does not.
    pub only: Option<OnlyAsked<'a>>,
    /// The folder to make.
    pub out: &'a Path,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTokens {
    /// The batch's random name.
    pub batch: String,
    /// SHA-256 of the sealed file, hexadecimal.
    pub sha256: String,
    /// Fingerprint of the run's key.
    pub key: String,
    /// Atoms that have rows.
    pub atoms: u64,
    /// SHA-256 of the signed request, hexadecimal, if atoms were asked for.
    pub asked: Option<String>,
    /// Atoms that have a token of the kind.
    pub tokens: BTreeMap<&'static str, u64>,
    /// Kinds that were left out, because a value of theirs is shared by too many persons; how many share it.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Makes `run.arrow.age` and `run.sig` in a new folder.
pub fn run_tokens(job: &RunTokensJob<'_>, now: Timestamp) -> Result<RunTokens, HolderError> {
    let run = job.keys.run_key(job.run, now)?;
    let held = Held::open(job.keys, job.batch)?;
    let asked = job.only.as_ref().map(|only| Asked::read(only, job.keys, &held)).transpose()?;
    let keys = RunTokenKeys::derive(run.bytes());
    let kinds: Vec<Kind> = keys.kinds().collect();
    let refused = admission(job, &held, &run, &keys)?;
    let out = Delivery::begin(job.out).map_err(HolderError::io(job.out))?;
    let path = out.path(RUN);
    let digest = asked.as_ref().map(|asked| asked.digest.clone());
    let mut table = Table::create(&path, schema(&held, &run, &kinds, digest.as_ref()), &job.link_to)?;
    let (mut made, mut atoms) = (vec![0_u64; kinds.len()], 0_u64);
    held.each(job.keys, |some| {
        let is_asked = |known: &&Known| asked.as_ref().is_none_or(|asked| asked.atoms.contains(&known.atom));
        let some: Vec<&Known> = some.iter().filter(is_asked).collect();
        if some.is_empty() {
            return Ok(());
        }
        atoms = atoms.saturating_add(some.len() as u64);
        Ok(table.write(rows(&keys, &kinds, &refused, &some, &mut made))?)
    })?;
    if let Some(asked) = asked {
        asked.all_found(atoms, &held)?;
    }
    table.finish()?;
    let sha256 = delivery::sign(&path, &job.keys.signing("sign")?).map_err(HolderError::io(&path))?;
    out.publish().map_err(HolderError::io(job.out))?;
    let named = kinds.iter().map(|kind| kind.name());
    Ok(RunTokens {
        batch: held.manifest.batch,
        sha256,
        key: run.bytes().fingerprint(),
        atoms,
        asked: digest,
        tokens: named.clone().zip(made).collect(),
        refused: named.zip(refused).filter_map(|(kind, most)| Some((kind, most?))).collect(),
    })
}

/// For each kind that may not leave, how many persons share its commonest token.
///
/// Who guesses values by how often they come compares with how many people have a name or a birth date. A person whose card or chart
/// changed is there as several atoms, all with the same name: they say nothing of how common the name is, and make none easier to
/// guess. So it is persons that are counted, as far as this holder can tell them apart ([`Persons`]).
///
/// That is counted over the whole batch, also where some of its atoms alone are asked for: of few rows each value is rare, and it would
/// be a way around the bound to ask for the atoms of a placeholder a few at a time.
fn admission(
    job: &RunTokensJob<'_>,
    held: &Held,
    run: &RunKey,
    keys: &RunTokenKeys,
) -> Result<Vec<Option<u64>>, HolderError> {
    let kinds = keys.kinds().count();
    let bound = u64::from(job.max_multiplicity);
    let persons = Persons::read(job, held, run)?;
    let mut refused = Vec::with_capacity(kinds);
    while refused.len() < kinds {
        let from = refused.len();
        let mut counted: Vec<Vec<(u64, u32)>> = vec![Vec::new(); kinds.saturating_sub(from)];
        let mut of = persons.0.iter();
        held.each(job.keys, |some| {
            for (known, person) in some.iter().zip(of.by_ref()) {
                for (place, halves) in (from..).zip(&mut counted) {
                    halves.extend(
                        keys.tokens(place, &known.identity).iter().filter_map(half).map(|half| (half, *person)),
                    );
                }
            }
            // Kinds that do not fit into memory beside the others are counted in another pass.
            while counted.iter().map(Vec::len).sum::<usize>() > COUNTED && counted.len() > 1 {
                counted.pop();
            }
            Ok(())
        })?;
        refused.extend(counted.into_iter().map(|mut halves| {
            halves.sort_unstable();
            halves.dedup();
            let admission = admit(halves.into_iter().map(|(half, _)| half), bound);
            (!admission.admitted).then_some(admission.max_multiplicity)
        }));
    }
    Ok(refused)
}

/// A number for each atom's person, in the order of the batch: atoms of one name, birth date and sex, or else of one insured number,
/// are one. What more atoms share than persons may share a token is a placeholder and nobody's: its atoms count one by one.
struct Persons(Vec<u32>);

impl Persons {
    fn read(job: &RunTokensJob<'_>, held: &Held, run: &RunKey) -> Result<Self, HolderError> {
        // Under the run's key, so that no other is needed; these never leave.
        let keys = TokenKeys::derive(run.bytes());
        let mut marks: [Vec<(u64, u32)>; 2] = Default::default();
        let mut atoms = 0_u32;
        held.each(job.keys, |some| {
            for (atom, known) in (atoms..).zip(some) {
                let tokens = keys.tokens(&known.identity);
                for (kind, marks) in [Kind::A3, Kind::B1].into_iter().zip(&mut marks) {
                    let mark = tokens.get(kind.place()).and_then(|token| half(token.as_ref()?));
                    marks.extend(mark.map(|mark| (mark, atom)));
                }
            }
            atoms = atoms.saturating_add(u32::try_from(some.len()).unwrap_or(u32::MAX));
            Ok(())
        })?;
        // Each atom is its own, unless others share its number; whose name others share is theirs, whatever its number.
        let mut persons: Vec<u32> = (0..atoms).collect();
        for mut marks in marks {
            marks.sort_unstable();
            let own =
                marks.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() as u64 <= u64::from(job.max_multiplicity));
            for same in own {
                let Some((_, first)) = same.first() else { continue };
                for (_, atom) in same {
                    if let Some(person) = persons.get_mut(*atom as usize) {
                        *person = *first;
                    }
                }
            }
        }
        Ok(Self(persons))
    }
}

fn half(token: &Token) -> Option<u64> {
    token.first_chunk().map(|half| u64::from_be_bytes(*half))
}

fn rows(
    keys: &RunTokenKeys,
    kinds: &[Kind],
    refused: &[Option<u64>],
    some: &[&Known],
    made: &mut [u64],
) -> Result<Vec<ArrayRef>, ArrowError> {
    let mut all = vec![columns::column(some.iter().map(|known| Some(known.atom)))?];
    for (((place, kind), refused), made) in kinds.iter().enumerate().zip(refused).zip(made) {
        let tokens = some.iter().map(|known| match refused {
            Some(_) => Vec::new(),
            None => keys.tokens(place, &known.identity),
        });
        let tokens: Vec<Vec<Token>> = tokens.collect();
        let count = tokens.iter().filter(|tokens| !tokens.is_empty()).count();
        *made = made.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        all.push(match kind.listed() {
            Some(_) => lists(&tokens)?,
            None => columns::column(tokens.iter().map(|tokens| tokens.first().copied()))?,
        });
    }
    let bands: Vec<[Option<u8>; 2]> = some.iter().map(|known| bands::of(&known.identity)).collect();
    let [family, given]: [UInt8Array; 2] =
        [bands.iter().map(|[family, _]| *family).collect(), bands.iter().map(|[_, given]| *given).collect()];
    all.extend([Arc::new(family) as ArrayRef, Arc::new(given)]);
    Ok(all)
}

fn lists(rows: &[Vec<Token>]) -> Result<ArrayRef, ArrowError> {
    let mut column = ListBuilder::new(FixedSizeBinaryBuilder::new(16)).with_field(item());
    for tokens in rows {
        for token in tokens {
            column.values().append_value(token)?;
        }
        column.append(!tokens.is_empty());
    }
    Ok(Arc::new(column.finish()))
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", columns::token_type(), false))
}

fn columns_of(kinds: &[Kind]) -> Vec<Field> {
    let field = |kind: &Kind| match kind.listed() {
        Some(_) => Field::new(kind.name(), DataType::List(item()), true),
        None => Field::new(kind.name(), columns::token_type(), true),
    };
    let mut fields = vec![Field::new("atom", columns::token_type(), false)];
    fields.extend(kinds.iter().map(field));
    fields.extend(BANDS.map(|name| Field::new(name, DataType::UInt8, true)));
    fields
}

fn schema(held: &Held, run: &RunKey, kinds: &[Kind], asked: Option<&String>) -> SchemaRef {
    let told = [
        ("sudare.source", held.manifest.source.clone()),
        ("sudare.batch", held.manifest.batch.clone()),
        ("sudare.normaliser", normalise::VERSION.to_owned()),
        ("sudare.epoch", held.manifest.epoch.clone()),
        ("sudare.run", run.id().to_string()),
        ("sudare.run_key", run.bytes().fingerprint()),
    ];
    let asked = asked.map(|digest| (ASKED, digest.clone()));
    let metadata: HashMap<String, String> =
        told.into_iter().chain(asked).map(|(key, value)| (key.to_owned(), value)).collect();
    Arc::new(Schema::new(columns_of(kinds)).with_metadata(metadata))
}

/// The rows of made-up identities under a key, as a holder hands them over.
#[cfg(test)]
pub(crate) fn rows_of(
    key: &policies::keys::SecretBytes,
    some: Vec<(Token, crate::tokens::Identity)>,
) -> arrow::record_batch::RecordBatch {
    let keys = RunTokenKeys::derive(key);
    let kinds: Vec<Kind> = keys.kinds().collect();
    let some: Vec<Known> =
        some.into_iter().map(|(atom, identity)| Known { atom, identity, months: [None; 2] }).collect();
    let (refused, mut made) = (vec![None; kinds.len()], vec![0; kinds.len()]);
    let some: Vec<&Known> = some.iter().collect();
    let columns = rows(&keys, &kinds, &refused, &some, &mut made).unwrap();
    arrow::record_batch::RecordBatch::try_new(Arc::new(Schema::new(columns_of(&kinds))), columns).unwrap()
}
