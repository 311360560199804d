//! The portal's SQL page asks the engine as any client does: over Flight SQL, with the person's session token.

use std::sync::Arc;

use async_trait::async_trait;
use engine::client::{self, ClientAnswer, ClientError};
use policies::ProjectId;
use review_portal::{AnswerColumn, PortalAnswer, PortalRefusal, QueryProgress, QueryRunner, Scanned, Watch};
use serde_json::Value;

use super::sql::{cells, type_name};

/// Queries go to this engine.
pub(super) struct EngineQueries {
    engine: client::Engine,
}

impl EngineQueries {
    /// `engine`: where it is and how it is reached.
    pub(super) fn new(engine: client::Engine) -> Arc<Self> {
        Arc::new(Self { engine })
    }
}

#[async_trait]
impl QueryRunner for EngineQueries {
    async fn run(
        &self,
        token: &str,
        project: Option<&ProjectId>,
        sql: &str,
        watch: &Watch<'_>,
    ) -> Result<PortalAnswer, PortalRefusal> {
        let asking = (token, project.map(ProjectId::as_str));
        match self.engine.query_watched(asking, sql, |progress| watch(hundredths(progress))).await {
            Ok(answer) => shown(&answer).ok_or_else(|| failed("the engine's answer could not be read".to_owned())),
            Err(ClientError::Refused(refused)) => Err(PortalRefusal {
                code: refused.code,
                rule: refused.rule,
                message: refused.message,
                hint: refused.hint,
                line: refused.line,
                column: refused.column,
            }),
            Err(ClientError::Failed(sentence)) => Err(failed(sentence)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share, 0 to 1")]
fn hundredths(progress: client::Progress) -> QueryProgress {
    match progress {
        client::Progress::Runs(share) => QueryProgress::Runs((share.clamp(0.0, 1.0) * 100.0).round() as u8),
        client::Progress::Waits => QueryProgress::Waits,
    }
}

fn failed(message: String) -> PortalRefusal {
    PortalRefusal { code: "veil/failed".to_owned(), message, ..PortalRefusal::default() }
}

fn scanned(cost: &Value) -> Option<Scanned> {
    let number = |name: &str| cost.get(name).and_then(Value::as_u64);
    Some(Scanned { rows: number("rows")?, values: number("values")? })
}

fn shown(answer: &ClientAnswer) -> Option<PortalAnswer> {
    let columns = answer.schema.fields().iter();
    let columns =
        columns.map(|field| AnswerColumn { name: field.name().clone(), kind: type_name(field.data_type()).to_owned() });
    let word = |name: &str| answer.veil.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let reasons = answer.veil.get("reasons").and_then(Value::as_array).into_iter().flatten();
    Some(PortalAnswer {
        columns: columns.collect(),
        rows: cells(answer).ok()?,
        grade: word("grade"),
        withheld: word("withheld"),
        snapped: answer.veil.get("snapped").and_then(Value::as_u64).unwrap_or_default(),
        reasons: reasons.filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        scanned: answer.cost.as_ref().and_then(scanned),
        is_dummy: answer.is_dummy,
    })
}
