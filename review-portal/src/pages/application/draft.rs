//! From a form to an application's content. Whatever the form says is held against accounts and catalog.

use std::collections::{BTreeMap, BTreeSet};

use policies::application::{Content, Field, Organisation, Period};
use policies::{DatasetGrant, Grade, Profile, Tier, UserId};

use crate::accounts;
use crate::catalog::Dataset;
use crate::error::PortalError;
use crate::form::Posted;
use crate::portal::Portal;

/// Columns that are granted by name only, never with the whole table (schema.md, `person`).
const BY_NAME_ONLY: [(&str, &str); 1] = [("person", "birth_date")];

/// What a form came to: content, or the first field that cannot be read.
pub(super) async fn read(
    portal: &Portal,
    posted: &Posted,
    catalog: &[Dataset],
) -> Result<Result<Content, Field>, PortalError> {
    let members = members(portal, posted).await?;
    Ok(members.and_then(|members| content(posted, members, catalog)))
}

fn content(posted: &Posted, members: BTreeMap<UserId, Organisation>, catalog: &[Dataset]) -> Result<Content, Field> {
    let project = match posted.one("project").trim() {
        "" => None,
        // A project's name becomes part of a path.
        text if text.contains('@') || text.starts_with('.') => return Err(Field::Project),
        text => Some(text.parse().map_err(|_| Field::Project)?),
    };
    Ok(Content {
        project,
        title: posted.one("title").trim().to_owned(),
        purpose: posted.one("purpose").trim().to_owned(),
        members,
        datasets: datasets(posted, catalog)?,
        tier: if posted.one("tier") == "anonymized" { Tier::Anonymized } else { Tier::Pseudonymized },
        profile: Profile::names().find(|name| *name == posted.one("profile")).ok_or(Field::Profile)?.to_owned(),
        grade: if posted.one("grade") == "exact" { Grade::Exact } else { Grade::Preview },
        period: period(posted)?,
    })
}

/// One sign-in name a line; the organisation is the account's, not the form's.
async fn members(
    portal: &Portal,
    posted: &Posted,
) -> Result<Result<BTreeMap<UserId, Organisation>, Field>, PortalError> {
    let mut members = BTreeMap::new();
    for name in posted.all("members").flat_map(str::split_whitespace) {
        let Ok(user) = name.to_lowercase().parse::<UserId>() else { return Ok(Err(Field::Members)) };
        let Some(account) = accounts::find(&portal.db, &user).await? else { return Ok(Err(Field::Members)) };
        members.insert(account.id, account.organisation);
    }
    Ok(Ok(members))
}

/// Fields `table` = `dataset/version:table` (all variables of it) and `column` = `dataset/version:table:variable`.
fn datasets(posted: &Posted, catalog: &[Dataset]) -> Result<BTreeMap<String, DatasetGrant>, Field> {
    let mut datasets: BTreeMap<String, DatasetGrant> = BTreeMap::new();
    for choice in posted.all("table").chain(posted.all("column")) {
        let mut parts = choice.split(':');
        let (release, table, column) = (parts.next(), parts.next(), parts.next());
        let (dataset, version) = release.and_then(|release| release.split_once('/')).ok_or(Field::Datasets)?;
        let table = table.ok_or(Field::Datasets)?;
        let columns = columns(catalog, (dataset, version), table, column).ok_or(Field::Datasets)?;
        let fresh = || DatasetGrant { release: version.to_owned(), tables: BTreeMap::new() };
        let grant = datasets.entry(dataset.to_owned()).or_insert_with(fresh);
        if grant.release != version {
            return Err(Field::Datasets);
        }
        grant.tables.entry(table.to_owned()).or_default().extend(columns);
    }
    Ok(datasets)
}

/// The named variable, or all of the table; none if the catalog has no such thing.
fn columns(
    catalog: &[Dataset],
    (dataset, version): (&str, &str),
    table: &str,
    column: Option<&str>,
) -> Option<BTreeSet<String>> {
    let dataset = catalog.iter().find(|known| known.id == dataset)?;
    let release = dataset.releases.iter().find(|known| known.version == version)?;
    let known = release.tables.iter().find(|known| known.name == table && !known.variables.is_empty())?;
    let wanted = |name: &str| match column {
        Some(column) => name == column,
        None => !BY_NAME_ONLY.contains(&(table, name)),
    };
    let columns: BTreeSet<String> = known
        .variables
        .iter()
        .filter(|variable| variable.class != "key" && wanted(&variable.name))
        .map(|variable| variable.name.clone())
        .collect();
    (!columns.is_empty()).then_some(columns)
}

fn period(posted: &Posted) -> Result<Option<Period>, Field> {
    let (from, until) = (posted.one("period_from").trim(), posted.one("period_until").trim());
    if from.is_empty() && until.is_empty() {
        return Ok(None);
    }
    let (from, until) = (from.parse().map_err(|_| Field::Period)?, until.parse().map_err(|_| Field::Period)?);
    Period::new(from, until).map(Some).ok_or(Field::Period)
}
