//! Reads token folders of holders: signature, metadata, rows. Refuses whatever holds content.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, FixedSizeBinaryArray};
use arrow::datatypes::{DataType, Date32Type};
use arrow::record_batch::RecordBatch;
use catalog::SOURCES;
use jiff::ToSpan;
use jiff::civil::Date;
use policies::keys::{KeyFolder, SealIdentity, SealRecipient, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::absent::{self, Said};
use super::atoms::{Atom, KINDS, Kind, Months};
use super::error::LinkError;
use super::permutation::Permutation;
use crate::seal::{self, BatchReader};

/// The one sealed file of a token folder.
const TOKENS: &str = "tokens.arrow.age";

/// All that the holders handed over.
pub(crate) struct Handed {
    /// Rows of all batches, in the order of the files.
    pub(crate) atoms: Vec<Atom>,
    /// Names of the sources by the places that atoms have: the four of the catalog, then the added ones.
    pub(crate) sources: Vec<String>,
    /// What the batches agree in; nothing if all were skipped.
    pub(crate) agreed: Option<Agreed>,
    /// The batches that were read, in the order of the files: the places that atoms have.
    pub(crate) batches: Vec<Given>,
    /// Names of those that were skipped.
    pub(crate) skipped: Vec<String>,
}

/// A batch that was handed over.
pub(crate) struct Given {
    /// Its token file.
    pub(crate) path: PathBuf,
    /// Its random name.
    pub(crate) name: String,
    /// SHA-256 of the sealed token file, hexadecimal.
    pub(crate) sha256: String,
    /// Place among the names of the sources.
    pub(crate) source: u8,
    /// What it says of persons who stay out.
    pub(crate) said: Option<Said>,
}

impl Handed {
    /// Names of the batches, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.batches.iter().map(|batch| batch.name.clone()).collect();
        names.sort_unstable();
        names
    }
}

/// What all batches of a run must agree in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// Version of the normaliser that the tokens were made with.
    pub(crate) normaliser: String,
    /// Fingerprint of the epoch key.
    pub(crate) epoch: String,
    /// Who the crosswalk is sealed to.
    pub(crate) release_to: String,
}

impl Agreed {
    /// The enclave's sealing key.
    pub(crate) fn recipient(&self) -> Option<SealRecipient> {
        self.release_to.parse().ok()
    }

    pub(crate) fn first_difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.epoch != other.epoch, "epoch key"),
            (self.normaliser != other.normaliser, "normaliser version"),
            (self.release_to != other.release_to, "recipient of the crosswalk"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

/// Most sources of one run: a person's sources are counted in the bits of a `u128`.
const SOURCES_MAX: usize = 128;

/// Reads all folders but those of batches that `held` names by the digest of their token files. `read` is told the count of atoms
/// after each.
pub(crate) fn read(
    folders: &[PathBuf],
    keys: &KeyFolder,
    held: &dyn Fn(&str) -> Option<String>,
    mut read: impl FnMut(u64),
) -> Result<Handed, LinkError> {
    let mut reader = Reader {
        keys,
        identity: keys.seal().map_err(LinkError::keys)?,
        permutation: Permutation::of(keys).map_err(LinkError::keys)?,
        sources: SOURCES.map(str::to_owned).to_vec(),
        atoms: Vec::new(),
        batches: Vec::new(),
    };
    let mut names = HashSet::new();
    let mut skipped = Vec::new();
    let mut agreed: Option<Agreed> = None;
    for folder in folders {
        let path = token_file(folder)?;
        let (signer, sha256) = signed(&path)?;
        if let Some(name) = held(&sha256) {
            skipped.push(name);
            continue;
        }
        let (name, of) = reader.read_file(&path, &signer, sha256)?;
        if !names.insert(name) {
            return Err(LinkError::Twice { path });
        }
        if let Some(what) = agreed.as_ref().and_then(|agreed| agreed.first_difference(&of)) {
            return Err(LinkError::Mixed { path, what });
        }
        agreed = Some(of);
        read(reader.atoms.len() as u64);
    }
    if folders.is_empty() {
        return Err(LinkError::Nothing);
    }
    Ok(reader.hand_over(agreed, skipped))
}

/// The token file of a `tokens/` folder, or of a batch folder without content.
fn token_file(folder: &Path) -> Result<PathBuf, LinkError> {
    refuse_content(folder)?;
    let inner = folder.join("tokens");
    if inner.is_dir() {
        refuse_content(&inner)?;
        return Ok(inner.join(TOKENS));
    }
    Ok(folder.join(TOKENS))
}

fn refuse_content(folder: &Path) -> Result<(), LinkError> {
    for entry in fs::read_dir(folder).map_err(LinkError::io(folder))? {
        let name = entry.map_err(LinkError::io(folder))?.file_name();
        let name = name.to_string_lossy();
        if name == "content" || (name.ends_with(".arrow.age") && name != TOKENS && name != absent::FILE) {
            return Err(LinkError::Content { path: folder.to_owned() });
        }
    }
    Ok(())
}

/// Whose signature over the SHA-256 of the sealed file stands beside it: two words in hexadecimal, signature and public key. Whether
/// that key is one to believe is another question.
pub(super) fn signer(path: &Path) -> Result<VerifyingKey, LinkError> {
    signed(path).map(|(key, _)| key)
}

/// The same, with the digest.
fn signed(path: &Path) -> Result<(VerifyingKey, String), LinkError> {
    let unsigned = || LinkError::Signature { path: path.to_owned() };
    let text = fs::read_to_string(seal::signature_of(path)).map_err(|_| unsigned())?;
    let mut words = text.split_whitespace();
    let signature = words.next().and_then(|word| hex::decode(word).ok()).ok_or_else(unsigned)?;
    let key = words.next().and_then(VerifyingKey::from_hex).ok_or_else(unsigned)?;
    let (_, digest) = catalog::manifest::digest(path).map_err(LinkError::unreadable)?;
    let bytes = hex::decode(&digest).map_err(|_| unsigned())?;
    if key.verify(&bytes, &signature) { Ok((key, digest)) } else { Err(unsigned()) }
}

struct Reader<'a> {
    keys: &'a KeyFolder,
    identity: SealIdentity,
    permutation: Permutation,
    sources: Vec<String>,
    atoms: Vec<Atom>,
    batches: Vec<Given>,
}

impl Reader<'_> {
    /// Reads a file of a holder that the zone trusts. What it says of its source is believed only if the key that signed it is
    /// the one trusted for that source; no row is looked at before.
    fn read_file(&mut self, path: &Path, signer: &VerifyingKey, sha256: String) -> Result<(String, Agreed), LinkError> {
        let reader = BatchReader::open(path, &self.identity).map_err(LinkError::seal)?;
        let schema = reader.schema();
        let entry = |what: &'static str| {
            schema.metadata().get(what).cloned().ok_or_else(|| LinkError::Form { path: path.to_owned(), what })
        };
        let source = entry("sudare.source")?;
        let untrusted = |cause| LinkError::Untrusted { path: path.to_owned(), cause: Box::new(cause) };
        if self.keys.trusted(&source).map_err(untrusted)? != *signer {
            return Err(LinkError::Signature { path: path.to_owned() });
        }
        let source =
            self.place(source).ok_or_else(|| LinkError::Form { path: path.to_owned(), what: "sudare.source" })?;
        let agreed = Agreed {
            normaliser: entry("sudare.normaliser")?,
            epoch: entry("sudare.epoch")?,
            release_to: entry("sudare.release_to")?,
        };
        let name = entry("sudare.batch")?;
        let said = Said::beside(path, schema.metadata(), &self.identity, &self.permutation)?;
        for batch in reader {
            self.append(&batch.map_err(LinkError::seal)?, source, path)?;
        }
        self.batches.push(Given { path: path.to_owned(), name: name.clone(), sha256, source, said });
        Ok((name, agreed))
    }

    fn place(&mut self, source: String) -> Option<u8> {
        let known = self.sources.iter().position(|name| *name == source);
        let place = known.unwrap_or(self.sources.len());
        if known.is_none() {
            self.sources.push(source);
        }
        (place < SOURCES_MAX).then(|| u8::try_from(place).ok()).flatten()
    }

    fn append(&mut self, batch: &RecordBatch, source: u8, path: &Path) -> Result<(), LinkError> {
        let columns = Columns::of(batch, path)?;
        let place = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        for row in 0..batch.num_rows() {
            let id = columns.id.value(row).try_into();
            self.atoms.push(Atom {
                id: id.map_err(|_| LinkError::Form { path: path.to_owned(), what: "atom" })?,
                source,
                batch: place,
                tokens: columns.tokens_at(row).map(|token| token.map(|token| self.permutation.apply(token))),
                months: columns.months_at(row),
            });
        }
        Ok(())
    }

    /// Added sources in the order of their names, so that the order of files does not show.
    fn hand_over(mut self, agreed: Option<Agreed>, skipped: Vec<String>) -> Handed {
        let mut order: Vec<usize> = (0..self.sources.len()).collect();
        order.sort_by_key(|place| (place >= &SOURCES.len()).then(|| self.sources.get(*place).cloned()));
        let rank = |source: u8| order.iter().position(|place| *place == usize::from(source));
        let rank = |source: u8| rank(source).and_then(|rank| u8::try_from(rank).ok()).unwrap_or(source);
        for source in self.atoms.iter_mut().map(|atom| &mut atom.source) {
            *source = rank(*source);
        }
        for source in self.batches.iter_mut().map(|batch| &mut batch.source) {
            *source = rank(*source);
        }
        let sources = order.iter().filter_map(|place| self.sources.get(*place).cloned()).collect();
        Handed { atoms: self.atoms, sources, agreed, batches: self.batches, skipped }
    }
}

struct Columns<'a> {
    id: &'a FixedSizeBinaryArray,
    tokens: Vec<&'a FixedSizeBinaryArray>,
    first: &'a arrow::array::Date32Array,
    last: &'a arrow::array::Date32Array,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch, path: &Path) -> Result<Self, LinkError> {
        let lacks = |what| LinkError::Form { path: path.to_owned(), what };
        let bytes = |what: &'static str| {
            batch
                .column_by_name(what)
                .filter(|column| *column.data_type() == DataType::FixedSizeBinary(16))
                .and_then(|column| column.as_fixed_size_binary_opt())
                .ok_or_else(|| lacks(what))
        };
        let date = |what: &'static str| {
            batch
                .column_by_name(what)
                .and_then(|column| column.as_primitive_opt::<Date32Type>())
                .ok_or_else(|| lacks(what))
        };
        Ok(Self {
            id: bytes("atom")?,
            tokens: Kind::AT_REST.into_iter().map(|kind| bytes(kind.name())).collect::<Result<_, _>>()?,
            first: date("first_month")?,
            last: date("last_month")?,
        })
    }

    fn tokens_at(&self, row: usize) -> [Option<[u8; 16]>; KINDS] {
        let mut columns = self.tokens.iter();
        std::array::from_fn(|_| {
            let column = columns.next()?;
            if column.is_null(row) { None } else { column.value(row).try_into().ok() }
        })
    }

    fn months_at(&self, row: usize) -> Option<Months> {
        let month = |column: &arrow::array::Date32Array| {
            if column.is_null(row) { None } else { month_number(column.value(row)) }
        };
        let (first, last) = (month(self.first)?, month(self.last)?);
        Some(Months { first: first.min(last), last: first.max(last) })
    }
}

/// Months since year 0 of a day counted from 1970-01-01. `None` outside the years that can be.
fn month_number(days: i32) -> Option<i32> {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    let date = EPOCH.checked_add(i64::from(days).days()).ok()?;
    Some(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
}
