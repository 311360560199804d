//! Whose word counts for an act: a passkey that is enrolled now, or a permit that was signed over the same history before.

use std::collections::BTreeSet;

use policies::application::{Actor, EventRecord, Vouching};
use policies::passkey::{ActSignature, Challenge, Keyring};

/// Enrolled passkeys, and the acts that were believed when the application's permit was signed.
pub(crate) struct Witnesses {
    enrolled: Keyring,
    believed: BTreeSet<Challenge>,
}

impl Witnesses {
    /// `signed_head`: the head under which the application's permit was signed, if it was. A reviewer who left since, or whose
    /// roles changed, was asked then; the chain of hashes says that it is the same act.
    // INVARIANT: whoever uses this verifies the chain of `records` from the first, so that the hashes up to a head are its own.
    pub(crate) fn of(enrolled: Keyring, records: &[EventRecord], signed_head: Option<&str>) -> Self {
        let end = signed_head.and_then(|head| records.iter().position(|record| record.hash == head));
        let before = records.iter().take(end.map_or(0, |end| end + 1));
        Self { enrolled, believed: before.filter_map(EventRecord::challenge).collect() }
    }
}

impl Vouching for Witnesses {
    fn vouches(&self, by: &Actor, challenge: &Challenge, signature: &ActSignature) -> bool {
        self.believed.contains(challenge) || Vouching::vouches(&self.enrolled, by, challenge, signature)
    }
}
