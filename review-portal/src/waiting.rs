//! What waits for a person, and what waits for others: the start page's one source.

use jiff::Timestamp;
use jiff::civil::Date;
use policies::ApplicationId;
use policies::access::Action;
use policies::application::{Application, Rules, Stage, day_of};

use crate::access::relation;
use crate::accounts::User;
use crate::application::{Act, is_offered, open_to, title};
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
    let today = day_of(portal.now());
    let rules = Rules::current();
    let (mut yours, mut others) = (Vec::new(), Vec::new());
    for course in open_to(portal, user).await? {
        let state = &course.state;
        let stage = state.stage(rules, today);
        let relation = relation(state, user, today);
        let may = |what| portal.may(Some(&user.roles), relation, what);
        if !is_open(stage) || (!may(Action::ApplicationRead) && !may(Action::ApplicationJudgeInterest)) {
            continue;
        }
        let act = duty(portal, state, user, today);
        let lines = if act.is_some() { &mut yours } else { &mut others };
        if lines.len() < LINES_MAX {
            lines.push(Wait { id: state.id.clone(), title: title(state).to_owned(), stage, act, since: course.since });
        } else if yours.len().min(others.len()) == LINES_MAX {
            break;
        }
    }
    yours.sort_by_key(|wait| wait.since);
    others.sort_by_key(|wait| wait.since);
    Ok(Waiting { yours, others })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are wanted whenever they are offered")]
/// What this person is to do now; none if nothing.
fn duty(portal: &Portal, state: &Application, user: &User, today: Date) -> Option<Act> {
    let round = state.round.as_ref();
    let rules = Rules::current();
    let offered = |act: Act| is_offered(portal, state, user, act);
    let is_wanted = |act: Act| match act {
        Act::Assign => state.eligible_reviewers(rules, today).count() < rules.vote.quorum,
        Act::Schedule => state.are_opinions_in(rules, today),
        Act::Decide => state.tally(rules, today).votes() >= rules.vote.quorum || offered(Act::Accept),
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
    DUTIES.into_iter().find(|act| is_wanted(*act) && offered(*act))
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
