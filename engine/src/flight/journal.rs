//! The engine's entries in the enclave's audit chain: who asked what, and how it ended. No values.

use std::sync::Arc;

use policies::Zone;
use policies::audit::{Act, AuditLog};
use sha2::{Digest, Sha256};

use super::ending::Ending;
use crate::admission::Admitted;
use crate::answer::Answer;
use crate::service::Clock;

/// Writes the engine's entries.
#[derive(Clone)]
pub(crate) struct Journal {
    log: Arc<AuditLog>,
    clock: Clock,
}

impl Journal {
    /// `log` is the enclave's chain.
    pub(crate) fn new(log: Arc<AuditLog>, clock: Clock) -> Self {
        debug_assert_eq!(log.zone(), Zone::Enclave);
        Self { log, clock }
    }

    /// Before a query runs. If this fails, it does not.
    pub(crate) async fn asked(
        &self,
        who: &Admitted,
        sql: &str,
        prepared: Option<&str>,
        tables: Vec<String>,
    ) -> Result<(), Ending> {
        let (text, prepared) = (sql.to_owned(), prepared.map(str::to_owned));
        self.append(who, "query:asked", sql, move |act| {
            let act = act.with("sql", text).with("tables", tables);
            // The text has the values in it; what was prepared shows which they are.
            if let Some(prepared) = prepared { act.with("prepared", prepared) } else { act }
        })
        .await
    }

    /// Before a change of the project's workspace becomes visible.
    pub(crate) async fn changed(
        &self,
        who: &Admitted,
        sql: &str,
        action: &'static str,
        object: &str,
    ) -> Result<(), Ending> {
        let (text, object) = (sql.to_owned(), object.to_owned());
        self.append(who, action, sql, move |act| act.with("sql", text).with("name", object)).await
    }

    /// After a query was stopped: by its client, or because its permit or session does not hold any more.
    pub(crate) async fn stopped(&self, who: &Admitted, sql: &str, ending: &Ending) -> Result<(), Ending> {
        let code = ending.code().to_owned();
        self.append(who, "query:cancelled", sql, move |act| act.with("code", code)).await
    }

    /// After a query was answered, before the cells are sent.
    pub(crate) async fn answered(&self, who: &Admitted, sql: &str, answer: &Answer) -> Result<(), Ending> {
        let rows: usize = answer.batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
        let cells = rows * answer.schema.fields().len();
        let withheld = serde_json::to_value(answer.veil.withheld).unwrap_or_default();
        self.append(who, "query:answered", sql, move |act| act.with("cells", cells).with("withheld", withheld)).await
    }

    /// After a query was refused or failed.
    pub(crate) async fn ended(&self, who: &Admitted, sql: &str, ending: &Ending) -> Result<(), Ending> {
        let (code, text) = (ending.code().to_owned(), sql.to_owned());
        let (action, with_text) = match ending {
            Ending::Cancelled => ("query:cancelled", false),
            Ending::Failed(_) | Ending::Unrecorded => ("query:failed", false),
            Ending::Refused(_) => ("query:refused", true),
        };
        self.append(who, action, sql, move |act| {
            let act = act.with("code", code);
            if with_text { act.with("sql", text) } else { act }
        })
        .await
    }

    async fn append(
        &self,
        who: &Admitted,
        action: &'static str,
        sql: &str,
        details: impl FnOnce(Act<'_>) -> Act<'_> + Send + 'static,
    ) -> Result<(), Ending> {
        let (log, now) = (Arc::clone(&self.log), (self.clock)());
        let (actor, project) = (who.user.to_string(), who.permit.project.to_string());
        let permit = who.permit.id.to_string();
        let digest = hex::encode(Sha256::digest(sql.as_bytes()));
        // Appending waits for the disk.
        let written = tokio::task::spawn_blocking(move || {
            let act = details(Act::new(&actor, action, &project));
            log.append(now, &act.with("permit", permit).with("sql_sha256", digest))
        });
        match written.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(audit.problem = %error, "the audit log cannot be written; nothing is run");
                Err(Ending::Unrecorded)
            }
            Err(_) => Err(Ending::Unrecorded),
        }
    }
}
