//! `GET /board`: what waits for whom and how long, for the secretariat, the chair and the auditor.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use policies::access::{Action, Relation};
use policies::application::{Application, Rules, Stage, day_of};
use policies::{ApplicationId, UserId};

use crate::access::{Allowed, ReadBoard, relation};
use crate::accounts::{self, User};
use crate::application::{open, title};
use crate::board::{End, Ending, Turn, Who, ends, turns};
use crate::dates::Moment;
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, name};

/// Lines of one table; what is the most urgent stands first.
const LINES_MAX: usize = 200;

#[derive(Template)]
#[template(path = "board/show.html")]
struct BoardPage {
    frame: Frame,
    /// By kind of person: the word, turns, overdue ones.
    counts: Vec<(&'static str, usize, usize)>,
    turns: Vec<Line>,
    /// Turns that do not stand on the page.
    left_out: usize,
    ends: Vec<EndLine>,
}

struct Line {
    about: About,
    stage: Stage,
    word: &'static str,
    name: String,
    task: &'static str,
    days: i32,
    due: Option<Moment>,
    /// `good`, `warn` or `bad` with its words; none without a last day.
    mark: Option<(&'static str, String)>,
}

#[derive(Clone)]
struct About {
    id: ApplicationId,
    title: String,
    /// Where the reader may go.
    link: String,
}

struct EndLine {
    about: About,
    word: &'static str,
    name: String,
    last: Moment,
    mark: (&'static str, String),
}

/// How much of an application its reader may see here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// Nothing: one asks here oneself, has a conflict, or it was never handed in.
    Closed,
    /// The title: the chair has not said whether there is a conflict.
    Title,
    /// All.
    Whole,
}

/// What this person may see of an application among those of others.
pub(super) fn view(portal: &Portal, state: &Application, user: &User, today: Date) -> View {
    let relation = relation(state, user, today);
    let may = |what| portal.may(Some(&user.roles), relation, what);
    if matches!(relation, Relation::Applicant | Relation::Member | Relation::Private) {
        View::Closed
    } else if may(Action::ApplicationRead) {
        View::Whole
    } else if may(Action::ApplicationJudgeInterest) {
        View::Title
    } else {
        View::Closed
    }
}

/// `GET /board`
pub(crate) async fn show(allowed: Allowed<ReadBoard>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let frame = allowed.visit.frame(&portal);
    let people = accounts::list(&portal.db).await?;
    let names = people.iter().map(|user| (user.id.clone(), name(user, frame.language))).collect();
    let rules = Rules::current();
    let today = day_of(portal.now());
    let (mut all, mut ending) = (Vec::new(), Vec::new());
    for course in open(&portal).await? {
        let state = &course.state;
        let view = view(&portal, state, &allowed.user, today);
        if view == View::Closed {
            continue;
        }
        let (id, title, stage) = (state.id.clone(), title(state).to_owned(), state.stage(rules, today));
        let to = if view == View::Whole { "" } else { "/interest" };
        let about = About { link: format!("/applications/{id}{to}"), id, title };
        let open = |turn: &Turn| view == View::Whole || turn.who == Who::Chair;
        let own = turns(rules, &course, today).into_iter().filter(open);
        all.extend(own.map(|turn| (about.clone(), stage, turn)));
        if view == View::Whole {
            ending.extend(ends(rules, state, today).into_iter().map(|end| (about.clone(), end)));
        }
    }
    all.sort_by_key(|(_, _, turn)| (turn.due.is_none(), turn.due, turn.since));
    ending.sort_by_key(|(_, end)| end.last);
    let table = Table { frame: &frame, names, today };
    let counts = Who::WORDS.map(|word| {
        let of = || all.iter().filter(move |(_, _, turn)| turn.who.word() == word);
        (word, of().count(), of().filter(|(_, _, turn)| turn.is_overdue(today)).count())
    });
    page(&BoardPage {
        counts: counts.into_iter().filter(|(_, turns, _)| *turns > 0).collect(),
        left_out: all.len().saturating_sub(LINES_MAX),
        turns: all.into_iter().take(LINES_MAX).map(|(about, stage, turn)| table.line(about, stage, &turn)).collect(),
        ends: ending.into_iter().take(LINES_MAX).map(|(about, end)| table.end(about, &end)).collect(),
        frame,
    })
}

struct Table<'a> {
    frame: &'a Frame,
    names: BTreeMap<UserId, String>,
    today: Date,
}

impl Table<'_> {
    fn name(&self, user: &UserId) -> String {
        self.names.get(user).cloned().unwrap_or_else(|| user.to_string())
    }

    fn line(&self, about: About, stage: Stage, turn: &Turn) -> Line {
        let name = match &turn.who {
            Who::Applicant | Who::Chair | Who::Secretariat => String::new(),
            Who::Holder(dataset) => dataset.to_uppercase(),
            Who::Member(user) | Who::Owner(user) | Who::Reviewer(user) => self.name(user),
        };
        Line {
            about,
            stage,
            word: turn.who.word(),
            name,
            task: turn.task.as_str(),
            days: (self.today - turn.since).get_days().max(0),
            due: turn.due.map(|due| self.frame.day(due)),
            mark: turn.due.map(|due| self.mark(due)),
        }
    }

    /// How near a last day is, in words.
    fn mark(&self, due: Date) -> (&'static str, String) {
        let left = (due - self.today).get_days();
        let say = |key: &str| self.frame.say(key).replace("{n}", &left.abs().to_string());
        match left {
            ..0 => ("bad", say("board.overdue")),
            0 => ("warn", say("board.due-today")),
            1..=3 => ("warn", say("board.days-left")),
            _ => ("plain", say("board.days-left")),
        }
    }

    fn end(&self, about: About, end: &End) -> EndLine {
        let left = (end.last - self.today).get_days();
        let say = |key: &str| self.frame.say(key).replace("{n}", &left.abs().to_string());
        let mark = match end.warning {
            None => ("bad", say("board.lapsed")),
            Some(..=7) => ("bad", say("board.days-left")),
            Some(8..=30) => ("warn", say("board.days-left")),
            Some(_) => ("plain", say("board.days-left")),
        };
        let name = if let Ending::Training(user) = &end.what { self.name(user) } else { String::new() };
        EndLine { about, word: end.what.word(), name, last: self.frame.day(end.last), mark }
    }
}

impl BoardPage {
    fn days(&self, days: i32) -> String {
        let key = if days == 1 { "board.day" } else { "board.days" };
        self.frame.say(key).replace("{n}", &days.to_string())
    }
}
