//! A file in an official encoding, with errors that name it.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use encoding_rs::SHIFT_JIS;

use crate::SyntheticError;

/// A file in making.
pub(crate) struct Sink {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl Sink {
    /// Makes the file and its folder.
    pub(crate) fn create(path: &Path) -> Result<Self, SyntheticError> {
        let fail = |cause| SyntheticError::Write { file: path.to_owned(), cause };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let file = BufWriter::new(File::create(path).map_err(fail)?);
        Ok(Self { path: path.to_owned(), file, bytes: 0 })
    }

    /// The file's name.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Adds text in CP932.
    pub(crate) fn cp932(&mut self, text: &str) -> Result<(), SyntheticError> {
        let (bytes, _, unmappable) = SHIFT_JIS.encode(text);
        if unmappable {
            return Err(SyntheticError::Encoding { file: self.path.clone() });
        }
        self.raw(&bytes)
    }

    /// Adds bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), SyntheticError> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|cause| SyntheticError::Write { file: self.path.clone(), cause })
    }

    /// Overwrites bytes near the beginning and goes back to the end.
    pub(crate) fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<(), SyntheticError> {
        let patch = |file: &mut BufWriter<File>| {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(bytes)?;
            file.seek(SeekFrom::End(0)).map(|_| ())
        };
        patch(&mut self.file).map_err(|cause| SyntheticError::Write { file: self.path.clone(), cause })
    }

    /// Ends the file.
    pub(crate) fn close(mut self) -> Result<u64, SyntheticError> {
        self.file.flush().map_err(|cause| SyntheticError::Write { file: self.path.clone(), cause })?;
        Ok(self.bytes)
    }
}
