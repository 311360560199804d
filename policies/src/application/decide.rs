//! What a command makes happen, or why it may not. No clock, no store, no randomness: those come in with actor and command.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::command::{Actor, Command};
use super::content::{Content, Organisation};
use super::event::{Ballot, Decision, Event, Vote};
use super::refusal::Refusal;
use super::{Application, QUORUM, Stage};
use crate::id::UserId;
use crate::role::Role;

/// Hours that Japan's time is ahead of UTC; no daylight saving.
const JAPAN: Offset = Offset::constant(9);

/// Decides one command.
pub fn decide(state: &Application, actor: &Actor, command: Command) -> Result<Vec<Event>, Refusal> {
    let event = match command {
        Command::Accept => by_secretariat(state, actor, &[Stage::Submitted]).map(|()| Event::Accepted {}),
        Command::AssignReviewers(reviewers) => assign(state, actor, reviewers),
        Command::Close(report) => close(state, actor, report),
        Command::Decide(decision) => conclude(state, actor, decision),
        Command::DeclareConflict => declare_conflict(state, actor),
        Command::Draft(content) => draft(state, actor, content),
        Command::Edit(content) => edit(state, actor, content),
        Command::OpenVoting => open_voting(state, actor),
        Command::RecordPermit(permit) => record_permit(state, actor).map(|()| Event::PermitIssued { permit }),
        Command::Return(comment) => by_secretariat(state, actor, &[Stage::Submitted])
            .and_then(|()| required(comment))
            .map(|comment| Event::Returned { comment }),
        Command::Revoke(reason) => revoke(state, actor, reason),
        Command::SignPledge => pledge(state, actor),
        Command::Submit { at } => submit(state, actor, at),
        Command::Vote { ballot, comment } => vote(state, actor, Vote { ballot, comment }),
        Command::Withdraw => withdraw(state, actor),
    }?;
    Ok(vec![event])
}

fn draft(state: &Application, actor: &Actor, content: Content) -> Result<Event, Refusal> {
    at_stage(state, &[Stage::Unwritten])?;
    with_role(actor, &[Role::Researcher])?;
    content.check_lengths()?;
    Ok(Event::Drafted { applicant: actor.user.clone(), content })
}

fn edit(state: &Application, actor: &Actor, content: Content) -> Result<Event, Refusal> {
    by_applicant(state, actor)?;
    at_stage(state, &[Stage::Draft, Stage::Returned])?;
    content.check_lengths()?;
    Ok(Event::Edited { content })
}

fn submit(state: &Application, actor: &Actor, at: Timestamp) -> Result<Event, Refusal> {
    by_applicant(state, actor)?;
    at_stage(state, &[Stage::Draft, Stage::Returned])?;
    state.content.check(at.to_zoned(TimeZone::fixed(JAPAN)).date())?;
    Ok(Event::Submitted {})
}

fn withdraw(state: &Application, actor: &Actor) -> Result<Event, Refusal> {
    by_applicant(state, actor)?;
    let before_decision =
        [Stage::Draft, Stage::Returned, Stage::Submitted, Stage::UnderReview, Stage::Voting, Stage::Deferred];
    at_stage(state, &before_decision)?;
    Ok(Event::Withdrawn {})
}

fn assign(state: &Application, actor: &Actor, reviewers: BTreeMap<UserId, Organisation>) -> Result<Event, Refusal> {
    by_secretariat(state, actor, &[Stage::UnderReview, Stage::Deferred])?;
    if reviewers.is_empty() {
        return Err(Refusal::TooFewReviewers);
    }
    if reviewers.keys().any(|reviewer| state.is_party(reviewer)) {
        return Err(Refusal::OwnApplication);
    }
    Ok(Event::ReviewersAssigned { reviewers })
}

fn declare_conflict(state: &Application, actor: &Actor) -> Result<Event, Refusal> {
    at_stage(state, &[Stage::UnderReview, Stage::Voting, Stage::Deferred])?;
    if !state.reviewers.contains_key(&actor.user) && !actor.is(Role::Chair) {
        return Err(Refusal::NotAssigned);
    }
    Ok(Event::ConflictDeclared { reviewer: actor.user.clone() })
}

fn open_voting(state: &Application, actor: &Actor) -> Result<Event, Refusal> {
    with_role(actor, &[Role::Secretariat, Role::Chair])?;
    not_a_party(state, actor)?;
    at_stage(state, &[Stage::UnderReview, Stage::Deferred])?;
    if state.eligible_reviewers().count() < QUORUM {
        return Err(Refusal::TooFewReviewers);
    }
    Ok(Event::VotingOpened {})
}

fn vote(state: &Application, actor: &Actor, vote: Vote) -> Result<Event, Refusal> {
    at_stage(state, &[Stage::Voting])?;
    with_role(actor, &[Role::Reviewer, Role::Chair])?;
    if !state.reviewers.contains_key(&actor.user) {
        return Err(Refusal::NotAssigned);
    }
    without_conflict(state, actor)?;
    if state.votes.contains_key(&actor.user) {
        return Err(Refusal::AlreadyVoted);
    }
    Ok(Event::VoteCast { reviewer: actor.user.clone(), vote })
}

fn conclude(state: &Application, actor: &Actor, decision: Decision) -> Result<Event, Refusal> {
    at_stage(state, &[Stage::Voting])?;
    with_role(actor, &[Role::Chair])?;
    not_a_party(state, actor)?;
    without_conflict(state, actor)?;
    let (votes, approvals) = state.tally();
    let by_majority = approvals * 2 > votes;
    let decision = match decision {
        Decision::Deferred { reason } => Decision::Deferred { reason: required(reason)? },
        Decision::Granted {} => Decision::Granted {},
        Decision::GrantedWithConditions { conditions } => {
            Decision::GrantedWithConditions { conditions: required(conditions)? }
        }
        Decision::Rejected { reason } => Decision::Rejected { reason: required(reason)? },
    };
    let follows_votes = match decision {
        Decision::Deferred { .. } => return Ok(Event::Decided { decision }),
        Decision::Granted {} | Decision::GrantedWithConditions { .. } => by_majority,
        Decision::Rejected { .. } => !by_majority,
    };
    if votes < QUORUM {
        Err(Refusal::NoQuorum)
    } else if follows_votes {
        Ok(Event::Decided { decision })
    } else {
        Err(Refusal::NotByMajority)
    }
}

fn pledge(state: &Application, actor: &Actor) -> Result<Event, Refusal> {
    granted(state)?;
    if !state.content.members.contains_key(&actor.user) {
        return Err(Refusal::NotMember);
    }
    if state.pledges.contains(&actor.user) {
        return Err(Refusal::AlreadyPledged);
    }
    Ok(Event::PledgeSigned { member: actor.user.clone() })
}

fn record_permit(state: &Application, actor: &Actor) -> Result<(), Refusal> {
    with_role(actor, &[Role::Secretariat])?;
    not_a_party(state, actor)?;
    may_be_permitted(state)
}

/// Granted, and every member has pledged: what portal and signer both ask before a permit.
pub(super) fn may_be_permitted(state: &Application) -> Result<(), Refusal> {
    granted(state)?;
    if state.missing_pledges().next().is_some() { Err(Refusal::PledgesMissing) } else { Ok(()) }
}

fn revoke(state: &Application, actor: &Actor, reason: String) -> Result<Event, Refusal> {
    with_role(actor, &[Role::Secretariat, Role::Chair])?;
    at_stage(state, &[Stage::Granted, Stage::GrantedWithConditions, Stage::Permitted])?;
    Ok(Event::Revoked { reason: required(reason)? })
}

fn close(state: &Application, actor: &Actor, report: String) -> Result<Event, Refusal> {
    if !actor.is(Role::Secretariat) {
        by_applicant(state, actor)?;
    }
    at_stage(state, &[Stage::Permitted, Stage::Revoked])?;
    Ok(Event::Closed { report: required(report)? })
}

fn granted(state: &Application) -> Result<(), Refusal> {
    if state.stage.is_granted() { Ok(()) } else { Err(Refusal::OutOfTurn) }
}

fn at_stage(state: &Application, stages: &[Stage]) -> Result<(), Refusal> {
    if stages.contains(&state.stage) { Ok(()) } else { Err(Refusal::OutOfTurn) }
}

fn by_secretariat(state: &Application, actor: &Actor, stages: &[Stage]) -> Result<(), Refusal> {
    with_role(actor, &[Role::Secretariat])?;
    not_a_party(state, actor)?;
    at_stage(state, stages)
}

fn by_applicant(state: &Application, actor: &Actor) -> Result<(), Refusal> {
    if state.applicant.as_ref() == Some(&actor.user) { Ok(()) } else { Err(Refusal::NotApplicant) }
}

fn with_role(actor: &Actor, roles: &[Role]) -> Result<(), Refusal> {
    if roles.iter().any(|role| actor.is(*role)) { Ok(()) } else { Err(Refusal::WrongRole) }
}

fn not_a_party(state: &Application, actor: &Actor) -> Result<(), Refusal> {
    if state.is_party(&actor.user) { Err(Refusal::OwnApplication) } else { Ok(()) }
}

fn without_conflict(state: &Application, actor: &Actor) -> Result<(), Refusal> {
    // The organisation at the time of the act counts as well as the one at the time of the assignment.
    if state.is_conflicted(&actor.user) || state.is_members_organisation(&actor.organisation) {
        Err(Refusal::ConflictOfInterest)
    } else {
        Ok(())
    }
}

fn required(text: String) -> Result<String, Refusal> {
    if text.trim().is_empty() { Err(Refusal::CommentRequired) } else { Ok(text) }
}

/// For and against, from a form's word.
impl std::str::FromStr for Ballot {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text {
            "for" => Ok(Self::For),
            "against" => Ok(Self::Against),
            _ => Err(Refusal::CommentRequired),
        }
    }
}
