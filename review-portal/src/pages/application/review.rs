//! Completeness check, holders, reviewers, votes, decision: what those who judge see and do.

use std::borrow::Borrow;

use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use policies::application::{
    Audience, Comment, Finding, FindingsByCriterion, Fulfilment, HolderRequest, Interest, Item, Outcome, Phase,
    Problem, Round, Rules,
};
use policies::{HolderSay, Role, UserId};

use super::show::Sight;
use crate::accounts::User;
use crate::application::Act;
use crate::dates::{self, Moment};

#[derive(Template)]
#[template(path = "application/review.html")]
pub(super) struct ReviewPanel<'a> {
    sight: &'a Sight,
    rules: &'static Rules,
    /// The running round as those who judge may see it.
    round: Option<&'a Round>,
}

struct ReviewerLine {
    name: String,
    affiliation: String,
    seats: String,
    /// `asked`, `conflict` or `none`: a word of the messages.
    interest: &'static str,
    has_opined: bool,
    has_voted: bool,
}

struct OpinionLine<'a> {
    who: String,
    findings: &'a FindingsByCriterion,
    text: &'a str,
}

struct VoteLine<'a> {
    who: String,
    ballot: &'static str,
    comment: &'a str,
}

impl<'a> ReviewPanel<'a> {
    pub(super) fn of(sight: &'a Sight) -> Self {
        let round = sight.state.round.as_ref().filter(|_| !sight.is_party());
        Self { sight, rules: Rules::current(), round }
    }

    fn item<'i>(&self, item: &'i Item) -> &'i str {
        if self.sight.frame.is_ja() { &item.ja } else { &item.en }
    }

    fn day(&self, day: impl Borrow<Date>) -> Moment {
        dates::on(*day.borrow(), self.sight.frame.language)
    }

    /// Requests to holders with their numbers.
    fn holders(&self) -> Vec<(&'a String, &'a HolderRequest)> {
        self.round.iter().flat_map(|round| &round.holders).collect()
    }

    /// Requests that this person is to answer.
    fn own_requests(&self) -> Vec<(&'a String, &'a HolderRequest)> {
        let holds = |dataset: &str| self.sight.user.holds.iter().any(|source| source.as_str() == dataset);
        let open = |(_, request): &(&String, &HolderRequest)| request.answer.is_none() && holds(&request.dataset);
        self.holders().into_iter().filter(open).collect()
    }

    fn asks_consent(request: &HolderRequest) -> bool {
        request.say == HolderSay::Consent
    }

    fn reviewers(&self) -> Vec<ReviewerLine> {
        let Some(round) = self.round else { return Vec::new() };
        let line = |(user, reviewer): (&UserId, &policies::application::Reviewer)| ReviewerLine {
            name: self.sight.name(user),
            affiliation: reviewer.card.affiliation.to_string(),
            seats: reviewer
                .card
                .seats
                .iter()
                .map(|seat| self.sight.frame.say_of("seat", seat))
                .collect::<Vec<_>>()
                .join("・"),
            interest: match reviewer.interest {
                _ if self.sight.state.is_conflicted(self.rules, user, self.sight.today) => "conflict",
                Interest::Asked => "asked",
                Interest::Conflict { .. } => "conflict",
                Interest::None => "none",
            },
            has_opined: round.opinions.contains_key(user),
            has_voted: round.votes.contains_key(user),
        };
        round.reviewers.iter().map(line).collect()
    }

    /// Reviewers who may be asked, those without a conflict that the rules find first.
    fn candidates(&self) -> Vec<(&'a User, bool)> {
        let judges = |user: &&User| user.roles.contains(&Role::Reviewer) && !self.sight.state.is_party(&user.id);
        let near = |user: &User| self.sight.state.is_near(&user.affiliation, self.rules);
        let mut candidates: Vec<_> = self.sight.people.values().filter(judges).map(|user| (user, near(user))).collect();
        candidates.sort_by_key(|(_, near)| *near);
        candidates
    }

    fn is_assigned(&self, user: &UserId) -> bool {
        self.round.is_some_and(|round| round.reviewers.contains_key(user))
    }

    /// Opinions that this person may read: the own, and all once all are in.
    fn opinions(&self) -> Vec<OpinionLine<'a>> {
        let Some(round) = self.round else { return Vec::new() };
        let all = self.sight.state.are_opinions_in(self.rules, self.sight.today);
        let visible = round.opinions.iter().filter(|(user, _)| all || **user == self.sight.user.id);
        visible
            .map(|(user, opinion)| OpinionLine {
                who: self.sight.name(user),
                findings: &opinion.findings,
                text: &opinion.text,
            })
            .collect()
    }

    /// While a vote runs, reviewers see their own vote only.
    fn votes(&self) -> Vec<VoteLine<'a>> {
        let Some(round) = self.round else { return Vec::new() };
        let roles = &self.sight.user.roles;
        let leads = [Role::Chair, Role::Secretariat, Role::Auditor].iter().any(|role| roles.contains(role));
        let all = leads || !matches!(round.phase, Phase::Scheduled { .. });
        let visible = round.votes.iter().filter(|(user, _)| all || **user == self.sight.user.id);
        visible
            .map(|(user, vote)| VoteLine {
                who: self.sight.name(user),
                ballot: vote.ballot.as_str(),
                comment: &vote.comment,
            })
            .collect()
    }

    fn sitting(&self) -> Option<(Moment, bool)> {
        match &self.round?.phase {
            Phase::Scheduled { sitting } => {
                Some((self.day(sitting.on), sitting.way == policies::application::Way::Circulation))
            }
            Phase::Deferred {}
            | Phase::Draft {}
            | Phase::Granted { .. }
            | Phase::Rejected {}
            | Phase::Returned { .. }
            | Phase::Revoked { .. }
            | Phase::Submitted {}
            | Phase::UnderReview {}
            | Phase::Withdrawn {} => None,
        }
    }

    /// Comments that this person may read.
    fn comments(&self) -> Vec<&'a Comment> {
        let mine = |comment: &&Comment| comment.audience == Audience::Applicant || !self.sight.is_party();
        self.sight.state.comments.iter().filter(mine).collect()
    }

    fn part(&self, field: &str) -> String {
        if field.is_empty() {
            return String::new();
        }
        let (ja, en) = Problem::name_of(field);
        if self.sight.frame.is_ja() { ja } else { en }
    }

    /// Parts that a comment may be tied to.
    fn parts(&self) -> Vec<(String, String)> {
        let parts = ["title", "members", "datasets", "reasons", "period", "ethics", "shells", "attachments"];
        let questions = self.rules.form.fields().map(|field| field.id.as_str());
        parts.into_iter().chain(questions).map(|field| (field.to_owned(), self.part(field))).collect()
    }

    /// Whether a decision says something to the applicant.
    fn has_letter(&self) -> bool {
        crate::pages::letter::latest(self.outcomes()).is_some()
    }

    fn outcomes(&self) -> &'a [Outcome] {
        &self.sight.state.outcomes
    }

    fn at(&self, at: impl Borrow<Timestamp>) -> Moment {
        dates::at(*at.borrow(), self.sight.frame.language)
    }

    /// A decision's words: its reason, or its conditions.
    fn decision_text(outcome: &Outcome) -> Vec<&str> {
        use policies::application::Decision;
        match &outcome.decision {
            Decision::Deferred { reason } | Decision::Rejected { reason } => vec![reason],
            Decision::Granted {} | Decision::Undecided {} => Vec::new(),
            Decision::GrantedWithConditions { conditions } => {
                conditions.iter().map(|condition| condition.text.as_str()).collect()
            }
        }
    }

    fn finding<'f>(findings: &'f FindingsByCriterion, criterion: &Item) -> Option<&'f Finding> {
        findings.get(&criterion.id)
    }

    fn fulfilment(finding: &Finding) -> &'static str {
        match finding.fulfilment {
            Fulfilment::Met => "met",
            Fulfilment::Partly => "partly",
            Fulfilment::Unmet => "unmet",
        }
    }

    /// Parts that differ from what had been handed in before, or from what was granted.
    fn changes(&self) -> Vec<String> {
        let Some(round) = self.round else { return Vec::new() };
        let before = round.before.as_ref().or(round.granted.as_ref());
        before
            .map(|before| before.changes(&round.content))
            .into_iter()
            .flatten()
            .map(|field| self.part(&field))
            .collect()
    }
}
