//! The enclave's map of institutions and insurers: code → random number, drawn once, the same in all databases.
//!
//! Kept as `.facility-map.arrow.age` in the folder of all releases, sealed to the enclave itself.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};
use arrow::record_batch::RecordBatch;
use policies::durable;
use policies::keys::{SealIdentity, SealRecipient};
use rand::Rng;

use super::error::ReleaseError;
use crate::seal::{BatchReader, BatchWriter};

const FILE: &str = ".facility-map.arrow.age";
/// Before the code of an insurer: insurers are a number space of their own.
const INSURER: &str = "i:";

/// Which codes a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// Institutions of all kinds.
    Facility,
    /// Insurers.
    Insurer,
}

/// Codes and their surrogates.
pub(crate) struct FacilityMap {
    path: PathBuf,
    facilities: HashMap<String, u32>,
    insurers: HashMap<String, u32>,
    taken: HashSet<u32>,
    grown: bool,
}

impl FacilityMap {
    /// Reads the map of the folder of all releases; an empty one if there is none yet.
    pub(crate) fn open(releases: &Path, identity: &SealIdentity) -> Result<Self, ReleaseError> {
        let mut map = Self {
            path: releases.join(FILE),
            facilities: HashMap::new(),
            insurers: HashMap::new(),
            taken: HashSet::from([0]),
            grown: false,
        };
        if !map.path.exists() {
            return Ok(map);
        }
        for batch in BatchReader::open(&map.path, identity).map_err(ReleaseError::seal)? {
            map.take(&batch.map_err(ReleaseError::seal)?)?;
        }
        Ok(map)
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), ReleaseError> {
        let lacks = |column: &str| ReleaseError::Form { path: self.path.clone(), column: column.to_owned() };
        let codes = batch.column_by_name("code").and_then(|column| column.as_string_opt::<i32>());
        let ids = batch.column_by_name("id").and_then(|column| column.as_primitive_opt::<UInt32Type>());
        let (codes, ids) = (codes.ok_or_else(|| lacks("code"))?, ids.ok_or_else(|| lacks("id"))?);
        for (code, id) in codes.iter().zip(ids.values()) {
            let code = code.unwrap_or_default();
            self.taken.insert(*id);
            match code.strip_prefix(INSURER) {
                Some(insurer) => self.insurers.insert(insurer.to_owned(), *id),
                None => self.facilities.insert(code.to_owned(), *id),
            };
        }
        Ok(())
    }

    /// The surrogate of a code, drawn if it has none yet. Never 0.
    pub(crate) fn id(&mut self, space: Space, code: &str) -> u32 {
        let known = match space {
            Space::Facility => &mut self.facilities,
            Space::Insurer => &mut self.insurers,
        };
        if let Some(id) = known.get(code) {
            return *id;
        }
        let mut rng = rand::rng();
        loop {
            let id = rng.next_u32();
            if self.taken.insert(id) {
                self.grown = true;
                known.insert(code.to_owned(), id);
                return id;
            }
        }
    }

    /// Surrogates of a column of codes.
    pub(crate) fn ids(&mut self, space: Space, codes: &StringArray) -> UInt32Array {
        let mut last: Option<(&str, u32)> = None;
        codes
            .iter()
            .map(|code| {
                let code = code?;
                let id = match last {
                    Some((same, id)) if same == code => id,
                    _ => self.id(space, code),
                };
                last = Some((code, id));
                Some(id)
            })
            .collect()
    }

    /// Writes the map if it has grown. Must come before the release that uses it appears.
    pub(crate) fn save(&self, to: &SealRecipient) -> Result<(), ReleaseError> {
        if !self.grown {
            return Ok(());
        }
        let insurers = self.insurers.iter().map(|(code, id)| (format!("{INSURER}{code}"), *id));
        let facilities = self.facilities.iter().map(|(code, id)| (code.clone(), *id));
        let (codes, ids): (Vec<String>, Vec<u32>) = facilities.chain(insurers).unzip();
        let schema = Arc::new(Schema::new(vec![
            Field::new("code", DataType::Utf8, false),
            Field::new("id", DataType::UInt32, false),
        ]));
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(codes)), Arc::new(UInt32Array::from(ids))];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(ReleaseError::arrow("facility"))?;
        let beside = self.path.with_extension("partial");
        let mut writer = BatchWriter::create(&beside, &schema, to).map_err(ReleaseError::seal)?;
        writer.write(&batch).map_err(ReleaseError::seal)?;
        writer.finish().map_err(ReleaseError::seal)?;
        durable::publish(&beside, &self.path).map_err(ReleaseError::io(&self.path))
    }
}
