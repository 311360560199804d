//! Sorts any number of rows by person key in bounded memory: sorted runs, sealed to the enclave while they wait, then one merge.

use std::path::{Path, PathBuf};

use arrow::array::{AsArray, UInt64Array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{SchemaRef, UInt64Type};
use arrow::record_batch::RecordBatch;
use policies::keys::{SealIdentity, SealRecipient};

use super::error::ReleaseError;
use crate::seal::{BatchReader, BatchWriter};

/// Rows of one batch that leaves the sorter, and of one batch of a run.
const ROWS: usize = 16 * 1024;

/// Where runs wait, and how much may wait in memory.
pub(crate) struct Spill<'a> {
    /// A folder inside the partial release.
    pub(crate) folder: PathBuf,
    /// The enclave itself.
    pub(crate) to: SealRecipient,
    /// To read the runs again.
    pub(crate) identity: &'a SealIdentity,
    /// Bytes of rows in memory before a run is written.
    pub(crate) budget: usize,
}

/// Collects rows whose first column is the person key.
pub(crate) struct Sorter<'a> {
    table: &'a str,
    schema: SchemaRef,
    spill: &'a Spill<'a>,
    batches: Vec<RecordBatch>,
    bytes: usize,
    runs: Vec<PathBuf>,
}

impl<'a> Sorter<'a> {
    pub(crate) fn new(table: &'a str, schema: SchemaRef, spill: &'a Spill<'a>) -> Self {
        Self { table, schema, spill, batches: Vec::new(), bytes: 0, runs: Vec::new() }
    }

    /// Takes rows; writes a run when too many wait.
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<(), ReleaseError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.bytes > self.spill.budget { self.write_run() } else { Ok(()) }
    }

    /// All rows in the order of the person key.
    pub(crate) fn finish(mut self) -> Result<Sorted<'a>, ReleaseError> {
        if self.runs.is_empty() {
            let order = order(&self.batches);
            return Ok(Sorted { table: self.table, rows: Rows::Memory { batches: self.batches, order, done: 0 } });
        }
        self.write_run()?;
        let runs = self.runs.iter().map(|path| Run::open(path, self.spill.identity)).collect::<Result<_, _>>()?;
        Ok(Sorted { table: self.table, rows: Rows::Runs(runs) })
    }

    fn write_run(&mut self) -> Result<(), ReleaseError> {
        let batches = std::mem::take(&mut self.batches);
        self.bytes = 0;
        let order = order(&batches);
        let path = self.spill.folder.join(format!("{}-{:04}.run", self.table, self.runs.len()));
        let mut writer = BatchWriter::create(&path, &self.schema, &self.spill.to).map_err(ReleaseError::seal)?;
        for rows in order.chunks(ROWS) {
            writer.write(&gather(self.table, &batches, rows)?).map_err(ReleaseError::seal)?;
        }
        writer.finish().map_err(ReleaseError::seal)?;
        self.runs.push(path);
        Ok(())
    }
}

/// Rows in the order of the person key, in batches of bounded size.
pub(crate) struct Sorted<'a> {
    table: &'a str,
    rows: Rows,
}

enum Rows {
    Memory { batches: Vec<RecordBatch>, order: Vec<Place>, done: usize },
    Runs(Vec<Run>),
}

/// Key, batch, row.
type Place = (u64, usize, usize);

impl Iterator for Sorted<'_> {
    type Item = Result<RecordBatch, ReleaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.rows {
            Rows::Memory { batches, order, done } => {
                let rows = order.get(*done..).unwrap_or_default();
                let rows = rows.get(..ROWS).unwrap_or(rows);
                *done += rows.len();
                (!rows.is_empty()).then(|| gather(self.table, batches, rows))
            }
            Rows::Runs(runs) => merge(self.table, runs).transpose(),
        }
    }
}

/// One sorted run being read; `current` is never empty.
struct Run {
    reader: BatchReader,
    current: Option<RecordBatch>,
}

impl Run {
    fn open(path: &Path, identity: &SealIdentity) -> Result<Self, ReleaseError> {
        let reader = BatchReader::open(path, identity).map_err(ReleaseError::seal)?;
        let mut run = Self { reader, current: None };
        run.fill()?;
        Ok(run)
    }

    fn fill(&mut self) -> Result<(), ReleaseError> {
        while self.current.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
            self.current = self.reader.next().transpose().map_err(ReleaseError::seal)?;
            if self.current.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn last_key(&self) -> Option<u64> {
        keys(self.current.as_ref()?)?.values().last().copied()
    }

    /// Takes the rows up to and with `bound`.
    fn take(&mut self, bound: u64) -> Result<Option<RecordBatch>, ReleaseError> {
        let Some(batch) = &self.current else { return Ok(None) };
        let rows = keys(batch).map_or(0, |keys| keys.values().partition_point(|key| *key <= bound));
        let taken = batch.slice(0, rows);
        self.current = Some(batch.slice(rows, batch.num_rows() - rows));
        self.fill()?;
        Ok((rows > 0).then_some(taken))
    }
}

/// The next rows of a merge: up to the least of the runs' last known keys, below which no run can bring anything new.
fn merge(table: &str, runs: &mut [Run]) -> Result<Option<RecordBatch>, ReleaseError> {
    let Some(bound) = runs.iter().filter_map(Run::last_key).min() else { return Ok(None) };
    let parts = runs.iter_mut().filter_map(|run| run.take(bound).transpose()).collect::<Result<Vec<_>, _>>()?;
    let order = order(&parts);
    gather(table, &parts, &order).map(Some)
}

fn order(batches: &[RecordBatch]) -> Vec<Place> {
    let keys = batches.iter().map(|batch| keys(batch).map_or(&[][..], |keys| keys.values()));
    let mut order: Vec<Place> = keys
        .enumerate()
        .flat_map(|(batch, keys)| keys.iter().enumerate().map(move |(row, key)| (*key, batch, row)))
        .collect();
    order.sort_unstable();
    order
}

fn gather(table: &str, batches: &[RecordBatch], rows: &[Place]) -> Result<RecordBatch, ReleaseError> {
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let places: Vec<(usize, usize)> = rows.iter().map(|(_, batch, row)| (*batch, *row)).collect();
    interleave_record_batch(&batches, &places).map_err(ReleaseError::arrow(table))
}

/// The person keys of a batch: its first column.
pub(crate) fn keys(batch: &RecordBatch) -> Option<&UInt64Array> {
    batch.columns().first().and_then(|column| column.as_primitive_opt::<UInt64Type>())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use jiff::Timestamp;
    use policies::Zone;
    use policies::keys::KeyFolder;
    use proptest::prelude::*;

    use super::*;

    fn sorted(rows: &[(u64, i32)], budget: usize) -> Vec<(u64, i32)> {
        let dir = tempfile::tempdir().unwrap();
        let keys_folder = KeyFolder::init(&dir.path().join("k"), Zone::Enclave, Timestamp::UNIX_EPOCH).unwrap();
        let identity = keys_folder.seal().unwrap();
        let spill =
            Spill { folder: dir.path().to_owned(), to: keys_folder.recipient().unwrap(), identity: &identity, budget };
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("person_key", DataType::UInt64, false),
            Field::new("n", DataType::Int32, false),
            Field::new("text", DataType::Utf8, true),
        ]));
        let mut sorter = Sorter::new("t", Arc::clone(&schema), &spill);
        for rows in rows.chunks(7) {
            let keys = UInt64Array::from_iter_values(rows.iter().map(|row| row.0));
            let numbers = Int32Array::from_iter_values(rows.iter().map(|row| row.1));
            let texts = rows.iter().map(|row| (row.1 % 2 == 0).then(|| row.1.to_string())).collect::<StringArray>();
            let columns: Vec<arrow::array::ArrayRef> = vec![Arc::new(keys), Arc::new(numbers), Arc::new(texts)];
            sorter.push(RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()).unwrap();
        }
        let batches: Vec<RecordBatch> = sorter.finish().unwrap().collect::<Result<_, _>>().unwrap();
        batches
            .iter()
            .flat_map(|batch| {
                let numbers = batch.column(1).as_primitive::<arrow::datatypes::Int32Type>();
                keys(batch).unwrap().values().iter().copied().zip(numbers.values().iter().copied()).collect::<Vec<_>>()
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// However little memory there is, all rows come out, in the order of the key.
        #[test]
        fn nothing_is_lost_and_all_is_in_order(keys in proptest::collection::vec(0..20_u64, 0..120), budget in 0..4000_usize) {
            let rows: Vec<(u64, i32)> = keys.into_iter().zip(0..).collect();
            let found = sorted(&rows, budget);
            prop_assert!(found.windows(2).all(|pair| pair[0].0 <= pair[1].0));
            let (mut found, mut wanted) = (found, rows);
            found.sort_unstable();
            wanted.sort_unstable();
            prop_assert_eq!(found, wanted);
        }
    }
}
