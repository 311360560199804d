//! `GET /applications/{application}/letter` and `…/letter.pdf`: the decision as a letter (審査結果通知書), made from the outcome.

use axum::extract::State;
use axum::response::Response;
use policies::application::{Application, Condition, Decision, Lane, Outcome, Rules, Way, day_of};

use super::document::{Around, dotted, mark, printed, shown};
use super::meeting::{findings, reason};
use crate::access::{Allowed, Read};
use crate::accounts::{self, User};
use crate::dates;
use crate::documents::{Block, Document, Fact, Letterhead, Span, Table};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::visit::{Frame, name};

/// What the letter is made from.
struct Letter<'a> {
    frame: &'a Frame,
    rules: &'static Rules,
    state: &'a Application,
    outcome: &'a Outcome,
    people: Vec<User>,
}

/// `GET /applications/{application}/letter`
pub(crate) async fn show(allowed: Allowed<Read>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let frame = allowed.visit.frame(&portal);
    let document = letter(&portal, &frame, state).await?;
    let aside = vec![now(&frame, state, &portal)];
    shown(frame, document, Around { aside, ..Around::application(&state.id, "letter.pdf") })
}

/// `GET /applications/{application}/letter.pdf`
pub(crate) async fn paper(allowed: Allowed<Read>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let document = letter(&portal, &allowed.visit.frame(&portal), state).await?;
    printed(document, &format!("decision-{}", state.id)).await
}

/// The last decision that says something to the applicant: votes that carry nothing are voted on again.
pub(super) fn latest(outcomes: &[Outcome]) -> Option<&Outcome> {
    outcomes.iter().rev().find(|outcome| !matches!(outcome.decision, Decision::Undecided {}))
}

async fn letter(portal: &Portal, frame: &Frame, state: &Application) -> Result<Document, PortalError> {
    let outcome = latest(&state.outcomes).ok_or(PortalError::NotFound)?;
    let people = accounts::list(&portal.db).await?;
    Ok(Letter { frame, rules: Rules::current(), state, outcome, people }.document())
}

/// How the application stands today: on the page alone, since a letter on paper stays as it is.
fn now(frame: &Frame, state: &Application, portal: &Portal) -> Block {
    let stage = state.stage(Rules::current(), day_of(portal.now()));
    let stage = stage.as_str();
    Block::Section(vec![
        Block::Text(vec![
            Span::strong(frame.say("letter.now")),
            Span::text(format!(" {} · {}: ", frame.say_of("stage", stage), frame.say("application.turn"))),
            Span::strong(frame.say_of("turn", stage)),
        ]),
        Block::text(frame.say_of("next", stage)),
    ])
}

impl Letter<'_> {
    fn document(&self) -> Document {
        let frame = self.frame;
        let decision = self.outcome.decision.as_str();
        let intro = frame.say_of("letter.intro", decision).replace("{title}", &self.title());
        let mut blocks = vec![Block::text(intro.replace("{number}", self.state.id.as_str())), self.facts()];
        blocks.extend(self.conditions());
        blocks.extend([
            Block::heading(frame.say("letter.findings")),
            self.findings(),
            Block::heading(frame.say("letter.next")),
            Block::text(frame.say_of("letter.after", decision)),
            Block::heading(frame.say("use.contact")),
            Block::text(frame.say(if frame.synthetic { "use.contact.demo" } else { "use.contact.text" })),
        ]);
        Document {
            language: frame.lang(),
            kind: String::new(),
            title: frame.say("letter.title"),
            number: self.state.id.to_string(),
            date: dates::formal(dates::today(self.outcome.at), frame.language),
            letterhead: Some(Letterhead { addressee: self.addressee(), sender: self.sender() }),
            blocks,
            mark: mark(frame),
        }
    }

    fn title(&self) -> String {
        self.state.content().map_or_else(String::new, |content| content.title.clone())
    }

    fn addressee(&self) -> Vec<String> {
        let applicant = self.people.iter().find(|user| Some(&user.id) == self.state.applicant.as_ref());
        let Some(applicant) = applicant else { return vec![String::new()] };
        let to = self.frame.say("letter.to").replace("{name}", &name(applicant, self.frame.language));
        vec![applicant.affiliation.to_string(), to]
    }

    /// Who decided, then who is asked: the secretariat is both in its own lane.
    fn sender(&self) -> Vec<String> {
        let head = &self.rules.letterhead;
        let offices = [(self.outcome.lane != Lane::Secretariat).then_some(&head.committee), Some(&head.secretariat)];
        let named =
            |office: &policies::application::Name| if self.frame.is_ja() { &office.ja } else { &office.en }.clone();
        offices.into_iter().flatten().map(named).collect()
    }

    fn facts(&self) -> Block {
        let frame = self.frame;
        let lane = Span::text(frame.say_of("lane", self.outcome.lane.as_str()));
        let sitting = self.outcome.sitting.iter().map(|sitting| {
            let way = if sitting.way == Way::Circulation { "circulation" } else { "meeting" };
            [Span::text(frame.say_of("way-of-sitting", way)), Span::Time(frame.day(sitting.on))]
        });
        let by = dotted(std::iter::once(lane).chain(sitting.flatten()));
        let decision = Span::strong(frame.say_of("decision", self.outcome.decision.as_str()));
        let mut facts = vec![
            Fact::line(frame.say("field.title"), vec![Span::text(self.title())]),
            Fact::line(frame.say("meeting.decision"), vec![decision]),
            Fact::line(frame.say("letter.by"), by),
        ];
        let reason = reason(&self.outcome.decision);
        facts.extend(reason.map(|reason| Fact::line(frame.say("letter.reason"), vec![Span::text(reason)])));
        Block::Facts(facts)
    }

    fn conditions(&self) -> Vec<Block> {
        let Decision::GrantedWithConditions { conditions } = &self.outcome.decision else { return Vec::new() };
        let frame = self.frame;
        let name = frame.say("decision.conditions");
        let head = ["condition.text", "condition.owner", "condition.due"].map(|key| frame.say(key)).to_vec();
        let rows = conditions.iter().map(|condition| self.condition(condition)).collect();
        let table = Block::Table(Table { name: name.clone(), head, rows });
        vec![Block::heading(name), Block::text(frame.say("letter.conditions")), table]
    }

    fn condition(&self, condition: &Condition) -> Vec<Vec<Block>> {
        let owner = self.people.iter().find(|person| person.id == condition.owner);
        let owner = owner.map_or_else(|| condition.owner.to_string(), |owner| name(owner, self.frame.language));
        let mut words = vec![Span::text(&condition.text)];
        words.extend(condition.excludes.iter().flat_map(|column| [Span::text(" "), Span::Code(column.clone())]));
        let due = vec![Span::Time(self.frame.day(condition.due))];
        vec![vec![Block::Text(words)], vec![Block::text(owner)], vec![Block::Text(due)]]
    }

    fn findings(&self) -> Block {
        let frame = self.frame;
        let fact = |(criterion, word, reason): (&str, String, &str)| {
            Fact::line(criterion, vec![Span::strong(word), Span::text(" "), Span::text(reason)])
        };
        let found = findings(frame, &self.rules.criteria, &self.outcome.findings);
        Block::Facts(found.into_iter().map(fact).collect())
    }
}
