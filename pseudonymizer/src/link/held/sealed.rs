//! Sealed files of which parts are read: what is not needed is neither read nor opened, 64 KiB at a time.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use policies::keys::{SealIdentity, SealRecipient};

use crate::link::LinkError;
use crate::seal::{self, SealedReader, SealedWriter};

/// Bytes gathered before a write to the disk.
const BUFFER: usize = 256 * 1024;

/// A sealed file being written.
pub(super) struct Writer {
    path: PathBuf,
    sealed: SealedWriter<BufWriter<File>>,
    /// Bytes so far.
    pub(super) length: u64,
}

impl Writer {
    pub(super) fn create(path: &Path, to: &SealRecipient) -> Result<Self, LinkError> {
        let file = File::create(path).map_err(LinkError::io(path))?;
        let sealed = seal::writer(BufWriter::with_capacity(BUFFER, file), to)
            .map_err(|cause| LinkError::io(path)(io::Error::other(cause)))?;
        Ok(Self { path: path.to_owned(), sealed, length: 0 })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.length += bytes.len() as u64;
        self.sealed.write_all(bytes).map_err(LinkError::io(&self.path))
    }

    /// Ends and syncs the file.
    pub(super) fn finish(self) -> Result<(), LinkError> {
        let io = || LinkError::io(&self.path);
        let file = self.sealed.finish().map_err(io())?.into_inner().map_err(|fault| io()(fault.into_error()))?;
        file.sync_all().map_err(io())
    }
}

/// A sealed file being read in places.
pub(super) struct Reader {
    path: PathBuf,
    sealed: SealedReader<File>,
    at: u64,
}

impl Reader {
    pub(super) fn open(path: &Path, identity: &SealIdentity) -> Result<Self, LinkError> {
        let file = File::open(path).map_err(LinkError::io(path))?;
        let open = |cause| LinkError::seal(seal::SealError::Open { path: path.to_owned(), cause: Box::new(cause) });
        Ok(Self { path: path.to_owned(), sealed: seal::reader(file, identity).map_err(open)?, at: 0 })
    }

    /// The bytes from `offset` on, as many as fit `into`. Cheapest in ascending order.
    pub(super) fn read_at(&mut self, offset: u64, into: &mut [u8]) -> Result<(), LinkError> {
        if offset != self.at {
            self.sealed.seek(SeekFrom::Start(offset)).map_err(LinkError::io(&self.path))?;
        }
        self.sealed.read_exact(into).map_err(LinkError::io(&self.path))?;
        self.at = offset + into.len() as u64;
        Ok(())
    }

    /// All of it.
    pub(super) fn read_all(mut self) -> Result<Vec<u8>, LinkError> {
        let mut all = Vec::new();
        self.sealed.read_to_end(&mut all).map_err(LinkError::io(&self.path))?;
        Ok(all)
    }
}
