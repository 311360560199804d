//! What a command makes happen, or why it may not. No clock, no store, no randomness: those come in with who asks and when.

mod applicant;
mod committee;
mod office;
mod running;

use jiff::civil::Date;

use super::actor::{Actor, Asking};
use super::acts::{Command, Event};
use super::parts::FindingsByCriterion;
use super::refusal::Refusal;
use super::round::{Interest, Phase, Round};
use super::rules::Rules;
use super::usage::Usage;
use super::{Application, size};
use crate::role::Role;

/// Decides one command.
///
/// # Errors
/// Why the rules do not let this person do this now.
pub fn decide(
    rules: &Rules,
    state: &Application,
    asking: &Asking<'_>,
    command: Command,
) -> Result<Vec<Event>, Refusal> {
    let desk = Desk { rules, state, by: asking.by, today: asking.day() };
    match &command {
        Command::Accept { checklist } => desk.accept(checklist),
        Command::Amend { content } => desk.amend(content),
        Command::AnswerHolder { request, answer } => desk.answer_holder(request, answer),
        Command::AnswerRestriction { restriction, text } => desk.answer_restriction(*restriction, text),
        Command::AssignReviewers { reviewers } => desk.assign(reviewers),
        Command::CertifyDeletion { certificate } => desk.certify(certificate),
        Command::Close { report } => desk.close(report),
        Command::Comment { field, text, audience } => desk.comment(field, text, *audience),
        Command::ConfirmCondition { condition } => desk.confirm_condition(*condition),
        Command::Decide { decision, findings } => desk.conclude(decision, findings),
        Command::DeclareInterest { conflict } => desk.declare(conflict.as_deref()),
        Command::Draft { content } => desk.draft(content),
        Command::Edit { content } => desk.edit(content),
        Command::FileResults { summary } => desk.file_results(summary),
        Command::FollowIncident { incident, step } => desk.follow_incident(*incident, step),
        Command::GiveOpinion { opinion } => desk.give_opinion(opinion),
        Command::Join { training } => desk.join(training),
        Command::PublishResults { filing } => desk.publish_results(*filing),
        Command::RecordPermit { permit } => desk.record_permit(permit),
        Command::ReportCondition { condition, text } => desk.report_condition(*condition, text),
        Command::ReportIncident { report } => desk.report_incident(report),
        Command::ReportToMeeting { on } => desk.report_to_meeting(*on),
        Command::Restrict { narrowing, reason, answer_by } => desk.restrict(narrowing, reason, *answer_by),
        Command::Resume { reason } => desk.resume(reason),
        Command::Return { comment } => desk.send_back(comment),
        Command::ReturnResults { filing, comment } => desk.return_results(*filing, comment),
        Command::Revoke { reason } => desk.revoke(reason),
        Command::Schedule { sitting } => desk.schedule(sitting),
        Command::SignPledge { version } => desk.pledge(version),
        Command::Submit {} => desk.submit(),
        Command::Suspend { reason } => desk.suspend(reason),
        Command::Vote { vote } => desk.vote(vote),
        Command::Withdraw {} => desk.withdraw(),
    }?;
    let event = command.obeyed();
    size::check(state, asking.by, &event)?;
    Ok(vec![event])
}

/// What a decision is made from.
#[derive(Clone, Copy)]
struct Desk<'a> {
    rules: &'a Rules,
    state: &'a Application,
    by: &'a Actor,
    today: Date,
}

impl<'a> Desk<'a> {
    fn round(&self) -> Result<&'a Round, Refusal> {
        self.state.round.as_ref().ok_or(Refusal::OutOfTurn)
    }

    /// The round, if it is in a phase that fits.
    fn round_in(&self, fits: impl Fn(&Phase) -> bool) -> Result<&'a Round, Refusal> {
        self.round().and_then(|round| if fits(&round.phase) { Ok(round) } else { Err(Refusal::OutOfTurn) })
    }

    /// The use, if it has not ended.
    fn usage(&self) -> Result<&'a Usage, Refusal> {
        self.state.usage.as_ref().filter(|usage| usage.ending.is_none()).ok_or(Refusal::OutOfTurn)
    }

    fn by_applicant(&self) -> Result<(), Refusal> {
        if self.state.applicant.as_ref() == Some(&self.by.user) { Ok(()) } else { Err(Refusal::NotApplicant) }
    }

    fn with_role(&self, roles: &[Role]) -> Result<(), Refusal> {
        if roles.iter().any(|role| self.by.is(*role)) { Ok(()) } else { Err(Refusal::WrongRole) }
    }

    fn by_secretariat(&self) -> Result<(), Refusal> {
        self.with_role(&[Role::Secretariat])?;
        self.not_a_party()
    }

    /// The secretariat about what runs: whom a mere amendment names as a member can still stop or narrow it.
    fn by_office_of_use(&self) -> Result<(), Refusal> {
        let Some(usage) = &self.state.usage else { return self.by_secretariat() };
        self.with_role(&[Role::Secretariat])?;
        let asks = self.by_applicant().is_ok() || usage.content.members.contains_key(&self.by.user);
        if asks { Err(Refusal::OwnApplication) } else { Ok(()) }
    }

    fn not_a_party(&self) -> Result<(), Refusal> {
        if self.state.is_party(&self.by.user) { Err(Refusal::OwnApplication) } else { Ok(()) }
    }

    /// Somebody who judges: no party, no conflict, and has said so.
    fn without_conflict(&self) -> Result<(), Refusal> {
        let round = self.round()?;
        self.not_a_party()?;
        if self.is_conflicted() {
            return Err(Refusal::ConflictOfInterest);
        }
        match round.declared.get(&self.by.user) {
            Some(Interest::None) => Ok(()),
            _ => Err(Refusal::InterestNotDeclared),
        }
    }

    /// The affiliation at the time of the act counts as well as the one at the time of the assignment.
    fn is_conflicted(&self) -> bool {
        self.state.is_conflicted(self.rules, &self.by.user, self.today)
            || self.state.is_near(&self.by.affiliation, self.rules)
    }

    fn not_past(&self, day: Date) -> Result<(), Refusal> {
        if day < self.today { Err(Refusal::DateInThePast) } else { Ok(()) }
    }

    fn findings(&self, findings: &FindingsByCriterion) -> Result<(), Refusal> {
        let known = |word: &String| self.rules.criterion_ids().any(|criterion| criterion == word);
        let reasoned = |criterion: &str| findings.get(criterion).is_some_and(|finding| !is_blank(&finding.reason));
        if findings.keys().all(known) && self.rules.criterion_ids().all(reasoned) {
            findings.values().try_for_each(|finding| short(&finding.reason))
        } else {
            Err(Refusal::FindingsMissing)
        }
    }
}

fn required(text: &str) -> Result<(), Refusal> {
    if is_blank(text) { Err(Refusal::CommentRequired) } else { short(text) }
}

/// A text that may be empty, but not long.
fn short(text: &str) -> Result<(), Refusal> {
    if text.chars().count() > TEXT_MAX { Err(Refusal::TextTooLong) } else { Ok(()) }
}

/// A name or a digest: of one line.
fn line(text: &str) -> Result<(), Refusal> {
    if text.chars().count() > LINE_MAX { Err(Refusal::TextTooLong) } else { Ok(()) }
}

/// Longest comment, reason or report in characters.
const TEXT_MAX: usize = 10_000;

/// Longest name of a part or course in characters.
const LINE_MAX: usize = 200;

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
