//! An application's (利用申請) rules: a pure fold of events. Portal and permit signer run the same code.
//!
//! `decide` says what a command makes happen, or why it may not; `apply` folds one event into the state; [`EventRecord`]s chain
//! the events by hash, so that the signer can tell an unbroken stream from an edited one. Source: DESIGN.md, "The flow", step 5.

mod apply;
mod command;
mod content;
mod decide;
mod event;
mod grant;
mod refusal;
mod request;
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use apply::apply;
pub use command::{Actor, Command};
pub use content::{Content, InvalidOrganisation, Organisation, Period};
pub use decide::decide;
pub use event::{Ballot, Decision, Event, Vote};
pub use refusal::{Field, Refusal};
pub use request::{PermitAnswer, PermitRequest, REVOCATION, RefusalAnswer, Revocation, Revoked};
pub use stream::{Draft, EventRecord, FIRST_PREV, StreamError};

use crate::id::{ApplicationId, PermitId, UserId};

/// Votes that a decision needs (scenario.md, step 17: quorum 2).
pub const QUORUM: usize = 2;

/// Where an application stands (DESIGN.md, "Words": 承認／条件付き承認／継続審査／不承認).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Nothing is written yet.
    Unwritten,
    /// 下書き: the applicant writes.
    Draft,
    /// 受付確認中: the secretariat checks completeness.
    Submitted,
    /// 差戻し: the applicant corrects.
    Returned,
    /// 審査中: reviewers are named, conflicts declared.
    UnderReview,
    /// 採決中: reviewers vote, the chair decides.
    Voting,
    /// 継続審査: the vote is opened again later.
    Deferred,
    /// 承認: each member signs a pledge, then the permit is issued.
    Granted,
    /// 条件付き承認: as granted, under conditions.
    GrantedWithConditions,
    /// 承諾済み: the permit is issued.
    Permitted,
    /// 不承認.
    Rejected,
    /// 取下げ.
    Withdrawn,
    /// 承諾取消し.
    Revoked,
    /// 利用終了.
    Closed,
}

impl Stage {
    /// All stages an application can show, in order of the flow.
    pub const ALL: [Self; 13] = [
        Self::Draft,
        Self::Submitted,
        Self::Returned,
        Self::UnderReview,
        Self::Voting,
        Self::Deferred,
        Self::Granted,
        Self::GrantedWithConditions,
        Self::Permitted,
        Self::Rejected,
        Self::Withdrawn,
        Self::Revoked,
        Self::Closed,
    ];

    /// The word in files and databases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unwritten => "unwritten",
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Returned => "returned",
            Self::UnderReview => "under-review",
            Self::Voting => "voting",
            Self::Deferred => "deferred",
            Self::Granted => "granted",
            Self::GrantedWithConditions => "granted-with-conditions",
            Self::Permitted => "permitted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::Closed => "closed",
        }
    }

    /// Granted, with or without conditions, and no permit yet.
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Granted | Self::GrantedWithConditions)
    }
}

/// The state of one application: nothing but the fold of its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its number.
    pub id: ApplicationId,
    /// Where it stands.
    pub stage: Stage,
    /// Who wrote it; none before the first event.
    pub applicant: Option<UserId>,
    /// What is asked.
    pub content: Content,
    /// Why it was returned last.
    pub returned: Option<String>,
    /// Reviewers assigned, with their organisations.
    pub reviewers: BTreeMap<UserId, Organisation>,
    /// Reviewers who declared a conflict of interest.
    pub declared_conflicts: BTreeSet<UserId>,
    /// Votes of the running round.
    pub votes: BTreeMap<UserId, Vote>,
    /// The last decision.
    pub decision: Option<Decision>,
    /// Members who signed their pledge.
    pub pledges: BTreeSet<UserId>,
    /// The permit that was issued.
    pub permit: Option<PermitId>,
    /// Why it was revoked, or the report at closure.
    pub ending: Option<String>,
}

impl Application {
    /// An application before its first event.
    pub fn unwritten(id: ApplicationId) -> Self {
        Self {
            id,
            stage: Stage::Unwritten,
            applicant: None,
            content: Content::default(),
            returned: None,
            reviewers: BTreeMap::new(),
            declared_conflicts: BTreeSet::new(),
            votes: BTreeMap::new(),
            decision: None,
            pledges: BTreeSet::new(),
            permit: None,
            ending: None,
        }
    }

    /// The state after `events`.
    pub fn replay<'a>(id: ApplicationId, events: impl IntoIterator<Item = &'a Event>) -> Self {
        events.into_iter().fold(Self::unwritten(id), apply)
    }

    /// Whether this person asks here: the applicant or a member.
    pub fn is_party(&self, user: &UserId) -> bool {
        self.applicant.as_ref() == Some(user) || self.content.members.contains_key(user)
    }

    /// Whether an assigned reviewer has a conflict of interest: declared, of a member's organisation, or a party.
    pub fn is_conflicted(&self, reviewer: &UserId) -> bool {
        self.is_party(reviewer)
            || self.declared_conflicts.contains(reviewer)
            || self.reviewers.get(reviewer).is_some_and(|organisation| self.is_members_organisation(organisation))
    }

    /// Whether a member belongs to this organisation.
    pub fn is_members_organisation(&self, organisation: &Organisation) -> bool {
        self.content.members.values().any(|member| member.is_same_as(organisation))
    }

    /// Assigned reviewers without a conflict.
    pub fn eligible_reviewers(&self) -> impl Iterator<Item = &UserId> {
        self.reviewers.keys().filter(|reviewer| !self.is_conflicted(reviewer))
    }

    /// Votes that count, and those of them for a grant.
    pub fn tally(&self) -> (usize, usize) {
        let counted = || self.votes.iter().filter(|(reviewer, _)| !self.is_conflicted(reviewer));
        (counted().count(), counted().filter(|(_, vote)| vote.ballot == Ballot::For).count())
    }

    /// Members whose pledge is missing.
    pub fn missing_pledges(&self) -> impl Iterator<Item = &UserId> {
        self.content.members.keys().filter(|member| !self.pledges.contains(*member))
    }
}

#[cfg(test)]
mod tests;
