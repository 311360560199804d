//! The bridge between two epochs: every atom of a holder's batches with its tokens under both keys, for the linkage zone to see that
//! the same persons come of them (`research/pseudonymization-anchors.md`, part 5, rotation).

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use policies::keys::{Epoch, Epochs, KeyFolder, RotationError, SealRecipient, Turn};

use super::batch::{Held, Known};
use super::table::Table;
use super::{HolderError, bridges};
use crate::delivery::{self, Delivery};
use crate::normalise;
use crate::tokens::{KINDS, Kind, Token, TokenKeys, columns};

/// The sealed file of a bridge.
pub(crate) const BRIDGE: &str = "bridge.arrow.age";

/// Before the names of the columns with tokens under the next epoch.
pub(crate) const NEXT: &str = "next_";

/// What to bridge.
#[derive(Clone)]
pub struct BridgeJob<'a> {
    /// The holder's keys, with a rotation that has begun.
    pub keys: &'a KeyFolder,
    /// All of the holder's batches that the linkage zone has linked.
    pub batches: &'a [PathBuf],
    /// Whom it is sealed to: the linkage zone.
    pub link_to: SealRecipient,
    /// The folder to make.
    pub out: &'a Path,
}

/// What was bridged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// SHA-256 of the sealed file, hexadecimal: the verdict names it.
    pub sha256: String,
    /// The epoch that goes.
    pub from: Epoch,
    /// The epoch that comes.
    pub to: Epoch,
    /// Batches.
    pub batches: u64,
    /// Atoms of all of them.
    pub atoms: u64,
}

/// Makes `bridge.arrow.age` and `bridge.sig` in a new folder. [`Epochs::bridge_made`] is the next step: until then no verdict on it
/// is believed.
pub fn bridge(job: &BridgeJob<'_>) -> Result<Bridge, HolderError> {
    let sides = Sides::open(job.keys)?;
    let batches = held(job, &sides.from)?;
    let first = batches.first().ok_or_else(|| HolderError::Mixed { path: job.out.to_owned(), what: "batches" })?;
    let out = Delivery::begin(job.out).map_err(HolderError::io(job.out))?;
    let path = out.path(BRIDGE);
    let names: Vec<&str> = batches.iter().map(|held| held.manifest.batch.as_str()).collect();
    let mut table = Table::create(&path, schema(&first.manifest.source, &names, &sides), &job.link_to)?;
    for held in &batches {
        held.each(job.keys, |some| Ok(table.write(sides.columns(some, &held.refused))?))?;
    }
    table.finish()?;
    let sha256 = delivery::sign(&path, &job.keys.signing("sign")?).map_err(HolderError::io(&path))?;
    // Before it appears: a bridge that nobody remembers would outlive the key that it joins.
    bridges::remember(job.keys, job.out, &sha256)?;
    out.publish().map_err(HolderError::io(job.out))?;
    let atoms = batches.iter().map(|held| held.manifest.atoms).sum();
    Ok(Bridge { sha256, from: sides.from, to: sides.to, batches: batches.len() as u64, atoms })
}

/// The batches, each once, of one source, under the epoch that goes.
fn held(job: &BridgeJob<'_>, from: &Epoch) -> Result<Vec<Held>, HolderError> {
    let batches: Vec<Held> = job.batches.iter().map(|folder| Held::open(job.keys, folder)).collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    let mut source: Option<&str> = None;
    for held in &batches {
        let differs = [
            (held.manifest.epoch != from.fingerprint, "epoch"),
            (source.is_some_and(|source| source != held.manifest.source), "source"),
            (!names.insert(held.manifest.batch.as_str()), "name"),
        ];
        if let Some((_, what)) = differs.into_iter().find(|(differs, _)| *differs) {
            return Err(HolderError::Mixed { path: held.folder.clone(), what });
        }
        source = Some(&held.manifest.source);
    }
    Ok(batches)
}

/// Both epochs' keys.
struct Sides {
    from: Epoch,
    to: Epoch,
    now: TokenKeys,
    next: TokenKeys,
}

impl Sides {
    fn open(keys: &KeyFolder) -> Result<Self, HolderError> {
        let epochs = Epochs::open(keys)?;
        // Whether a bridge may be made now, whatever its digest will be.
        epochs.state().decide(Turn::BridgeMade("0".repeat(64)))?;
        let (to, next) = epochs.next_key()?.ok_or(RotationError::NoNext)?;
        drop(epochs);
        let (from, now) = keys.epoch()?;
        Ok(Self { from, to, now: TokenKeys::derive(&now), next: TokenKeys::derive(&next) })
    }

    fn columns(&self, some: &[Known], refused: &[bool; KINDS]) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut made = vec![columns::column(some.iter().map(|known| Some(known.atom)))?];
        for keys in [&self.now, &self.next] {
            made.extend(tokens(keys, some, refused)?);
        }
        Ok(made)
    }
}

/// A column of tokens for each kind at rest.
pub(super) fn tokens(keys: &TokenKeys, some: &[Known], refused: &[bool; KINDS]) -> Result<Vec<ArrayRef>, ArrowError> {
    let rows: Vec<[Option<Token>; KINDS]> = some.iter().map(|known| keys.tokens(&known.identity)).collect();
    let column = |(place, refused): (usize, &bool)| {
        columns::column(rows.iter().map(|row| row.get(place).copied().flatten().filter(|_| !refused)))
    };
    refused.iter().enumerate().map(column).collect()
}

fn schema(source: &str, batches: &[&str], sides: &Sides) -> SchemaRef {
    let mut fields = vec![Field::new("atom", columns::token_type(), false)];
    for before in ["", NEXT] {
        fields.extend(
            Kind::AT_REST.map(|kind| Field::new(format!("{before}{}", kind.name()), columns::token_type(), true)),
        );
    }
    let metadata: HashMap<String, String> = [
        ("sudare.source", source.to_owned()),
        ("sudare.batches", batches.join(" ")),
        ("sudare.normaliser", normalise::VERSION.to_owned()),
        ("sudare.from", sides.from.fingerprint.clone()),
        ("sudare.to", sides.to.fingerprint.clone()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    Arc::new(Schema::new(fields).with_metadata(metadata))
}
