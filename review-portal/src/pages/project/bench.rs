//! The SQL page: write, run, read the cells or why there are none.

use askama::Template;
use axum::extract::{Query as Opening, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use policies::Permit;
use serde::Deserialize;

use super::permit;
use super::queries::SavedLine;
use super::runs::RunLine;
use crate::access::{Allowed, Query, ReadAccount};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::form::Posted;
use crate::language::Language;
use crate::pages::catalog::figure;
use crate::pages::page;
use crate::portal::Portal;
use crate::query::{PortalAnswer, PortalRefusal};
use crate::serve::csp_of_editor;
use crate::visit::Frame;
use crate::workbench::ask::{Asked, ask};
use crate::workbench::desk::{Data, Desk};
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
    head: Head,
    here: &'static str,
    /// What the form asks of.
    data: Data,
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

/// What stands above every page of the bench: a project with its permit, or that all is made up.
pub(super) struct Head {
    /// Where the pages are.
    pub(super) at: String,
    pub(super) project: Option<Project>,
    /// Whether there is dummy data to ask.
    pub(super) has_dummies: bool,
}

/// A project and until when its permit holds.
pub(super) struct Project {
    pub(super) permit: Permit,
    pub(super) until: Moment,
}

impl Head {
    pub(super) async fn of(portal: &Portal, desk: &Desk) -> Result<Self, PortalError> {
        let has_dummies = portal.dummy.is_some();
        let project = match desk {
            Desk::Dummy(_) if has_dummies => None,
            Desk::Dummy(_) => return Err(PortalError::NotFound),
            Desk::Project(allowed) => {
                let permit = permit(portal, allowed).await?;
                let until = dates::until(permit.expires_at, allowed.visit.language);
                Some(Project { permit, until })
            }
        };
        Ok(Self { at: desk.at()?, project, has_dummies })
    }

    pub(super) fn permit(&self) -> Option<&Permit> {
        self.project.as_ref().map(|project| &project.permit)
    }
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
    pub(super) async fn posted(portal: &Portal, desk: &Desk, posted: &Posted) -> Result<Self, PortalError> {
        let mut draft = Self::new(posted.one("sql").replace("\r\n", "\n"));
        posted.one("title").clone_into(&mut draft.title);
        if let Desk::Project(allowed) = desk
            && let Ok(query) = posted.one("query").parse::<Number>()
        {
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
    Opening(opened): Opening<Opened>,
) -> Result<Response, PortalError> {
    let number = |word: &str| word.parse::<Number>().map_err(|_| PortalError::NotFound);
    let draft = match &opened.query {
        Some(query) if opened.run.is_none() => {
            let mut versions = saved::versions(&portal.db, &allowed, &number(query)?).await?.into_iter();
            let wanted = match opened.version {
                None => versions.next(),
                Some(wanted) => versions.find(|known| known.version == wanted),
            };
            let wanted = wanted.ok_or(PortalError::NotFound)?;
            let sql = saved::sql(&portal.db, &wanted).await?;
            Some(Draft::of(wanted, sql))
        }
        Some(_) | None => None,
    };
    open(&portal, &Desk::Project(allowed), draft, &opened).await
}

/// `GET /dummy`, `?run={run}`
pub(crate) async fn dummy(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    Opening(opened): Opening<Opened>,
) -> Result<Response, PortalError> {
    open(&portal, &Desk::Dummy(allowed), None, &opened).await
}

async fn open(portal: &Portal, desk: &Desk, draft: Option<Draft>, opened: &Opened) -> Result<Response, PortalError> {
    let (draft, data) = match (draft, &opened.run) {
        (Some(draft), _) => (draft, desk.data("")?),
        (None, Some(run)) => {
            let run = run.parse::<Number>().map_err(|_| PortalError::NotFound)?;
            let run = runs::find(&portal.db, desk, &run).await?;
            (Draft::new(run.sql), run.data)
        }
        (None, None) => (Draft::new(String::new()), desk.data("")?),
    };
    shown(&filled(portal, desk, draft, data).await?)
}

/// `POST /projects/{project}/sql`: fields `sql`, `data`; `run` is the number that the page drew for it.
pub(crate) async fn run(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    go(&portal, &Desk::Project(allowed), &posted).await
}

/// `POST /dummy`: the same on dummy data, for every signed-in person.
pub(crate) async fn run_dummy(
    allowed: Allowed<ReadAccount>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    go(&portal, &Desk::Dummy(allowed), &posted).await
}

async fn go(portal: &Portal, desk: &Desk, posted: &Posted) -> Result<Response, PortalError> {
    let (draft, data) = (Draft::posted(portal, desk, posted).await?, desk.data(posted.one("data"))?);
    let head = Head::of(portal, desk).await?;
    let language = desk.visit().language;
    if draft.sql.trim().is_empty() || draft.sql.contains('\0') || draft.sql.len() > SQL_MAX {
        let mut page = filled(portal, desk, draft, data).await?;
        page.problem = Some(language.say("workbench.problem-sql"));
        return shown(&page);
    }
    let asked = Asked { sql: &draft.sql, data, permit: head.permit(), wanted: posted.one("run").parse().ok() };
    let outcome = ask(portal, desk, asked).await?;
    let mut page = filled(portal, desk, draft, data).await?;
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
    desk: &Desk,
    draft: Draft,
    (problem, data): (Problem, Data),
) -> Result<Response, PortalError> {
    let mut page = filled(portal, desk, draft, data).await?;
    page.problem = Some(desk.visit().language.say(&format!("saved.problem.{}", problem.as_str())));
    let mut response = shown(&page)?;
    *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn filled(portal: &Portal, desk: &Desk, draft: Draft, data: Data) -> Result<SqlPage, PortalError> {
    let head = Head::of(portal, desk).await?;
    let language = desk.visit().language;
    let recent = runs::list(&portal.db, desk, None, RECENT).await?;
    let kept = match desk {
        Desk::Dummy(_) => Vec::new(),
        Desk::Project(allowed) => saved::list(&portal.db, allowed, RECENT).await?,
    };
    let schema = match head.permit() {
        Some(permit) => schema::of(&portal.db, permit, language).await?,
        None => schema::of_dummies(&portal.db, language).await?,
    };
    Ok(SqlPage {
        frame: desk.visit().frame(portal),
        head,
        here: "sql",
        data,
        nonce: Number::random().to_string(),
        draft,
        problem: None,
        answer: None,
        answer_rows: String::new(),
        band: String::new(),
        refusal: None,
        recent: recent.into_iter().map(|run| RunLine::of(run, portal, language)).collect(),
        kept: kept.into_iter().map(|saved| SavedLine::of(saved, language)).collect(),
        schema,
    })
}

impl SqlPage {
    fn is_dummy(&self) -> bool {
        self.data == Data::Dummy
    }

    /// Where the form goes.
    fn form(&self) -> String {
        if self.head.project.is_some() { format!("{}/sql", self.head.at) } else { self.head.at.clone() }
    }

    #[expect(clippy::unused_self, reason = "templates see no function but the page's")]
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn figure(&self, number: &u64) -> String {
        figure(i64::try_from(*number).ok())
    }
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
