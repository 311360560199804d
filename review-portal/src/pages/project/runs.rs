//! A person's own runs in a project: what they cost, what came of them; those under way can be cancelled.

use askama::Template;
use axum::extract::{Path, Query as Asked, State};
use axum::response::{IntoResponse, Redirect, Response};
use policies::Permit;
use serde::Deserialize;

use super::permit;
use crate::access::{Allowed, Query};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::form::Posted;
use crate::language::Language;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;
use crate::workbench::running::Number;
use crate::workbench::runs::{self, PAGE, Run, RunState};

/// Letters of a query in a list.
const HEAD: usize = 72;

#[derive(Template)]
#[template(path = "project/runs.html")]
struct HistoryPage {
    frame: Frame,
    permit: Permit,
    until: Moment,
    here: &'static str,
    runs: Vec<RunLine>,
    /// The run before which earlier ones are.
    earlier: Option<Number>,
}

/// A run in words.
pub(super) struct RunLine {
    pub(super) id: Number,
    pub(super) head: String,
    pub(super) at: Moment,
    pub(super) state: &'static str,
    pub(super) state_word: String,
    pub(super) duration: String,
    pub(super) rows: String,
    pub(super) grade: String,
    pub(super) withheld: String,
    pub(super) code: String,
    pub(super) sha256: String,
    pub(super) short_hash: String,
}

impl RunLine {
    pub(super) fn of(run: Run, language: Language) -> Self {
        Self {
            head: head(&run.sql),
            at: dates::at(run.asked_at, language),
            state: run.state.as_str(),
            state_word: language.say(&format!("run.state.{}", run.state.as_str())),
            duration: run.duration_ms.map(|ms| duration(ms, language)).unwrap_or_default(),
            rows: run.rows.map(|rows| rows.to_string()).unwrap_or_default(),
            grade: run.grade.map(|grade| language.say(&format!("grade.{grade}"))).unwrap_or_default(),
            withheld: run.withheld.unwrap_or_default(),
            code: run.code.unwrap_or_default(),
            short_hash: run.sha256.chars().take(12).collect(),
            sha256: run.sha256,
            id: run.id,
        }
    }

    fn is_running(&self) -> bool {
        self.state == RunState::Running.as_str()
    }
}

#[derive(Deserialize)]
pub(crate) struct Place {
    before: Option<String>,
}

/// `GET /projects/{project}/runs?before={run}`
pub(crate) async fn runs(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    Asked(place): Asked<Place>,
) -> Result<Response, PortalError> {
    let permit = permit(&portal, &allowed).await?;
    let before = place.before.map(|word| word.parse::<Number>().map_err(|_| PortalError::NotFound)).transpose()?;
    let mut found = runs::list(&portal.db, &allowed, before.as_ref(), PAGE + 1).await?;
    let page_full = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let is_more = found.len() > page_full;
    found.truncate(page_full);
    let earlier = found.last().map(|run| run.id.clone()).filter(|_| is_more);
    let language = allowed.visit.language;
    page(&HistoryPage {
        frame: allowed.visit.frame(&portal),
        until: dates::until(permit.expires_at, allowed.visit.language),
        permit,
        here: "runs",
        runs: found.into_iter().map(|run| RunLine::of(run, language)).collect(),
        earlier,
    })
}

/// `GET /projects/{project}/runs/{run}`: the own run's text on the SQL page.
pub(crate) async fn open(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    Path((_, run)): Path<(String, String)>,
) -> Result<Response, PortalError> {
    let id: Number = run.parse().map_err(|_| PortalError::NotFound)?;
    let run = runs::find(&portal.db, &allowed, &id).await?;
    let project = allowed.project.as_ref().ok_or(PortalError::NotFound)?;
    Ok(Redirect::to(&format!("/projects/{project}/sql?run={}", run.id)).into_response())
}

/// `POST /projects/{project}/runs/{run}/cancel`: stops the person's own query; one that has ended stays as it is.
pub(crate) async fn cancel(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    Path((_, run)): Path<(String, String)>,
    _posted: Posted,
) -> Result<Response, PortalError> {
    let id: Number = run.parse().map_err(|_| PortalError::NotFound)?;
    let run = runs::find(&portal.db, &allowed, &id).await?;
    portal.running.stop(&run.id, &allowed.user.id);
    let project = allowed.project.as_ref().ok_or(PortalError::NotFound)?;
    Ok(Redirect::to(&format!("/projects/{project}/runs")).into_response())
}

/// A query's beginning on one line.
fn head(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let head: String = line.chars().take(HEAD).collect();
    if head.len() < line.len() { head + "…" } else { head }
}

fn duration(ms: u64, language: Language) -> String {
    let (seconds, tenths) = (ms / 1000, ms % 1000 / 100);
    if seconds < 60 {
        return language.say("run.seconds").replace("{seconds}", &format!("{seconds}.{tenths}"));
    }
    let words = language.say("run.minutes").replace("{minutes}", &(seconds / 60).to_string());
    words.replace("{seconds}", &(seconds % 60).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_said_in_words_and_a_query_in_one_line() {
        assert_eq!(duration(0, Language::Ja), "0.0秒");
        assert_eq!(duration(12_345, Language::Ja), "12.3秒");
        assert_eq!(duration(61_000, Language::En), "1 min 1 s");
        assert_eq!(head("select 1\n  from x"), "select 1 from x");
        assert_eq!(head(&"あ".repeat(500)).chars().count(), HEAD + 1);
    }

    #[test]
    fn every_state_has_its_word() {
        for state in RunState::ALL {
            let key = format!("run.state.{}", state.as_str());
            assert_ne!(Language::Ja.say(&key), key);
        }
    }
}
