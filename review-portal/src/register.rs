//! What everybody may know of applications: the public register (「わたしたちのデータの使われ方」). The one place that reads
//! applications for it; pages know only [`PublicRegister`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use policies::ApplicationId;
use policies::application::{Application, Content, Decision, Event, EventRecord, Incident, Period, Stage, apply};

use crate::application::{every, records};
use crate::dates;
use crate::error::PortalError;
use crate::portal::Portal;

/// The register is read anew after this time: it is for everybody, and reading it is work.
const KEPT_MAX: SignedDuration = SignedDuration::from_secs(60);

/// What is public, the latest change first in each list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicRegister {
    /// When it was read.
    pub(crate) as_of: Timestamp,
    pub(crate) projects: Vec<PublicProject>,
    pub(crate) refusals: Vec<PublicRefusal>,
    pub(crate) incidents: Vec<PublicIncident>,
    pub(crate) revocations: Vec<PublicRevocation>,
    pub(crate) figures: PublicFigures,
}

/// A project that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicProject {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    /// The summary for the public; none where the application has none.
    pub(crate) summary: Option<String>,
    /// Datasets by name.
    pub(crate) datasets: Vec<String>,
    /// Where its members work.
    pub(crate) institutions: Vec<String>,
    pub(crate) state: ProjectState,
    /// Since when it is in that state.
    pub(crate) since: Timestamp,
    pub(crate) period: Option<Period>,
    /// Conditions of the grant.
    pub(crate) conditions: Option<String>,
    /// What came out, for the public; none before it is told.
    pub(crate) results: Option<String>,
}

/// Where a granted project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProjectState {
    /// Use has ended.
    Closed,
    /// Granted; no permit yet.
    Preparing,
    /// The permit was taken back.
    Revoked,
    /// Under a permit.
    Running,
    /// Stopped for a time.
    Suspended,
}

impl ProjectState {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] = [Self::Closed, Self::Preparing, Self::Revoked, Self::Running, Self::Suspended];

    /// The word in the messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Preparing => "preparing",
            Self::Revoked => "revoked",
            Self::Running => "running",
            Self::Suspended => "suspended",
        }
    }

    /// The tone of its badge.
    pub(crate) fn tone(self) -> &'static str {
        match self {
            Self::Closed => "plain",
            Self::Preparing => "now",
            Self::Revoked | Self::Suspended => "bad",
            Self::Running => "good",
        }
    }
}

/// An application that was refused, without a word on who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicRefusal {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    pub(crate) datasets: Vec<String>,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

/// An incident that was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicIncident {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    /// Its kind, a word of the messages (`incident.…`).
    pub(crate) kind: &'static str,
    pub(crate) is_closed: bool,
    pub(crate) at: Timestamp,
}

/// A permit that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicRevocation {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

/// Numbers of applications, and how long each step took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PublicFigures {
    /// Handed in at least once.
    pub(crate) handed_in: usize,
    pub(crate) granted: usize,
    pub(crate) refused: usize,
    /// Handed in and not decided.
    pub(crate) under_way: usize,
    /// In the order of the way; steps that nobody has finished are left out.
    pub(crate) steps: Vec<StepDays>,
}

/// How many days a step took those who finished it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepDays {
    pub(crate) step: Step,
    pub(crate) applications: usize,
    pub(crate) median: u64,
    pub(crate) longest: u64,
}

/// A step of the way from handing in to the permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The secretariat checks completeness.
    Check,
    /// Reviewers read.
    Review,
    /// The committee votes and decides, put-off meetings included.
    Vote,
    /// Members pledge, the permit is signed.
    Pledge,
}

impl Step {
    const ALL: [Self; 4] = [Self::Check, Self::Review, Self::Vote, Self::Pledge];

    /// The word in the messages (`progress.…`).
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Review => "review",
            Self::Vote => "vote",
            Self::Pledge => "pledge",
        }
    }

    fn of(stage: Stage) -> Option<Self> {
        match stage {
            Stage::Submitted => Some(Self::Check),
            Stage::UnderReview => Some(Self::Review),
            Stage::MeetingScheduled | Stage::Deferred => Some(Self::Vote),
            Stage::Granted | Stage::GrantedWithConditions | Stage::Pledged => Some(Self::Pledge),
            Stage::Active
            | Stage::AmendmentRequested
            | Stage::Closed
            | Stage::DeletionCertified
            | Stage::Draft
            | Stage::Expiring
            | Stage::Rejected
            | Stage::Returned
            | Stage::Revoked
            | Stage::Suspended
            | Stage::Unwritten
            | Stage::Withdrawn => None,
        }
    }
}

/// The register as it was read last.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Arc<PublicRegister>>>);

/// The register, at most a minute old.
pub(crate) async fn register(portal: &Portal) -> Result<Arc<PublicRegister>, PortalError> {
    let now = portal.now();
    let fresh = |kept: &&Arc<PublicRegister>| now.duration_since(kept.as_of).abs() < KEPT_MAX;
    let kept = || portal.register.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(register) = kept().as_ref().filter(fresh) {
        return Ok(Arc::clone(register));
    }
    let mut lives = Vec::new();
    for listed in every(portal).await? {
        lives.extend(Life::of(&records(portal.db.pool(), &listed.state.id).await?));
    }
    let register = Arc::new(of(&lives, now));
    *kept() = Some(Arc::clone(&register));
    Ok(register)
}

fn of(lives: &[Life], now: Timestamp) -> PublicRegister {
    let mut projects: Vec<_> = lives.iter().filter_map(Life::project).collect();
    projects.sort_by_key(|project| std::cmp::Reverse(project.since));
    let mut refusals: Vec<_> = lives.iter().filter_map(Life::refusal).collect();
    refusals.sort_by_key(|refusal| std::cmp::Reverse(refusal.at));
    let mut incidents: Vec<_> = lives.iter().flat_map(Life::incidents).collect();
    incidents.sort_by_key(|incident| std::cmp::Reverse(incident.at));
    let mut revocations: Vec<_> = lives.iter().filter_map(Life::revocation).collect();
    revocations.sort_by_key(|revocation| std::cmp::Reverse(revocation.at));
    let count = |what: fn(&Life) -> bool| lives.iter().filter(|life| what(life)).count();
    let figures = PublicFigures {
        handed_in: count(|life| life.handed_in),
        granted: projects.len(),
        refused: refusals.len(),
        under_way: count(|life| life.handed_in && life.is_under_way()),
        steps: Step::ALL.into_iter().filter_map(|step| days_of(step, lives)).collect(),
    };
    PublicRegister { as_of: now, projects, refusals, incidents, revocations, figures }
}

fn days_of(step: Step, lives: &[Life]) -> Option<StepDays> {
    let mut days: Vec<u64> = lives.iter().filter_map(|life| life.days(step)).collect();
    days.sort_unstable();
    let upper = *days.get(days.len() / 2)?;
    let lower = *days.get((days.len() - 1) / 2)?;
    let longest = *days.last()?;
    // Of an even number the mean of the middle two, half a day counted as one.
    Some(StepDays { step, applications: days.len(), median: (lower + upper).div_ceil(2), longest })
}

/// An application's stages with their beginnings.
struct Life {
    state: Application,
    stage: Stage,
    /// When the present stage began.
    since: Timestamp,
    handed_in: bool,
    /// When the permit, or the grant before it, was taken back, and why.
    revoked: Option<(Timestamp, String)>,
    /// Steps that were left, with their days: several of one kind if it was entered again.
    left: Vec<(Step, u64)>,
}

impl Life {
    fn of(records: &[EventRecord]) -> Option<Self> {
        let first = records.first()?;
        let state = Application::unwritten(first.application.clone());
        let (stage, since) = (Stage::Unwritten, first.at);
        let mut life = Self { state, stage, since, handed_in: false, revoked: None, left: Vec::new() };
        for record in records {
            life = life.after(record);
        }
        Some(life)
    }

    fn after(mut self, record: &EventRecord) -> Self {
        let act = record.act();
        self.state = apply(self.state, &act);
        self.handed_in |= matches!(record.event, Event::Submitted {});
        if let Event::Revoked { reason } = &record.event {
            self.revoked = Some((record.at, reason.clone()));
        }
        let stage = self.state.stage(act.rules, dates::today(record.at));
        if self.stage != stage {
            if let Some(step) = Step::of(self.stage) {
                self.left.push((step, dates::days(self.since, record.at)));
            }
            self.stage = stage;
            self.since = record.at;
        }
        self
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
            kind: incident.report.kind.as_str(),
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

#[cfg(test)]
mod tests;
