//! Why an institution's word did not open anything. Sentences stand in `messages/` as `oidc-error.<word>`; values never.

/// Why a sign-in at an institution came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The token is for another application.
    #[error("the institution's word is meant for another service")]
    Audience,
    /// The person, or the institution, said no.
    #[error("the institution did not let you sign in, or you stopped there")]
    Denied,
    /// The token's time is over or has not come.
    #[error("the institution's word is too old, or its clock goes wrong")]
    Expired,
    /// Another provider answered than the one that was asked.
    #[error("another institution answered than the one that was asked")]
    Issuer,
    /// That person of the institution is linked to another account, or the account to another person.
    #[error("you at that institution, or your account, are linked already")]
    Linked,
    /// The token was made for another sign-in.
    #[error("the institution's word was made for another sign-in")]
    Nonce,
    /// The provider does not take the code, or us.
    #[error("the institution's provider refused the portal")]
    Refused,
    /// The token's signature is not the provider's.
    #[error("the institution's word is not signed by it")]
    Signature,
    /// No sign-in of this session waits for that answer.
    #[error("no sign-in in this browser waits for that answer")]
    State,
    /// The token cannot be read.
    #[error("what the institution said cannot be read")]
    Token,
    /// The institution did not confirm the authentication that the operator asks for.
    #[error("you signed in at the institution in a weaker way than is needed here")]
    TooWeak,
    /// No account is linked to that person.
    #[error("no account is linked to you at that institution")]
    UnknownPerson,
    /// The provider does not answer.
    #[error("the institution's provider does not answer")]
    Unreachable,
    /// Too many answers that opened nothing came from there.
    #[error("too many failed attempts; try again later")]
    Wait,
}

impl OidcError {
    /// Stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Audience => "oidc/audience",
            Self::Denied => "oidc/denied",
            Self::Expired => "oidc/expired",
            Self::Issuer => "oidc/issuer",
            Self::Linked => "oidc/linked",
            Self::Nonce => "oidc/nonce",
            Self::Refused => "oidc/refused",
            Self::Signature => "oidc/signature",
            Self::State => "oidc/state",
            Self::Token => "oidc/token",
            Self::TooWeak => "oidc/too-weak",
            Self::UnknownPerson => "oidc/unknown-person",
            Self::Unreachable => "oidc/unreachable",
            Self::Wait => "oidc/wait",
        }
    }

    /// Whether nobody tried anything: such an answer is not counted against the address that it came from.
    pub(crate) fn is_innocent(self) -> bool {
        matches!(self, Self::Denied | Self::Linked | Self::TooWeak | Self::UnknownPerson | Self::Unreachable)
    }
}
