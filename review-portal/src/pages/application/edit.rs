//! Writing an application: new and edit share one form. What can be read is saved, complete or not; what cannot is kept as typed.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{
    Application, Audience, Command, Content, FieldKind, FormField, Problem, ProblemKind, Refusal, Rules, Shell, day_of,
};
use policies::{ApplicationId, Profile};
use serde::Deserialize;

use super::difference::{self, Line};
use super::draft::{self, Reading, Unread};
use super::input::{Input, List, ShellRow};
use super::shell::{self, Columns, Failure};
use crate::access::{Allowed, Create, Edit, begun};
use crate::application::{Change, change, content_head, create as begin, kept, records};
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
    id: Option<ApplicationId>,
    /// The event whose content the form shows.
    head: u64,
    stored: Content,
    comment: Option<String>,
    /// Comments that the applicant may read, by part.
    remarks: Vec<(String, String)>,
    datasets: Vec<Dataset>,
    input: Input,
    warnings: Vec<Warning>,
    note: Note,
    /// Whether there is dummy data to try tables on.
    has_dummies: bool,
    /// What came of trying one.
    failure: Option<Failure>,
    /// What another window saved, and what stands in this one.
    changes: Vec<Line>,
}

/// What the page says of the last saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    /// Nothing.
    None,
    /// Saved, but for what could not be read.
    Partly,
    /// Not saved.
    Refused,
    /// Not saved, because another window saved first.
    Conflict,
}

/// Something to mend, with the field that it is about.
struct Warning {
    part: String,
    sentence: String,
}

/// Which list is to have an empty row more.
#[derive(Deserialize)]
pub(crate) struct More {
    more: Option<String>,
}

impl EditPage {
    fn has(&self, choice: &str) -> bool {
        self.input.choices.iter().any(|known| known == choice)
    }

    /// What stands beside the field of that part.
    fn error(&self, part: &str) -> String {
        let warnings = self.warnings.iter().filter(|warning| warning.part == part);
        warnings.map(|warning| warning.sentence.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The saved columns of the table in that row of the form.
    fn columns(&self, row: &ShellRow) -> Option<Columns> {
        let title = row.title.trim();
        let shells = || self.stored.shells.iter();
        let same = shells().find(|shell| shell.sql == row.sql);
        let known = same.or_else(|| shells().find(|shell| !title.is_empty() && shell.title == title))?;
        let shell = Shell { sql: row.sql.clone(), ..known.clone() };
        Some(Columns::of(&self.frame, &shell))
    }

    /// Why the table in that row did not run.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn failed(&self, row: &usize) -> &str {
        self.failure.as_ref().filter(|failure| failure.at == *row).map_or("", |failure| failure.words.as_str())
    }

    fn remarks(&self, part: &str) -> impl Iterator<Item = &str> {
        self.remarks.iter().filter(move |(about, _)| about == part).map(|(_, text)| text.as_str())
    }

    fn in_words<'f>(&self, ja: &'f str, en: &'f str) -> &'f str {
        if self.frame.is_ja() { ja } else { en }
    }

    fn help(&self, field: &FormField) -> String {
        let help = self.in_words(&field.help_ja, &field.help_en);
        if field.optional { format!("{help} {}", self.frame.say("draft.optional")) } else { help.to_owned() }
    }

    fn answer(&self, field: &FormField) -> &str {
        self.input.answers.get(&field.id).map_or("", String::as_str)
    }

    /// The form's sections; those that only confirm stand at the end.
    fn sections(&self, confirming: bool) -> impl Iterator<Item = (&'static str, &'static [FormField])> {
        let confirms = |fields: &[FormField]| fields.iter().all(|field| field.kind == FieldKind::Confirm);
        let is_ja = self.frame.is_ja();
        let sections = Rules::current().form.sections.iter();
        let sections = sections.filter(move |section| confirms(&section.fields) == confirming);
        sections.map(move |section| (if is_ja { section.ja.as_str() } else { section.en.as_str() }, &*section.fields))
    }

    #[expect(clippy::unused_self, reason = "templates see no function but the page's")]
    fn profiles(&self) -> impl Iterator<Item = &'static str> {
        Profile::names()
    }

    #[expect(clippy::unused_self, reason = "templates see no function but the page's")]
    fn countries(&self) -> String {
        Rules::current().countries.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Whether a field for dates shows the text; browsers show nothing where it is none.
    #[expect(clippy::unused_self, reason = "templates see no function but the page's")]
    fn is_date(&self, text: &str) -> bool {
        text.trim().is_empty() || text.trim().parse::<jiff::civil::Date>().is_ok()
    }

    fn reason(&self, table: &str) -> &str {
        self.input.reasons.get(table).map_or("", String::as_str)
    }

    fn chosen(&self, release: &str, table: &str) -> bool {
        let prefix = format!("{release}:{table}");
        let chosen =
            |known: &String| known.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
        !self.reason(table).is_empty() || self.input.choices.iter().any(chosen)
    }

    /// Chosen variables that the tier does not give as they are.
    fn outside_tier(&self) -> Vec<String> {
        if self.input.anonymized { draft::outside_tier(&self.stored, &self.datasets) } else { Vec::new() }
    }
}

/// `GET /applications/new`
pub(crate) async fn new(allowed: Allowed<Create>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let mut input = Input::of(&Content::default());
    input.add(List::Members);
    if let Some(row) = input.members.first_mut() {
        row.name = allowed.user.id.to_string();
    }
    page(&fresh(&portal, allowed.visit.frame(&portal), input).await?)
}

/// `POST /applications`: fields as in README, "Forms".
pub(crate) async fn create(
    allowed: Allowed<Create>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let wish = Wish::of(&posted)?;
    let datasets = catalog::list(&portal.db).await?;
    let Reading { content, unread } = draft::read(&portal, &wish.input, &datasets, &Content::default()).await?;
    let id = match begin(&portal, &allowed, content, posted.once()).await.map_err(problems_of) {
        Ok(id) => id,
        Err(Err(error)) => return Err(error),
        Err(Ok(problems)) => {
            let mut shown = fresh(&portal, allowed.visit.frame(&portal), wish.input).await?;
            shown.refuse(&problems, &unread);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response());
        }
    };
    let state = crate::application::load(portal.db.pool(), &id).await?.ok_or(PortalError::NotFound)?;
    tried(&portal, &begun(&portal, allowed, state.clone())?, state, wish, unread).await
}

/// `GET /applications/{application}/edit?more=`
pub(crate) async fn edit(
    allowed: Allowed<Edit>,
    State(portal): State<Portal>,
    Query(More { more }): Query<More>,
) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let mut shown = existing(&portal, allowed.visit.frame(&portal), state, None).await?;
    if let Some(list) = more.as_deref().and_then(List::parse) {
        shown.input.add(list);
    }
    page(&shown)
}

/// `POST /applications/{application}/edit`
pub(crate) async fn save(
    allowed: Allowed<Edit>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let wish = Wish::of(&posted)?;
    let state = allowed.application()?;
    let now = state.content().cloned().unwrap_or_default();
    let (head, shown) = shown_content(&portal, &state.id, &posted).await?;
    // Attachments have no field in the form: a document that came meanwhile is no conflict.
    let moved = shown.is_some_and(|shown| shown.changes(&now).iter().any(|part| part != "attachments"));
    let datasets = catalog::list(&portal.db).await?;
    let Reading { content, unread } = draft::read(&portal, &wish.input, &datasets, &now).await?;
    let saving = if moved {
        Err(PortalError::ChangedMeanwhile)
    } else {
        let asked =
            Change { base: Some(head), ..Change::new(Command::Edit { content: content.clone() }, posted.once()) };
        change(&portal, &allowed, asked).await
    };
    let frame = allowed.visit.frame(&portal);
    match saving {
        Ok(state) => tried(&portal, &allowed, state, wish, unread).await,
        Err(PortalError::ChangedMeanwhile) => {
            let state = crate::application::load(portal.db.pool(), &state.id).await?.ok_or(PortalError::NotFound)?;
            let mut shown = existing(&portal, frame, &state, Some(wish.input)).await?;
            shown.note = Note::Conflict;
            shown.changes = difference::lines(&shown.frame, &shown.stored, &content);
            Ok((StatusCode::CONFLICT, page(&shown)?).into_response())
        }
        Err(error) => {
            let problems = problems_of(error)?;
            let mut shown = existing(&portal, frame, state, Some(wish.input)).await?;
            shown.refuse(&problems, &unread);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response())
        }
    }
}

/// What was typed, and where the pressed button leads.
struct Wish {
    input: Input,
    more: Option<List>,
    list: Option<List>,
    /// A page of the application beside the form.
    aside: Option<&'static str>,
    /// The planned table to try on dummy data.
    attempt: Option<usize>,
}

impl Wish {
    fn of(posted: &Posted) -> Result<Self, PortalError> {
        let mut input = Input::posted(posted)?;
        let attempt = posted.one("try").parse().ok().and_then(|row| input.shell_without_blanks(row));
        let more = List::parse(posted.one("more"));
        let list = more.or_else(|| input.remove(posted.one("remove")));
        let aside = ["attachments", "invitations"].into_iter().find(|word| *word == posted.one("then"));
        Ok(Self { input: input.without_blanks(), more, list, aside, attempt })
    }
}

/// The number of the content now, and the content that the form showed, if the form says which and it is another.
async fn shown_content(
    portal: &Portal,
    id: &ApplicationId,
    posted: &Posted,
) -> Result<(u64, Option<Content>), PortalError> {
    let records = records(portal.db.pool(), id).await?;
    let head = content_head(&records);
    let shown = match posted.one("head") {
        "" => return Ok((head, None)),
        text => text.parse::<u64>().map_err(|_| PortalError::BadForm)?,
    };
    if shown == head {
        return Ok((head, None));
    }
    let until = records.iter().take_while(|record| record.seq <= shown);
    let state = Application::replay(id.clone(), until);
    Ok((head, Some(state.content().cloned().unwrap_or_default())))
}

/// The change is made; then the table that the button names runs on dummy data.
async fn tried(
    portal: &Portal,
    allowed: &Allowed<Edit>,
    state: Application,
    wish: Wish,
    unread: Vec<Unread>,
) -> Result<Response, PortalError> {
    let frame = allowed.visit.frame(portal);
    let (Some(at), Some(content)) = (wish.attempt, state.content()) else {
        return saved(portal, frame, &state, wish, (unread, None)).await;
    };
    let failure = Box::pin(shell::attempt(portal, allowed, content, at)).await?;
    let state = crate::application::load(portal.db.pool(), &state.id).await?.ok_or(PortalError::NotFound)?;
    saved(portal, frame, &state, wish, (unread, failure)).await
}

/// The change is made: what could not be read is kept and shown, else the way goes on where the button says.
async fn saved(
    portal: &Portal,
    frame: Frame,
    state: &Application,
    wish: Wish,
    (unread, failure): (Vec<Unread>, Option<Failure>),
) -> Result<Response, PortalError> {
    if unread.is_empty() && failure.is_some() {
        kept::forget(&portal.db, &state.id).await?;
        let mut shown = existing(portal, frame, state, Some(wish.input)).await?;
        shown.failure = failure;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response());
    }
    if unread.is_empty() {
        kept::forget(&portal.db, &state.id).await?;
        let at = format!("/applications/{}", state.id);
        if let Some(row) = wish.attempt {
            return Ok(Redirect::to(&format!("{at}/edit#shell-{row}")).into_response());
        }
        let place = match (wish.more, wish.list, wish.aside) {
            (Some(list), ..) => format!("{at}/edit?more={0}#{0}", list.as_str()),
            (None, Some(list), _) => format!("{at}/edit#{}", list.as_str()),
            (None, None, Some(aside)) => format!("{at}/{aside}"),
            (None, None, None) => at,
        };
        return Ok(Redirect::to(&place).into_response());
    }
    let head = content_head(&records(portal.db.pool(), &state.id).await?);
    let body = serde_json::to_string(&wish.input).map_err(|_| PortalError::Stored)?;
    let mut parts: Vec<_> = unread.iter().map(|unread| unread.part).collect();
    parts.dedup();
    kept::keep(&portal.db, (&state.id, head), &body, &parts).await?;
    let mut shown = existing(portal, frame, state, Some(wish.input)).await?;
    if let Some(list) = wish.more {
        shown.input.add(list);
    }
    shown.note = Note::Partly;
    shown.failure = failure;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&shown)?).into_response())
}

/// A refusal that is about parts goes beside them; others go to the error page.
fn problems_of(error: PortalError) -> Result<Vec<Problem>, PortalError> {
    if let PortalError::ProjectTaken = error {
        return Ok(vec![Problem::new("project", ProblemKind::Taken)]);
    }
    if let PortalError::Refused(Refusal::Incomplete(problems)) = error { Ok(problems) } else { Err(error) }
}

async fn fresh(portal: &Portal, frame: Frame, input: Input) -> Result<EditPage, PortalError> {
    Ok(EditPage {
        id: None,
        head: 0,
        stored: Content::default(),
        comment: None,
        remarks: Vec::new(),
        datasets: catalog::list(&portal.db).await?,
        input,
        warnings: Vec::new(),
        note: Note::None,
        has_dummies: portal.dummy.is_some(),
        failure: None,
        changes: Vec::new(),
        frame,
    })
}

/// The form of an application: with `typed`, else with what was kept, else with the content.
async fn existing(
    portal: &Portal,
    frame: Frame,
    state: &Application,
    typed: Option<Input>,
) -> Result<EditPage, PortalError> {
    let stored = state.content().cloned().unwrap_or_default();
    let head = content_head(&records(portal.db.pool(), &state.id).await?);
    let is_kept = typed.is_none();
    let kept = if typed.is_some() {
        typed
    } else {
        let body = kept::input(&portal.db, &state.id, head).await?;
        body.map(|body| serde_json::from_str(&body).map_err(|_| PortalError::Stored)).transpose()?
    };
    let mut shown = fresh(portal, frame, Input::default()).await?;
    let Reading { mut unread, .. } = match &kept {
        Some(input) => draft::read(portal, input, &shown.datasets, &stored).await?,
        None => Reading { content: stored.clone(), unread: Vec::new() },
    };
    if is_kept && kept.is_some() && unread.is_empty() {
        // An account was made meanwhile: the input is good now, and not yet in the content.
        unread.push(Unread { part: "members", key: "draft.save-again", about: String::new() });
    }
    shown.warnings = warnings(&shown.frame, &stored.problems(Rules::current(), day_of(portal.now())), &unread);
    shown.input = kept.unwrap_or_else(|| Input::of(&stored));
    shown.id = Some(state.id.clone());
    shown.head = head;
    shown.stored = stored;
    shown.comment = state.round.as_ref().and_then(|round| round.correction()).map(str::to_owned);
    let public = state.comments.iter().filter(|comment| comment.audience == Audience::Applicant);
    shown.remarks = public.map(|comment| (comment.field.clone(), comment.text.clone())).collect();
    Ok(shown)
}

impl EditPage {
    /// Nothing was saved.
    fn refuse(&mut self, problems: &[Problem], unread: &[Unread]) {
        self.note = Note::Refused;
        self.warnings = warnings(&self.frame, problems, unread);
    }
}

/// All that is to be mended: first what could not be read, then what is missing; a part that could not be read is not missing too.
fn warnings(frame: &Frame, problems: &[Problem], unread: &[Unread]) -> Vec<Warning> {
    let untold = |unread: &Unread| {
        let words = frame.say(unread.key);
        let sentence = if unread.about.trim().is_empty() { words } else { format!("{} — {words}", unread.about) };
        Warning { part: unread.part.to_owned(), sentence }
    };
    let known = |problem: &Problem| unread.iter().any(|unread| unread.part == problem.field);
    let told = |problem: &Problem| Warning { part: problem.field.clone(), sentence: frame.language.problem(problem) };
    let mut warnings: Vec<Warning> = unread.iter().map(untold).collect();
    warnings.extend(problems.iter().filter(|problem| !known(problem)).map(told));
    // Two checks of one part may say the same.
    let mut said = std::collections::BTreeSet::new();
    warnings.retain(|warning| said.insert(warning.sentence.clone()));
    warnings
}

/// What is to be mended before submission, for the application's own page: part and sentence.
pub(super) fn open_points(frame: &Frame, content: &Content, today: jiff::civil::Date) -> Vec<(String, String)> {
    let problems = content.problems(Rules::current(), today);
    warnings(frame, &problems, &[]).into_iter().map(|warning| (warning.part, warning.sentence)).collect()
}
