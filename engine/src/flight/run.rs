//! A query from its ticket to its answer: it waits for a place, runs under the eyes of the status feed, can be stopped, and
//! leaves at a tick.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::desk::{Desk, Guarded, Sent, Statement};
use super::ending::Ending;
use super::running::{Entry, Witness};
use crate::admission::{Admitted, Credentials, Rejection};
use crate::answer::{Answer, Cost};
use crate::error::QueryError;
use crate::work::Publication;

/// Answers leave at the next of these ticks, so that small differences of time tell nothing (disclosure.md, V-TIME).
const TICK: Duration = Duration::from_millis(250);
/// From five seconds on the tick is a second.
const LONG_TICK: Duration = Duration::from_secs(1);

/// How a query ended.
enum Outcome {
    /// By itself.
    Ended(Result<Answer, Ending>),
    /// It was stopped: cancelled, or its permit or session does not hold any more.
    Stopped(Ending),
}

impl Desk {
    /// The answer for a ticket.
    pub(crate) async fn answer(&self, credentials: &Credentials, handle: &[u8]) -> Result<Sent, Ending> {
        let permit = self.statements.permit(handle)?;
        let who = self.admission.admit(credentials, Some(&permit.id), (self.clock)()).await?;
        let statement = self.statements.take(handle, &who, (self.clock)())?;
        let entry = self.running.enter(handle, &who, statement.guarded.progress());
        let entry = entry.ok_or_else(|| Ending::from(QueryError::Failed))?;
        let (sql, cost) = (Arc::clone(&statement.sql), statement.guarded.cost().map(Cost::told));
        let witness = Witness::new(&self.journal, &who, &sql);
        let outcome = self.watched(&who, &entry, statement).await;
        // From here on the end is recorded below, even if the client leaves now.
        witness.dismiss();
        match outcome {
            Outcome::Ended(Ok(answer)) => {
                self.journal.answered(&who, &sql, &answer).await?;
                Ok(Sent { answer, permit: who.permit, cost, is_dummy: self.admission.is_dummy() })
            }
            Outcome::Ended(Err(ending)) => {
                if let Ending::Failed(error) = &ending {
                    self.failures.count(&who.permit.project, *error, (self.clock)());
                }
                self.journal.ended(&who, &sql, &ending).await?;
                Err(ending)
            }
            Outcome::Stopped(ending) => {
                self.journal.stopped(&who, &sql, &ending).await?;
                Err(ending)
            }
        }
    }

    /// Dropping the query's future ends its tasks and gives its place back.
    async fn watched(&self, who: &Admitted, entry: &Entry, statement: Statement) -> Outcome {
        tokio::select! {
            outcome = self.in_turn(who, entry, statement) => Outcome::Ended(outcome),
            () = entry.stopped() => Outcome::Stopped(Ending::Cancelled),
            rejection = self.revoked(who) => Outcome::Stopped(rejection.into()),
        }
    }

    /// Ends when permit or session do not hold any more, or when that cannot be known.
    async fn revoked(&self, who: &Admitted) -> Rejection {
        loop {
            tokio::time::sleep(self.limits.recheck_every()).await;
            if let Err(rejection) = self.admission.still_holds(who, (self.clock)()).await {
                return rejection;
            }
        }
    }

    async fn in_turn(&self, who: &Admitted, entry: &Entry, statement: Statement) -> Result<Answer, Ending> {
        let _slot = self.queue.take(&who.permit.project).await?;
        self.awake(who)?;
        entry.started();
        let Statement { sql, prepared, guarded } = statement;
        self.journal.asked(who, &sql, prepared.as_deref(), guarded.tables()).await?;
        let publication = guarded.publication();
        let answer = self.run(who, guarded).await?;
        if let Some(publication) = publication {
            self.published(who, &sql, publication).await?;
        }
        Ok(answer)
    }

    /// A change of the workspace is recorded before it is visible.
    async fn published(&self, who: &Admitted, sql: &str, publication: Arc<Publication>) -> Result<(), Ending> {
        self.journal.changed(who, sql, publication.action, &publication.object).await?;
        let published = tokio::task::spawn_blocking(move || publication.publish()).await;
        Ok(published.map_err(|_| QueryError::Failed)??)
    }

    /// Runs a plan, and asks again whether session and permit hold before anything leaves.
    async fn run(&self, who: &Admitted, guarded: Box<dyn Guarded>) -> Result<Answer, Ending> {
        let started = Instant::now();
        let running = self.workers.run(guarded.execute());
        let outcome = match tokio::time::timeout(self.limits.run_max(), running).await {
            Ok(outcome) => outcome.flatten(),
            Err(_) => Err(QueryError::TooSlow),
        };
        if self.limits.answer_ticks {
            tokio::time::sleep(to_next_tick(started.elapsed())).await;
        }
        let answer = outcome?;
        self.admission.still_holds(who, (self.clock)()).await?;
        Ok(answer)
    }
}

/// How long an answer waits that took `elapsed`.
fn to_next_tick(elapsed: Duration) -> Duration {
    let tick = if elapsed < 20 * TICK { TICK } else { LONG_TICK };
    let over = elapsed.as_nanos() % tick.as_nanos();
    tick.saturating_sub(Duration::from_nanos(u64::try_from(over).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_leave_at_ticks() {
        for (elapsed, leaves) in [(0, 250), (1, 250), (249, 250), (251, 500), (4_999, 5_000), (5_001, 6_000)] {
            let elapsed = Duration::from_millis(elapsed);
            assert_eq!(elapsed + to_next_tick(elapsed), Duration::from_millis(leaves));
        }
    }
}
