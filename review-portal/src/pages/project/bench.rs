//! The SQL page: write, run, read the cells or why there are none.

use askama::Template;
use axum::extract::{Query as Asked, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use policies::Permit;
use serde::Deserialize;

use super::permit;
use super::queries::SavedLine;
use super::runs::RunLine;
use crate::access::{Allowed, Query};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::form::Posted;
use crate::language::Language;
use crate::pages::page;
use crate::portal::Portal;
use crate::query::{PortalAnswer, PortalRefusal};
use crate::serve::csp_of_editor;
use crate::visit::Frame;
use crate::workbench::ask::ask;
use crate::workbench::point::{self, Shown};
use crate::workbench::running::Number;
use crate::workbench::saved::{self, Heading, Problem};
use crate::workbench::schema::{self, Schema};
use crate::workbench::{SQL_MAX, runs, suggest};

/// Runs and saved queries beside the editor.
const RECENT: i64 = 5;

#[derive(Template)]
#[template(path = "project/sql.html")]
struct SqlPage {
    frame: Frame,
    permit: Permit,
    until: Moment,
    here: &'static str,
    /// For the editor's own style sheet.
    nonce: String,
    draft: Draft,
    problem: Option<String>,
    answer: Option<PortalAnswer>,
    answer_rows: String,
    band: String,
    refusal: Option<RefusalView>,
    recent: Vec<RunLine>,
    kept: Vec<SavedLine>,
    schema: Schema,
}

/// What stands in the form.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) sql: String,
    pub(super) title: String,
    /// The saved query that is open.
    pub(super) base: Option<Base>,
    /// Number of the run or saved query that the form will make, and of the suggested one.
    pub(super) run: Number,
    pub(super) other: Number,
}

/// The version of a saved query that a form started from.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) query: Number,
    pub(super) version: i64,
    pub(super) title: String,
}

/// A refusal in the reader's language.
struct RefusalView {
    code: String,
    rule: String,
    message: String,
    hint: String,
    line: Option<u64>,
    column: Option<u64>,
    place: String,
    shown: Vec<Shown>,
    suggestion: Option<String>,
}

impl Draft {
    pub(super) fn new(sql: String) -> Self {
        Self { sql, title: String::new(), base: None, run: Number::random(), other: Number::random() }
    }

    fn of(saved: Heading, sql: String) -> Self {
        let base = Base { query: saved.query, version: saved.version, title: saved.title.clone() };
        Self { title: saved.title, base: Some(base), ..Self::new(sql) }
    }

    /// What was posted; browsers end lines in forms with CR LF.
    pub(super) async fn posted(
        portal: &Portal,
        allowed: &Allowed<Query>,
        posted: &Posted,
    ) -> Result<Self, PortalError> {
        let mut draft = Self::new(posted.one("sql").replace("\r\n", "\n"));
        posted.one("title").clone_into(&mut draft.title);
        if let Ok(query) = posted.one("query").parse::<Number>() {
            let version = posted.one("base").parse::<i64>().map_err(|_| PortalError::BadForm)?;
            let versions = saved::versions(&portal.db, allowed, &query).await?;
            let of = versions.into_iter().find(|known| known.version == version).ok_or(PortalError::NotFound)?;
            draft.base = Some(Base { query, version, title: of.title });
        }
        Ok(draft)
    }
}

#[derive(Deserialize)]
pub(crate) struct Opened {
    run: Option<String>,
    query: Option<String>,
    version: Option<i64>,
}

/// `GET /projects/{project}/sql`, `?run={run}` with the text of an own run, `?query={query}&version={n}` with a saved one.
pub(crate) async fn sql(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    Asked(opened): Asked<Opened>,
) -> Result<Response, PortalError> {
    let number = |word: &str| word.parse::<Number>().map_err(|_| PortalError::NotFound);
    let draft = match (&opened.run, &opened.query) {
        (Some(run), _) => Draft::new(runs::find(&portal.db, &allowed, &number(run)?).await?.sql),
        (None, Some(query)) => {
            let mut versions = saved::versions(&portal.db, &allowed, &number(query)?).await?.into_iter();
            let wanted = match opened.version {
                None => versions.next(),
                Some(wanted) => versions.find(|known| known.version == wanted),
            };
            let wanted = wanted.ok_or(PortalError::NotFound)?;
            let sql = saved::sql(&portal.db, &wanted).await?;
            Draft::of(wanted, sql)
        }
        (None, None) => Draft::new(String::new()),
    };
    shown(&filled(&portal, &allowed, draft).await?)
}

/// `POST /projects/{project}/sql`: field `sql`; `run` is the number that the page drew for it.
pub(crate) async fn run(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let draft = Draft::posted(&portal, &allowed, &posted).await?;
    let permit = permit(&portal, &allowed).await?;
    let language = allowed.visit.language;
    if draft.sql.trim().is_empty() || draft.sql.contains('\0') || draft.sql.len() > SQL_MAX {
        let mut page = filled(&portal, &allowed, draft).await?;
        page.problem = Some(language.say("workbench.problem-sql"));
        return shown(&page);
    }
    let outcome = ask(&portal, &allowed, &permit, &draft.sql, posted.one("run").parse().ok()).await?;
    let mut page = filled(&portal, &allowed, draft).await?;
    match outcome {
        Ok(answer) => {
            page.answer_rows = language.say("workbench.rows").replace("{rows}", &answer.rows.len().to_string());
            page.band = band(&answer.withheld, language);
            page.answer = Some(answer);
        }
        Err(refusal) => page.refusal = Some(view(&refusal, &page.draft.sql, &page.schema, language)),
    }
    shown(&page)
}

/// The page with the form as it was sent and why it was not saved.
pub(super) async fn not_saved(
    portal: &Portal,
    allowed: &Allowed<Query>,
    draft: Draft,
    problem: Problem,
) -> Result<Response, PortalError> {
    let mut page = filled(portal, allowed, draft).await?;
    page.problem = Some(allowed.visit.language.say(&format!("saved.problem.{}", problem.as_str())));
    let mut response = shown(&page)?;
    *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn filled(portal: &Portal, allowed: &Allowed<Query>, draft: Draft) -> Result<SqlPage, PortalError> {
    let permit = permit(portal, allowed).await?;
    let language = allowed.visit.language;
    let recent = runs::list(&portal.db, allowed, None, RECENT).await?;
    let kept = saved::list(&portal.db, allowed, RECENT).await?;
    Ok(SqlPage {
        frame: allowed.visit.frame(portal),
        until: dates::until(permit.expires_at, allowed.visit.language),
        here: "sql",
        nonce: Number::random().to_string(),
        draft,
        problem: None,
        answer: None,
        answer_rows: String::new(),
        band: String::new(),
        refusal: None,
        recent: recent.into_iter().map(|run| RunLine::of(run, language)).collect(),
        kept: kept.into_iter().map(|saved| SavedLine::of(saved, language)).collect(),
        schema: schema::of(&portal.db, &permit, language).await?,
        permit,
    })
}

/// The page, with leave for its own scripts and for the style sheet that the editor makes.
fn shown(template: &SqlPage) -> Result<Response, PortalError> {
    let mut response = page(template)?.into_response();
    let policy = HeaderValue::from_str(&csp_of_editor(&template.nonce)).map_err(|_| PortalError::Stored)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

fn view(refusal: &PortalRefusal, sql: &str, schema: &Schema, language: Language) -> RefusalView {
    let (message, hint) = language.engine_refusal(refusal);
    let place = match (refusal.line, refusal.column) {
        (Some(line), Some(column)) => {
            let words = language.say("workbench.line-column").replace("{line}", &line.to_string());
            words.replace("{column}", &column.to_string())
        }
        (Some(line), None) => language.say("workbench.line").replace("{line}", &line.to_string()),
        (None, _) => String::new(),
    };
    RefusalView {
        code: refusal.code.clone(),
        rule: refusal.rule.clone(),
        message,
        hint,
        line: refusal.line,
        column: refusal.column,
        place,
        shown: refusal.line.map(|line| point::excerpt(sql, line, refusal.column)).unwrap_or_default(),
        suggestion: suggest::query(refusal, sql, schema),
    }
}

/// What a band means, in a sentence; nothing for a band that this version does not know.
fn band(band: &str, language: Language) -> String {
    match band {
        "0-9" => language.say("workbench.band.0-9"),
        "10-49" => language.say("workbench.band.10-49"),
        "50+" => language.say("workbench.band.50-plus"),
        _ => String::new(),
    }
}
