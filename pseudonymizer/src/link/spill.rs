//! Short records in buckets: in memory as long as they fit, then in a file without a name, sealed under a key that only this process
//! has. A run that is killed leaves neither file nor key.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rand::Rng;
use zeroize::Zeroizing;

/// Records of one thread, by bucket.
pub(crate) struct Spill {
    buckets: Vec<Bucket>,
    disk: Option<Disk>,
}

#[derive(Default)]
struct Bucket {
    waiting: Zeroizing<Vec<u8>>,
    pieces: Vec<Piece>,
}

/// Where records of a bucket lie in the file.
struct Piece {
    at: u64,
    /// Bytes of the records, and of them sealed.
    bytes: usize,
    sealed: usize,
}

struct Disk {
    file: File,
    key: Zeroizing<[u8; 32]>,
    at: u64,
    /// Bytes that may wait in memory for each bucket.
    share: usize,
}

impl Spill {
    /// Buckets that stay in memory.
    pub(crate) fn in_memory(buckets: usize) -> Self {
        Self { buckets: (0..buckets).map(|_| Bucket::default()).collect(), disk: None }
    }

    /// Buckets that go to a file in `folder`, each when it would hold more than its share of `memory_max` bytes. Their memory is taken
    /// once, so that no copy of a record stays behind where it grew. The file has no name any more when this
    /// returns: its place on the disk is free as soon as the process ends, however it ends.
    pub(crate) fn on_disk(buckets: usize, memory_max: usize, folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!("spill-{:016x}", rand::rng().next_u64()));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        fs::remove_file(&path)?;
        let mut key = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(key.as_mut());
        Ok(Self {
            disk: Some(Disk { file, key, at: 0, share: memory_max / buckets.max(1) }),
            ..Self::in_memory(buckets)
        })
    }

    /// Appends a record. Inline: where the length is known, copying takes a step or two.
    #[inline]
    pub(crate) fn push(&mut self, bucket: usize, record: &[u8]) -> io::Result<()> {
        let bucket = self.buckets.get_mut(bucket).ok_or(io::ErrorKind::InvalidInput)?;
        if let Some(disk) = &self.disk
            && bucket.waiting.capacity() == 0
        {
            bucket.waiting.reserve_exact(disk.share.max(record.len()));
        }
        bucket.waiting.extend_from_slice(record);
        match &mut self.disk {
            Some(disk) if bucket.waiting.len() + record.len() > disk.share => bucket.flush(disk),
            Some(_) | None => Ok(()),
        }
    }

    /// No record comes any more: where some are in the file, all of them are, so that memory is free for what comes next.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        if let Some(disk) = self.disk.as_mut().filter(|disk| disk.at > 0) {
            for bucket in &mut self.buckets {
                bucket.flush(disk)?;
                bucket.waiting = Zeroizing::default();
            }
        }
        Ok(())
    }

    /// Bytes of the bucket's records.
    pub(crate) fn len(&self, bucket: usize) -> usize {
        let len = |bucket: &Bucket| bucket.waiting.len() + bucket.pieces.iter().map(|piece| piece.bytes).sum::<usize>();
        self.buckets.get(bucket).map_or(0, len)
    }

    /// The bucket's records, some at a time, in the order in which they came.
    pub(crate) fn read(&self, bucket: usize, mut some: impl FnMut(&[u8])) -> io::Result<()> {
        let Some(bucket) = self.buckets.get(bucket) else { return Ok(()) };
        if let Some(disk) = &self.disk {
            for piece in &bucket.pieces {
                some(&disk.read(piece)?);
            }
        }
        some(&bucket.waiting);
        Ok(())
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.buckets.iter().map(|bucket| bucket.waiting.len()).sum()
    }
}

impl Bucket {
    fn flush(&mut self, disk: &mut Disk) -> io::Result<()> {
        if !self.waiting.is_empty() {
            self.pieces.push(disk.append(&self.waiting)?);
            self.waiting.clear();
        }
        Ok(())
    }
}

impl Disk {
    fn append(&mut self, records: &[u8]) -> io::Result<Piece> {
        let at = self.at;
        let sealed = catalog::sealed::seal(&self.key, &at.to_be_bytes(), records)
            .ok_or_else(|| io::Error::other("the piece cannot be sealed"))?;
        self.file.write_all(&sealed)?;
        self.at += sealed.len() as u64;
        Ok(Piece { at, bytes: records.len(), sealed: sealed.len() })
    }

    fn read(&self, piece: &Piece) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut sealed = vec![0; piece.sealed];
        self.file.read_exact_at(&mut sealed, piece.at)?;
        catalog::sealed::open(&self.key, &piece.at.to_be_bytes(), &sealed)
            .ok_or_else(|| io::Error::other("the piece was changed since it was written"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(spill: &Spill, bucket: usize) -> Vec<u8> {
        let mut found = Vec::new();
        spill.read(bucket, |some| found.extend_from_slice(some)).unwrap();
        assert_eq!(found.len(), spill.len(bucket));
        found
    }

    proptest! {
        #[test]
        fn the_file_gives_back_what_memory_would(records in proptest::collection::vec((0_usize..5, any::<[u8; 7]>()), 0..300), memory_max in 0_usize..400, settled: bool) {
            let dir = tempfile::tempdir().unwrap();
            let mut memory = Spill::in_memory(5);
            let mut disk = Spill::on_disk(5, memory_max, dir.path()).unwrap();
            for (bucket, record) in &records {
                memory.push(*bucket, record).unwrap();
                disk.push(*bucket, record).unwrap();
                prop_assert!(disk.waiting() <= memory_max + 7);
            }
            if settled {
                disk.settle().unwrap();
            }
            for bucket in 0..5 {
                prop_assert_eq!(all(&memory, bucket), all(&disk, bucket));
            }
        }
    }

    #[test]
    fn the_file_has_no_name_and_no_record_in_clear_and_a_flipped_bit_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::on_disk(1, 64, dir.path()).unwrap();
        for _ in 0..100 {
            spill.push(0, b"sixteen bytes it").unwrap();
        }
        spill.settle().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let disk = spill.disk.as_ref().unwrap();
        let mut bytes = vec![0; usize::try_from(disk.at).unwrap()];
        disk.file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(!bytes.windows(7).any(|some| some == b"sixteen"));
        disk.file.write_all_at(&[bytes[40] ^ 1], 40).unwrap();
        assert!(spill.read(0, |_| {}).is_err());
    }

    #[test]
    fn a_bucket_that_is_not_there_is_refused() {
        assert!(Spill::in_memory(2).push(2, b"x").is_err());
    }
}
