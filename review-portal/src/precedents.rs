//! Precedents (先例): earlier decisions on applications that asked for the same columns, so that committees do not drift apart.
//! Only grants and refusals count: both stand in the public register, so that a precedent tells no reader what was a secret.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;
use policies::ApplicationId;
use policies::application::{Application, Content, Decision, Outcome};
use sqlx::AssertSqlSafe;

use crate::application::model::Mark;
use crate::database::Database;
use crate::error::PortalError;

/// An earlier decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Precedent {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    pub(crate) at: Timestamp,
    pub(crate) decision: Decision,
    /// Columns that both ask for, `dataset: table.column`.
    pub(crate) shared: BTreeSet<String>,
    /// Of how many that are asked for now.
    pub(crate) asked: usize,
}

/// The decided applications that share the most columns with `content`, at most `most`; of equals the latest first.
pub(crate) async fn precedents(
    db: &Database,
    id: &ApplicationId,
    content: &Content,
    most: usize,
) -> Result<Vec<Precedent>, PortalError> {
    let marks: Vec<_> = columns(content).into_iter().map(|column| Mark::Column(column).word()).collect();
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = (3..3 + marks.len()).map(|number| format!("${number}")).collect();
    // No text of anybody's is in the statement, only as many places as there are columns.
    let nearest = AssertSqlSafe(format!(
        "select state from application where id in
           (select application from application_mark where application <> $1 and mark in ({})
            group by application order by count(*) desc, max(rank) desc limit $2)",
        places.join(", ")
    ));
    let nearest = sqlx::query_scalar::<_, String>(nearest).bind(id.as_str()).bind(i64::try_from(most).unwrap_or(0));
    let nearest = marks.into_iter().fold(nearest, sqlx::query::QueryScalar::bind);
    let states = nearest.fetch_all(db.pool()).await?;
    let read = |state: &String| serde_json::from_str::<Application>(state).map_err(|_| PortalError::Stored);
    let states = states.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(ranked(id, content, &states, most))
}

fn ranked<'a>(
    id: &ApplicationId,
    content: &Content,
    others: impl IntoIterator<Item = &'a Application>,
    most: usize,
) -> Vec<Precedent> {
    let asked = columns(content);
    let mut found: Vec<_> =
        others.into_iter().filter(|other| other.id != *id).filter_map(|other| precedent(&asked, other)).collect();
    found.sort_by_key(|precedent| (Reverse(precedent.shared.len()), Reverse(precedent.at)));
    found.truncate(most);
    found
}

/// The columns that an application was decided on last, and when; none before a final decision.
pub(crate) fn decided(state: &Application) -> Option<(BTreeSet<String>, Timestamp)> {
    let (outcome, content) = last(state)?;
    Some((columns(content), outcome.at))
}

fn last(state: &Application) -> Option<(&Outcome, &Content)> {
    let outcome = state.outcomes.iter().rev().find(|outcome| is_final(&outcome.decision))?;
    Some((outcome, content_of(state, outcome)?))
}

fn precedent(asked: &BTreeSet<String>, other: &Application) -> Option<Precedent> {
    let (outcome, content) = last(other)?;
    let shared: BTreeSet<_> = columns(content).intersection(asked).cloned().collect();
    (!shared.is_empty()).then(|| Precedent {
        id: other.id.clone(),
        title: content.title.clone(),
        at: outcome.at,
        decision: outcome.decision.clone(),
        shared,
        asked: asked.len(),
    })
}

fn is_final(decision: &Decision) -> bool {
    decision.is_grant() || matches!(decision, Decision::Rejected { .. })
}

/// What was decided on: the running round's content, or what its permit came to cover.
fn content_of<'a>(state: &'a Application, outcome: &Outcome) -> Option<&'a Content> {
    let round = state.round.as_ref().filter(|round| round.number == outcome.round).map(|round| &round.content);
    round.or_else(|| state.usage.as_ref().map(|usage| &usage.content))
}

fn columns(content: &Content) -> BTreeSet<String> {
    let tables =
        content.datasets.iter().flat_map(|(dataset, ask)| ask.tables.iter().map(move |table| (dataset, table)));
    tables
        .flat_map(|(dataset, (table, ask))| {
            ask.columns.iter().map(move |column| format!("{dataset}: {table}.{column}"))
        })
        .collect()
}

#[cfg(test)]
mod tests;
