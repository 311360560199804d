//! A round of review: one content on its way from draft to decision. A first application has one, each amendment another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::content::Content;
use super::parts::{Condition, Decision, FindingsByCriterion, HolderAnswer, Opinion, ReviewerCard, Sitting, Vote};
use super::rules::Rules;
use crate::id::UserId;
use crate::source::HolderSay;

/// Where a round stands. What only one phase has stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Phase {
    /// 下書き.
    Draft {},
    /// 受付確認中: the secretariat checks completeness.
    Submitted {},
    /// 差戻し: the applicant corrects.
    Returned {
        /// What is to be corrected.
        comment: String,
    },
    /// 審査中: holders and reviewers are heard.
    UnderReview {},
    /// 審査会の予定あり: the votes are cast.
    Scheduled {
        /// When and how.
        sitting: Sitting,
    },
    /// 継続審査: scheduled again later.
    Deferred {},
    /// 承認: conditions, pledges, then the permit.
    Granted {
        /// Conditions by number, from 1.
        #[serde(deserialize_with = "numbered")]
        conditions: BTreeMap<u32, ConditionState>,
    },
    /// 不承認.
    Rejected {},
    /// 承諾取消し before a permit was issued.
    Revoked {
        /// Why.
        reason: String,
    },
    /// 取下げ.
    Withdrawn {},
}

/// Numbers that are a map's keys are texts in JSON, and an enum with a tag is handed them as such.
fn numbered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<u32, ConditionState>, D::Error> {
    let entries = BTreeMap::<String, ConditionState>::deserialize(deserializer)?;
    let number = |text: &str| text.parse().map_err(|_| D::Error::custom("not a condition's number"));
    entries.into_iter().map(|(text, state)| Ok((number(&text)?, state))).collect()
}

/// A condition and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionState {
    /// The condition.
    pub condition: Condition,
    /// What the applicant reported.
    pub reported: Option<String>,
    /// Whether the secretariat confirmed it.
    pub is_met: bool,
}

/// One content on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// From 1; an amendment's is greater.
    pub number: u32,
    /// What is asked.
    pub content: Content,
    /// What had been handed in when it was returned last: what the correction is shown against.
    pub before: Option<Content>,
    /// What was granted before, in an amendment.
    pub granted: Option<Content>,
    /// Whether it was ever handed in: until then it is the applicant's side's alone.
    pub handed_in: bool,
    /// Where it stands.
    pub phase: Phase,
    /// Since when it stands there.
    pub since: Timestamp,
    /// Requests to holders, by their numbers.
    pub holders: BTreeMap<String, HolderRequest>,
    /// Reviewers who were asked.
    pub reviewers: BTreeMap<UserId, Reviewer>,
    /// The chair's and others' declarations without a request; a conflict takes them out.
    pub declared: BTreeMap<UserId, Interest>,
    /// Opinions that came in.
    pub opinions: BTreeMap<UserId, Opinion>,
    /// Votes of the running sitting.
    pub votes: BTreeMap<UserId, Vote>,
    /// The decision.
    pub decision: Option<Decision>,
}

/// A request to a holder; an answer closes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderRequest {
    /// The dataset asked for.
    pub dataset: String,
    /// Consent or opinion.
    pub say: HolderSay,
    /// Last day of an opinion.
    pub due: Date,
    /// What was said.
    pub answer: Option<HolderAnswer>,
}

/// A reviewer who was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// The request's number; the opinion closes it.
    pub request: String,
    /// As the secretariat named the person.
    pub card: ReviewerCard,
    /// What the person said of a conflict of interest.
    pub interest: Interest,
}

/// What a person said of a conflict of interest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "interest", rename_all = "lowercase")]
pub enum Interest {
    /// Nothing yet: the file is closed.
    Asked,
    /// There is one.
    Conflict {
        /// Which.
        text: String,
    },
    /// There is none.
    None,
}

/// How the votes stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// For.
    pub approvals: usize,
    /// Against.
    pub against: usize,
    /// Neither.
    pub abstentions: usize,
    /// Reviewers without a conflict who have not voted.
    pub missing: usize,
    /// Seats that those who voted hold.
    pub seats: BTreeSet<String>,
}

impl Tally {
    /// Votes that count.
    pub fn votes(&self) -> usize {
        self.approvals + self.against
    }
}

/// Who decides a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// The committee.
    Committee,
    /// The secretariat alone.
    Secretariat,
    /// The committee by circulation, reported to its next meeting.
    Urgent,
}

impl Lane {
    /// The word in pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committee => "committee",
            Self::Secretariat => "secretariat",
            Self::Urgent => "urgent",
        }
    }
}

/// A decision of a round that is over, or of the running one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The round.
    pub round: u32,
    /// Who decided.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// In which lane.
    pub lane: Lane,
    /// The sitting, where there was one.
    pub sitting: Option<Sitting>,
    /// What.
    pub decision: Decision,
    /// Why, by criterion.
    pub findings: FindingsByCriterion,
    /// The meeting that a decision of the urgent lane was reported to.
    pub reported_on: Option<Date>,
}

impl Outcome {
    /// Whether it is a grant of the urgent lane that no meeting has heard of.
    pub fn is_to_be_reported(&self) -> bool {
        self.lane == Lane::Urgent && self.decision.is_grant() && self.reported_on.is_none()
    }
}

impl Round {
    pub(super) fn begin(number: u32, content: Content, granted: Option<Content>, at: Timestamp) -> Self {
        Self {
            number,
            content,
            before: None,
            granted,
            handed_in: false,
            phase: Phase::Draft {},
            since: at,
            holders: BTreeMap::new(),
            reviewers: BTreeMap::new(),
            declared: BTreeMap::new(),
            opinions: BTreeMap::new(),
            votes: BTreeMap::new(),
            decision: None,
        }
    }

    /// Who decides it.
    pub fn lane(&self, rules: &Rules) -> Lane {
        let Some(granted) = &self.granted else {
            return if self.content.urgent { Lane::Urgent } else { Lane::Committee };
        };
        let lane = &rules.lanes.secretariat;
        let changed = granted.changes(&self.content);
        let longer = |period: &super::content::Period| {
            period.until.saturating_add(jiff::Span::new().months(lane.extension_months_max))
        };
        let periods = granted.period.as_ref().zip(self.content.period.as_ref());
        let short = periods.is_some_and(|(before, after)| after.until <= longer(before) && after.from == before.from);
        // A holder who may refuse is asked again before the use goes on.
        let consents = self.content.datasets.keys().any(|name| rules.holder_say(name) == Some(HolderSay::Consent));
        if changed.iter().all(|part| lane.fields.contains(part)) && short && !consents {
            Lane::Secretariat
        } else if self.content.urgent {
            Lane::Urgent
        } else {
            Lane::Committee
        }
    }

    /// Whether this person declared a conflict of interest in the round.
    pub(super) fn has_declared_conflict(&self, user: &UserId) -> bool {
        let reviewer = self.reviewers.get(user).map(|reviewer| &reviewer.interest);
        let mut said = self.declared.get(user).into_iter().chain(reviewer);
        said.any(|interest| matches!(interest, Interest::Conflict { .. }))
    }

    /// Whether every holder was heard as its source demands: consent given, an opinion filed or its days over.
    pub fn are_holders_heard(&self, today: Date) -> bool {
        self.holders.values().all(|request| match (&request.say, &request.answer) {
            (HolderSay::Consent, answer) => answer.as_ref().is_some_and(|answer| answer.consent == Some(true)),
            (HolderSay::Opinion, answer) => answer.is_some() || request.due < today,
        })
    }

    /// What is to be corrected, while the applicant corrects.
    pub fn correction(&self) -> Option<&str> {
        if let Phase::Returned { comment } = &self.phase { Some(comment) } else { None }
    }

    /// Conditions of the grant that are not met yet, by number.
    pub fn open_conditions(&self) -> impl Iterator<Item = (&u32, &ConditionState)> {
        let conditions = if let Phase::Granted { conditions } = &self.phase { Some(conditions) } else { None };
        conditions.into_iter().flatten().filter(|(_, state)| !state.is_met)
    }
}
