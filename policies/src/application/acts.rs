//! What people ask of an application, and what has happened when they were obeyed: one list for both.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::parts::{
    Audience, Certificate, Decision, FindingsByCriterion, HolderAnswer, IncidentReport, IncidentStep, Narrowing,
    Opinion, ReviewerCard, Sitting, Training, Vote,
};
use crate::id::{PermitId, UserId};

macro_rules! acts {
    ($(
        $(#[$doc:meta])*
        $command:ident => $event:ident = $word:literal { $( $(#[$field_doc:meta])* $field:ident: $kind:ty ),* $(,)? }
    )*) => {
        /// What is asked. A command that is obeyed makes one event of the same content.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command {
            $( $(#[$doc])* $command { $( $(#[$field_doc])* $field: $kind ),* }, )*
        }

        /// What happened. Never changed once recorded; who did it and when stands in its record.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Event {
            $( $(#[$doc])* $event { $( $(#[$field_doc])* $field: $kind ),* }, )*
        }

        impl Event {
            /// The words of all kinds.
            pub const KINDS: &'static [&'static str] = &[$($word),*];

            /// The word in databases, audit entries and pages.
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$event { .. } => $word, )* }
            }

            /// The command that makes this event: what the signer decides again.
            pub fn asked(self) -> Command {
                match self { $( Self::$event { $($field),* } => Command::$command { $($field),* }, )* }
            }
        }

        impl Command {
            /// The word of the event that it makes.
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$command { .. } => $word, )* }
            }

            pub(super) fn obeyed(self) -> Event {
                match self { $( Self::$command { $($field),* } => Event::$event { $($field),* }, )* }
            }
        }
    };
}

acts! {
    /// The secretariat takes the application as complete; holders are asked.
    Accept => Accepted = "accepted" {
        /// Lines of the checklist that were confirmed.
        checklist: BTreeSet<String>,
    }
    /// The applicant asks for a change of what was granted; the permit stays as it is meanwhile.
    Amend => Amended = "amended" {
        /// What is to hold instead.
        content: Content,
    }
    /// A holder answers the request of that number: consent or opinion.
    AnswerHolder => HolderAnswered = "holder-answered" {
        /// The request.
        request: String,
        /// What is said.
        answer: HolderAnswer,
    }
    /// The applicant answers a restriction.
    AnswerRestriction => RestrictionAnswered = "restriction-answered" {
        /// Which, from 1.
        restriction: u32,
        /// What is said.
        text: String,
    }
    /// The secretariat names the reviewers.
    AssignReviewers => ReviewersAssigned = "reviewers-assigned" {
        /// All of them.
        reviewers: BTreeMap<UserId, ReviewerCard>,
    }
    /// The secretariat certifies that the project's data and key are destroyed.
    CertifyDeletion => DeletionCertified = "deletion-certified" {
        /// The certificate.
        certificate: Certificate,
    }
    /// The applicant or the secretariat ends the use, with the report on erased data.
    Close => Closed = "closed" {
        /// What was erased, and how.
        report: String,
    }
    /// Somebody with a part in it comments a part of the content.
    Comment => Commented = "commented" {
        /// The part's word; empty for the whole.
        field: String,
        /// What is said.
        text: String,
        /// Who is to read it.
        audience: Audience,
    }
    /// The secretariat confirms that a condition is met.
    ConfirmCondition => ConditionConfirmed = "condition-confirmed" {
        /// Which, from 1.
        condition: u32,
    }
    /// The chair decides; in its lane the secretariat does.
    Decide => Decided = "decided" {
        /// What.
        decision: Decision,
        /// A finding with its reason for each criterion.
        findings: FindingsByCriterion,
    }
    /// A reviewer or the chair says whether there is a conflict of interest, before the file opens.
    DeclareInterest => InterestDeclared = "interest-declared" {
        /// The conflict in words; none: there is none.
        conflict: Option<String>,
    }
    /// A researcher begins an application.
    Draft => Drafted = "drafted" {
        /// What is asked.
        content: Content,
    }
    /// The applicant changes it.
    Edit => Edited = "edited" {
        /// The new content, whole.
        content: Content,
    }
    /// The applicant hands in what came out, for the public.
    FileResults => ResultsFiled = "results-filed" {
        /// In plain words.
        summary: String,
    }
    /// The secretariat follows an incident to its end.
    FollowIncident => IncidentFollowed = "incident-followed" {
        /// Which, from 1.
        incident: u32,
        /// What was done.
        step: IncidentStep,
    }
    /// A reviewer answers the request for an opinion.
    GiveOpinion => OpinionGiven = "opinion-given" {
        /// The opinion.
        opinion: Opinion,
    }
    /// A named member accepts the invitation, with a training certificate; again when it was renewed.
    Join => MemberJoined = "member-joined" {
        /// The certificate.
        training: Training,
    }
    /// The secretariat has read what came out, and lets the public read it.
    PublishResults => ResultsPublished = "results-published" {
        /// Which filing was read, from 1: a later one is read again.
        filing: u32,
    }
    /// The secretariat records the permit that the signer made; a member who became ready later, the one that names them too.
    RecordPermit => PermitIssued = "permit-issued" {
        /// Its number.
        permit: PermitId,
    }
    /// The applicant reports that a condition is met.
    ReportCondition => ConditionReported = "condition-reported" {
        /// Which, from 1.
        condition: u32,
        /// How.
        text: String,
    }
    /// Anybody with a part in it reports an incident.
    ReportIncident => IncidentReported = "incident-reported" {
        /// What happened.
        report: IncidentReport,
    }
    /// A decision of the urgent lane is reported to the committee's meeting.
    ReportToMeeting => ReportedToMeeting = "reported-to-meeting" {
        /// Day of the meeting.
        on: Date,
    }
    /// The secretariat narrows a running permit for the Minister, without a new review.
    Restrict => Restricted = "restricted" {
        /// What is taken away.
        narrowing: Narrowing,
        /// Why.
        reason: String,
        /// By when the user is to answer.
        answer_by: Date,
    }
    /// The secretariat lifts a suspension.
    Resume => Resumed = "resumed" {
        /// Why.
        reason: String,
    }
    /// The secretariat sends it back with a comment.
    Return => Returned = "returned" {
        /// What is to be corrected.
        comment: String,
    }
    /// The secretariat asks for another wording of what came out before it is public.
    ReturnResults => ResultsReturned = "results-returned" {
        /// Which filing was read, from 1.
        filing: u32,
        /// What is to be changed.
        comment: String,
    }
    /// Secretariat or chair end the permit, with the reason.
    Revoke => Revoked = "revoked" {
        /// Why.
        reason: String,
    }
    /// Secretariat or chair put the application on a meeting, or open a vote by circulation.
    Schedule => Scheduled = "scheduled" {
        /// When and how.
        sitting: Sitting,
    }
    /// A member signs the own pledge.
    SignPledge => PledgeSigned = "pledge-signed" {
        /// Edition of its text.
        version: String,
    }
    /// The applicant hands it in.
    Submit => Submitted = "submitted" {}
    /// Secretariat or chair stop the use for a time.
    Suspend => Suspended = "suspended" {
        /// Why.
        reason: String,
    }
    /// A reviewer votes.
    Vote => VoteCast = "vote-cast" {
        /// How.
        vote: Vote,
    }
    /// The applicant takes it back; of an amendment only that.
    Withdraw => Withdrawn = "withdrawn" {}
}

impl Event {
    /// Whether the event carries the actor's passkey signature: votes, decisions, pledges, a holder's consent, and what the
    /// secretariat alone does for a permit to be: it takes the application as complete, confirms conditions, lifts a suspension.
    pub fn must_be_signed(&self) -> bool {
        let consents = matches!(self, Self::HolderAnswered { answer, .. } if answer.consent.is_some());
        consents
            || matches!(self, Self::Accepted { .. } | Self::ConditionConfirmed { .. } | Self::Resumed { .. })
            || matches!(self, Self::Decided { .. } | Self::PledgeSigned { .. } | Self::VoteCast { .. })
    }
}

impl Command {
    /// Whether the event that it makes carries the actor's passkey signature.
    pub fn must_be_signed(&self) -> bool {
        self.clone().obeyed().must_be_signed()
    }
}
