//! Where an application stands, as pages and lists say it: derived from the state and the day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Application;
use super::round::{Phase, Round};
use super::rules::{Rules, after_days};
use super::usage::{Ended, Ending, Usage};
use crate::id::UserId;

macro_rules! stages {
    ($($(#[$doc:meta])* $stage:ident = $word:literal,)*) => {
        /// Where an application stands (DESIGN.md, "Words").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Stage {
            $($(#[$doc])* $stage,)*
        }

        impl Stage {
            /// All stages, in order of the flow.
            pub const ALL: &'static [Self] = &[$(Self::$stage),*];

            /// The word in files, databases and message keys.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$stage => $word,)* }
            }
        }
    };
}

stages! {
    /// Nothing is written yet.
    Unwritten = "unwritten",
    /// 下書き: the applicant writes.
    Draft = "draft",
    /// 受付確認中: the secretariat checks completeness.
    Submitted = "submitted",
    /// 差戻し: the applicant corrects.
    Returned = "returned",
    /// 審査中: holders and reviewers are heard.
    UnderReview = "under-review",
    /// 審査会の予定あり: votes are cast, the chair decides.
    MeetingScheduled = "meeting-scheduled",
    /// 継続審査: scheduled again later.
    Deferred = "deferred",
    /// 条件付き承認: conditions are open.
    GrantedWithConditions = "granted-with-conditions",
    /// 承認, or all conditions are met: each member pledges.
    Granted = "granted",
    /// 誓約済み: the secretariat has the permit issued.
    Pledged = "pledged",
    /// 利用中.
    Active = "active",
    /// 変更申出中: the permit holds as it is.
    AmendmentRequested = "amendment-requested",
    /// まもなく終了, or over and not closed.
    Expiring = "expiring",
    /// 利用停止.
    Suspended = "suspended",
    /// 利用終了: the deletion is to be certified.
    Closed = "closed",
    /// データ消去確認済み.
    DeletionCertified = "deletion-certified",
    /// 不承認.
    Rejected = "rejected",
    /// 取下げ.
    Withdrawn = "withdrawn",
    /// 承諾取消し.
    Revoked = "revoked",
}

impl Application {
    /// Where it stands on `today`.
    pub fn stage(&self, rules: &Rules, today: Date) -> Stage {
        match (&self.usage, &self.round) {
            (None, None) => Stage::Unwritten,
            (None, Some(round)) => self.stage_of_round(round, today),
            (Some(usage), round) => stage_of_usage(usage, round.as_ref(), rules, today),
        }
    }

    fn stage_of_round(&self, round: &Round, today: Date) -> Stage {
        match &round.phase {
            Phase::Draft {} => Stage::Draft,
            Phase::Submitted {} => Stage::Submitted,
            Phase::Returned { .. } => Stage::Returned,
            Phase::UnderReview {} => Stage::UnderReview,
            Phase::Scheduled { .. } => Stage::MeetingScheduled,
            Phase::Deferred {} => Stage::Deferred,
            Phase::Rejected {} => Stage::Rejected,
            Phase::Revoked { .. } => Stage::Revoked,
            Phase::Withdrawn {} => Stage::Withdrawn,
            Phase::Granted { .. } if round.open_conditions().next().is_some() => Stage::GrantedWithConditions,
            Phase::Granted { .. } if self.unready_members(today).next().is_some() => Stage::Granted,
            Phase::Granted { .. } => Stage::Pledged,
        }
    }

    /// Whether a lapse suspends the use by itself on `today`: the period or the ethics approval is over.
    pub fn has_lapsed(&self, today: Date) -> bool {
        self.usage.as_ref().is_some_and(|usage| usage.last_day().is_none_or(|last| last < today))
    }

    /// Members of what was granted who are left out on `today`, because pledge or training is missing.
    pub fn lapsed_members(&self, today: Date) -> impl Iterator<Item = &UserId> {
        let members = self.usage.iter().flat_map(|usage| usage.content.members.keys());
        members.filter(move |member| !self.is_ready(member, today))
    }
}

fn stage_of_usage(usage: &Usage, round: Option<&Round>, rules: &Rules, today: Date) -> Stage {
    match &usage.ending {
        Some(Ending { certificate: Some(_), .. }) => return Stage::DeletionCertified,
        Some(Ending { how: Ended::Closed { .. }, .. }) => return Stage::Closed,
        Some(Ending { how: Ended::Revoked { .. }, .. }) => return Stage::Revoked,
        None => {}
    }
    let ethics_over = usage.content.ethics.as_ref().is_some_and(|ethics| ethics.until < today);
    let expiring = usage.last_day().is_none_or(|last| last <= after_days(today, rules.days.expiring));
    if usage.suspended.is_some() || ethics_over {
        Stage::Suspended
    } else if round.is_some() {
        Stage::AmendmentRequested
    } else if expiring {
        Stage::Expiring
    } else {
        Stage::Active
    }
}
