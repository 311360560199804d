//! The scan of a stored table: one partition a bucket, each in the order of the person key, decrypted as it is read.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use catalog::BucketCount;
use datafusion::common::config::{EncryptionFactoryOptions, TableParquetOptions};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Result, ScalarValue, SplitPoint, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::parquet_encryption::EncryptionFactory;
use datafusion::object_store::path::Path as StorePath;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr, RangePartitioning, conjunction,
};
use datafusion::physical_plan::ExecutionPlan;
use parquet::encryption::decrypt::FileDecryptionProperties;
use parquet::encryption::encrypt::FileEncryptionProperties;

use crate::release::StoredTable;

/// A scan to be planned.
pub(crate) struct Scan<'a> {
    /// What is stored.
    pub(crate) table: &'a StoredTable,
    /// The columns that may be read, by name.
    pub(crate) schema: &'a SchemaRef,
    /// Those of them that are read, in this order.
    pub(crate) columns: &'a [usize],
}

impl Scan<'_> {
    /// The operator. `pruning` are conditions over [`Self::schema`] that let row groups be skipped; they drop no row.
    pub(crate) fn plan(self, pruning: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut options = TableParquetOptions::default();
        options.global.pushdown_filters = false;
        options.global.schema_force_view_types = false;
        let mut source = ParquetSource::new(Arc::clone(self.schema))
            .with_table_parquet_options(options)
            .with_encryption_factory(Arc::new(FileKeys::of(self.table)));
        if !pruning.is_empty() {
            source = source.with_predicate(conjunction(pruning));
        }
        let (order, partitioning) = match self.table.buckets {
            Some(buckets) => (bucket_order(self.schema), bucket_partitioning(self.schema, buckets)?),
            None => (None, None),
        };
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(self.file_groups())
            .with_statistics(self.statistics())
            .with_output_ordering(order.into_iter().collect())
            .with_output_partitioning(partitioning)
            .with_projection_indices(Some(self.columns.to_vec()))?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// One group a bucket, so that a partition is a bucket and no file is cut.
    fn file_groups(&self) -> Vec<FileGroup> {
        let group = |file: &Option<crate::release::StoredFile>| {
            let listed = file.iter().map(|file| {
                let mut listed = PartitionedFile::new("", file.bytes);
                listed.object_meta.location = file.location.clone();
                listed
            });
            FileGroup::new(listed.collect())
        };
        self.table.files.iter().map(group).collect()
    }

    /// The manifest's row count, for the order of joins; never exact, so that no count is answered without a scan.
    fn statistics(&self) -> Statistics {
        let rows = usize::try_from(self.table.rows).unwrap_or(usize::MAX);
        let mut statistics = Statistics::new_unknown(self.schema);
        statistics.num_rows = Precision::Inexact(rows);
        statistics
    }
}

/// Rows of a bucket come in the order of the person key (DESIGN.md, "the flow", 3). `None` if the schema does not have it.
pub(crate) fn bucket_order(schema: &Schema) -> Option<LexOrdering> {
    let key = Column::new_with_schema("person_key", schema).ok()?;
    LexOrdering::new([PhysicalSortExpr::new(Arc::new(key), SortOptions::new(false, false))])
}

/// A bucket is a range of person keys: the top bits of the key. Joins and groups by person need no shuffle.
// INVARIANT: catalog::bucket_of; the file of bucket b holds exactly the keys with these top bits.
pub(crate) fn bucket_partitioning(schema: &Schema, buckets: BucketCount) -> Result<Option<Partitioning>> {
    let Some(order) = bucket_order(schema) else { return Ok(None) };
    let bits = u64::BITS - buckets.get().trailing_zeros();
    let bounds = (1..u64::from(buckets.get())).map(|bucket| SplitPoint::new(vec![ScalarValue::from(bucket << bits)]));
    RangePartitioning::try_new(order, bounds.collect()).map(|range| Some(Partitioning::Range(range)))
}

/// Which properties open which file. Prints nothing of them.
struct FileKeys(HashMap<StorePath, Arc<FileDecryptionProperties>>);

impl FileKeys {
    fn of(table: &StoredTable) -> Self {
        let key = |file: &crate::release::StoredFile| (file.location.clone(), Arc::clone(&file.decryption));
        Self(table.files.iter().flatten().map(key).collect())
    }
}

impl fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKeys")
    }
}

#[async_trait]
impl EncryptionFactory for FileKeys {
    async fn get_file_encryption_properties(
        &self,
        _config: &EncryptionFactoryOptions,
        _schema: &SchemaRef,
        _file_path: &StorePath,
    ) -> Result<Option<Arc<FileEncryptionProperties>>> {
        Err(DataFusionError::Execution("releases are read, never written".to_owned()))
    }

    async fn get_file_decryption_properties(
        &self,
        _config: &EncryptionFactoryOptions,
        file_path: &StorePath,
    ) -> Result<Option<Arc<FileDecryptionProperties>>> {
        let unknown = || DataFusionError::Execution("a file that no release lists".to_owned());
        self.0.get(file_path).map(|properties| Some(Arc::clone(properties))).ok_or_else(unknown)
    }
}
