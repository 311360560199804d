//! What the linkage zone asks of a batch: its request, signed by the key that the holder names, for this holder and its source.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use policies::jws::{self, Document};
use policies::keys::{KeyFolder, VerifyingKey};

use super::HolderError;
use super::batch::Held;
use crate::link::ask::Request;
use crate::tokens::Token;

/// Largest request that is read: some fifteen million atoms. More are rather made of whole batches.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A request for the run tokens of some atoms alone.
#[derive(Clone, Copy)]
pub struct OnlyAsked<'a> {
    /// The signed file.
    pub request: &'a Path,
    /// The linkage zone's public key, as this holder knows it.
    pub zone: &'a VerifyingKey,
}

/// The atoms of a batch that are asked for.
pub(super) struct Asked {
    pub(super) atoms: HashSet<Token>,
    /// SHA-256 of the signed request, hexadecimal.
    pub(super) digest: String,
    request: PathBuf,
}

impl Asked {
    /// Reads what is asked of this batch. A request that is not signed by the zone's key, or is for another source or holder, is refused.
    pub(super) fn read(only: &OnlyAsked<'_>, keys: &KeyFolder, held: &Held) -> Result<Self, HolderError> {
        let request = only.request.to_owned();
        let broken = || HolderError::Request { path: request.clone() };
        if fs::metadata(&request).map_err(HolderError::io(&request))?.len() > BYTES_MAX {
            return Err(broken());
        }
        let signed = fs::read(&request).map_err(HolderError::io(&request))?;
        let signed = String::from_utf8(signed).map_err(|_| broken())?;
        let mut of = Request::verify(&signed, only.zone).map_err(|_| broken())?;
        let own = keys.signing("sign")?.verifying().fingerprint();
        if of.source != held.manifest.source || of.holder != own {
            return Err(HolderError::OtherHolder { path: request });
        }
        let atoms: HashSet<Token> =
            of.batches.remove(&held.manifest.batch).into_iter().flatten().map(|atom| atom.0).collect();
        if atoms.is_empty() {
            return Err(HolderError::NotAsked { request, path: held.folder.clone() });
        }
        Ok(Self { atoms, digest: jws::digest(&signed), request })
    }

    /// A batch that has not all of them is not the one that the zone was given.
    pub(super) fn all_found(self, found: u64, held: &Held) -> Result<(), HolderError> {
        if found == self.atoms.len() as u64 {
            return Ok(());
        }
        Err(HolderError::Foreign { request: self.request, path: held.folder.clone() })
    }
}
