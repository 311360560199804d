//! Meetings: the calendar of sittings, and for each day agenda and minutes (議事録), as a page and as PDF.

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
use super::document::{Around, dotted, listed, mark, printed, shown};
use crate::access::{Allowed, ReadBoard};
use crate::accounts;
use crate::application::sittings_of;
use crate::dates::{self, Moment};
use crate::documents::{Block, Document, Fact, Span};
use crate::error::PortalError;
use crate::meetings::{Item, Minutes, calendar, days_of, on_or_unreported, reported};
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

/// What a day's agenda or minutes are made from.
struct Meeting<'a> {
    frame: &'a Frame,
    rules: &'static Rules,
    on: Date,
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
    let on = day(&date)?;
    let frame = allowed.visit.frame(&portal);
    let document = meeting(&portal, &allowed, &frame, on).await?;
    let back = ("/meetings".to_owned(), frame.say("meeting.title"));
    shown(frame, document, Around { back, paper: format!("/meetings/{on}/minutes.pdf"), aside: Vec::new() })
}

/// `GET /meetings/{date}/minutes.pdf`
pub(crate) async fn paper(
    allowed: Allowed<ReadBoard>,
    State(portal): State<Portal>,
    Path(date): Path<String>,
) -> Result<Response, PortalError> {
    let on = day(&date)?;
    let document = meeting(&portal, &allowed, &allowed.visit.frame(&portal), on).await?;
    printed(document, &format!("meeting-{on}")).await
}

/// A day on which somebody can have met.
fn day(text: &str) -> Result<Date, PortalError> {
    text.parse().ok().filter(|day: &Date| day.year() > 0).ok_or(PortalError::NotFound)
}

async fn meeting(
    portal: &Portal,
    allowed: &Allowed<ReadBoard>,
    frame: &Frame,
    on: Date,
) -> Result<Document, PortalError> {
    let people = accounts::list(&portal.db).await?;
    let names: BTreeMap<_, _> = people.iter().map(|user| (user.id.clone(), name(user, frame.language))).collect();
    let rules = Rules::current();
    let today = day_of(portal.now());
    let (mut items, mut urgent, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for (state, revision) in &on_or_unreported(&portal.db, on, today).await? {
        if view(portal, state, &allowed.user, today) != View::Whole {
            closed.extend(days_of(state).contains(&on).then(|| state.id.clone()));
            continue;
        }
        urgent.extend(urgent_of(frame, state, on, today));
        if days_of(state).contains(&on) {
            let sittings = sittings_of(portal, (&state.id, *revision), today).await?;
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
    Ok(Meeting { frame, rules, on, items, urgent, closed, present }.document())
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

/// What holders said, or that the answers are not there yet.
pub(super) fn holders<'a>(frame: &Frame, requests: impl IntoIterator<Item = &'a HolderRequest>) -> Block {
    Block::list(requests.into_iter().map(|request| {
        let (word, text) = answer_of(frame, request);
        vec![Span::strong(request.dataset.to_uppercase()), Span::text(format!(" {word} {text}"))]
    }))
}

/// What a holder said, or that the answer is not there yet.
fn answer_of(frame: &Frame, request: &HolderRequest) -> (String, String) {
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

impl Meeting<'_> {
    fn document(&self) -> Document {
        let frame = self.frame;
        let has_minutes = self.items.iter().any(|entry| entry.item.result.is_some());
        let mut blocks = Vec::new();
        if !self.present.is_empty() {
            blocks.push(Block::Facts(vec![self.names("meeting.present", &self.present)]));
        }
        if self.items.is_empty() && self.urgent.is_empty() && self.closed.is_empty() {
            let [title, words] = ["meeting.empty", "meeting.empty.text"].map(|key| frame.say(key));
            blocks.push(Block::Empty { title, words });
        }
        blocks.extend(self.items.iter().zip(1..).map(|(entry, number)| self.entry(entry, number)));
        blocks.extend(self.urgent());
        blocks.extend(self.closed());
        Document {
            language: frame.lang(),
            kind: frame.say(if has_minutes { "meeting.minutes" } else { "meeting.agenda" }),
            title: format!("{} {}", frame.say("meeting.title"), frame.day(self.on)),
            number: String::new(),
            date: dates::formal(self.on, frame.language),
            letterhead: None,
            blocks,
            mark: mark(frame),
        }
    }

    fn names(&self, key: &str, names: &[String]) -> Fact {
        Fact::line(self.frame.say(key), vec![Span::Text(listed(self.frame, names))])
    }

    fn entry(&self, entry: &Entry, number: usize) -> Block {
        let (frame, item) = (self.frame, &entry.item);
        let at = format!("/applications/{}", item.application);
        let way = match item.sitting.way {
            Way::Circulation => "circulation",
            Way::Meeting => "meeting",
        };
        let about = [
            item.application.to_string(),
            frame.say_of("way-of-sitting", way),
            frame.say_of("lane", item.lane.as_str()),
        ];
        let amendment = (item.round > 1).then(|| frame.say("meeting.amendment"));
        let sheet = Span::link(format!("{at}/sheet"), frame.say("sheet.title"));
        let about = dotted(about.into_iter().chain(amendment).map(Span::Text).chain([sheet]));
        let title = vec![Span::text(format!("{number}. ")), Span::link(at, &item.title)];
        let mut facts = self.seating(entry);
        if let Some(minutes) = &item.result {
            facts.extend(self.minutes(item, minutes));
        }
        Block::Section(vec![Block::Heading(title), Block::Meta(about), Block::Facts(facts)])
    }

    /// Who may vote or voted, who is away and why, which seats are held, what holders said.
    fn seating(&self, entry: &Entry) -> Vec<Fact> {
        let (frame, item) = (self.frame, &entry.item);
        let key = if item.result.is_some() { "meeting.voted" } else { "meeting.may-vote" };
        let nobody = [frame.say("meeting.nobody")];
        let mut facts = vec![self.names(key, if entry.present.is_empty() { &nobody } else { &entry.present })];
        for (key, names) in [
            ("meeting.absent", &entry.absent),
            ("meeting.recused", &entry.recused),
            ("meeting.undeclared", &entry.undeclared),
        ] {
            facts.extend((!names.is_empty()).then(|| self.names(key, names)));
        }
        let seats: Vec<_> = item.seats.iter().map(|seat| frame.say_of("seat", seat)).collect();
        let mut seats = vec![Block::text(listed(frame, &seats))];
        if !entry.missing_seats.is_empty() {
            let missing = format!(" {}", listed(frame, &entry.missing_seats));
            seats.push(Block::Text(vec![Span::Alert(frame.say("meeting.missing")), Span::Text(missing)]));
        }
        facts.push(Fact::new(frame.say("meeting.seats"), seats));
        let heard = !item.holders.is_empty();
        facts.extend(heard.then(|| Fact::new(frame.say("review.holders"), vec![holders(frame, &item.holders)])));
        facts
    }

    /// What was decided, and why.
    fn minutes(&self, item: &Item, minutes: &Minutes) -> Vec<Fact> {
        let (frame, outcome) = (self.frame, &minutes.outcome);
        let decision = Span::strong(frame.say_of("decision", outcome.decision.as_str()));
        let mut decided = vec![Block::Text(vec![decision, Span::text(" "), Span::Time(frame.minute(&outcome.at))])];
        decided.extend(reason(&outcome.decision).map(Block::text));
        if let Decision::GrantedWithConditions { conditions } = &outcome.decision {
            decided.push(Block::numbered(conditions.iter().map(|condition| {
                let due = format!(" {}: {}", frame.say("condition.due"), frame.day(condition.due));
                vec![Span::text(&condition.text), Span::small(due)]
            })));
        }
        let mut facts = vec![
            Fact::line(frame.say("review.votes"), vec![Span::text(self.votes(&minutes.tally))]),
            Fact::new(frame.say("meeting.decision"), decided),
        ];
        let found = findings(frame, &self.rules.criteria, &outcome.findings).into_iter();
        facts.extend(found.map(|(criterion, word, reason)| {
            Fact::line(criterion, vec![Span::strong(word), Span::text(" "), Span::text(reason)])
        }));
        if item.lane == Lane::Urgent {
            let reported = match outcome.reported_on {
                Some(on) => Span::link(format!("/meetings/{on}"), frame.day(on).text),
                None => Span::text(frame.say("meeting.to-report")),
            };
            facts.push(Fact::line(frame.say("meeting.report"), vec![reported]));
        }
        facts
    }

    fn votes(&self, tally: &policies::application::Tally) -> String {
        let numbers = [("{for}", tally.approvals), ("{against}", tally.against), ("{abstain}", tally.abstentions)];
        let words = self.frame.say("meeting.votes");
        numbers.into_iter().fold(words, |words, (place, number)| words.replace(place, &number.to_string()))
    }

    fn urgent(&self) -> Vec<Block> {
        if self.urgent.is_empty() {
            return Vec::new();
        }
        let frame = self.frame;
        let line = |line: &Urgent| {
            let key = if line.is_reported { "meeting.reported" } else { "meeting.to-report" };
            let parts = [
                Span::link(format!("/applications/{}", line.id), &line.title),
                Span::small(line.id.to_string()),
                Span::text(frame.say_of("decision", line.decision)),
                Span::Time(line.decided.clone()),
                Span::text(frame.say(key)),
            ];
            let conditions = line.conditions.iter().map(Block::text);
            std::iter::once(Block::Text(dotted(parts))).chain(conditions).collect()
        };
        let items = self.urgent.iter().map(line).collect();
        vec![Block::heading(frame.say("meeting.urgent")), Block::List { is_numbered: false, items }]
    }

    fn closed(&self) -> Vec<Block> {
        if self.closed.is_empty() {
            return Vec::new();
        }
        let ids = Block::list(self.closed.iter().map(|id| vec![Span::text(id.to_string())]));
        vec![Block::heading(self.frame.say("meeting.closed")), Block::text(self.frame.say("meeting.closed.text")), ids]
    }
}
