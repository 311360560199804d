//! Which acts stand on an application's page: those that policy and rules would both let pass now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use policies::HolderSay;
use policies::application::{
    Application, Asking, Audience, Ballot, Certificate, Command, Decision, Finding, FindingsByCriterion, Fulfilment,
    HolderAnswer, IncidentKind, IncidentReport, IncidentStep, Narrowing, Opinion, Round, Rules, Sitting, Training,
    Vote, Way, day_of, decide,
};

use super::{Act, permits};
use crate::access::relation;
use crate::accounts::User;
use crate::portal::Portal;

/// The acts that this person can do now, tried with samples of what a form would say.
pub(crate) fn offers(portal: &Portal, state: &Application, user: &User) -> BTreeSet<Act> {
    Act::ALL.iter().copied().filter(|act| is_offered(portal, state, user, *act)).collect()
}

/// Whether this person can do it now.
pub(crate) fn is_offered(portal: &Portal, state: &Application, user: &User, act: Act) -> bool {
    let now = portal.now();
    let today = day_of(now);
    if !portal.may(Some(&user.roles), relation(state, user, today), act.action()) {
        return false;
    }
    if act == Act::Permit {
        return permits::is_wanted(portal, state);
    }
    let by = user.actor();
    let decided = |command| decide(Rules::current(), state, &Asking { by: &by, at: now }, command).is_ok();
    samples(state, user, act, today).into_iter().any(decided)
}

fn findings() -> FindingsByCriterion {
    let finding = || Finding { fulfilment: Fulfilment::Met, reason: "-".to_owned() };
    Rules::current().criterion_ids().map(|criterion| (criterion.to_owned(), finding())).collect()
}

#[expect(clippy::too_many_lines, reason = "one line an act")]
/// Samples of an act, one of which the rules let pass if they let any.
fn samples(state: &Application, user: &User, act: Act, today: Date) -> Vec<Command> {
    let text = || "-".to_owned();
    let rules = Rules::current();
    let numbers = |many: usize| 1..=u32::try_from(many).unwrap_or(0);
    let usage = state.usage.as_ref();
    let conditions = || numbers(state.round.iter().flat_map(Round::open_conditions).count().max(9));
    let incidents = || numbers(usage.map_or(0, |usage| usage.incidents.len()));
    let restrictions = || numbers(usage.map_or(0, |usage| usage.restrictions.len()));
    let filings = usage.map_or(0, |usage| usage.results.filings);
    match act {
        Act::Accept => {
            vec![Command::Accept { checklist: rules.checklist.iter().map(|item| item.id.clone()).collect() }]
        }
        Act::Amend => usage.map(|usage| Command::Amend { content: usage.content.clone() }).into_iter().collect(),
        Act::AnswerHolder => holders(state),
        Act::AnswerRestriction => {
            restrictions().map(|restriction| Command::AnswerRestriction { restriction, text: text() }).collect()
        }
        Act::Assign => {
            let card = |user: &User| BTreeMap::from([(user.id.clone(), user.card())]);
            vec![Command::AssignReviewers { reviewers: card(user) }]
        }
        Act::CertifyDeletion => {
            vec![Command::CertifyDeletion { certificate: Certificate { text: text(), sha256: None } }]
        }
        Act::Close => vec![Command::Close { report: text() }],
        Act::Comment => vec![Command::Comment { field: String::new(), text: text(), audience: Audience::Applicant }],
        Act::ConfirmCondition => conditions().map(|condition| Command::ConfirmCondition { condition }).collect(),
        Act::Decide => {
            let decisions = [Decision::Deferred { reason: text() }, Decision::Granted {}];
            decisions.map(|decision| Command::Decide { decision, findings: findings() }).into()
        }
        Act::DeclareInterest => declarations(state, user),
        Act::FileResults => vec![Command::FileResults { summary: text() }],
        Act::FollowIncident => {
            let step = || IncidentStep::Note { text: text() };
            incidents().map(|incident| Command::FollowIncident { incident, step: step() }).collect()
        }
        Act::GiveOpinion => {
            vec![Command::GiveOpinion { opinion: Opinion { findings: findings(), text: String::new() } }]
        }
        Act::Join => vec![Command::Join { training: Training { course: text(), until: today, sha256: None } }],
        Act::Permit => Vec::new(),
        Act::Pledge => vec![Command::SignPledge { version: rules.pledge.version.clone() }],
        Act::PublishResults => vec![Command::PublishResults { filing: filings }],
        Act::ReportCondition => {
            conditions().map(|condition| Command::ReportCondition { condition, text: text() }).collect()
        }
        Act::ReportIncident => vec![Command::ReportIncident {
            report: IncidentReport { kind: IncidentKind::Loss, severity: 1, text: text(), noticed_on: today },
        }],
        Act::ReportToMeeting => vec![Command::ReportToMeeting { on: today }],
        Act::Restrict => vec![Command::Restrict {
            narrowing: Narrowing { limits: vec![text()], ..Narrowing::default() },
            reason: text(),
            answer_by: today,
        }],
        Act::Resume => vec![Command::Resume { reason: text() }],
        Act::Return => vec![Command::Return { comment: text() }],
        Act::ReturnResults => vec![Command::ReturnResults { filing: filings, comment: text() }],
        Act::Revoke => vec![Command::Revoke { reason: text() }],
        Act::Schedule => vec![Command::Schedule { sitting: Sitting { on: today, way: Way::Meeting } }],
        Act::Submit => vec![Command::Submit {}],
        Act::Suspend => vec![Command::Suspend { reason: text() }],
        Act::Vote => vec![Command::Vote { vote: Vote { ballot: Ballot::For, comment: String::new() } }],
        Act::Withdraw => vec![Command::Withdraw {}],
    }
}

fn holders(state: &Application) -> Vec<Command> {
    let requests = state.round.iter().flat_map(|round| &round.holders);
    let answer = |(number, request): (&String, &policies::application::HolderRequest)| Command::AnswerHolder {
        request: number.clone(),
        answer: HolderAnswer { consent: (request.say == HolderSay::Consent).then_some(true), text: "-".to_owned() },
    };
    requests.map(answer).collect()
}

/// Who has said that there is a conflict is not asked again.
fn declarations(state: &Application, user: &User) -> Vec<Command> {
    let said = state.round.as_ref().is_some_and(|round| round.declared.contains_key(&user.id));
    if said { Vec::new() } else { vec![Command::DeclareInterest { conflict: Some("-".to_owned()) }] }
}
