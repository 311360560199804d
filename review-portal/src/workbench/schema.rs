//! What a permit lets its members name in SQL, with the catalog's words for it: for the page, completion and suggestions.

use std::collections::BTreeMap;

use policies::{DatasetGrant, Permit};
use serde::Serialize;

use crate::catalog::publish;
use crate::database::Database;
use crate::dummy;
use crate::error::PortalError;
use crate::language::Language;

/// Linking is what a permit is for, so every table that has it may be joined on it (`policies::DatasetGrant`).
pub(crate) const PERSON_KEY: &str = "person_key";

/// Tables of a permit, dataset by dataset.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Schema {
    pub(crate) tables: Vec<Table>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    /// Name in SQL.
    pub(crate) name: String,
    /// Dataset and version, e.g. `ndb/2026.1`.
    pub(crate) release: String,
    pub(crate) columns: Vec<Column>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Type in the reader's language; empty for a column that the catalog does not describe.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) label: String,
    /// 項目区分, as the catalog has it.
    pub(crate) class: String,
}

impl Schema {
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }
}

/// Reads the schema of `permit`, in the catalog's order.
pub(crate) async fn of(db: &Database, permit: &Permit, language: Language) -> Result<Schema, PortalError> {
    let mut tables = Vec::new();
    for (dataset, grant) in &permit.datasets {
        let mut described = described(db, dataset, &grant.release, language).await?;
        for name in grant.tables.keys() {
            let columns = columns(grant, name, described.remove(name).unwrap_or_default());
            tables.push(Table { name: name.clone(), release: format!("{dataset}/{}", grant.release), columns });
        }
    }
    Ok(Schema { tables })
}

/// Reads the schema of the dummy releases.
pub(crate) async fn of_dummies(db: &Database, language: Language) -> Result<Schema, PortalError> {
    let mut tables = Vec::new();
    for release in dummy::list(db).await? {
        for name in release.tables {
            let described = ::catalog::table(&name).map(|table| {
                table.columns.iter().map(|column| Column {
                    name: column.name.clone(),
                    kind: language.say(&format!("type.{}", publish::word(column.kind))),
                    label: if language == Language::Ja { column.ja.clone() } else { column.en.clone() },
                    class: publish::class(column.class).to_owned(),
                })
            });
            let columns = described.into_iter().flatten().collect();
            tables.push(Table { name, release: format!("{}/{}", release.dataset, release.version), columns });
        }
    }
    Ok(Schema { tables })
}

async fn described(
    db: &Database,
    dataset: &str,
    version: &str,
    language: Language,
) -> Result<BTreeMap<String, Vec<Column>>, PortalError> {
    let rows = sqlx::query_as::<_, (String, String, String, String, String, String)>(
        "select table_name, name, type, class, label_ja, label_en from release_variable
         where dataset = $1 and version = $2 order by table_name, position",
    );
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for (table, name, kind, class, label_ja, label_en) in rows.bind(dataset).bind(version).fetch_all(db.pool()).await? {
        let label = if language == Language::Ja { label_ja } else { label_en };
        let kind = language.say(&format!("type.{kind}"));
        tables.entry(table).or_default().push(Column { name, kind, label, class });
    }
    Ok(tables)
}

/// The granted columns of a table; those that the catalog does not describe come last, by name.
fn columns(grant: &DatasetGrant, table: &str, described: Vec<Column>) -> Vec<Column> {
    let granted = grant.tables.get(table);
    let is_granted = |name: &str| granted.is_some_and(|columns| columns.contains(name));
    let bare =
        |name: &String| Column { name: name.clone(), kind: String::new(), label: String::new(), class: String::new() };
    let rest = granted.into_iter().flatten().filter(|name| !described.iter().any(|column| column.name == **name));
    let rest: Vec<Column> = rest.map(bare).collect();
    let known = described.into_iter().filter(|column| is_granted(&column.name) || column.name == PERSON_KEY);
    known.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_granted_columns_and_the_person_key_are_named() {
        let columns_of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let tables = BTreeMap::from([("ndb.claims".to_owned(), columns_of(&["sex", "new_column"]))]);
        let grant = DatasetGrant { release: "2026.1".to_owned(), tables };
        let column = |name: &str| Column {
            name: name.to_owned(),
            kind: "整数".to_owned(),
            label: String::new(),
            class: "quasi".to_owned(),
        };
        let described = || ["person_key", "sex", "birth_date"].map(column).to_vec();
        let names = |table: &str| columns(&grant, table, described()).into_iter().map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(names("ndb.claims"), ["person_key", "sex", "new_column"]);
    }
}
