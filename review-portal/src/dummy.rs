//! Which dummy releases there are: made-up data with the same tables, for developing queries before any approval.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{Manifest, ReleaseKind};
use jiff::Timestamp;
use policies::audit::AuditLog;

use crate::database::Database;
use crate::error::PortalError;
use crate::record::Note;

/// A dataset's dummy release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DummyRelease {
    /// A source, built in or added, or `person`.
    pub dataset: String,
    /// Its version.
    pub version: String,
    /// Tables as SQL names them.
    pub tables: Vec<String>,
    /// Invented persons in the table that has most.
    pub persons: Option<i64>,
}

/// Tells the portal of a dummy release; an earlier one of the dataset is forgotten. The manifest's signature is the caller's to
/// check; one that is not marked as dummy is refused.
pub async fn publish(
    db: &Database,
    audit: &Arc<AuditLog>,
    manifest: &Manifest,
    by: &str,
    now: Timestamp,
) -> Result<(), PortalError> {
    if manifest.kind != ReleaseKind::Dummy {
        return Err(PortalError::ReleaseKind);
    }
    let mut work = db.begin().await?;
    let insert = sqlx::query(
        "insert into dummy_release (dataset, version, tables, persons, created_at) values ($1, $2, $3, $4, $5)
         on conflict (dataset) do update set version = excluded.version, tables = excluded.tables,
           persons = excluded.persons, created_at = excluded.created_at",
    );
    let persons = manifest.tables.values().filter_map(|table| table.persons).max();
    let insert =
        insert.bind(manifest.release.dataset()).bind(manifest.release.version()).bind(tables(manifest).join(" "));
    let insert = insert.bind(persons.and_then(|count| i64::try_from(count).ok())).bind(manifest.created_at.to_string());
    insert.execute(&mut *work).await?;
    Note::new(by, "dummy:published", &manifest.release).append(audit, now).await?;
    Ok(work.commit().await?)
}

/// All of them, by dataset.
pub async fn list(db: &Database) -> Result<Vec<DummyRelease>, PortalError> {
    let rows = sqlx::query_as::<_, (String, String, String, Option<i64>)>(
        "select dataset, version, tables, persons from dummy_release order by dataset",
    );
    let read = |(dataset, version, tables, persons): (String, String, String, Option<i64>)| DummyRelease {
        dataset,
        version,
        tables: tables.split_whitespace().map(str::to_owned).collect(),
        persons,
    };
    Ok(rows.fetch_all(db.pool()).await?.into_iter().map(read).collect())
}

/// Tables that SQL can name, in the schema's order: the stored parts of `person` are one.
fn tables(manifest: &Manifest) -> Vec<&'static str> {
    let stored: BTreeSet<&str> = manifest.tables.keys().map(String::as_str).collect();
    let has_persons = stored.iter().any(|name| name.starts_with("person."));
    let named = |name: &str| stored.contains(name) || (name == "person" && has_persons);
    catalog::tables().iter().map(|table| table.name.as_str()).filter(|name| named(name)).collect()
}
