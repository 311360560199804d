//! One command or more of each kind, good enough for somebody at some stage.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::civil::{Date, date};

use super::world::*;
use crate::application::*;

/// Of each kind at least one; numbers and texts as the paths of the tests use them, and some that they do not.
pub(crate) static SAMPLES: LazyLock<Vec<Command>> = LazyLock::new(|| [acts(), answers()].concat());

fn acts() -> Vec<Command> {
    let narrowing = Narrowing {
        columns: words(&["ndb.drugs"]),
        members: BTreeSet::from([user("co")]),
        limits: vec![text("都道府県別まで")],
    };
    let comment = |audience| Command::Comment { field: text("purpose"), text: text("確かめたい"), audience };
    let report = |condition| Command::ReportCondition { condition, text: text("改めた") };
    vec![
        accept(),
        Command::Amend { content: extended() },
        Command::Amend { content: widened() },
        Command::AnswerRestriction { restriction: 1, text: text("承知した") },
        assign(&["r1", "r2", "r3"]),
        assign(&["r1", "r2", "near", "all"]),
        certify(),
        Command::Close { report: text("消去した") },
        comment(Audience::Applicant),
        comment(Audience::Internal),
        Command::ConfirmCondition { condition: 1 },
        Command::ConfirmCondition { condition: u32::MAX },
        grant(),
        grant_with(&["ndb.claims.municipality"]),
        reject(),
        conclude(Decision::Deferred { reason: text("次回") }),
        conclude(Decision::Undecided {}),
        no_conflict(),
        conflict(),
        Command::Draft { content: content() },
        Command::Edit { content: content() },
        Command::Edit { content: widened() },
        Command::FollowIncident { incident: 1, step: IncidentStep::Note { text: text("原因") } },
        Command::FollowIncident { incident: 0, step: IncidentStep::Closed { text: text("再発防止") } },
        opinion(),
        incident(),
        join(date(2027, 5, 22)),
        join(Date::MAX),
        Command::FileResults { summary: text("分かったこと") },
        Command::PublishResults { filing: 1 },
        Command::ReturnResults { filing: 1, comment: text("平易に") },
        record_permit(7),
        report(0),
        report(1),
        Command::ReportToMeeting { on: TODAY },
        restrict(narrowing),
        Command::Resume { reason: text("済") },
        Command::Return { comment: text("資金源を") },
        Command::Revoke { reason: text("違反") },
        schedule(Way::Meeting, TODAY),
        schedule(Way::Meeting, Date::MAX),
        schedule(Way::Circulation, date(2026, 11, 25)),
        pledge(),
        Command::Submit {},
        Command::Suspend { reason: text("調査") },
        ballot(Ballot::For),
        ballot(Ballot::Against),
        ballot(Ballot::Abstain),
        Command::Withdraw {},
    ]
}

fn answers() -> Vec<Command> {
    let opinions = ["H1-ndb", "H1-dpc", "H2-ndb", "H2-dpc", "H2-ltc"].map(|request| answer(request, None));
    let consents = [true, false].map(|consent| answer("H1-registry", Some(consent)));
    opinions.into_iter().chain(consents).collect()
}

#[test]
fn each_kind_of_command_has_a_sample() {
    let kinds: BTreeSet<_> = SAMPLES.iter().map(Command::kind).collect();
    assert_eq!(kinds, Event::KINDS.iter().copied().collect());
    assert!(SAMPLES.iter().all(|command| command.clone().obeyed().asked() == *command));
}
