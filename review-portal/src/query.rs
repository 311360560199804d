//! What the SQL page asks of the engine. The root binary brings the runner; the portal sees cells and sentences only.

use std::fmt;
use std::sync::Arc;

use policies::ProjectId;

/// Runs a query in the engine under a session token.
#[async_trait::async_trait]
pub trait QueryRunner: Send + Sync + 'static {
    /// Runs `sql` under `project`, or without one on dummy data. A refusal is the engine's; nothing else comes back. `watch` hears
    /// now and then how far it is.
    ///
    /// Dropping the future cancels the query: the connection that carries it is closed, and the engine stops what nobody waits for.
    async fn run(
        &self,
        token: &str,
        project: Option<&ProjectId>,
        sql: &str,
        watch: &Watch<'_>,
    ) -> Result<PortalAnswer, PortalRefusal>;
}

/// Hears how far a query is.
pub type Watch<'a> = dyn Fn(QueryProgress) + Send + Sync + 'a;

/// How far a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryProgress {
    /// It has a place; so many hundredths are done.
    Runs(u8),
    /// All places are taken.
    Waits,
}

/// An engine that serves dummy releases alone: every signed-in person may ask it.
#[derive(Clone)]
pub struct DummyEngine {
    /// Asks it.
    pub runner: Arc<dyn QueryRunner>,
    /// Its address as Flight SQL clients write it, for people.
    pub address: String,
}

impl fmt::Debug for DummyEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DummyEngine").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A veiled answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortalAnswer {
    /// Columns in order.
    pub columns: Vec<AnswerColumn>,
    /// Cells as text; none where the answer has no value.
    pub rows: Vec<Vec<Option<String>>>,
    /// `exact` or `preview`.
    pub grade: String,
    /// Band of what was withheld: `0-9`, `10-49`, `50+`.
    pub withheld: String,
    /// How many values were taken from earlier answers about the same persons, or nearly the same.
    pub snapped: u64,
    /// Rules that the plan was subject to, e.g. `few_persons`.
    pub reasons: Vec<String>,
    /// What the query reads at most, as its plan says; none if the engine does not say.
    pub scanned: Option<Scanned>,
    /// Whether the engine says that everything in it is made up.
    pub is_dummy: bool,
}

/// What a query reads at most, in two digits: known from its plan, never from the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Rows of the tables that it scans.
    pub rows: u64,
    /// Rows times columns.
    pub values: u64,
}

impl PortalAnswer {
    /// Whether the values are for looking only.
    pub(crate) fn is_preview(&self) -> bool {
        self.grade == "preview"
    }

    /// A row's cells with their columns.
    pub(crate) fn cells<'a>(
        &'a self,
        row: &'a [Option<String>],
    ) -> impl Iterator<Item = (&'a AnswerColumn, &'a Option<String>)> {
        self.columns.iter().zip(row)
    }
}

/// One column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerColumn {
    /// Name.
    pub name: String,
    /// `bool`, `int`, `decimal`, `float`, `text`, `date`, `timestamp` or `interval`.
    pub kind: String,
}

impl AnswerColumn {
    /// Whether cells are figures and stand right-aligned.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "int" | "decimal" | "float")
    }
}

/// Why the engine did not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortalRefusal {
    /// Stable code, e.g. `guard/rows-at-root`.
    pub code: String,
    /// Rule, e.g. `V-ROOT`; empty if none.
    pub rule: String,
    /// One sentence.
    pub message: String,
    /// What would work.
    pub hint: String,
    /// Line of the query, from 1.
    pub line: Option<u64>,
    /// Column of the query, from 1.
    pub column: Option<u64>,
}
