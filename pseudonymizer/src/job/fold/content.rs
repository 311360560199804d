//! Content: each table's buckets one behind the other, the rows of a bucket in random order, those of records that do not stand
//! left out. A row's bucket is random too, so the order of the files does not show.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, thread};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute;
use arrow::datatypes::{Int32Type, SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use rand::seq::SliceRandom;

use super::Gone;
use crate::job::folder::Folder;
use crate::job::units::Plan;
use crate::job::work::Done;
use crate::job::{Job, PseudonymizeError};
use crate::report::{FileReport, Reason};
use crate::seal::{BatchWriter, SealError};
use crate::spool::{self, Facts};
use crate::stays::Addition;

/// Rows of one Arrow batch of a sealed file.
const ROWS: usize = 16 * 1024;
/// The table whose rows other files add to, and without which they do not stand.
const STAYS: &str = "dpc.stays";

/// All content of a batch.
pub(super) struct Rows<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) folder: &'a Folder,
    pub(super) plan: &'a Plan,
    pub(super) parts: &'a [Done],
    pub(super) gone: &'a Gone,
}

/// Rows written, and rows left out for want of their stay.
type Counts = (u64, u64);

impl Rows<'_> {
    /// Writes all tables, several at a time; rows by table.
    pub(super) fn write(&self, counts: &mut FileReport) -> Result<BTreeMap<String, u64>, PseudonymizeError> {
        let mut names: BTreeSet<&str> = self.parts.iter().flat_map(|done| done.part.tables()).collect();
        let mut tables = BTreeMap::new();
        let mut stays = HashSet::new();
        if names.remove(STAYS) {
            let (rows, _) = self.table(STAYS, None, Some(&mut stays))?;
            tables.insert(STAYS.to_owned(), rows);
        }
        let names: Vec<&str> = names.into_iter().collect();
        let next = AtomicUsize::new(0);
        let made = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..self.job.options.threads.clamp(1, names.len().max(1)) {
                scope.spawn(|| {
                    while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let rows = self.table(name, name.starts_with("dpc.").then_some(&stays), None);
                        made.lock().unwrap_or_else(PoisonError::into_inner).push((*name, rows));
                    }
                });
            }
        });
        for (name, rows) in made.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let (rows, orphans) = rows?;
            if orphans > 0 {
                counts.note_many(Reason::RecordOrphan, orphans);
            }
            tables.insert(name.to_owned(), rows);
        }
        tables.retain(|_, rows| *rows > 0);
        Ok(tables)
    }

    /// Writes a table. `stays`: those without which a row does not stand; `collect` takes the records of the rows.
    fn table(
        &self,
        name: &str,
        stays: Option<&HashSet<u64>>,
        mut collect: Option<&mut HashSet<u64>>,
    ) -> Result<Counts, PseudonymizeError> {
        let path = self.folder.path("content").join(format!("{name}.arrow.age"));
        let arrow = |cause| SealError::Arrow { path: path.clone(), cause };
        let unknown = || arrow(ArrowError::SchemaError("no such table in the catalog".to_owned()));
        let waiting = spool::schema_of(name).ok_or_else(unknown)?;
        let schema = catalog::content_schema(catalog::table(name).ok_or_else(unknown)?);
        let mut writer = BatchWriter::create(&path, &schema, &self.job.release_to)?;
        let (mut rows, mut orphans) = (0_u64, 0_u64);
        for bucket in 0..self.plan.buckets {
            let all = self.bucket(name, bucket, &waiting, stays, &mut orphans)?;
            if let Some(known) = &mut collect {
                known.extend(records(&all));
            }
            let all = if name == STAYS { self.added(&all, bucket)? } else { all };
            let mixed = mixed(&all, &schema).map_err(arrow)?;
            rows = rows.saturating_add(u64::try_from(mixed.num_rows()).unwrap_or(0));
            for from in (0..mixed.num_rows()).step_by(ROWS) {
                writer.write(&mixed.slice(from, ROWS.min(mixed.num_rows().saturating_sub(from))))?;
            }
        }
        writer.finish()?;
        if rows == 0 {
            fs::remove_file(&path).map_err(PseudonymizeError::io(&path))?;
        }
        Ok((rows, orphans))
    }

    /// The rows of a bucket that stand.
    fn bucket(
        &self,
        name: &str,
        bucket: u32,
        schema: &SchemaRef,
        stays: Option<&HashSet<u64>>,
        orphans: &mut u64,
    ) -> Result<RecordBatch, PseudonymizeError> {
        let arrow = |cause| SealError::Arrow { path: self.folder.path("parts"), cause };
        let mut batches = Vec::new();
        for done in self.parts {
            for batch in done.part.rows(name, bucket, &self.folder.secrets().spool)? {
                batches.push(standing(&batch, done.unit, self.gone, stays, orphans).map_err(arrow)?);
            }
        }
        Ok(compute::concat_batches(schema, &batches).map_err(arrow)?)
    }

    /// Stays with the points of their acts and their DPC codes.
    fn added(&self, stays: &RecordBatch, bucket: u32) -> Result<RecordBatch, PseudonymizeError> {
        let mut additions = HashMap::new();
        for done in self.parts {
            for piece in done.part.facts(Facts::Stay, bucket, &self.folder.secrets().spool)? {
                Addition::gather(&piece, &mut additions);
            }
        }
        let own: Vec<Option<&Addition>> = records(stays).map(|record| additions.get(&record)).collect();
        let schema = stays.schema();
        let columns = schema.fields().iter().zip(stays.columns()).map(|(field, column)| -> ArrayRef {
            match (field.name().as_str(), column.as_primitive_opt::<Int32Type>()) {
                ("points", Some(stated)) => {
                    let sums = own.iter().map(|addition| addition.and_then(|addition| addition.points));
                    Arc::new(sums.zip(stated).map(|(sum, stated)| sum.or(stated)).collect::<Int32Array>())
                }
                ("dpc_code", _) => {
                    let codes = own.iter().map(|addition| addition.and_then(|addition| addition.dpc_code.as_deref()));
                    Arc::new(codes.collect::<StringArray>())
                }
                _ => Arc::clone(column),
            }
        });
        let path = self.folder.path("content");
        let columns = columns.collect();
        RecordBatch::try_new(schema, columns).map_err(|cause| SealError::Arrow { path, cause }.into())
    }
}

fn records(batch: &RecordBatch) -> impl Iterator<Item = u64> + '_ {
    let records = batch.columns().first().and_then(|column| column.as_primitive_opt::<UInt64Type>());
    records.into_iter().flat_map(|records| records.values().iter().copied())
}

/// The rows of a unit that stand.
fn standing(
    batch: &RecordBatch,
    unit: u32,
    gone: &Gone,
    stays: Option<&HashSet<u64>>,
    orphans: &mut u64,
) -> Result<RecordBatch, ArrowError> {
    let mut all = true;
    let keep: BooleanArray = records(batch)
        .map(|record| {
            let orphan = stays.is_some_and(|stays| !stays.contains(&record));
            *orphans = orphans.saturating_add(u64::from(orphan));
            let stands = !orphan && gone.stands(record, unit);
            all &= stands;
            Some(stands)
        })
        .collect();
    if all { Ok(batch.clone()) } else { compute::filter_record_batch(batch, &keep) }
}

/// The rows in random order, without the record in front.
fn mixed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let rows = u32::try_from(batch.num_rows()).map_err(|_| ArrowError::ComputeError("too many rows".to_owned()))?;
    let mut order: Vec<u32> = (0..rows).collect();
    order.shuffle(&mut rand::rng());
    let order = UInt32Array::from(order);
    let columns = batch.columns().iter().skip(1).map(|column| compute::take(column, &order, None));
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}
