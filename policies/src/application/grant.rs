//! From a granted application to its permit: what the signer signs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::actor::{day_of, end_of, start_of};
use super::content::Content;
use super::parts::{Condition, Narrowing, without_columns};
use super::refusal::Refusal;
use super::round::Phase;
use super::{Application, Problem, ProblemKind};
use crate::id::{PermitId, UserId};
use crate::permit::{MemberTerms, Permit};

/// What a permit is made of.
pub(super) struct Basis<'a> {
    /// What may be used.
    pub(super) content: &'a Content,
    /// All conditions under which it may.
    pub(super) conditions: Vec<&'a Condition>,
    /// Whether it is the round's, else what runs already.
    pub(super) is_round: bool,
}

impl Application {
    /// What a permit would be made of on `today`: of the round if it is granted, no condition is open and somebody may be named,
    /// else of the use that runs. So a restriction reaches the permit while an amendment waits for its conditions or pledges.
    ///
    /// # Errors
    /// Why there can be no permit.
    pub(super) fn basis(&self, today: Date) -> Result<Basis<'_>, Refusal> {
        if self.usage.as_ref().is_some_and(|usage| !usage.is_running()) {
            return Err(Refusal::OutOfTurn);
        }
        let of_round = self.basis_of_round(today);
        let Some(usage) = &self.usage else { return of_round };
        of_round.or_else(|_| {
            let conditions = usage.conditions.iter().collect();
            self.basis_of(Basis { content: &usage.content, conditions, is_round: false }, today)
        })
    }

    fn basis_of_round(&self, today: Date) -> Result<Basis<'_>, Refusal> {
        let round = self.round.as_ref().ok_or(Refusal::OutOfTurn)?;
        let Phase::Granted { conditions } = &round.phase else { return Err(Refusal::OutOfTurn) };
        if round.open_conditions().next().is_some() {
            return Err(Refusal::ConditionsOpen);
        }
        // What was granted before stays bound as it was: an amendment does not shake off the committee's conditions.
        let earlier = self.usage.iter().flat_map(|usage| &usage.conditions);
        let mut all: Vec<&Condition> = Vec::new();
        for condition in earlier.chain(conditions.values().map(|state| &state.condition)) {
            if !all.contains(&condition) {
                all.push(condition);
            }
        }
        self.basis_of(Basis { content: &round.content, conditions: all, is_round: true }, today)
    }

    fn basis_of<'a>(&self, basis: Basis<'a>, today: Date) -> Result<Basis<'a>, Refusal> {
        let may_be_named = |member: &UserId| self.is_ready(member, today) && !self.is_left_out(member);
        if basis.content.members.keys().any(may_be_named) { Ok(basis) } else { Err(Refusal::PledgesMissing) }
    }

    /// Whether a restriction took this member out.
    fn is_left_out(&self, member: &UserId) -> bool {
        self.narrowings().any(|narrowing| narrowing.members.contains(member))
    }

    fn narrowings(&self) -> impl Iterator<Item = &Narrowing> {
        self.usage.iter().flat_map(|usage| &usage.restrictions).map(|restriction| &restriction.narrowing)
    }

    /// The permit that this application leads to: only from a grant without an open condition. It names the members who accepted,
    /// are trained and have pledged; it begins with the latest of `now`, the first day of the period and that of the ethics
    /// approval, and ends with the last day of either (Japan's time), or with `until`, whichever is first.
    ///
    /// `head`: hash of the last event replayed.
    ///
    /// # Errors
    /// Why there is none.
    pub fn permit(
        &self,
        id: PermitId,
        head: &str,
        now: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Permit, Refusal> {
        let Basis { content, conditions, .. } = self.basis(day_of(now))?;
        let missing =
            |field: &'static str| move || Refusal::Incomplete(vec![Problem::new(field, ProblemKind::Missing)]);
        let project = content.project.clone().ok_or_else(missing("project"))?;
        let period = content.period.as_ref().ok_or_else(missing("period"))?;
        let ethics = content.ethics.as_ref().ok_or_else(missing("ethics"))?;
        let issued_at = now.max(start_of(period.from)).max(start_of(ethics.approved_on));
        let ends = end_of(period.until).min(end_of(ethics.until));
        let expires_at = until.map_or(ends, |until| until.min(ends));
        if expires_at <= issued_at {
            return Err(missing("period")());
        }
        let mut datasets = content.datasets.iter().map(|(name, ask)| (name.clone(), ask.grant())).collect();
        let excluded = conditions.iter().flat_map(|condition| &condition.excludes);
        without_columns(&mut datasets, excluded.chain(self.narrowings().flat_map(|narrowing| &narrowing.columns)));
        let limits = self.narrowings().flat_map(|narrowing| narrowing.limits.iter().cloned());
        Ok(Permit {
            id,
            application: self.id.clone(),
            application_head: head.to_owned(),
            project,
            members: self.members(content, now),
            datasets,
            row_filter: content.row_filter.clone(),
            tier: content.tier,
            profile: content.profile.clone(),
            grade: content.grade,
            conditions: conditions.iter().map(|condition| condition.text.clone()).chain(limits).collect(),
            issued_at,
            expires_at,
        })
    }

    fn members(&self, content: &Content, now: Timestamp) -> BTreeMap<UserId, MemberTerms> {
        let terms = |(user, until): (UserId, Date)| {
            let member = content.members.get(&user)?;
            let terms =
                MemberTerms { until: end_of(until), place: member.place.clone(), networks: member.networks.clone() };
            Some((user, terms))
        };
        self.named(content, day_of(now)).into_iter().filter_map(terms).collect()
    }

    /// Members of `content` whom a permit of `today` names, with the last day of each one's training.
    pub(super) fn named(&self, content: &Content, today: Date) -> BTreeMap<UserId, Date> {
        let until = |member: &UserId| {
            let training = self.joined.get(member).filter(|_| self.is_ready(member, today))?;
            (!self.is_left_out(member)).then_some((member.clone(), training.until))
        };
        content.members.keys().filter_map(until).collect()
    }

    /// Whether a permit of `today` would name the member, whom the running one leaves out or lets go earlier: one who joined or
    /// pledged after it was issued, or renewed the training.
    pub fn is_left_behind(&self, member: &UserId, today: Date) -> bool {
        let Some(usage) = self.usage.as_ref().filter(|usage| usage.is_running()) else { return false };
        let until = self.named(&usage.content, today).get(member).copied();
        until.is_some_and(|until| usage.named.get(member).is_none_or(|named| *named < until))
    }

    /// Whether the member, left behind, may have the permit of what was granted already made anew: no grant of an amendment comes
    /// into force by it.
    pub fn may_renew_permit(&self, member: &UserId, today: Date) -> bool {
        self.is_left_behind(member, today) && self.basis(today).is_ok_and(|basis| !basis.is_round)
    }

    /// Whether the signer is to be asked at `now`: a grant waits for its permit, or the running one leaves a ready member behind.
    pub fn is_permit_wanted(&self, now: Timestamp) -> bool {
        let today = day_of(now);
        let Ok(basis) = self.basis(today) else { return false };
        basis.is_round || basis.content.members.keys().any(|member| self.is_left_behind(member, today))
    }

    /// Whether this application leads to a permit on `now`'s day.
    ///
    /// # Errors
    /// Why not.
    pub fn check_permittable(&self, now: Timestamp) -> Result<(), Refusal> {
        self.basis(day_of(now)).map(drop)
    }

    /// Whether a permit stands: issued, neither ended nor suspended, and as narrow as the last restriction.
    pub fn is_permitted(&self) -> bool {
        self.usage.as_ref().is_some_and(|usage| usage.is_running() && !usage.awaits_permit)
    }
}
