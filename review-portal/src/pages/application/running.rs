//! From the grant to the end of the use: conditions, training, pledges, permit, restrictions, suspension, incidents, closure.

use std::borrow::Borrow;

use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use policies::application::{Clause, ConditionState, Ended, Incident, IncidentKind, IncidentStep, Phase, Rules, Usage};
use policies::{Role, UserId};

use super::show::Sight;
use crate::application::Act;
use crate::dates::{self, Moment};

#[derive(Template)]
#[template(path = "application/running.html")]
pub(super) struct RunningPanel<'a> {
    sight: &'a Sight,
    rules: &'static Rules,
    usage: Option<&'a Usage>,
}

struct MemberLine {
    name: String,
    /// Last day of the training; none before the member accepted.
    trained_until: Option<Moment>,
    /// Where the certificate's document is, if this person may read one.
    document: Option<String>,
    has_pledged: bool,
    is_ready: bool,
    /// Whether it is this person's to renew.
    is_mine: bool,
}

impl<'a> RunningPanel<'a> {
    pub(super) fn of(sight: &'a Sight) -> Self {
        Self { sight, rules: Rules::current(), usage: sight.state.usage.as_ref() }
    }

    fn day(&self, day: impl Borrow<Date>) -> Moment {
        dates::on(*day.borrow(), self.sight.frame.language)
    }

    fn at(&self, at: impl Borrow<Timestamp>) -> Moment {
        dates::at(*at.borrow(), self.sight.frame.language)
    }

    fn clause<'c>(&self, clause: &'c Clause) -> &'c str {
        if self.sight.frame.is_ja() { &clause.ja } else { &clause.en }
    }

    fn conditions(&self) -> Vec<(&'a u32, &'a ConditionState)> {
        match self.sight.state.round.as_ref().map(|round| &round.phase) {
            Some(Phase::Granted { conditions }) => conditions.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether this person is to report the condition.
    fn is_mine(&self, state: &ConditionState) -> bool {
        self.sight.offers(Act::ReportCondition) && !state.is_met && state.reported.is_none()
    }

    fn is_confirmable(&self, state: &ConditionState) -> bool {
        self.sight.offers(Act::ConfirmCondition) && !state.is_met && state.reported.is_some()
    }

    /// Whether the secretariat waits for members who have not accepted.
    fn is_waiting_for_members(&self) -> bool {
        let checked = self.sight.state.round.as_ref().filter(|round| matches!(round.phase, Phase::Submitted {}));
        let joined = |member: &UserId| self.sight.state.joined.contains_key(member);
        checked.is_some_and(|round| !round.content.members.keys().all(joined))
    }

    /// Whether pledges are given yet.
    fn is_granted(&self) -> bool {
        let round = self.sight.state.round.as_ref();
        self.usage.is_some() || round.is_some_and(|round| matches!(round.phase, Phase::Granted { .. }))
    }

    /// Members while it matters who has accepted, or is ready: at the check of completeness, and after the grant.
    fn members(&self) -> Vec<MemberLine> {
        let phase = self.sight.state.round.as_ref().map(|round| &round.phase);
        let checked = matches!(phase, Some(Phase::Draft {} | Phase::Submitted {} | Phase::Returned { .. }));
        if !checked && !self.is_granted() {
            return Vec::new();
        }
        let line = |user: &UserId| MemberLine {
            name: self.sight.name(user),
            trained_until: self.sight.state.joined.get(user).map(|training| self.day(training.until)),
            document: self.document(user),
            is_mine: *user == self.sight.user.id && !self.should_join() && self.sight.offers(Act::Join),
            has_pledged: self.sight.state.pledges.contains_key(user),
            is_ready: self.sight.state.is_ready(user, self.sight.today),
        };
        self.sight.state.content().into_iter().flat_map(|content| content.members.keys()).map(line).collect()
    }

    fn document(&self, member: &UserId) -> Option<String> {
        let user = &self.sight.user;
        let is_office = [Role::Secretariat, Role::Auditor].iter().any(|role| user.roles.contains(role));
        let known = self.sight.state.joined.get(member).filter(|_| is_office || user.id == *member)?;
        known.sha256.as_ref().map(|_| format!("/applications/{}/training/{member}", self.sight.state.id))
    }

    /// Whether this person should join now: named, and without training that holds.
    fn should_join(&self) -> bool {
        let trained = self.sight.state.joined.get(&self.sight.user.id);
        self.sight.offers(Act::Join) && trained.is_none_or(|training| training.until < self.sight.today)
    }

    /// What may be asked of the engine now, by the project's name.
    fn project(&self) -> Option<&'a str> {
        let usage = self.usage.filter(|_| self.sight.state.is_permitted())?;
        let begun = usage.content.period.as_ref().is_some_and(|period| period.from <= self.sight.today);
        let ready = self.sight.state.is_ready(&self.sight.user.id, self.sight.today);
        let project = usage.content.project.as_ref()?;
        (begun && ready && self.sight.is_party()).then(|| project.as_str())
    }

    fn ending(&self) -> Option<&'a str> {
        let ending = self.usage?.ending.as_ref()?;
        Some(match &ending.how {
            Ended::Closed { report } => report,
            Ended::Revoked { reason } => reason,
        })
    }

    fn certificate(&self) -> Option<&'a str> {
        Some(self.usage?.ending.as_ref()?.certificate.as_ref()?.text.as_str())
    }

    /// Members and tables that a restriction may take away.
    fn tables(&self) -> Vec<&'a String> {
        self.usage.iter().flat_map(|usage| usage.content.datasets.values()).flat_map(|ask| ask.tables.keys()).collect()
    }

    fn users(&self) -> Vec<&'a UserId> {
        self.usage.iter().flat_map(|usage| usage.content.members.keys()).collect()
    }

    fn kinds() -> [&'static str; 4] {
        IncidentKind::ALL.map(IncidentKind::as_str)
    }

    /// When the first and the final report to the ministry are due.
    fn report_days(&self, incident: &Incident) -> [Moment; 2] {
        incident.due(self.rules.incident).map(|day| self.day(day))
    }

    /// What can be recorded of an incident now: it is closed after its final report.
    fn steps(incident: &Incident) -> &'static [&'static str] {
        const ALL: [&str; 4] = ["note", "first-report", "final-report", "closed"];
        let many = if incident.is_finally_reported() { ALL.len() } else { ALL.len() - 1 };
        ALL.get(..many).unwrap_or(&ALL)
    }

    fn step(step: &IncidentStep) -> (&'static str, &str) {
        crate::pages::incident::step(step)
    }
}
