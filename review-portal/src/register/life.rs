//! An application's life, from its events, and what of it is public.

use std::collections::BTreeSet;

use jiff::Timestamp;
use policies::application::{Application, Content, Decision, Event, EventRecord, Incident, Stage, apply};

use super::{Kind, ProjectState, PublicIncident, PublicProject, PublicRefusal, PublicRevocation, Step};
use crate::dates;
use crate::error::PortalError;

/// A row of table `public_line`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) kind: String,
    /// Of several of one kind.
    pub(crate) number: i64,
    /// Microseconds since 1970-01-01, UTC.
    pub(crate) at: i64,
    pub(crate) days: i64,
    /// JSON of what is shown; empty for what is only counted.
    pub(crate) body: String,
}

fn kind_of(kind: Kind) -> String {
    kind.as_str().to_owned()
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, PortalError> {
    serde_json::to_string(value).map_err(|_| PortalError::Stored)
}

/// An application's stages with their beginnings.
pub(crate) struct Life {
    pub(crate) state: Application,
    /// The stage on the day of the last event.
    pub(crate) stage: Stage,
    /// When the present stage began.
    since: Timestamp,
    /// When an event last made the stage another one; a day that passed counts for nothing here.
    pub(crate) turned: Timestamp,
    handed_in: bool,
    /// When the permit, or the grant before it, was taken back, and why.
    revoked: Option<(Timestamp, String)>,
    /// Steps that were left, with their days: several of one kind if it was entered again.
    left: Vec<(Step, u64)>,
}

impl Life {
    pub(crate) fn of(records: &[EventRecord]) -> Option<Self> {
        let first = records.first()?;
        let state = Application::unwritten(first.application.clone());
        let (stage, since) = (Stage::Unwritten, first.at);
        let mut life = Self { state, stage, since, turned: since, handed_in: false, revoked: None, left: Vec::new() };
        for record in records {
            life = life.after(record);
        }
        Some(life)
    }

    fn after(mut self, record: &EventRecord) -> Self {
        let act = record.act();
        let today = dates::today(record.at);
        let before = self.state.stage(act.rules, today);
        self.state = apply(self.state, &act);
        self.handed_in |= matches!(record.event, Event::Submitted {});
        if let Event::Revoked { reason } = &record.event {
            self.revoked = Some((record.at, reason.clone()));
        }
        let stage = self.state.stage(act.rules, today);
        if before != stage {
            self.turned = record.at;
        }
        if self.stage != stage {
            if let Some(step) = Step::of(self.stage) {
                self.left.push((step, dates::days(self.since, record.at)));
            }
            self.stage = stage;
            self.since = record.at;
        }
        self
    }

    /// What is public of it, by kind and number.
    pub(crate) fn lines(&self) -> Result<Vec<Line>, PortalError> {
        let mut lines = Vec::new();
        let plain = |kind| Line { kind: kind_of(kind), number: 0, at: 0, days: 0, body: String::new() };
        lines.extend(self.handed_in.then(|| plain(Kind::HandedIn)));
        lines.extend((self.handed_in && self.is_under_way()).then(|| plain(Kind::UnderWay)));
        for step in Step::ALL {
            let days = self.days(step).map(|days| i64::try_from(days).unwrap_or(i64::MAX));
            lines.extend(days.map(|days| Line { days, ..plain(Kind::Step(step)) }));
        }
        let told = |kind, number, at: Timestamp, body| Line { number, at: at.as_microsecond(), body, ..plain(kind) };
        if let Some(project) = self.project() {
            lines.push(told(Kind::Project, 0, project.since, json(&project)?));
        }
        if let Some(refusal) = self.refusal() {
            lines.push(told(Kind::Refusal, 0, refusal.at, json(&refusal)?));
        }
        if let Some(revocation) = self.revocation() {
            lines.push(told(Kind::Revocation, 0, revocation.at, json(&revocation)?));
        }
        for (number, incident) in (0..).zip(self.incidents()) {
            lines.push(told(Kind::Incident, number, incident.at, json(&incident)?));
        }
        lines.sort_by(|one, other| (&one.kind, one.number).cmp(&(&other.kind, other.number)));
        Ok(lines)
    }

    /// Days in a step that lies behind.
    fn days(&self, step: Step) -> Option<u64> {
        let passed = || self.left.iter().filter(|(left, _)| *left == step);
        let still = Step::of(self.stage) == Some(step);
        (!still && passed().next().is_some()).then(|| passed().map(|(_, days)| days).sum())
    }

    fn is_under_way(&self) -> bool {
        self.stage == Stage::Returned || matches!(Step::of(self.stage), Some(Step::Check | Step::Review | Step::Vote))
    }

    /// What was granted or, before the permit, what is asked.
    fn content(&self) -> Option<&Content> {
        self.state.usage.as_ref().map(|usage| &usage.content).or_else(|| self.state.content())
    }

    fn project(&self) -> Option<PublicProject> {
        let content = self.content()?;
        let institution = |member: &policies::application::Member| member.affiliation.institution.as_str().to_owned();
        let institutions: BTreeSet<_> = content.members.values().map(institution).collect();
        let summary = content.answer("summary");
        let usage = self.state.usage.as_ref();
        Some(PublicProject {
            id: self.state.id.clone(),
            title: content.title.clone(),
            summary: (!summary.is_empty()).then(|| summary.to_owned()),
            datasets: content.datasets.keys().cloned().collect(),
            institutions: institutions.into_iter().collect(),
            state: self.project_state()?,
            since: self.since,
            period: content.period.clone(),
            conditions: self.conditions(),
            results: usage.and_then(|usage| usage.results.published.clone()),
        })
    }

    /// What was taken back stays taken back, also when the deletion was certified.
    fn project_state(&self) -> Option<ProjectState> {
        if self.revoked.is_some() { Some(ProjectState::Revoked) } else { project_state(self.stage) }
    }

    fn revocation(&self) -> Option<PublicRevocation> {
        let (at, reason) = self.revoked.clone()?;
        let title = self.content().map(|content| content.title.clone()).unwrap_or_default();
        Some(PublicRevocation { id: self.state.id.clone(), title, reason, at })
    }

    fn conditions(&self) -> Option<String> {
        let granted = self.state.outcomes.iter().rev().find(|outcome| outcome.decision.is_grant())?;
        let Decision::GrantedWithConditions { conditions } = &granted.decision else { return None };
        Some(conditions.iter().map(|condition| condition.text.as_str()).collect::<Vec<_>>().join("\n"))
    }

    fn refusal(&self) -> Option<PublicRefusal> {
        let rejected = self.state.outcomes.iter().rev().find_map(|outcome| match &outcome.decision {
            Decision::Rejected { reason } => Some((outcome.at, reason)),
            Decision::Deferred { .. }
            | Decision::Granted {}
            | Decision::GrantedWithConditions { .. }
            | Decision::Undecided {} => None,
        });
        let (at, reason) = rejected.filter(|_| self.stage == Stage::Rejected)?;
        let content = self.content()?;
        Some(PublicRefusal {
            id: self.state.id.clone(),
            title: content.title.clone(),
            datasets: content.datasets.keys().cloned().collect(),
            reason: reason.clone(),
            at,
        })
    }

    /// Incidents by their kind, never in the reporter's words: these may name persons.
    fn incidents(&self) -> impl Iterator<Item = PublicIncident> {
        let incidents = self.state.usage.iter().flat_map(|usage| &usage.incidents);
        incidents.map(|incident: &Incident| PublicIncident {
            id: self.state.id.clone(),
            title: self.content().map(|content| content.title.clone()).unwrap_or_default(),
            kind: incident.report.kind,
            is_closed: incident.is_closed(),
            at: incident.at,
        })
    }
}

/// Where a project stands; none for an application that was not granted.
fn project_state(stage: Stage) -> Option<ProjectState> {
    match stage {
        Stage::Closed | Stage::DeletionCertified => Some(ProjectState::Closed),
        Stage::Granted | Stage::GrantedWithConditions | Stage::Pledged => Some(ProjectState::Preparing),
        Stage::Active | Stage::AmendmentRequested | Stage::Expiring => Some(ProjectState::Running),
        Stage::Suspended => Some(ProjectState::Suspended),
        Stage::Revoked => Some(ProjectState::Revoked),
        Stage::Deferred
        | Stage::Draft
        | Stage::MeetingScheduled
        | Stage::Rejected
        | Stage::Returned
        | Stage::Submitted
        | Stage::UnderReview
        | Stage::Unwritten
        | Stage::Withdrawn => None,
    }
}
