//! The one way in which an application changes: decide, insert, audit, commit.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use policies::access::Action;
use policies::application::{
    Application, Asking, Command, Content, Draft, Event, EventRecord, Interest, PermitAnswer, Reviewer, Rules, apply,
    day_of, decide,
};
use policies::passkey::ActSignature;
use policies::{ApplicationId, UserId};

use super::model::Model;
use super::records;
use crate::access::{Acts, Allowed, AllowedAct, Create, Ordered};
use crate::accounts::User;
use crate::database::Work;
use crate::error::PortalError;
use crate::events::{self, NewEvent};
use crate::notices::{About, Happened, Reach, notify};
use crate::portal::Portal;
use crate::record::Note;

const JAPAN: Offset = Offset::constant(9);

/// What is asked of an application.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) command: Command,
    /// The form's key: the same key twice is one change.
    pub(crate) once: Option<String>,
    /// The event whose content the form showed: on a later content nothing is changed.
    pub(crate) base: Option<u64>,
    /// The signer's answer that `Command::RecordPermit` records.
    pub(crate) permit: Option<PermitAnswer>,
    /// The record that the actor signed, and the signature.
    pub(crate) signed: Option<(EventRecord, ActSignature)>,
}

impl Change {
    pub(crate) fn new(command: Command, once: Option<String>) -> Self {
        Self { command, once, base: None, permit: None, signed: None }
    }
}

/// Who may act, on what, proved by casbin's answer.
pub(crate) trait Acting {
    /// The person.
    fn user(&self) -> &User;
    /// What casbin allowed.
    fn action(&self) -> Action;
    /// The application that was allowed.
    fn application(&self) -> Result<&Application, PortalError>;
}

impl<A: Acts> Acting for Allowed<A> {
    fn user(&self) -> &User {
        &self.user
    }

    fn action(&self) -> Action {
        A::ACTION
    }

    fn application(&self) -> Result<&Application, PortalError> {
        Self::application(self)
    }
}

impl Acting for AllowedAct {
    fn user(&self) -> &User {
        &self.user
    }

    fn action(&self) -> Action {
        self.act.action()
    }

    fn application(&self) -> Result<&Application, PortalError> {
        Ok(&self.application)
    }
}

impl Acting for Ordered {
    fn user(&self) -> &User {
        &self.user
    }

    fn action(&self) -> Action {
        Action::PermitIssue
    }

    fn application(&self) -> Result<&Application, PortalError> {
        Ok(&self.application)
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
    let step = Step { state, records: Vec::new(), now };
    write(portal, allowed, work, step, Change::new(Command::Draft { content }, once)).await?;
    Ok(id)
}

/// Changes the application that was allowed.
pub(crate) async fn change(portal: &Portal, allowed: &impl Acting, change: Change) -> Result<Application, PortalError> {
    let id = allowed.application()?.id.clone();
    let mut work = portal.db.begin().await?;
    let records = records(&mut *work, &id).await?;
    let state = Application::replay(id, &records);
    if done_before(&mut work, allowed, change.once.as_ref()).await?.is_some() {
        return Ok(state);
    }
    if change.base.is_some_and(|base| base != content_head(&records)) {
        return Err(PortalError::ChangedMeanwhile);
    }
    // A clock that was set back must not break the chain's order. What was signed keeps the time that was signed.
    let now = records.last().map_or_else(|| portal.now(), |last| portal.now().max(last.at));
    let now = change.signed.as_ref().map_or(now, |(record, _)| record.at);
    write(portal, allowed, work, Step { state, records, now }, change).await
}

/// The number of the last event that set the content; 0 if there is none.
pub(crate) fn content_head(records: &[EventRecord]) -> u64 {
    let sets = |record: &&EventRecord| {
        matches!(
            record.event,
            Event::Drafted { .. } | Event::Edited { .. } | Event::Amended { .. } | Event::Withdrawn {}
        )
    };
    records.iter().rev().find(sets).map_or(0, |record| record.seq)
}

/// The record that the command would make now, for its actor to sign: nothing is written.
pub(crate) async fn prepare(
    portal: &Portal,
    allowed: &impl Acting,
    command: Command,
) -> Result<EventRecord, PortalError> {
    let id = allowed.application()?.id.clone();
    let records = records(portal.db.pool(), &id).await?;
    let state = Application::replay(id, &records);
    let by = allowed.user().actor();
    let at = records.last().map_or_else(|| portal.now(), |last| portal.now().max(last.at));
    let mut events = decide(Rules::current(), &state, &Asking { by: &by, at }, command)?;
    let event = events.pop().ok_or(PortalError::Stored)?;
    Ok(EventRecord::after(&state.id, records.last(), Draft { at, by, event }))
}

struct Step {
    state: Application,
    records: Vec<EventRecord>,
    now: Timestamp,
}

async fn write(
    portal: &Portal,
    allowed: &impl Acting,
    mut work: Work,
    step: Step,
    change: Change,
) -> Result<Application, PortalError> {
    let Step { mut state, mut records, now } = step;
    let last = records.last().map(|last| last.hash.as_str());
    // Signed over an earlier history: what came since is not in it.
    if change.permit.as_ref().is_some_and(|answer| last != Some(answer.permit.application_head.as_str())) {
        return Err(PortalError::ChangedMeanwhile);
    }
    let by = allowed.user().actor();
    let events = decide(Rules::current(), &state, &Asking { by: &by, at: now }, change.command)?;
    // A draft is saved with every row that is added to its form: what says nothing new is no event.
    let same = |event: &Event| matches!(event, Event::Edited { content } if state.round.as_ref().is_some_and(|round| round.content == *content));
    if events.iter().all(same) {
        return Ok(state);
    }
    let mut once = change.once;
    for event in events {
        let mut record = EventRecord::after(&state.id, records.last(), Draft { at: now, by: by.clone(), event });
        if record.event.must_be_signed() {
            let signed = change.signed.as_ref().filter(|(signed, _)| *signed == record);
            // Another event came first, or the person's roles changed: what was signed is not what would be recorded.
            let (_, signature) = signed.ok_or(PortalError::ChangedMeanwhile)?;
            record.signature = Some(signature.clone());
        }
        state = apply(state, &record.act());
        insert_event(&mut work, &record, once.take()).await?;
        tell(portal, &mut work, &state, &record).await?;
        records.push(record);
    }
    let position = events::position(&mut work, state.id.as_str()).await?;
    Model::of(&records, position)?.write(&mut work).await?;
    if let Some(answer) = &change.permit {
        insert_permit(&mut work, &state, answer).await?;
    }
    end_permits(&mut work, &state, now).await?;
    let head = records.last().ok_or(PortalError::Stored)?;
    let note = Note::new(&by.user, allowed.action().as_str(), &state.id)
        .with("event", head.event.kind())
        .with("seq", head.seq)
        .with("hash", head.hash.as_str())
        .with("stage", state.stage(Rules::current(), day_of(now)).as_str());
    note.append(&portal.audit, now).await?;
    work.commit().await?;
    Ok(state)
}

/// Notices of an event, in its own transaction.
async fn tell(portal: &Portal, work: &mut Work, state: &Application, record: &EventRecord) -> Result<(), PortalError> {
    let Some((applicant, content)) = state.applicant.as_ref().zip(state.content()) else { return Ok(()) };
    // A draft is its writer's: nobody hears that it was, not even when it is withdrawn.
    if state.is_private() {
        return Ok(());
    }
    let today = day_of(record.at);
    let open = |(user, reviewer): (&UserId, &Reviewer)| {
        let closed = matches!(reviewer.interest, Interest::Conflict { .. })
            || state.is_conflicted(record.act().rules, user, today);
        (!closed).then(|| user.clone())
    };
    let about = About {
        application: &state.id,
        title: &content.title,
        applicant,
        members: &content.members.keys().cloned().collect(),
        reviewers: &state.round.iter().flat_map(|round| &round.reviewers).filter_map(open).collect(),
        sources: &content.datasets.keys().cloned().collect(),
    };
    let happened =
        Happened { kind: record.event.kind(), version: record.seq, by: Some(&record.by.user), at: record.at };
    let reach = Reach { portal: portal.mail.as_deref().unwrap_or_default(), webhook: portal.webhook };
    notify(work, reach, about, happened).await.map(drop)
}

async fn done_before(
    work: &mut Work,
    allowed: &impl Acting,
    once: Option<&String>,
) -> Result<Option<ApplicationId>, PortalError> {
    let Some(once) = once else { return Ok(None) };
    let found = events::done_before(work, allowed.user().id.as_str(), once).await?;
    found.map(|id| id.parse().map_err(|_| PortalError::Stored)).transpose()
}

async fn next_id(work: &mut Work, now: Timestamp) -> Result<ApplicationId, PortalError> {
    let count = sqlx::query_scalar::<_, i64>("select count(*) from application").fetch_one(&mut **work).await?;
    let year = now.to_zoned(TimeZone::fixed(JAPAN)).year();
    format!("A-{year:04}-{:06}", count + 1).parse().map_err(|_| PortalError::Stored)
}

async fn insert_event(work: &mut Work, record: &EventRecord, once: Option<String>) -> Result<(), PortalError> {
    let event = NewEvent {
        kind: record.event.kind().to_owned(),
        body: json(record)?,
        at: record.at,
        actor: record.by.user.to_string(),
        policy: record.policy.clone(),
        once,
    };
    let expected = record.seq.checked_sub(1).ok_or(PortalError::Stored)?;
    events::append(work, record.application.as_str(), expected, &[event]).await.map(drop)
}

async fn insert_permit(work: &mut Work, state: &Application, answer: &PermitAnswer) -> Result<(), PortalError> {
    let permit = &answer.permit;
    let insert = sqlx::query(
        "insert into permit (id, application, project, title, jws, claims, issued_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let insert = insert.bind(permit.id.as_str()).bind(state.id.as_str()).bind(permit.project.as_str());
    let insert =
        insert.bind(state.content().map_or("", |content| content.title.as_str())).bind(&answer.jws).bind(json(permit)?);
    insert.bind(permit.issued_at.to_string()).bind(permit.expires_at.to_string()).execute(&mut **work).await?;
    for member in permit.members.keys() {
        let insert = sqlx::query("insert into permit_member (permit, account) values ($1, $2)");
        insert.bind(permit.id.as_str()).bind(member.as_str()).execute(&mut **work).await?;
    }
    Ok(())
}

/// Permits of the application that no longer hold: replaced, suspended or ended.
async fn end_permits(work: &mut Work, state: &Application, now: Timestamp) -> Result<(), PortalError> {
    let holds = state.usage.as_ref().filter(|_| state.is_permitted()).map(|usage| usage.permit.as_str());
    let end = sqlx::query("update permit set ended_at = $1 where application = $2 and id <> $3 and ended_at is null");
    end.bind(now.to_string()).bind(state.id.as_str()).bind(holds.unwrap_or_default()).execute(&mut **work).await?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, PortalError> {
    serde_json::to_string(value).map_err(|_| PortalError::Stored)
}
