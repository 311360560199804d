//! `clientDataJSON` (§5.8.1): what the browser says it was asked for, by whom.

use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{Base64Url, Challenge, PasskeyError, RelyingParty};

/// What the browser was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// Make a passkey.
    Create,
    /// Sign with one.
    Get,
}

impl Ceremony {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// The members that are checked. Others are to be ignored (§5.8.1.2); one that comes twice is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: Base64Url,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    #[serde(default)]
    top_origin: Option<String>,
}

/// Type, challenge, origin and frame: §7.1 steps 7 to 11, §7.2 steps 10 to 14.
pub(super) fn check(
    json: &[u8],
    ceremony: Ceremony,
    challenge: &Challenge,
    party: &RelyingParty,
) -> Result<(), PasskeyError> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| PasskeyError::Form)?;
    if data.r#type != ceremony.as_str() {
        return Err(PasskeyError::Form);
    }
    if !bool::from(data.challenge.as_bytes().ct_eq(challenge)) {
        return Err(PasskeyError::Challenge);
    }
    if data.origin != party.origin {
        return Err(PasskeyError::Origin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(PasskeyError::CrossOrigin);
    }
    Ok(())
}
