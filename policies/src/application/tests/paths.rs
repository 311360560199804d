//! Ways through an application, step by step.

use jiff::civil::date;

use super::world::*;
use crate::application::*;

/// Who does what.
pub(crate) type Step = (&'static str, Command);

/// From a draft to the review.
pub(crate) fn to_review() -> Vec<Step> {
    vec![
        ("pi", Command::Draft { content: content() }),
        ("co", join(date(2027, 5, 22))),
        ("pi", join(date(2031, 3, 31))),
        ("pi", Command::Submit {}),
        ("office", accept()),
    ]
}

/// The round of that number from its acceptance to the votes, without them.
pub(crate) fn review(number: u32) -> Vec<Step> {
    let request = |dataset: &str| format!("H{number}-{dataset}");
    vec![
        ("ndb", answer(&request("ndb"), None)),
        ("dpc", answer(&request("dpc"), None)),
        ("office", assign(&["r1", "r2", "r3"])),
        ("chair", no_conflict()),
        ("r1", no_conflict()),
        ("r2", no_conflict()),
        ("r3", conflict()),
        ("r1", opinion()),
        ("r2", opinion()),
        ("office", schedule(Way::Meeting, TODAY)),
    ]
}

pub(crate) fn to_vote() -> Vec<Step> {
    [to_review(), review(1)].concat()
}

pub(crate) fn votes() -> Vec<Step> {
    vec![("r1", ballot(Ballot::For)), ("r2", ballot(Ballot::For))]
}

/// To a grant with the condition of scenario.md, step 17.
pub(crate) fn to_grant() -> Vec<Step> {
    [to_vote(), votes(), vec![("chair", grant_with(&["ndb.claims.municipality"]))]].concat()
}

pub(crate) fn to_pledges() -> Vec<Step> {
    let met = Command::ReportCondition { condition: 1, text: text("表の設計を改めた") };
    let steps =
        vec![("co", met), ("office", Command::ConfirmCondition { condition: 1 }), ("pi", pledge()), ("co", pledge())];
    [to_grant(), steps].concat()
}

pub(crate) fn to_permit() -> Vec<Step> {
    [to_pledges(), vec![("office", record_permit(1))]].concat()
}

/// Another table is asked for, and granted.
pub(crate) fn amendment() -> Vec<Step> {
    let first = vec![
        ("pi", Command::Amend { content: widened() }),
        ("pi", Command::Submit {}),
        ("office", accept()),
        ("ndb", answer("H2-ndb", None)),
        ("dpc", answer("H2-dpc", None)),
        ("dpc", answer("H2-ltc", None)),
    ];
    let heard = review(2).into_iter().skip(2).collect();
    [first, heard, votes()].concat()
}
