//! What those who judge do: holders, reviewers, the chair, and the secretariat in its own lane.

use super::{Desk, required, short};
use crate::application::parts::{Condition, Decision, FindingsByCriterion, HolderAnswer, Opinion, Sitting, Vote, Way};
use crate::application::refusal::Refusal;
use crate::application::round::{Lane, Phase, Round, Tally};
use crate::application::rules::{Majority, after_days};
use crate::role::Role;
use crate::source::HolderSay;

impl Desk<'_> {
    /// Whether this person is the steward who answers for the dataset.
    pub(super) fn answers_for(&self, dataset: &str) -> bool {
        self.by.is(Role::Steward) && self.by.holds.iter().any(|source| source.as_str() == dataset)
    }

    pub(super) fn answer_holder(&self, number: &str, answer: &HolderAnswer) -> Result<(), Refusal> {
        self.with_role(&[Role::Steward])?;
        self.not_a_party()?;
        let round = self.round_in(is_judged)?;
        let request = round.holders.get(number).ok_or(Refusal::NoSuchEntry)?;
        if !self.answers_for(&request.dataset) {
            return Err(Refusal::NotTheHolder);
        }
        if request.answer.is_some() {
            return Err(Refusal::AlreadyAnswered);
        }
        if answer.consent.is_some() != (request.say == HolderSay::Consent) {
            return Err(Refusal::NotAsked);
        }
        required(&answer.text)
    }

    pub(super) fn declare(&self, conflict: Option<&str>) -> Result<(), Refusal> {
        let round = self.round_in(is_judged)?;
        if !round.reviewers.contains_key(&self.by.user) && !self.by.is(Role::Chair) {
            return Err(Refusal::NotAssigned);
        }
        match conflict {
            Some(text) => required(text),
            // A conflict once declared, or found by the rules, is not undone by saying that there is none.
            None if self.is_conflicted() => Err(Refusal::ConflictOfInterest),
            None => Ok(()),
        }
    }

    fn assigned(&self) -> Result<(), Refusal> {
        self.with_role(&[Role::Reviewer, Role::Chair])?;
        let reviewer = self.round()?.reviewers.get(&self.by.user).ok_or(Refusal::NotAssigned)?;
        if !reviewer.card.seats.is_subset(&self.by.seats) {
            return Err(Refusal::SeatNotHeld);
        }
        self.without_conflict()
    }

    pub(super) fn give_opinion(&self, opinion: &Opinion) -> Result<(), Refusal> {
        let round = self.round_in(is_judged)?;
        self.assigned()?;
        if round.opinions.contains_key(&self.by.user) {
            return Err(Refusal::AlreadyAnswered);
        }
        short(&opinion.text)?;
        self.findings(&opinion.findings)
    }

    pub(super) fn schedule(&self, sitting: &Sitting) -> Result<(), Refusal> {
        self.round_in(|phase| matches!(phase, Phase::UnderReview {} | Phase::Deferred {}))?;
        if self.by.is(Role::Secretariat) {
            self.not_a_party()?;
        } else {
            self.with_role(&[Role::Chair])?;
            self.without_conflict()?;
        }
        self.not_past(sitting.on)?;
        let last = after_days(self.today, self.rules.vote.circulation_days);
        if sitting.way == Way::Circulation && sitting.on > last {
            return Err(Refusal::NoSuchEntry);
        }
        let eligible: Vec<_> = self.state.eligible_reviewers(self.rules, self.today).collect();
        let held = |seat: &String| eligible.iter().any(|(_, reviewer)| reviewer.card.seats.contains(seat));
        if eligible.len() < self.rules.vote.quorum {
            Err(Refusal::TooFewReviewers)
        } else if self.rules.vote.seats.iter().all(held) {
            Ok(())
        } else {
            Err(Refusal::SeatMissing)
        }
    }

    pub(super) fn vote(&self, vote: &Vote) -> Result<(), Refusal> {
        let round = self.round()?;
        let Phase::Scheduled { sitting } = &round.phase else { return Err(Refusal::OutOfTurn) };
        self.assigned()?;
        if round.votes.contains_key(&self.by.user) {
            return Err(Refusal::AlreadyVoted);
        }
        match sitting.way {
            // By circulation the vote is open from the call to its last day.
            Way::Circulation => self.not_past(sitting.on)?,
            Way::Meeting => self.meets(round)?,
        }
        short(&vote.comment)
    }

    /// Refuses before the day of the meeting.
    fn meets(&self, round: &Round) -> Result<(), Refusal> {
        let is_ahead = |sitting: &Sitting| sitting.way == Way::Meeting && self.today < sitting.on;
        if matches!(&round.phase, Phase::Scheduled { sitting } if is_ahead(sitting)) {
            Err(Refusal::TooEarly)
        } else {
            Ok(())
        }
    }

    pub(super) fn conclude(&self, decision: &Decision, findings: &FindingsByCriterion) -> Result<(), Refusal> {
        let round = self.round()?;
        let alone = matches!(round.phase, Phase::Submitted {}) && round.lane(self.rules) == Lane::Secretariat;
        if alone {
            self.by_secretariat()?;
            if self.is_conflicted() {
                return Err(Refusal::ConflictOfInterest);
            }
        } else {
            self.round_in(|phase| matches!(phase, Phase::Scheduled { .. }))?;
            self.with_role(&[Role::Chair])?;
            self.without_conflict()?;
            // A meeting that cannot be held as planned is put off at any time.
            if !matches!(decision, Decision::Deferred { .. }) {
                self.meets(round)?;
            }
        }
        self.findings(findings)?;
        self.well_formed(decision, round)?;
        if alone { Self::decided_alone(decision) } else { self.carried(decision, round) }
    }

    fn well_formed(&self, decision: &Decision, round: &Round) -> Result<(), Refusal> {
        match decision {
            Decision::Deferred { reason } | Decision::Rejected { reason } => required(reason),
            Decision::Granted {} | Decision::Undecided {} => Ok(()),
            Decision::GrantedWithConditions { conditions } if conditions.is_empty() => Err(Refusal::CommentRequired),
            Decision::GrantedWithConditions { conditions } => {
                conditions.iter().try_for_each(|condition| self.well_formed_condition(condition, round))
            }
        }
    }

    fn well_formed_condition(&self, condition: &Condition, round: &Round) -> Result<(), Refusal> {
        required(&condition.text)?;
        self.not_past(condition.due)?;
        if condition.excludes.iter().all(|column| round.content.has_column(column)) {
            Ok(())
        } else {
            Err(Refusal::NoSuchEntry)
        }
    }

    fn decided_alone(decision: &Decision) -> Result<(), Refusal> {
        match decision {
            Decision::Granted {} | Decision::Rejected { .. } => Ok(()),
            Decision::Deferred { .. } | Decision::GrantedWithConditions { .. } | Decision::Undecided {} => {
                Err(Refusal::OutOfTurn)
            }
        }
    }

    /// Whether the votes carry the decision.
    fn carried(&self, decision: &Decision, round: &Round) -> Result<(), Refusal> {
        let tally = self.state.tally(self.rules, self.today);
        let complete = self.complete(&tally, round);
        match decision {
            Decision::Deferred { .. } => return Ok(()),
            Decision::Undecided {} if complete.is_err() => return Ok(()),
            Decision::Undecided {} => return Err(Refusal::NotByMajority),
            Decision::Granted {} | Decision::GrantedWithConditions { .. } | Decision::Rejected { .. } => complete?,
        }
        if decision.is_grant() && !round.are_holders_heard(self.today) {
            return Err(Refusal::HolderNotHeard);
        }
        let carried = match self.rules.is_majority(tally.approvals, tally.votes()) {
            Majority::Against => !decision.is_grant(),
            Majority::For => decision.is_grant(),
            Majority::Tie => true,
        };
        if carried { Ok(()) } else { Err(Refusal::NotByMajority) }
    }

    /// Quorum, seats and, by circulation, every vote.
    fn complete(&self, tally: &Tally, round: &Round) -> Result<(), Refusal> {
        let circulated = matches!(&round.phase, Phase::Scheduled { sitting } if sitting.way == Way::Circulation);
        if tally.votes() < self.rules.vote.quorum || (circulated && tally.missing > 0) {
            Err(Refusal::NoQuorum)
        } else if self.rules.vote.seats.is_subset(&tally.seats) {
            Ok(())
        } else {
            Err(Refusal::SeatMissing)
        }
    }
}

fn is_judged(phase: &Phase) -> bool {
    matches!(phase, Phase::UnderReview {} | Phase::Scheduled { .. } | Phase::Deferred {})
}
