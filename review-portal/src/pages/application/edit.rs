//! Writing an application: new and edit share one form.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{Command, Content, Field, Refusal};
use policies::{Grade, Profile, Tier};

use super::draft;
use crate::access::{Allowed, Create, Edit};
use crate::application::{Change, change, create as begin};
use crate::catalog::{self, Dataset};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

#[derive(Template)]
#[template(path = "application/edit.html")]
struct EditPage {
    frame: Frame,
    action: String,
    heading: String,
    comment: Option<String>,
    datasets: Vec<Dataset>,
    profiles: Vec<&'static str>,
    input: Input,
    problem: Option<(&'static str, String)>,
}

/// What stands in the form's fields: kept when something is wrong.
#[derive(Default)]
struct Input {
    project: String,
    title: String,
    purpose: String,
    members: String,
    choices: Vec<String>,
    anonymized: bool,
    profile: String,
    exact: bool,
    period_from: String,
    period_until: String,
}

impl Input {
    fn of(content: &Content) -> Self {
        let columns = content.datasets.iter().flat_map(|(dataset, grant)| {
            grant.tables.iter().flat_map(move |(table, columns)| {
                columns.iter().map(move |column| format!("{dataset}/{}:{table}:{column}", grant.release))
            })
        });
        let members: Vec<_> = content.members.keys().map(ToString::to_string).collect();
        let (from, until) = content
            .period
            .as_ref()
            .map_or_else(Default::default, |period| (period.from.to_string(), period.until.to_string()));
        Self {
            project: content.project.as_ref().map(ToString::to_string).unwrap_or_default(),
            title: content.title.clone(),
            purpose: content.purpose.clone(),
            members: members.join("\n"),
            choices: columns.collect(),
            anonymized: content.tier == Tier::Anonymized,
            profile: content.profile.clone(),
            exact: content.grade == Grade::Exact,
            period_from: from,
            period_until: until,
        }
    }

    fn posted(posted: &Posted) -> Self {
        let own = |name: &str| posted.one(name).to_owned();
        Self {
            project: own("project"),
            title: own("title"),
            purpose: own("purpose"),
            members: posted.all("members").collect::<Vec<_>>().join("\n"),
            choices: posted.all("table").chain(posted.all("column")).map(str::to_owned).collect(),
            anonymized: posted.one("tier") == "anonymized",
            profile: own("profile"),
            exact: posted.one("grade") == "exact",
            period_from: own("period_from"),
            period_until: own("period_until"),
        }
    }
}

impl EditPage {
    fn has(&self, choice: &str) -> bool {
        self.input.choices.iter().any(|known| known == choice)
    }

    /// The problem with that field, if it has one.
    fn problem(&self, field: &str) -> Option<&String> {
        self.problem.as_ref().filter(|(known, _)| *known == field).map(|(_, sentence)| sentence)
    }

    fn chosen(&self, release: &str, table: &str) -> bool {
        let prefix = format!("{release}:{table}");
        self.input
            .choices
            .iter()
            .any(|known| known.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
    }
}

/// `GET /applications/new`
pub(crate) async fn new(allowed: Allowed<Create>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let mut input = Input::of(&Content::default());
    input.members = allowed.user.id.to_string();
    page(&fresh(&portal, allowed.visit.frame(&portal), input).await?)
}

/// `POST /applications`: fields as in README, "Forms".
pub(crate) async fn create(
    allowed: Allowed<Create>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let datasets = catalog::list(&portal.db).await?;
    let content = draft::read(&portal, &posted, &datasets).await?;
    let made = match content {
        Ok(content) => begin(&portal, &allowed, content, posted.once()).await.map_err(problem_of),
        Err(field) => Err(Ok(field)),
    };
    match made {
        Ok(id) => Ok(Redirect::to(&format!("/applications/{id}")).into_response()),
        Err(Ok(field)) => {
            let mut shown = fresh(&portal, allowed.visit.frame(&portal), Input::posted(&posted)).await?;
            shown.problem = Some(sentence(&shown.frame, field));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response())
        }
        Err(Err(error)) => Err(error),
    }
}

/// `GET /applications/{application}/edit`
pub(crate) async fn edit(allowed: Allowed<Edit>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let input = Input::of(&allowed.application()?.content);
    page(&existing(&portal, &allowed, input).await?)
}

/// `POST /applications/{application}/edit`
pub(crate) async fn save(
    allowed: Allowed<Edit>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let datasets = catalog::list(&portal.db).await?;
    let content = draft::read(&portal, &posted, &datasets).await?;
    let saved = match content {
        Ok(content) => {
            let asked = Change::new(Command::Edit(content), posted.once());
            change(&portal, &allowed, asked).await.map_err(problem_of)
        }
        Err(field) => Err(Ok(field)),
    };
    match saved {
        Ok(state) => Ok(Redirect::to(&format!("/applications/{}", state.id)).into_response()),
        Err(Ok(field)) => {
            let mut shown = existing(&portal, &allowed, Input::posted(&posted)).await?;
            shown.problem = Some(sentence(&shown.frame, field));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response())
        }
        Err(Err(error)) => Err(error),
    }
}

/// A refusal that is about a field goes beside that field; others go to the error page.
fn problem_of(error: PortalError) -> Result<Field, PortalError> {
    if let PortalError::ProjectTaken = error {
        return Ok(Field::Project);
    }
    if let PortalError::Refused(Refusal::Incomplete(field) | Refusal::TooLong(field)) = error {
        return Ok(field);
    }
    Err(error)
}

fn sentence(frame: &Frame, field: Field) -> (&'static str, String) {
    (field.as_str(), frame.say_of("problem", field.as_str()))
}

async fn fresh(portal: &Portal, frame: Frame, input: Input) -> Result<EditPage, PortalError> {
    Ok(EditPage {
        action: "/applications".to_owned(),
        heading: frame.say("application.new"),
        comment: None,
        datasets: catalog::list(&portal.db).await?,
        profiles: Profile::names().collect(),
        input,
        problem: None,
        frame,
    })
}

async fn existing(portal: &Portal, allowed: &Allowed<Edit>, input: Input) -> Result<EditPage, PortalError> {
    let state = allowed.application()?;
    let frame = allowed.visit.frame(portal);
    let mut shown = fresh(portal, frame, input).await?;
    shown.action = format!("/applications/{}/edit", state.id);
    shown.heading = format!("{} {}", shown.frame.say("application.edit"), state.id);
    shown.comment.clone_from(&state.returned);
    Ok(shown)
}
