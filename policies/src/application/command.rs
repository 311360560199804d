//! What people ask of an application, and who they are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::content::{Content, Organisation};
use super::event::{Ballot, Decision};
use crate::id::{PermitId, UserId};
use crate::role::Role;

/// Who acts, as the portal knows the person at that moment. Recorded with each event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The account.
    pub user: UserId,
    /// Where the person works.
    pub organisation: Organisation,
    /// The person's roles.
    pub roles: BTreeSet<Role>,
}

impl Actor {
    /// Whether the person has that role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What is asked. Each command that is accepted makes exactly one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The secretariat takes the application as complete.
    Accept,
    /// The secretariat names the reviewers.
    AssignReviewers(BTreeMap<UserId, Organisation>),
    /// The applicant or the secretariat ends the use, with the report on erased data.
    Close(String),
    /// The chair decides.
    Decide(Decision),
    /// A reviewer declares a conflict of interest.
    DeclareConflict,
    /// A researcher begins an application.
    Draft(Content),
    /// The applicant changes it.
    Edit(Content),
    /// Secretariat or chair open the vote, also again after a deferral.
    OpenVoting,
    /// The secretariat records the permit that the signer made.
    RecordPermit(PermitId),
    /// The secretariat sends it back with a comment.
    Return(String),
    /// Secretariat or chair end the permit, with the reason.
    Revoke(String),
    /// A member signs the own pledge.
    SignPledge,
    /// The applicant hands it in.
    Submit {
        /// The day in Japan, for the check of the period.
        at: Timestamp,
    },
    /// A reviewer votes.
    Vote {
        /// For or against.
        ballot: Ballot,
        /// What the reviewer says to it.
        comment: String,
    },
    /// The applicant takes it back.
    Withdraw,
}

impl Command {
    /// The command as asked at `at`: the time with which its event will be recorded and decided again.
    #[must_use]
    pub fn asked_at(self, at: Timestamp) -> Self {
        if let Self::Submit { .. } = self { Self::Submit { at } } else { self }
    }
}
