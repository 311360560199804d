//! The public catalog: which datasets exist, in which releases, with which tables and variables.

pub(crate) mod publish;

use std::collections::BTreeMap;

use ::catalog::Quality;
use ::catalog::quality::GivenWord;
use policies::{HolderSay, PersonSay};
use serde::Serialize;

pub use publish::{Publication, publish};

use crate::database::Database;
use crate::error::PortalError;

/// What a dataset is, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetText {
    /// Title in Japanese.
    pub title_ja: String,
    /// Title in English.
    pub title_en: String,
    /// Description in Japanese.
    pub description_ja: String,
    /// Description in English.
    pub description_en: String,
}

/// One dataset with its releases, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dataset {
    /// A source, built in or added, or `person`.
    pub id: String,
    /// Title and description.
    #[serde(flatten)]
    pub text: DatasetText,
    /// What a person of the source may say; none for `person`, and for a source that this process was not told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_say: Option<PersonSay>,
    /// What the holder of the source may say; none as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_say: Option<HolderSay>,
    /// Releases, the latest first.
    pub releases: Vec<Release>,
}

/// One immutable published version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Version, e.g. `2026.1`.
    pub version: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When it was published, RFC 3339.
    pub published_at: String,
    /// Tables in the schema's order.
    pub tables: Vec<Table>,
    /// What is said of the linkage; none for releases of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Why it appeared although linkage had fallen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<GivenWord>,
}

/// One table of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Name in SQL, or of a stored part (`person.ndb`).
    pub name: String,
    /// Rows; none where they depend on the permit (`person`).
    pub rows: Option<i64>,
    /// Distinct persons; none for an open table.
    pub persons: Option<i64>,
    /// Variables; none for a stored part that nobody queries.
    pub variables: Vec<Variable>,
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Name in SQL.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// 項目区分: `key`, `quasi`, `sensitive`, `measure`, `technical`.
    pub class: String,
    /// Label in Japanese.
    pub label_ja: String,
    /// Label in English.
    pub label_en: String,
}

/// All datasets.
pub async fn list(db: &Database) -> Result<Vec<Dataset>, PortalError> {
    let rows = sqlx::query_as::<_, DatasetRow>(
        "select id, title_ja, title_en, description_ja, description_en from dataset order by id",
    );
    let mut releases = releases(db).await?;
    let datasets = rows.fetch_all(db.pool()).await?.into_iter().map(|row| dataset(row, &mut releases));
    Ok(datasets.collect())
}

/// One dataset; none if it is not in the catalog.
pub async fn show(db: &Database, id: &str) -> Result<Option<Dataset>, PortalError> {
    Ok(list(db).await?.into_iter().find(|dataset| dataset.id == id))
}

/// The whole catalog as JSON.
pub async fn export_json(db: &Database) -> Result<serde_json::Value, PortalError> {
    let datasets = list(db).await?;
    serde_json::to_value(serde_json::json!({ "format": 1, "datasets": datasets })).map_err(|_| PortalError::Stored)
}

type DatasetRow = (String, String, String, String, String);
type VariableRow = (String, String, String, String, String, String, String, String);

fn dataset(
    (id, title_ja, title_en, description_ja, description_en): DatasetRow,
    releases: &mut BTreeMap<String, Vec<Release>>,
) -> Dataset {
    let releases = releases.remove(&id).unwrap_or_default();
    let policy = ::catalog::policy(&id);
    let (person_say, holder_say) = policy.map(|policy| (policy.person_say, policy.holder_say)).unzip();
    let text = DatasetText { title_ja, title_en, description_ja, description_en };
    Dataset { id, text, person_say, holder_say, releases }
}

async fn releases(db: &Database) -> Result<BTreeMap<String, Vec<Release>>, PortalError> {
    let mut variables = variables(db).await?;
    let mut qualities = qualities(db).await?;
    let tables = sqlx::query_as::<_, (String, String, String, Option<i64>, Option<i64>)>(
        "select dataset, version, name, rows, persons from release_table order by dataset, version, position",
    );
    let mut by_release: BTreeMap<(String, String), Vec<Table>> = BTreeMap::new();
    for (dataset, version, name, rows, persons) in tables.fetch_all(db.pool()).await? {
        let key = (dataset, version, name);
        let variables = variables.remove(&key).unwrap_or_default();
        let (dataset, version, name) = key;
        by_release.entry((dataset, version)).or_default().push(Table { name, rows, persons, variables });
    }
    let rows = sqlx::query_as::<_, (String, String, String, String)>(
        "select dataset, version, created_at, published_at from dataset_release order by published_at desc, version desc",
    );
    let mut releases: BTreeMap<String, Vec<Release>> = BTreeMap::new();
    for (dataset, version, created_at, published_at) in rows.fetch_all(db.pool()).await? {
        let tables = by_release.remove(&(dataset.clone(), version.clone())).unwrap_or_default();
        let (quality, word) = qualities.remove(&(dataset.clone(), version.clone())).unzip();
        let word = word.flatten();
        releases.entry(dataset).or_default().push(Release { version, created_at, published_at, tables, quality, word });
    }
    Ok(releases)
}

/// By dataset and version.
async fn qualities(db: &Database) -> Result<BTreeMap<(String, String), (Quality, Option<GivenWord>)>, PortalError> {
    let rows = sqlx::query_as::<_, (String, String, String, Option<String>)>(
        "select dataset, version, body, word from release_quality",
    );
    let stored = |_| PortalError::Stored;
    let read = |(dataset, version, body, word): (String, String, String, Option<String>)| {
        let quality = serde_json::from_str(&body).map_err(stored)?;
        let word = word.map(|word| serde_json::from_str(&word).map_err(stored)).transpose()?;
        Ok(((dataset, version), (quality, word)))
    };
    rows.fetch_all(db.pool()).await?.into_iter().map(read).collect()
}

async fn variables(db: &Database) -> Result<BTreeMap<(String, String, String), Vec<Variable>>, PortalError> {
    let rows = sqlx::query_as::<_, VariableRow>(
        "select dataset, version, table_name, name, type, class, label_ja, label_en from release_variable
         order by dataset, version, table_name, position",
    );
    let mut variables: BTreeMap<_, Vec<Variable>> = BTreeMap::new();
    for (dataset, version, table, name, kind, class, label_ja, label_en) in rows.fetch_all(db.pool()).await? {
        let variable = Variable { name, kind, class, label_ja, label_en };
        variables.entry((dataset, version, table)).or_default().push(variable);
    }
    Ok(variables)
}
