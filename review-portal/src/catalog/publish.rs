//! Publishing of a release: its manifest's counts, the schema's variables, a dataset's description.

use std::sync::Arc;

use catalog::datasets::About;
use catalog::{Class, Manifest, Quality, ReleaseKind};
use jiff::Timestamp;
use policies::audit::AuditLog;

use super::DatasetText;
use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::record::Note;

/// A release to be published.
#[derive(Clone, Debug)]
pub struct Publication<'a> {
    /// The manifest; its signature is the caller's to check.
    pub manifest: &'a Manifest,
    /// What it says of the linkage; that the manifest names it is the caller's to check.
    pub quality: Option<&'a Quality>,
    /// What the dataset is; replaces an earlier description.
    pub text: DatasetText,
    /// The steward's sign-in name, or `operator`.
    pub by: &'a str,
}

/// Puts a release into the catalog. Fails if that version stands there already, or if it is a dummy (`dummy::publish`).
pub async fn publish(
    db: &Database,
    audit: &Arc<AuditLog>,
    publication: Publication<'_>,
    now: Timestamp,
) -> Result<(), PortalError> {
    let Publication { manifest, quality, text, by } = publication;
    if manifest.kind != ReleaseKind::Holders {
        return Err(PortalError::ReleaseKind);
    }
    let (dataset, version) = (manifest.release.dataset(), manifest.release.version());
    let mut work = db.begin().await?;
    describe(&mut work, dataset, text).await?;
    let insert = sqlx::query(
        "insert into dataset_release (dataset, version, created_at, published_at, code_version) values ($1, $2, $3, $4, $5)
         on conflict (dataset, version) do nothing",
    );
    let insert = insert.bind(dataset).bind(version).bind(manifest.created_at.to_string()).bind(now.to_string());
    if insert.bind(&manifest.code_version).execute(&mut *work).await?.rows_affected() == 0 {
        return Err(PortalError::ReleaseExists);
    }
    for (position, (name, rows, persons)) in (0_i64..).zip(tables(manifest)) {
        let insert = sqlx::query(
            "insert into release_table (dataset, version, position, name, rows, persons) values ($1, $2, $3, $4, $5, $6)",
        );
        let insert = insert.bind(dataset).bind(version).bind(position).bind(&name).bind(rows).bind(persons);
        insert.execute(&mut *work).await?;
        insert_variables(&mut work, (dataset, version), &name).await?;
    }
    if let Some(quality) = quality {
        insert_quality(&mut work, manifest, quality).await?;
    }
    let note =
        Note::new(by, "catalog:published", &manifest.release).with("code_version", manifest.code_version.as_str());
    note.append(audit, now).await?;
    Ok(work.commit().await?)
}

async fn describe(work: &mut Work, id: &str, text: DatasetText) -> Result<(), PortalError> {
    let insert = sqlx::query(
        "insert into dataset (id, title_ja, title_en, description_ja, description_en) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set title_ja = excluded.title_ja, title_en = excluded.title_en,
           description_ja = excluded.description_ja, description_en = excluded.description_en",
    );
    let insert = insert.bind(id).bind(text.title_ja).bind(text.title_en);
    insert.bind(text.description_ja).bind(text.description_en).execute(&mut **work).await?;
    Ok(())
}

async fn insert_quality(work: &mut Work, manifest: &Manifest, quality: &Quality) -> Result<(), PortalError> {
    let body = serde_json::to_string(quality).map_err(|_| PortalError::Stored)?;
    let word = manifest.quality.as_ref().and_then(|seal| seal.word.as_ref());
    let word = word.map(serde_json::to_string).transpose().map_err(|_| PortalError::Stored)?;
    let insert = sqlx::query("insert into release_quality (dataset, version, body, word) values ($1, $2, $3, $4)");
    let insert = insert.bind(manifest.release.dataset()).bind(manifest.release.version());
    insert.bind(body).bind(word).execute(&mut **work).await?;
    Ok(())
}

/// Fewer persons than this are not told to the public (NDB guideline, draft of 2024-09-18); none and few look the same.
const TOLD_MIN: u64 = 10;

/// Tables with their counts, in the schema's order; `person` before its stored parts, without counts: a permit sees only the
/// persons of its own databases. A table of few persons is published without counts.
fn tables(manifest: &Manifest) -> Vec<(String, Option<i64>, Option<i64>)> {
    let count = |count: u64| i64::try_from(count).ok();
    let place = |name: &str| catalog::tables().iter().position(|table| table.name == name).unwrap_or(usize::MAX);
    let stored = manifest.tables.iter().map(|(name, table)| {
        if table.persons.is_some_and(|persons| persons < TOLD_MIN) {
            return (name.clone(), None, None);
        }
        (name.clone(), count(table.rows), table.persons.and_then(count))
    });
    let mut tables: Vec<_> = stored.collect();
    if manifest.tables.keys().any(|name| name.starts_with("person.")) {
        tables.push(("person".to_owned(), None, None));
    }
    tables.sort_by_key(|(name, ..)| (place(name), name.clone()));
    tables
}

async fn insert_variables(work: &mut Work, (dataset, version): (&str, &str), name: &str) -> Result<(), PortalError> {
    let Some(table) = catalog::table(name) else { return Ok(()) };
    for (position, column) in (0_i64..).zip(&table.columns) {
        let insert = sqlx::query(
            "insert into release_variable (dataset, version, table_name, position, name, type, class, label_ja, label_en)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        );
        let insert = insert.bind(dataset).bind(version).bind(name).bind(position).bind(&column.name);
        let insert = insert.bind(word(column.kind)).bind(class(column.class));
        insert.bind(&column.ja).bind(&column.en).execute(&mut **work).await?;
    }
    Ok(())
}

pub(crate) fn word(kind: catalog::ColumnType) -> String {
    serde_json::to_value(kind).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(crate) fn class(class: Class) -> &'static str {
    match class {
        Class::Key => "key",
        Class::Measure => "measure",
        Class::Open => "open",
        Class::Quasi => "quasi",
        Class::Sensitive => "sensitive",
        Class::Technical => "technical",
    }
}

impl From<About> for DatasetText {
    fn from(known: About) -> Self {
        Self {
            title_ja: known.title_ja.to_owned(),
            title_en: known.title_en.to_owned(),
            description_ja: known.description_ja.to_owned(),
            description_en: known.description_en.to_owned(),
        }
    }
}
