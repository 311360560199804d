//! A new passkey (§7.1), attestation `none`.

use coset::cbor::Value;
use coset::{AsCborValue, CoseKey};
use serde::{Deserialize, Serialize};

use super::authenticator_data::AuthenticatorData;
use super::client_data::{self, Ceremony};
use super::{Base64Url, Challenge, PasskeyError, PasskeyKey, RelyingParty};

/// The longest credential (§7.1 step 25).
const CREDENTIAL_MAX: usize = 1023; // bytes

/// What the browser answers to `navigator.credentials.create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// `clientDataJSON`.
    pub client_data: Base64Url,
    /// `attestationObject`, CBOR (§6.5.4).
    pub attestation: Base64Url,
}

/// A passkey that was made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name.
    pub credential: Base64Url,
    /// Its public key.
    pub key: PasskeyKey,
    /// The authenticator's counter.
    pub sign_count: u32,
}

/// Checks what the browser sent: §7.1, steps 5 to 25, user verification required. Whether the credential is new is the
/// caller's to know. A statement of attestation that came unasked is not looked at: nothing here rests on it.
pub fn verify_registration(
    registration: &Registration,
    challenge: &Challenge,
    party: &RelyingParty,
) -> Result<Registered, PasskeyError> {
    client_data::check(registration.client_data.as_bytes(), Ceremony::Create, challenge, party)?;
    let bytes = authenticator_data(registration.attestation.as_bytes())?;
    let data = AuthenticatorData::parse(&bytes)?;
    data.check(party)?;
    if !data.has_credential() {
        return Err(PasskeyError::Form);
    }
    let attested = || {
        let (_aaguid, rest) = data.rest.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
    };
    let (credential, mut rest) = attested().ok_or(PasskeyError::Form)?;
    if credential.is_empty() || credential.len() > CREDENTIAL_MAX {
        return Err(PasskeyError::Form);
    }
    let key: Value = coset::cbor::de::from_reader(&mut rest).map_err(|_| PasskeyError::Form)?;
    data.end(rest)?;
    let key = CoseKey::from_cbor_value(key).map_err(|_| PasskeyError::Form)?;
    Ok(Registered {
        credential: Base64Url::of(credential),
        key: PasskeyKey::of_cose(&key)?,
        sign_count: data.sign_count,
    })
}

/// The member `authData` of the attestation object.
fn authenticator_data(mut attestation: &[u8]) -> Result<Vec<u8>, PasskeyError> {
    let object: Value = coset::cbor::de::from_reader(&mut attestation).map_err(|_| PasskeyError::Form)?;
    if !attestation.is_empty() {
        return Err(PasskeyError::Form);
    }
    let members = object.into_map().map_err(|_| PasskeyError::Form)?;
    let mut found = members.into_iter().filter(|(name, _)| name.as_text() == Some("authData"));
    match (found.next(), found.next()) {
        (Some((_, value)), None) => value.into_bytes().map_err(|_| PasskeyError::Form),
        _ => Err(PasskeyError::Form),
    }
}
