//! Saved queries of a project: the list, one query's versions and their differences, saving.

use askama::Template;
use axum::extract::{Path, Query as Asked, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::bench::{Draft, Head, not_saved};
use crate::access::{Allowed, Query};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::form::Posted;
use crate::language::Language;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;
use crate::workbench::desk::Desk;
use crate::workbench::diff::{self, Line};
use crate::workbench::running::Number;
use crate::workbench::saved::{self, Heading, QUERIES_MAX, Saved, Text};

#[derive(Template)]
#[template(path = "project/queries.html")]
struct ListPage {
    frame: Frame,
    head: Head,
    here: &'static str,
    queries: Vec<SavedLine>,
}

#[derive(Template)]
#[template(path = "project/query.html")]
struct QueryPage {
    frame: Frame,
    head: Head,
    here: &'static str,
    shown: SavedLine,
    sql: String,
    versions: Vec<SavedLine>,
    difference: Option<Difference>,
    /// The versions that the form for comparing names first.
    compared: (i64, i64),
    /// What could not be saved because somebody was quicker.
    yours: Option<Text>,
}

/// A version in words.
pub(super) struct SavedLine {
    pub(super) query: Number,
    pub(super) version: i64,
    pub(super) title: String,
    pub(super) by: String,
    pub(super) at: Moment,
}

struct Difference {
    between: String,
    titles: Option<(String, String)>,
    lines: Vec<DifferenceLine>,
}

struct DifferenceLine {
    class: &'static str,
    sign: &'static str,
    /// The sign in words; empty for a line that stayed.
    said: String,
    text: String,
}

impl SavedLine {
    pub(super) fn of(saved: Heading, language: Language) -> Self {
        let (ja, en) = saved.by;
        Self {
            query: saved.query,
            version: saved.version,
            title: saved.title,
            by: if language == Language::Ja { ja } else { en },
            at: dates::at(saved.saved_at, language),
        }
    }
}

impl Difference {
    fn of(between: String, old: (&str, &str), new: (&str, &str), language: Language) -> Self {
        let line = |line: &Line<'_>| DifferenceLine {
            class: line.class(),
            sign: line.sign(),
            said: match line {
                Line::Added(_) => language.say("saved.added"),
                Line::Kept(_) => String::new(),
                Line::Removed(_) => language.say("saved.removed"),
            },
            text: line.text().to_owned(),
        };
        Self {
            between,
            titles: (old.0 != new.0).then(|| (old.0.to_owned(), new.0.to_owned())),
            lines: diff::lines(old.1, new.1).iter().map(line).collect(),
        }
    }

    fn is_same(&self) -> bool {
        self.lines.iter().all(|line| line.said.is_empty())
    }
}

/// `GET /projects/{project}/queries`
pub(crate) async fn queries(allowed: Allowed<Query>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let (found, language) = (saved::list(&portal.db, &allowed, QUERIES_MAX).await?, allowed.visit.language);
    let (frame, desk) = (allowed.visit.frame(&portal), Desk::Project(allowed));
    page(&ListPage {
        frame,
        head: Head::of(&portal, &desk).await?,
        here: "queries",
        queries: found.into_iter().map(|version| SavedLine::of(version, language)).collect(),
    })
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    version: Option<i64>,
    from: Option<i64>,
    to: Option<i64>,
}

/// `GET /projects/{project}/queries/{query}`, `?version={n}`, `?from={n}&to={n}` with what changed between the two.
pub(crate) async fn query(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    Path((_, query)): Path<(String, String)>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, PortalError> {
    let query: Number = query.parse().map_err(|_| PortalError::NotFound)?;
    let versions = saved::versions(&portal.db, &allowed, &query).await?;
    let find = |number: i64| versions.iter().find(|version| version.version == number).ok_or(PortalError::NotFound);
    let latest = versions.first().ok_or(PortalError::NotFound)?;
    let shown = wanted.to.or(wanted.version).map_or(Ok(latest), find)?.clone();
    let sql = saved::sql(&portal.db, &shown).await?;
    let language = allowed.visit.language;
    let compared = (wanted.from.unwrap_or_else(|| (shown.version - 1).max(1)), shown.version);
    let difference = match wanted.from {
        None => None,
        Some(from) => {
            let old = find(from)?.clone();
            let was = saved::sql(&portal.db, &old).await?;
            let between = format!("{from} → {}", shown.version);
            Some(Difference::of(between, (&old.title, &was), (&shown.title, &sql), language))
        }
    };
    page(&query_page(&portal, &Desk::Project(allowed), (versions, shown, sql), (difference, compared)).await?)
}

/// `POST /projects/{project}/queries`: fields `title`, `sql`; `run` is the number that the page drew for it.
pub(crate) async fn create(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let desk = Desk::Project(allowed);
    let (draft, data) = (Draft::posted(&portal, &desk, &posted).await?, desk.data(posted.one("data"))?);
    let Desk::Project(allowed) = &desk else { return Err(PortalError::NotFound) };
    let wanted = posted.one("run").parse().unwrap_or_else(|_| Number::random());
    let text = Text { title: draft.title.clone(), sql: draft.sql.clone() };
    match saved::create(&portal, allowed, &text, wanted).await? {
        Saved::Behind => Err(PortalError::BadForm),
        Saved::Kept(query) => to_query(allowed, &query),
        Saved::Problem(problem) => not_saved(&portal, &desk, draft, (problem, data)).await,
    }
}

/// `POST /projects/{project}/queries/{query}`: fields `title`, `sql`, `base`, the version that the writer had open.
pub(crate) async fn add(
    allowed: Allowed<Query>,
    State(portal): State<Portal>,
    Path((_, query)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let query: Number = query.parse().map_err(|_| PortalError::NotFound)?;
    let desk = Desk::Project(allowed);
    let (draft, data) = (Draft::posted(&portal, &desk, &posted).await?, desk.data(posted.one("data"))?);
    let Desk::Project(allowed) = &desk else { return Err(PortalError::NotFound) };
    let base = posted.one("base").parse::<i64>().map_err(|_| PortalError::BadForm)?;
    let text = Text { title: draft.title.clone(), sql: draft.sql.clone() };
    match saved::add(&portal, allowed, &text, (&query, base)).await? {
        Saved::Behind => behind(&portal, desk, &query, text).await,
        Saved::Kept(query) => to_query(allowed, &query),
        Saved::Problem(problem) => not_saved(&portal, &desk, draft, (problem, data)).await,
    }
}

/// Somebody was quicker: nothing is lost, the second is told what changed.
async fn behind(portal: &Portal, desk: Desk, query: &Number, yours: Text) -> Result<Response, PortalError> {
    let Desk::Project(allowed) = &desk else { return Err(PortalError::NotFound) };
    let versions = saved::versions(&portal.db, allowed, query).await?;
    let latest = versions.first().ok_or(PortalError::NotFound)?.clone();
    let sql = saved::sql(&portal.db, &latest).await?;
    let language = allowed.visit.language;
    let between =
        format!("{} {} → {}", language.say("saved.version"), latest.version, language.say("saved.behind.yours"));
    let difference = Difference::of(between, (&latest.title, &sql), (yours.title.trim(), &yours.sql), language);
    let compared = ((latest.version - 1).max(1), latest.version);
    let mut shown = query_page(portal, &desk, (versions, latest, sql), (Some(difference), compared)).await?;
    shown.yours = Some(yours);
    Ok((StatusCode::CONFLICT, page(&shown)?).into_response())
}

async fn query_page(
    portal: &Portal,
    desk: &Desk,
    (versions, shown, sql): (Vec<Heading>, Heading, String),
    (difference, compared): (Option<Difference>, (i64, i64)),
) -> Result<QueryPage, PortalError> {
    let language = desk.visit().language;
    Ok(QueryPage {
        frame: desk.visit().frame(portal),
        head: Head::of(portal, desk).await?,
        here: "queries",
        shown: SavedLine::of(shown, language),
        sql,
        versions: versions.into_iter().map(|version| SavedLine::of(version, language)).collect(),
        difference,
        compared,
        yours: None,
    })
}

fn to_query(allowed: &Allowed<Query>, query: &Number) -> Result<Response, PortalError> {
    let project = allowed.project.as_ref().ok_or(PortalError::NotFound)?;
    Ok(Redirect::to(&format!("/projects/{project}/queries/{query}")).into_response())
}
