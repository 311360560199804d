//! What waits for a person, and what waits for others: the start page's one source.

use jiff::Timestamp;
use policies::ApplicationId;
use policies::access::{Action, Relation};
use policies::application::{Application, EventRecord, QUORUM, Stage, apply};

use crate::access::relation;
use crate::accounts::User;
use crate::application::{Listed, every, records};
use crate::error::PortalError;
use crate::portal::Portal;

/// Lines that a start page shows of each kind; the list of applications has all.
const LINES_MAX: usize = 30;

/// What waits, the longest wait first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    /// What this person is to do.
    pub(crate) yours: Vec<Wait>,
    /// What this person has a part in and others are to do.
    pub(crate) others: Vec<Wait>,
}

/// One application that waits.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) id: ApplicationId,
    pub(crate) title: String,
    pub(crate) stage: Stage,
    /// What is to be done, a word of the messages (`wait.…`); none where others are to do it.
    pub(crate) act: Option<Act>,
    /// Since when.
    pub(crate) since: Timestamp,
}

/// What a person is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Name reviewers.
    Assign,
    /// Check completeness.
    Check,
    /// Correct what was returned.
    Correct,
    /// Record the committee's decision.
    Decide,
    /// Open the vote.
    Open,
    /// Issue the permit.
    Permit,
    /// Sign the pledge.
    Pledge,
    /// Report that data were erased.
    Report,
    /// Vote.
    Vote,
    /// Finish the draft.
    Write,
}

impl Act {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 10] = [
        Self::Assign,
        Self::Check,
        Self::Correct,
        Self::Decide,
        Self::Open,
        Self::Permit,
        Self::Pledge,
        Self::Report,
        Self::Vote,
        Self::Write,
    ];

    /// The word in the messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Check => "check",
            Self::Correct => "correct",
            Self::Decide => "decide",
            Self::Open => "open",
            Self::Permit => "permit",
            Self::Pledge => "pledge",
            Self::Report => "report",
            Self::Vote => "vote",
            Self::Write => "write",
        }
    }
}

/// What waits for this person, and for others where this person has a part.
pub(crate) async fn waiting(portal: &Portal, user: &User) -> Result<Waiting, PortalError> {
    let mut listed = every(portal).await?;
    listed.reverse();
    let (mut yours, mut others) = (Vec::new(), Vec::new());
    for listed in listed {
        let relation = relation(&listed.state, user);
        let may = |what| portal.may(Some(&user.roles), relation, what);
        if !may(Action::ApplicationRead) {
            continue;
        }
        match act(&listed.state, user, relation, may) {
            Some(act) if yours.len() < LINES_MAX => yours.push(wait(portal, listed, Some(act)).await?),
            None if is_open(listed.state.stage) && others.len() < LINES_MAX => {
                others.push(wait(portal, listed, None).await?);
            }
            Some(_) | None => {}
        }
    }
    yours.sort_by_key(|wait| wait.since);
    others.sort_by_key(|wait| wait.since);
    Ok(Waiting { yours, others })
}

async fn wait(portal: &Portal, listed: Listed, act: Option<Act>) -> Result<Wait, PortalError> {
    let state = listed.state;
    let since = stage_since(&records(portal.db.pool(), &state.id).await?).unwrap_or(listed.updated_at);
    Ok(Wait { id: state.id, title: state.content.title, stage: state.stage, act, since })
}

/// When the present stage began.
pub(crate) fn stage_since(records: &[EventRecord]) -> Option<Timestamp> {
    let first = records.first()?;
    let begin = (Application::unwritten(first.application.clone()), first.at);
    let (_, since) = records.iter().fold(begin, |(state, since), record| {
        let before = state.stage;
        let state = apply(state, &record.event);
        let since = if before == state.stage { since } else { record.at };
        (state, since)
    });
    Some(since)
}

/// What this person is to do now; none if nothing.
fn act(state: &Application, user: &User, relation: Relation, may: impl Fn(Action) -> bool) -> Option<Act> {
    let is_applicant = relation == Relation::Applicant;
    let may_vote = || relation == Relation::Assigned && may(Action::ApplicationVote);
    match state.stage {
        Stage::Unwritten | Stage::Draft => is_applicant.then_some(Act::Write),
        Stage::Returned => is_applicant.then_some(Act::Correct),
        Stage::Submitted => may(Action::ApplicationAccept).then_some(Act::Check),
        Stage::UnderReview if state.eligible_reviewers().count() < QUORUM => {
            may(Action::ApplicationAssign).then_some(Act::Assign)
        }
        Stage::UnderReview | Stage::Deferred => may(Action::ApplicationOpenVoting).then_some(Act::Open),
        Stage::Voting if may_vote() && !state.votes.contains_key(&user.id) => Some(Act::Vote),
        Stage::Voting => (state.tally().0 >= QUORUM && may(Action::ApplicationDecide)).then_some(Act::Decide),
        Stage::Granted | Stage::GrantedWithConditions => {
            if state.missing_pledges().any(|member| *member == user.id) {
                Some(Act::Pledge)
            } else {
                let all_signed = state.missing_pledges().next().is_none();
                (all_signed && may(Action::PermitIssue)).then_some(Act::Permit)
            }
        }
        Stage::Revoked => is_applicant.then_some(Act::Report),
        Stage::Closed | Stage::Permitted | Stage::Rejected | Stage::Withdrawn => None,
    }
}

/// Whether somebody is to do something.
fn is_open(stage: Stage) -> bool {
    match stage {
        Stage::Deferred
        | Stage::Draft
        | Stage::Granted
        | Stage::GrantedWithConditions
        | Stage::Returned
        | Stage::Revoked
        | Stage::Submitted
        | Stage::UnderReview
        | Stage::Unwritten
        | Stage::Voting => true,
        Stage::Closed | Stage::Permitted | Stage::Rejected | Stage::Withdrawn => false,
    }
}
