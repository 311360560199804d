//! What one permit sees: relations by name, each marked as rows of persons or as open.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use catalog::HIDDEN_FACILITY;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, Session, TableProvider,
};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, TableReference, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableSource, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use crate::limits::Reading;

use crate::work::Kept;

/// The column that says whose row it is.
pub(crate) const PERSON_KEY: &str = "person_key";
/// The one catalog of a session.
pub(crate) const CATALOG: &str = "sudare";
/// The schema of `person` and `facility`.
pub(crate) const DEFAULT_SCHEMA: &str = "public";

/// Whether a relation's rows belong to persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// Public: a code list, or the institutions.
    Open,
    /// One row belongs to one person: the provider has `person_key` (`UInt64`) without nulls and, if rows are made from a
    /// record, `__facility` (`UInt32`).
    Rows,
}

/// One relation.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    name: String,
    kind: RelationKind,
    visible: Arc<Marked>,
    full: Arc<Marked>,
    /// Of a workspace table: what is known of its rows.
    kept: Option<Arc<Kept>>,
}

/// All relations of a session, by name.
#[derive(Clone, Debug, Default)]
pub struct Relations {
    by_name: BTreeMap<String, Relation>,
    /// Views of the workspace, by their whole names.
    views: BTreeMap<String, Arc<str>>,
}

impl Relations {
    /// Adds a relation of rows. `name`: as in the analysis schema (`ndb.claims`, `person`); `columns`: what the permit
    /// names, in order; `person_key` need not be among them. Columns that the provider does not have are left out.
    #[must_use]
    pub fn with_rows(self, name: &str, provider: Arc<dyn TableProvider>, columns: &[&str]) -> Self {
        let mut visible = vec![PERSON_KEY];
        visible.extend(columns.iter().copied().filter(|column| !matches!(*column, PERSON_KEY | HIDDEN_FACILITY)));
        let mut full = visible.clone();
        full.push(HIDDEN_FACILITY);
        self.with(name, RelationKind::Rows, provider, &visible, &full)
    }

    /// Adds an open relation with all columns of its provider.
    #[must_use]
    pub fn with_open(self, name: &str, provider: Arc<dyn TableProvider>) -> Self {
        let schema = provider.schema();
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        self.with(name, RelationKind::Open, provider, &columns, &columns)
    }

    /// Adds a workspace table: visible columns and, hidden, its institutions.
    #[must_use]
    pub(crate) fn with_kept(mut self, name: &str, provider: Arc<dyn TableProvider>, kept: Arc<Kept>) -> Self {
        let names: Vec<&str> = kept.rows.columns.iter().map(|column| column.name.as_str()).collect();
        let marked = |provider, columns: &[&str]| {
            Arc::new(Marked { kept: Some(Arc::clone(&kept)), ..Marked::new(provider, RelationKind::Rows, columns) })
        };
        let visible = marked(Arc::clone(&provider), &names);
        let places: Vec<String> = kept.rows.place_columns().collect();
        let all: Vec<&str> = names.into_iter().chain(places.iter().map(String::as_str)).collect();
        let full = marked(provider, &all);
        let kept = Some(kept);
        let relation = Relation { name: name.to_owned(), kind: RelationKind::Rows, visible, full, kept };
        self.by_name.insert(name.to_owned(), relation);
        self
    }

    /// Adds a view of the workspace by its text.
    #[must_use]
    pub(crate) fn with_view(mut self, name: &str, sql: Arc<str>) -> Self {
        self.views.insert(name.to_owned(), sql);
        self
    }

    /// Texts of views, by whole names.
    pub(crate) fn views(&self) -> &BTreeMap<String, Arc<str>> {
        &self.views
    }

    fn with(
        mut self,
        name: &str,
        kind: RelationKind,
        provider: Arc<dyn TableProvider>,
        visible: &[&str],
        full: &[&str],
    ) -> Self {
        let visible = Arc::new(Marked::new(Arc::clone(&provider), kind, visible));
        let full = Arc::new(Marked::new(provider, kind, full));
        self.by_name.insert(name.to_owned(), Relation { name: name.to_owned(), kind, visible, full, kept: None });
        self
    }

    /// Names of all relations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The relation that a reference in SQL means.
    pub(crate) fn find(&self, reference: &TableReference) -> Option<&Relation> {
        if reference.catalog().is_some_and(|catalog| catalog != CATALOG) {
            return None;
        }
        match reference.schema() {
            None | Some(DEFAULT_SCHEMA) => self.by_name.get(reference.table()),
            Some(schema) => self.by_name.get(&format!("{schema}.{}", reference.table())),
        }
    }

    /// The catalog that SQL is planned against: visible columns only.
    pub(crate) fn catalog(&self) -> Result<Arc<MemoryCatalogProvider>> {
        let catalog = Arc::new(MemoryCatalogProvider::new());
        catalog.register_schema(DEFAULT_SCHEMA, Arc::new(MemorySchemaProvider::new()))?;
        for relation in self.by_name.values() {
            let (schema, table) = relation.name.split_once('.').unwrap_or((DEFAULT_SCHEMA, &relation.name));
            let provider = if let Some(provider) = catalog.schema(schema) {
                provider
            } else {
                let provider: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(schema, Arc::clone(&provider))?;
                provider
            };
            provider.register_table(table.to_owned(), Arc::clone(&relation.visible) as Arc<dyn TableProvider>)?;
        }
        Ok(catalog)
    }
}

impl Relation {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kind(&self) -> RelationKind {
        self.kind
    }

    /// What is known of a workspace table.
    pub(crate) fn kept(&self) -> Option<&Arc<Kept>> {
        self.kept.as_ref()
    }

    /// With hidden columns: what the guard puts in the place of the visible one.
    pub(crate) fn full(&self) -> Arc<dyn TableProvider> {
        Arc::clone(&self.full) as Arc<dyn TableProvider>
    }
}

/// A provider narrowed to some columns, whose scans say whether they read rows of persons.
#[derive(Debug)]
struct Marked {
    inner: Arc<dyn TableProvider>,
    kind: RelationKind,
    indices: Vec<usize>,
    schema: SchemaRef,
    kept: Option<Arc<Kept>>,
}

/// What is known of the workspace table behind a scan.
pub(crate) fn kept_of(source: &Arc<dyn TableSource>) -> Option<Arc<Kept>> {
    let provider = source_as_provider(source).ok()?;
    provider.downcast_ref::<Marked>()?.kept.clone()
}

impl Marked {
    fn new(inner: Arc<dyn TableProvider>, kind: RelationKind, columns: &[&str]) -> Self {
        let all = inner.schema();
        let indices: Vec<usize> = columns.iter().filter_map(|column| all.index_of(column).ok()).collect();
        let fields: Vec<_> = indices.iter().filter_map(|at| all.fields().get(*at).cloned()).collect();
        Self { inner, kind, indices, schema: Arc::new(Schema::new(fields)), kept: None }
    }
}

#[async_trait]
impl TableProvider for Marked {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let indices = match projection {
            None => self.indices.clone(),
            Some(wanted) => wanted.iter().filter_map(|at| self.indices.get(*at).copied()).collect(),
        };
        let plan = self.inner.scan(session, Some(&indices), filters, limit).await?;
        Ok(Arc::new(MarkExec { plan, kind: self.kind }))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.inner.supports_filters_pushdown(filters)
    }
}

/// Stands above each scan of a relation and says what it reads; the checker relies on it. Passes everything through.
#[derive(Debug)]
pub(crate) struct MarkExec {
    plan: Arc<dyn ExecutionPlan>,
    kind: RelationKind,
}

impl MarkExec {
    pub(crate) fn kind(&self) -> RelationKind {
        self.kind
    }
}

impl DisplayAs for MarkExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MarkExec: {:?}", self.kind)
    }
}

impl ExecutionPlan for MarkExec {
    fn name(&self) -> &'static str {
        "MarkExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.plan]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([plan]) = <[_; 1]>::try_from(children) else { return internal_err!("a mark has one input") };
        Ok(Arc::new(Self { plan, kind: self.kind }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reading = context.session_config().get_extension::<Reading>();
        let rows = self.plan.execute(partition, context)?;
        match (self.kind, reading) {
            (RelationKind::Rows, Some(reading)) => {
                let ended = futures::stream::once(async move {
                    reading.bucket_done();
                    None
                });
                let schema = rows.schema();
                let rows = rows.map(Some).chain(ended).filter_map(std::future::ready);
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, Box::pin(rows))))
            }
            (RelationKind::Open | RelationKind::Rows, _) => Ok(rows),
        }
    }
}
