//! From a granted application to its permit: what the signer signs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::actor::{day_of, end_of, start_of};
use super::content::Content;
use super::decide::may_be_permitted;
use super::parts::{Condition, Narrowing, without_columns};
use super::refusal::Refusal;
use super::round::Phase;
use super::{Application, Problem, ProblemKind};
use crate::id::{PermitId, UserId};
use crate::permit::{MemberTerms, Permit};

impl Application {
    /// What a permit would be made of now: of the round that was granted, else of the use that runs.
    pub(super) fn granted_content(&self) -> Option<&Content> {
        let granted = self.round.as_ref().filter(|round| matches!(round.phase, Phase::Granted { .. }));
        granted.map(|round| &round.content).or_else(|| self.usage.as_ref().map(|usage| &usage.content))
    }

    fn conditions(&self) -> Vec<&Condition> {
        match (&self.round, &self.usage) {
            (Some(round), _) if let Phase::Granted { conditions } = &round.phase => {
                conditions.values().map(|state| &state.condition).collect()
            }
            (_, Some(usage)) => usage.conditions.iter().collect(),
            _ => Vec::new(),
        }
    }

    fn narrowings(&self) -> impl Iterator<Item = &Narrowing> {
        self.usage.iter().flat_map(|usage| &usage.restrictions).map(|restriction| &restriction.narrowing)
    }

    /// The permit that this application leads to: only from a grant without an open condition. It names the members who accepted,
    /// are trained and have pledged; it begins with the later of `now` and the first day of the period and ends with its last day
    /// (Japan's time), with the ethics approval's, or with `until`, whichever is first.
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
        may_be_permitted(self, day_of(now))?;
        let missing =
            |field: &'static str| move || Refusal::Incomplete(vec![Problem::new(field, ProblemKind::Missing)]);
        let content = self.granted_content().ok_or(Refusal::OutOfTurn)?;
        let project = content.project.clone().ok_or_else(missing("project"))?;
        let period = content.period.as_ref().ok_or_else(missing("period"))?;
        let from = start_of(period.from).ok_or_else(missing("period"))?;
        let ends = [Some(period.until), content.ethics.as_ref().map(|ethics| ethics.until)];
        let ends = ends.into_iter().flatten().filter_map(end_of).chain(until);
        let expires_at = ends.min().ok_or_else(missing("period"))?;
        let issued_at = now.max(from);
        let members = self.members(content, now);
        if expires_at <= issued_at {
            return Err(missing("period")());
        }
        if members.is_empty() {
            return Err(Refusal::PledgesMissing);
        }
        let mut datasets = content.datasets.iter().map(|(name, ask)| (name.clone(), ask.grant())).collect();
        let conditions = self.conditions();
        let excluded = conditions.iter().flat_map(|condition| &condition.excludes);
        without_columns(&mut datasets, excluded.chain(self.narrowings().flat_map(|narrowing| &narrowing.columns)));
        let limits = self.narrowings().flat_map(|narrowing| narrowing.limits.iter().cloned());
        Ok(Permit {
            id,
            application: self.id.clone(),
            application_head: head.to_owned(),
            project,
            members,
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
        let today = day_of(now);
        let left_out = |user: &UserId| self.narrowings().any(|narrowing| narrowing.members.contains(user));
        let terms = |(user, member): (&UserId, &super::Member)| {
            let until = end_of(self.joined.get(user)?.until)?;
            let terms = MemberTerms { until, place: member.place.clone(), networks: member.networks.clone() };
            (self.is_ready(user, today) && !left_out(user)).then(|| (user.clone(), terms))
        };
        content.members.iter().filter_map(terms).collect()
    }

    /// Whether this application leads to a permit on `now`'s day.
    ///
    /// # Errors
    /// Why not.
    pub fn check_permittable(&self, now: Timestamp) -> Result<(), Refusal> {
        may_be_permitted(self, day_of(now))
    }

    /// Whether a permit stands: issued, neither ended nor suspended.
    pub fn is_permitted(&self) -> bool {
        self.usage.as_ref().is_some_and(super::Usage::is_running)
    }
}
