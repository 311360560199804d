//! Why nothing runs: the session, the permit, or what is needed to judge them.

use catalog::ReleaseId;
use policies::ProjectId;

/// A no before any plan is made. Each has a stable code (`docs/errors.md`), one sentence and a hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Several projects and none named.
    #[error("the session has permits for several projects: {}", list(.projects))]
    ChooseProject {
        /// The projects.
        projects: Vec<ProjectId>,
    },
    /// The signer could not be asked for a permit.
    #[error("the permit could not be fetched from the permit signer")]
    NoFetch,
    /// The token names no permit.
    #[error("the session has no permit")]
    NoPermit,
    /// No status document that is at most 60 seconds old.
    #[error("it cannot be checked now which permits and sessions have been revoked")]
    NoStatus,
    /// Grade or tier that the engine does not make.
    #[error("the permit asks for a grade or a tier that this engine does not have yet")]
    NotSupported,
    /// No token.
    #[error("the request carries no session token")]
    NoToken,
    /// The person is no member.
    #[error("the permit does not name this person")]
    NotAMember,
    /// The person is not where the permit says.
    #[error("the query comes from outside the place of use that the permit names for this person")]
    OtherPlace,
    /// No permit for this project.
    #[error("the session has no permit for this project")]
    OtherProject,
    /// Over, or not begun.
    #[error("the permit does not hold at this time")]
    PermitExpired,
    /// Signature or kind is wrong.
    #[error("the permit's signature does not verify")]
    PermitInvalid,
    /// Revoked.
    #[error("the permit has been revoked, suspended or replaced by a newer one")]
    PermitRevoked,
    /// The signer knows no such permit.
    #[error("the permit signer knows no permit of this number")]
    PermitUnknown,
    /// Profile or row filter cannot be applied.
    #[error("the permit's disclosure profile or row filter cannot be applied")]
    PermitUnusable,
    /// A pinned release is not served.
    #[error("release {release} of the permit is not served")]
    ReleaseUnavailable {
        /// Which one.
        release: ReleaseId,
    },
    /// Revoked.
    #[error("the session has ended")]
    SessionRevoked,
    /// Over.
    #[error("the session token has expired")]
    TokenExpired,
    /// A token for the dummy releases, at an engine of people's records.
    #[error("the session token is for dummy data only")]
    TokenForDummies,
    /// A token for a project, at an engine of dummy releases.
    #[error("the session token is for a project, and this engine serves dummy data only")]
    TokenForProjects,
    /// Signature or kind is wrong.
    #[error("the session token's signature does not verify")]
    TokenInvalid,
    /// The person's training lapsed.
    #[error("the training certificate of this person has lapsed")]
    TrainingLapsed,
}

impl Rejection {
    /// All codes, in the order of the variants.
    pub(crate) const CODES: [&str; 21] = [
        "permit/choose-project",
        "permit/not-fetched",
        "permit/none",
        "permit/no-status",
        "permit/not-supported",
        "session/missing",
        "permit/not-a-member",
        "permit/place",
        "permit/other-project",
        "permit/expired",
        "permit/invalid",
        "permit/revoked",
        "permit/unknown",
        "permit/unusable",
        "permit/release-unavailable",
        "session/revoked",
        "session/expired",
        "session/for-dummies",
        "session/for-projects",
        "session/invalid",
        "permit/training-lapsed",
    ];

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ChooseProject { .. } => "permit/choose-project",
            Self::NoFetch => "permit/not-fetched",
            Self::NoPermit => "permit/none",
            Self::NoStatus => "permit/no-status",
            Self::NotSupported => "permit/not-supported",
            Self::NoToken => "session/missing",
            Self::NotAMember => "permit/not-a-member",
            Self::OtherPlace => "permit/place",
            Self::OtherProject => "permit/other-project",
            Self::PermitExpired => "permit/expired",
            Self::PermitInvalid => "permit/invalid",
            Self::PermitRevoked => "permit/revoked",
            Self::PermitUnknown => "permit/unknown",
            Self::PermitUnusable => "permit/unusable",
            Self::ReleaseUnavailable { .. } => "permit/release-unavailable",
            Self::SessionRevoked => "session/revoked",
            Self::TokenExpired => "session/expired",
            Self::TokenForDummies => "session/for-dummies",
            Self::TokenForProjects => "session/for-projects",
            Self::TokenInvalid => "session/invalid",
            Self::TrainingLapsed => "permit/training-lapsed",
        }
    }

    /// What can be done now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ChooseProject { .. } => "name one of them, by --project or the header sudare-project",
            Self::NoFetch | Self::NoStatus => "try again in a minute; if it stays so, tell the operator",
            Self::NoPermit | Self::OtherProject => "sign in again, and look up your projects at the portal",
            Self::NoToken => "send the token of the portal's page on SQL access as authorization: Bearer",
            Self::NotAMember => "ask the applicant to add you by an amendment",
            Self::OtherPlace => "work from your place of use; another one is applied for by an amendment",
            Self::PermitExpired => "an extension is applied for at the portal",
            Self::NotSupported | Self::PermitInvalid | Self::PermitUnknown | Self::PermitUnusable => {
                "tell the operator the number of the permit; nothing can run under it"
            }
            Self::PermitRevoked => {
                "get a new token at the portal; if the permit was not replaced, the secretariat can say why"
            }
            Self::ReleaseUnavailable { .. } => "tell the steward of the dataset; the release has to be restored",
            Self::TrainingLapsed => {
                "hand in a new certificate at the portal, and ask the secretariat to renew the permit"
            }
            Self::TokenForDummies => "ask the engine for dummy data, or take a token of your project",
            Self::TokenForProjects => "ask the project's engine, or take a token for dummy data at the portal",
            Self::SessionRevoked | Self::TokenExpired | Self::TokenInvalid => "sign in at the portal for a new token",
        }
    }
}

fn list(projects: &[ProjectId]) -> String {
    projects.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(", ")
}
