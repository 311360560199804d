//! `GET /applications/{application}`: where it stands, whose turn it is, and what this person can do now.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::access::{Action, Relation};
use policies::application::{Application, Ballot, Command, Decision, Event, EventRecord, Stage, decide};
use policies::{Role, UserId};

use crate::access::{Allowed, Read, relation};
use crate::accounts::{self, User};
use crate::application::records;
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, name};

#[derive(Template)]
#[template(path = "application/show.html")]
struct ShowPage {
    frame: Frame,
    state: Application,
    members: Vec<Person>,
    reviewers: Vec<Person>,
    votes: Vec<VoteLine>,
    tally: (usize, usize),
    may_see_votes: bool,
    candidates: Vec<Person>,
    offers: Offers,
    history: Vec<Step>,
}

struct Person {
    id: String,
    name: String,
    organisation: String,
    /// Pledged, for members; conflicted, for reviewers.
    mark: bool,
}

struct VoteLine {
    name: String,
    word: String,
    comment: String,
}

struct Step {
    at: Moment,
    who: String,
    what: String,
    text: String,
}

/// Which forms stand on the page: those that policy and rules would both let pass now.
#[expect(clippy::struct_excessive_bools, reason = "one a form, read by the template alone")]
struct Offers {
    accept: bool,
    assign: bool,
    close: bool,
    conflict: bool,
    decide: bool,
    edit: bool,
    permit: bool,
    pledge: bool,
    revoke: bool,
    send_back: bool,
    submit: bool,
    vote: bool,
    voting: bool,
    withdraw: bool,
    query: bool,
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
    let people: BTreeMap<UserId, User> =
        accounts::list(&portal.db).await?.into_iter().map(|user| (user.id.clone(), user)).collect();
    let records = records(portal.db.pool(), &state.id).await?;
    let frame = allowed.visit.frame(&portal);
    let names = |id: &UserId| people.get(id).map_or_else(|| id.to_string(), |user| name(user, frame.language));
    let person = |id: &UserId, organisation: &str, mark| Person {
        id: id.to_string(),
        name: names(id),
        organisation: organisation.to_owned(),
        mark,
    };
    let relation = relation(&state, &allowed.user);
    let is_committee = !matches!(relation, Relation::Applicant | Relation::Member);
    let judges = |user: &&User| user.roles.contains(&Role::Reviewer) || user.roles.contains(&Role::Chair);
    let in_conflict = |user: &User| state.is_conflicted(&user.id) || state.is_members_organisation(&user.organisation);
    let members = state.content.members.iter();
    let reviewers = state.reviewers.iter().filter(|_| is_committee);
    let candidates = people.values().filter(judges).filter(|user| !state.is_party(&user.id));
    page(&ShowPage {
        members: members.map(|(id, at)| person(id, at.as_str(), state.pledges.contains(id))).collect(),
        reviewers: reviewers.map(|(id, at)| person(id, at.as_str(), state.is_conflicted(id))).collect(),
        candidates: candidates.map(|user| person(&user.id, user.organisation.as_str(), in_conflict(user))).collect(),
        votes: votes(&state, &allowed.user, &frame, &names),
        tally: state.tally(),
        may_see_votes: is_committee,
        offers: offers(&portal, &state, &allowed.user, relation),
        history: records.iter().filter_map(|record| step(record, is_committee, &frame, &names)).collect(),
        state,
        frame,
    })
}

/// While a vote runs, reviewers see their own vote only; chair, secretariat and auditor see all.
fn votes(state: &Application, user: &User, frame: &Frame, names: &impl Fn(&UserId) -> String) -> Vec<VoteLine> {
    let sees_all = state.stage != Stage::Voting
        || [Role::Chair, Role::Secretariat, Role::Auditor].iter().any(|role| user.roles.contains(role));
    let visible = state.votes.iter().filter(|(reviewer, _)| sees_all || **reviewer == user.id);
    let line = |(reviewer, vote): (&UserId, &policies::application::Vote)| VoteLine {
        name: names(reviewer),
        word: match vote.ballot {
            Ballot::Against => frame.say("vote.against"),
            Ballot::For => frame.say("vote.for"),
        },
        comment: vote.comment.clone(),
    };
    visible.map(line).collect()
}

fn offers(portal: &Portal, state: &Application, user: &User, relation: Relation) -> Offers {
    let actor = user.actor();
    let may = |what| portal.may(Some(&user.roles), relation, what);
    let offer = |what, command| may(what) && decide(state, &actor, command).is_ok();
    let text = || "-".to_owned();
    let vote = Command::Vote { ballot: Ballot::For, comment: String::new() };
    let writes = offer(Action::ApplicationEdit, Command::Edit(state.content.clone()));
    let reviews = matches!(state.stage, Stage::UnderReview | Stage::Deferred);
    Offers {
        accept: offer(Action::ApplicationAccept, Command::Accept),
        assign: may(Action::ApplicationAssign) && reviews,
        close: offer(Action::ApplicationClose, Command::Close(text())),
        conflict: offer(Action::ApplicationDeclareConflict, Command::DeclareConflict),
        decide: offer(Action::ApplicationDecide, Command::Decide(Decision::Deferred { reason: text() })),
        edit: writes,
        permit: may(Action::PermitIssue) && state.check_permittable().is_ok(),
        pledge: offer(Action::ApplicationPledge, Command::SignPledge),
        revoke: offer(Action::PermitRevoke, Command::Revoke(text())),
        send_back: offer(Action::ApplicationReturn, Command::Return(text())),
        // What is still missing is said when it is handed in.
        submit: writes && may(Action::ApplicationSubmit),
        vote: offer(Action::ApplicationVote, vote),
        voting: offer(Action::ApplicationOpenVoting, Command::OpenVoting),
        withdraw: offer(Action::ApplicationWithdraw, Command::Withdraw),
        query: state.is_permitted() && state.content.members.contains_key(&user.id) && begun(portal, state),
    }
}

impl Offers {
    /// Whether a form or link for an act stands on the page.
    fn any(&self) -> bool {
        let write = self.edit || self.submit || self.withdraw || self.close || self.pledge;
        let office = self.accept || self.send_back || self.assign || self.permit || self.revoke;
        write || office || self.voting || self.vote || self.decide || self.conflict
    }
}

/// How many stations lie behind an application; none if it left the way.
fn stations_behind(stage: Stage) -> Option<usize> {
    match stage {
        Stage::Unwritten | Stage::Draft | Stage::Returned => Some(0),
        Stage::Submitted => Some(1),
        Stage::UnderReview | Stage::Deferred => Some(2),
        Stage::Voting => Some(3),
        Stage::Granted | Stage::GrantedWithConditions => Some(4),
        Stage::Permitted => Some(5),
        Stage::Closed => Some(STATIONS.len()),
        Stage::Rejected | Stage::Revoked | Stage::Withdrawn => None,
    }
}

/// Whether the period of use has begun.
fn begun(portal: &Portal, state: &Application) -> bool {
    state.content.period.as_ref().is_some_and(|period| period.from <= dates::today(portal.now()))
}

/// One line of the history. Who asks sees neither reviewers nor votes.
fn step(record: &EventRecord, is_committee: bool, frame: &Frame, names: &impl Fn(&UserId) -> String) -> Option<Step> {
    let inner = matches!(
        record.event,
        Event::ConflictDeclared { .. } | Event::ReviewersAssigned { .. } | Event::VoteCast { .. }
    );
    if inner && !is_committee {
        return None;
    }
    let text = match &record.event {
        Event::Returned { comment: text } | Event::Revoked { reason: text } | Event::Closed { report: text } => {
            text.clone()
        }
        Event::Decided { decision } => decision_text(decision).to_owned(),
        Event::PermitIssued { permit } => permit.to_string(),
        Event::Accepted {}
        | Event::ConflictDeclared { .. }
        | Event::Drafted { .. }
        | Event::Edited { .. }
        | Event::PledgeSigned { .. }
        | Event::ReviewersAssigned { .. }
        | Event::Submitted {}
        | Event::VoteCast { .. }
        | Event::VotingOpened {}
        | Event::Withdrawn {} => String::new(),
    };
    let what = frame.say_of("event", record.event.kind());
    Some(Step { at: dates::at(record.at, frame.language), who: names(&record.by.user), what, text })
}

fn decision_text(decision: &Decision) -> &str {
    match decision {
        Decision::Deferred { reason: text }
        | Decision::GrantedWithConditions { conditions: text }
        | Decision::Rejected { reason: text } => text,
        Decision::Granted {} => "",
    }
}

impl ShowPage {
    fn is_reviewer(&self, id: &str) -> bool {
        self.reviewers.iter().any(|reviewer| reviewer.id == id)
    }

    /// The way from draft to use, with where it stands.
    fn progress(&self) -> Vec<Station> {
        let Some(behind) = stations_behind(self.state.stage) else { return Vec::new() };
        let class = |at: usize| match at.cmp(&behind) {
            Ordering::Less => "done",
            Ordering::Equal => "now",
            Ordering::Greater => "ahead",
        };
        STATIONS.iter().enumerate().map(|(at, word)| Station { word, class: class(at) }).collect()
    }

    fn decision_text(&self) -> &str {
        self.state.decision.as_ref().map_or("", decision_text)
    }
}
