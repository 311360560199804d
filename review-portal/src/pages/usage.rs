//! 「わたしたちのデータの使われ方」: the register, and how decisions are made. Open to everybody.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use policies::application::rules::ConflictScope;
use policies::application::{Clause, Item, Problem, Rules};

use crate::catalog::{Dataset, list as datasets};
use crate::error::PortalError;
use crate::language::Language;
use crate::pages::catalog::require;
use crate::pages::page;
use crate::portal::Portal;
use crate::register::{Parts, ProjectState, PublicRegister, StepDays, Trouble, register};
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "usage/show.html")]
struct ShowPage {
    frame: Frame,
    register: PublicRegister,
    as_of: Timestamp,
    datasets: BTreeMap<String, String>,
    bars: Vec<Bar>,
}

/// A step of the way as a bar, in units of the drawing (360 wide).
struct Bar {
    words: String,
    days: StepDays,
    top: usize,
    base: usize,
    length: u64,
}

#[derive(Template)]
#[template(path = "usage/decisions.html")]
struct DecisionsPage {
    frame: Frame,
    rules: &'static Rules,
    datasets: Vec<Dataset>,
}

/// `GET /use`
pub(crate) async fn show(
    visit: Visit,
    State(portal): State<Portal>,
    Query(parts): Query<Parts>,
) -> Result<Response, PortalError> {
    require(&visit, &portal)?;
    let register = register(&portal.db, parts).await?;
    let frame = visit.frame(&portal);
    page(&ShowPage {
        datasets: datasets(&portal.db)
            .await?
            .into_iter()
            .map(|it| (it.id.clone(), title(&it, frame.language)))
            .collect(),
        bars: bars(&register.figures.steps, &frame),
        as_of: portal.now(),
        register,
        frame,
    })
}

/// `GET /use/decisions`
pub(crate) async fn decisions(visit: Visit, State(portal): State<Portal>) -> Result<Response, PortalError> {
    require(&visit, &portal)?;
    let mut datasets = datasets(&portal.db).await?;
    datasets.retain(|dataset| dataset.holder_say.is_some());
    page(&DecisionsPage { frame: visit.frame(&portal), rules: Rules::current(), datasets })
}

impl DecisionsPage {
    fn item<'a>(&self, item: &'a Item) -> &'a str {
        if self.frame.is_ja() { &item.ja } else { &item.en }
    }

    fn clause<'a>(&self, clause: &'a Clause) -> &'a str {
        if self.frame.is_ja() { &clause.ja } else { &clause.en }
    }

    fn list(&self, words: &[String]) -> String {
        words.join(if self.frame.is_ja() { "、" } else { ", " })
    }

    fn seats(&self) -> String {
        self.list(&self.rules.vote.seats.iter().map(|seat| self.frame.say_of("seat", seat)).collect::<Vec<_>>())
    }

    fn majority(&self) -> String {
        let (numerator, denominator) = self.rules.vote.majority;
        format!("{numerator}/{denominator}")
    }

    fn scope(&self) -> &'static str {
        match self.rules.conflict.scope {
            ConflictScope::Department => "department",
            ConflictScope::Institution => "institution",
        }
    }

    /// Days of the rules: the word of the turn, and how many.
    fn days(&self) -> [(&'static str, i32); 6] {
        let days = &self.rules.days;
        [
            ("check", days.completeness),
            ("correct", days.correction),
            ("answer-holder", days.holder_opinion),
            ("give-opinion", days.review),
            ("first-report", self.rules.incident.first_report_days),
            ("final-report", self.rules.incident.final_report_days),
        ]
    }

    fn warnings(&self) -> String {
        self.list(&self.rules.days.expiry_warnings.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    /// Parts that the secretariat may let change alone.
    fn parts(&self) -> String {
        let part = |field: &String| {
            let (ja, en) = Problem::name_of(field);
            if self.frame.is_ja() { ja } else { en }
        };
        self.list(&self.rules.lanes.secretariat.fields.iter().map(part).collect::<Vec<_>>())
    }

    fn urgent(&self) -> String {
        let kinds = self.rules.lanes.urgent.applicants.iter();
        self.list(&kinds.map(|kind| self.frame.say_of("applicant-kind", kind.as_str())).collect::<Vec<_>>())
    }

    #[expect(clippy::needless_pass_by_value, reason = "templates hand over values and references alike")]
    fn fill(&self, key: &str, number: impl ToString) -> String {
        self.frame.say(key).replace("{n}", &number.to_string())
    }
}

fn title(dataset: &Dataset, language: Language) -> String {
    match language {
        Language::En => dataset.text.title_en.clone(),
        Language::Ja => dataset.text.title_ja.clone(),
    }
}

/// Bars of the median days, the longest across the whole width.
fn bars(steps: &[StepDays], frame: &Frame) -> Vec<Bar> {
    let longest = steps.iter().map(|step| step.median).max().unwrap_or_default().max(1);
    let bar = |(row, days): (usize, &StepDays)| Bar {
        words: frame.say_of("progress", days.step.as_str()),
        days: days.clone(),
        top: row * 34 + 6,
        base: row * 34 + 22,
        length: (days.median * 160 / longest).max(2),
    };
    steps.iter().enumerate().map(bar).collect()
}

impl ShowPage {
    /// Titles of datasets, those that the catalog does not know by their names.
    fn titles(&self, ids: &[String]) -> String {
        let titles: Vec<_> = ids.iter().map(|id| self.datasets.get(id).unwrap_or(id).as_str()).collect();
        titles.join(self.comma())
    }

    fn comma(&self) -> &'static str {
        if self.frame.is_ja() { "、" } else { ", " }
    }

    fn state(&self, state: ProjectState) -> String {
        self.frame.say_of("use.state", state.as_str())
    }

    /// Address of a page of one list, the others as they stand: `list` is its word.
    fn at(&self, list: &str, page: usize) -> String {
        let now = &self.register;
        let pages = [("page", now.projects.page), ("refusals", now.refusals.page), ("incidents", now.troubles.page)];
        let page_of =
            |(word, at): (&str, usize)| if word == list { (word.to_owned(), page) } else { (word.to_owned(), at) };
        let words = pages.map(page_of).into_iter().filter(|(word, at)| *at > 1 || word == list);
        words.map(|(word, at)| format!("{word}={at}")).collect::<Vec<_>>().join("&")
    }

    fn height(&self) -> usize {
        self.bars.len() * 34 + 4
    }

    /// Sentence with a number of days.
    fn days(&self, days: u64) -> String {
        let words = match days {
            0 => self.frame.say("use.same-day"),
            1 => self.frame.say("use.day"),
            _ => self.frame.say("use.days"),
        };
        words.replace("{n}", &days.to_string())
    }
}
