//! What stands in the form's fields, as it was typed.

use std::collections::BTreeMap;

use policies::application::{ApplicantKind, Content, FieldKind, Member, Refusal, Rules};
use policies::{Grade, RowFilter, Tier};
use serde::{Deserialize, Serialize};

use crate::error::PortalError;
use crate::form::Posted;

/// Rows of a list that are read.
const ROWS_MAX: usize = 200;

/// Tables and columns that are read: more than any catalog has.
const CHOICES_MAX: usize = 20_000;

/// A text that stands for several rows.
const COMMON_MAX: usize = 8 * 1024; // bytes

/// The form's fields. What cannot be read is kept like the rest.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Input {
    pub(super) project: String,
    pub(super) title: String,
    pub(super) applicant_kind: String,
    pub(super) urgent: bool,
    pub(super) answers: BTreeMap<String, String>,
    pub(super) members: Vec<MemberRow>,
    pub(super) reasons: BTreeMap<String, String>,
    /// `dataset/version:table` or `dataset/version:table:variable`.
    pub(super) choices: Vec<String>,
    pub(super) rows: Vec<FilterRow>,
    pub(super) shells: Vec<ShellRow>,
    pub(super) board: String,
    pub(super) number: String,
    pub(super) approved_on: String,
    pub(super) approved_until: String,
    pub(super) anonymized: bool,
    pub(super) profile: String,
    pub(super) exact: bool,
    pub(super) from: String,
    pub(super) until: String,
}

/// A member as typed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MemberRow {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) country: String,
    pub(super) networks: String,
}

/// A restriction of rows as typed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilterRow {
    pub(super) column: String,
    pub(super) values: String,
    pub(super) from: String,
    pub(super) to: String,
}

/// A planned table as typed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShellRow {
    pub(super) title: String,
    pub(super) sql: String,
}

/// Lists that the form's buttons lengthen and shorten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Members,
    Rows,
    Shells,
}

impl List {
    const ALL: [Self; 3] = [Self::Members, Self::Rows, Self::Shells];

    /// Its word in addresses and in the form's anchors.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Rows => "rows",
            Self::Shells => "shells",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.as_str() == word)
    }
}

impl Input {
    pub(super) fn of(content: &Content) -> Self {
        let columns = content.datasets.iter().flat_map(|(dataset, ask)| {
            ask.tables.iter().flat_map(move |(table, asked)| {
                asked.columns.iter().map(move |column| format!("{dataset}/{}:{table}:{column}", ask.release))
            })
        });
        let reasons = content.datasets.values().flat_map(|ask| &ask.tables);
        let ethics = content.ethics.as_ref();
        let period = content.period.as_ref();
        Self {
            project: content.project.as_ref().map(ToString::to_string).unwrap_or_default(),
            title: content.title.clone(),
            applicant_kind: content.applicant_kind.map_or("", ApplicantKind::as_str).to_owned(),
            urgent: content.urgent,
            answers: content.answers.clone(),
            members: content.members.iter().map(|(user, member)| MemberRow::of(user.as_str(), member)).collect(),
            reasons: reasons.map(|(table, ask)| (table.clone(), ask.reason.clone())).collect(),
            choices: columns.collect(),
            rows: content.row_filter.iter().map(FilterRow::of).collect(),
            shells: content
                .shells
                .iter()
                .map(|shell| ShellRow { title: shell.title.clone(), sql: shell.sql.clone() })
                .collect(),
            board: ethics.map(|ethics| ethics.board.clone()).unwrap_or_default(),
            number: ethics.map(|ethics| ethics.number.clone()).unwrap_or_default(),
            approved_on: ethics.map(|ethics| ethics.approved_on.to_string()).unwrap_or_default(),
            approved_until: ethics.map(|ethics| ethics.until.to_string()).unwrap_or_default(),
            anonymized: content.tier == Tier::Anonymized,
            profile: content.profile.clone(),
            exact: content.grade == Grade::Exact,
            from: period.map(|period| period.from.to_string()).unwrap_or_default(),
            until: period.map(|period| period.until.to_string()).unwrap_or_default(),
        }
    }

    /// Reads a form. Refuses one of which much more would be made than it is itself.
    pub(super) fn posted(posted: &Posted) -> Result<Self, PortalError> {
        if is_too_much(posted) {
            return Err(PortalError::Refused(Refusal::TextTooLong));
        }
        let own = |name: &str| posted.one(name).replace("\r\n", "\n");
        let answer = |id: &String, kind: FieldKind| match kind {
            FieldKind::Choice | FieldKind::Confirm | FieldKind::Line => own(id).trim().to_owned(),
            FieldKind::Text => own(id),
        };
        let fields = Rules::current().form.fields();
        Ok(Self {
            project: own("project"),
            title: own("title"),
            applicant_kind: own("applicant_kind"),
            urgent: posted.one("urgent") == "yes",
            answers: fields.map(|field| (field.id.clone(), answer(&field.id, field.kind))).collect(),
            members: members(posted),
            reasons: reasons(posted),
            choices: posted.all("table").chain(posted.all("column")).map(str::to_owned).collect(),
            rows: posted
                .all("row_column")
                .zip(in_order(posted, "row_values"))
                .zip(in_order(posted, "row_from").zip(in_order(posted, "row_to")))
                .map(|((column, values), (from, to))| FilterRow { column: column.to_owned(), values, from, to })
                .collect(),
            shells: posted
                .all("shell_title")
                .zip(in_order(posted, "shell_sql"))
                .map(|(title, sql)| ShellRow { title: title.to_owned(), sql: sql.replace("\r\n", "\n") })
                .collect(),
            board: own("ethics_board"),
            number: own("ethics_number"),
            approved_on: own("ethics_from"),
            approved_until: own("ethics_until"),
            anonymized: posted.one("tier") == "anonymized",
            profile: own("profile"),
            exact: posted.one("grade") == "exact",
            from: own("period_from"),
            until: own("period_until"),
        })
    }

    /// Takes the row out that a button names: `members:0`. Without such a row nothing.
    pub(super) fn remove(&mut self, named: &str) -> Option<List> {
        let (list, at) = named.split_once(':')?;
        let (list, at) = (List::parse(list)?, at.parse::<usize>().ok()?);
        match list {
            List::Members => drop_row(&mut self.members, at),
            List::Rows => drop_row(&mut self.rows, at),
            List::Shells => drop_row(&mut self.shells, at),
        }
        Some(list)
    }

    /// One empty row more.
    pub(super) fn add(&mut self, list: List) {
        match list {
            List::Members => self.members.push(MemberRow { country: "JP".to_owned(), ..MemberRow::default() }),
            List::Rows => self.rows.push(FilterRow::default()),
            List::Shells => self.shells.push(ShellRow::default()),
        }
    }

    /// Where a planned table stands once blank rows are left out; none if it is blank itself.
    pub(super) fn shell_without_blanks(&self, row: usize) -> Option<usize> {
        self.shells.get(row).filter(|shell| !shell.is_blank())?;
        Some(self.shells.iter().take(row).filter(|shell| !shell.is_blank()).count())
    }

    /// Rows in which nothing stands are nothing.
    pub(super) fn without_blanks(mut self) -> Self {
        self.members.retain(|row| !row.is_blank());
        self.rows.retain(|row| !row.is_blank());
        self.shells.retain(|row| !row.is_blank());
        self
    }
}

impl MemberRow {
    fn of(user: &str, member: &Member) -> Self {
        let networks: Vec<_> = member.networks.iter().map(ToString::to_string).collect();
        Self {
            name: user.to_owned(),
            place: member.place.clone(),
            country: member.country.clone(),
            networks: networks.join(" "),
        }
    }

    /// The country alone is the form's own proposal.
    fn is_blank(&self) -> bool {
        [&self.name, &self.place, &self.networks].iter().all(|text| text.trim().is_empty())
    }
}

impl FilterRow {
    fn of(filter: &RowFilter) -> Self {
        let values: Vec<_> = filter.any_of.iter().map(String::as_str).collect();
        Self {
            column: filter.column.clone(),
            values: values.join(" "),
            from: filter.from.clone().unwrap_or_default(),
            to: filter.to.clone().unwrap_or_default(),
        }
    }

    fn is_blank(&self) -> bool {
        [&self.column, &self.values, &self.from, &self.to].iter().all(|text| text.trim().is_empty())
    }
}

impl ShellRow {
    fn is_blank(&self) -> bool {
        self.title.trim().is_empty() && self.sql.trim().is_empty()
    }
}

fn drop_row<T>(rows: &mut Vec<T>, at: usize) {
    if at < rows.len() {
        rows.remove(at);
    }
}

/// Values of a column of the form in their rows; what a form leaves out at the end is empty.
fn in_order<'a>(posted: &'a Posted, name: &'a str) -> impl Iterator<Item = String> {
    posted.all(name).map(str::to_owned).chain(std::iter::repeat_with(String::new))
}

/// Whether the form names far more than an application holds, or repeats a long text for each: what it holds at most is told with
/// the draft, what exceeds this is not even read.
fn is_too_much(posted: &Posted) -> bool {
    let many = |name: &str| posted.all(name).nth(ROWS_MAX).is_some();
    let together = posted.all("members").flat_map(str::split_whitespace).nth(ROWS_MAX).is_some();
    let long = |name: &str| posted.one(name).len() > COMMON_MAX;
    ["member", "row_column", "shell_title"].into_iter().any(many)
        || together
        || posted.all("table").chain(posted.all("column")).nth(CHOICES_MAX).is_some()
        || ["place", "country", "reason"].into_iter().any(long)
}

/// Rows of the form; `members` names several at one `place`, one sign-in name a line.
fn members(posted: &Posted) -> Vec<MemberRow> {
    let rows = posted
        .all("member")
        .zip(in_order(posted, "member_place"))
        .zip(in_order(posted, "member_country").zip(in_order(posted, "member_networks")))
        .map(|((name, place), (country, networks))| MemberRow { name: name.to_owned(), place, country, networks });
    let together = posted.all("members").flat_map(str::split_whitespace).map(|name| MemberRow {
        name: name.to_owned(),
        place: posted.one("place").to_owned(),
        country: posted.one("country").to_owned(),
        networks: String::new(),
    });
    rows.chain(together).collect()
}

/// The reason for a table is `reason:<table>`, or `reason` for all that have none of their own.
fn reasons(posted: &Posted) -> BTreeMap<String, String> {
    let mut reasons = posted.reasons();
    reasons.retain(|_, reason| !reason.trim().is_empty());
    let common = posted.one("reason");
    if !common.trim().is_empty() {
        let choices = posted.all("table").chain(posted.all("column"));
        for table in choices.filter_map(|choice| choice.split(':').nth(1)) {
            reasons.entry(table.to_owned()).or_insert_with(|| common.to_owned());
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_out_and_put_in_and_blank_ones_are_nothing() {
        let mut input = Input::default();
        input.add(List::Members);
        input.add(List::Shells);
        input.shells.push(ShellRow { title: "t".to_owned(), sql: String::new() });
        for nonsense in ["", "shells", "shells:", "shells:9", "shells:-1", "rows:0", "other:0"] {
            let before = input.clone();
            input.remove(nonsense);
            assert!(input == before, "{nonsense}");
        }
        assert_eq!((input.shell_without_blanks(0), input.shell_without_blanks(1)), (None, Some(0)));
        let mut kept = input.clone().without_blanks();
        assert!(kept.members.is_empty() && kept.shells.len() == 1);
        assert_eq!(kept.remove("shells:0"), Some(List::Shells));
        assert!(kept.shells.is_empty());
    }
}
