//! `GET /applications/{application}/letter`: the decision as a letter (審査結果通知書), made from the outcome.

use std::borrow::Borrow;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use policies::UserId;
use policies::application::{Condition, Decision, FindingsByCriterion, Outcome, Rules, Stage, Way, day_of};

use super::meeting::{findings, reason};
use crate::access::{Allowed, Read};
use crate::accounts::{self, User};
use crate::dates::Moment;
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::{Frame, name};

#[derive(Template)]
#[template(path = "letter/show.html")]
struct LetterPage {
    frame: Frame,
    rules: &'static Rules,
    id: String,
    title: String,
    addressee: String,
    affiliation: String,
    outcome: Outcome,
    stage: Stage,
    people: Vec<User>,
}

/// `GET /applications/{application}/letter`
pub(crate) async fn show(allowed: Allowed<Read>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let frame = allowed.visit.frame(&portal);
    let outcome = latest(&state.outcomes).ok_or(PortalError::NotFound)?.clone();
    let people = accounts::list(&portal.db).await?;
    let applicant = people.iter().find(|user| Some(&user.id) == state.applicant.as_ref());
    let rules = Rules::current();
    page(&LetterPage {
        rules,
        id: state.id.to_string(),
        title: state.content().map_or_else(String::new, |content| content.title.clone()),
        addressee: applicant.map_or_else(String::new, |user| name(user, frame.language)),
        affiliation: applicant.map_or_else(String::new, |user| user.affiliation.to_string()),
        stage: state.stage(rules, day_of(portal.now())),
        outcome,
        people,
        frame,
    })
}

/// The last decision that says something to the applicant: votes that carry nothing are voted on again.
pub(super) fn latest(outcomes: &[Outcome]) -> Option<&Outcome> {
    outcomes.iter().rev().find(|outcome| !matches!(outcome.decision, Decision::Undecided {}))
}

impl LetterPage {
    fn day(&self, day: impl Borrow<Date>) -> Moment {
        self.frame.day(*day.borrow())
    }

    fn name(&self, user: &UserId) -> String {
        let known = self.people.iter().find(|person| person.id == *user);
        known.map_or_else(|| user.to_string(), |known| name(known, self.frame.language))
    }

    /// The sitting that decided: its kind and day; none in the secretariat's lane.
    fn sitting(&self) -> Option<(&'static str, Moment)> {
        let sitting = self.outcome.sitting.as_ref()?;
        let way = if sitting.way == Way::Circulation { "circulation" } else { "meeting" };
        Some((way, self.day(sitting.on)))
    }

    fn conditions(&self) -> &[Condition] {
        if let Decision::GrantedWithConditions { conditions } = &self.outcome.decision { conditions } else { &[] }
    }

    fn reason(&self) -> Option<&str> {
        reason(&self.outcome.decision)
    }

    fn findings<'a>(&'a self, of: &'a FindingsByCriterion) -> Vec<(&'a str, String, &'a str)> {
        findings(&self.frame, &self.rules.criteria, of)
    }
}
