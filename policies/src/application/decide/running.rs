//! From a grant to its permit, and what happens to a permit that runs.

use jiff::civil::Date;

use super::{Desk, required};
use crate::application::Application;
use crate::application::parts::Narrowing;
use crate::application::refusal::Refusal;
use crate::application::round::Phase;
use crate::id::PermitId;
use crate::role::Role;

impl Desk<'_> {
    pub(super) fn record_permit(&self, permit: &PermitId) -> Result<(), Refusal> {
        self.by_secretariat()?;
        if self.state.usage.as_ref().is_some_and(|usage| usage.permit == *permit) {
            return Err(Refusal::AlreadyAnswered);
        }
        may_be_permitted(self.state, self.today)
    }

    pub(super) fn restrict(&self, narrowing: &Narrowing, reason: &str, answer_by: Date) -> Result<(), Refusal> {
        self.by_secretariat()?;
        self.usage()?;
        self.not_past(answer_by)?;
        if narrowing.is_empty() { Err(Refusal::NothingChanged) } else { required(reason) }
    }

    pub(super) fn suspend(&self, reason: &str) -> Result<(), Refusal> {
        self.with_role(&[Role::Secretariat, Role::Chair])?;
        if self.usage()?.suspended.is_some() { Err(Refusal::OutOfTurn) } else { required(reason) }
    }

    pub(super) fn resume(&self, reason: &str) -> Result<(), Refusal> {
        self.by_secretariat()?;
        if self.usage()?.suspended.is_none() { Err(Refusal::OutOfTurn) } else { required(reason) }
    }

    pub(super) fn revoke(&self, reason: &str) -> Result<(), Refusal> {
        self.with_role(&[Role::Secretariat, Role::Chair])?;
        let granted = self.state.round.as_ref().is_some_and(|round| matches!(round.phase, Phase::Granted { .. }));
        if granted && self.state.usage.is_none() {
            required(reason)
        } else {
            self.usage().and_then(|_| required(reason))
        }
    }

    pub(super) fn close(&self, report: &str) -> Result<(), Refusal> {
        if !self.by.is(Role::Secretariat) {
            self.by_applicant()?;
        }
        self.usage()?;
        required(report)
    }
}

/// Granted or running, no condition open, somebody ready to be named: what portal and signer both ask before a permit.
pub(in crate::application) fn may_be_permitted(state: &Application, today: Date) -> Result<(), Refusal> {
    match (&state.round, &state.usage) {
        (Some(round), _) if matches!(round.phase, Phase::Granted { .. }) => {
            if round.open_conditions().next().is_some() {
                return Err(Refusal::ConditionsOpen);
            }
        }
        (_, Some(usage)) if usage.is_running() => {}
        _ => return Err(Refusal::OutOfTurn),
    }
    let ready =
        |content: &crate::application::Content| content.members.keys().any(|member| state.is_ready(member, today));
    if state.granted_content().is_some_and(ready) { Ok(()) } else { Err(Refusal::PledgesMissing) }
}
