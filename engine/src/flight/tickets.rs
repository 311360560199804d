//! Handles that the engine gave out: random, bound to a session and a permit, good for ten minutes and for one use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use policies::{Permit, SessionId};
use rand::Rng;

use super::ending::{BUSY, Ending, TICKET};
use crate::admission::Admitted;

/// How long a handle may wait for its use.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Handles of a session at most.
const SESSION_MAX: usize = 64;
/// Handles at most.
const ALL_MAX: usize = 1024;

/// 128 random bits.
pub(crate) type Handle = [u8; 16];

struct Held<T> {
    session: SessionId,
    permit: Arc<Permit>,
    at: Timestamp,
    work: T,
}

/// Handles of one kind, each with what it stands for.
pub(crate) struct Tickets<T>(Mutex<HashMap<Handle, Held<T>>>);

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Tickets<T> {
    /// A new handle for `work`, good for this session under this permit.
    pub(crate) fn issue(&self, owner: &Admitted, work: T, now: Timestamp) -> Result<Handle, Ending> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, held| now.duration_since(held.at) <= LIFETIME);
        let own = held.values().filter(|held| held.session == owner.session).count();
        if own >= SESSION_MAX || held.len() >= ALL_MAX {
            return Err(Ending::from(&BUSY));
        }
        let mut handle = Handle::default();
        rand::rng().fill_bytes(&mut handle);
        let (session, permit) = (owner.session.clone(), Arc::clone(&owner.permit));
        held.insert(handle, Held { session, permit, at: now, work });
        Ok(handle)
    }

    /// The permit that a handle was given out under, so that it is checked anew.
    pub(crate) fn permit(&self, handle: &[u8]) -> Result<Arc<Permit>, Ending> {
        self.with(handle, |held| Some(Arc::clone(&held.permit)))
    }

    /// Takes a handle's work; it cannot be used again. Another session's handle stays where it is.
    pub(crate) fn take(&self, handle: &[u8], owner: &Admitted, now: Timestamp) -> Result<T, Ending> {
        let handle = Handle::try_from(handle).map_err(|_| Ending::from(&TICKET))?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.get(&handle).is_some_and(|held| held.belongs(owner, now)) {
            return Err(Ending::from(&TICKET));
        }
        held.remove(&handle).map(|held| held.work).ok_or_else(|| Ending::from(&TICKET))
    }

    /// Puts other work in a handle's place; its time goes on.
    pub(crate) fn replace(&self, handle: &[u8], owner: &Admitted, now: Timestamp, work: T) -> Result<(), Ending> {
        let handle = Handle::try_from(handle).map_err(|_| Ending::from(&TICKET))?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.get_mut(&handle).filter(|held| held.belongs(owner, now));
        held.map(|held| held.work = work).ok_or_else(|| Ending::from(&TICKET))
    }

    fn with<R>(&self, handle: &[u8], read: impl FnOnce(&Held<T>) -> Option<R>) -> Result<R, Ending> {
        let handle = Handle::try_from(handle).map_err(|_| Ending::from(&TICKET))?;
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&handle).and_then(read).ok_or_else(|| Ending::from(&TICKET))
    }
}

impl<T: Clone> Tickets<T> {
    /// What a handle stands for, without using it up.
    pub(crate) fn read(&self, handle: &[u8], owner: &Admitted, now: Timestamp) -> Result<T, Ending> {
        self.with(handle, |held| held.belongs(owner, now).then(|| held.work.clone()))
    }
}

impl<T> Held<T> {
    fn belongs(&self, owner: &Admitted, now: Timestamp) -> bool {
        self.session == owner.session && self.permit == owner.permit && now.duration_since(self.at) <= LIFETIME
    }
}
