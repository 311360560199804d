//! A planned table of an application, run on dummy data for the columns of its result.

use std::time::Duration;

use crate::access::{Allowed, Edit};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::query::{PortalAnswer, PortalRefusal};
use crate::record::Note;
use crate::tokens::dummy_token;
use crate::workbench::runs::sha256;

/// Longest wait of the person who tries.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The engine's code for a query that took too long.
const TOO_SLOW: &str = "veil/too-slow";

/// Columns of the result, each as name, space, type.
pub(crate) async fn columns(
    portal: &Portal,
    allowed: &Allowed<Edit>,
    sql: &str,
) -> Result<Result<Vec<String>, PortalRefusal>, PortalError> {
    let now = portal.now();
    let engine = portal.dummy.as_ref().ok_or(PortalError::NotFound)?;
    let (signed, _) = allowed.visit.signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let token = dummy_token(&portal.session_key, signed, now)?;
    let application = &allowed.application()?.id;
    let note = Note::new(&allowed.user.id, "shell:tried", application).with("sql_sha256", sha256(sql));
    note.append(&portal.audit, now).await?;
    let running = engine.runner.run(&token, None, sql, &|_| ());
    Ok(match tokio::time::timeout(WAIT_MAX, running).await {
        Err(_) => Err(too_slow()),
        Ok(Err(refusal)) => Err(refusal),
        Ok(Ok(answer)) if answer.is_dummy => Ok(named(&answer)),
        Ok(Ok(_)) => Err(other_data()),
    })
}

fn named(answer: &PortalAnswer) -> Vec<String> {
    answer.columns.iter().map(|column| format!("{} {}", column.name, column.kind)).collect()
}

fn too_slow() -> PortalRefusal {
    PortalRefusal {
        code: TOO_SLOW.to_owned(),
        message: "the query takes longer than a minute on dummy data".to_owned(),
        hint: "read fewer tables, or fewer months".to_owned(),
        ..PortalRefusal::default()
    }
}

fn other_data() -> PortalRefusal {
    PortalRefusal {
        code: "veil/failed".to_owned(),
        message: "the engine that was asked serves other data than it should".to_owned(),
        hint: "tell the operator; nothing of the answer is kept".to_owned(),
        ..PortalRefusal::default()
    }
}
