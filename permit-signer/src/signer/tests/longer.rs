//! What a longer history leads to: a narrower permit, one after a suspension, or none any more.

use jiff::civil::date;
use policies::application::{Actor, Content, Decision, Narrowing, Pause, Period};

use super::world::{World, chair, co, decided, office, pi, plain, reviewers};
use super::*;

/// A signed permit, and the history that says so.
fn running(world: &World, signer: &Signer) -> (Permit, Vec<EventRecord>) {
    let records = world.judged("A-2026-000001", plain("p1"), &reviewers(), None);
    let permit = signer.issue(&world.request(&records), now()).unwrap().permit;
    let records = world.go_on(&records, vec![(office(), Event::PermitIssued { permit: permit.id.clone() })]);
    (permit, records)
}

fn restricted(narrowing: Narrowing) -> (Actor, Event) {
    let event = Event::Restricted { narrowing, reason: "大臣の指示".to_owned(), answer_by: date(2026, 12, 1) };
    (office(), event)
}

fn suspended() -> (Actor, Event) {
    (chair(), Event::Suspended { reason: "調査のため".to_owned() })
}

/// After all of these records.
fn here(records: &[EventRecord]) -> Pause {
    let last = records.last().unwrap();
    Pause { application: last.application.clone(), head: last.hash.clone() }
}

fn limited(limit: &str) -> (Actor, Event) {
    restricted(Narrowing { limits: vec![limit.to_owned()], ..Narrowing::default() })
}

fn resumed() -> (Actor, Event) {
    (office(), Event::Resumed { reason: "調査が済んだ".to_owned() })
}

/// A longer period, granted by the secretariat alone.
fn extended() -> Vec<(Actor, Event)> {
    let content = Content { period: Period::new(date(2026, 11, 1), date(2028, 3, 31)), ..plain("p1") };
    vec![(pi(), Event::Amended { content }), (pi(), Event::Submitted {}), (office(), decided(Decision::Granted {}))]
}

#[test]
fn a_longer_history_replaces_the_permit_in_one_step() {
    let world = World::new();
    let signer = world.open();
    let (first, before) = running(&world, &signer);
    let narrowing = Narrowing {
        columns: BTreeSet::from(["ndb.claims.prefecture".to_owned()]),
        members: BTreeSet::from([co().user]),
        limits: vec!["都道府県別の表を作らない".to_owned()],
    };
    let records = world.go_on(&before, vec![restricted(narrowing)]);
    let second = signer.issue(&world.request(&records), now()).unwrap();
    assert_eq!(second.permit.id.as_str(), "P-2026-000002");
    assert_eq!(second.permit.members.keys().collect::<Vec<_>>(), [&pi().user]);
    assert_eq!(second.permit.datasets["ndb"].tables["ndb.claims"], BTreeSet::from(["sex".to_owned()]));
    assert_eq!(second.permit.conditions, ["都道府県別の表を作らない"]);
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id]));
    // Asked again: the same, also after a restart.
    drop(signer);
    let signer = world.open();
    assert_eq!(signer.issue(&world.request(&records), now()).unwrap().jws, second.jws);
    // The wider permit does not come back: neither by the shorter history nor by one that goes another way.
    let leaves_out = world.go_on(&before, extended());
    for other in [&before[..], &before[..before.len() - 1], &leaves_out] {
        assert!(matches!(signer.issue(&world.request(other), now()), Err(SignerError::OtherHistory)));
    }
    let chain = std::fs::read_to_string(world.path("audit").join("audit.jsonl")).unwrap();
    assert!(chain.contains("\"replaces\":\"P-2026-000001\"") && chain.contains("\"replaced_by\":\"P-2026-000002\""));
}

#[test]
fn who_left_the_committee_was_believed_then_and_is_not_now() {
    let world = World::new();
    let signer = world.open();
    let (_, before) = running(&world, &signer);
    world.enrol(&[office(), pi(), co()]);
    let narrowing = Narrowing { members: BTreeSet::from([co().user]), ..Narrowing::default() };
    let records = world.go_on(&before, vec![restricted(narrowing)]);
    signer.issue(&world.request(&records), now()).unwrap();
    // An amendment's votes are new acts.
    let wider = Content { title: "広い".to_owned(), ..plain("p1") };
    let round = world.judged("A-2026-000001", plain("p1"), &reviewers(), None);
    let again = round.into_iter().skip(1).map(|record| (record.by, record.event));
    let mut steps = vec![(pi(), Event::Amended { content: wider })];
    steps.extend(again.map(|(by, event)| (by, in_second_round(event))));
    steps.retain(|(_, event)| !matches!(event, Event::MemberJoined { .. } | Event::PledgeSigned { .. }));
    let amended = world.go_on(&records, steps);
    let refused = signer.issue(&world.request(&amended), now());
    assert!(matches!(refused, Err(SignerError::Stream(StreamError::Unsigned { .. }))));
    world.enrol(&World::everybody());
    assert_eq!(signer.issue(&world.request(&amended), now()).unwrap().permit.id.as_str(), "P-2026-000003");
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest names no round")]
fn in_second_round(event: Event) -> Event {
    match event {
        Event::HolderAnswered { request, answer } => {
            Event::HolderAnswered { request: request.replacen("H1-", "H2-", 1), answer }
        }
        other => other,
    }
}

#[test]
fn a_suspended_permit_holds_no_more_and_a_new_one_holds_after_the_use_was_resumed() {
    let world = World::new();
    let signer = world.open();
    let (first, before) = running(&world, &signer);
    world.revoke(&signer, Revoked::Suspension(here(&before))).unwrap();
    let sequence = world.status(&signer).sequence;
    world.revoke(&signer, Revoked::Suspension(here(&before))).unwrap();
    drop(signer);
    let signer = world.open();
    let status = world.status(&signer);
    assert!(status.revoked_permits.contains(&first.id) && status.sequence > sequence);
    // A restriction from before the suspension that was late on its way does not undo it.
    let late = world.go_on(&before, vec![limited("限る")]);
    assert!(matches!(signer.issue(&world.request(&late), now()), Err(SignerError::Suspended)));
    let stopped = world.go_on(&late, vec![suspended()]);
    let refused = signer.issue(&world.request(&stopped), now());
    assert!(matches!(refused, Err(SignerError::Conditions(Refusal::OutOfTurn))));
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id.clone()]));

    let going = world.go_on(&stopped, vec![resumed()]);
    let second = signer.issue(&world.request(&going), now()).unwrap().permit;
    assert_eq!((second.id.as_str(), &second.conditions[..]), ("P-2026-000002", &["限る".to_owned()][..]));
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id.clone()]));
    assert!(signer.store().state.suspended.is_empty());

    // The second suspension asks for a second resumption.
    world.revoke(&signer, Revoked::Suspension(here(&going))).unwrap();
    let late = world.go_on(&going, vec![limited("限る")]);
    assert!(matches!(signer.issue(&world.request(&late), now()), Err(SignerError::Suspended)));
    let again = world.go_on(&late, vec![suspended(), resumed()]);
    let third = signer.issue(&world.request(&again), now()).unwrap().permit;
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id, second.id]));
    assert_eq!(third.id.as_str(), "P-2026-000003");
}

#[test]
fn what_was_ended_does_not_come_back_by_a_longer_history() {
    // Also when it was suspended first.
    for suspended_first in [false, true] {
        let world = World::new();
        let signer = world.open();
        let (first, before) = running(&world, &signer);
        if suspended_first {
            world.revoke(&signer, Revoked::Suspension(here(&before))).unwrap();
        }
        world.revoke(&signer, Revoked::Permit(first.id.clone())).unwrap();
        world.revoke(&signer, Revoked::Suspension(here(&before))).unwrap();
        for steps in [extended(), vec![suspended(), resumed()]] {
            let records = world.go_on(&before, steps);
            assert!(matches!(signer.issue(&world.request(&records), now()), Err(SignerError::Ended)));
        }
        assert_eq!(signer.store().state.last_number, 1);
        assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id]));
    }
}

#[test]
fn a_suspension_that_was_told_late_stops_the_permit_that_was_signed_meanwhile() {
    let world = World::new();
    let signer = world.open();
    let (first, before) = running(&world, &signer);
    let narrower = world.go_on(&before, vec![limited("限る")]);
    let second = signer.issue(&world.request(&narrower), now()).unwrap().permit;
    // Whoever suspends knows of the first permit only.
    world.revoke(&signer, Revoked::Suspension(here(&before))).unwrap();
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id, second.id]));
    // The resumption that is waited for comes after the suspension, not before.
    let going = world.go_on(&narrower, vec![suspended(), resumed()]);
    world.revoke(&signer, Revoked::Suspension(here(&going))).unwrap();
    assert!(matches!(signer.issue(&world.request(&going), now()), Err(SignerError::Suspended)));
    let again = world.go_on(&going, vec![suspended(), resumed()]);
    let third = signer.issue(&world.request(&again), now()).unwrap().permit;
    assert!(!world.status(&signer).revoked_permits.contains(&third.id));
}

#[test]
fn a_restriction_stops_the_wide_permit_until_the_narrower_one_is_signed() {
    let world = World::new();
    let signer = world.open();
    let (first, before) = running(&world, &signer);
    // Nobody is left, so nothing can be signed in its place.
    let nobody = Narrowing { members: BTreeSet::from([pi().user, co().user]), ..Narrowing::default() };
    let stopped = world.go_on(&before, vec![restricted(nobody)]);
    let refused = signer.issue(&world.request(&stopped), now());
    assert!(matches!(refused, Err(SignerError::Conditions(Refusal::PledgesMissing))));
    assert!(world.status(&signer).revoked_permits.is_empty());
    world.revoke(&signer, Revoked::Restriction(here(&stopped))).unwrap();
    drop(signer);
    let signer = world.open();
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id.clone()]));
    // A history from before it, or beside it, does not bring the wide permit back.
    let late = world.go_on(&before, extended());
    assert!(matches!(signer.issue(&world.request(&late), now()), Err(SignerError::Suspended)));
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id]));
}

#[test]
fn a_permit_whose_answer_was_lost_is_not_stopped_by_its_own_restriction() {
    let world = World::new();
    let signer = world.open();
    let (first, before) = running(&world, &signer);
    let narrower = world.go_on(&before, vec![limited("限る")]);
    let lost = signer.issue(&world.request(&narrower), now()).unwrap().permit;
    world.revoke(&signer, Revoked::Restriction(here(&narrower))).unwrap();
    assert_eq!(signer.issue(&world.request(&narrower), now()).unwrap().permit, lost);
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id.clone()]));
    // A suspension stops it, and what a status document named holds under no history again.
    world.revoke(&signer, Revoked::Suspension(here(&before))).unwrap();
    let going = world.go_on(&narrower, vec![suspended(), resumed()]);
    let third = signer.issue(&world.request(&going), now()).unwrap().permit;
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first.id, lost.id]));
    assert_eq!(third.id.as_str(), "P-2026-000003");
}

#[test]
fn the_end_of_an_application_ends_whatever_was_signed_for_it_and_all_that_comes() {
    let world = World::new();
    let signer = world.open();
    let (first, before) = running(&world, &signer);
    let second = signer.issue(&world.request(&world.go_on(&before, vec![limited("限る")])), now()).unwrap().permit;
    let ended = || Revoked::Application("A-2026-000001".parse().unwrap());
    world.revoke(&signer, ended()).unwrap();
    world.revoke(&signer, ended()).unwrap();
    world.revoke(&signer, Revoked::Suspension(here(&before))).unwrap();
    drop(signer);
    let signer = world.open();
    let over = BTreeSet::from([first.id, second.id]);
    assert_eq!(world.status(&signer).revoked_permits, over);
    for steps in [vec![limited("限る")], vec![limited("限る"), limited("もっと")], vec![suspended(), resumed()]]
    {
        let refused = signer.issue(&world.request(&world.go_on(&before, steps)), now());
        assert!(matches!(refused, Err(SignerError::Ended)));
    }
    assert_eq!(world.status(&signer).revoked_permits, over);
    // A request that was still on its way when it was ended.
    let other = "A-2026-000002";
    world.revoke(&signer, Revoked::Application(other.parse().unwrap())).unwrap();
    let late = signer.issue(&world.request(&world.history(other, "p2")), now());
    assert!(matches!(late, Err(SignerError::Ended)));
}

#[test]
fn an_amendment_revives_nothing() {
    let revoked = || (office(), Event::Revoked { reason: "違反".to_owned() });
    let closed = || (pi(), Event::Closed { report: "消去した".to_owned() });
    for end in [suspended(), revoked(), closed()] {
        let world = World::new();
        let signer = world.open();
        let (_, before) = running(&world, &signer);
        let mut steps = extended();
        let granted = world.go_on(&before, steps.clone());
        steps.push(end);
        let records = world.go_on(&before, steps);
        let refused = signer.issue(&world.request(&records), now());
        assert!(matches!(refused, Err(SignerError::Conditions(Refusal::OutOfTurn))));
        // Without the end it is a permit for longer.
        let permit = signer.issue(&world.request(&granted), now()).unwrap().permit;
        assert_eq!(permit.expires_at, "2028-03-31T15:00:00Z".parse().unwrap());
    }
}
