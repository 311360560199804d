//! From a permit to the tables of a session: what it names, and nothing besides.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{HIDDEN_FACILITY, ReleaseId};
use datafusion::catalog::{MemTable, TableProvider};
use policies::{DatasetGrant, Permit};

use super::GrantedTable;
use crate::admission::Rejection;
use crate::person::{PersonView, Source};
use crate::relations::RelationKind;
use crate::release::{Release, Releases};
use crate::work::KeptAs;

/// One table as the permit shows it.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    /// Name in SQL, e.g. `ndb.claims`, `person`, `code.drug`.
    pub(crate) name: String,
    /// What is scanned. Its schema has the visible columns and, hidden, those of institutions, which begin with `__`.
    pub(crate) provider: Arc<dyn TableProvider>,
    /// Rows of persons, or open.
    pub(crate) kind: RelationKind,
    /// What of the project's workspace it is, if it is none of a release's.
    pub(crate) kept: Option<KeptAs>,
    /// Rows of persons that a scan of it reads, as the release's manifest says; none for what is kept or open.
    pub(crate) rows: Option<u64>,
}

impl Granted {
    /// Names of the columns that the researcher sees.
    pub(crate) fn visible(&self) -> Vec<String> {
        let schema = self.provider.schema();
        schema.fields().iter().map(|field| field.name().clone()).filter(|name| !name.starts_with("__")).collect()
    }
}

/// All tables of a permit: its granted tables, `person` from the granted databases, the open tables. Opens releases that
/// are not open yet, which blocks on disk.
pub(crate) fn granted(permit: &Permit, releases: &Releases) -> Result<Vec<Granted>, Rejection> {
    let mut granted = code_lists()?;
    for (dataset, grant) in &permit.datasets {
        let release = open(dataset, grant, releases)?;
        for (name, columns) in &grant.tables {
            let found = match name.as_str() {
                "person" if dataset == "person" => Some(person(permit, &release, columns)?),
                // Open to every permit on `person`, see below.
                "facility" => continue,
                _ => table(permit, &release, name, columns)?,
            };
            if found.is_none() {
                tracing::warn!(table = %name, "a permit names a table that its release does not have");
            }
            granted.extend(found);
        }
        granted.extend(facility(&release)?);
    }
    Ok(granted)
}

fn open(dataset: &str, grant: &DatasetGrant, releases: &Releases) -> Result<Arc<Release>, Rejection> {
    let id: ReleaseId = format!("{dataset}/{}", grant.release).parse().map_err(|_| Rejection::PermitUnusable)?;
    releases.get(&id).map_err(|error| {
        tracing::error!(release.problem = %error, "a release of a permit is not served");
        Rejection::ReleaseUnavailable { release: id }
    })
}

fn table(
    permit: &Permit,
    release: &Release,
    name: &str,
    columns: &BTreeSet<String>,
) -> Result<Option<Granted>, Rejection> {
    // A dataset holds the tables of its own database; another's name in it is no grant.
    let own = name
        .split_once('.')
        .is_some_and(|(schema, _)| schema == release.id().dataset() && catalog::sources().contains(&schema));
    let Some(stored) = release.table(name).filter(|_| own) else { return Ok(None) };
    let shown = |column: &str| shown(columns, column);
    let provider = GrantedTable::new(Arc::clone(stored), shown, &permit.row_filter);
    let provider = Arc::new(provider.map_err(|_| Rejection::PermitUnusable)?);
    let rows = Some(stored.rows);
    Ok(Some(Granted { name: name.to_owned(), provider, kind: RelationKind::Rows, kept: None, rows }))
}

/// Built from the databases that the permit grants; the release's other sources are not looked at.
fn person(permit: &Permit, release: &Release, columns: &BTreeSet<String>) -> Result<Granted, Rejection> {
    let source = |name: &'static str| {
        let pinned = permit.datasets.contains_key(name);
        let table = release.table(&format!("person.{name}")).filter(|_| pinned)?;
        Some(Source { name, table: Arc::clone(table) })
    };
    let sources: Vec<Source> = catalog::sources().iter().copied().filter_map(source).collect();
    let rows = Some(sources.iter().map(|source| source.table.rows).sum());
    let shown = |column: &str| shown(columns, column);
    let view = PersonView::new(sources, release.buckets(), shown, &permit.row_filter);
    let provider = Arc::new(view.map_err(|_| Rejection::PermitUnusable)?);
    Ok(Granted { name: "person".to_owned(), provider, kind: RelationKind::Rows, kept: None, rows })
}

/// The list of institutions comes with the release of `person` and is open.
fn facility(release: &Release) -> Result<Option<Granted>, Rejection> {
    let Some(stored) = release.table("facility") else { return Ok(None) };
    let provider = GrantedTable::new(Arc::clone(stored), |_| true, &[]).map_err(|_| Rejection::PermitUnusable)?;
    let provider = Arc::new(provider);
    Ok(Some(Granted { name: "facility".to_owned(), provider, kind: RelationKind::Open, kept: None, rows: None }))
}

fn shown(columns: &BTreeSet<String>, column: &str) -> bool {
    columns.contains(column) || column == "person_key" || column == HIDDEN_FACILITY
}

fn code_lists() -> Result<Vec<Granted>, Rejection> {
    let list = |name: &'static str| {
        let batch = catalog::codes::embedded(name)?.ok()?;
        let provider = Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).ok()?);
        Some(Granted { name: name.to_owned(), provider, kind: RelationKind::Open, kept: None, rows: None })
    };
    // INVARIANT: a test of `catalog` loads every embedded list.
    catalog::codes::names().map(|name| list(name).ok_or(Rejection::PermitUnusable)).collect()
}

#[cfg(test)]
mod tests;
