//! Why a passkey's word is not believed. Never carries what was sent.

/// Every way in which a registration, an assertion or an enrolment is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// Another challenge than the one that was asked for.
    #[error("the passkey signed something else")]
    Challenge,
    /// The page was inside another site's.
    #[error("the passkey was used inside another site's page")]
    CrossOrigin,
    /// Bytes that do not parse.
    #[error("what the passkey sent cannot be read")]
    Form,
    /// The credential is registered for somebody else already.
    #[error("this passkey is another person's")]
    OtherPerson,
    /// Signed for another site.
    #[error("the passkey signed for another site")]
    Origin,
    /// The kind of key is none that is checked here.
    #[error("this kind of passkey is not supported; ES256 and EdDSA are")]
    Kind,
    /// Nobody touched the device.
    #[error("the passkey was used without its owner")]
    NotPresent,
    /// The act claims more than the person was enrolled for.
    #[error("the passkey is not enrolled for this role, seat or source")]
    NotEnrolled,
    /// Neither PIN nor biometrics.
    #[error("the passkey did not check its owner by PIN, finger or face")]
    NotVerified,
    /// The signature does not verify.
    #[error("the passkey's signature does not verify")]
    Signature,
    /// The counter went back: the key may have been copied.
    #[error("the passkey's counter went back; it may have been copied")]
    Counter,
    /// No such credential.
    #[error("this passkey is not registered")]
    Unknown,
}

impl PasskeyError {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Challenge,
        Self::Counter,
        Self::CrossOrigin,
        Self::Form,
        Self::Kind,
        Self::NotEnrolled,
        Self::NotPresent,
        Self::NotVerified,
        Self::Origin,
        Self::OtherPerson,
        Self::Signature,
        Self::Unknown,
    ];

    /// Stable code, listed in `docs/errors.md`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Challenge => "passkey/challenge",
            Self::Counter => "passkey/counter",
            Self::CrossOrigin => "passkey/cross-origin",
            Self::Form => "passkey/form",
            Self::Kind => "passkey/kind",
            Self::NotEnrolled => "passkey/not-enrolled",
            Self::NotPresent => "passkey/not-present",
            Self::NotVerified => "passkey/not-verified",
            Self::Origin => "passkey/origin",
            Self::OtherPerson => "passkey/other-person",
            Self::Signature => "passkey/signature",
            Self::Unknown => "passkey/unknown",
        }
    }
}
