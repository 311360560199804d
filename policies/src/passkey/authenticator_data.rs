//! `authenticatorData` (§6.1): what the device says of itself and its owner.

use coset::cbor::Value;
use subtle::ConstantTimeEq;

use super::{PasskeyError, RelyingParty};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED_CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Its parsed beginning, 37 bytes, and the rest.
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) rest: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        let parts = || {
            let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
            let (flags, rest) = rest.split_first()?;
            let (count, rest) = rest.split_first_chunk::<4>()?;
            Some(Self { rp_id_hash, flags: *flags, sign_count: u32::from_be_bytes(*count), rest })
        };
        parts().ok_or(PasskeyError::Form)
    }

    /// For whom, and by whose finger: §7.1 steps 14 to 18, §7.2 steps 15 to 19.
    pub(super) fn check(&self, party: &RelyingParty) -> Result<(), PasskeyError> {
        if !bool::from(self.rp_id_hash.ct_eq(&party.id_hash())) {
            return Err(PasskeyError::Origin);
        }
        if !self.has(USER_PRESENT) {
            return Err(PasskeyError::NotPresent);
        }
        if !self.has(USER_VERIFIED) {
            return Err(PasskeyError::NotVerified);
        }
        if self.has(BACKED_UP) && !self.has(BACKUP_ELIGIBLE) {
            return Err(PasskeyError::Form);
        }
        Ok(())
    }

    /// An assertion carries no credential and, after its extensions, nothing (§6.3.3 step 10).
    pub(super) fn end_of_assertion(&self) -> Result<(), PasskeyError> {
        if self.has(ATTESTED_CREDENTIAL) { Err(PasskeyError::Form) } else { self.end(self.rest) }
    }

    /// Whether a credential follows.
    pub(super) fn has_credential(&self) -> bool {
        self.has(ATTESTED_CREDENTIAL)
    }

    /// `rest` is the extensions' map if the flags say so, and nothing more.
    pub(super) fn end(&self, mut rest: &[u8]) -> Result<(), PasskeyError> {
        if self.has(EXTENSIONS) {
            let extensions: Value = coset::cbor::de::from_reader(&mut rest).map_err(|_| PasskeyError::Form)?;
            if !extensions.is_map() {
                return Err(PasskeyError::Form);
            }
        }
        if rest.is_empty() { Ok(()) } else { Err(PasskeyError::Form) }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}
