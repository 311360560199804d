//! Tables as a permit shows them: just the granted columns of a pinned release, rows outside the permit's filter left out.

mod filter;
mod granted;
mod scan;

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExecBuilder;
use policies::RowFilter;

pub(crate) use filter::{InvalidFilter, row_filter};
pub(crate) use granted::{Granted, granted};
pub(crate) use scan::{Scan, bucket_order, bucket_partitioning};

use crate::release::StoredTable;

/// One stored table as a permit shows it. A column that is not granted is not there; rows that the permit's filter leaves out
/// are dropped below everything the researcher writes.
#[derive(Debug)]
pub(crate) struct GrantedTable {
    stored: Arc<StoredTable>,
    visible: SchemaRef,
    /// The visible columns, then those that the filter alone needs.
    read: SchemaRef,
    filter: Option<Expr>,
}

impl GrantedTable {
    /// `columns` are stored columns, in any order; those that the table does not have are ignored.
    pub(crate) fn new(
        stored: Arc<StoredTable>,
        columns: impl Fn(&str) -> bool,
        filters: &[RowFilter],
    ) -> Result<Self, InvalidFilter> {
        let filter = row_filter(filters, &stored.schema)?;
        let (shown, other): (Vec<_>, Vec<_>) =
            stored.schema.fields().iter().cloned().partition(|field| columns(field.name()));
        let needed = other.into_iter().filter(|field| filters.iter().any(|filter| filter.column == *field.name()));
        let read: Vec<_> = shown.iter().cloned().chain(needed).collect();
        Ok(Self { stored, visible: Arc::new(Schema::new(shown)), read: Arc::new(Schema::new(read)), filter })
    }

    /// The columns to read: those wanted, then those that only the filter needs.
    fn columns_to_read(&self, wanted: &[usize]) -> Vec<usize> {
        let mut columns = wanted.to_vec();
        let used = self.filter.as_ref().map(Expr::column_refs).unwrap_or_default();
        for column in used {
            let place = self.read.index_of(column.name()).ok();
            columns.extend(place.filter(|place| !wanted.contains(place)));
        }
        columns
    }
}

#[async_trait]
impl TableProvider for GrantedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.visible)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Row groups that cannot match are skipped; the filter itself stays where the researcher's plan has it.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.visible.fields().len()).collect());
        let columns = self.columns_to_read(&wanted);
        let stored = DFSchema::try_from(Arc::clone(&self.read))?;
        // What cannot be turned into a physical expression here prunes nothing; it is evaluated above all the same.
        let pruning: Vec<_> = filters
            .iter()
            .chain(&self.filter)
            .filter_map(|filter| state.create_physical_expr(filter.clone(), &stored).ok())
            .collect();
        let scan = Scan { table: &self.stored, schema: &self.read, columns: &columns }.plan(pruning)?;
        let Some(filter) = self.filter.clone() else { return Ok(scan) };
        let read = DFSchema::try_from(scan.schema())?;
        let filter = state.create_physical_expr(filter, &read)?;
        let kept: Vec<usize> = (0..wanted.len()).collect();
        Ok(Arc::new(FilterExecBuilder::new(filter, scan).apply_projection(Some(kept))?.build()?))
    }
}

#[cfg(test)]
pub(crate) mod tests;
