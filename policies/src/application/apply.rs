//! Folds one recorded event into the state. Cannot fail: what is recorded has happened.

use super::event::{Decision, Event};
use super::{Application, Stage};

/// The state after `event`.
#[must_use]
pub fn apply(mut state: Application, event: &Event) -> Application {
    match event {
        Event::Accepted {} => {
            state.stage = Stage::UnderReview;
            state.returned = None;
        }
        Event::Closed { report } => {
            state.stage = Stage::Closed;
            state.ending = Some(report.clone());
        }
        Event::ConflictDeclared { reviewer } => {
            state.declared_conflicts.insert(reviewer.clone());
        }
        Event::Decided { decision } => {
            state.stage = stage_of(decision);
            state.decision = Some(decision.clone());
        }
        Event::Drafted { applicant, content } => {
            state.stage = Stage::Draft;
            state.applicant = Some(applicant.clone());
            state.content = content.clone();
        }
        Event::Edited { content } => state.content = content.clone(),
        Event::PermitIssued { permit } => {
            state.stage = Stage::Permitted;
            state.permit = Some(permit.clone());
        }
        Event::PledgeSigned { member } => {
            state.pledges.insert(member.clone());
        }
        Event::Returned { comment } => {
            state.stage = Stage::Returned;
            state.returned = Some(comment.clone());
        }
        Event::ReviewersAssigned { reviewers } => state.reviewers = reviewers.clone(),
        Event::Revoked { reason } => {
            state.stage = Stage::Revoked;
            state.ending = Some(reason.clone());
        }
        Event::Submitted {} => state.stage = Stage::Submitted,
        Event::VoteCast { reviewer, vote } => {
            state.votes.insert(reviewer.clone(), vote.clone());
        }
        Event::VotingOpened {} => {
            state.stage = Stage::Voting;
            state.votes.clear();
        }
        Event::Withdrawn {} => state.stage = Stage::Withdrawn,
    }
    state
}

fn stage_of(decision: &Decision) -> Stage {
    match decision {
        Decision::Deferred { .. } => Stage::Deferred,
        Decision::Granted {} => Stage::Granted,
        Decision::GrantedWithConditions { .. } => Stage::GrantedWithConditions,
        Decision::Rejected { .. } => Stage::Rejected,
    }
}
