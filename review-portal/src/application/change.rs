//! The one way in which an application changes: decide, insert, audit, commit.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use policies::ApplicationId;
use policies::application::{
    Application, Command, Content, Draft, Event, EventRecord, PermitAnswer, Stage, apply, decide,
};

use super::records;
use crate::access::{Acts, Allowed, Create};
use crate::database::Work;
use crate::error::PortalError;
use crate::portal::Portal;
use crate::record::Note;

const JAPAN: Offset = Offset::constant(9);

/// What is asked of an application.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) command: Command,
    /// The form's key: the same key twice is one change.
    pub(crate) once: Option<String>,
    /// The signer's answer that `Command::RecordPermit` records.
    pub(crate) permit: Option<PermitAnswer>,
}

impl Change {
    pub(crate) fn new(command: Command, once: Option<String>) -> Self {
        Self { command, once, permit: None }
    }
}

/// Begins an application.
pub(crate) async fn create(
    portal: &Portal,
    allowed: &Allowed<Create>,
    content: Content,
    once: Option<String>,
) -> Result<ApplicationId, PortalError> {
    let now = portal.now();
    let mut work = portal.db.begin().await?;
    if let Some(done) = done_before(&mut work, allowed, once.as_ref()).await? {
        return Ok(done);
    }
    let id = next_id(&mut work, now).await?;
    let state = Application::unwritten(id.clone());
    let insert = sqlx::query(
        "insert into application (id, applicant, stage, state, created_at, updated_at) values ($1, $2, $3, $4, $5, $6)",
    );
    let insert = insert.bind(id.as_str()).bind(allowed.user.id.as_str()).bind(Stage::Unwritten.as_str());
    let insert = insert.bind(json(&state)?).bind(now.to_string()).bind(now.to_string());
    insert.execute(&mut *work).await?;
    let step = Step { state, records: Vec::new(), now };
    write(portal, allowed, work, step, Change::new(Command::Draft(content), once)).await?;
    Ok(id)
}

/// Changes the application that was allowed.
pub(crate) async fn change<A: Acts>(
    portal: &Portal,
    allowed: &Allowed<A>,
    change: Change,
) -> Result<Application, PortalError> {
    let id = allowed.application()?.id.clone();
    let mut work = portal.db.begin().await?;
    let records = records(&mut *work, &id).await?;
    let state = Application::replay(id, records.iter().map(|record| &record.event));
    if done_before(&mut work, allowed, change.once.as_ref()).await?.is_some() {
        return Ok(state);
    }
    // A clock that was set back must not break the chain's order.
    let now = records.last().map_or_else(|| portal.now(), |last| portal.now().max(last.at));
    write(portal, allowed, work, Step { state, records, now }, change).await
}

struct Step {
    state: Application,
    records: Vec<EventRecord>,
    now: Timestamp,
}

async fn write<A: Acts>(
    portal: &Portal,
    allowed: &Allowed<A>,
    mut work: Work,
    step: Step,
    change: Change,
) -> Result<Application, PortalError> {
    let Step { mut state, mut records, now } = step;
    let by = allowed.user.actor();
    let events = decide(&state, &by, change.command.asked_at(now))?;
    let mut once = change.once;
    for event in events {
        state = apply(state, &event);
        let record = EventRecord::after(&state.id, records.last(), Draft { at: now, by: by.clone(), event });
        insert_event(&mut work, &record, once.take()).await?;
        end_permit(&mut work, &state, &record).await?;
        records.push(record);
    }
    update_state(&mut work, &state, now).await?;
    if let Some(answer) = &change.permit {
        insert_permit(&mut work, &state, answer).await?;
    }
    let head = records.last().ok_or(PortalError::Stored)?;
    let note = Note::new(&by.user, A::ACTION.as_str(), &state.id)
        .with("event", head.event.kind())
        .with("seq", head.seq)
        .with("hash", head.hash.as_str())
        .with("stage", state.stage.as_str());
    note.append(&portal.audit, now).await?;
    work.commit().await?;
    Ok(state)
}

async fn done_before<A: Acts>(
    work: &mut Work,
    allowed: &Allowed<A>,
    once: Option<&String>,
) -> Result<Option<ApplicationId>, PortalError> {
    let Some(once) = once else { return Ok(None) };
    let find =
        sqlx::query_scalar::<_, String>("select application from application_event where by_user = $1 and once = $2");
    let found = find.bind(allowed.user.id.as_str()).bind(once).fetch_optional(&mut **work).await?;
    found.map(|id| id.parse().map_err(|_| PortalError::Stored)).transpose()
}

async fn next_id(work: &mut Work, now: Timestamp) -> Result<ApplicationId, PortalError> {
    let count = sqlx::query_scalar::<_, i64>("select count(*) from application").fetch_one(&mut **work).await?;
    let year = now.to_zoned(TimeZone::fixed(JAPAN)).year();
    format!("A-{year:04}-{:06}", count + 1).parse().map_err(|_| PortalError::Stored)
}

async fn insert_event(work: &mut Work, record: &EventRecord, once: Option<String>) -> Result<(), PortalError> {
    let insert = sqlx::query(
        "insert into application_event (application, seq, kind, body, at, by_user, once) values ($1, $2, $3, $4, $5, $6, $7)",
    );
    let seq = i64::try_from(record.seq).map_err(|_| PortalError::Stored)?;
    let insert = insert.bind(record.application.as_str()).bind(seq).bind(record.event.kind()).bind(json(record)?);
    insert.bind(record.at.to_string()).bind(record.by.user.as_str()).bind(once).execute(&mut **work).await?;
    Ok(())
}

async fn update_state(work: &mut Work, state: &Application, now: Timestamp) -> Result<(), PortalError> {
    let update =
        sqlx::query("update application set project = $1, stage = $2, state = $3, updated_at = $4 where id = $5");
    let project = state.content.project.as_ref().map(policies::ProjectId::as_str);
    let update = update.bind(project).bind(state.stage.as_str()).bind(json(state)?).bind(now.to_string());
    update.bind(state.id.as_str()).execute(&mut **work).await.map(drop).map_err(|cause| {
        let taken = cause.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
        if taken { PortalError::ProjectTaken } else { cause.into() }
    })
}

async fn insert_permit(work: &mut Work, state: &Application, answer: &PermitAnswer) -> Result<(), PortalError> {
    let permit = &answer.permit;
    let insert = sqlx::query(
        "insert into permit (id, application, project, title, jws, claims, issued_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let insert = insert.bind(permit.id.as_str()).bind(state.id.as_str()).bind(permit.project.as_str());
    let insert = insert.bind(&state.content.title).bind(&answer.jws).bind(json(permit)?);
    insert.bind(permit.issued_at.to_string()).bind(permit.expires_at.to_string()).execute(&mut **work).await?;
    for member in &permit.members {
        let insert = sqlx::query("insert into permit_member (permit, account) values ($1, $2)");
        insert.bind(permit.id.as_str()).bind(member.as_str()).execute(&mut **work).await?;
    }
    Ok(())
}

async fn end_permit(work: &mut Work, state: &Application, record: &EventRecord) -> Result<(), PortalError> {
    if matches!(record.event, Event::Revoked { .. } | Event::Closed { .. }) {
        let end = sqlx::query("update permit set ended_at = $1 where application = $2 and ended_at is null");
        end.bind(record.at.to_string()).bind(state.id.as_str()).execute(&mut **work).await?;
    }
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, PortalError> {
    serde_json::to_string(value).map_err(|_| PortalError::Stored)
}
