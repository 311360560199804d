//! Records of equal width on disk, in partitions, under a key that lives in this process alone: what does not fit into memory.
//! Gone with the process, and useless to whoever finds the file.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rand::Rng;
use zeroize::Zeroizing;

use crate::link::error::LinkError;

/// Bytes of a partition that wait in memory.
const WAITING: usize = 128 * 1024;

/// Records being written, then read by partition.
pub(super) struct Spill {
    path: PathBuf,
    file: File,
    key: Zeroizing<[u8; 32]>,
    at: u64,
    waiting: Vec<Zeroizing<Vec<u8>>>,
    pieces: Vec<Vec<(u64, usize)>>,
}

impl Spill {
    pub(super) fn create(folder: &Path, partitions: usize) -> Result<Self, LinkError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        rand::rng().fill_bytes(key.as_mut());
        let path = folder.join(format!("spill-{:016x}", rand::rng().next_u64()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).map_err(LinkError::io(&path))?;
        Ok(Self {
            path,
            file,
            key,
            at: 0,
            waiting: (0..partitions).map(|_| Zeroizing::new(Vec::new())).collect(),
            pieces: vec![Vec::new(); partitions],
        })
    }

    pub(super) fn push(&mut self, partition: usize, record: &[u8]) -> Result<(), LinkError> {
        let Some(waiting) = self.waiting.get_mut(partition) else { return Ok(()) };
        if waiting.capacity() == 0 {
            waiting.reserve_exact(WAITING);
        }
        waiting.extend_from_slice(record);
        if waiting.len() + record.len() > WAITING { self.flush(partition) } else { Ok(()) }
    }

    fn flush(&mut self, partition: usize) -> Result<(), LinkError> {
        let (Some(waiting), Some(pieces)) = (self.waiting.get_mut(partition), self.pieces.get_mut(partition)) else {
            return Ok(());
        };
        let sealed = catalog::sealed::seal(&self.key, &self.at.to_be_bytes(), waiting)
            .ok_or_else(|| LinkError::io(&self.path)(std::io::Error::other("the piece cannot be sealed")))?;
        self.file.write_all(&sealed).map_err(LinkError::io(&self.path))?;
        pieces.push((self.at, sealed.len()));
        self.at = self.at.saturating_add(sealed.len() as u64);
        waiting.clear();
        Ok(())
    }

    /// All records of a partition, in the order of writing.
    pub(super) fn read(&self, partition: usize) -> Result<Zeroizing<Vec<u8>>, LinkError> {
        let mut all = Zeroizing::new(Vec::new());
        for (at, length) in self.pieces.get(partition).into_iter().flatten() {
            let mut sealed = vec![0; *length];
            self.file.read_exact_at(&mut sealed, *at).map_err(LinkError::io(&self.path))?;
            let piece = catalog::sealed::open(&self.key, &at.to_be_bytes(), &sealed);
            let changed = || std::io::Error::other("the piece was changed since it was written; start the run anew");
            all.extend_from_slice(&piece.ok_or_else(|| LinkError::io(&self.path)(changed()))?);
        }
        all.extend_from_slice(self.waiting.get(partition).map_or(&[][..], |waiting| waiting.as_slice()));
        Ok(all)
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        // What cannot be removed now goes with the run's partial folder.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_by_partition_and_the_file_goes() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::create(dir.path(), 3).unwrap();
        let record = |number: u32| number.to_be_bytes();
        (0..300_000_u32).for_each(|number| spill.push(number as usize % 3, &record(number)).unwrap());
        for partition in 0..3_u32 {
            let read = spill.read(partition as usize).unwrap();
            let numbers: Vec<u32> = read.chunks(4).map(|four| u32::from_be_bytes(four.try_into().unwrap())).collect();
            assert!(numbers.len() == 100_000 && numbers.iter().all(|number| number % 3 == partition));
        }
        let lies = fs::read(&spill.path).unwrap();
        let plain: Vec<u8> = (0..30).step_by(3).flat_map(record).collect();
        assert!(!lies.is_empty() && memchr::memmem::find(&lies, &plain).is_none());
        File::options().write(true).open(&spill.path).unwrap().write_all_at(&[lies[40] ^ 1], 40).unwrap();
        assert!(spill.read(0).is_err());
        drop(spill);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
