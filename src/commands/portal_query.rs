//! The portal's SQL page asks the engine as any client does: over Flight SQL, with the person's session token.

use std::sync::Arc;

use async_trait::async_trait;
use engine::client::{self, ClientAnswer, ClientError};
use policies::ProjectId;
use review_portal::{AnswerColumn, PortalAnswer, PortalRefusal, QueryRunner};
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
    async fn run(&self, token: &str, project: &ProjectId, sql: &str) -> Result<PortalAnswer, PortalRefusal> {
        match self.engine.query(token, Some(project.as_str()), sql).await {
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

fn failed(message: String) -> PortalRefusal {
    PortalRefusal { code: "veil/failed".to_owned(), message, ..PortalRefusal::default() }
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
    })
}
