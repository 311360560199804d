//! `GET /applications/{application}`: where it stands, whose turn it is, and what this person can do now.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use policies::UserId;
use policies::access::Relation;
use policies::application::{Application, Audience, Event, EventRecord, Phase, Rules, Stage, day_of};

use super::content::ContentPanel;
use super::review::ReviewPanel;
use super::running::RunningPanel;
use crate::access::{Allowed, Read, relation};
use crate::accounts::{self, User};
use crate::application::{Act, offers, records};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, name};

#[derive(Template)]
#[template(path = "application/show.html")]
struct ShowPage<'a> {
    sight: &'a Sight,
    stage: Stage,
    title: &'a str,
    returned: Option<&'a str>,
    /// What keeps it from being submitted, for who can still mend it.
    missing: Vec<String>,
    content: Option<ContentPanel<'a>>,
    review: ReviewPanel<'a>,
    running: RunningPanel<'a>,
    history: Vec<Step>,
}

/// What every part of the page is made from: the application as this person may see it now.
pub(super) struct Sight {
    pub(super) frame: Frame,
    pub(super) state: Application,
    pub(super) user: User,
    pub(super) relation: Relation,
    pub(super) offers: BTreeSet<Act>,
    pub(super) people: BTreeMap<UserId, User>,
    pub(super) today: Date,
}

impl Sight {
    /// Whether the act can be done now.
    pub(super) fn offers(&self, act: impl Borrow<Act>) -> bool {
        self.offers.contains(act.borrow())
    }

    /// Whether the person is on the applicant's side: what is said among those who judge is not for them.
    pub(super) fn is_party(&self) -> bool {
        matches!(self.relation, Relation::Applicant | Relation::Member)
    }

    /// A person's name in the reader's language.
    pub(super) fn name(&self, user: &UserId) -> String {
        self.people.get(user).map_or_else(|| user.to_string(), |known| name(known, self.frame.language))
    }

    /// The address of an act's form.
    pub(super) fn to(&self, act: impl Borrow<Act>) -> String {
        format!("/applications/{}/{}", self.state.id, act.borrow().as_str())
    }
}

struct Step {
    at: Moment,
    who: String,
    what: String,
    text: String,
}

/// One station on an application's way.
struct Station {
    word: &'static str,
    /// `done`, `now` or `ahead`.
    class: &'static str,
}

/// The stations of an application that is not rejected, in order.
const STATIONS: [&str; 6] = ["write", "check", "review", "vote", "pledge", "use"];

/// `GET /applications/{application}`
pub(crate) async fn show(allowed: Allowed<Read>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let state = allowed.application()?.clone();
    let records = records(portal.db.pool(), &state.id).await?;
    let today = day_of(portal.now());
    let sight = Sight {
        frame: allowed.visit.frame(&portal),
        relation: relation(&state, &allowed.user, today),
        offers: offers(&portal, &state, &allowed.user),
        people: accounts::list(&portal.db).await?.into_iter().map(|user| (user.id.clone(), user)).collect(),
        user: allowed.user.clone(),
        state,
        today,
    };
    let round = sight.state.round.as_ref();
    page(&ShowPage {
        stage: sight.state.stage(Rules::current(), today),
        title: sight.state.content().map_or("", |content| content.title.as_str()),
        returned: round.and_then(|round| round.correction()),
        missing: missing(&sight),
        content: ContentPanel::of(&sight),
        review: ReviewPanel::of(&sight),
        running: RunningPanel::of(&sight),
        history: records.iter().filter_map(|record| step(record, &sight)).collect(),
        sight: &sight,
    })
}

fn missing(sight: &Sight) -> Vec<String> {
    let round = sight.state.round.as_ref().filter(|_| sight.relation == Relation::Applicant);
    let round = round.filter(|round| matches!(round.phase, Phase::Draft {} | Phase::Returned { .. }));
    let problems = round.map(|round| round.content.problems(Rules::current(), sight.today)).unwrap_or_default();
    problems.iter().map(|problem| sight.frame.language.problem(problem)).collect()
}

/// How many stations lie behind an application; none if it left the way.
fn stations_behind(stage: Stage) -> Option<usize> {
    match stage {
        Stage::Unwritten | Stage::Draft | Stage::Returned => Some(0),
        Stage::Submitted => Some(1),
        Stage::UnderReview | Stage::Deferred => Some(2),
        Stage::MeetingScheduled => Some(3),
        Stage::Granted | Stage::GrantedWithConditions | Stage::Pledged => Some(4),
        Stage::Active | Stage::AmendmentRequested | Stage::Expiring | Stage::Suspended => Some(5),
        Stage::Closed | Stage::DeletionCertified => Some(STATIONS.len()),
        Stage::Rejected | Stage::Revoked | Stage::Withdrawn => None,
    }
}

/// A line of the history; what is said among those who judge is left out for the applicant's side.
fn step(record: &EventRecord, sight: &Sight) -> Option<Step> {
    if sight.is_party() && is_inner(&record.event) {
        return None;
    }
    let what = sight.frame.say_of("event", record.event.kind());
    let text = spoken(&record.event);
    Some(Step { at: dates::at(record.at, sight.frame.language), who: sight.name(&record.by.user), what, text })
}

fn is_inner(event: &Event) -> bool {
    let inner = matches!(
        event,
        Event::HolderAnswered { .. }
            | Event::InterestDeclared { .. }
            | Event::OpinionGiven { .. }
            | Event::ReviewersAssigned { .. }
            | Event::VoteCast { .. }
    );
    inner || matches!(event, Event::Commented { audience: Audience::Internal, .. })
}

/// What an event says in words, where it stands nowhere else on the page.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others say nothing in one sentence")]
fn spoken(event: &Event) -> String {
    match event {
        Event::Closed { report: text }
        | Event::Commented { text, .. }
        | Event::Restricted { reason: text, .. }
        | Event::Resumed { reason: text }
        | Event::ResultsFiled { summary: text }
        | Event::ResultsReturned { comment: text, .. }
        | Event::Returned { comment: text }
        | Event::Revoked { reason: text }
        | Event::Suspended { reason: text } => text.clone(),
        Event::PermitIssued { permit } => permit.to_string(),
        _ => String::new(),
    }
}

impl ShowPage<'_> {
    /// The way from draft to use, with where it stands.
    fn progress(&self) -> Vec<Station> {
        let Some(behind) = stations_behind(self.stage) else { return Vec::new() };
        let class = |at: usize| match at.cmp(&behind) {
            Ordering::Less => "done",
            Ordering::Equal => "now",
            Ordering::Greater => "ahead",
        };
        STATIONS.iter().enumerate().map(|(at, word)| Station { word, class: class(at) }).collect()
    }
}
