//! How a passkey comes to count: the portal writes a request, an operator carries it to the permit signer and compares a code.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{ActSignature, Base64Url, Challenge, PasskeyError, PasskeyKey, RelyingParty, verify_act};
use crate::application::Affiliation;
use crate::id::UserId;
use crate::jws::Document;
use crate::role::Role;
use crate::source::SourceId;

/// A passkey that counts, and what its owner may sign as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// Whose.
    pub user: UserId,
    /// As what the person may act.
    pub roles: BTreeSet<Role>,
    /// Which seats of the committee the person fills.
    pub seats: BTreeSet<String>,
    /// For which sources the person speaks as their holder.
    pub holds: BTreeSet<SourceId>,
    /// Where the person works: what is a conflict of interest depends on it.
    pub affiliation: Affiliation,
    /// Which portal the passkey was made for.
    pub relying_party: RelyingParty,
    /// The passkey's name.
    pub credential: Base64Url,
    /// Its public key.
    pub key: PasskeyKey,
}

/// What the portal hands to the operator: the enrolment, and the passkey's own signature over it. Signed as a whole by the
/// portal's `sign` key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// What is asked.
    pub enrolment: Enrolment,
    /// When.
    pub made_at: Timestamp,
    /// The passkey's signature over both.
    pub proof: ActSignature,
}

impl Document for EnrolmentRequest {
    const KIND: &'static str = "sudare-enrolment+jws";
}

impl EnrolmentRequest {
    /// What the passkey signs for its own enrolment.
    pub fn challenge(enrolment: &Enrolment, made_at: Timestamp) -> Result<Challenge, PasskeyError> {
        let body = serde_json::to_vec(&(enrolment, made_at)).map_err(|_| PasskeyError::Form)?;
        let mut hash = Sha256::new();
        hash.update(b"sudare enrolment\0");
        hash.update(body);
        Ok(hash.finalize().into())
    }

    /// Checks that the passkey itself asks for this.
    pub fn check(&self) -> Result<(), PasskeyError> {
        if self.proof.credential != self.enrolment.credential {
            return Err(PasskeyError::Unknown);
        }
        let challenge = Self::challenge(&self.enrolment, self.made_at)?;
        verify_act(&self.proof, &challenge, &self.enrolment.key, &self.enrolment.relying_party)
    }
}

/// Rounds of SHA-256 behind a code: each guess at a document with the same code costs them (40 bits of code, 17 of rounds).
const ROUNDS: u32 = 1 << 17;

/// Crockford's base 32: no letters that look like others.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The short code of a signed request, `XXXX-XXXX`: shown to the person by the portal and to the operator by the signer, who
/// compare it by voice. It finds a file that was exchanged on the way.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentCode([u8; 8]);

/// The text is no code.
#[derive(Debug, thiserror::Error)]
#[error("not a code; eight letters and digits with a dash between, e.g. 7KQ2-M4XD")]
pub struct InvalidCode;

impl EnrolmentCode {
    /// The code of a signed request.
    pub fn of(signed: &str) -> Self {
        let mut hash: [u8; 32] = Sha256::digest([b"sudare code\0", signed.trim().as_bytes()].concat()).into();
        for _ in 0..ROUNDS {
            hash = Sha256::digest(hash).into();
        }
        let bits = hash.iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut code = [0; 8];
        for (place, letter) in code.iter_mut().enumerate() {
            let index = usize::try_from(bits >> (35 - 5 * place) & 31).unwrap_or(0);
            *letter = LETTERS.get(index).copied().unwrap_or(b'0');
        }
        Self(code)
    }

    /// Whether both are the same, in the same time whatever they are.
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.0.split_at(4);
        write!(f, "{}-{}", String::from_utf8_lossy(first), String::from_utf8_lossy(last))
    }
}

impl FromStr for EnrolmentCode {
    type Err = InvalidCode;
    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let plain = |letter: u8| match letter.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        let letters: Vec<u8> = text.trim().bytes().filter(|byte| *byte != b'-').map(plain).collect();
        let known = letters.iter().all(|letter| LETTERS.contains(letter));
        letters.try_into().ok().filter(|_| known).map(Self).ok_or(InvalidCode)
    }
}
