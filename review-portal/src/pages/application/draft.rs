//! From a form to an application's content. Whatever the form says is held against accounts and catalog.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use policies::application::{ApplicantKind, Content, DatasetAsk, Ethics, Member, Period, Shell, TableAsk};
use policies::{Grade, Profile, ProjectId, RowFilter, Tier, UserId};

use super::input::{FilterRow, Input, MemberRow, ShellRow};
use crate::accounts;
use crate::catalog::Dataset;
use crate::error::PortalError;
use crate::portal::Portal;

/// Columns that are granted by name only, never with the whole table (schema.md, `person`).
const BY_NAME_ONLY: [(&str, &str); 1] = [("person", "birth_date")];

/// What a form came to: what could be read of it, and what could not.
pub(super) struct Reading {
    pub(super) content: Content,
    pub(super) unread: Vec<Unread>,
}

/// Something typed that is no value of its part. It is kept as typed, and nothing is submitted before it was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// The part's word, as problems use it.
    pub(super) part: &'static str,
    /// Key of the sentence.
    pub(super) key: &'static str,
    /// Which one of several; empty where there is one.
    pub(super) about: String,
}

impl Unread {
    fn new(part: &'static str, key: &'static str, about: &str) -> Self {
        Self { part, key, about: about.chars().take(80).collect() }
    }
}

/// Reads the form. `before`: what stood there; parts that have no field in the form are kept.
pub(super) async fn read(
    portal: &Portal,
    input: &Input,
    catalog: &[Dataset],
    before: &Content,
) -> Result<Reading, PortalError> {
    let mut unread = Vec::new();
    let mut members = BTreeMap::new();
    for row in input.members.iter().filter(|row| !row.name.trim().is_empty()) {
        let account = match user(&row.name) {
            Some(user) => accounts::find(&portal.db, &user).await?,
            None => None,
        };
        match account {
            Some(account) => {
                let known = before.members.get(&account.id);
                members.insert(account.id.clone(), member(row, known, account.affiliation, &mut unread));
            }
            None => unread.push(Unread::new("members", "draft.member-unknown", &row.name)),
        }
    }
    if input.members.iter().any(|row| row.name.trim().is_empty() && !row.place.trim().is_empty()) {
        unread.push(Unread::new("members", "draft.member-name", ""));
    }
    Ok(content(input, members, catalog, before, unread))
}

/// A sign-in name as typed.
pub(super) fn user(name: &str) -> Option<UserId> {
    name.trim().to_lowercase().parse().ok()
}

fn content(
    input: &Input,
    members: BTreeMap<UserId, Member>,
    catalog: &[Dataset],
    before: &Content,
    mut unread: Vec<Unread>,
) -> Reading {
    let profile = Profile::names().find(|name| *name == input.profile);
    if profile.is_none() {
        unread.push(Unread::new("profile", "draft.profile", ""));
    }
    let datasets = datasets(input, catalog, &mut unread);
    let shell = |row: &ShellRow| {
        let title = row.title.trim();
        // Of a query that was changed the columns stay, marked by the query that gave them.
        let same = before.shells.iter().find(|shell| shell.sql == row.sql);
        let known = same.or_else(|| before.shells.iter().find(|shell| !title.is_empty() && shell.title == title));
        let (columns, tried) = known.map(|shell| (shell.columns.clone(), shell.tried.clone())).unwrap_or_default();
        Shell { title: title.to_owned(), sql: row.sql.clone(), columns, tried }
    };
    let content = Content {
        project: project(input, &mut unread),
        title: input.title.trim().to_owned(),
        applicant_kind: ApplicantKind::ALL.into_iter().find(|kind| kind.as_str() == input.applicant_kind),
        urgent: input.urgent,
        answers: input.answers.iter().map(|(id, answer)| (id.clone(), answer.trim().to_owned())).collect(),
        members,
        row_filter: input.rows.iter().filter_map(|row| filter(row, catalog, &datasets, &mut unread)).collect(),
        datasets,
        tier: if input.anonymized { Tier::Anonymized } else { Tier::Pseudonymized },
        profile: profile.unwrap_or(&before.profile).to_owned(),
        grade: if input.exact { Grade::Exact } else { Grade::Preview },
        period: period(input, &mut unread),
        ethics: ethics(input, &mut unread),
        shells: input.shells.iter().map(shell).collect(),
        attachments: before.attachments.clone(),
    };
    Reading { content, unread }
}

fn project(input: &Input, unread: &mut Vec<Unread>) -> Option<ProjectId> {
    let text = input.project.trim();
    // A project's name becomes part of a path.
    let name = if text.contains('@') || text.starts_with('.') { None } else { text.parse().ok() };
    if name.is_none() && !text.is_empty() {
        unread.push(Unread::new("project", "draft.project", ""));
    }
    name
}

/// The affiliation is the account's, not the form's.
fn member(
    row: &MemberRow,
    known: Option<&Member>,
    affiliation: policies::application::Affiliation,
    unread: &mut Vec<Unread>,
) -> Member {
    let country = match row.country.trim() {
        "" => known.map_or("JP", |member| member.country.as_str()),
        text => text,
    };
    let place = match row.place.trim() {
        "" => known.map_or("", |member| member.place.as_str()),
        text => text,
    };
    let mut networks = BTreeSet::new();
    for text in words(&row.networks) {
        // One machine is a network of one.
        let whole = [text.to_owned(), format!("{text}/32"), format!("{text}/128")];
        match whole.iter().find_map(|text| text.parse().ok()) {
            Some(network) => drop(networks.insert(network)),
            None => unread.push(Unread::new("members", "draft.network", text)),
        }
    }
    Member { affiliation, place: place.to_owned(), country: country.to_uppercase(), networks }
}

/// Words of a list as people write one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter.is_whitespace() || ",、，;".contains(letter)).filter(|word| !word.is_empty())
}

fn datasets(input: &Input, catalog: &[Dataset], unread: &mut Vec<Unread>) -> BTreeMap<String, DatasetAsk> {
    let mut datasets: BTreeMap<String, DatasetAsk> = BTreeMap::new();
    for choice in &input.choices {
        if choose(input, choice, catalog, &mut datasets).is_none() {
            unread.push(Unread::new("datasets", "draft.choice", choice));
        }
    }
    let is_chosen = |table: &String| datasets.values().any(|ask| ask.tables.contains_key(table));
    for table in input.reasons.keys().filter(|table| !is_chosen(table)) {
        unread.push(Unread::new("datasets", "draft.reason-alone", table));
    }
    datasets
}

/// Adds a choice; none if the catalog has no such thing, or another release of the dataset was chosen.
fn choose(input: &Input, choice: &str, catalog: &[Dataset], datasets: &mut BTreeMap<String, DatasetAsk>) -> Option<()> {
    let mut parts = choice.split(':');
    let (release, table, column) = (parts.next(), parts.next()?, parts.next());
    let (dataset, version) = release?.split_once('/')?;
    let columns = columns(catalog, (dataset, version), table, column)?;
    let fresh = || DatasetAsk { release: version.to_owned(), tables: BTreeMap::new() };
    let ask = datasets.entry(dataset.to_owned()).or_insert_with(fresh);
    if ask.release != version {
        return None;
    }
    let reason = || input.reasons.get(table).map_or("", |reason| reason.trim()).to_owned();
    let asked = ask.tables.entry(table.to_owned());
    asked.or_insert_with(|| TableAsk { columns: BTreeSet::new(), reason: reason() }).columns.extend(columns);
    Some(())
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

/// A restriction of rows, by a variable that one of the chosen tables has: the permit applies it below what is asked, so the
/// variable itself need not be asked for.
fn filter(
    row: &FilterRow,
    catalog: &[Dataset],
    datasets: &BTreeMap<String, DatasetAsk>,
    unread: &mut Vec<Unread>,
) -> Option<RowFilter> {
    let column = row.column.trim();
    let given = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    let (from, to) = (given(&row.from), given(&row.to));
    let any_of: BTreeSet<String> = words(&row.values).map(str::to_owned).collect();
    let date = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Date>().ok());
    let wrong = if column.is_empty() {
        if any_of.is_empty() && from.is_none() && to.is_none() {
            return None;
        }
        "draft.row-column"
    } else if !has_variable(catalog, datasets, column) {
        "draft.row-unknown"
    } else if any_of.is_empty() && from.is_none() && to.is_none() {
        "draft.row-empty"
    } else if date(&from).zip(date(&to)).is_some_and(|(from, to)| to < from) {
        "draft.row-order"
    } else {
        return Some(RowFilter { column: column.to_owned(), any_of, from, to });
    };
    unread.push(Unread::new("rows", wrong, column));
    None
}

fn has_variable(catalog: &[Dataset], datasets: &BTreeMap<String, DatasetAsk>, column: &str) -> bool {
    let chosen = catalog.iter().filter_map(|dataset| Some((dataset, datasets.get(&dataset.id)?)));
    let mut tables = chosen.flat_map(|(dataset, ask)| {
        let releases = dataset.releases.iter().filter(|release| release.version == ask.release);
        releases.flat_map(|release| &release.tables).filter(|table| ask.tables.contains_key(&table.name))
    });
    tables.any(|table| table.variables.iter().any(|variable| variable.name == column && variable.class != "key"))
}

fn period(input: &Input, unread: &mut Vec<Unread>) -> Option<Period> {
    let (from, until) = (input.from.trim(), input.until.trim());
    if from.is_empty() && until.is_empty() {
        return None;
    }
    let key = match (from.parse(), until.parse()) {
        (Ok(from), Ok(until)) => match Period::new(from, until) {
            Some(period) => return Some(period),
            None => "draft.period-order",
        },
        _ => "draft.dates",
    };
    unread.push(Unread::new("period", key, ""));
    None
}

fn ethics(input: &Input, unread: &mut Vec<Unread>) -> Option<Ethics> {
    let fields = [&input.board, &input.number, &input.approved_on, &input.approved_until];
    let [board, number, from, until] = fields.map(|text| text.trim());
    if [board, number, from, until].iter().all(|field| field.is_empty()) {
        return None;
    }
    let dates = from.parse().ok().zip(until.parse().ok());
    if dates.is_none() {
        unread.push(Unread::new("ethics", "draft.dates", ""));
    }
    let (approved_on, until) = dates?;
    Some(Ethics { board: board.to_owned(), number: number.to_owned(), approved_on, until })
}

/// Quasi-identifiers among what is asked for: the anonymized tier generalises them (Act on the Protection of Personal Information,
/// enforcement rules, article 34, on anonymised information).
pub(super) fn outside_tier(content: &Content, catalog: &[Dataset]) -> Vec<String> {
    let asks = catalog.iter().filter_map(|dataset| Some((dataset, content.datasets.get(&dataset.id)?)));
    let tables = asks.flat_map(|(dataset, ask)| {
        let releases = dataset.releases.iter().filter(|release| release.version == ask.release);
        releases
            .flat_map(|release| &release.tables)
            .filter_map(|table| Some((table, &ask.tables.get(&table.name)?.columns)))
    });
    let quasi = tables.flat_map(|(table, columns)| {
        let asked = table.variables.iter().filter(|known| known.class == "quasi" && columns.contains(&known.name));
        asked.map(|variable| format!("{}.{}", table.name, variable.name))
    });
    quasi.collect()
}
