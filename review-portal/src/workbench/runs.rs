//! The history of a person's runs in a project, or without one. Every read names the author: nobody sees another's.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::ask::Asked;
use super::desk::{Data, Desk};
use super::running::Number;
use crate::database::Database;
use crate::error::PortalError;
use crate::query::{PortalAnswer, PortalRefusal, Scanned};

/// Runs on one page of the history.
pub(crate) const PAGE: i64 = 50;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    Answered,
    Cancelled,
    Interrupted,
    Refused,
    Running,
}

impl RunState {
    pub(crate) const ALL: [Self; 5] =
        [Self::Answered, Self::Cancelled, Self::Interrupted, Self::Refused, Self::Running];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Refused => "refused",
            Self::Running => "running",
        }
    }
}

/// One run, as its author sees it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: Number,
    pub(crate) sql: String,
    pub(crate) sha256: String,
    pub(crate) asked_at: Timestamp,
    pub(crate) state: RunState,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) rows: Option<u64>,
    pub(crate) grade: Option<String>,
    pub(crate) withheld: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) data: Data,
    /// What the plan read at most.
    pub(crate) scanned: Option<Scanned>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    sql: String,
    sql_sha256: String,
    asked_at: String,
    state: String,
    duration_ms: Option<i64>,
    answer_rows: Option<i64>,
    grade: Option<String>,
    withheld: Option<String>,
    code: Option<String>,
    data: String,
    scanned_rows: Option<i64>,
    scanned_values: Option<i64>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum End {
    Answered(PortalAnswer),
    Cancelled(PortalRefusal),
    Refused(PortalRefusal),
}

/// SHA-256 (hex) of a query's text: what the audit chain keeps.
pub(crate) fn sha256(sql: &str) -> String {
    hex::encode(Sha256::digest(sql.as_bytes()))
}

/// Writes that a run begins, under the number that its page drew; under another if that one is taken.
pub(crate) async fn begin(
    db: &Database,
    desk: &Desk,
    Asked { sql, data, permit, wanted }: &Asked<'_>,
    now: Timestamp,
) -> Result<Number, PortalError> {
    let permit = permit.filter(|_| *data == Data::People).map(|permit| permit.id.as_str());
    let numbers = wanted.clone().into_iter().chain([Number::random()]);
    for id in numbers {
        let insert = sqlx::query(
            "insert into query_run (id, project, account, permit, sql, sql_sha256, asked_at, state, data)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing",
        );
        let insert = insert.bind(id.as_str()).bind(desk.word()?).bind(desk.user().id.as_str());
        let insert = insert.bind(permit).bind(*sql).bind(sha256(sql)).bind(format!("{now:.6}"));
        let done = insert.bind(RunState::Running.as_str()).bind(data.as_str()).execute(db.pool()).await?;
        if done.rows_affected() == 1 {
            return Ok(id);
        }
    }
    Err(PortalError::Stored)
}

/// Writes how a run ended.
pub(crate) async fn finish(db: &Database, id: &Number, end: &End, took_ms: u64) -> Result<(), PortalError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let (state, answer, refusal) = match end {
        End::Answered(answer) => (RunState::Answered, Some(answer), None),
        End::Cancelled(refusal) => (RunState::Cancelled, None, Some(refusal)),
        End::Refused(refusal) => (RunState::Refused, None, Some(refusal)),
    };
    let update = sqlx::query(
        "update query_run set state = $1, duration_ms = $2, answer_rows = $3, grade = $4, withheld = $5, code = $6,
           scanned_rows = $7, scanned_values = $8 where id = $9",
    );
    let update = update.bind(state.as_str()).bind(number(took_ms));
    let update = update.bind(answer.map(|answer| number(answer.rows.len() as u64)));
    let update = update.bind(answer.map(|answer| answer.grade.as_str()));
    let update = update.bind(answer.map(|answer| answer.withheld.as_str()));
    let update = update.bind(refusal.map(|refusal| refusal.code.as_str()));
    let scanned = answer.and_then(|answer| answer.scanned);
    let update = update.bind(scanned.map(|scanned| number(scanned.rows)));
    let update = update.bind(scanned.map(|scanned| number(scanned.values))).bind(id.as_str());
    update.execute(db.pool()).await.map(drop).map_err(PortalError::Database)
}

/// What ran when the portal stopped runs no more.
pub(crate) async fn sweep(db: &Database) -> Result<(), PortalError> {
    let sweep = sqlx::query("update query_run set state = $1 where state = $2");
    let sweep = sweep.bind(RunState::Interrupted.as_str()).bind(RunState::Running.as_str());
    sweep.execute(db.pool()).await.map(drop).map_err(PortalError::Database)
}

/// The asking person's runs in the project, the latest first, with the beginnings of their texts: at most `count` that began before
/// the run `before`.
pub(crate) async fn list(
    db: &Database,
    desk: &Desk,
    before: Option<&Number>,
    count: i64,
) -> Result<Vec<Run>, PortalError> {
    let rows = sqlx::query_as::<_, Row>(
        "select id, substr(sql, 1, 400) as sql, sql_sha256, asked_at, state, duration_ms, answer_rows, grade, withheld, code, data,
           scanned_rows, scanned_values from query_run
         where account = $1 and project = $2 and ($3 = '' or (asked_at, id) <
             (select last.asked_at, last.id from query_run last where last.id = $3 and last.account = $1))
         order by asked_at desc, id desc limit $4",
    );
    let rows = rows.bind(desk.user().id.as_str()).bind(desk.word()?);
    let rows = rows.bind(before.map_or("", Number::as_str)).bind(count);
    rows.fetch_all(db.pool()).await?.into_iter().map(run).collect()
}

/// One run of the asking person in the project.
pub(crate) async fn find(db: &Database, desk: &Desk, id: &Number) -> Result<Run, PortalError> {
    let row = sqlx::query_as::<_, Row>(
        "select id, sql, sql_sha256, asked_at, state, duration_ms, answer_rows, grade, withheld, code, data, scanned_rows,
           scanned_values from query_run
         where id = $1 and account = $2 and project = $3",
    );
    let row = row.bind(id.as_str()).bind(desk.user().id.as_str()).bind(desk.word()?);
    row.fetch_optional(db.pool()).await?.map_or(Err(PortalError::NotFound), run)
}

fn run(row: Row) -> Result<Run, PortalError> {
    let number = |count: i64| u64::try_from(count).map_err(|_| PortalError::Stored);
    let scanned = match (row.scanned_rows, row.scanned_values) {
        (Some(rows), Some(values)) => Some(Scanned { rows: number(rows)?, values: number(values)? }),
        _ => None,
    };
    Ok(Run {
        id: row.id.parse().map_err(|_| PortalError::Stored)?,
        sql: row.sql,
        sha256: row.sql_sha256,
        asked_at: row.asked_at.parse().map_err(|_| PortalError::Stored)?,
        state: RunState::ALL.into_iter().find(|known| known.as_str() == row.state).ok_or(PortalError::Stored)?,
        duration_ms: row.duration_ms.map(number).transpose()?,
        rows: row.answer_rows.map(number).transpose()?,
        grade: row.grade,
        withheld: row.withheld,
        code: row.code,
        data: Data::parse(&row.data).ok_or(PortalError::Stored)?,
        scanned,
    })
}
