//! What the secretariat does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Desk, line, required};
use crate::application::actor::day_of;
use crate::application::parts::{Certificate, IncidentStep, ReviewerCard};
use crate::application::refusal::Refusal;
use crate::application::round::Phase;
use crate::id::UserId;

impl Desk<'_> {
    pub(super) fn send_back(&self, comment: &str) -> Result<(), Refusal> {
        self.by_secretariat()?;
        self.round_in(|phase| matches!(phase, Phase::Submitted {}))?;
        required(comment)
    }

    pub(super) fn report_to_meeting(&self, on: Date) -> Result<(), Refusal> {
        self.by_secretariat()?;
        let open = self.state.outcomes.iter().find(|outcome| outcome.is_to_be_reported());
        let since = open.map(|outcome| day_of(outcome.at)).ok_or(Refusal::OutOfTurn)?;
        if (since..=self.today).contains(&on) { Ok(()) } else { Err(Refusal::OutOfTurn) }
    }

    pub(super) fn accept(&self, checklist: &BTreeSet<String>) -> Result<(), Refusal> {
        self.by_secretariat()?;
        let round = self.round_in(|phase| matches!(phase, Phase::Submitted {}))?;
        // Who never agreed is named neither to the committee nor in a register, a letter or a permit.
        if !round.content.members.keys().all(|member| self.state.joined.contains_key(member)) {
            return Err(Refusal::MembersNotJoined);
        }
        let confirmed = self.rules.checklist.iter().all(|item| checklist.contains(&item.id));
        if confirmed && checklist.len() == self.rules.checklist.len() {
            Ok(())
        } else {
            Err(Refusal::ChecklistIncomplete)
        }
    }

    pub(super) fn assign(&self, reviewers: &BTreeMap<UserId, ReviewerCard>) -> Result<(), Refusal> {
        self.by_secretariat()?;
        self.round_in(|phase| matches!(phase, Phase::UnderReview {} | Phase::Deferred {}))?;
        if reviewers.is_empty() {
            return Err(Refusal::TooFewReviewers);
        }
        if reviewers.keys().any(|reviewer| self.state.is_party(reviewer)) {
            return Err(Refusal::OwnApplication);
        }
        Ok(())
    }

    pub(super) fn confirm_condition(&self, number: u32) -> Result<(), Refusal> {
        self.by_secretariat()?;
        let round = self.round()?;
        let Phase::Granted { conditions } = &round.phase else { return Err(Refusal::OutOfTurn) };
        let state = conditions.get(&number).ok_or(Refusal::NoSuchEntry)?;
        if state.is_met {
            Err(Refusal::AlreadyAnswered)
        } else if state.reported.is_none() {
            Err(Refusal::NotReported)
        } else {
            Ok(())
        }
    }

    pub(super) fn certify(&self, certificate: &Certificate) -> Result<(), Refusal> {
        self.by_office_of_use()?;
        let ending = self.state.usage.as_ref().and_then(|usage| usage.ending.as_ref()).ok_or(Refusal::OutOfTurn)?;
        if ending.certificate.is_some() {
            return Err(Refusal::AlreadyAnswered);
        }
        certificate.sha256.iter().try_for_each(|sha256| line(sha256))?;
        required(&certificate.text)
    }

    /// The filing that waits to be read, if it is the one that was read.
    fn filed(&self, filing: u32) -> Result<(), Refusal> {
        let results = &self.state.usage.as_ref().ok_or(Refusal::OutOfTurn)?.results;
        if results.filed.is_none() {
            Err(Refusal::OutOfTurn)
        } else if results.filings == filing {
            Ok(())
        } else {
            Err(Refusal::NoSuchEntry)
        }
    }

    pub(super) fn publish_results(&self, filing: u32) -> Result<(), Refusal> {
        self.by_office_of_use()?;
        self.filed(filing)
    }

    pub(super) fn return_results(&self, filing: u32, comment: &str) -> Result<(), Refusal> {
        self.by_office_of_use()?;
        self.filed(filing)?;
        required(comment)
    }

    pub(super) fn follow_incident(&self, number: u32, step: &IncidentStep) -> Result<(), Refusal> {
        self.by_office_of_use()?;
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let incidents = self.state.usage.as_ref().map(|usage| &usage.incidents);
        let incident = incidents.zip(at).and_then(|(incidents, at)| incidents.get(at)).ok_or(Refusal::NoSuchEntry)?;
        if incident.is_closed() {
            return Err(Refusal::AlreadyAnswered);
        }
        match step {
            IncidentStep::Closed { .. } if !incident.is_finally_reported() => Err(Refusal::FinalReportMissing),
            IncidentStep::Closed { text } | IncidentStep::Note { text } => required(text),
            IncidentStep::FinalReport { addressee } | IncidentStep::FirstReport { addressee } => required(addressee),
        }
    }
}
