//! Writing an application: new and edit share one form.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{ApplicantKind, Command, Content, FormField, Problem, ProblemKind, Refusal, Rules};
use policies::{Grade, Profile, Tier};

use super::draft;
use crate::access::{Allowed, Create, Edit};
use crate::application::{Change, change, content_version, create as begin, load, records};
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
    problem: Option<Problem>,
    /// The number of the content that the person sees; none for a new application.
    seen: Option<u64>,
    /// Parts that were changed elsewhere since the form was opened.
    meanwhile: Vec<String>,
}

/// What stands in the form's fields: kept when something is wrong.
#[derive(Default)]
struct Input {
    project: String,
    title: String,
    applicant_kind: String,
    urgent: bool,
    answers: BTreeMap<String, String>,
    members: String,
    place: String,
    country: String,
    reasons: BTreeMap<String, String>,
    ethics: [String; 4],
    choices: Vec<String>,
    anonymized: bool,
    profile: String,
    exact: bool,
    period_from: String,
    period_until: String,
}

impl Input {
    fn of(content: &Content) -> Self {
        let columns = content.datasets.iter().flat_map(|(dataset, ask)| {
            ask.tables.iter().flat_map(move |(table, asked)| {
                asked.columns.iter().map(move |column| format!("{dataset}/{}:{table}:{column}", ask.release))
            })
        });
        let reasons = content.datasets.values().flat_map(|ask| &ask.tables);
        let ethics = content.ethics.as_ref().map(|ethics| {
            [ethics.board.clone(), ethics.number.clone(), ethics.approved_on.to_string(), ethics.until.to_string()]
        });
        let member = content.members.values().next();
        let members: Vec<_> = content.members.keys().map(ToString::to_string).collect();
        let (from, until) = content
            .period
            .as_ref()
            .map_or_else(Default::default, |period| (period.from.to_string(), period.until.to_string()));
        Self {
            project: content.project.as_ref().map(ToString::to_string).unwrap_or_default(),
            title: content.title.clone(),
            applicant_kind: content.applicant_kind.map_or("", ApplicantKind::as_str).to_owned(),
            urgent: content.urgent,
            answers: content.answers.clone(),
            place: member.map(|member| member.place.clone()).unwrap_or_default(),
            country: member.map_or_else(|| "JP".to_owned(), |member| member.country.clone()),
            reasons: reasons.map(|(table, ask)| (table.clone(), ask.reason.clone())).collect(),
            ethics: ethics.unwrap_or_default(),
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
            applicant_kind: own("applicant_kind"),
            urgent: posted.one("urgent") == "yes",
            answers: Rules::current().form.fields().map(|field| (field.id.clone(), own(&field.id))).collect(),
            place: own("place"),
            country: own("country"),
            reasons: posted.reasons(),
            ethics: ["ethics_board", "ethics_number", "ethics_from", "ethics_until"].map(own),
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

    /// Whether something is wrong with that field.
    fn is_wrong(&self, field: &str) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.field == field)
    }

    fn sentence(&self, problem: &Problem) -> String {
        self.frame.language.problem(problem)
    }

    fn label<'f>(&self, field: &'f FormField) -> (&'f str, &'f str) {
        if self.frame.is_ja() { (&field.ja, &field.help_ja) } else { (&field.en, &field.help_en) }
    }

    fn questions(&self) -> impl Iterator<Item = (&'static FormField, &str)> {
        let answer = |id: &String| self.input.answers.get(id).map_or("", String::as_str);
        Rules::current().form.fields().map(move |field| (field, answer(&field.id)))
    }

    fn reason(&self, table: &str) -> &str {
        self.input.reasons.get(table).map_or("", String::as_str)
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
    let before = Content::default();
    let content = draft::read(&portal, &posted, &datasets, &before).await?;
    let made = match content {
        Ok(content) => begin(&portal, &allowed, content, posted.once()).await.map_err(problem_of),
        Err(problem) => Err(Ok(problem)),
    };
    match made {
        Ok(id) => Ok(Redirect::to(&format!("/applications/{id}")).into_response()),
        Err(Ok(problem)) => {
            let mut shown = fresh(&portal, allowed.visit.frame(&portal), Input::posted(&posted)).await?;
            shown.problem = Some(problem);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response())
        }
        Err(Err(error)) => Err(error),
    }
}

/// `GET /applications/{application}/edit`
pub(crate) async fn edit(allowed: Allowed<Edit>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let input = Input::of(&allowed.application()?.content().cloned().unwrap_or_default());
    page(&existing(&portal, &allowed, input).await?)
}

/// `POST /applications/{application}/edit`
pub(crate) async fn save(
    allowed: Allowed<Edit>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let datasets = catalog::list(&portal.db).await?;
    let before = allowed.application()?.content().cloned().unwrap_or_default();
    let content = draft::read(&portal, &posted, &datasets, &before).await?;
    let saved = match content {
        Ok(content) => {
            let seen = posted.one("seen").parse().ok();
            let asked = Change { seen, ..Change::new(Command::Edit { content: content.clone() }, posted.once()) };
            match change(&portal, &allowed, asked).await {
                Err(PortalError::ChangedMeanwhile) => return overtaken(&portal, &allowed, &posted, &content).await,
                saved => saved.map_err(problem_of),
            }
        }
        Err(problem) => Err(Ok(problem)),
    };
    match saved {
        Ok(state) => Ok(Redirect::to(&format!("/applications/{}", state.id)).into_response()),
        Err(Ok(problem)) => {
            let mut shown = existing(&portal, &allowed, Input::posted(&posted)).await?;
            shown.problem = Some(problem);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response())
        }
        Err(Err(error)) => Err(error),
    }
}

/// Somebody, or the same person in another window, saved first: the input is kept, and the page says which parts now differ.
async fn overtaken(
    portal: &Portal,
    allowed: &Allowed<Edit>,
    posted: &Posted,
    content: &Content,
) -> Result<Response, PortalError> {
    let mut shown = existing(portal, allowed, Input::posted(posted)).await?;
    let state = load(portal.db.pool(), &allowed.application()?.id).await?.ok_or(PortalError::NotFound)?;
    let differs = state.content().map(|saved| saved.changes(content)).unwrap_or_default();
    let is_ja = shown.frame.is_ja();
    let name = |part: String| {
        let (ja, en) = Problem::name_of(&part);
        if is_ja { ja } else { en }
    };
    shown.meanwhile = differs.into_iter().map(name).collect();
    Ok((StatusCode::CONFLICT, page(&shown)?).into_response())
}

/// A refusal that is about a part goes beside it; others go to the error page.
fn problem_of(error: PortalError) -> Result<Problem, PortalError> {
    if let PortalError::ProjectTaken = error {
        return Ok(Problem::new("project", ProblemKind::Taken));
    }
    if let PortalError::Refused(Refusal::Incomplete(problems)) = &error
        && let Some(problem) = problems.first()
    {
        return Ok(problem.clone());
    }
    Err(error)
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
        seen: None,
        meanwhile: Vec::new(),
        frame,
    })
}

async fn existing(portal: &Portal, allowed: &Allowed<Edit>, input: Input) -> Result<EditPage, PortalError> {
    let state = allowed.application()?;
    let frame = allowed.visit.frame(portal);
    let mut shown = fresh(portal, frame, input).await?;
    shown.action = format!("/applications/{}/edit", state.id);
    shown.heading = format!("{} {}", shown.frame.say("application.edit"), state.id);
    shown.seen = Some(content_version(&records(portal.db.pool(), &state.id).await?));
    shown.comment = state.round.as_ref().and_then(|round| round.correction()).map(str::to_owned);
    Ok(shown)
}
