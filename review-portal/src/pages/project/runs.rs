//! A person's own runs in a project: what they cost, what came of them; those under way can be cancelled.

use askama::Template;
use axum::extract::{Path, Query as Asked, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::bench::Head;
use crate::access::{Allowed, Query, ReadAccount};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::form::Posted;
use crate::language::Language;
use crate::pages::catalog::figure;
use crate::pages::page;
use crate::portal::Portal;
use crate::query::QueryProgress;
use crate::visit::Frame;
use crate::workbench::desk::{Data, Desk};
use crate::workbench::running::Number;
use crate::workbench::runs::{self, PAGE, Run, RunState};

/// Letters of a query in a list.
const HEAD: usize = 72;

#[derive(Template)]
#[template(path = "project/runs.html")]
struct HistoryPage {
    frame: Frame,
    head: Head,
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
    pub(super) is_dummy: bool,
    /// Rows of the tables that the plan scans.
    pub(super) scanned: String,
    /// Values of the columns that it reads.
    pub(super) cost: String,
}

impl RunLine {
    pub(super) fn of(run: Run, portal: &Portal, language: Language) -> Self {
        let progress = portal.running.progress(&run.id).filter(|_| run.state == RunState::Running);
        let figure = |number: Option<u64>| number.map(|number| figure(i64::try_from(number).ok())).unwrap_or_default();
        Self {
            is_dummy: run.data == Data::Dummy,
            scanned: figure(run.scanned.map(|scanned| scanned.rows)),
            cost: figure(run.scanned.map(|scanned| scanned.values)),
            head: head(&run.sql),
            at: dates::at(run.asked_at, language),
            state: run.state.as_str(),
            state_word: match progress {
                Some(QueryProgress::Waits) => language.say("run.progress.waits"),
                Some(QueryProgress::Runs(share)) => {
                    language.say("run.progress.runs").replace("{share}", &share.to_string())
                }
                None => language.say(&format!("run.state.{}", run.state.as_str())),
            },
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

impl HistoryPage {
    /// The page with the form.
    fn form(&self) -> String {
        if self.head.project.is_some() { format!("{}/sql", self.head.at) } else { self.head.at.clone() }
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
    history(&portal, &Desk::Project(allowed), place).await
}

/// `GET /dummy/runs?before={run}`
pub(crate) async fn dummy_runs(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    Asked(place): Asked<Place>,
) -> Result<Response, PortalError> {
    history(&portal, &Desk::Dummy(allowed), place).await
}

async fn history(portal: &Portal, desk: &Desk, place: Place) -> Result<Response, PortalError> {
    let head = Head::of(portal, desk).await?;
    let before = place.before.map(|word| word.parse::<Number>().map_err(|_| PortalError::NotFound)).transpose()?;
    let mut found = runs::list(&portal.db, desk, before.as_ref(), PAGE + 1).await?;
    let page_full = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let is_more = found.len() > page_full;
    found.truncate(page_full);
    let earlier = found.last().map(|run| run.id.clone()).filter(|_| is_more);
    let language = desk.visit().language;
    page(&HistoryPage {
        frame: desk.visit().frame(portal),
        head,
        here: "runs",
        runs: found.into_iter().map(|run| RunLine::of(run, portal, language)).collect(),
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
    let desk = Desk::Project(allowed);
    let run = runs::find(&portal.db, &desk, &id).await?;
    Ok(Redirect::to(&format!("{}/sql?run={}", desk.at()?, run.id)).into_response())
}

/// `POST /projects/{project}/runs/{run}/cancel`: stops the person's own query; one that has ended stays as it is.
pub(crate) async fn cancel(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    Path((_, run)): Path<(String, String)>,
    _posted: Posted,
) -> Result<Response, PortalError> {
    stop(&portal, &Desk::Project(allowed), &run).await
}

/// `POST /dummy/runs/{run}/cancel`
pub(crate) async fn cancel_dummy(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    Path(run): Path<String>,
    _posted: Posted,
) -> Result<Response, PortalError> {
    stop(&portal, &Desk::Dummy(allowed), &run).await
}

async fn stop(portal: &Portal, desk: &Desk, run: &str) -> Result<Response, PortalError> {
    let id: Number = run.parse().map_err(|_| PortalError::NotFound)?;
    let run = runs::find(&portal.db, desk, &id).await?;
    portal.running.stop(&run.id, &desk.user().id);
    Ok(Redirect::to(&format!("{}/runs", desk.at()?)).into_response())
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
