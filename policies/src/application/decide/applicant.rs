//! What applicant and members do.

use super::{Desk, line, required};
use crate::application::content::Content;
use crate::application::parts::{Audience, IncidentReport, Training};
use crate::application::refusal::Refusal;
use crate::application::round::Phase;
use crate::role::Role;

impl Desk<'_> {
    pub(super) fn draft(&self, content: &Content) -> Result<(), Refusal> {
        if self.state.applicant.is_some() {
            return Err(Refusal::OutOfTurn);
        }
        self.with_role(&[Role::Researcher])?;
        fits(content)
    }

    pub(super) fn amend(&self, content: &Content) -> Result<(), Refusal> {
        self.by_applicant()?;
        let usage = self.usage()?;
        if self.state.round.is_some() {
            return Err(Refusal::OutOfTurn);
        }
        if content.project != usage.content.project {
            return Err(Refusal::ProjectFixed);
        }
        fits(content)
    }

    pub(super) fn edit(&self, content: &Content) -> Result<(), Refusal> {
        self.by_applicant()?;
        let round = self.round_in(is_with_the_applicant)?;
        if round.granted.as_ref().is_some_and(|granted| granted.project != content.project) {
            return Err(Refusal::ProjectFixed);
        }
        fits(content)
    }

    pub(super) fn submit(&self) -> Result<(), Refusal> {
        self.by_applicant()?;
        let round = self.round_in(is_with_the_applicant)?;
        if round.granted.as_ref() == Some(&round.content) {
            return Err(Refusal::NothingChanged);
        }
        let problems = round.content.problems(self.rules, self.today);
        if problems.is_empty() { Ok(()) } else { Err(Refusal::Incomplete(problems)) }
    }

    pub(super) fn withdraw(&self) -> Result<(), Refusal> {
        self.by_applicant()?;
        // An amendment whose conditions cannot be met would stand in the way of every other one.
        let is_amendment = self.state.usage.is_some();
        let may_end = |phase: &Phase| !is_over(phase) && (is_amendment || !matches!(phase, Phase::Granted { .. }));
        self.round_in(may_end).map(drop)
    }

    pub(super) fn join(&self, training: &Training) -> Result<(), Refusal> {
        let contents = self.state.contents();
        if !contents.into_iter().any(|content| content.members.contains_key(&self.by.user)) {
            return Err(Refusal::NotMember);
        }
        let over = self.state.usage.as_ref().is_some_and(|usage| usage.ending.is_some())
            || self.state.round.as_ref().is_some_and(|round| is_over(&round.phase));
        if over {
            return Err(Refusal::OutOfTurn);
        }
        self.not_past(training.until)?;
        training.sha256.iter().try_for_each(|sha256| line(sha256))?;
        line(&training.course)?;
        required(&training.course)
    }

    pub(super) fn pledge(&self, version: &str) -> Result<(), Refusal> {
        let granted = self.state.round.as_ref().filter(|round| matches!(round.phase, Phase::Granted { .. }));
        let running = self.state.usage.as_ref().filter(|usage| usage.ending.is_none());
        let contents = granted.map(|round| &round.content).into_iter().chain(running.map(|usage| &usage.content));
        let mut contents = contents.peekable();
        if contents.peek().is_none() {
            return Err(Refusal::OutOfTurn);
        }
        if !contents.any(|content| content.members.contains_key(&self.by.user)) {
            return Err(Refusal::NotMember);
        }
        if version != self.rules.pledge.version {
            return Err(Refusal::OldPledge);
        }
        if self.state.pledges.get(&self.by.user).is_some_and(|signed| signed == version) {
            return Err(Refusal::AlreadyPledged);
        }
        Ok(())
    }

    pub(super) fn report_condition(&self, number: u32, text: &str) -> Result<(), Refusal> {
        let round = self.round()?;
        let Phase::Granted { conditions } = &round.phase else { return Err(Refusal::OutOfTurn) };
        let state = conditions.get(&number).ok_or(Refusal::NoSuchEntry)?;
        if state.condition.owner != self.by.user {
            self.by_applicant()?;
        }
        if state.is_met { Err(Refusal::AlreadyAnswered) } else { required(text) }
    }

    pub(super) fn answer_restriction(&self, number: u32, text: &str) -> Result<(), Refusal> {
        self.by_applicant()?;
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let restriction = at.and_then(|at| self.usage().ok()?.restrictions.get(at)).ok_or(Refusal::NoSuchEntry)?;
        if restriction.answer.is_some() { Err(Refusal::AlreadyAnswered) } else { required(text) }
    }

    pub(super) fn file_results(&self, summary: &str) -> Result<(), Refusal> {
        self.by_applicant()?;
        if self.state.usage.is_none() { Err(Refusal::OutOfTurn) } else { required(summary) }
    }

    pub(super) fn report_incident(&self, report: &IncidentReport) -> Result<(), Refusal> {
        if !self.state.is_party(&self.by.user) {
            self.with_role(&[Role::Secretariat, Role::OutputChecker, Role::Chair])?;
        }
        if self.state.usage.is_none() {
            return Err(Refusal::OutOfTurn);
        }
        if !(1..=3).contains(&report.severity) || report.noticed_on > self.today {
            return Err(Refusal::NoSuchEntry);
        }
        required(&report.text)
    }

    pub(super) fn comment(&self, field: &str, text: &str, audience: Audience) -> Result<(), Refusal> {
        line(field)?;
        if self.state.is_party(&self.by.user) {
            return if audience == Audience::Internal { Err(Refusal::WrongRole) } else { required(text) };
        }
        if self.by.is(Role::Secretariat) && self.state.usage.is_some() {
            return required(text);
        }
        let round = self.round()?;
        if !round.handed_in {
            return Err(Refusal::OutOfTurn);
        }
        if !self.by.is(Role::Secretariat) {
            let asked = |request: &crate::application::HolderRequest| self.answers_for(&request.dataset);
            if !round.holders.values().any(asked) {
                self.with_role(&[Role::Reviewer, Role::Chair])?;
                self.without_conflict()?;
            }
        }
        required(text)
    }
}

fn fits(content: &Content) -> Result<(), Refusal> {
    let problems = content.too_long();
    if problems.is_empty() { Ok(()) } else { Err(Refusal::Incomplete(problems)) }
}

fn is_with_the_applicant(phase: &Phase) -> bool {
    matches!(phase, Phase::Draft {} | Phase::Returned { .. })
}

fn is_over(phase: &Phase) -> bool {
    matches!(phase, Phase::Rejected {} | Phase::Withdrawn {} | Phase::Revoked { .. })
}
