//! The list of persons who object to a source: `absent/<source>.age` in the holder's key folder, sealed to the holder. It holds
//! tokens and no identifier, in the order of the tokens, so that it does not tell who came when.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use jiff::{Timestamp, ToSpan as _};
use policies::durable;
use policies::keys::{KeyFolder, SecretBytes};
use policies::source::{PersonSay, SourceId};

use super::file::{self, Told};
use super::{OptOutError, Tokens, each};
use crate::flat;
use crate::layout;
use crate::normalise;
use crate::seal::{BatchReader, BatchWriter, SealError};
use crate::tokens::{Kind, Token, TokenKeys};

/// Persons of one Arrow batch.
const ROWS: usize = 8192;
const EPOCH: &str = "sudare.epoch";
const NORMALISER: &str = "sudare.normaliser";
const CHANGED: &str = "sudare.changed_at";

/// Persons who object, or who take an objection back: what a file says, for one source.
#[derive(Clone, Copy, Debug)]
pub struct Objections<'a> {
    /// The holder's keys.
    pub keys: &'a KeyFolder,
    /// Against the use of which source.
    pub source: &'a SourceId,
    /// The file (`docs/opt-out.md`).
    pub file: &'a Path,
    /// When.
    pub now: Timestamp,
}

/// What a file changed, in counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Persons that the file names.
    pub named: u64,
    /// Objections written down, or taken back.
    pub changed: u64,
    /// Persons of whom nothing changed: they stood in the list already, or an objection taken back was not there.
    pub unchanged: u64,
    /// Cells that could not be read as what their column is.
    pub unread: u64,
    /// Objections in the list now.
    pub persons: u64,
}

/// A list, in counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Against the use of which source.
    pub source: SourceId,
    /// Objections.
    pub persons: u64,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// Whether it is of this epoch and normaliser; if not, no batch of the source is made.
    pub current: bool,
}

/// Writes objections down. One that says nothing beyond what stands there is not counted again; one that says more takes the
/// place of what stood there.
pub fn add(of: &Objections<'_>) -> Result<Change, OptOutError> {
    of.may_be_made()?;
    of.change(|list, told| list.is_of(told.epoch).then(|| Index::of(&list.persons).with(&told.persons)))
}

/// Begins the list anew with the persons of the file: after a change of epoch, or where the list is lost.
pub fn anew(of: &Objections<'_>) -> Result<Change, OptOutError> {
    of.may_be_made()?;
    of.change(|_, told| Some(Index::of(&BTreeSet::new()).with(&told.persons)))
}

/// Takes objections back. The file must say of a person at least what the objection said: less would fit a namesake's.
pub fn remove(of: &Objections<'_>) -> Result<Change, OptOutError> {
    of.change(|list, told| list.is_of(told.epoch).then(|| Index::of(&list.persons).without(&told.persons)))
}

impl Objections<'_> {
    fn may_be_made(&self) -> Result<(), OptOutError> {
        let source_name = self.source.clone();
        match catalog::policy(self.source.as_str()) {
            None => Err(OptOutError::Unknown { source_name }),
            Some(policy) if policy.person_say == PersonSay::OptOut => Ok(()),
            Some(_) => Err(OptOutError::NoSay { source_name }),
        }
    }

    /// Changes the list, one command at a time. `None` of `to` says that the list is of another epoch.
    fn change(&self, to: impl FnOnce(&List, &Now<'_>) -> Option<Changed>) -> Result<Change, OptOutError> {
        let epoch = self.keys.bytes("epoch").map_err(OptOutError::Keys)?;
        let Told { persons, unread } =
            file::read(self.file, issuer(self.source)?.as_deref(), &TokenKeys::derive(&epoch))?;
        let folder = folder(self.keys);
        fs::create_dir_all(&folder).map_err(OptOutError::io(&folder))?;
        let lock = folder.join(".lock");
        let held = File::create(&lock).and_then(|file| file.lock().map(|()| file)).map_err(OptOutError::io(&lock))?;

        let known = List::open(self.keys, self.source)?;
        let before = known.as_ref().map_or(Timestamp::MIN, |list| list.changed_at);
        let list = known.unwrap_or_else(|| List::begun(&epoch, self.now));
        let named = count(persons.len());
        let stale = || OptOutError::Stale { source_name: self.source.clone() };
        let changed = to(&list, &Now { epoch: &epoch, persons }).ok_or_else(stale)?;
        let after = List { persons: changed.persons, ..List::begun(&epoch, later(before, self.now)) };
        // A list that says the same is left as it is, and so is a batch that was made with it.
        if after.persons != list.persons || !list.is_of(&epoch) {
            after.write(self.keys, self.source)?;
        }
        drop(held);
        let unchanged = named.saturating_sub(changed.told);
        Ok(Change { named, changed: changed.told, unchanged, unread, persons: count(after.persons.len()) })
    }
}

/// All lists of a holder, by source.
pub fn listed(keys: &KeyFolder) -> Result<Vec<Listed>, OptOutError> {
    let folder = folder(keys);
    let entries = match fs::read_dir(&folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(OptOutError::io(&folder))?,
    };
    let epoch = keys.bytes("epoch").map_err(OptOutError::Keys)?;
    let mut lists = Vec::new();
    for entry in entries {
        let name = entry.map_err(OptOutError::io(&folder))?.file_name();
        let source = name.to_str().and_then(|name| name.strip_suffix(".age")).and_then(|name| name.parse().ok());
        let Some(source) = source else { continue };
        if let Some(list) = List::open(keys, &source)? {
            let (persons, current) = (count(list.persons.len()), list.is_of(&epoch));
            lists.push(Listed { source, persons, changed_at: list.changed_at, current });
        }
    }
    lists.sort_by(|a, b| a.source.cmp(&b.source));
    Ok(lists)
}

/// A list.
pub(super) struct List {
    epoch: String,
    normaliser: String,
    /// When it was last changed; each change is later than the one before, whatever the clock says.
    pub(super) changed_at: Timestamp,
    /// Tokens of each person.
    pub(super) persons: BTreeSet<Tokens>,
}

impl List {
    fn begun(epoch: &SecretBytes, now: Timestamp) -> Self {
        let (epoch, normaliser) = (epoch.fingerprint(), normalise::VERSION.to_owned());
        Self { epoch, normaliser, changed_at: now, persons: BTreeSet::new() }
    }

    /// The list of a source, if there is one.
    pub(super) fn open(keys: &KeyFolder, source: &SourceId) -> Result<Option<Self>, OptOutError> {
        let path = path(keys, source);
        if !path.exists() {
            return Ok(None);
        }
        let form = || OptOutError::Form { path: path.clone() };
        let reader = BatchReader::open(&path, &keys.seal().map_err(OptOutError::Keys)?)?;
        let schema = reader.schema();
        let told = |what: &str| schema.metadata().get(what).cloned().ok_or_else(form);
        let (epoch, normaliser) = (told(EPOCH)?, told(NORMALISER)?);
        let changed_at = told(CHANGED)?.parse().map_err(|_| form())?;
        let mut persons = BTreeSet::new();
        for batch in reader {
            let batch = batch?;
            let columns: Vec<&FixedSizeBinaryArray> = Kind::AT_REST
                .iter()
                .map(|kind| batch.column_by_name(kind.name())?.as_fixed_size_binary_opt())
                .collect::<Option<_>>()
                .ok_or_else(form)?;
            persons.extend((0..batch.num_rows()).map(|row| tokens_at(&columns, row)));
        }
        Ok(Some(Self { epoch, normaliser, changed_at, persons }))
    }

    /// Whether its tokens are those that a batch under this key has.
    pub(super) fn is_of(&self, epoch: &SecretBytes) -> bool {
        self.epoch == epoch.fingerprint() && self.normaliser == normalise::VERSION
    }

    fn write(&self, keys: &KeyFolder, source: &SourceId) -> Result<(), OptOutError> {
        let path = path(keys, source);
        let beside = path.with_extension("age.partial");
        let metadata = [
            (EPOCH, self.epoch.clone()),
            (NORMALISER, self.normaliser.clone()),
            (CHANGED, self.changed_at.to_string()),
        ];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value)).into();
        let schema = Arc::new(Schema::new(fields()).with_metadata(metadata));
        let to = keys.recipient().map_err(OptOutError::Keys)?;
        let mut writer = BatchWriter::create(&beside, &schema, &to)?;
        let persons: Vec<&Tokens> = self.persons.iter().collect();
        for some in persons.chunks(ROWS) {
            let rows = rows(&schema, some).map_err(|cause| SealError::Arrow { path: beside.clone(), cause })?;
            writer.write(&rows)?;
        }
        writer.finish()?;
        durable::publish(&beside, &path).map_err(OptOutError::io(&path))
    }
}

/// A column a kind at rest.
pub(crate) fn fields() -> Vec<Field> {
    Kind::AT_REST.map(|kind| Field::new(kind.name(), DataType::FixedSizeBinary(16), true)).into()
}

/// Tokens as rows of such columns.
pub(crate) fn rows(schema: &SchemaRef, persons: &[&Tokens]) -> Result<RecordBatch, ArrowError> {
    let column = |kind: &Kind| -> Result<ArrayRef, ArrowError> {
        let mut column = FixedSizeBinaryBuilder::with_capacity(persons.len(), 16);
        for tokens in persons {
            match tokens.get(kind.place()).copied().flatten() {
                Some(token) => column.append_value(token)?,
                None => column.append_null(),
            }
        }
        Ok(Arc::new(column.finish()))
    };
    let columns = Kind::AT_REST.iter().map(column).collect::<Result<_, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// The tokens of a row, of columns in the order of the kinds.
pub(crate) fn tokens_at(columns: &[&FixedSizeBinaryArray], row: usize) -> Tokens {
    let mut columns = columns.iter();
    std::array::from_fn(|_| {
        let column = columns.next()?;
        if column.is_null(row) { None } else { column.value(row).try_into().ok() }
    })
}

/// What a file says, with the epoch's key.
struct Now<'a> {
    epoch: &'a SecretBytes,
    persons: Vec<Tokens>,
}

/// A list changed, and for how many persons of the file.
struct Changed {
    persons: BTreeSet<Tokens>,
    told: u64,
}

/// Objections by their tokens.
struct Index {
    persons: Vec<Option<Tokens>>,
    by_token: HashMap<(u8, Token), Vec<usize>>,
}

impl Index {
    fn of(persons: &BTreeSet<Tokens>) -> Self {
        let mut index = Self { persons: Vec::new(), by_token: HashMap::new() };
        for tokens in persons {
            index.insert(*tokens);
        }
        index
    }

    fn insert(&mut self, tokens: Tokens) {
        let place = self.persons.len();
        each(&tokens).for_each(|token| self.by_token.entry(token).or_default().push(place));
        self.persons.push(Some(tokens));
    }

    /// Places of those who share a token and of whom `wanted` is true.
    fn sharing(&self, tokens: &Tokens, wanted: impl Fn(&Tokens) -> bool) -> Vec<usize> {
        let places = each(tokens).filter_map(|token| self.by_token.get(&token)).flatten().copied();
        places.filter(|place| self.persons.get(*place).and_then(Option::as_ref).is_some_and(&wanted)).collect()
    }

    fn take(&mut self, places: &[usize]) {
        for place in places {
            if let Some(person) = self.persons.get_mut(*place) {
                *person = None;
            }
        }
    }

    fn with(mut self, told: &[Tokens]) -> Changed {
        let mut new = 0_u64;
        for tokens in told {
            if self.sharing(tokens, |known| says_all_of(known, tokens)).is_empty() {
                let less = self.sharing(tokens, |known| says_all_of(tokens, known));
                self.take(&less);
                self.insert(*tokens);
                new = new.saturating_add(1);
            }
        }
        self.done(new)
    }

    fn without(mut self, told: &[Tokens]) -> Changed {
        let mut gone = 0_u64;
        for tokens in told {
            let theirs = self.sharing(tokens, |known| says_all_of(tokens, known));
            gone = gone.saturating_add(u64::from(!theirs.is_empty()));
            self.take(&theirs);
        }
        self.done(gone)
    }

    fn done(self, told: u64) -> Changed {
        Changed { persons: self.persons.into_iter().flatten().collect(), told }
    }
}

/// Whether `one` has every token that `other` has.
fn says_all_of(one: &Tokens, other: &Tokens) -> bool {
    one.iter().zip(other).all(|(one, other)| other.is_none() || one == other)
}

/// Who gives out chart numbers, if the source's layout does not name an institution for them.
fn issuer(source: &SourceId) -> Result<Option<String>, OptOutError> {
    let Some(added) = catalog::added_source(source.as_str()) else { return Ok(None) };
    let layout = layout::of_source(added).map_err(OptOutError::Layout)?;
    Ok(flat::record(&layout).and_then(|record| flat::issuer(&layout, record.fields.iter())))
}

fn later(before: Timestamp, now: Timestamp) -> Timestamp {
    if now > before { now } else { before.checked_add(1.nanosecond()).unwrap_or(before) }
}

fn folder(keys: &KeyFolder) -> PathBuf {
    keys.path().join("absent")
}

/// A source's name is one word of small letters, so that it names a file in the folder.
fn path(keys: &KeyFolder, source: &SourceId) -> PathBuf {
    folder(keys).join(format!("{source}.age"))
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
