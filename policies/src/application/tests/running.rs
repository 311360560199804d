//! From a grant to its permit, and what happens to a permit that runs.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::world::*;
use crate::application::*;
use crate::id::UserId;
use crate::permit::Permit;

pub(crate) fn members(permit: &Permit) -> Vec<&str> {
    permit.members.keys().map(UserId::as_str).collect()
}

pub(crate) fn tables(permit: &Permit) -> BTreeSet<String> {
    let tables = permit.datasets.values().flat_map(|grant| &grant.tables);
    tables.flat_map(|(table, columns)| columns.iter().map(move |column| format!("{table}.{column}"))).collect()
}

pub(crate) fn running() -> Stream {
    Stream::steps(to_permit())
}

#[test]
fn a_condition_is_reported_and_confirmed_before_the_permit() {
    let mut stream = Stream::steps([to_grant(), vec![("pi", pledge()), ("co", pledge())]].concat());
    assert_eq!(stream.stage(), Stage::GrantedWithConditions);
    assert_eq!(stream.permit(), Err(Refusal::ConditionsOpen));
    let met = |who| (who, Command::ReportCondition { condition: 1, text: text("改めた") });
    assert_eq!(stream.refused("outsider", met("").1), Refusal::NotApplicant);
    stream.run(vec![met("co"), met("pi"), ("office", Command::ConfirmCondition { condition: 1 })]);
    assert_eq!(stream.stage(), Stage::Pledged);
    assert!(stream.permit().is_ok());
}

#[test]
fn who_has_not_pledged_or_is_no_longer_trained_is_not_named() {
    let pledged: Vec<Step> =
        to_pledges().into_iter().filter(|(who, command)| *who != "pi" || command.kind() != "pledge-signed").collect();
    let mut stream = Stream::steps(pledged);
    assert_eq!(stream.stage(), Stage::Granted);
    assert_eq!(members(&stream.permit().unwrap()), ["co"]);
    assert_eq!(stream.state.unready_members(TODAY).collect::<Vec<_>>(), [&user("pi")]);
    stream.run(vec![("pi", pledge())]);
    // The co-researcher's training ends on 22 May.
    stream.on(date(2027, 5, 22));
    assert_eq!(members(&stream.permit().unwrap()), ["co", "pi"]);
    stream.later(1);
    assert_eq!(members(&stream.permit().unwrap()), ["pi"]);
    assert_eq!(stream.refused("co", join(date(2027, 5, 22))), Refusal::DateInThePast);
    stream.run(vec![("co", join(Date::MAX))]);
    assert_eq!(members(&stream.permit().unwrap()), ["co", "pi"]);
}

#[test]
fn a_member_may_renew_the_training_while_an_amendment_leaves_the_member_out() {
    let alone = content_with(|content| drop(content.members.remove(&user("co"))));
    let mut stream = running();
    stream.run(vec![("pi", Command::Amend { content: alone }), ("co", join(date(2030, 1, 1)))]);
    assert_eq!(stream.state.joined.get(&user("co")).unwrap().until, date(2030, 1, 1));
}

/// A stream to its pledges with another period and ethics approval.
fn with_dates(from: Date, until: Date, ethics: (Date, Date)) -> Stream {
    let mut steps = to_pledges();
    let content = content_with(|content| {
        content.period = Period::new(from, until);
        let approval = content.ethics.as_mut().unwrap();
        (approval.approved_on, approval.until) = ethics;
    });
    steps[0].1 = Command::Draft { content };
    Stream::steps(steps)
}

#[test]
fn period_and_ethics_approval_bound_the_permit() {
    let (far, old) = (date(2035, 3, 31), date(2020, 1, 1));
    for (from, until, ethics, issued, expires) in [
        (old, far, (old, date(2027, 3, 31)), "2026-11-22T03:00:00Z", "2027-03-31T15:00:00Z"),
        (date(2027, 4, 1), far, (old, Date::MAX), "2027-03-31T15:00:00Z", "2035-03-31T15:00:00Z"),
        (old, far, (date(2027, 4, 1), far), "2027-03-31T15:00:00Z", "2035-03-31T15:00:00Z"),
        (Date::MIN, Date::MAX, (Date::MIN, Date::MAX), "2026-11-22T03:00:00Z", "9999-12-30T22:00:00.999999999Z"),
    ] {
        let permit = with_dates(from, until, ethics).permit().unwrap();
        assert_eq!(
            (permit.issued_at.to_string(), permit.expires_at.to_string()),
            (issued.to_owned(), expires.to_owned())
        );
    }
    let mut stream = with_dates(old, far, (old, date(2027, 3, 31)));
    stream.run(vec![("office", record_permit(1))]);
    stream.on(date(2027, 3, 31));
    assert_eq!((stream.stage(), stream.state.has_lapsed(stream.today())), (Stage::Expiring, false));
    stream.later(1);
    assert_eq!((stream.stage(), stream.state.has_lapsed(stream.today())), (Stage::Suspended, true));
    assert!(stream.permit().is_err());
}

#[test]
fn a_restriction_narrows_the_permit_at_once_and_is_answered_once() {
    let mut stream = running();
    let narrowing = Narrowing {
        columns: words(&["ndb.drugs", "dpc.stays.days"]),
        members: BTreeSet::from([user("co")]),
        limits: vec![text("都道府県別までとする")],
    };
    stream.run(vec![("office", restrict(narrowing))]);
    let permit = stream.permit().unwrap();
    assert_eq!(members(&permit), ["pi"]);
    assert_eq!(tables(&permit), words(&["ndb.claims.sex", "person.birth_month"]));
    assert_eq!(permit.datasets.keys().collect::<Vec<_>>(), ["ndb", "person"]);
    assert_eq!(permit.conditions, ["市区町村別の表は作らない", "都道府県別までとする"]);
    assert!(!stream.state.is_permitted(), "the wide one is over");
    stream.run(vec![("office", record_permit(2))]);
    assert!(stream.state.is_permitted());
    assert_eq!(stream.state.usage.as_ref().unwrap().permit, permit_id(2));
    let answer = || Command::AnswerRestriction { restriction: 1, text: text("承知した") };
    assert_eq!(stream.refused("co", answer()), Refusal::NotApplicant);
    stream.run(vec![("pi", answer())]);
    assert_eq!(stream.refused("pi", answer()), Refusal::AlreadyAnswered);
}

#[test]
fn a_restriction_takes_something_away_that_is_there() {
    let mut stream = running();
    let limits =
        |limits: &[&str]| Narrowing { limits: limits.iter().copied().map(text).collect(), ..Narrowing::default() };
    let stranger = Narrowing { members: BTreeSet::from([user("outsider")]), ..Narrowing::default() };
    assert_eq!(stream.refused("office", restrict(stranger)), Refusal::NoSuchEntry);
    assert_eq!(stream.refused("office", restrict(limits(&["", " "]))), Refusal::NothingChanged);
    assert_eq!(stream.refused("office", restrict(limits(&["国別まで", " "]))), Refusal::CommentRequired);
    assert_eq!(stream.refused("office", restrict(limits(&[&"あ".repeat(10_001)]))), Refusal::TextTooLong);
    let all = Narrowing { members: BTreeSet::from([user("pi"), user("co")]), ..Narrowing::default() };
    stream.run(vec![("office", restrict(all))]);
    assert_eq!(stream.permit(), Err(Refusal::PledgesMissing));
    assert_eq!(stream.refused("office", record_permit(2)), Refusal::PledgesMissing);
    // Nobody is left, so nobody may go on.
    assert!(!stream.state.is_permitted() && stream.state.usage.as_ref().unwrap().awaits_permit);
}

#[test]
fn a_use_is_stopped_and_goes_on() {
    let mut stream = running();
    stream.run(vec![("chair", Command::Suspend { reason: text("調査") })]);
    assert_eq!((stream.stage(), stream.state.is_permitted()), (Stage::Suspended, false));
    assert_eq!(stream.permit(), Err(Refusal::OutOfTurn));
    assert_eq!(stream.refused("pi", Command::Resume { reason: text("済") }), Refusal::WrongRole);
    assert_eq!(stream.refused("chair", Command::Resume { reason: text("済") }), Refusal::WrongRole);
    // Not even an amendment that is granted meanwhile brings a permit.
    stream.run([amendment(), vec![("chair", grant())]].concat());
    assert_eq!(stream.permit(), Err(Refusal::OutOfTurn));
    stream.run(vec![("office", Command::Resume { reason: text("問題なし") })]);
    assert!(stream.permit().is_ok() && !stream.state.is_permitted(), "not before it is signed");
}

#[test]
fn an_amendment_that_names_the_secretariat_does_not_stop_it() {
    let captured = content_with(|content| {
        let member = content.members.get(&user("co")).unwrap().clone();
        content.members.insert(user("office"), member);
    });
    let narrowing = || Narrowing { columns: words(&["ndb.drugs"]), ..Narrowing::default() };
    let mut stream = running();
    stream.run(vec![("co", incident()), ("pi", Command::Amend { content: captured }), ("pi", Command::Submit {})]);
    // The secretariat is a party now, and judges nothing.
    assert_eq!(stream.refused("office", accept()), Refusal::OwnApplication);
    let step = IncidentStep::Note { text: text("原因") };
    stream.run(vec![
        ("office", restrict(narrowing())),
        ("office", record_permit(2)),
        ("office", Command::Suspend { reason: text("調査") }),
        ("office", Command::Resume { reason: text("済") }),
        ("office", Command::FollowIncident { incident: 1, step }),
        ("office", Command::Revoke { reason: text("違反") }),
        ("office", certify()),
    ]);
    // Who is a member of what runs does not hold its office.
    let mut steps = to_permit();
    steps[0].1 = Command::Draft {
        content: content_with(|content| {
            let member = content.members.get(&user("co")).unwrap().clone();
            content.members.insert(user("all"), member);
        }),
    };
    steps.insert(1, ("all", join(Date::MAX)));
    let mut stream = Stream::steps(steps);
    assert_eq!(stream.refused("all", restrict(narrowing())), Refusal::OwnApplication);
    assert_eq!(stream.refused("all", record_permit(2)), Refusal::OwnApplication);
}

#[test]
fn what_is_revoked_or_closed_has_no_permit_ever_again() {
    let revoke = || Command::Revoke { reason: text("違反") };
    let close = || Command::Close { report: text("消去した") };
    let mut stream = Stream::steps(to_pledges());
    stream.run(vec![("chair", revoke())]);
    assert_eq!(stream.stage(), Stage::Revoked);
    assert_eq!(stream.permit(), Err(Refusal::OutOfTurn));
    for (who, end, stage) in [
        ("office", revoke(), Stage::Revoked),
        ("chair", revoke(), Stage::Revoked),
        ("pi", close(), Stage::Closed),
        ("office", close(), Stage::Closed),
    ] {
        // An amendment was granted in the meantime.
        let mut stream = Stream::steps([to_permit(), amendment(), vec![("chair", grant()), (who, end)]].concat());
        assert_eq!((stream.stage(), stream.state.is_permitted()), (stage, false));
        assert_eq!(stream.permit(), Err(Refusal::OutOfTurn));
        assert_eq!(stream.refused("office", record_permit(2)), Refusal::OutOfTurn);
        assert_eq!(stream.refused("pi", Command::Amend { content: widened() }), Refusal::OutOfTurn);
        assert_eq!(stream.refused("pi", pledge()), Refusal::OutOfTurn);
        assert_eq!(stream.refused("chair", revoke()), Refusal::OutOfTurn);
        stream.run(vec![("office", certify())]);
        assert_eq!(stream.stage(), Stage::DeletionCertified);
        assert_eq!(stream.refused("office", certify()), Refusal::AlreadyAnswered);
    }
    // What is on its way when the use ends goes no further.
    let mut stream = Stream::steps([to_permit(), amendment(), vec![("pi", close())]].concat());
    assert_eq!(stream.refused("chair", grant()), Refusal::OutOfTurn);
}

#[test]
fn an_incident_is_followed_to_its_end() {
    let mut stream = running();
    assert_eq!(stream.refused("outsider", incident()), Refusal::WrongRole);
    assert_eq!(stream.refused("r1", incident()), Refusal::WrongRole);
    let follow = |step| Command::FollowIncident { incident: 1, step };
    let report = || IncidentStep::FirstReport { addressee: text("厚生労働省") };
    assert_eq!(stream.refused("office", follow(report())), Refusal::NoSuchEntry);
    stream.run(vec![("co", incident()), ("checker", incident())]);
    assert_eq!(stream.refused("pi", follow(report())), Refusal::WrongRole);
    let closed = |words| follow(IncidentStep::Closed { text: text(words) });
    stream.run(vec![("office", follow(report())), ("office", follow(IncidentStep::Note { text: text("原因") }))]);
    // Neither the first report nor a note is the final one, and one without addressee went nowhere.
    assert_eq!(stream.refused("office", closed("再発防止")), Refusal::FinalReportMissing);
    let nowhere = follow(IncidentStep::FinalReport { addressee: text(" ") });
    assert_eq!(stream.refused("office", nowhere), Refusal::CommentRequired);
    stream.later(3);
    let told_at = stream.now;
    stream.run(vec![("office", follow(IncidentStep::FinalReport { addressee: text("厚生労働省") }))]);
    assert_eq!(stream.refused("office", closed(" ")), Refusal::CommentRequired);
    stream.later(1);
    stream.run(vec![("office", closed("再発防止"))]);
    let told = &stream.state.usage.as_ref().unwrap().incidents[0].steps[2];
    assert_eq!(*told, (told_at, IncidentStep::FinalReport { addressee: text("厚生労働省") }));
    // The other's final report is another one.
    let other = Command::FollowIncident { incident: 2, step: IncidentStep::Closed { text: text("誤報") } };
    assert_eq!(stream.refused("office", other), Refusal::FinalReportMissing);
    let incidents = &stream.state.usage.as_ref().unwrap().incidents;
    assert_eq!(
        incidents.iter().map(|incident| (incident.is_closed(), incident.steps.len())).collect::<Vec<_>>(),
        [(true, 4), (false, 0)]
    );
    assert_eq!(stream.refused("office", follow(report())), Refusal::AlreadyAnswered);
    // It may still come out after the end.
    stream.run(vec![("pi", Command::Close { report: text("消去した") }), ("pi", incident())]);
}

#[test]
fn results_are_read_by_the_secretariat_before_the_public_reads_them() {
    let file = |words: &str| Command::FileResults { summary: text(words) };
    let publish = |filing| Command::PublishResults { filing };
    let back =
        |filing| Command::ReturnResults { filing, comment: text("人数の少ない表を除いてください") };
    assert_eq!(Stream::steps(to_pledges()).refused("pi", file("分かった")), Refusal::OutOfTurn);
    let mut stream = running();
    stream.run(vec![("pi", Command::Close { report: text("消去した") })]);
    assert_eq!(stream.refused("office", publish(0)), Refusal::OutOfTurn, "nothing is filed");
    assert_eq!(stream.refused("co", file("分かった")), Refusal::NotApplicant);
    assert_eq!(stream.refused("pi", file(" ")), Refusal::CommentRequired);
    stream.run(vec![("pi", file("一"))]);
    for who in ["pi", "co", "chair", "r1"] {
        assert_eq!(stream.refused(who, publish(1)), Refusal::WrongRole, "{who}");
    }
    let results = |stream: &Stream| stream.state.usage.as_ref().unwrap().results.clone();
    assert_eq!(results(&stream).published, None);
    stream.run(vec![("office", back(1))]);
    assert_eq!(stream.refused("office", publish(1)), Refusal::OutOfTurn, "it went back");
    // The applicant writes anew while the secretariat has the page open.
    stream.run(vec![("pi", file("二")), ("pi", file("三"))]);
    assert_eq!(stream.refused("office", publish(2)), Refusal::NoSuchEntry, "not what was read");
    stream.run(vec![("office", publish(3)), ("pi", file("四"))]);
    let Results { published, filed, returned, filings } = results(&stream);
    assert_eq!((published.as_deref(), filed.as_deref(), returned, filings), (Some("三"), Some("四"), None, 4));
    stream.run(vec![("office", back(4))]);
    assert_eq!(results(&stream).published.as_deref(), Some("三"), "what is public stays so");
}

#[test]
fn results_are_due_eighteen_months_after_the_closure() {
    let rules = Rules::current();
    let due = |stream: &Stream| stream.state.usage.as_ref().unwrap().results_due(rules);
    let mut stream = running();
    assert_eq!(due(&stream), None, "it goes on");
    stream.run(vec![("pi", Command::Close { report: text("消去した") })]);
    assert_eq!(due(&stream), Some(date(2028, 5, 22)));
    stream.run(vec![("office", certify())]);
    assert_eq!(due(&stream), Some(date(2028, 5, 22)));
    stream.run(vec![("pi", Command::FileResults { summary: text("分かった") })]);
    assert_eq!(due(&stream), None, "now it is the secretariat's turn");
    stream.run(vec![("office", Command::ReturnResults { filing: 1, comment: text("平易に") })]);
    assert_eq!(due(&stream), Some(date(2028, 5, 22)));
    let mut revoked = running();
    revoked.run(vec![("chair", Command::Revoke { reason: text("違反") })]);
    assert_eq!(due(&revoked), None);
}

#[test]
fn who_becomes_ready_later_brings_about_a_permit_that_names_them() {
    let pledged: Vec<Step> =
        to_pledges().into_iter().filter(|(who, command)| *who != "co" || command.kind() != "pledge-signed").collect();
    let mut stream = Stream::steps([pledged, vec![("office", record_permit(1))]].concat());
    assert_eq!(members(&stream.permit().unwrap()), ["pi"]);
    assert!(!stream.state.is_permit_wanted(stream.now));
    for who in ["co", "pi", "outsider"] {
        assert_eq!(stream.refused(who, record_permit(2)), Refusal::WrongRole, "{who}");
    }
    stream.run(vec![("co", pledge())]);
    assert!(stream.state.is_permit_wanted(stream.now) && stream.state.is_left_behind(&user("co"), stream.today()));
    assert_eq!(stream.refused("pi", record_permit(2)), Refusal::WrongRole, "it leaves the applicant nothing to gain");
    stream.run(vec![("co", record_permit(2))]);
    assert_eq!(members(&stream.permit().unwrap()), ["co", "pi"]);
    assert!(!stream.state.is_permit_wanted(stream.now));
    assert_eq!(stream.refused("co", record_permit(3)), Refusal::WrongRole);
    // A training that lasts longer is a longer permit.
    stream.run(vec![("co", join(date(2028, 5, 22)))]);
    assert!(stream.state.is_permit_wanted(stream.now));
    stream.run(vec![("co", record_permit(3))]);
    // Who was taken out stays out, whatever they sign.
    let narrowing = Narrowing { members: BTreeSet::from([user("co")]), ..Narrowing::default() };
    stream.run(vec![("office", restrict(narrowing)), ("office", record_permit(4)), ("co", join(Date::MAX))]);
    assert!(!stream.state.is_permit_wanted(stream.now));
    assert_eq!(stream.refused("co", record_permit(5)), Refusal::WrongRole);
}

#[test]
fn a_member_brings_no_amendment_into_force() {
    let granted = [to_permit(), amendment(), vec![("chair", grant()), ("co", join(date(2028, 5, 22)))]].concat();
    let mut stream = Stream::steps(granted);
    assert!(stream.state.is_permit_wanted(stream.now));
    assert_eq!(stream.refused("co", record_permit(2)), Refusal::WrongRole);
    stream.run(vec![("office", record_permit(2))]);
    // Nothing runs while it is stopped.
    stream.run(vec![("chair", Command::Suspend { reason: text("調査") }), ("co", join(date(2028, 6, 22)))]);
    assert!(!stream.state.is_permit_wanted(stream.now));
    assert_eq!(stream.refused("co", record_permit(3)), Refusal::WrongRole);
}

#[test]
fn comments_reach_whom_they_are_for() {
    let note =
        Command::Comment { field: text("period"), text: text("まもなく終了"), audience: Audience::Internal };
    running().run(vec![("office", note)]);
    let mut stream = Stream::steps(to_vote());
    let comment = |audience| Command::Comment { field: text("purpose"), text: text("確かめたい"), audience };
    for who in ["office", "r1", "chair", "ndb"] {
        stream.run(vec![(who, comment(Audience::Internal)), (who, comment(Audience::Applicant))]);
    }
    for (who, refusal) in [
        ("r3", Refusal::ConflictOfInterest),
        ("near", Refusal::InterestNotDeclared),
        ("registry", Refusal::WrongRole),
        ("auditor", Refusal::WrongRole),
        ("checker", Refusal::WrongRole),
    ] {
        assert_eq!(stream.refused(who, comment(Audience::Internal)), refusal, "{who}");
        assert_eq!(stream.refused(who, comment(Audience::Applicant)), refusal, "{who}");
    }
    for who in ["pi", "co"] {
        stream.run(vec![(who, comment(Audience::Applicant))]);
        assert_eq!(stream.refused(who, comment(Audience::Internal)), Refusal::WrongRole);
    }
    assert_eq!(stream.state.comments.len(), 10);
}
