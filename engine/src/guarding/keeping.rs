//! CREATE and DROP in a project's workspace: guarded, prepared, and left to the desk to record and publish.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use jiff::Timestamp;
use policies::{Grade, Permit};

use crate::answer::{Answer, Band, Reason, VeilReport};
use crate::error::QueryError;
use crate::execute::Session;
use crate::execute::keep::PreparedRows;
use crate::flight::{Ending, Guarded};
use crate::guard::statement::{Change, WorkStatement};
use crate::work::{Publication, Workspace};

/// Guards a change. Nothing is written yet.
pub(crate) async fn guarded(
    session: impl FnOnce() -> Result<Session, Ending> + Send,
    (permit, workspace): (&Arc<Permit>, Workspace),
    statement: WorkStatement,
    now: Timestamp,
) -> Result<Changing, Ending> {
    let WorkStatement { name, change } = statement;
    let (work, action) = match change {
        Change::DropTable => (Work::Drop { view: false }, "work:dropped"),
        Change::DropView => (Work::Drop { view: true }, "work:dropped"),
        Change::Table(query) => {
            let session = session()?;
            let rows = session.prepare_rows(*query, 0).await?;
            (Work::Table(Box::new((session, rows))), "work:created")
        }
        Change::View(query, sql) => {
            (Work::View(Box::new(session()?.prepare_rows(*query, 1).await?), sql), "work:created")
        }
    };
    match work {
        Work::Drop { view } => workspace.has(&name, view, now)?,
        Work::Table(_) | Work::View(..) => workspace.has_room_for(&name, now)?,
    }
    let publication = Arc::new(Publication::new(action, &name));
    Ok(Changing { workspace, permit: Arc::clone(permit), name, work, publication, now })
}

/// What is to be done.
enum Work {
    Drop { view: bool },
    Table(Box<(Session, PreparedRows)>),
    View(Box<PreparedRows>, String),
}

/// A guarded change.
pub(crate) struct Changing {
    workspace: Workspace,
    permit: Arc<Permit>,
    name: String,
    work: Work,
    publication: Arc<Publication>,
    now: Timestamp,
}

#[async_trait]
impl Guarded for Changing {
    fn schema(&self) -> SchemaRef {
        status_schema()
    }

    fn tables(&self) -> Vec<String> {
        let sources = match &self.work {
            Work::Drop { .. } => None,
            Work::Table(made) => Some(made.1.sources()),
            Work::View(rows, _) => Some(rows.sources()),
        };
        let read = sources.into_iter().flat_map(|sources| sources.0.keys().cloned());
        read.chain([self.publication.object.clone()]).collect()
    }

    fn publication(&self) -> Option<Arc<Publication>> {
        Some(Arc::clone(&self.publication))
    }

    async fn execute(self: Box<Self>) -> Result<Answer, QueryError> {
        let Self { workspace, permit, name, work, publication, now } = *self;
        match work {
            Work::Drop { view } => {
                publication.prepare(move || workspace.drop_object(&name, view, now));
                status("dropped", permit.grade, Vec::new())
            }
            Work::Table(made) => {
                let (session, rows) = *made;
                let reasons = rows.reasons().to_vec();
                let writer = workspace.writer((&permit, rows.sources()), &name, now)?;
                let written = session.keep(rows, writer).await?;
                publication.prepare(move || workspace.publish(written, now));
                status("created", permit.grade, reasons)
            }
            Work::View(rows, sql) => {
                let view = workspace.view((&permit, rows.sources()), (&name, sql), &rows.visible(), now)?;
                publication.prepare(move || workspace.publish(view, now));
                status("created", permit.grade, rows.reasons().to_vec())
            }
        }
    }
}

fn status_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("status", DataType::Utf8, false)]))
}

/// The answer: one word. How many rows there are is for veiled counts to say.
fn status(word: &str, grade: Grade, reasons: Vec<Reason>) -> Result<Answer, QueryError> {
    let schema = status_schema();
    let cells = vec![Arc::new(StringArray::from(vec![word])) as _];
    let batch = RecordBatch::try_new(Arc::clone(&schema), cells).map_err(|_| QueryError::Failed)?;
    let veil = VeilReport { grade, withheld: Band::Few, snapped: 0, error: None, reasons };
    Ok(Answer { schema, batches: vec![batch], veil })
}
