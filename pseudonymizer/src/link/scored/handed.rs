//! Reads the holders' run tokens: signature, metadata, rows. Whatever is of another run, epoch or normaliser is refused before a row
//! is looked at.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray};
use arrow::datatypes::{DataType, UInt8Type};
use arrow::record_batch::RecordBatch;
use policies::keys::{KeyFolder, SealIdentity};

use crate::holder::ASKED;
use crate::link::atoms::{Atoms, Kind};
use crate::link::error::LinkError;
use crate::link::tokens::{self, Agreed};
use crate::seal::BatchReader;

/// The one sealed file of a folder of run tokens.
const RUN: &str = "run.arrow.age";

/// The columns of the names' frequency bands.
const BANDS: [&str; 2] = ["family_band", "given_band"];

/// What run token files are read against.
pub(super) struct Desk<'a> {
    pub(super) keys: &'a KeyFolder,
    pub(super) identity: SealIdentity,
    pub(super) atoms: &'a Atoms,
    pub(super) sources: &'a [String],
    /// What the tokens at rest agree in.
    pub(super) agreed: &'a Agreed,
    /// Whether these are not all atoms of the folder; rows of others are passed over then.
    pub(super) partial: bool,
}

/// A file that may be read.
pub(super) struct Handed {
    path: PathBuf,
    source: u8,
}

/// Which run a file says that it is of.
struct Told {
    run: String,
    run_key: String,
}

/// One atom's tokens of one kind, as they come.
pub(super) trait Take {
    /// An atom's bands, once an atom; `false` if it was there before.
    fn atom(&mut self, atom: u32, bands: [Option<u8>; 2]) -> bool;
    /// One of an atom's tokens.
    fn token(&mut self, atom: u32, kind: Kind, token: &[u8]) -> Result<(), LinkError>;
}

impl Desk<'_> {
    /// Checks all folders against one another, the zone and its atoms' batches.
    pub(super) fn check(&self, folders: &[PathBuf]) -> Result<Vec<Handed>, LinkError> {
        let (mut files, mut batches) = (Vec::new(), HashSet::new());
        let mut told: Option<Told> = None;
        for folder in folders {
            only_run_tokens(folder)?;
            let path = folder.join(RUN);
            let (batch, source, of) = self.metadata(&path)?;
            if !batches.insert(batch) {
                return Err(LinkError::Twice { path });
            }
            match &told {
                Some(first) if first.run != of.run => return Err(LinkError::Mixed { path, what: "run" }),
                Some(first) if first.run_key != of.run_key => return Err(LinkError::Mixed { path, what: "run key" }),
                _ => told = Some(of),
            }
            files.push(Handed { path, source });
        }
        Ok(files)
    }

    fn metadata(&self, path: &Path) -> Result<(String, u8, Told), LinkError> {
        let signer = tokens::signer(path)?;
        let reader = BatchReader::open(path, &self.identity).map_err(LinkError::seal)?;
        let schema = reader.schema();
        let entry = |what: &'static str| {
            schema.metadata().get(what).cloned().ok_or_else(|| LinkError::Form { path: path.to_owned(), what })
        };
        let source = entry("sudare.source")?;
        let untrusted = |cause| LinkError::Untrusted { path: path.to_owned(), cause: Box::new(cause) };
        if self.keys.trusted(&source).map_err(untrusted)? != signer {
            return Err(LinkError::Signature { path: path.to_owned() });
        }
        // A model learnt from some atoms of a batch would stand until the next full pass.
        if !self.partial && schema.metadata().contains_key(ASKED) {
            return Err(LinkError::Part { path: path.to_owned() });
        }
        let mixed = |what| Err(LinkError::Mixed { path: path.to_owned(), what });
        if entry("sudare.epoch")? != self.agreed.epoch {
            return mixed("epoch key");
        }
        if entry("sudare.normaliser")? != self.agreed.normaliser {
            return mixed("normaliser version");
        }
        let place = self.sources.iter().position(|known| *known == source).and_then(|place| u8::try_from(place).ok());
        let place = place.ok_or_else(|| LinkError::RunAtoms { path: path.to_owned() })?;
        Ok((entry("sudare.batch")?, place, Told { run: entry("sudare.run")?, run_key: entry("sudare.run_key")? }))
    }

    /// Reads a file row by row.
    pub(super) fn read(&self, file: &Handed, take: &mut impl Take) -> Result<(), LinkError> {
        for batch in BatchReader::open(&file.path, &self.identity).map_err(LinkError::seal)? {
            let batch = batch.map_err(LinkError::seal)?;
            let batch = if self.partial { self.known(file, &batch)? } else { batch };
            self.rows(file, &batch, take)?;
        }
        Ok(())
    }

    /// Rows of the atoms that are here.
    fn known(&self, file: &Handed, batch: &RecordBatch) -> Result<RecordBatch, LinkError> {
        let lacks = || LinkError::Form { path: file.path.clone(), what: "atom" };
        let ids = batch.column_by_name("atom").and_then(tokens_of).ok_or_else(lacks)?;
        let here = |id: Option<&[u8]>| {
            id.and_then(|id| <&[u8; 16]>::try_from(id).ok())
                .is_some_and(|id| self.atoms.ids().binary_search(id).is_ok())
        };
        let here: BooleanArray = ids.iter().map(|id| Some(here(id))).collect();
        arrow::compute::filter_record_batch(batch, &here).map_err(LinkError::Arrow)
    }

    fn rows(&self, file: &Handed, batch: &RecordBatch, take: &mut impl Take) -> Result<(), LinkError> {
        let lacks = |what| LinkError::Form { path: file.path.clone(), what };
        let column = |what: &'static str| batch.column_by_name(what).ok_or_else(|| lacks(what));
        let ids = tokens_of(column("atom")?).ok_or_else(|| lacks("atom"))?;
        let strange = || LinkError::RunAtoms { path: file.path.clone() };
        let mut rows = Vec::with_capacity(batch.num_rows());
        for id in ids {
            let place =
                id.and_then(|id| <&[u8; 16]>::try_from(id).ok()).and_then(|id| self.atoms.ids().binary_search(id).ok());
            let atom =
                place.filter(|place| self.atoms.sources().get(*place) == Some(&file.source)).ok_or_else(strange)?;
            rows.push(u32::try_from(atom).map_err(|_| strange())?);
        }
        let [family, given] =
            BANDS.map(|name| column(name)?.as_primitive_opt::<UInt8Type>().ok_or_else(|| lacks(name)));
        let (family, given) = (family?, given?);
        for (row, atom) in rows.iter().enumerate() {
            let band = |column: &arrow::array::UInt8Array| column.is_valid(row).then(|| column.value(row));
            if !take.atom(*atom, [band(family), band(given)]) {
                return Err(LinkError::Twice { path: file.path.clone() });
            }
        }
        for kind in Kind::of_run() {
            kind_column(column(kind.name())?, kind, &rows, take, &|| lacks(kind.name()))?;
        }
        Ok(())
    }
}

fn kind_column(
    column: &ArrayRef,
    kind: Kind,
    rows: &[u32],
    take: &mut impl Take,
    lacks: &dyn Fn() -> LinkError,
) -> Result<(), LinkError> {
    let Some(_) = kind.listed() else {
        for (atom, token) in rows.iter().zip(tokens_of(column).ok_or_else(lacks)?) {
            token.map_or(Ok(()), |token| take.token(*atom, kind, token))?;
        }
        return Ok(());
    };
    let lists = column.as_list_opt::<i32>().ok_or_else(lacks)?;
    let values = tokens_of(lists.values()).ok_or_else(lacks)?;
    for ((row, atom), bounds) in rows.iter().enumerate().zip(lists.offsets().windows(2)) {
        let ([from, to], true) = (bounds, lists.is_valid(row)) else { continue };
        for at in *from..*to {
            let at = usize::try_from(at).map_err(|_| lacks())?;
            take.token(*atom, kind, values.value(at))?;
        }
    }
    Ok(())
}

fn tokens_of(column: &ArrayRef) -> Option<&FixedSizeBinaryArray> {
    (*column.data_type() == DataType::FixedSizeBinary(16)).then(|| column.as_fixed_size_binary_opt()).flatten()
}

/// Run tokens come in a folder of their own, with nothing beside them.
fn only_run_tokens(folder: &Path) -> Result<(), LinkError> {
    for entry in fs::read_dir(folder).map_err(LinkError::io(folder))? {
        let name = entry.map_err(LinkError::io(folder))?.file_name();
        let name = name.to_string_lossy();
        if name == "content" || (name.ends_with(".arrow.age") && name != RUN) {
            return Err(LinkError::Content { path: folder.to_owned() });
        }
    }
    Ok(())
}
