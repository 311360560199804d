//! `person` as a permit sees it: merged from the granted databases only (schema.md, the bold paragraph).
//!
//! Each source stores one row a person, in the same buckets and the same order; the merge runs bucket by bucket in one pass.
//! A permit for one database gets the same answer whether or not the others exist: their files are never opened.

mod merge;
mod rules;

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use catalog::BucketCount;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExecBuilder;
use policies::RowFilter;

use crate::release::StoredTable;
use crate::tables::{InvalidFilter, Scan, row_filter};
use merge::PersonMergeExec;

/// The merged view.
#[derive(Debug)]
pub(crate) struct PersonView {
    /// Granted sources in the order of `catalog::sources`, which settles ties.
    sources: Vec<Source>,
    buckets: BucketCount,
    visible: SchemaRef,
    /// All columns of `person`; the filter may name one that is not shown.
    whole: SchemaRef,
    filter: Option<Expr>,
}

/// One granted source of persons.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// `ndb`, `ltc` …, or an added one.
    pub(crate) name: &'static str,
    /// The stored table `person.<name>`.
    pub(crate) table: Arc<StoredTable>,
}

impl PersonView {
    /// `sources` are the granted ones, in the order of `catalog::sources`; `columns` says what the permit names.
    pub(crate) fn new(
        sources: Vec<Source>,
        buckets: BucketCount,
        columns: impl Fn(&str) -> bool,
        filters: &[RowFilter],
    ) -> Result<Self, InvalidFilter> {
        let whole = Arc::new(catalog::table("person").map_or_else(Schema::empty, catalog::Table::arrow));
        let shown: Vec<_> = whole.fields().iter().filter(|field| columns(field.name())).cloned().collect();
        let filter = row_filter(filters, &whole)?;
        Ok(Self { sources, buckets, visible: Arc::new(Schema::new(shown)), whole, filter })
    }

    /// Fields to compute: those wanted, then those that only the filter needs.
    fn fields(&self, wanted: &[usize]) -> Result<Schema> {
        let mut schema = self.visible.project(wanted)?;
        let used = self.filter.as_ref().map(Expr::column_refs).unwrap_or_default();
        let missing: Vec<_> =
            used.into_iter().filter(|column| schema.field_with_name(column.name()).is_err()).collect();
        let mut fields = schema.fields().to_vec();
        for column in missing {
            fields.push(Arc::new(self.whole.field_with_name(column.name())?.clone()));
        }
        schema.fields = fields.into();
        Ok(schema)
    }
}

#[async_trait]
impl TableProvider for PersonView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.visible)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.visible.fields().len()).collect());
        let schema = Arc::new(self.fields(&wanted)?);
        if self.sources.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(self.visible.project(&wanted)?))));
        }
        let facts = rules::facts_for(&schema);
        let mut inputs = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let stored = &source.table.schema;
            let columns = facts.iter().map(|name| stored.index_of(name)).collect::<Result<Vec<_>, _>>()?;
            inputs.push(Scan { table: &source.table, schema: stored, columns: &columns }.plan(Vec::new())?);
        }
        let names = self.sources.iter().map(|source| source.name).collect();
        let merged = Arc::new(PersonMergeExec::new(names, inputs, Arc::clone(&schema), self.buckets)?);
        let Some(filter) = self.filter.clone() else { return Ok(merged) };
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema)?)?;
        let kept: Vec<usize> = (0..wanted.len()).collect();
        Ok(Arc::new(FilterExecBuilder::new(filter, merged).apply_projection(Some(kept))?.build()?))
    }
}

#[cfg(test)]
mod tests;
