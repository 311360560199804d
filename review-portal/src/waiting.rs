//! What waits for a person, and what waits for others: the start page's one source.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use policies::ApplicationId;
use policies::access::Action;
use policies::application::{Application, EventRecord, Rules, Stage, apply, day_of};

use crate::access::relation;
use crate::accounts::User;
use crate::application::{Act, Listed, every, offers, records};
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

/// What waits for this person, and for others where this person has a part.
pub(crate) async fn waiting(portal: &Portal, user: &User) -> Result<Waiting, PortalError> {
    let mut listed = every(portal).await?;
    listed.reverse();
    let today = day_of(portal.now());
    let (mut yours, mut others) = (Vec::new(), Vec::new());
    for listed in listed.into_iter().filter(|listed| is_open(listed.stage)) {
        let relation = relation(&listed.state, user, today);
        let may = |what| portal.may(Some(&user.roles), relation, what);
        if !may(Action::ApplicationRead) && !may(Action::ApplicationJudgeInterest) {
            continue;
        }
        match duty(&listed.state, &offers(portal, &listed.state, user), user, today) {
            Some(act) if yours.len() < LINES_MAX => yours.push(wait(portal, listed, Some(act)).await?),
            None if others.len() < LINES_MAX => others.push(wait(portal, listed, None).await?),
            Some(_) | None => {}
        }
    }
    yours.sort_by_key(|wait| wait.since);
    others.sort_by_key(|wait| wait.since);
    Ok(Waiting { yours, others })
}

async fn wait(portal: &Portal, listed: Listed, act: Option<Act>) -> Result<Wait, PortalError> {
    let since = stage_since(&records(portal.db.pool(), &listed.state.id).await?).unwrap_or(listed.updated_at);
    let title = listed.title().to_owned();
    Ok(Wait { id: listed.state.id, title, stage: listed.stage, act, since })
}

/// When the present stage began.
pub(crate) fn stage_since(records: &[EventRecord]) -> Option<Timestamp> {
    let first = records.first()?;
    let stage_of = |state: &Application, record: &EventRecord| state.stage(record.act().rules, day_of(record.at));
    let begin = (Application::unwritten(first.application.clone()), first.at);
    let (_, since) = records.iter().fold(begin, |(state, since), record| {
        let before = stage_of(&state, record);
        let state = apply(state, &record.act());
        let since = if before == stage_of(&state, record) { since } else { record.at };
        (state, since)
    });
    Some(since)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are wanted whenever they are offered")]
/// What this person is to do now; none if nothing.
fn duty(state: &Application, offers: &BTreeSet<Act>, user: &User, today: Date) -> Option<Act> {
    let round = state.round.as_ref();
    let rules = Rules::current();
    let is_wanted = |act: Act| match act {
        Act::Assign => state.eligible_reviewers(rules, today).count() < rules.vote.quorum,
        Act::Schedule => state.are_opinions_in(rules, today),
        Act::Decide => state.tally(rules, today).votes() >= rules.vote.quorum || offers.contains(&Act::Accept),
        Act::Join => state.joined.get(&user.id).is_none_or(|training| training.until < today),
        Act::ReportCondition => round.is_some_and(|round| {
            let mut open = round.open_conditions().filter(|(_, open)| open.reported.is_none());
            open.any(|(_, open)| open.condition.owner == user.id)
        }),
        Act::FileResults => state.usage.as_ref().is_some_and(|usage| usage.results_due(rules).is_some()),
        Act::ConfirmCondition => {
            round.is_some_and(|round| round.open_conditions().any(|(_, open)| open.reported.is_some()))
        }
        _ => true,
    };
    DUTIES.into_iter().find(|act| offers.contains(act) && is_wanted(*act))
}

/// Acts that somebody waits for, in the order in which one person would do them.
pub(crate) const DUTIES: [Act; 19] = [
    Act::Submit,
    Act::Accept,
    Act::DeclareInterest,
    Act::AnswerHolder,
    Act::GiveOpinion,
    Act::Assign,
    Act::Vote,
    Act::Decide,
    Act::Schedule,
    Act::Join,
    Act::ReportCondition,
    Act::ConfirmCondition,
    Act::Pledge,
    Act::Permit,
    Act::AnswerRestriction,
    Act::ReportToMeeting,
    Act::CertifyDeletion,
    Act::FileResults,
    Act::PublishResults,
];

/// Whether somebody is to do something.
fn is_open(stage: Stage) -> bool {
    !matches!(stage, Stage::DeletionCertified | Stage::Rejected | Stage::Unwritten | Stage::Withdrawn)
}
