//! From a form to an application's content. Whatever the form says is held against accounts and catalog.

use std::collections::{BTreeMap, BTreeSet};

use policies::application::{
    ApplicantKind, Content, DatasetAsk, Ethics, Member, Period, Problem, ProblemKind, Rules, TableAsk,
};
use policies::{Grade, Profile, Tier, UserId};

use crate::accounts;
use crate::catalog::Dataset;
use crate::error::PortalError;
use crate::form::Posted;
use crate::portal::Portal;

/// Columns that are granted by name only, never with the whole table (schema.md, `person`).
const BY_NAME_ONLY: [(&str, &str); 1] = [("person", "birth_date")];

/// What a form came to: content, or the first part that cannot be read.
///
/// `before`: what stood there; parts that have no field in the form are kept.
pub(super) async fn read(
    portal: &Portal,
    posted: &Posted,
    catalog: &[Dataset],
    before: &Content,
) -> Result<Result<Content, Problem>, PortalError> {
    let members = members(portal, posted, before).await?;
    Ok(members.and_then(|members| content(posted, members, catalog, before)))
}

fn wrong(field: &'static str) -> Problem {
    Problem::new(field, ProblemKind::NotAllowed)
}

fn content(
    posted: &Posted,
    members: BTreeMap<UserId, Member>,
    catalog: &[Dataset],
    before: &Content,
) -> Result<Content, Problem> {
    let project = match posted.one("project").trim() {
        "" => None,
        // A project's name becomes part of a path.
        text if text.contains('@') || text.starts_with('.') => return Err(wrong("project")),
        text => Some(text.parse().map_err(|_| wrong("project"))?),
    };
    let profile = Profile::names().find(|name| *name == posted.one("profile"));
    let questions = Rules::current().form.fields();
    Ok(Content {
        project,
        title: posted.one("title").trim().to_owned(),
        applicant_kind: ApplicantKind::ALL.into_iter().find(|kind| kind.as_str() == posted.one("applicant_kind")),
        urgent: posted.one("urgent") == "yes",
        answers: questions.map(|field| (field.id.clone(), posted.one(&field.id).trim().to_owned())).collect(),
        members,
        datasets: datasets(posted, catalog)?,
        row_filter: before.row_filter.clone(),
        tier: if posted.one("tier") == "anonymized" { Tier::Anonymized } else { Tier::Pseudonymized },
        profile: profile.ok_or_else(|| wrong("profile"))?.to_owned(),
        grade: if posted.one("grade") == "exact" { Grade::Exact } else { Grade::Preview },
        period: period(posted)?,
        ethics: ethics(posted)?,
        shells: before.shells.clone(),
        attachments: before.attachments.clone(),
    })
}

/// One sign-in name a line; the affiliation is the account's, not the form's. `place` and `country` hold for those who are new.
async fn members(
    portal: &Portal,
    posted: &Posted,
    before: &Content,
) -> Result<Result<BTreeMap<UserId, Member>, Problem>, PortalError> {
    let mut members = BTreeMap::new();
    for name in posted.all("members").flat_map(str::split_whitespace) {
        let Ok(user) = name.to_lowercase().parse::<UserId>() else { return Ok(Err(wrong("members"))) };
        let Some(account) = accounts::find(&portal.db, &user).await? else { return Ok(Err(wrong("members"))) };
        let known = before.members.get(&account.id);
        let or = |posted: &str, known: Option<&String>| match posted.trim() {
            "" => known.cloned().unwrap_or_default(),
            text => text.to_owned(),
        };
        let member = Member {
            place: or(posted.one("place"), known.map(|member| &member.place)),
            country: or(posted.one("country"), known.map(|member| &member.country)).to_uppercase(),
            networks: known.map(|member| member.networks.clone()).unwrap_or_default(),
            affiliation: account.affiliation,
        };
        members.insert(account.id, member);
    }
    Ok(Ok(members))
}

/// Fields `table` = `dataset/version:table` (all variables of it) and `column` = `dataset/version:table:variable`; the reason for a
/// table is `reason:<table>`, or `reason` for all that have none of their own.
fn datasets(posted: &Posted, catalog: &[Dataset]) -> Result<BTreeMap<String, DatasetAsk>, Problem> {
    let mut datasets: BTreeMap<String, DatasetAsk> = BTreeMap::new();
    let unknown = || wrong("datasets");
    for choice in posted.all("table").chain(posted.all("column")) {
        let mut parts = choice.split(':');
        let (release, table, column) = (parts.next(), parts.next(), parts.next());
        let (dataset, version) = release.and_then(|release| release.split_once('/')).ok_or_else(unknown)?;
        let table = table.ok_or_else(unknown)?;
        let columns = columns(catalog, (dataset, version), table, column).ok_or_else(unknown)?;
        let fresh = || DatasetAsk { release: version.to_owned(), tables: BTreeMap::new() };
        let ask = datasets.entry(dataset.to_owned()).or_insert_with(fresh);
        if ask.release != version {
            return Err(unknown());
        }
        let reason = || match posted.one(&format!("reason:{table}")).trim() {
            "" => posted.one("reason").trim().to_owned(),
            text => text.to_owned(),
        };
        let table = ask.tables.entry(table.to_owned());
        table.or_insert_with(|| TableAsk { columns: BTreeSet::new(), reason: reason() }).columns.extend(columns);
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

fn period(posted: &Posted) -> Result<Option<Period>, Problem> {
    let (from, until) = (posted.one("period_from").trim(), posted.one("period_until").trim());
    if from.is_empty() && until.is_empty() {
        return Ok(None);
    }
    let unreadable = |_| wrong("period");
    let (from, until) = (from.parse().map_err(unreadable)?, until.parse().map_err(unreadable)?);
    Period::new(from, until).map(Some).ok_or_else(|| wrong("period"))
}

fn ethics(posted: &Posted) -> Result<Option<Ethics>, Problem> {
    let text = |name| posted.one(name).trim();
    let fields = ["ethics_board", "ethics_number", "ethics_from", "ethics_until"].map(text);
    if fields.iter().all(|field| field.is_empty()) {
        return Ok(None);
    }
    let [board, number, from, until] = fields;
    let unreadable = |_| wrong("ethics");
    Ok(Some(Ethics {
        board: board.to_owned(),
        number: number.to_owned(),
        approved_on: from.parse().map_err(unreadable)?,
        until: until.parse().map_err(unreadable)?,
    }))
}
