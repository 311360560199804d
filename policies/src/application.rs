//! An application's (利用申請) rules: a pure fold of events. Portal and permit signer run the same code.
//!
//! `decide` says what a command makes happen, or why it may not; `apply` folds one recorded act into the state; [`EventRecord`]s
//! chain the events by hash, so that the signer can tell an unbroken stream from an edited one. What the rules count and ask for is
//! data, see [`Rules`]. Source: DESIGN.md, "The flow", step 5; scenario.md, steps 5 to 20, 38 and 39.

mod actor;
mod acts;
mod apply;
mod content;
mod decide;
mod grant;
mod parts;
mod refusal;
mod request;
mod round;
pub mod rules;
mod size;
mod stage;
mod stream;
mod usage;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use actor::{Actor, Asking, day_of};
pub use acts::{Command, Event};
pub use apply::{Act, apply};
pub use content::{
    Affiliation, ApplicantKind, Attachment, Content, DatasetAsk, Ethics, InvalidOrganisation, Member, Organisation,
    Period, Problem, ProblemKind, Shell, TableAsk, Trial,
};
pub use decide::decide;
pub use parts::{
    Audience, Ballot, Certificate, Condition, Decision, Finding, FindingsByCriterion, Fulfilment, HolderAnswer,
    IncidentKind, IncidentReport, IncidentStep, Narrowing, Opinion, ReviewerCard, Sitting, Training, Vote, Way,
};
pub use refusal::Refusal;
pub use request::{
    EnrolmentsRequest, Pause, PermitAnswer, PermitRequest, REVOCATION, RefusalAnswer, Revocation, Revoked,
};
pub use round::{ConditionState, HolderRequest, Interest, Lane, Outcome, Phase, Reviewer, Round, Tally};
pub use rules::{Clause, FieldKind, Form, FormField, IncidentRules, Item, Letterhead, Majority, Name, Rules};
pub use size::STREAM_MAX;
pub use stage::Stage;
pub use stream::{Draft, EventRecord, FIRST_PREV, StreamError, Verified, Vouching};
pub use usage::{Ended, Ending, Incident, Restriction, Results, Usage};

use crate::id::{ApplicationId, UserId};

/// The state of one application: nothing but the fold of its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its number.
    pub id: ApplicationId,
    /// Who wrote it; none before the first event.
    pub applicant: Option<UserId>,
    /// How many rounds were begun.
    pub rounds: u32,
    /// What is asked: a first application until its permit is issued, or an amendment on its way.
    pub round: Option<Round>,
    /// What runs under the permit.
    pub usage: Option<Usage>,
    /// Where applicant and members work, as the portal knew it when they wrote or accepted; the content says what they claim.
    #[serde(default)]
    pub affiliations: BTreeMap<UserId, Affiliation>,
    /// Members who accepted, with their training.
    pub joined: BTreeMap<UserId, Training>,
    /// Members who pledged, with the edition of the text.
    pub pledges: BTreeMap<UserId, String>,
    /// Comments in their order.
    pub comments: Vec<Comment>,
    /// What was decided in all rounds, in order.
    pub outcomes: Vec<Outcome>,
    /// How long the stream is at most, in bytes; see [`STREAM_MAX`].
    #[serde(default)]
    pub bytes: usize,
}

/// A comment on a part of the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// The part's word; empty for the whole.
    pub field: String,
    /// What is said.
    pub text: String,
    /// Who is to read it.
    pub audience: Audience,
    /// Who said it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Application {
    /// An application before its first event.
    pub fn unwritten(id: ApplicationId) -> Self {
        Self {
            id,
            applicant: None,
            rounds: 0,
            round: None,
            usage: None,
            affiliations: BTreeMap::new(),
            joined: BTreeMap::new(),
            pledges: BTreeMap::new(),
            comments: Vec::new(),
            outcomes: Vec::new(),
            bytes: 0,
        }
    }

    /// The state after `records`.
    pub fn replay<'a>(id: ApplicationId, records: impl IntoIterator<Item = &'a EventRecord>) -> Self {
        records.into_iter().fold(Self::unwritten(id), |state, record| apply(state, &record.act()))
    }

    /// What is asked now or, when nothing is on its way, what was granted.
    pub fn content(&self) -> Option<&Content> {
        self.round.as_ref().map(|round| &round.content).or_else(|| self.usage.as_ref().map(|usage| &usage.content))
    }

    /// What is asked now, and what was granted.
    fn contents(&self) -> impl Iterator<Item = &Content> {
        self.round.iter().map(|round| &round.content).chain(self.usage.iter().map(|usage| &usage.content))
    }

    /// Whether this person asks here: the applicant or a member, of what is asked or of what was granted.
    pub fn is_party(&self, user: &UserId) -> bool {
        self.applicant.as_ref() == Some(user) || self.contents().any(|content| content.members.contains_key(user))
    }

    /// Whether a party works near this affiliation: as the content says, or as the portal knew it.
    pub fn is_near(&self, affiliation: &Affiliation, rules: &Rules) -> bool {
        let parties = self.affiliations.iter().filter(|(user, _)| self.is_party(user));
        parties.into_iter().any(|(_, ours)| ours.is_near(affiliation, rules.conflict.scope))
            || self.contents().any(|content| content.is_near(affiliation, rules))
    }

    /// Whether it was never handed in: nobody but the applicant's side knows of it, not even when it is withdrawn.
    pub fn is_private(&self) -> bool {
        self.usage.is_none() && self.round.as_ref().is_none_or(|round| !round.handed_in)
    }

    /// Whether this person has a conflict of interest here: a party, declared, or found out by the rules on `today`.
    pub fn is_conflicted(&self, rules: &Rules, user: &UserId, today: Date) -> bool {
        self.is_party(user)
            || self.round.as_ref().is_some_and(|round| {
                let reviewer = round.reviewers.get(user);
                round.has_declared_conflict(user)
                    || reviewer.is_some_and(|reviewer| {
                        self.is_near(&reviewer.card.affiliation, rules)
                            || self.has_coauthor(rules, &reviewer.card, today)
                    })
            })
    }

    /// Whether a party wrote a paper with this person within the years that count.
    fn has_coauthor(&self, rules: &Rules, card: &ReviewerCard, today: Date) -> bool {
        let since = today.year().saturating_sub(rules.conflict.coauthor_years);
        card.coauthors.iter().any(|(user, year)| *year >= since && self.is_party(user))
    }

    /// Reviewers of the running round who said that they have no conflict and have none that the rules find.
    pub fn eligible_reviewers<'a>(
        &'a self,
        rules: &'a Rules,
        today: Date,
    ) -> impl Iterator<Item = (&'a UserId, &'a Reviewer)> {
        let reviewers = self.round.iter().flat_map(|round| &round.reviewers);
        reviewers.filter(move |(user, reviewer)| {
            reviewer.interest == Interest::None && !self.is_conflicted(rules, user, today)
        })
    }

    /// How the votes of the running round stand on `today`.
    pub fn tally(&self, rules: &Rules, today: Date) -> Tally {
        let mut tally = Tally::default();
        let Some(round) = &self.round else { return tally };
        for (user, reviewer) in self.eligible_reviewers(rules, today) {
            let Some(vote) = round.votes.get(user) else {
                tally.missing += 1;
                continue;
            };
            tally.seats.extend(reviewer.card.seats.iter().cloned());
            match vote.ballot {
                Ballot::Abstain => tally.abstentions += 1,
                Ballot::Against => tally.against += 1,
                Ballot::For => tally.approvals += 1,
            }
        }
        tally
    }

    /// Members who may not be in a permit on `today`: pledge or invitation missing, or the training lapsed.
    pub fn unready_members(&self, today: Date) -> impl Iterator<Item = &UserId> {
        let members = self.content().into_iter().flat_map(|content| content.members.keys());
        members.filter(move |member| !self.is_ready(member, today))
    }

    /// Whether the member accepted, is trained on `today` and has pledged.
    pub fn is_ready(&self, member: &UserId, today: Date) -> bool {
        self.pledges.contains_key(member) && self.joined.get(member).is_some_and(|training| training.until >= today)
    }

    /// Whether every opinion of reviewers without a conflict is in: from then on they may read one another's.
    pub fn are_opinions_in(&self, rules: &Rules, today: Date) -> bool {
        let Some(round) = &self.round else { return false };
        // Who has a conflict that the rules find is never let near the question, and so never answers it.
        let mut waited_for = round.reviewers.iter().filter(|(user, _)| !self.is_conflicted(rules, user, today));
        let asked = waited_for.any(|(_, reviewer)| reviewer.interest == Interest::Asked);
        !asked && self.eligible_reviewers(rules, today).all(|(user, _)| round.opinions.contains_key(user))
    }
}

#[cfg(test)]
mod tests;
