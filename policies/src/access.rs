//! Who may do what: casbin's answer from `access/model.conf` and `access/policy.csv`. Rules live there, sentences in the pages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};

use crate::role::Role;

const MODEL: &str = include_str!("../access/model.conf");
const POLICY: &str = include_str!("../access/policy.csv");

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// An action, `noun:verb`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// All actions.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in policy files, audit entries and pages.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

actions! {
    /// See the own account.
    AccountRead = "account:read",
    /// Take an application as complete.
    ApplicationAccept = "application:accept",
    /// Ask for a change of what was granted.
    ApplicationAmend = "application:amend",
    /// Answer for a holder.
    ApplicationAnswerHolder = "application:answer-holder",
    /// Answer a restriction.
    ApplicationAnswerRestriction = "application:answer-restriction",
    /// Name reviewers.
    ApplicationAssign = "application:assign",
    /// Certify that data and key are destroyed.
    ApplicationCertifyDeletion = "application:certify-deletion",
    /// End the use.
    ApplicationClose = "application:close",
    /// Comment a part.
    ApplicationComment = "application:comment",
    /// Confirm that a condition is met.
    ApplicationConfirmCondition = "application:confirm-condition",
    /// Begin an application.
    ApplicationCreate = "application:create",
    /// Decide for the committee, or in the secretariat's lane.
    ApplicationDecide = "application:decide",
    /// Say whether there is a conflict of interest.
    ApplicationDeclareInterest = "application:declare-interest",
    /// Change a draft.
    ApplicationEdit = "application:edit",
    /// Hand in what came out.
    ApplicationFileResults = "application:file-results",
    /// Follow an incident to its end.
    ApplicationFollowIncident = "application:follow-incident",
    /// Give an opinion as a reviewer.
    ApplicationGiveOpinion = "application:give-opinion",
    /// Accept an invitation as a member.
    ApplicationJoin = "application:join",
    /// See what a person needs to know to declare interests: title, members, institutions.
    ApplicationJudgeInterest = "application:judge-interest",
    /// See the list of applications that one may read.
    ApplicationList = "application:list",
    /// Sign the own pledge.
    ApplicationPledge = "application:pledge",
    /// Let the public read what came out.
    ApplicationPublishResults = "application:publish-results",
    /// Read an application.
    ApplicationRead = "application:read",
    /// Report that a condition is met.
    ApplicationReportCondition = "application:report-condition",
    /// Report an incident.
    ApplicationReportIncident = "application:report-incident",
    /// Report a decision of the urgent lane to a meeting.
    ApplicationReportToMeeting = "application:report-to-meeting",
    /// Send an application back.
    ApplicationReturn = "application:return",
    /// Ask for another wording of what came out.
    ApplicationReturnResults = "application:return-results",
    /// Put an application on a meeting.
    ApplicationSchedule = "application:schedule",
    /// Hand an application in.
    ApplicationSubmit = "application:submit",
    /// Vote.
    ApplicationVote = "application:vote",
    /// Take an application back.
    ApplicationWithdraw = "application:withdraw",
    /// Read the portal's audit chain.
    AuditRead = "audit:read",
    /// See what waits for whom, and the meetings.
    BoardRead = "board:read",
    /// Read the catalog.
    CatalogRead = "catalog:read",
    /// See how the queue of doubtful pairs stands.
    LinkageRead = "linkage:read",
    /// Have the signer issue a permit.
    PermitIssue = "permit:issue",
    /// Narrow a permit.
    PermitRestrict = "permit:restrict",
    /// Lift a suspension.
    PermitResume = "permit:resume",
    /// End a permit.
    PermitRevoke = "permit:revoke",
    /// Stop a use for a time.
    PermitSuspend = "permit:suspend",
    /// Run a query under a project.
    ProjectQuery = "project:query",
}

/// What a person is to the object of an action. The first that fits counts, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Wrote the application.
    Applicant,
    /// Is named in it, or in the project.
    Member,
    /// None of these, and the application was never handed in.
    Private,
    /// Is a reviewer or chair with a conflict of interest.
    Conflicted,
    /// Is a reviewer or chair who said that there is no conflict.
    Cleared,
    /// Is a reviewer or chair who has not said yet: the file is closed.
    Asked,
    /// Answers for a source that is asked for.
    Holder,
    /// None of these, or there is no object.
    Other,
}

impl Relation {
    /// All relations.
    pub const ALL: [Self; 8] = [
        Self::Applicant,
        Self::Member,
        Self::Private,
        Self::Conflicted,
        Self::Cleared,
        Self::Asked,
        Self::Holder,
        Self::Other,
    ];

    /// The word in policy files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applicant => "applicant",
            Self::Asked => "asked",
            Self::Cleared => "cleared",
            Self::Conflicted => "conflicted",
            Self::Holder => "holder",
            Self::Member => "member",
            Self::Other => "other",
            Self::Private => "private",
        }
    }
}

/// The policy files do not load, or casbin could not answer. Then nothing is allowed.
#[derive(Debug, thiserror::Error)]
#[error("the access policy cannot be read")]
pub struct AccessError(#[source] Box<casbin::Error>);

/// Casbin with the embedded policy, and what it answered: the policy is part of the program, so an answer holds as long as this.
pub struct Access {
    casbin: Enforcer,
    answered: Mutex<BTreeMap<(&'static str, Relation, Action), bool>>,
}

impl Access {
    /// Loads the embedded model and policy.
    pub async fn load() -> Result<Self, AccessError> {
        let failed = |cause| AccessError(Box::new(cause));
        let model = DefaultModel::from_str(MODEL).await.map_err(failed)?;
        let casbin = Enforcer::new(model, StringAdapter::new(POLICY)).await.map_err(failed)?;
        Ok(Self { casbin, answered: Mutex::default() })
    }

    /// Whether somebody who is not signed in may.
    pub fn visitor_may(&self, what: Action) -> bool {
        self.may("visitor", Relation::Other, what)
    }

    /// Whether a signed-in person with these roles, in this relation to the object, may. Denials are written for every person,
    /// so one role never lifts what another forbids.
    pub fn person_may(&self, roles: &BTreeSet<Role>, relation: Relation, what: Action) -> bool {
        self.may("person", relation, what) || roles.iter().any(|role| self.may(role.as_str(), relation, what))
    }

    fn may(&self, who: &'static str, relation: Relation, what: Action) -> bool {
        let answered = || self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(may) = answered().get(&(who, relation, what)) {
            return *may;
        }
        let Ok(may) = self.casbin.enforce((who, relation.as_str(), what.as_str())) else { return false };
        answered().insert((who, relation, what), may);
        may
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    async fn table() -> String {
        let access = Access::load().await.unwrap();
        let mut text = String::from("# role × relation × action; made by the code, compared by a test\n");
        let who = ["visitor", "person"].into_iter().chain(Role::ALL.into_iter().map(Role::as_str));
        for who in who {
            for relation in Relation::ALL {
                let may = Action::ALL.iter().filter(|what| access.may(who, relation, **what));
                let may: Vec<_> = may.map(|what| what.as_str()).collect();
                writeln!(text, "{who:15} {:11} {}", relation.as_str(), may.join(" ")).unwrap();
            }
        }
        text
    }

    #[tokio::test]
    async fn the_matrix_is_the_reviewed_one() {
        let now = table().await;
        let reviewed = include_str!("../access/matrix.txt");
        assert!(now == reviewed, "access/matrix.txt differs; if the change is wanted, replace it by:\n{now}");
    }

    #[test]
    fn file_and_types_name_the_same_actions() {
        let lines = POLICY.lines().filter(|line| line.starts_with("p,"));
        let named: BTreeSet<_> = lines.map(|line| line.split(", ").nth(3).unwrap()).collect();
        assert_eq!(named, Action::ALL.iter().map(|action| action.as_str()).collect());
    }

    #[tokio::test]
    async fn no_role_lifts_a_denial() {
        let access = Access::load().await.unwrap();
        let all = Role::ALL.into_iter().collect();
        for relation in [Relation::Applicant, Relation::Member, Relation::Conflicted] {
            assert!(!access.person_may(&all, relation, Action::ApplicationVote));
            assert!(!access.person_may(&all, relation, Action::ApplicationDecide));
        }
        assert!(access.person_may(&all, Relation::Cleared, Action::ApplicationVote));
        assert!(!access.person_may(&all, Relation::Asked, Action::ApplicationRead));
        assert!(!access.person_may(&all, Relation::Private, Action::ApplicationRead));
        assert!(!access.person_may(&BTreeSet::from([Role::Auditor]), Relation::Other, Action::ApplicationAccept));
    }
}
