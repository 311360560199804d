//! From a grant to its permit, and what happens to a permit that runs.

use jiff::civil::Date;

use super::{Desk, required};
use crate::application::content::Content;
use crate::application::parts::Narrowing;
use crate::application::refusal::Refusal;
use crate::application::round::Phase;
use crate::id::{PermitId, UserId};
use crate::role::Role;

impl Desk<'_> {
    pub(super) fn record_permit(&self, permit: &PermitId) -> Result<(), Refusal> {
        if !self.state.may_renew_permit(&self.by.user, self.today) {
            self.by_office_of_use()?;
        }
        if self.state.usage.as_ref().is_some_and(|usage| usage.permit == *permit) {
            return Err(Refusal::AlreadyAnswered);
        }
        self.state.basis(self.today).map(drop)
    }

    pub(super) fn restrict(&self, narrowing: &Narrowing, reason: &str, answer_by: Date) -> Result<(), Refusal> {
        self.by_office_of_use()?;
        let usage = self.usage()?;
        self.not_past(answer_by)?;
        if narrowing.is_empty() {
            return Err(Refusal::NothingChanged);
        }
        narrowing.limits.iter().try_for_each(|limit| required(limit))?;
        let mut granted = vec![&usage.content];
        granted.extend(self.state.round.iter().map(|round| &round.content));
        let has_column = |column: &String| granted.iter().any(|content| content.has_column(column));
        let has_member =
            |member: &UserId| granted.iter().any(|content: &&Content| content.members.contains_key(member));
        // A misspelt name would take nothing away, and nobody would notice.
        if narrowing.columns.iter().all(has_column) && narrowing.members.iter().all(has_member) {
            required(reason)
        } else {
            Err(Refusal::NoSuchEntry)
        }
    }

    pub(super) fn suspend(&self, reason: &str) -> Result<(), Refusal> {
        self.with_role(&[Role::Secretariat, Role::Chair])?;
        if self.usage()?.suspended.is_some() { Err(Refusal::OutOfTurn) } else { required(reason) }
    }

    pub(super) fn resume(&self, reason: &str) -> Result<(), Refusal> {
        self.by_office_of_use()?;
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
