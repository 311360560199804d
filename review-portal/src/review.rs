//! The linkage zone's queue of doubtful pairs, as the zone tells of it: a signed summary in tens. No pair comes here.

use std::fs;
use std::io;
use std::path::PathBuf;

use policies::ReviewSummary;
use policies::jws::Document;
use policies::keys::{KeyError, VerifyingKey};

/// Where the summary lies, and whose signature it needs.
#[derive(Clone, Debug)]
pub struct ReviewPlace {
    /// The file that the linkage zone hands over, made by `sudare link review export`.
    pub summary: PathBuf,
    /// The linkage zone's `sign.pub`.
    pub linkage_key: PathBuf,
}

/// The same, with the key.
#[derive(Clone, Debug)]
pub(crate) struct ReviewFile {
    summary: PathBuf,
    key: VerifyingKey,
}

/// What can be told of the queue.
#[derive(Debug)]
pub(crate) enum Told {
    /// The file is not what the zone has signed.
    Broken,
    /// Nothing was handed over yet.
    Missing,
    /// The portal's operator has not said where it lies.
    Nowhere,
    /// The summary.
    Summary(Box<ReviewSummary>),
}

impl ReviewFile {
    pub(crate) fn open(place: &ReviewPlace) -> Result<Self, KeyError> {
        Ok(Self { summary: place.summary.clone(), key: VerifyingKey::read(&place.linkage_key)? })
    }

    /// Reads the file as it lies there now. Blocks.
    pub(crate) fn read(&self) -> Told {
        match fs::read_to_string(&self.summary) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Told::Missing,
            Err(_) => Told::Broken,
            Ok(signed) => match ReviewSummary::verify(&signed, &self.key) {
                Ok(summary) => Told::Summary(Box::new(summary)),
                Err(_) => Told::Broken,
            },
        }
    }
}
