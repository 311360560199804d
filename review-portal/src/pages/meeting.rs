//! Meetings: the calendar of sittings, and for each day agenda and minutes (議事録).

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::civil::Date;
use policies::application::{
    Application, Decision, FindingsByCriterion, Fulfilment, HolderRequest, Item as Criterion, Lane, Rules, Way, day_of,
};
use policies::{ApplicationId, UserId};

use super::board::{View, view};
use crate::access::{Allowed, ReadBoard};
use crate::accounts;
use crate::application::sittings_of;
use crate::dates::Moment;
use crate::error::PortalError;
use crate::meetings::{Item, calendar, days_of, on_or_unreported, reported};
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, name};

#[derive(Template)]
#[template(path = "meeting/list.html")]
struct CalendarPage {
    frame: Frame,
    /// From today on, the next first.
    ahead: Vec<Day>,
    /// The last first.
    behind: Vec<Day>,
}

struct Day {
    date: Date,
    when: Moment,
    items: usize,
}

#[derive(Template)]
#[template(path = "meeting/show.html")]
struct MeetingPage {
    frame: Frame,
    rules: &'static Rules,
    when: Moment,
    items: Vec<Entry>,
    /// Decisions of the urgent lane that were reported here, or are to be.
    urgent: Vec<Urgent>,
    /// Applications that the reader's own conflict or part keeps closed.
    closed: Vec<ApplicationId>,
    /// Everybody who voted on something.
    present: Vec<String>,
}

struct Entry {
    item: Item,
    present: Vec<String>,
    absent: Vec<String>,
    recused: Vec<String>,
    undeclared: Vec<String>,
    missing_seats: Vec<String>,
}

struct Urgent {
    id: ApplicationId,
    title: String,
    decided: Moment,
    decision: &'static str,
    conditions: Vec<String>,
    is_reported: bool,
}

/// `GET /meetings`
pub(crate) async fn list(allowed: Allowed<ReadBoard>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let frame = allowed.visit.frame(&portal);
    let today = day_of(portal.now());
    let days = calendar(&portal.db).await?;
    let day = |(date, items): (Date, usize)| Day { date, when: frame.day(date), items };
    let (behind, ahead): (Vec<_>, Vec<_>) = days.into_iter().map(day).partition(|day| day.date < today);
    page(&CalendarPage { ahead, behind: behind.into_iter().rev().collect(), frame })
}

/// `GET /meetings/{date}`
pub(crate) async fn show(
    allowed: Allowed<ReadBoard>,
    State(portal): State<Portal>,
    Path(date): Path<String>,
) -> Result<Response, PortalError> {
    let on: Date = date.parse().map_err(|_| PortalError::NotFound)?;
    let frame = allowed.visit.frame(&portal);
    let people = accounts::list(&portal.db).await?;
    let names: BTreeMap<_, _> = people.iter().map(|user| (user.id.clone(), name(user, frame.language))).collect();
    let rules = Rules::current();
    let today = day_of(portal.now());
    let (mut items, mut urgent, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for (state, revision) in &on_or_unreported(&portal.db, on, today).await? {
        if view(&portal, state, &allowed.user, today) != View::Whole {
            closed.extend(days_of(state).contains(&on).then(|| state.id.clone()));
            continue;
        }
        urgent.extend(urgent_of(&frame, state, on, today));
        if days_of(state).contains(&on) {
            let sittings = sittings_of(&portal, (&state.id, *revision), today).await?;
            items.extend(sittings.iter().filter(|item| item.sitting.on == on).cloned());
        }
    }
    items.sort_by(|one, other| (&one.application, one.round).cmp(&(&other.application, other.round)));
    let named = |users: BTreeSet<&UserId>| -> Vec<String> {
        users.into_iter().map(|user| names.get(user).cloned().unwrap_or_else(|| user.to_string())).collect()
    };
    let decided = items.iter().filter(|item| item.result.is_some());
    let present = named(decided.flat_map(Item::present).collect());
    let entry = |item: Item| Entry {
        present: named(item.present().collect()),
        absent: named(item.absent().collect()),
        recused: named(item.recused.iter().collect()),
        undeclared: named(item.undeclared.iter().collect()),
        missing_seats: item.missing_seats(rules).map(|seat| frame.say_of("seat", seat)).collect(),
        item,
    };
    let items = items.into_iter().map(entry).collect();
    page(&MeetingPage { rules, when: frame.day(on), items, urgent, closed, present, frame })
}

/// Decisions of the urgent lane that were reported on that day; before a coming meeting, those that are to be.
fn urgent_of(frame: &Frame, state: &Application, on: Date, today: Date) -> Vec<Urgent> {
    let due = state.outcomes.iter().filter(|outcome| on >= today && outcome.is_to_be_reported());
    let line = |outcome: &policies::application::Outcome| Urgent {
        id: state.id.clone(),
        title: state.content().map_or_else(String::new, |content| content.title.clone()),
        decided: frame.day_of(&outcome.at),
        decision: outcome.decision.as_str(),
        conditions: conditions(&outcome.decision),
        is_reported: outcome.reported_on.is_some(),
    };
    reported(state, on).chain(due).map(line).collect()
}

/// A decision's conditions in words.
pub(super) fn conditions(decision: &Decision) -> Vec<String> {
    let Decision::GrantedWithConditions { conditions } = decision else { return Vec::new() };
    conditions.iter().map(|condition| condition.text.clone()).collect()
}

/// Why it was put off or refused.
pub(super) fn reason(decision: &Decision) -> Option<&str> {
    match decision {
        Decision::Deferred { reason } | Decision::Rejected { reason } => Some(reason),
        Decision::Granted {} | Decision::GrantedWithConditions { .. } | Decision::Undecided {} => None,
    }
}

/// Findings in the order of the criteria: which, how far met, why.
pub(super) fn findings<'a>(
    frame: &Frame,
    criteria: &'a [Criterion],
    findings: &'a FindingsByCriterion,
) -> Vec<(&'a str, String, &'a str)> {
    let found = criteria.iter().filter_map(|criterion| Some((criterion, findings.get(&criterion.id)?)));
    let line = |(criterion, finding): (&'a Criterion, &'a policies::application::Finding)| {
        let word = match finding.fulfilment {
            Fulfilment::Met => "met",
            Fulfilment::Partly => "partly",
            Fulfilment::Unmet => "unmet",
        };
        let name = if frame.is_ja() { &criterion.ja } else { &criterion.en };
        (name.as_str(), frame.say_of("finding", word), finding.reason.as_str())
    };
    found.map(line).collect()
}

/// What a holder said, or that the answer is not there yet.
pub(super) fn answer_of(frame: &Frame, request: &HolderRequest) -> (String, String) {
    let Some(answer) = &request.answer else {
        return (format!("{} {}", frame.say("holder.waiting"), frame.day(request.due)), String::new());
    };
    let word = match answer.consent {
        None => frame.say("meeting.opinion"),
        Some(true) => frame.say("holder.consent.yes"),
        Some(false) => frame.say("holder.consent.no"),
    };
    (word, answer.text.clone())
}

impl CalendarPage {
    fn items(&self, items: usize) -> String {
        let key = if items == 1 { "meeting.item" } else { "meeting.items" };
        self.frame.say(key).replace("{n}", &items.to_string())
    }
}

impl MeetingPage {
    fn list(&self, names: &[String]) -> String {
        names.join(if self.frame.is_ja() { "、" } else { ", " })
    }

    fn way(item: &Item) -> &'static str {
        match item.sitting.way {
            Way::Circulation => "circulation",
            Way::Meeting => "meeting",
        }
    }

    fn is_urgent(item: &Item) -> bool {
        item.lane == Lane::Urgent
    }

    fn seats(&self, item: &Item) -> String {
        let seats: Vec<_> = item.seats.iter().map(|seat| self.frame.say_of("seat", seat)).collect();
        self.list(&seats)
    }

    fn holders(&self, item: &Item) -> Vec<(String, String, String)> {
        let line = |request: &HolderRequest| {
            let (word, text) = answer_of(&self.frame, request);
            (request.dataset.to_uppercase(), word, text)
        };
        item.holders.iter().map(line).collect()
    }

    fn findings<'a>(&'a self, of: &'a FindingsByCriterion) -> Vec<(&'a str, String, &'a str)> {
        findings(&self.frame, &self.rules.criteria, of)
    }

    fn votes(&self, tally: &policies::application::Tally) -> String {
        let numbers = [("{for}", tally.approvals), ("{against}", tally.against), ("{abstain}", tally.abstentions)];
        let words = self.frame.say("meeting.votes");
        numbers.into_iter().fold(words, |words, (place, number)| words.replace(place, &number.to_string()))
    }

    fn day(&self, day: impl Borrow<Date>) -> Moment {
        self.frame.day(*day.borrow())
    }

    fn has_minutes(&self) -> bool {
        self.items.iter().any(|entry| entry.item.result.is_some())
    }

    fn conditions(decision: &Decision) -> &[policies::application::Condition] {
        if let Decision::GrantedWithConditions { conditions } = decision { conditions } else { &[] }
    }

    fn reason(decision: &Decision) -> Option<&str> {
        reason(decision)
    }
}
