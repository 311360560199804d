//! One query on its way: recorded, sent to the engine, stopped if its author says so or leaves, recorded again.

use jiff::Timestamp;
use policies::{Permit, ProjectId, UserId};
use tokio::sync::oneshot;

use super::running::{Number, Place};
use super::runs::{self, End};
use crate::access::{Allowed, Query};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::query::{PortalAnswer, PortalRefusal};
use crate::record::Note;
use crate::tokens::project_token;

/// The engine's code for a query that was stopped; its sentences stand in `messages/engine.ja.toml`.
const CANCELLED: &str = "veil/cancelled";

type Outcome = Result<Result<PortalAnswer, PortalRefusal>, PortalError>;

/// Sends a query under a fresh token of the signed-in person and waits for its end. Dropped while it waits, it stops the query.
/// `wanted`: the number that the page drew.
pub(crate) async fn ask(
    portal: &Portal,
    allowed: &Allowed<Query>,
    permit: &Permit,
    sql: &str,
    wanted: Option<Number>,
) -> Outcome {
    let now = portal.now();
    let (signed, _) = allowed.visit.signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let token =
        project_token(&portal.db, &portal.session_key, (signed, allowed.visit.address), &permit.project, now).await?;
    let subject = Subject {
        user: allowed.user.id.clone(),
        project: permit.project.clone(),
        permit: permit.id.to_string(),
        sha256: runs::sha256(sql),
    };
    subject.note("query:asked").append(&portal.audit, now).await?;
    let id = runs::begin(&portal.db, allowed, permit, (sql, wanted), now).await?;
    let place = portal.running.enter(&id, &allowed.user.id);
    let (tell, told) = oneshot::channel();
    let work = Work { portal: portal.clone(), subject, place, token, sql: sql.to_owned(), began: now };
    portal.running.start(work.go(tell));
    told.await.map_err(|_| PortalError::Stored)?
}

/// What the audit chain says of a query: its hash, never its text.
struct Subject {
    user: UserId,
    project: ProjectId,
    permit: String,
    sha256: String,
}

impl Subject {
    fn note(&self, action: &str) -> Note {
        Note::new(&self.user, action, &self.project)
            .with("permit", self.permit.as_str())
            .with("sql_sha256", self.sha256.as_str())
    }
}

struct Work {
    portal: Portal,
    subject: Subject,
    place: Place,
    token: String,
    sql: String,
    began: Timestamp,
}

impl Work {
    async fn go(self, mut tell: oneshot::Sender<Outcome>) {
        // Whichever comes first drops the others: a runner that is dropped ends its query (QueryRunner).
        let end = tokio::select! {
            biased;
            () = self.place.stopped() => End::Cancelled(cancelled()),
            () = tell.closed() => End::Cancelled(cancelled()),
            outcome = self.portal.runner.run(&self.token, &self.subject.project, &self.sql) => match outcome {
                Ok(answer) => End::Answered(answer),
                Err(refusal) if refusal.code == CANCELLED => End::Cancelled(refusal),
                Err(refusal) => End::Refused(refusal),
            },
        };
        let outcome = self.record(end).await;
        if let Err(error) = &outcome {
            tracing::error!(code = error.code(), "the end of a query could not be recorded");
        }
        // Whoever left does not hear it.
        drop(tell.send(outcome));
    }

    async fn record(&self, end: End) -> Outcome {
        let now = self.portal.now();
        let took_ms = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or_default();
        let note = match &end {
            End::Answered(answer) => self
                .subject
                .note("query:answered")
                .with("grade", answer.grade.as_str())
                .with("withheld", answer.withheld.as_str()),
            End::Cancelled(_) => self.subject.note("query:cancelled"),
            End::Refused(refusal) => self.subject.note("query:refused").with("code", refusal.code.as_str()),
        };
        let noted = note.append(&self.portal.audit, now).await;
        let finished = runs::finish(&self.portal.db, self.place.id(), &end, took_ms).await;
        // What could not be recorded is not shown.
        noted?;
        finished?;
        Ok(match end {
            End::Answered(answer) => Ok(answer),
            End::Cancelled(refusal) | End::Refused(refusal) => Err(refusal),
        })
    }
}

fn cancelled() -> PortalRefusal {
    PortalRefusal {
        code: CANCELLED.to_owned(),
        message: "the query was cancelled".to_owned(),
        hint: "run it again if it is still needed".to_owned(),
        ..PortalRefusal::default()
    }
}
