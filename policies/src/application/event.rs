//! What has happened to an application.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::{Actor, Command};
use super::content::{Content, Organisation};
use crate::id::{PermitId, UserId};

/// One thing that happened. Past tense; never changed once recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Taken as complete.
    Accepted {},
    /// Use has ended.
    Closed {
        /// What was erased, and how.
        report: String,
    },
    /// A reviewer declared a conflict of interest.
    ConflictDeclared {
        /// Who.
        reviewer: UserId,
    },
    /// The committee has decided.
    Decided {
        /// What.
        decision: Decision,
    },
    /// Begun.
    Drafted {
        /// By whom.
        applicant: UserId,
        /// What is asked.
        content: Content,
    },
    /// Changed by the applicant.
    Edited {
        /// The new content, whole.
        content: Content,
    },
    /// The permit was issued by the signer.
    PermitIssued {
        /// Its number.
        permit: PermitId,
    },
    /// A member signed the pledge.
    PledgeSigned {
        /// Who.
        member: UserId,
    },
    /// Sent back for correction.
    Returned {
        /// What is to be corrected.
        comment: String,
    },
    /// Reviewers were named.
    ReviewersAssigned {
        /// All of them, with their organisations.
        reviewers: BTreeMap<UserId, Organisation>,
    },
    /// The permit was ended.
    Revoked {
        /// Why.
        reason: String,
    },
    /// Handed in.
    Submitted {},
    /// A reviewer voted.
    VoteCast {
        /// Who.
        reviewer: UserId,
        /// How.
        vote: Vote,
    },
    /// The vote was opened; earlier rounds are over.
    VotingOpened {},
    /// Taken back by the applicant.
    Withdrawn {},
}

impl Event {
    /// The word for the event in databases, audit entries and pages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Accepted {} => "accepted",
            Self::Closed { .. } => "closed",
            Self::ConflictDeclared { .. } => "conflict-declared",
            Self::Decided { .. } => "decided",
            Self::Drafted { .. } => "drafted",
            Self::Edited { .. } => "edited",
            Self::PermitIssued { .. } => "permit-issued",
            Self::PledgeSigned { .. } => "pledge-signed",
            Self::Returned { .. } => "returned",
            Self::ReviewersAssigned { .. } => "reviewers-assigned",
            Self::Revoked { .. } => "revoked",
            Self::Submitted {} => "submitted",
            Self::VoteCast { .. } => "vote-cast",
            Self::VotingOpened {} => "voting-opened",
            Self::Withdrawn {} => "withdrawn",
        }
    }

    /// The command that makes this event, at the time at which it was recorded: what the signer decides again.
    pub(super) fn asked(&self, at: Timestamp) -> Command {
        match self.clone() {
            Self::Accepted {} => Command::Accept,
            Self::Closed { report } => Command::Close(report),
            Self::ConflictDeclared { .. } => Command::DeclareConflict,
            Self::Decided { decision } => Command::Decide(decision),
            Self::Drafted { content, .. } => Command::Draft(content),
            Self::Edited { content } => Command::Edit(content),
            Self::PermitIssued { permit } => Command::RecordPermit(permit),
            Self::PledgeSigned { .. } => Command::SignPledge,
            Self::Returned { comment } => Command::Return(comment),
            Self::ReviewersAssigned { reviewers } => Command::AssignReviewers(reviewers),
            Self::Revoked { reason } => Command::Revoke(reason),
            Self::Submitted {} => Command::Submit { at },
            Self::VoteCast { vote, .. } => Command::Vote { ballot: vote.ballot, comment: vote.comment },
            Self::VotingOpened {} => Command::OpenVoting,
            Self::Withdrawn {} => Command::Withdraw,
        }
    }

    /// Whether the event may have been made by this person at all: who it names must be who acted.
    pub(super) fn is_by(&self, actor: &Actor) -> bool {
        match self {
            Self::ConflictDeclared { reviewer: named, .. }
            | Self::VoteCast { reviewer: named, .. }
            | Self::PledgeSigned { member: named, .. }
            | Self::Drafted { applicant: named, .. } => *named == actor.user,
            Self::Accepted {}
            | Self::Closed { .. }
            | Self::Decided { .. }
            | Self::Edited { .. }
            | Self::PermitIssued { .. }
            | Self::Returned { .. }
            | Self::ReviewersAssigned { .. }
            | Self::Revoked { .. }
            | Self::Submitted {}
            | Self::VotingOpened {}
            | Self::Withdrawn {} => true,
        }
    }
}

/// One reviewer's vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// For or against.
    pub ballot: Ballot,
    /// What the reviewer says to it; may be empty.
    pub comment: String,
}

/// For or against a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ballot {
    /// Against.
    Against,
    /// For.
    For,
}

/// 承認／条件付き承認／継続審査／不承認.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decision {
    /// Decided again later.
    Deferred {
        /// Why.
        reason: String,
    },
    /// Granted.
    Granted {},
    /// Granted under conditions.
    GrantedWithConditions {
        /// The conditions.
        conditions: String,
    },
    /// Rejected.
    Rejected {
        /// Why.
        reason: String,
    },
}
