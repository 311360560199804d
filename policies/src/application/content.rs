//! What an application asks for.

mod organisation;
mod problem;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use organisation::{Affiliation, InvalidOrganisation, Organisation};
pub use problem::{Problem, ProblemKind};

use super::rules::Rules;
use super::size::{CONTENT_MAX, json_bytes};
use crate::id::{ProjectId, UserId};
use crate::permit::{DatasetGrant, Grade, RowFilter, Tier};
use crate::profile::Profile;

const TITLE_MAX: usize = 200; // characters
const ANSWER_MAX: usize = 20_000; // characters, of a draft's answer
const REASON_MAX: usize = 2000; // characters
const SQL_MAX: usize = 20_000; // characters
const MEMBERS_MAX: usize = 100;
const SHELLS_MAX: usize = 50;
const ATTACHMENTS_MAX: usize = 20;
const ANSWERS_MAX: usize = 100;
const DATASETS_MAX: usize = 50;
const TABLES_MAX: usize = 500;
const COLUMNS_MAX: usize = 500; // of one table
const ROW_FILTERS_MAX: usize = 50;

/// The content of an application. A draft may be incomplete; [`Content::problems`] says what is missing at submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Short name of the project that is to run under the permit.
    pub project: Option<ProjectId>,
    /// 研究課題名.
    pub title: String,
    /// What kind of body applies.
    pub applicant_kind: Option<ApplicantKind>,
    /// Whether the urgent lane is asked for.
    pub urgent: bool,
    /// Answers to the form's questions, by their words.
    pub answers: BTreeMap<String, String>,
    /// 取扱者.
    pub members: BTreeMap<UserId, Member>,
    /// What is asked for, by dataset.
    pub datasets: BTreeMap<String, DatasetAsk>,
    /// Rows outside these are not asked for.
    pub row_filter: Vec<RowFilter>,
    /// 仮名化／匿名化.
    pub tier: Tier,
    /// Disclosure profile by name.
    pub profile: String,
    /// What a session is to show.
    pub grade: Grade,
    /// When the data are to be used.
    pub period: Option<Period>,
    /// 倫理審査.
    pub ethics: Option<Ethics>,
    /// Planned outputs.
    pub shells: Vec<Shell>,
    /// Documents that were handed in.
    pub attachments: Vec<Attachment>,
}

/// Who applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicantKind {
    /// 国・地方公共団体.
    PublicBody,
    /// 大学・研究機関.
    University,
    /// 民間事業者.
    Company,
    /// Commissioned by one of the others.
    Commissioned,
}

impl ApplicantKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::PublicBody, Self::University, Self::Company, Self::Commissioned];

    /// The word in files and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublicBody => "public-body",
            Self::University => "university",
            Self::Company => "company",
            Self::Commissioned => "commissioned",
        }
    }
}

/// A named person who is to query, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Where the person works.
    pub affiliation: Affiliation,
    /// Place of use in words.
    pub place: String,
    /// Country of the place (ISO 3166-1 alpha-2).
    pub country: String,
    /// Networks of the place (CIDR); none: not bound to a network.
    #[serde(default)]
    pub networks: BTreeSet<ipnet::IpNet>,
}

/// What is asked of one dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetAsk {
    /// Version of the release.
    pub release: String,
    /// Tables.
    pub tables: BTreeMap<String, TableAsk>,
}

/// What is asked of one table, and why it is needed (必要最小限).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableAsk {
    /// Columns.
    pub columns: BTreeSet<String>,
    /// Why.
    pub reason: String,
}

impl DatasetAsk {
    /// As a permit says it.
    pub fn grant(&self) -> DatasetGrant {
        let columns = |(name, ask): (&String, &TableAsk)| (name.clone(), ask.columns.clone());
        DatasetGrant { release: self.release.clone(), tables: self.tables.iter().map(columns).collect() }
    }
}

/// First and last day of use, both inclusive, in Japan's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
}

impl Period {
    /// A period, if it does not end before it begins.
    pub fn new(from: Date, until: Date) -> Option<Self> {
        (from <= until).then_some(Self { from, until })
    }
}

/// An ethics committee's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ethics {
    /// Which committee.
    pub board: String,
    /// Number of the approval.
    pub number: String,
    /// From when.
    pub approved_on: Date,
    /// Last day on which it holds.
    pub until: Date,
}

/// A planned output: SQL that runs on the dummy release. The committee approves the structure of its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shell {
    /// What the table shows.
    pub title: String,
    /// The query.
    pub sql: String,
    /// Columns of its result as the dummy release gave them, each as name, space, type; empty until it ran.
    #[serde(default)]
    pub columns: Vec<String>,
    /// SHA-256 (hex) of the query that gave those columns.
    #[serde(default)]
    pub tried: String,
}

/// Whether a shell's columns are those of its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The query was changed since.
    Changed,
    /// They are.
    Current,
    /// It has not run yet.
    Never,
}

impl Trial {
    /// The word in message files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Current => "current",
            Self::Never => "never",
        }
    }
}

impl Shell {
    /// SHA-256 (hex) of a query, as [`Self::tried`] keeps it.
    pub fn digest(sql: &str) -> String {
        hex::encode(Sha256::digest(sql))
    }

    /// Whether the columns are those of the query. Nobody is kept from submitting by it: an installation may have no dummy
    /// release, and the permit signer, who replays the submission, cannot know. The committee sees it.
    pub fn trial(&self) -> Trial {
        if self.columns.is_empty() {
            Trial::Never
        } else if self.tried == Self::digest(&self.sql) {
            Trial::Current
        } else {
            Trial::Changed
        }
    }
}

/// A document, kept by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// SHA-256 (hex) of the bytes.
    pub sha256: String,
    /// Name as handed in.
    pub name: String,
    /// Length.
    pub bytes: u64,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            project: None,
            title: String::new(),
            applicant_kind: None,
            urgent: false,
            answers: BTreeMap::new(),
            members: BTreeMap::new(),
            datasets: BTreeMap::new(),
            row_filter: Vec::new(),
            tier: Tier::Pseudonymized,
            profile: "standard".to_owned(),
            grade: Grade::Preview,
            period: None,
            ethics: None,
            shells: Vec::new(),
            attachments: Vec::new(),
        }
    }
}

impl Content {
    /// What keeps the content from being submitted on `today`, in the form's order.
    pub fn problems(&self, rules: &Rules, today: Date) -> Vec<Problem> {
        let missing = |field: &str| Problem::new(field, ProblemKind::Missing);
        let mut problems = self.too_long();
        let blank = |text: &str| text.trim().is_empty();
        let table = |table: &TableAsk| table.columns.is_empty();
        let ask = |ask: &DatasetAsk| ask.release.is_empty() || ask.tables.is_empty() || ask.tables.values().any(table);
        let shell = |shell: &Shell| blank(&shell.title) || blank(&shell.sql);
        let checks = [
            (blank(&self.title), "title"),
            (self.project.is_none(), "project"),
            (self.applicant_kind.is_none(), "applicant-kind"),
            (self.members.is_empty(), "members"),
            (self.members.values().any(|member| blank(&member.place)), "members"),
            (self.datasets.is_empty() || self.datasets.values().any(ask), "datasets"),
            (Profile::named(&self.profile).is_err(), "profile"),
            (self.period.is_none(), "period"),
            (self.ethics.as_ref().is_none_or(|ethics| blank(&ethics.board) || blank(&ethics.number)), "ethics"),
            (self.shells.iter().any(shell), "shells"),
        ];
        problems.extend(checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, field)| missing(field)));
        let without_reason = |table: &&TableAsk| blank(&table.reason);
        if self.datasets.values().flat_map(|ask| ask.tables.values()).any(|table| without_reason(&table)) {
            problems.push(missing("reasons"));
        }
        if self.period.as_ref().is_some_and(|period| period.until < period.from) {
            problems.push(Problem::new("period", ProblemKind::NotAllowed));
        }
        if self.ethics.as_ref().is_some_and(|ethics| ethics.until < ethics.approved_on) {
            problems.push(Problem::new("ethics", ProblemKind::NotAllowed));
        }
        if self.period.as_ref().is_some_and(|period| period.until < today) {
            problems.push(Problem::new("period", ProblemKind::Past));
        }
        if self.ethics.as_ref().is_some_and(|ethics| ethics.until < today) {
            problems.push(Problem::new("ethics", ProblemKind::Past));
        }
        if self.members.values().any(|member| !rules.countries.contains(&member.country)) {
            problems.push(Problem::new("country", ProblemKind::NotAllowed));
        }
        if self.urgent && !self.applicant_kind.is_some_and(|kind| rules.lanes.urgent.applicants.contains(&kind)) {
            problems.push(Problem::new("urgent", ProblemKind::NotAllowed));
        }
        let answer = |(field, long): (String, bool)| {
            Problem::new(&field, if long { ProblemKind::TooLong } else { ProblemKind::Missing })
        };
        problems.extend(rules.form.problems(&self.answers).into_iter().map(answer));
        problems
    }

    /// Limits that hold for drafts too: nobody's form is endless.
    pub(super) fn too_long(&self) -> Vec<Problem> {
        let long = |text: &str, max: usize| text.chars().count() > max;
        let reasons = || self.datasets.values().flat_map(|ask| ask.tables.values()).map(|table| table.reason.as_str());
        let names = || self.names();
        let checks = [
            (long(&self.title, TITLE_MAX), "title"),
            (self.members.len() > MEMBERS_MAX, "members"),
            (self.members.values().any(|member| long(&member.place, TITLE_MAX)), "members"),
            (self.answers.iter().any(|(key, answer)| long(key, TITLE_MAX) || long(answer, ANSWER_MAX)), "answers"),
            (reasons().any(|reason| long(reason, REASON_MAX)), "reasons"),
            (self.shells.len() > SHELLS_MAX, "shells"),
            (self.shells.iter().any(|shell| long(&shell.sql, SQL_MAX) || long(&shell.title, TITLE_MAX)), "shells"),
            (self.attachments.len() > ATTACHMENTS_MAX, "attachments"),
            (self.answers.len() > ANSWERS_MAX, "answers"),
            (self.is_wide(), "datasets"),
            (self.row_filter.len() > ROW_FILTERS_MAX, "rows"),
            (self.row_filter.iter().any(|filter| filter.any_of.len() > COLUMNS_MAX), "rows"),
            (self.row_filter.iter().any(|filter| Self::words(filter).any(|word| long(word, TITLE_MAX))), "rows"),
            (names().any(|name| long(name, TITLE_MAX)), "answers"),
            (json_bytes(self) > CONTENT_MAX, self.longest()),
        ];
        let wrong = checks.into_iter().filter(|(wrong, _)| *wrong);
        wrong.map(|(_, field)| Problem::new(field, ProblemKind::TooLong)).collect()
    }

    /// The part that is to be shortened first.
    fn longest(&self) -> &'static str {
        let parts = [
            (json_bytes(&self.answers), "answers"),
            (json_bytes(&self.datasets), "datasets"),
            (json_bytes(&self.shells), "shells"),
        ];
        parts.into_iter().max().map_or("answers", |(_, part)| part)
    }

    /// What a restriction of rows is made of.
    fn words(filter: &RowFilter) -> impl Iterator<Item = &String> {
        std::iter::once(&filter.column).chain(&filter.any_of).chain(&filter.from).chain(&filter.to)
    }

    /// Whether more datasets, tables or columns are named than any catalog holds.
    fn is_wide(&self) -> bool {
        let tables = || self.datasets.values().flat_map(|ask| ask.tables.values());
        self.datasets.len() > DATASETS_MAX
            || tables().count() > TABLES_MAX
            || tables().any(|table| table.columns.len() > COLUMNS_MAX)
    }

    /// Whatever is a name or one line, but for those with a sentence of their own.
    fn names(&self) -> impl Iterator<Item = &str> {
        let tables = || self.datasets.values().flat_map(|ask| &ask.tables);
        let ethics = self.ethics.iter().flat_map(|ethics| [&ethics.board, &ethics.number]);
        let attachments = self.attachments.iter().flat_map(|attachment| [&attachment.sha256, &attachment.name]);
        let names = std::iter::once(&self.profile)
            .chain(self.datasets.iter().flat_map(|(dataset, ask)| [dataset, &ask.release]))
            .chain(tables().map(|(table, _)| table))
            .chain(tables().flat_map(|(_, ask)| &ask.columns))
            .chain(self.members.values().map(|member| &member.country))
            .chain(ethics)
            .chain(attachments)
            .chain(self.shells.iter().flat_map(|shell| shell.columns.iter().chain([&shell.tried])));
        names.map(String::as_str)
    }

    /// An answer to one of the form's questions; empty if there is none.
    pub fn answer(&self, field: &str) -> &str {
        self.answers.get(field).map_or("", String::as_str)
    }

    /// The parts in which two contents differ, by the words that problems use; answers by their own words.
    pub fn changes(&self, other: &Self) -> BTreeSet<String> {
        let parts = [
            (self.project != other.project, "project"),
            (self.title != other.title, "title"),
            (self.applicant_kind != other.applicant_kind, "applicant-kind"),
            (self.urgent != other.urgent, "urgent"),
            (self.members != other.members, "members"),
            (self.datasets != other.datasets, "datasets"),
            (self.row_filter != other.row_filter, "rows"),
            (self.tier != other.tier, "tier"),
            (self.profile != other.profile, "profile"),
            (self.grade != other.grade, "grade"),
            (self.period != other.period, "period"),
            (self.ethics != other.ethics, "ethics"),
            (self.shells != other.shells, "shells"),
            (self.attachments != other.attachments, "attachments"),
        ];
        let mut changed: BTreeSet<String> =
            parts.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part.to_owned()).collect();
        let words = self.answers.keys().chain(other.answers.keys());
        changed.extend(words.filter(|word| self.answer(word) != other.answer(word)).cloned());
        changed
    }

    /// Whether `table` or `table.column` is asked for.
    pub(super) fn has_column(&self, name: &str) -> bool {
        let part = name.rsplit_once('.');
        self.datasets.values().any(|ask| {
            ask.tables.contains_key(name)
                || part.is_some_and(|(table, column)| {
                    ask.tables.get(table).is_some_and(|table| table.columns.contains(column))
                })
        })
    }

    /// Whether a member belongs near this affiliation.
    pub(super) fn is_near(&self, affiliation: &Affiliation, rules: &Rules) -> bool {
        self.members.values().any(|member| member.affiliation.is_near(affiliation, rules.conflict.scope))
    }
}
