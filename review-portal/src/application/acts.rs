//! The acts that a form may ask for, by the last word of its address.

use policies::access::Action;

macro_rules! acts {
    ($($name:ident = $word:literal => $action:ident,)*) => {
        /// An act on an application.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Act {
            $($name,)*
        }

        impl Act {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in addresses and messages.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What casbin is asked.
            pub(crate) fn action(self) -> Action {
                match self { $(Self::$name => Action::$action,)* }
            }
        }
    };
}

acts! {
    Accept = "accept" => ApplicationAccept,
    Amend = "amend" => ApplicationAmend,
    AnswerHolder = "answer-holder" => ApplicationAnswerHolder,
    AnswerRestriction = "answer-restriction" => ApplicationAnswerRestriction,
    Assign = "assign" => ApplicationAssign,
    CertifyDeletion = "certify-deletion" => ApplicationCertifyDeletion,
    Close = "close" => ApplicationClose,
    Comment = "comment" => ApplicationComment,
    ConfirmCondition = "confirm-condition" => ApplicationConfirmCondition,
    Decide = "decide" => ApplicationDecide,
    DeclareInterest = "declare-interest" => ApplicationDeclareInterest,
    FileResults = "file-results" => ApplicationFileResults,
    FollowIncident = "follow-incident" => ApplicationFollowIncident,
    GiveOpinion = "give-opinion" => ApplicationGiveOpinion,
    Join = "join" => ApplicationJoin,
    Permit = "permit" => PermitIssue,
    Pledge = "pledge" => ApplicationPledge,
    PublishResults = "publish-results" => ApplicationPublishResults,
    ReportCondition = "report-condition" => ApplicationReportCondition,
    ReportIncident = "report-incident" => ApplicationReportIncident,
    ReportToMeeting = "report-to-meeting" => ApplicationReportToMeeting,
    Restrict = "restrict" => PermitRestrict,
    Resume = "resume" => PermitResume,
    Return = "return" => ApplicationReturn,
    ReturnResults = "return-results" => ApplicationReturnResults,
    Revoke = "revoke" => PermitRevoke,
    Schedule = "schedule" => ApplicationSchedule,
    Submit = "submit" => ApplicationSubmit,
    Suspend = "suspend" => PermitSuspend,
    Vote = "vote" => ApplicationVote,
    Withdraw = "withdraw" => ApplicationWithdraw,
}

impl Act {
    /// The act of that word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.as_str() == word)
    }
}
