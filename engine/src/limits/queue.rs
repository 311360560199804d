//! Places for queries. When all are taken a query waits; places come free to the projects in turn, so that one with many
//! queries never keeps the others from theirs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use policies::ProjectId;
use tokio::sync::oneshot;

use super::EngineLimits;
use crate::flight::Ending;

/// The places, and who waits for one.
pub(crate) struct Queue {
    limits: EngineLimits,
    state: Mutex<State>,
}

/// A place; given back when dropped.
pub(crate) struct Slot {
    queue: Arc<Queue>,
    project: ProjectId,
}

#[derive(Default)]
struct State {
    running: HashMap<ProjectId, usize>,
    waiting: HashMap<ProjectId, VecDeque<oneshot::Sender<Slot>>>,
    /// Projects with a query that waits, each once; the first is next.
    turns: VecDeque<ProjectId>,
}

impl Queue {
    /// With the limits on queries that run and wait.
    pub(crate) fn new(limits: EngineLimits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default() })
    }

    /// A place for a query of that project, at once or in its turn. A wait that is given up frees its place in the queue.
    pub(crate) async fn take(self: &Arc<Self>, project: &ProjectId) -> Result<Slot, Ending> {
        let turn = {
            let mut state = self.lock();
            // Whoever waits could not run, so a place that is free is free for this project.
            if state.may_run(project, &self.limits) {
                state.run(project);
                return Ok(self.slot(project.clone()));
            }
            state.wait(project, &self.limits)?
        };
        match tokio::time::timeout(self.limits.wait_max(), turn).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(Ending::busy()),
        }
    }

    fn slot(self: &Arc<Self>, project: ProjectId) -> Slot {
        Slot { queue: Arc::clone(self), project }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_run(&self, project: &ProjectId, limits: &EngineLimits) -> bool {
        let own = self.running.get(project).copied().unwrap_or_default();
        self.running.values().sum::<usize>() < limits.running && own < limits.project_running
    }

    fn run(&mut self, project: &ProjectId) {
        *self.running.entry(project.clone()).or_default() += 1;
    }

    /// Lines up, or says why not.
    fn wait(&mut self, project: &ProjectId, limits: &EngineLimits) -> Result<oneshot::Receiver<Slot>, Ending> {
        for queue in self.waiting.values_mut() {
            queue.retain(|waiter| !waiter.is_closed());
        }
        self.waiting.retain(|_, queue| !queue.is_empty());
        self.turns.retain(|project| self.waiting.contains_key(project));
        if self.waiting.get(project).is_some_and(|queue| queue.len() >= limits.project_waiting) {
            return Err(Ending::project_busy());
        }
        if self.waiting.values().map(VecDeque::len).sum::<usize>() >= limits.waiting {
            return Err(Ending::busy());
        }
        let (give, turn) = oneshot::channel();
        let queue = self.waiting.entry(project.clone()).or_default();
        queue.push_back(give);
        if queue.len() == 1 {
            self.turns.push_back(project.clone());
        }
        Ok(turn)
    }

    /// The next that waits and may run; its project goes to the end of the line.
    fn next(&mut self, limits: &EngineLimits) -> Option<(ProjectId, oneshot::Sender<Slot>)> {
        let at = self.turns.iter().position(|project| self.may_run(project, limits))?;
        let project = self.turns.remove(at)?;
        let queue = self.waiting.get_mut(&project)?;
        let waiter = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&project);
        } else {
            self.turns.push_back(project.clone());
        }
        self.run(&project);
        Some((project, waiter))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut state = self.queue.lock();
            if let Some(own) = state.running.get_mut(&self.project) {
                *own -= 1;
            }
            state.running.retain(|_, own| *own > 0);
            state.next(&self.queue.limits)
        };
        if let Some((project, waiter)) = next {
            // Whoever gave up in between drops the place again, which passes it on.
            waiter.send(self.queue.slot(project)).ok();
        }
    }
}

#[cfg(test)]
mod tests;
