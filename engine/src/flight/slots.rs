//! How many queries run at a time, over all sessions and in each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use policies::SessionId;

use super::ending::{BUSY, Ending};

/// Queries that run at a time.
const ALL_MAX: usize = 16;
/// Of one session.
const SESSION_MAX: usize = 4;

/// The places that are taken.
#[derive(Default)]
pub(crate) struct Slots(Mutex<HashMap<SessionId, usize>>);

/// A place; given back when dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    session: SessionId,
}

impl Slots {
    /// A place for a session, if there is one.
    pub(crate) fn take(self: &Arc<Self>, session: &SessionId) -> Result<Slot, Ending> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.entry(session.clone()).or_default();
        if all >= ALL_MAX || *own >= SESSION_MAX {
            return Err(Ending::from(&BUSY));
        }
        *own += 1;
        Ok(Slot { slots: Arc::clone(self), session: session.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.session) {
            *own -= 1;
        }
        taken.retain(|_, own| *own > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_four_places_and_gives_them_back() {
        let slots = Arc::new(Slots::default());
        let session = |number: u128| format!("{number:032x}").parse::<SessionId>().unwrap();
        let held: Vec<_> = (0..4).map(|_| slots.take(&session(1)).unwrap()).collect();
        assert!(slots.take(&session(1)).is_err());
        let others: Vec<_> = (2..5).flat_map(|number| (0..4).map(move |_| number)).collect();
        let others: Vec<_> = others.into_iter().map(|number| slots.take(&session(number)).unwrap()).collect();
        assert!(slots.take(&session(9)).is_err(), "sixteen run already");
        drop(held);
        slots.take(&session(9)).unwrap();
        drop(others);
        assert!(slots.0.lock().unwrap().is_empty());
    }
}
