//! A batch as its holder keeps it: the manifest that the holder signed, and the identities that the holder alone can open.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, Date32Array, FixedSizeBinaryArray, StringArray};
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use catalog::batch::{BatchManifest, SignedBatch};
use policies::keys::KeyFolder;

use super::HolderError;
use crate::report::Report;
use crate::seal::BatchReader;
use crate::tokens::{Identity, KINDS, Kind, Token, columns};

/// The identities of a batch, sealed to its holder.
const IDENTITIES: &str = "holder/identities.arrow.age";

/// A batch of this holder.
pub(super) struct Held {
    pub(super) folder: PathBuf,
    pub(super) manifest: BatchManifest,
    /// Kinds at rest that the batch does not carry, because too many atoms share a token: a new key changes nothing about that.
    pub(super) refused: [bool; KINDS],
}

/// One atom with who it is.
pub(super) struct Known {
    pub(super) atom: Token,
    pub(super) identity: Identity,
    /// First and last month of the insurer line, days since 1970-01-01.
    pub(super) months: [Option<i32>; 2],
}

impl Held {
    /// Opens a batch that this holder signed.
    pub(super) fn open(keys: &KeyFolder, folder: &Path) -> Result<Self, HolderError> {
        let own = keys.signing("sign")?.verifying();
        let manifest = SignedBatch::read(folder)?.verify(&own)?;
        let path = folder.join("report.json");
        let text = fs::read(&path).map_err(HolderError::io(&path))?;
        let report: Report = serde_json::from_slice(&text).map_err(|cause| HolderError::io(&path)(cause.into()))?;
        let refused = Kind::AT_REST.map(|kind| report.refused.contains_key(kind.name()));
        Ok(Self { folder: folder.to_owned(), manifest, refused })
    }

    /// Hands all atoms to `take`, some thousands at a time, in the order of the token file.
    pub(super) fn each(
        &self,
        keys: &KeyFolder,
        mut take: impl FnMut(&[Known]) -> Result<(), HolderError>,
    ) -> Result<(), HolderError> {
        let path = self.folder.join(IDENTITIES);
        let mut found = 0_u64;
        for batch in BatchReader::open(&path, &keys.seal()?)? {
            let some = known(&batch?).map_err(|what| HolderError::Form { path: path.clone(), what })?;
            found = found.saturating_add(some.len() as u64);
            take(&some)?;
        }
        let expected = self.manifest.atoms;
        if found == expected { Ok(()) } else { Err(HolderError::Short { path, found, expected }) }
    }
}

fn known(batch: &RecordBatch) -> Result<Vec<Known>, &'static str> {
    let atoms: &FixedSizeBinaryArray =
        batch.column_by_name("atom").and_then(|column| column.as_fixed_size_binary_opt()).ok_or("atom")?;
    let text = |name: &'static str| -> Result<&StringArray, &'static str> {
        batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).ok_or(name)
    };
    // Batches that were made before addresses were read have no such column, which is the last.
    let columns =
        Identity::FIELDS.into_iter().filter(|name| *name != "address" || batch.column_by_name(name).is_some());
    let fields: Vec<&StringArray> = columns.map(text).collect::<Result<_, _>>()?;
    let date = |name: &'static str| -> Result<&Date32Array, &'static str> {
        batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Date32Type>()).ok_or(name)
    };
    let [first, last] = columns::MONTHS;
    let months = [date(first)?, date(last)?];
    let row = |row: usize| {
        let cells: Vec<Option<&str>> =
            fields.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect();
        let month = |column: &Date32Array| column.is_valid(row).then(|| column.value(row));
        Ok(Known {
            atom: atoms.value(row).try_into().map_err(|_| "atom")?,
            identity: Identity::from_fields(&cells),
            months: months.map(month),
        })
    };
    (0..batch.num_rows()).map(row).collect()
}
