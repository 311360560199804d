//! One request from door to answer: admitted, recorded, guarded, run, checked again, recorded, sent.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use policies::Permit;

use super::ending::{Ending, PAUSED};
use super::journal::Journal;
use super::running::{Running, Stage};
use super::tickets::{Handle, Tickets};
use super::workers::Workers;
use crate::admission::{Admission, Admitted, Credentials, Rejection};
use crate::answer::{Answer, Cost};
use crate::error::{QueryError, Refusal, rules};
use crate::guard::statement::Template;
use crate::limits::{EngineLimits, Failures, Progress, Queue};
use crate::release::Releases;
use crate::service::Clock;
use crate::tables::{Granted, granted};
use crate::work::Publication;

/// Turns a statement into a plan that hands out cells only, or refuses it.
#[async_trait]
pub(crate) trait Guard: Send + Sync {
    /// Guards `sql` over just these tables, under this permit's profile and grade.
    async fn guard(&self, permit: Arc<Permit>, tables: Vec<Granted>, sql: Arc<str>)
    -> Result<Box<dyn Guarded>, Ending>;

    /// The same for a statement whose values are not bound yet: its columns and those of its values.
    async fn shape(&self, permit: Arc<Permit>, tables: Vec<Granted>, template: Template) -> Result<Shape, Ending>;

    /// What the permit's project keeps in its workspace. Waits for the disk.
    fn kept(&self, _: &Permit) -> Vec<Granted> {
        Vec::new()
    }
}

/// What is known of a prepared statement.
pub(crate) struct Shape {
    /// Visible columns of its answer.
    pub(crate) columns: SchemaRef,
    /// The values that it takes.
    pub(crate) parameters: SchemaRef,
}

/// A guarded plan, not run yet.
#[async_trait]
pub(crate) trait Guarded: Send {
    /// Visible columns.
    fn schema(&self) -> SchemaRef;
    /// Tables that it reads, for the audit log.
    fn tables(&self) -> Vec<String>;
    /// How much of it is done, once it runs.
    fn progress(&self) -> Progress {
        Progress::default()
    }
    /// What it reads at most; none if nothing is scanned, or what is cannot be told.
    fn cost(&self) -> Option<Cost> {
        None
    }
    /// What becomes visible after it ran and was recorded.
    fn publication(&self) -> Option<Arc<Publication>> {
        None
    }
    /// Runs it; the answer is complete before anything of it leaves.
    async fn execute(self: Box<Self>) -> Result<Answer, QueryError>;
}

/// An answer on its way out, and what is said beside it.
pub(crate) struct Sent {
    pub(crate) answer: Answer,
    /// Under which it was given.
    pub(crate) permit: Arc<Permit>,
    pub(crate) cost: Option<Cost>,
    /// Whether everything in it is made up.
    pub(crate) is_dummy: bool,
}

/// A statement that was guarded and waits for its ticket.
pub(crate) struct Statement {
    /// As it runs, values in their places.
    pub(super) sql: Arc<str>,
    /// As it was prepared, if it was prepared with places for values.
    pub(super) prepared: Option<Arc<str>>,
    pub(super) guarded: Box<dyn Guarded>,
}

/// A prepared statement, with its values once they are bound.
#[derive(Clone)]
pub(crate) struct PreparedText {
    sql: Arc<str>,
    template: Arc<Template>,
    bound: Option<Arc<str>>,
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
    /// How much may run, wait and fail.
    pub(crate) limits: EngineLimits,
    /// Places for queries.
    pub(crate) queue: Arc<Queue>,
    /// Projects that fail too often rest.
    pub(crate) failures: Failures,
    /// What waits or runs now.
    pub(crate) running: Arc<Running>,
    /// Statements with a ticket.
    pub(crate) statements: Tickets<Statement>,
    /// Prepared statements.
    pub(crate) prepared: Tickets<PreparedText>,
}

impl Desk {
    /// Guards a statement and gives a ticket for its answer, with the answer's columns.
    pub(crate) async fn statement(&self, credentials: &Credentials, sql: &str) -> Result<(Handle, SchemaRef), Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        self.ticket(&who, Arc::from(sql), None).await
    }

    /// The columns of a statement's answer, guarded like a query; nothing is kept.
    pub(crate) async fn columns(&self, credentials: &Credentials, sql: &str) -> Result<SchemaRef, Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        Ok(self.guarded(&who, &Arc::from(sql)).await?.schema())
    }

    /// The same for a prepared statement: with the values that are bound, or before.
    pub(crate) async fn prepared_columns(&self, credentials: &Credentials, handle: &[u8]) -> Result<SchemaRef, Ending> {
        let (who, text) = self.prepared_text(credentials, handle).await?;
        if let Some(bound) = &text.bound {
            return Ok(self.guarded(&who, bound).await?.schema());
        }
        let shape = self.shape(&who, &text.template).await;
        Ok(self.or_recorded(&who, &text.sql, shape).await?.columns)
    }

    /// Guards a statement and keeps its text. Returns the handle, the columns of its answer and of its values.
    pub(crate) async fn prepare(&self, credentials: &Credentials, sql: &str) -> Result<(Handle, Shape), Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        let sql: Arc<str> = Arc::from(sql);
        let shaped = match Template::read(&sql) {
            Ok(template) => self.shape(&who, &template).await.map(|shape| (template, shape)),
            Err(refusal) => Err(refusal.into()),
        };
        let (template, shape) = self.or_recorded(&who, &sql, shaped).await?;
        let text = PreparedText { sql, template: Arc::new(template), bound: None };
        Ok((self.prepared.issue(&who, text, (self.clock)())?, shape))
    }

    /// Whether this session prepared a statement of that handle.
    pub(crate) async fn knows(&self, credentials: &Credentials, handle: &[u8]) -> Result<(), Ending> {
        self.prepared_text(credentials, handle).await.map(|_| ())
    }

    /// Puts values into a prepared statement, which is guarded with them.
    pub(crate) async fn bind(
        &self,
        credentials: &Credentials,
        handle: &[u8],
        values: &[ScalarValue],
    ) -> Result<(), Ending> {
        let (who, text) = self.prepared_text(credentials, handle).await?;
        let bound = text.template.bind(values).map_err(Ending::from);
        let bound: Arc<str> = self.or_recorded(&who, &text.sql, bound).await?.into();
        self.guarded(&who, &bound).await?;
        self.prepared.replace(handle, &who, (self.clock)(), PreparedText { bound: Some(bound), ..text })
    }

    /// A ticket for a prepared statement, which is guarded anew.
    pub(crate) async fn prepared_statement(
        &self,
        credentials: &Credentials,
        handle: &[u8],
    ) -> Result<(Handle, SchemaRef), Ending> {
        let (who, text) = self.prepared_text(credentials, handle).await?;
        match text.bound {
            Some(bound) => self.ticket(&who, bound, Some(text.sql)).await,
            None if text.template.count() == 0 => self.ticket(&who, text.sql, None).await,
            None => {
                let missing = Err(Refusal::of(&rules::PLACEHOLDER).into());
                self.or_recorded(&who, &text.sql, missing).await
            }
        }
    }

    /// Forgets a prepared statement.
    pub(crate) async fn close(&self, credentials: &Credentials, handle: &[u8]) -> Result<(), Ending> {
        let permit = self.prepared.permit(handle)?;
        let who = self.admission.admit(credentials, Some(&permit.id), (self.clock)()).await?;
        self.prepared.take(handle, &who, (self.clock)()).map(|_| ())
    }

    /// Stops the query of a ticket, or forgets the ticket. Whether there was one of this session.
    pub(crate) async fn cancel(&self, credentials: &Credentials, handle: &[u8]) -> Result<bool, Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        Ok(self.running.stop(handle, &who) || self.statements.take(handle, &who, (self.clock)()).is_ok())
    }

    /// How far the query of a ticket is. `None`: it does not run, or it is not this session's.
    pub(crate) async fn stage(&self, credentials: &Credentials, handle: &[u8]) -> Result<Option<Stage>, Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        Ok(self.running.stage(handle, &who))
    }

    /// The tables that a session sees, for metadata.
    pub(crate) async fn visible(&self, credentials: &Credentials) -> Result<Vec<Granted>, Ending> {
        let who = self.admission.admit(credentials, None, (self.clock)()).await?;
        self.granted(&who.permit).await
    }

    /// Refuses a project that rests.
    pub(super) fn awake(&self, who: &Admitted) -> Result<(), Ending> {
        let paused = self.failures.paused(&who.permit.project, (self.clock)());
        if paused { Err(Ending::from(&PAUSED)) } else { Ok(()) }
    }

    async fn prepared_text(
        &self,
        credentials: &Credentials,
        handle: &[u8],
    ) -> Result<(Admitted, PreparedText), Ending> {
        let permit = self.prepared.permit(handle)?;
        let who = self.admission.admit(credentials, Some(&permit.id), (self.clock)()).await?;
        let text = self.prepared.read(handle, &who, (self.clock)())?;
        Ok((who, text))
    }

    async fn ticket(
        &self,
        who: &Admitted,
        sql: Arc<str>,
        prepared: Option<Arc<str>>,
    ) -> Result<(Handle, SchemaRef), Ending> {
        let guarded = self.guarded(who, &sql).await?;
        let columns = guarded.schema();
        let handle = self.statements.issue(who, Statement { sql, prepared, guarded }, (self.clock)())?;
        Ok((handle, columns))
    }

    /// Guards; a refusal is recorded.
    async fn guarded(&self, who: &Admitted, sql: &Arc<str>) -> Result<Box<dyn Guarded>, Ending> {
        let guarded = match self.awake(who) {
            Ok(()) => {
                let tables = self.granted(&who.permit).await?;
                let (guard, permit, text) = (Arc::clone(&self.guard), Arc::clone(&who.permit), Arc::clone(sql));
                let guarded = self.workers.run(async move { guard.guard(permit, tables, text).await }).await;
                guarded.map_err(Ending::from).flatten()
            }
            Err(paused) => Err(paused),
        };
        self.or_recorded(who, sql, guarded).await
    }

    async fn shape(&self, who: &Admitted, template: &Template) -> Result<Shape, Ending> {
        self.awake(who)?;
        let tables = self.granted(&who.permit).await?;
        let (guard, permit, template) = (Arc::clone(&self.guard), Arc::clone(&who.permit), template.clone());
        let shape = self.workers.run(async move { guard.shape(permit, tables, template).await }).await;
        shape.map_err(Ending::from).flatten()
    }

    /// A refusal is recorded before it is told.
    async fn or_recorded<T>(&self, who: &Admitted, sql: &str, outcome: Result<T, Ending>) -> Result<T, Ending> {
        if let Err(ending) = &outcome {
            self.journal.ended(who, sql, ending).await?;
        }
        outcome
    }

    async fn granted(&self, permit: &Arc<Permit>) -> Result<Vec<Granted>, Ending> {
        let (permit, releases, guard) = (Arc::clone(permit), Arc::clone(&self.releases), Arc::clone(&self.guard));
        // A release that appeared since the start is read whole before it is believed.
        let tables = tokio::task::spawn_blocking(move || {
            let mut tables = granted(&permit, &releases)?;
            tables.extend(guard.kept(&permit));
            Ok::<_, Rejection>(tables)
        });
        let tables = tables.await;
        Ok(tables.map_err(|_| QueryError::Failed)??)
    }
}
