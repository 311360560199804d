//! What the SQL page asks of the engine. The root binary brings the runner; the portal sees cells and sentences only.

use policies::ProjectId;

/// Runs a query in the engine under a session token.
#[async_trait::async_trait]
pub trait QueryRunner: Send + Sync + 'static {
    /// Runs `sql` under `project`. A refusal is the engine's; nothing else comes back.
    ///
    /// Dropping the future cancels the query: the connection that carries it is closed, and the engine stops what nobody waits for.
    async fn run(&self, token: &str, project: &ProjectId, sql: &str) -> Result<PortalAnswer, PortalRefusal>;
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
