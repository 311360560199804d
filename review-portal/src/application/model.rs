//! What is kept of an application beside its events, so that lists need not read them all: its row, the marks by which it is found,
//! and what is public. One fold of the events, for each change and for `rebuild`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use policies::ApplicationId;
use policies::application::{Application, EventRecord, Outcome, Phase, Rules};

use crate::board::{Course, asked};
use crate::database::Work;
use crate::error::PortalError;
use crate::meetings::days_of;
use crate::precedents;
use crate::register::{Life, Line};

/// By what an application is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// It was handed in: the office's and the auditor's.
    All,
    /// A column that a decision was made on, `dataset: table.column`.
    Column(String),
    /// A day of a sitting, or of a report to one.
    Day(String),
    /// It was handed in and a round is there: the chair's.
    Judged,
    /// Somebody may be waited for, now or on a later day.
    Open,
    /// The applicant, a member or a reviewer.
    Person(String),
    /// A source whose holder was asked.
    Source(String),
    /// A decision that the next meeting is to hear of.
    Unreported,
}

/// What marks of days begin with.
pub(crate) const DAY: &str = "day:";

impl Mark {
    /// The word in table `application_mark`.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Column(column) => format!("column:{column}"),
            Self::Day(day) => format!("{DAY}{day}"),
            Self::Judged => "judged".to_owned(),
            Self::Open => "open".to_owned(),
            Self::Person(user) => format!("person:{user}"),
            Self::Source(dataset) => format!("source:{dataset}"),
            Self::Unreported => "unreported".to_owned(),
        }
    }
}

/// Whether somebody may be waited for, or something may come to its end, today or on any later day.
pub(crate) fn is_open(state: &Application) -> bool {
    let is_over = match (&state.usage, &state.round) {
        (Some(usage), _) => {
            let is_certified = usage.ending.as_ref().is_some_and(|ending| ending.certificate.is_some());
            is_certified && usage.results.filed.is_none() && usage.results_due(Rules::current()).is_none()
        }
        (None, Some(round)) => matches!(round.phase, Phase::Rejected {} | Phase::Withdrawn {}),
        (None, None) => true,
    };
    let incidents = state.usage.iter().flat_map(|usage| &usage.incidents);
    !is_over
        || incidents.into_iter().any(|incident| !incident.is_closed())
        || state.outcomes.iter().any(Outcome::is_to_be_reported)
}

fn marks(state: &Application) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    let contents = state.round.iter().map(|round| &round.content).chain(state.usage.iter().map(|usage| &usage.content));
    let parties = contents.flat_map(|content| content.members.keys()).chain(&state.applicant);
    let reviewers = state.round.iter().flat_map(|round| round.reviewers.keys());
    marks.extend(parties.chain(reviewers).map(|user| Mark::Person(user.to_string())));
    let asked = state.round.iter().flat_map(|round| round.holders.values());
    marks.extend(asked.map(|request| Mark::Source(request.dataset.clone())));
    marks.extend(days_of(state).into_iter().map(|day| Mark::Day(day.to_string())));
    let is_public = !state.is_private();
    let unreported = state.outcomes.iter().any(Outcome::is_to_be_reported);
    let flags = [
        (is_public, Mark::All),
        (is_public && state.round.is_some(), Mark::Judged),
        (is_open(state), Mark::Open),
        (unreported, Mark::Unreported),
    ];
    marks.extend(flags.into_iter().filter_map(|(is, mark)| is.then_some(mark)));
    marks
}

/// Everything that is kept of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    row: Row,
    /// Words with the order of those found.
    marks: BTreeSet<(String, i64)>,
    lines: Vec<Line>,
}

/// Its row of table `application`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    id: String,
    applicant: String,
    project: Option<String>,
    stage: String,
    state: String,
    created_at: String,
    updated_at: String,
    since: String,
    asked: String,
}

impl Model {
    /// What `records` come to; `position` is the last one's place among all events.
    pub(crate) fn of(records: &[EventRecord], position: i64) -> Result<Self, PortalError> {
        let stored = || PortalError::Stored;
        let (first, last) = (records.first().ok_or_else(stored)?, records.last().ok_or_else(stored)?);
        let life = Life::of(records).ok_or_else(stored)?;
        let state = &life.state;
        let mut marks: BTreeSet<_> = marks(state).iter().map(|mark| (mark.word(), position)).collect();
        if let Some((columns, at)) = precedents::decided(state) {
            marks.extend(columns.into_iter().map(|column| (Mark::Column(column).word(), at.as_microsecond())));
        }
        let row = Row {
            id: state.id.to_string(),
            applicant: first.by.user.to_string(),
            project: state.content().and_then(|content| content.project.as_ref()).map(ToString::to_string),
            stage: life.stage.as_str().to_owned(),
            state: json(state)?,
            created_at: first.at.to_string(),
            updated_at: last.at.to_string(),
            since: life.turned.to_string(),
            asked: json(&asked(records))?,
        };
        Ok(Self { row, marks, lines: life.lines()? })
    }

    /// Its number.
    pub(crate) fn id(&self) -> &str {
        &self.row.id
    }

    /// The short name of its project.
    pub(crate) fn project(&self) -> Option<&str> {
        self.row.project.as_deref()
    }

    /// The same without its project: names are unique, and another row may still have this one's.
    pub(crate) fn without_project(mut self) -> Self {
        self.row.project = None;
        self
    }

    /// What is kept of an application now.
    pub(crate) async fn kept(work: &mut Work, id: &str) -> Result<Option<Self>, PortalError> {
        type Columns = (String, Option<String>, String, String, String, String, String, String);
        let find = sqlx::query_as::<_, Columns>(
            "select applicant, project, stage, state, created_at, updated_at, since, asked from application where id = $1",
        );
        let Some(row) = find.bind(id).fetch_optional(&mut **work).await? else { return Ok(None) };
        let (applicant, project, stage, state, created_at, updated_at, since, asked) = row;
        let id = id.to_owned();
        let marks = kept_marks(work, &id).await?;
        let lines = kept_lines(work, &id).await?;
        let row = Row { id, applicant, project, stage, state, created_at, updated_at, since, asked };
        Ok(Some(Self { row, marks, lines }))
    }

    /// Writes it over what is there, in the transaction of the event that it comes from.
    pub(crate) async fn write(&self, work: &mut Work) -> Result<(), PortalError> {
        let row = &self.row;
        let write = sqlx::query(
            "insert into application
               (id, applicant, project, stage, state, created_at, updated_at, since, asked, revision)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, (select coalesce(max(revision), 0) + 1 from application))
             on conflict (id) do update set applicant = excluded.applicant, project = excluded.project, stage = excluded.stage,
               state = excluded.state, created_at = excluded.created_at, updated_at = excluded.updated_at, since = excluded.since,
               asked = excluded.asked, revision = excluded.revision",
        );
        let write = write.bind(&row.id).bind(&row.applicant).bind(&row.project).bind(&row.stage).bind(&row.state);
        let write = write.bind(&row.created_at).bind(&row.updated_at).bind(&row.since).bind(&row.asked);
        write.execute(&mut **work).await.map_err(|cause| {
            let taken = cause.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
            if taken { PortalError::ProjectTaken } else { cause.into() }
        })?;
        self.write_marks(work).await?;
        self.write_lines(work).await
    }

    async fn write_marks(&self, work: &mut Work) -> Result<(), PortalError> {
        let kept = kept_marks(work, &self.row.id).await?;
        for (mark, rank) in kept.difference(&self.marks) {
            let drop = sqlx::query("delete from application_mark where mark = $1 and rank = $2 and application = $3");
            drop.bind(mark).bind(rank).bind(&self.row.id).execute(&mut **work).await?;
        }
        for (mark, rank) in self.marks.difference(&kept) {
            let add = sqlx::query("insert into application_mark (mark, rank, application) values ($1, $2, $3)");
            add.bind(mark).bind(rank).bind(&self.row.id).execute(&mut **work).await?;
        }
        Ok(())
    }

    async fn write_lines(&self, work: &mut Work) -> Result<(), PortalError> {
        if kept_lines(work, &self.row.id).await? == self.lines {
            return Ok(());
        }
        let drop = sqlx::query("delete from public_line where application = $1");
        drop.bind(&self.row.id).execute(&mut **work).await?;
        for line in &self.lines {
            let add = sqlx::query(
                "insert into public_line (application, kind, number, at, days, body) values ($1, $2, $3, $4, $5, $6)",
            );
            let add = add.bind(&self.row.id).bind(&line.kind).bind(line.number).bind(line.at).bind(line.days);
            add.bind(&line.body).execute(&mut **work).await?;
        }
        Ok(())
    }
}

async fn kept_marks(work: &mut Work, id: &str) -> Result<BTreeSet<(String, i64)>, PortalError> {
    let marks = sqlx::query_as::<_, (String, i64)>("select mark, rank from application_mark where application = $1");
    Ok(marks.bind(id).fetch_all(&mut **work).await?.into_iter().collect())
}

async fn kept_lines(work: &mut Work, id: &str) -> Result<Vec<Line>, PortalError> {
    let lines = sqlx::query_as::<_, (String, i64, i64, i64, String)>(
        "select kind, number, at, days, body from public_line where application = $1 order by kind, number",
    );
    let line = |(kind, number, at, days, body)| Line { kind, number, at, days, body };
    Ok(lines.bind(id).fetch_all(&mut **work).await?.into_iter().map(line).collect())
}

/// A row as it is read for lists: state, since when the stage stands, when reviewers were asked.
pub(crate) fn course((state, since, asked): (String, String, String)) -> Result<Course, PortalError> {
    let stored = |_| PortalError::Stored;
    let state: Application = serde_json::from_str(&state).map_err(stored)?;
    let since: Timestamp = since.parse().map_err(|_| PortalError::Stored)?;
    Ok(Course { state, asked: serde_json::from_str(&asked).map_err(stored)?, since })
}

/// The application that a column names.
pub(crate) fn named(id: &str) -> Result<ApplicationId, PortalError> {
    id.parse().map_err(|_| PortalError::Stored)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, PortalError> {
    serde_json::to_string(value).map_err(|_| PortalError::Stored)
}
