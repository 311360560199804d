//! Passkeys (`WebAuthn` Level 3): what a person signs with, and how a signature is checked, also years later and elsewhere.
//!
//! An act that counts carries an assertion whose challenge is the SHA-256 of what was done; the permit signer checks it long after
//! the browser is gone. No library checks that: `webauthn_rp` 0.3 knows only challenges of 128 bits that it drew itself (and stands
//! on RSA), `webauthn-rs` 0.6 draws its own too and needs OpenSSL. So the few steps of §7.1 and §7.2 that apply are written out
//! here over `p256`, `ed25519-dalek` and `coset`, and serve registration, sign-in and signed acts alike. Attestation is `none`:
//! which key belongs to whom is decided by an operator, see [`Enrolment`], not by the maker of a device.

mod authenticator_data;
mod base64url;
mod client_data;
mod enrolment;
mod error;
mod key;
mod keyring;
mod registration;
#[cfg(any(test, feature = "software-authenticator"))]
mod software;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use base64url::Base64Url;
pub use enrolment::{Enrolment, EnrolmentCode, EnrolmentRequest, InvalidCode};
pub use error::PasskeyError;
pub use key::PasskeyKey;
pub use keyring::{Claims, Keyring};
pub use registration::{Registered, Registration, verify_registration};
#[cfg(any(test, feature = "software-authenticator"))]
pub use software::SoftwareAuthenticator;

use authenticator_data::AuthenticatorData;
use client_data::Ceremony;

/// The browser's half: asks for the passkey that a form names, and sends the form.
pub const BROWSER_SCRIPT: &str = include_str!("passkey/browser.js");

/// What a challenge is here: the SHA-256 of what is signed, or 32 random bytes.
pub type Challenge = [u8; 32];

/// Who asks for signatures: the portal by its domain and origin (§5.1.2, §13.4.9).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelyingParty {
    /// The domain, e.g. `sudare.example`; `localhost` on one's own machine.
    pub id: String,
    /// The origin that browsers write, e.g. `https://sudare.example`, without a slash at the end.
    pub origin: String,
}

impl RelyingParty {
    /// The portal on one's own machine: browsers take `localhost` for safe without TLS, an address of digits never.
    pub fn localhost(scheme: &str, port: u16) -> Self {
        Self { id: "localhost".to_owned(), origin: format!("{scheme}://localhost:{port}") }
    }

    /// The portal at an origin: `https://` and a domain, with a port if it is not 443; without TLS only `localhost`.
    pub fn at(origin: &str) -> Result<Self, PasskeyError> {
        let origin = origin.trim_end_matches('/');
        let (scheme, place) = origin.split_once("://").ok_or(PasskeyError::Origin)?;
        let (domain, port) = place.split_once(':').map_or((place, None), |(domain, port)| (domain, Some(port)));
        let letters = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        // A last part of digits makes an address, for which browsers make no passkeys (§5.1.2).
        let named = domain.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_lowercase()));
        let safe = scheme == "https" || scheme == "http" && domain == "localhost";
        let port = port.is_none_or(|port| port.parse::<u16>().is_ok() && !port.starts_with(['+', '0']));
        if safe && named && port && domain.split('.').all(letters) {
            Ok(Self { id: domain.to_owned(), origin: origin.to_owned() })
        } else {
            Err(PasskeyError::Origin)
        }
    }

    /// The same domain's passkeys, used at another origin: where acts are signed. Refuses one whose host is not the domain's own
    /// or below it, for which browsers would not use them (§5.1.3), and the very origin where people sign in: what is signed there
    /// must never be an act.
    pub fn elsewhere(&self, origin: &str) -> Result<Self, PasskeyError> {
        let there = Self::at(origin)?;
        let is_ours = there.id == self.id || there.id.ends_with(&format!(".{}", self.id));
        if is_ours && there.origin != self.origin {
            Ok(Self { id: self.id.clone(), origin: there.origin })
        } else {
            Err(PasskeyError::Origin)
        }
    }

    fn id_hash(&self) -> [u8; 32] {
        Sha256::digest(self.id.as_bytes()).into()
    }
}

/// A person's signature by passkey: a `WebAuthn` assertion, whole, as it is kept with the act.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActSignature {
    /// Which passkey.
    pub credential: Base64Url,
    /// `authenticatorData` (§6.1).
    pub authenticator_data: Base64Url,
    /// `clientDataJSON` (§5.8.1), byte for byte.
    pub client_data: Base64Url,
    /// The signature over `authenticatorData` and the SHA-256 of `clientDataJSON`: DER for ES256, 64 bytes for `EdDSA`.
    pub signature: Base64Url,
}

/// What a good assertion tells beside being good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// The authenticator's counter (§6.1.1); zero if it does not count.
    pub sign_count: u32,
}

/// Checks an assertion over `challenge` by the person's key: §7.2, steps 7 to 21, user verification required. That the
/// credential is this person's is the caller's to know, see [`Keyring::vouches`].
pub fn verify_act(
    act: &ActSignature,
    challenge: &Challenge,
    key: &PasskeyKey,
    party: &RelyingParty,
) -> Result<(), PasskeyError> {
    verify_assertion(act, challenge, key, party).map(drop)
}

/// As [`verify_act`], with what a sign-in wants to know of the authenticator.
pub fn verify_assertion(
    act: &ActSignature,
    challenge: &Challenge,
    key: &PasskeyKey,
    party: &RelyingParty,
) -> Result<Asserted, PasskeyError> {
    client_data::check(act.client_data.as_bytes(), Ceremony::Get, challenge, party)?;
    let data = AuthenticatorData::parse(act.authenticator_data.as_bytes())?;
    data.check(party)?;
    data.end_of_assertion()?;
    let mut signed = act.authenticator_data.as_bytes().to_vec();
    signed.extend_from_slice(&Sha256::digest(act.client_data.as_bytes()));
    if key.verify(&signed, act.signature.as_bytes()) {
        Ok(Asserted { sign_count: data.sign_count })
    } else {
        Err(PasskeyError::Signature)
    }
}

#[cfg(test)]
mod tests;
