//! The ledger's file: sealed records one after the other, each on disk before its answer leaves.
//!
//! A record is `length ‖ checksum ‖ seal ‖ nonce ‖ AES-256-GCM ciphertext`. Its number in the file is authenticated with it, and so are
//! the project (its key is derived from the name) and, by the seal, length and checksum. A record that a crash cut short is
//! recognised by length and checksum, and cut off: its answer never left. Whoever can write the file can still
//! cut off whole records at its end; only a count kept elsewhere (the audit chain) shows that.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use catalog::sealed;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::LedgerError;

/// First bytes of a file.
const HEAD: &[u8; 8] = b"ledger/1";
/// Length, checksum and seal.
const FRAME_BYTES: usize = 4 + 8 + 16;

/// The open file. Locked, so that two processes never write it.
pub(super) struct Store {
    file: File,
    keys: Keys,
    records: u64,
    /// A write failed: what is at the end of the file is not known until it is opened again.
    is_broken: bool,
}

#[derive(ZeroizeOnDrop)]
struct Keys {
    records: [u8; 32],
    seals: [u8; 32],
}

/// A record's place: its body, or where a cut-off record begins.
enum Next<'a> {
    End,
    Record { body: &'a [u8], rest: &'a [u8] },
    Torn,
}

impl Store {
    /// The file and its records, in order.
    #[expect(clippy::type_complexity, reason = "a store and what it holds")]
    pub(super) fn open(
        folder: &Path,
        project: &str,
        key: &[u8; 32],
    ) -> Result<(Self, Vec<Zeroizing<Vec<u8>>>), LedgerError> {
        let name = format!("{}.ledger", hex::encode(Sha256::digest(project)));
        let path = folder.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(cause) => cause,
            TryLockError::WouldBlock => io::ErrorKind::ResourceBusy.into(),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut store = Self { file, keys: Keys::of(project, key)?, records: 0, is_broken: false };
        if bytes.len() < HEAD.len() && HEAD.starts_with(&bytes) {
            store.begin(folder)?;
            return Ok((store, Vec::new()));
        }
        let mut rest = bytes.strip_prefix(HEAD).ok_or(LedgerError::Damaged)?;
        let mut records = Vec::new();
        loop {
            match store.next(rest)? {
                Next::End => return Ok((store, records)),
                Next::Record { body, rest: after } => {
                    records.push(store.unseal(body)?);
                    store.records += 1;
                    rest = after;
                }
                Next::Torn => {
                    store.file.set_len((bytes.len() - rest.len()) as u64)?;
                    store.file.sync_all()?;
                    return Ok((store, records));
                }
            }
        }
    }

    /// Writes a record and waits until it is on disk.
    pub(super) fn append(&mut self, record: &[u8]) -> Result<(), LedgerError> {
        if self.is_broken {
            return Err(LedgerError::Damaged);
        }
        let body = self.seal(record)?;
        let frame = self.frame(&body)?;
        self.is_broken = true;
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&[frame.as_slice(), &body].concat())?;
        self.file.sync_data()?;
        self.is_broken = false;
        self.records += 1;
        Ok(())
    }

    fn begin(&mut self, folder: &Path) -> Result<(), LedgerError> {
        self.file.set_len(0)?;
        self.file.write_all(HEAD)?;
        self.file.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    fn next<'a>(&self, bytes: &'a [u8]) -> Result<Next<'a>, LedgerError> {
        if bytes.is_empty() {
            return Ok(Next::End);
        }
        let Some((frame, rest)) = bytes.split_first_chunk::<FRAME_BYTES>() else { return Ok(Next::Torn) };
        let (length, seal) = frame.split_at_checked(FRAME_BYTES - 16).ok_or(LedgerError::Damaged)?;
        if self.seal_of(length)?.verify_truncated_left(seal).is_err() {
            // Some file systems fill what a crash cut short with zeros.
            return if bytes.iter().all(|byte| *byte == 0) { Ok(Next::Torn) } else { Err(LedgerError::Damaged) };
        }
        let bytes_of_body = length.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
        let Some((body, rest)) = rest.split_at_checked(bytes_of_body) else { return Ok(Next::Torn) };
        match (length.ends_with(&checksum(body)), rest.is_empty()) {
            (true, _) => Ok(Next::Record { body, rest }),
            (false, true) => Ok(Next::Torn),
            (false, false) => Err(LedgerError::Damaged),
        }
    }

    fn frame(&self, body: &[u8]) -> Result<Vec<u8>, LedgerError> {
        let length = u32::try_from(body.len()).map_err(|_| LedgerError::Damaged)?;
        let mut frame = length.to_le_bytes().to_vec();
        frame.extend(checksum(body));
        let seal = self.seal_of(&frame)?.finalize().into_bytes();
        frame.extend(seal.iter().take(16));
        Ok(frame)
    }

    fn seal_of(&self, length: &[u8]) -> Result<Hmac<Sha256>, LedgerError> {
        let mut mac = mac(&self.keys.seals)?;
        mac.update(&self.records.to_le_bytes());
        mac.update(length);
        Ok(mac)
    }

    fn seal(&self, record: &[u8]) -> Result<Vec<u8>, LedgerError> {
        sealed::seal(&self.keys.records, &self.records.to_le_bytes(), record).ok_or(LedgerError::Damaged)
    }

    fn unseal(&self, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, LedgerError> {
        sealed::open(&self.keys.records, &self.records.to_le_bytes(), body).ok_or(LedgerError::Damaged)
    }
}

impl Keys {
    /// Of one project's file: a record of another file does not open here.
    fn of(project: &str, key: &[u8; 32]) -> Result<Self, LedgerError> {
        let derive = |purpose: &[u8]| {
            let mut mac = mac(key)?;
            mac.update(purpose);
            mac.update(project.as_bytes());
            Ok::<_, LedgerError>(mac.finalize().into_bytes().into())
        };
        Ok(Self { records: derive(b"sudare/1|ledger records|")?, seals: derive(b"sudare/1|ledger seals|")? })
    }
}

impl From<io::Error> for LedgerError {
    fn from(cause: io::Error) -> Self {
        Self::Unavailable(cause)
    }
}

fn mac(key: &[u8; 32]) -> Result<Hmac<Sha256>, LedgerError> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).map_err(|_| LedgerError::Damaged)
}

fn checksum(body: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(body).into();
    digest.first_chunk().copied().unwrap_or_default()
}
