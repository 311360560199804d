//! Whose word counts for an act: a passkey that is enrolled now, or a permit that was signed over the same history before.

use std::collections::BTreeSet;

use policies::application::{Actor, EventRecord, Vouching};
use policies::passkey::{ActSignature, Challenge, Keyring};

use crate::store::Signed;

/// Enrolled passkeys, and the acts that were believed when the application's permit was signed.
pub(crate) struct Witnesses {
    enrolled: Keyring,
    believed: BTreeSet<Challenge>,
}

impl Witnesses {
    /// `signed`: the application's permit, if there is one. A reviewer who left since, or whose roles changed, was asked when it was
    /// signed; the chain of hashes says that it is the same act.
    // INVARIANT: whoever uses this verifies the chain of `records` from the first, so that the hashes up to a head are its own.
    pub(crate) fn of(enrolled: Keyring, records: &[EventRecord], signed: Option<&Signed>) -> Self {
        let end = signed.and_then(|signed| records.iter().position(|record| record.hash == signed.head));
        let before = records.iter().take(end.map_or(0, |end| end + 1));
        let vouched = |record: &&EventRecord| signed.is_some_and(|signed| !signed.unvouched.contains(&record.hash));
        Self { enrolled, believed: before.filter(vouched).filter_map(EventRecord::challenge).collect() }
    }
}

impl Vouching for Witnesses {
    fn vouches(&self, by: &Actor, challenge: &Challenge, signature: &ActSignature) -> bool {
        self.believed.contains(challenge) || Vouching::vouches(&self.enrolled, by, challenge, signature)
    }
}
