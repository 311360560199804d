//! How the queue of doubtful pairs stands, for stewards: what waits, whose turn it is, what came of it.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use policies::ReviewSummary;
use policies::review::{ReviewTurn, Tens};

use crate::access::{Allowed, ReadLinkage};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::language::Language;
use crate::pages::page;
use crate::portal::Portal;
use crate::review::Told;
use crate::visit::Frame;

/// A summary older than this is of a queue that a monthly run has replaced.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(35 * 24);

#[derive(Template)]
#[template(path = "linkage/show.html")]
struct ShowPage {
    frame: Frame,
    /// Where things stand: `broken`, `missing`, `nowhere`, `stale`, `empty`, `clerk`, `holders`.
    step: &'static str,
    whose: String,
    made_at: Option<Moment>,
    waiting: Vec<[String; 4]>,
    questions: Vec<[String; 3]>,
    answered: Vec<[String; 3]>,
}

/// `GET /linkage`
pub(crate) async fn show(allowed: Allowed<ReadLinkage>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let told = match portal.review.clone() {
        None => Told::Nowhere,
        Some(file) => tokio::task::spawn_blocking(move || file.read()).await.map_err(PortalError::task)?,
    };
    page(&of(allowed.visit.frame(&portal), &told, portal.now()))
}

fn of(frame: Frame, told: &Told, now: Timestamp) -> ShowPage {
    let empty = |frame: Frame, step, whose: &str| ShowPage {
        whose: frame.say(whose),
        frame,
        step,
        made_at: None,
        waiting: Vec::new(),
        questions: Vec::new(),
        answered: Vec::new(),
    };
    match told {
        Told::Broken => empty(frame, "broken", "linkage.turn.zone"),
        Told::Missing => empty(frame, "missing", "linkage.turn.zone"),
        Told::Nowhere => empty(frame, "nowhere", "linkage.turn.operator"),
        Told::Summary(summary) => filled(frame, summary, now),
    }
}

fn filled(frame: Frame, summary: &ReviewSummary, now: Timestamp) -> ShowPage {
    let language = frame.language;
    let waiting = summary.waiting.iter().map(|it| {
        let class = frame.say_of("pattern", it.class.as_str());
        [
            class,
            it.sources.each_ref().map(|source| name(source)).join(" + "),
            turn(language, &it.turn),
            count(language, it.pairs),
        ]
    });
    let day = |date| dates::day(date, language);
    let questions = summary.questions.iter().map(|it| [name(&it.source), day(it.since), count(language, it.questions)]);
    let answered = summary.answered.iter().map(|it| {
        let share = it.same_tenths.map_or_else(|| "–".to_owned(), |tenths| share(language, tenths));
        [frame.say_of("pattern", it.class.as_str()), count(language, it.decided), share]
    });
    let (step, whose) = next(language, summary, now);
    ShowPage {
        step,
        whose,
        made_at: Some(dates::at(summary.made_at, language)),
        waiting: waiting.collect(),
        questions: questions.collect(),
        answered: answered.collect(),
        frame,
    }
}

/// The next step, and whose it is.
fn next(language: Language, summary: &ReviewSummary, now: Timestamp) -> (&'static str, String) {
    let turns = || summary.waiting.iter().map(|it| &it.turn);
    let holders: BTreeSet<String> = turns()
        .filter_map(|turn| match turn {
            ReviewTurn::Holder(source) => Some(name(source)),
            ReviewTurn::Ask(_) | ReviewTurn::Clerk => None,
        })
        .collect();
    if now.duration_since(summary.made_at) > STALE_AFTER {
        ("stale", language.say("linkage.turn.zone"))
    } else if turns().next().is_none() {
        ("empty", language.say("linkage.turn.nobody"))
    } else if turns().any(|turn| !matches!(turn, ReviewTurn::Holder(_))) {
        ("clerk", language.say("linkage.turn.clerk"))
    } else {
        let separator = if language == Language::Ja { "、" } else { ", " };
        let names = holders.into_iter().collect::<Vec<_>>().join(separator);
        ("holders", language.say("linkage.turn.holder").replace("{source}", &names))
    }
}

fn turn(language: Language, turn: &ReviewTurn) -> String {
    match turn {
        ReviewTurn::Ask(source) => language.say("linkage.turn.ask").replace("{source}", &name(source)),
        ReviewTurn::Clerk => language.say("linkage.turn.clerk"),
        ReviewTurn::Holder(source) => language.say("linkage.turn.holder").replace("{source}", &name(source)),
    }
}

/// `<10` or `120–129`.
fn count(language: Language, tens: Tens) -> String {
    if tens.is_few() { language.say("linkage.few") } else { tens.to_string() }
}

fn share(language: Language, tenths: u8) -> String {
    let (tenths, percent) = (tenths.to_string(), (u32::from(tenths) * 10).to_string());
    language.say("linkage.about").replace("{tenths}", &tenths).replace("{percent}", &percent)
}

/// A source as people call it: NDB, LTC.
fn name(source: &str) -> String {
    source.to_uppercase()
}
