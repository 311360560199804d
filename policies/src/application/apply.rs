//! Folds one recorded act into the state. Cannot fail: what is recorded has happened.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::actor::{Actor, day_of};
use super::acts::Event;
use super::content::Content;
use super::parts::{Certificate, Decision, FindingsByCriterion, HolderAnswer, ReviewerCard};
use super::round::{ConditionState, HolderRequest, Interest, Lane, Outcome, Phase, Reviewer, Round};
use super::rules::{Rules, after_days};
use super::usage::{Ended, Ending, Incident, Restriction, Results, Usage};
use super::{Application, Comment, size};
use crate::id::{PermitId, UserId};

/// What happened, by whom and when, under which rules.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who.
    pub by: &'a Actor,
    /// When.
    pub at: Timestamp,
    /// Under which edition of the rules.
    pub rules: &'a Rules,
    /// What.
    pub event: &'a Event,
}

/// The state after an act.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest concerns the round or the use alone")]
pub fn apply(mut state: Application, act: &Act<'_>) -> Application {
    state.bytes = state.bytes.saturating_add(size::weight(act.event));
    match act.event {
        Event::Drafted { content } => {
            state.applicant = Some(act.by.user.clone());
            state.affiliations.insert(act.by.user.clone(), act.by.affiliation.clone());
            begin(&mut state, content, act.at);
        }
        Event::Amended { content } => begin(&mut state, content, act.at),
        Event::Commented { field, text, audience } => state.comments.push(Comment {
            field: field.clone(),
            text: text.clone(),
            audience: *audience,
            by: act.by.user.clone(),
            at: act.at,
        }),
        Event::MemberJoined { training } => {
            state.joined.insert(act.by.user.clone(), training.clone());
            state.affiliations.insert(act.by.user.clone(), act.by.affiliation.clone());
        }
        Event::PledgeSigned { version } => {
            state.pledges.insert(act.by.user.clone(), version.clone());
        }
        Event::Decided { decision, findings } => decided(&mut state, act, decision, findings),
        Event::PermitIssued { permit } => issued(&mut state, permit, act.at),
        Event::ReportedToMeeting { on } => reported(&mut state, *on),
        Event::Withdrawn {} if state.usage.is_some() => state.round = None,
        Event::Revoked { reason } if state.usage.is_none() => {
            in_phase(&mut state, Phase::Revoked { reason: reason.clone() }, act.at);
        }
        _ => {
            if let Some(round) = &mut state.round {
                in_round(round, act);
            }
            if let Some(usage) = &mut state.usage {
                in_usage(usage, act);
                // With the use ends what was on its way to change it.
                state.round = state.round.take().filter(|_| usage.ending.is_none());
            }
        }
    }
    state
}

fn begin(state: &mut Application, content: &Content, at: Timestamp) {
    state.rounds = state.rounds.saturating_add(1);
    let granted = state.usage.as_ref().map(|usage| usage.content.clone());
    state.round = Some(Round::begin(state.rounds, content.clone(), granted, at));
}

fn in_phase(state: &mut Application, phase: Phase, at: Timestamp) {
    if let Some(round) = &mut state.round {
        set_phase(round, phase, at);
    }
}

fn set_phase(round: &mut Round, phase: Phase, at: Timestamp) {
    round.phase = phase;
    round.since = at;
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest does not concern a round")]
fn in_round(round: &mut Round, act: &Act<'_>) {
    match act.event {
        Event::Edited { content } => round.content = content.clone(),
        Event::Submitted {} => {
            round.handed_in = true;
            set_phase(round, Phase::Submitted {}, act.at);
        }
        Event::Returned { comment } => {
            round.before = Some(round.content.clone());
            set_phase(round, Phase::Returned { comment: comment.clone() }, act.at);
        }
        Event::Withdrawn {} => set_phase(round, Phase::Withdrawn {}, act.at),
        Event::Accepted { .. } => {
            round.holders = requests(round, act);
            set_phase(round, Phase::UnderReview {}, act.at);
        }
        Event::HolderAnswered { request, answer } => answered(round, request, answer),
        Event::ReviewersAssigned { reviewers } => assign(round, reviewers),
        Event::InterestDeclared { conflict } => declare(round, &act.by.user, conflict.as_ref()),
        Event::OpinionGiven { opinion } => {
            round.opinions.insert(act.by.user.clone(), opinion.clone());
        }
        Event::Scheduled { sitting } => {
            round.votes.clear();
            set_phase(round, Phase::Scheduled { sitting: sitting.clone() }, act.at);
        }
        Event::VoteCast { vote } => {
            round.votes.insert(act.by.user.clone(), vote.clone());
        }
        Event::ConditionReported { condition, text } => {
            with_condition(round, *condition, |state| state.reported = Some(text.clone()));
        }
        Event::ConditionConfirmed { condition } => with_condition(round, *condition, |state| state.is_met = true),
        _ => {}
    }
}

fn requests(round: &Round, act: &Act<'_>) -> BTreeMap<String, HolderRequest> {
    let due = after_days(day_of(act.at), act.rules.days.holder_opinion);
    let request = |dataset: &String| {
        let say = act.rules.holder_say(dataset)?;
        let request = HolderRequest { dataset: dataset.clone(), say, due, answer: None };
        Some((format!("H{}-{dataset}", round.number), request))
    };
    round.content.datasets.keys().filter_map(request).collect()
}

fn answered(round: &mut Round, request: &str, answer: &HolderAnswer) {
    if let Some(request) = round.holders.get_mut(request) {
        request.answer = Some(answer.clone());
    }
}

fn assign(round: &mut Round, cards: &BTreeMap<UserId, ReviewerCard>) {
    let number = round.number;
    let declared = &round.declared;
    let reviewer = |(user, card): (&UserId, &ReviewerCard)| {
        let interest = declared.get(user).cloned().unwrap_or(Interest::Asked);
        (user.clone(), Reviewer { request: format!("R{number}-{user}"), card: card.clone(), interest })
    };
    round.reviewers = cards.iter().map(reviewer).collect();
    round.opinions.retain(|user, _| cards.contains_key(user));
    round.votes.retain(|user, _| cards.contains_key(user));
}

fn declare(round: &mut Round, user: &UserId, conflict: Option<&String>) {
    let interest = conflict.map_or(Interest::None, |text| Interest::Conflict { text: text.clone() });
    if conflict.is_some() {
        round.opinions.remove(user);
        round.votes.remove(user);
    }
    if let Some(reviewer) = round.reviewers.get_mut(user) {
        reviewer.interest = interest.clone();
    }
    round.declared.insert(user.clone(), interest);
}

fn with_condition(round: &mut Round, number: u32, change: impl FnOnce(&mut ConditionState)) {
    if let Phase::Granted { conditions } = &mut round.phase
        && let Some(state) = conditions.get_mut(&number)
    {
        change(state);
    }
}

fn decided(state: &mut Application, act: &Act<'_>, decision: &Decision, findings: &FindingsByCriterion) {
    let is_amendment = state.usage.is_some();
    let Some(round) = &mut state.round else { return };
    let sitting = if let Phase::Scheduled { sitting } = &round.phase { Some(sitting.clone()) } else { None };
    let lane = match (round.lane(act.rules), &sitting) {
        (Lane::Secretariat, Some(_)) if round.content.urgent => Lane::Urgent,
        (Lane::Secretariat, Some(_)) => Lane::Committee,
        (lane, _) => lane,
    };
    state.outcomes.push(Outcome {
        round: round.number,
        by: act.by.user.clone(),
        at: act.at,
        lane,
        sitting,
        decision: decision.clone(),
        findings: findings.clone(),
        reported_on: None,
    });
    round.decision = Some(decision.clone());
    let phase = match decision {
        Decision::Deferred { .. } => Phase::Deferred {},
        Decision::Granted {} => Phase::Granted { conditions: BTreeMap::new() },
        Decision::GrantedWithConditions { conditions } => {
            let open =
                |condition: &_| ConditionState { condition: Clone::clone(condition), reported: None, is_met: false };
            Phase::Granted { conditions: (1..).zip(conditions.iter().map(open)).collect() }
        }
        Decision::Undecided {} => Phase::UnderReview {},
        Decision::Rejected { .. } if is_amendment => {
            state.round = None;
            return;
        }
        Decision::Rejected { .. } => Phase::Rejected {},
    };
    set_phase(round, phase, act.at);
}

fn issued(state: &mut Application, permit: &PermitId, at: Timestamp) {
    let today = day_of(at);
    let basis = state.basis(today).ok().filter(|basis| basis.is_round);
    let Some((content, conditions)) =
        basis.map(|basis| (basis.content.clone(), basis.conditions.into_iter().cloned().collect()))
    else {
        let named = state.usage.as_ref().map(|usage| state.named(&usage.content, today)).unwrap_or_default();
        if let Some(usage) = &mut state.usage {
            usage.permit = permit.clone();
            usage.named = named;
            usage.awaits_permit = false;
        }
        return;
    };
    let named = state.named(&content, today);
    state.round = None;
    state.usage = Some(match state.usage.take() {
        Some(usage) => Usage { permit: permit.clone(), named, content, conditions, awaits_permit: false, ..usage },
        None => Usage {
            permit: permit.clone(),
            named,
            since: at,
            content,
            conditions,
            restrictions: Vec::new(),
            awaits_permit: false,
            suspended: None,
            ending: None,
            results: Results::default(),
            incidents: Vec::new(),
        },
    });
}

fn reported(state: &mut Application, on: Date) {
    let open = state.outcomes.iter_mut().find(|outcome| outcome.is_to_be_reported());
    if let Some(outcome) = open {
        outcome.reported_on = Some(on);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest does not concern a use")]
fn in_usage(usage: &mut Usage, act: &Act<'_>) {
    usage.awaits_permit |= matches!(act.event, Event::Restricted { .. } | Event::Resumed { .. });
    let end = |how| Some(Ending { how, at: act.at, certificate: None });
    match act.event {
        Event::Closed { report } => usage.ending = end(Ended::Closed { report: report.clone() }),
        Event::Revoked { reason } => usage.ending = end(Ended::Revoked { reason: reason.clone() }),
        Event::DeletionCertified { certificate } => certify(usage, certificate),
        Event::Suspended { reason } => usage.suspended = Some(reason.clone()),
        Event::Resumed { .. } => usage.suspended = None,
        Event::ResultsFiled { summary } => {
            let filings = usage.results.filings.saturating_add(1);
            usage.results.filings = filings;
            usage.results.filed = Some(summary.clone());
            usage.results.returned = None;
        }
        Event::ResultsPublished { .. } => {
            let filed = usage.results.filed.take();
            usage.results.published = filed.or_else(|| usage.results.published.take());
        }
        Event::ResultsReturned { comment, .. } => {
            usage.results.filed = None;
            usage.results.returned = Some(comment.clone());
        }
        Event::Restricted { narrowing, reason, answer_by } => usage.restrictions.push(Restriction {
            narrowing: narrowing.clone(),
            reason: reason.clone(),
            answer_by: *answer_by,
            answer: None,
            at: act.at,
        }),
        Event::RestrictionAnswered { restriction, text } => {
            if let Some(restriction) = numbered(&mut usage.restrictions, *restriction) {
                restriction.answer = Some(text.clone());
            }
        }
        Event::IncidentReported { report } => usage.incidents.push(Incident {
            report: report.clone(),
            by: act.by.user.clone(),
            at: act.at,
            steps: Vec::new(),
        }),
        Event::IncidentFollowed { incident, step } => {
            if let Some(incident) = numbered(&mut usage.incidents, *incident) {
                incident.steps.push((act.at, step.clone()));
            }
        }
        _ => {}
    }
}

fn certify(usage: &mut Usage, certificate: &Certificate) {
    if let Some(ending) = &mut usage.ending {
        ending.certificate = Some(certificate.clone());
    }
}

/// The entry of a number from 1.
fn numbered<T>(list: &mut [T], number: u32) -> Option<&mut T> {
    list.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
}
