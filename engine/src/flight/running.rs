//! Queries that wait or run now: they can be cancelled, asked how far they are, and are recorded even if their client leaves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use policies::{PermitId, SessionId};
use tokio::sync::Notify;

use super::ending::Ending;
use super::journal::Journal;
use super::tickets::Handle;
use crate::admission::Admitted;
use crate::limits::Progress;

/// All of them, by the handle of their ticket.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<Handle, Arc<Run>>>);

/// One.
pub(crate) struct Run {
    session: SessionId,
    permit: PermitId,
    stop: Notify,
    started: AtomicBool,
    progress: Progress,
}

/// What may be told of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    /// It has a place; this share of the buckets is read.
    Runs(f64),
    /// All places are taken.
    Waits,
}

/// Keeps a query in the list until dropped.
pub(crate) struct Entry {
    running: Arc<Running>,
    handle: Handle,
    run: Arc<Run>,
}

impl Running {
    /// Lists a query that was asked for by the ticket `handle`.
    pub(crate) fn enter(self: &Arc<Self>, handle: &[u8], who: &Admitted, progress: Progress) -> Option<Entry> {
        let handle = Handle::try_from(handle).ok()?;
        let run = Arc::new(Run {
            session: who.session.clone(),
            permit: who.permit.id.clone(),
            stop: Notify::new(),
            started: AtomicBool::new(false),
            progress,
        });
        self.with(|runs| runs.insert(handle, Arc::clone(&run)));
        Some(Entry { running: Arc::clone(self), handle, run })
    }

    /// Asks a query of this session and permit to stop. Another's looks like none.
    pub(crate) fn stop(&self, handle: &[u8], who: &Admitted) -> bool {
        self.find(handle, who).map(|run| run.stop.notify_one()).is_some()
    }

    /// How far a query of this session and permit is.
    pub(crate) fn stage(&self, handle: &[u8], who: &Admitted) -> Option<Stage> {
        let run = self.find(handle, who)?;
        Some(if run.started.load(Ordering::Relaxed) { Stage::Runs(run.progress.told()) } else { Stage::Waits })
    }

    fn find(&self, handle: &[u8], who: &Admitted) -> Option<Arc<Run>> {
        let handle = Handle::try_from(handle).ok()?;
        let run = self.with(|runs| runs.get(&handle).cloned())?;
        (run.session == who.session && run.permit == who.permit.id).then_some(run)
    }

    fn with<R>(&self, act: impl FnOnce(&mut HashMap<Handle, Arc<Run>>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    /// It has a place now.
    pub(crate) fn started(&self) {
        self.run.started.store(true, Ordering::Relaxed);
    }

    /// Ends when the query is asked to stop.
    pub(crate) async fn stopped(&self) {
        self.run.stop.notified().await;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.with(|runs| runs.remove(&self.handle));
    }
}

/// Records that a client left: a request whose connection breaks is dropped where it stands.
pub(crate) struct Witness {
    left: Option<(Journal, Admitted, Arc<str>)>,
}

impl Witness {
    /// From now on.
    pub(crate) fn new(journal: &Journal, who: &Admitted, sql: &Arc<str>) -> Self {
        Self { left: Some((journal.clone(), who.clone(), Arc::clone(sql))) }
    }

    /// The request ends by itself, and its end is recorded by whoever ends it.
    pub(crate) fn dismiss(mut self) {
        self.left = None;
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let Some((journal, who, sql)) = self.left.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Nobody waits for it; a chain that cannot be written is told in the log, and nothing runs any more.
            drop(runtime.spawn(async move { journal.stopped(&who, &sql, &Ending::Cancelled).await.ok() }));
        }
    }
}
