//! Sealed files: age (X25519) around a byte stream, and Arrow IPC streams on top. What leaves the holder is written here
//! and opened in the zone it is sealed to.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::iter;
use std::path::{Path, PathBuf};

use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, EncryptError, Encryptor};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader as IpcReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter as IpcWriter};
use arrow::record_batch::RecordBatch;
use policies::keys::{SealIdentity, SealRecipient};

/// Bytes gathered before a write to the disk.
const BUFFER: usize = 256 * 1024;

/// Why a sealed file could not be written or opened. Says where, never what stands there.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The Arrow stream inside is broken.
    #[error("{} holds no readable table; make the batch again", path.display())]
    Arrow {
        /// The file.
        path: PathBuf,
        /// What Arrow said (of the stream's form; it quotes no cell).
        #[source]
        cause: ArrowError,
    },
    /// Sealed to somebody else, or changed since.
    #[error("{} cannot be opened with this zone's key, or was changed since it was sealed", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What age said.
        #[source]
        cause: Box<DecryptError>,
    },
    /// Input or output failed.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The sealing itself failed.
    #[error("cannot seal {}", path.display())]
    Seal {
        /// The file.
        path: PathBuf,
        /// What age said.
        #[source]
        cause: Box<EncryptError>,
    },
}

/// A sealed byte stream being written. [`SealedWriter::finish`] must be called: without its last chunk the file does not open.
pub struct SealedWriter<W: Write>(StreamWriter<W>);

impl<W: Write> SealedWriter<W> {
    /// Writes the last chunk and gives the inner writer back, flushed.
    pub fn finish(self) -> io::Result<W> {
        let mut inner = self.0.finish()?;
        inner.flush()?;
        Ok(inner)
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Seals what is written to `inner` to one zone.
pub fn writer<W: Write>(inner: W, to: &SealRecipient) -> Result<SealedWriter<W>, EncryptError> {
    let encryptor = Encryptor::with_recipients(iter::once(to.age() as &dyn age::Recipient))?;
    Ok(SealedWriter(encryptor.wrap_output(inner)?))
}

/// A sealed byte stream being opened. Reading fails if the file was changed or cut.
pub struct SealedReader<R: Read>(StreamReader<R>);

impl<R: Read> Read for SealedReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl<R: Read + Seek> Seek for SealedReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Opens what was sealed to this zone.
pub fn reader<R: Read>(inner: R, identity: &SealIdentity) -> Result<SealedReader<R>, DecryptError> {
    let decryptor = Decryptor::new(inner)?;
    decryptor.decrypt(iter::once(identity.age() as &dyn age::Identity)).map(SealedReader)
}

/// Seals a few bytes, e.g. a wrapped key.
pub fn seal_bytes(bytes: &[u8], to: &SealRecipient) -> Result<Vec<u8>, EncryptError> {
    let mut sealed = writer(Vec::new(), to)?;
    sealed.write_all(bytes)?;
    Ok(sealed.finish()?)
}

/// Opens a few sealed bytes.
pub fn open_bytes(sealed: &[u8], identity: &SealIdentity) -> Result<Vec<u8>, DecryptError> {
    let mut bytes = Vec::new();
    reader(sealed, identity)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A sealed file being written.
pub fn create(path: &Path, to: &SealRecipient) -> Result<SealedWriter<BufWriter<File>>, SealError> {
    let file = File::create(path).map_err(|cause| SealError::Io { path: path.to_owned(), cause })?;
    let buffered = BufWriter::with_capacity(BUFFER, file);
    writer(buffered, to).map_err(|cause| SealError::Seal { path: path.to_owned(), cause: Box::new(cause) })
}

/// A sealed file being opened.
pub fn open(path: &Path, identity: &SealIdentity) -> Result<SealedReader<BufReader<File>>, SealError> {
    let file = File::open(path).map_err(|cause| SealError::Io { path: path.to_owned(), cause })?;
    let buffered = BufReader::with_capacity(BUFFER, file);
    reader(buffered, identity).map_err(|cause| SealError::Open { path: path.to_owned(), cause: Box::new(cause) })
}

/// Where the signature of a sealed table stands: `tokens.sig` beside `tokens.arrow.age`.
pub(crate) fn signature_of(table: &Path) -> PathBuf {
    table.with_extension("").with_extension("sig")
}

/// A sealed Arrow IPC stream being written, zstd inside each buffer.
pub struct BatchWriter {
    path: PathBuf,
    stream: IpcWriter<SealedWriter<BufWriter<File>>>,
}

impl BatchWriter {
    /// Starts the file. The schema's metadata travel with it.
    pub fn create(path: &Path, schema: &SchemaRef, to: &SealRecipient) -> Result<Self, SealError> {
        let arrow = |cause| SealError::Arrow { path: path.to_owned(), cause };
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(arrow)?;
        let stream = IpcWriter::try_new_with_options(create(path, to)?, schema, options).map_err(arrow)?;
        Ok(Self { path: path.to_owned(), stream })
    }

    /// Appends rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SealError> {
        self.stream.write(batch).map_err(|cause| SealError::Arrow { path: self.path.clone(), cause })
    }

    /// Ends the stream and syncs the file. A file without this does not open.
    pub fn finish(mut self) -> Result<(), SealError> {
        let arrow = |cause| SealError::Arrow { path: self.path.clone(), cause };
        let io = |cause| SealError::Io { path: self.path.clone(), cause };
        self.stream.finish().map_err(arrow)?;
        let sealed = self.stream.into_inner().map_err(arrow)?;
        let file = sealed.finish().map_err(io)?.into_inner().map_err(|fault| io(fault.into_error()))?;
        file.sync_all().map_err(io)
    }
}

/// A sealed Arrow IPC stream being opened: an iterator over its batches, one in memory at a time.
pub struct BatchReader {
    path: PathBuf,
    stream: IpcReader<SealedReader<BufReader<File>>>,
}

impl BatchReader {
    /// Opens the file with this zone's key.
    pub fn open(path: &Path, identity: &SealIdentity) -> Result<Self, SealError> {
        let sealed = open(path, identity)?;
        let stream =
            IpcReader::try_new(sealed, None).map_err(|cause| SealError::Arrow { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), stream })
    }

    /// The schema with its metadata.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
}

impl Iterator for BatchReader {
    type Item = Result<RecordBatch, SealError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.stream.next()?;
        Some(next.map_err(|cause| SealError::Arrow { path: self.path.clone(), cause }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;
    use arrow::datatypes::{DataType, Field, Schema};
    use jiff::Timestamp;
    use policies::Zone;
    use policies::keys::KeyFolder;

    use super::*;

    fn numbers() -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
        RecordBatch::try_new(schema, vec![Arc::new(Int32Array::from_iter_values(0..50_000))]).unwrap()
    }

    #[test]
    fn a_table_opens_in_its_zone_only_and_a_flipped_byte_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mine = KeyFolder::init(&dir.path().join("a"), Zone::Enclave, Timestamp::UNIX_EPOCH).unwrap();
        let other = KeyFolder::init(&dir.path().join("b"), Zone::Linkage, Timestamp::UNIX_EPOCH).unwrap();
        let path = dir.path().join("t.arrow.age");
        let batch = numbers();
        let mut writer = BatchWriter::create(&path, &batch.schema(), &mine.recipient().unwrap()).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();

        let read: Vec<_> = BatchReader::open(&path, &mine.seal().unwrap()).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 100_000);
        assert!(matches!(BatchReader::open(&path, &other.seal().unwrap()), Err(SealError::Open { .. })));

        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        File::create(&path).unwrap().write_all(&bytes).unwrap();
        let read: Result<Vec<_>, _> = BatchReader::open(&path, &mine.seal().unwrap()).and_then(Iterator::collect);
        assert!(read.is_err());
    }

    #[test]
    fn an_unfinished_file_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyFolder::init(&dir.path().join("a"), Zone::Enclave, Timestamp::UNIX_EPOCH).unwrap();
        let path = dir.path().join("t.arrow.age");
        let mut writer = BatchWriter::create(&path, &numbers().schema(), &keys.recipient().unwrap()).unwrap();
        writer.write(&numbers()).unwrap();
        drop(writer);
        let read: Result<Vec<_>, _> = BatchReader::open(&path, &keys.seal().unwrap()).and_then(Iterator::collect);
        assert!(read.is_err());
    }

    #[test]
    fn a_few_bytes_survive() {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyFolder::init(&dir.path().join("a"), Zone::Holder, Timestamp::UNIX_EPOCH).unwrap();
        let sealed = seal_bytes(b"secret", &keys.recipient().unwrap()).unwrap();
        assert_eq!(open_bytes(&sealed, &keys.seal().unwrap()).unwrap(), b"secret");
        assert!(open_bytes(&sealed[..sealed.len() - 1], &keys.seal().unwrap()).is_err());
    }
}
