//! One request from door to answer: admitted, recorded, guarded, run, checked again, recorded, sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use policies::Permit;

use super::ending::Ending;
use super::journal::Journal;
use super::slots::Slots;
use super::tickets::{Handle, Tickets};
use super::workers::Workers;
use crate::admission::{Admission, Admitted, Credentials};
use crate::answer::Answer;
use crate::error::QueryError;
use crate::release::Releases;
use crate::service::Clock;
use crate::tables::{Granted, granted};

/// A query may run this long (disclosure.md, "Limits against load").
const TIME_MAX: Duration = Duration::from_mins(10);
/// Answers leave at the next of these ticks, so that small differences of time tell nothing (disclosure.md, V-TIME).
const TICK: Duration = Duration::from_millis(250);
/// From five seconds on the tick is a second.
const LONG_TICK: Duration = Duration::from_secs(1);

/// Turns a statement into a plan that hands out cells only, or refuses it.
#[async_trait]
pub(crate) trait Guard: Send + Sync {
    /// Guards `sql` over just these tables, under this permit's profile and grade.
    async fn guard(&self, permit: Arc<Permit>, tables: Vec<Granted>, sql: Arc<str>)
    -> Result<Box<dyn Guarded>, Ending>;
}

/// A guarded plan, not run yet.
#[async_trait]
pub(crate) trait Guarded: Send {
    /// Visible columns.
    fn schema(&self) -> SchemaRef;
    /// Tables that it reads, for the audit log.
    fn tables(&self) -> Vec<String>;
    /// Runs it; the answer is complete before anything of it leaves.
    async fn execute(self: Box<Self>) -> Result<Answer, QueryError>;
}

/// A statement that was guarded and waits for its ticket.
pub(crate) struct Statement {
    sql: Arc<str>,
    guarded: Box<dyn Guarded>,
}

/// Everything that a request passes.
pub(crate) struct Desk {
    /// The door.
    pub(crate) admission: Admission,
    /// The releases in use.
    pub(crate) releases: Arc<Releases>,
    /// The guard.
    pub(crate) guard: Arc<dyn Guard>,
    /// The audit chain.
    pub(crate) journal: Journal,
    /// Where plans are made and run.
    pub(crate) workers: Workers,
    /// The time.
    pub(crate) clock: Clock,
    /// How many run at a time.
    pub(crate) slots: Arc<Slots>,
    /// Statements with a ticket.
    pub(crate) statements: Tickets<Statement>,
    /// Prepared statements.
    pub(crate) prepared: Tickets<Arc<str>>,
}

impl Desk {
    /// Guards a statement and gives a ticket for its answer.
    pub(crate) async fn statement(&self, credentials: &Credentials, sql: &str) -> Result<Handle, Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        self.ticket(&who, Arc::from(sql)).await
    }

    /// Guards a statement and keeps its text. Returns the handle and the columns of its answer.
    pub(crate) async fn prepare(&self, credentials: &Credentials, sql: &str) -> Result<(Handle, SchemaRef), Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        let sql: Arc<str> = Arc::from(sql);
        let guarded = self.guarded(&who, &sql).await?;
        Ok((self.prepared.issue(&who, sql, (self.clock)())?, guarded.schema()))
    }

    /// A ticket for a prepared statement, which is guarded anew.
    pub(crate) async fn prepared_statement(&self, credentials: &Credentials, handle: &[u8]) -> Result<Handle, Ending> {
        let permit = self.prepared.permit(handle)?;
        let who = self.admission.admit(credentials, Some(&permit.id), (self.clock)()).await?;
        let sql = self.prepared.read(handle, &who, (self.clock)())?;
        self.ticket(&who, sql).await
    }

    /// Forgets a prepared statement.
    pub(crate) async fn close(&self, credentials: &Credentials, handle: &[u8]) -> Result<(), Ending> {
        let permit = self.prepared.permit(handle)?;
        let who = self.admission.admit(credentials, Some(&permit.id), (self.clock)()).await?;
        self.prepared.take(handle, &who, (self.clock)()).map(|_| ())
    }

    /// The answer for a ticket.
    pub(crate) async fn answer(&self, credentials: &Credentials, handle: &[u8]) -> Result<Answer, Ending> {
        let permit = self.statements.permit(handle)?;
        let who = self.admission.admit(credentials, Some(&permit.id), (self.clock)()).await?;
        let statement = self.statements.take(handle, &who, (self.clock)())?;
        let _slot = self.slots.take(&who.session)?;
        self.journal.asked(&who, &statement.sql, &statement.guarded.tables()).await?;
        match self.run(&who, statement.guarded).await {
            Ok(answer) => {
                self.journal.answered(&who, &statement.sql, &answer).await?;
                Ok(answer)
            }
            Err(ending) => {
                self.journal.ended(&who, &statement.sql, &ending).await?;
                Err(ending)
            }
        }
    }

    /// The tables that a session sees, for metadata.
    pub(crate) async fn visible(&self, credentials: &Credentials) -> Result<Vec<Granted>, Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        self.granted(&who.permit).await
    }

    async fn ticket(&self, who: &Admitted, sql: Arc<str>) -> Result<Handle, Ending> {
        let guarded = self.guarded(who, &sql).await?;
        self.statements.issue(who, Statement { sql, guarded }, (self.clock)())
    }

    /// Guards; a refusal is recorded.
    async fn guarded(&self, who: &Admitted, sql: &Arc<str>) -> Result<Box<dyn Guarded>, Ending> {
        let tables = self.granted(&who.permit).await?;
        let (guard, permit, text) = (Arc::clone(&self.guard), Arc::clone(&who.permit), Arc::clone(sql));
        let guarded = self.workers.run(async move { guard.guard(permit, tables, text).await }).await;
        match guarded.map_err(Ending::from).flatten() {
            Ok(guarded) => Ok(guarded),
            Err(ending) => {
                self.journal.ended(who, sql, &ending).await?;
                Err(ending)
            }
        }
    }

    async fn granted(&self, permit: &Arc<Permit>) -> Result<Vec<Granted>, Ending> {
        let (permit, releases) = (Arc::clone(permit), Arc::clone(&self.releases));
        // A release that appeared since the start is read whole before it is believed.
        let tables = tokio::task::spawn_blocking(move || granted(&permit, &releases)).await;
        Ok(tables.map_err(|_| QueryError::Failed)??)
    }

    /// Runs a plan, and asks again whether session and permit hold before anything leaves.
    async fn run(&self, who: &Admitted, guarded: Box<dyn Guarded>) -> Result<Answer, Ending> {
        let started = Instant::now();
        let running = self.workers.run(guarded.execute());
        let outcome = match tokio::time::timeout(TIME_MAX, running).await {
            Ok(outcome) => outcome.flatten(),
            Err(_) => Err(QueryError::TooSlow),
        };
        tokio::time::sleep(to_next_tick(started.elapsed())).await;
        let answer = outcome?;
        self.admission.still_holds(who, (self.clock)()).await?;
        Ok(answer)
    }
}

/// How long an answer waits that took `elapsed`.
fn to_next_tick(elapsed: Duration) -> Duration {
    let tick = if elapsed < 20 * TICK { TICK } else { LONG_TICK };
    let over = elapsed.as_nanos() % tick.as_nanos();
    tick.saturating_sub(Duration::from_nanos(u64::try_from(over).unwrap_or(0)))
}
