//! What everybody may know of applications: the public register (「わたしたちのデータの使われ方」). `life.rs` is the one place that
//! reads applications for it and keeps what is public in table `public_line`; pages read that table alone.

mod life;

use std::collections::BTreeMap;

use jiff::Timestamp;
use policies::ApplicationId;
use policies::application::{IncidentKind, Period, Stage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::error::PortalError;

pub(crate) use life::{Life, Line};

/// Entries of each list on one page.
const ON_PAGE: usize = 20;

/// What is public, the latest change first in each list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicRegister {
    pub(crate) projects: Paged<PublicProject>,
    pub(crate) refusals: Paged<PublicRefusal>,
    /// Revocations, then incidents.
    pub(crate) troubles: Paged<Trouble>,
    pub(crate) figures: PublicFigures,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paged<T> {
    pub(crate) items: Vec<T>,
    /// From 1.
    pub(crate) page: usize,
    pub(crate) pages: usize,
}

/// Which parts of the lists are asked for, from 1; others are taken for the nearest.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Parts {
    #[serde(rename = "page")]
    pub(crate) projects: usize,
    pub(crate) refusals: usize,
    #[serde(rename = "incidents")]
    pub(crate) troubles: usize,
}

/// What went wrong with a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Incident(PublicIncident),
    Revocation(PublicRevocation),
}

/// A project that was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicProject {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    /// The summary for the public; none where the application has none.
    pub(crate) summary: Option<String>,
    /// Datasets by name.
    pub(crate) datasets: Vec<String>,
    /// Where its members work.
    pub(crate) institutions: Vec<String>,
    pub(crate) state: ProjectState,
    /// Since when it is in that state.
    pub(crate) since: Timestamp,
    pub(crate) period: Option<Period>,
    /// Conditions of the grant.
    pub(crate) conditions: Option<String>,
    /// What came out, for the public; none before it is told.
    pub(crate) results: Option<String>,
}

/// Where a granted project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProjectState {
    /// Use has ended.
    Closed,
    /// Granted; no permit yet.
    Preparing,
    /// The permit was taken back.
    Revoked,
    /// Under a permit.
    Running,
    /// Stopped for a time.
    Suspended,
}

impl ProjectState {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] = [Self::Closed, Self::Preparing, Self::Revoked, Self::Running, Self::Suspended];

    /// The word in the messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Preparing => "preparing",
            Self::Revoked => "revoked",
            Self::Running => "running",
            Self::Suspended => "suspended",
        }
    }

    /// The tone of its badge.
    pub(crate) fn tone(self) -> &'static str {
        match self {
            Self::Closed => "plain",
            Self::Preparing => "now",
            Self::Revoked | Self::Suspended => "bad",
            Self::Running => "good",
        }
    }
}

/// An application that was refused, without a word on who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicRefusal {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    pub(crate) datasets: Vec<String>,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

/// An incident that was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicIncident {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    pub(crate) kind: IncidentKind,
    pub(crate) is_closed: bool,
    pub(crate) at: Timestamp,
}

/// A permit that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicRevocation {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

/// Numbers of applications, and how long each step took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PublicFigures {
    /// Handed in at least once.
    pub(crate) handed_in: usize,
    pub(crate) granted: usize,
    pub(crate) refused: usize,
    /// Handed in and not decided.
    pub(crate) under_way: usize,
    /// In the order of the way; steps that nobody has finished are left out.
    pub(crate) steps: Vec<StepDays>,
}

/// How many days a step took those who finished it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepDays {
    pub(crate) step: Step,
    pub(crate) applications: usize,
    pub(crate) median: u64,
    pub(crate) longest: u64,
}

/// A step of the way from handing in to the permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The secretariat checks completeness.
    Check,
    /// Reviewers read.
    Review,
    /// The committee votes and decides, put-off meetings included.
    Vote,
    /// Members pledge, the permit is signed.
    Pledge,
}

impl Step {
    const ALL: [Self; 4] = [Self::Check, Self::Review, Self::Vote, Self::Pledge];

    /// The word in the messages (`progress.…`).
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Review => "review",
            Self::Vote => "vote",
            Self::Pledge => "pledge",
        }
    }

    fn of(stage: Stage) -> Option<Self> {
        match stage {
            Stage::Submitted => Some(Self::Check),
            Stage::UnderReview => Some(Self::Review),
            Stage::MeetingScheduled | Stage::Deferred => Some(Self::Vote),
            Stage::Granted | Stage::GrantedWithConditions | Stage::Pledged => Some(Self::Pledge),
            Stage::Active
            | Stage::AmendmentRequested
            | Stage::Closed
            | Stage::DeletionCertified
            | Stage::Draft
            | Stage::Expiring
            | Stage::Rejected
            | Stage::Returned
            | Stage::Revoked
            | Stage::Suspended
            | Stage::Unwritten
            | Stage::Withdrawn => None,
        }
    }
}

/// What an entry of table `public_line` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    HandedIn,
    Incident,
    Project,
    Refusal,
    Revocation,
    Step(Step),
    UnderWay,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::HandedIn => "handed-in",
            Self::Incident => "incident",
            Self::Project => "project",
            Self::Refusal => "refusal",
            Self::Revocation => "revocation",
            Self::Step(step) => step.as_str(),
            Self::UnderWay => "under-way",
        }
    }
}

/// The register as it stands.
pub(crate) async fn register(db: &Database, parts: Parts) -> Result<PublicRegister, PortalError> {
    let counts = counts(db).await?;
    let projects = paged(db, Kind::Project, (parts.projects, count(&counts, Kind::Project))).await?;
    let refusals = paged(db, Kind::Refusal, (parts.refusals, count(&counts, Kind::Refusal))).await?;
    let troubles = troubles(db, parts.troubles, &counts).await?;
    Ok(PublicRegister { projects, refusals, troubles, figures: figures_of(db, &counts).await? })
}

/// The figures alone.
pub(crate) async fn figures(db: &Database) -> Result<PublicFigures, PortalError> {
    figures_of(db, &counts(db).await?).await
}

type Counts = BTreeMap<String, usize>;

async fn counts(db: &Database) -> Result<Counts, PortalError> {
    let counts = sqlx::query_as::<_, (String, i64)>("select kind, count(*) from public_line group by kind");
    let count = |(kind, count): (String, i64)| Ok((kind, usize::try_from(count).map_err(|_| PortalError::Stored)?));
    counts.fetch_all(db.pool()).await?.into_iter().map(count).collect()
}

fn count(counts: &Counts, kind: Kind) -> usize {
    counts.get(kind.as_str()).copied().unwrap_or_default()
}

async fn figures_of(db: &Database, counts: &Counts) -> Result<PublicFigures, PortalError> {
    let mut steps = Vec::new();
    for step in Step::ALL {
        steps.extend(days_of(db, step, count(counts, Kind::Step(step))).await?);
    }
    Ok(PublicFigures {
        handed_in: count(counts, Kind::HandedIn),
        granted: count(counts, Kind::Project),
        refused: count(counts, Kind::Refusal),
        under_way: count(counts, Kind::UnderWay),
        steps,
    })
}

/// The middle and the longest of so many applications that finished the step; none of none.
async fn days_of(db: &Database, step: Step, applications: usize) -> Result<Option<StepDays>, PortalError> {
    let kind = Kind::Step(step).as_str();
    let before_middle = i64::try_from(applications.saturating_sub(1) / 2).unwrap_or(i64::MAX);
    let middle =
        sqlx::query_scalar::<_, i64>("select days from public_line where kind = $1 order by days limit $2 offset $3");
    let both = if applications.is_multiple_of(2) { 2_i64 } else { 1 };
    let middle = middle.bind(kind).bind(both).bind(before_middle).fetch_all(db.pool()).await?;
    let longest =
        sqlx::query_scalar::<_, i64>("select days from public_line where kind = $1 order by days desc limit 1");
    let longest = longest.bind(kind).fetch_optional(db.pool()).await?;
    let number = |days: i64| u64::try_from(days).unwrap_or_default();
    let (Some(lower), Some(upper), Some(longest)) = (middle.first(), middle.last(), longest) else { return Ok(None) };
    // Of an even number the mean of the middle two, half a day counted as one.
    let median = (number(*lower) + number(*upper)).div_ceil(2);
    Ok(Some(StepDays { step, applications, median, longest: number(longest) }))
}

/// Which page of how many, and how many entries stand before it.
fn place((asked, entries): (usize, usize)) -> (usize, usize, i64) {
    let pages = entries.div_ceil(ON_PAGE).max(1);
    let page = asked.clamp(1, pages);
    (page, pages, i64::try_from((page - 1) * ON_PAGE).unwrap_or(i64::MAX))
}

async fn paged<T: DeserializeOwned>(db: &Database, kind: Kind, of: (usize, usize)) -> Result<Paged<T>, PortalError> {
    let (page, pages, before) = place(of);
    let bodies = sqlx::query_scalar::<_, String>(
        "select body from public_line where kind = $1 order by at desc, application desc, number desc limit $2 offset $3",
    );
    let bodies = bodies.bind(kind.as_str()).bind(i64::try_from(ON_PAGE).unwrap_or(i64::MAX)).bind(before);
    let bodies = bodies.fetch_all(db.pool()).await?;
    Ok(Paged { items: bodies.iter().map(|body| read(body)).collect::<Result<_, _>>()?, page, pages })
}

async fn troubles(db: &Database, asked: usize, counts: &Counts) -> Result<Paged<Trouble>, PortalError> {
    let entries = count(counts, Kind::Revocation) + count(counts, Kind::Incident);
    let (page, pages, before) = place((asked, entries));
    let rows = sqlx::query_as::<_, (String, String)>(
        "select kind, body from public_line where kind = $1 or kind = $2
         order by kind desc, at desc, application desc, number desc limit $3 offset $4",
    );
    let rows = rows.bind(Kind::Incident.as_str()).bind(Kind::Revocation.as_str());
    let rows = rows.bind(i64::try_from(ON_PAGE).unwrap_or(i64::MAX)).bind(before).fetch_all(db.pool()).await?;
    let trouble = |(kind, body): (String, String)| {
        if kind == Kind::Incident.as_str() {
            read(&body).map(Trouble::Incident)
        } else {
            read(&body).map(Trouble::Revocation)
        }
    };
    Ok(Paged { items: rows.into_iter().map(trouble).collect::<Result<_, _>>()?, page, pages })
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, PortalError> {
    serde_json::from_str(body).map_err(|_| PortalError::Stored)
}

#[cfg(test)]
mod tests;
