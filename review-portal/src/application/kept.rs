//! What was typed into an application's form and could not be read: kept beside the content until it is mended.

use policies::ApplicationId;
use policies::application::{Problem, ProblemKind, Refusal};

use crate::database::Database;
use crate::error::PortalError;

/// Keeps the input of the form whose content is the event `seq`; `parts` that could not be read.
pub(crate) async fn keep(
    db: &Database,
    (id, seq): (&ApplicationId, u64),
    body: &str,
    parts: &[&str],
) -> Result<(), PortalError> {
    let keep = sqlx::query(
        "insert into draft_input (application, seq, body, parts) values ($1, $2, $3, $4)
         on conflict (application) do update set seq = excluded.seq, body = excluded.body, parts = excluded.parts",
    );
    let keep = keep.bind(id.as_str()).bind(number(seq)?).bind(body).bind(parts.join(" "));
    keep.execute(db.pool()).await?;
    Ok(())
}

/// Everything was read.
pub(crate) async fn forget(db: &Database, id: &ApplicationId) -> Result<(), PortalError> {
    sqlx::query("delete from draft_input where application = $1").bind(id.as_str()).execute(db.pool()).await?;
    Ok(())
}

/// The content changed in a part that has no field in the form: what was typed goes with the new content.
pub(crate) async fn carry(db: &Database, id: &ApplicationId, from: u64, to: u64) -> Result<(), PortalError> {
    let carry = sqlx::query("update draft_input set seq = $1 where application = $2 and seq = $3");
    carry.bind(number(to)?).bind(id.as_str()).bind(number(from)?).execute(db.pool()).await?;
    Ok(())
}

/// The input that goes with the content of the event `seq`, if something in it could not be read.
pub(crate) async fn input(db: &Database, id: &ApplicationId, seq: u64) -> Result<Option<String>, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select body from draft_input where application = $1 and seq = $2");
    Ok(find.bind(id.as_str()).bind(number(seq)?).fetch_optional(db.pool()).await?)
}

/// Refuses a submission while something typed could not be read: it would be missing from what is handed in.
pub(crate) async fn all_read(db: &Database, id: &ApplicationId, seq: u64) -> Result<(), PortalError> {
    let find = sqlx::query_scalar::<_, String>("select parts from draft_input where application = $1 and seq = $2");
    let parts = find.bind(id.as_str()).bind(number(seq)?).fetch_optional(db.pool()).await?;
    let problem = |part: &str| Problem::new(part, ProblemKind::NotAllowed);
    let problems: Vec<_> = parts.iter().flat_map(|parts| parts.split_whitespace()).map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(PortalError::Refused(Refusal::Incomplete(problems))) }
}

fn number(seq: u64) -> Result<i64, PortalError> {
    i64::try_from(seq).map_err(|_| PortalError::Stored)
}
