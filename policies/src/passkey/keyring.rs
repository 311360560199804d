//! Which passkeys may sign for whom: what the permit signer believes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ActSignature, Base64Url, Challenge, Enrolment, PasskeyError, verify_act};
use crate::id::UserId;
use crate::role::Role;
use crate::source::SourceId;

/// As whom an act says that it was done.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// Who.
    pub user: &'a UserId,
    /// Under which roles.
    pub roles: &'a BTreeSet<Role>,
    /// From which seats.
    pub seats: &'a BTreeSet<String>,
    /// For which sources, as their holder.
    pub holds: &'a BTreeSet<SourceId>,
}

/// Enrolled passkeys, each one person's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Enrolment>", into = "Vec<Enrolment>")]
pub struct Keyring(BTreeMap<Base64Url, Enrolment>);

impl Keyring {
    /// Adds a passkey, or puts its new roles in the place of the old ones. Refuses one that is another person's, or that would
    /// change its key.
    pub fn enrol(&mut self, enrolment: Enrolment) -> Result<(), PasskeyError> {
        if let Some(known) = self.0.get(&enrolment.credential)
            && (known.user != enrolment.user || known.key != enrolment.key)
        {
            return Err(PasskeyError::OtherPerson);
        }
        self.0.insert(enrolment.credential.clone(), enrolment);
        Ok(())
    }

    /// Takes a passkey away.
    pub fn unenrol(&mut self, credential: &Base64Url) -> Option<Enrolment> {
        self.0.remove(credential)
    }

    /// All of them, by credential.
    pub fn iter(&self) -> impl Iterator<Item = &Enrolment> {
        self.0.values()
    }

    /// The passkey that an act was signed with, if it is this person's.
    pub fn enrolment(&self, user: &UserId, act: &ActSignature) -> Option<&Enrolment> {
        self.0.get(&act.credential).filter(|enrolment| enrolment.user == *user)
    }

    /// Whether `act` is this person's signature over `challenge`, and the person was enrolled for all that the act claims. A
    /// portal that lies about roles, seats or sources is found out here.
    pub fn vouches(&self, claims: Claims<'_>, challenge: &Challenge, act: &ActSignature) -> Result<(), PasskeyError> {
        let enrolment = self.enrolment(claims.user, act).ok_or(PasskeyError::Unknown)?;
        verify_act(act, challenge, &enrolment.key, &enrolment.relying_party)?;
        let Claims { roles, seats, holds, .. } = claims;
        if roles.is_subset(&enrolment.roles) && seats.is_subset(&enrolment.seats) && holds.is_subset(&enrolment.holds) {
            Ok(())
        } else {
            Err(PasskeyError::NotEnrolled)
        }
    }
}

impl TryFrom<Vec<Enrolment>> for Keyring {
    type Error = PasskeyError;
    fn try_from(enrolments: Vec<Enrolment>) -> Result<Self, PasskeyError> {
        let mut keyring = Self::default();
        for enrolment in enrolments {
            if keyring.0.contains_key(&enrolment.credential) {
                return Err(PasskeyError::OtherPerson);
            }
            keyring.enrol(enrolment)?;
        }
        Ok(keyring)
    }
}

impl From<Keyring> for Vec<Enrolment> {
    fn from(keyring: Keyring) -> Self {
        keyring.0.into_values().collect()
    }
}
