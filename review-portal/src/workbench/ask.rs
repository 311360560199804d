//! One query on its way: recorded, sent to the engine, stopped if its author says so or leaves, recorded again.

use std::sync::Arc;

use jiff::Timestamp;
use policies::{Permit, ProjectId, UserId};
use tokio::sync::oneshot;

use super::desk::{Data, Desk};
use super::running::{Number, Place};
use super::runs::{self, End};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::query::{PortalAnswer, PortalRefusal, QueryProgress, QueryRunner};
use crate::record::Note;
use crate::tokens::{dummy_token, project_token};

/// The engine's code for a query that was stopped; its sentences stand in `messages/engine.ja.toml`.
const CANCELLED: &str = "veil/cancelled";

type Outcome = Result<Result<PortalAnswer, PortalRefusal>, PortalError>;

/// What is asked, and of what.
pub(crate) struct Asked<'a> {
    pub(crate) sql: &'a str,
    pub(crate) data: Data,
    /// The permit of the desk's project; none at the desk without one.
    pub(crate) permit: Option<&'a Permit>,
    /// The number that the page drew.
    pub(crate) wanted: Option<Number>,
}

/// Sends a query under a fresh token of the signed-in person and waits for its end. Dropped while it waits, it stops the query.
pub(crate) async fn ask(portal: &Portal, desk: &Desk, asked: Asked<'_>) -> Outcome {
    let now = portal.now();
    let (signed, _) = desk.visit().signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let (runner, token) = match (asked.data, asked.permit) {
        (Data::Dummy, _) => {
            let engine = portal.dummy.as_ref().ok_or(PortalError::NotFound)?;
            (Arc::clone(&engine.runner), dummy_token(&portal.session_key, signed, now)?)
        }
        (Data::People, Some(permit)) => {
            let asking = (signed, desk.visit().address);
            let token = project_token(&portal.db, &portal.session_key, asking, &permit.project, now).await?;
            (Arc::clone(&portal.runner), token)
        }
        (Data::People, None) => return Err(PortalError::NotFound),
    };
    let subject = Subject {
        user: desk.user().id.clone(),
        project: desk.project()?.cloned(),
        // Dummy data are asked under no permit.
        permit: asked.permit.filter(|_| asked.data == Data::People).map(|permit| permit.id.to_string()),
        data: asked.data,
        sha256: runs::sha256(asked.sql),
    };
    subject.note("query:asked").append(&portal.audit, now).await?;
    let id = runs::begin(&portal.db, desk, &asked, now).await?;
    let place = portal.running.enter(&id, &desk.user().id);
    let (tell, told) = oneshot::channel();
    let (portal, sql) = (portal.clone(), asked.sql.to_owned());
    let work = Work { portal: portal.clone(), runner, subject, place, token, sql, began: now };
    portal.running.start(work.go(tell));
    told.await.map_err(|_| PortalError::Stored)?
}

/// What the audit chain says of a query: its hash, never its text.
struct Subject {
    user: UserId,
    project: Option<ProjectId>,
    permit: Option<String>,
    data: Data,
    sha256: String,
}

impl Subject {
    fn note(&self, action: &str) -> Note {
        let object = self.project.as_ref().map_or(Data::Dummy.as_str(), ProjectId::as_str);
        let note = Note::new(&self.user, action, object).with("sql_sha256", self.sha256.as_str());
        match &self.permit {
            Some(permit) => note.with("permit", permit.as_str()),
            None => note.with("data", self.data.as_str()),
        }
    }
}

struct Work {
    portal: Portal,
    runner: Arc<dyn QueryRunner>,
    subject: Subject,
    place: Place,
    token: String,
    sql: String,
    began: Timestamp,
}

impl Work {
    async fn go(self, mut tell: oneshot::Sender<Outcome>) {
        let watch = |progress: QueryProgress| self.place.tell(progress);
        // Whichever comes first drops the others: a runner that is dropped ends its query (QueryRunner).
        let end = tokio::select! {
            biased;
            () = self.place.stopped() => End::Cancelled(cancelled()),
            () = tell.closed() => End::Cancelled(cancelled()),
            outcome = self.runner.run(&self.token, self.subject.project.as_ref(), &self.sql, &watch) => match outcome {
                // What was asked of one kind of data is never shown as the other's.
                Ok(answer) if answer.is_dummy != (self.subject.data == Data::Dummy) => End::Refused(mixed_up()),
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

fn mixed_up() -> PortalRefusal {
    PortalRefusal {
        code: "veil/failed".to_owned(),
        message: "the engine that was asked serves other data than it should".to_owned(),
        hint: "tell the operator; nothing of the answer is shown".to_owned(),
        ..PortalRefusal::default()
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
