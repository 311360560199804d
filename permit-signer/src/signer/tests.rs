//! The signer believes only a whole, rule-abiding, portal-signed history, in which each act that counts is its actor's own.

mod lies;
mod longer;
mod world;

use std::collections::BTreeSet;

use jiff::civil::date;
use policies::application::{Asking, Command, Content, Draft, Narrowing, Pause, Rules, apply, decide};

use super::*;
use world::{World, now, office, pi};

#[test]
fn a_granted_application_gets_one_permit_however_often_it_asks() {
    let world = World::new();
    let signer = world.open();
    let request = world.request(&world.history("A-2026-000001", "p1"));
    let first = signer.issue(&request, now()).unwrap();
    assert_eq!(first.permit.id.as_str(), "P-2026-000001");
    assert_eq!(jws::verify::<Permit>(jws::PERMIT, &first.jws, &world.permit_key()).unwrap(), first.permit);
    drop(signer);
    let signer = world.open();
    assert_eq!(signer.issue(&request, now()).unwrap().jws, first.jws);
    assert_eq!(signer.permit(&first.permit.id).unwrap(), first.jws);
    let second = signer.issue(&world.request(&world.history("A-2026-000002", "p2")), now()).unwrap();
    assert_eq!(second.permit.id.as_str(), "P-2026-000002");
    let taken = signer.issue(&world.request(&world.history("A-2026-000003", "p2")), now());
    assert!(matches!(taken, Err(SignerError::ProjectTaken)));
    drop(signer);
    assert!(policies::audit::verify(&[world.path("audit")]).unwrap().whole());
}

#[test]
fn a_permit_names_each_member_with_the_training_and_the_place() {
    let world = World::new();
    let permit = world.open().issue(&world.request(&world.history("A-2026-000001", "p1")), now()).unwrap().permit;
    assert_eq!(permit.members.len(), 2);
    for terms in permit.members.values() {
        assert_eq!(terms.until, "2027-03-31T15:00:00Z".parse().unwrap());
        assert_eq!(terms.place, "大学A 3号館");
        assert!(terms.is_place("192.0.2.9".parse().ok()) && !terms.is_place("192.0.3.9".parse().ok()));
    }
}

#[test]
fn no_permit_without_a_whole_history_and_the_portals_signature() {
    let world = World::new();
    let signer = world.open();
    let records = world.history("A-2026-000001", "p1");
    // The first pledge is enough for a permit of one member.
    for length in 0..records.len() - 1 {
        assert!(signer.issue(&world.request(&records[..length]), now()).is_err(), "{length}");
    }
    let mut widened = records.clone();
    if let Event::Drafted { content } = &mut widened[0].event {
        content.grade = policies::Grade::Exact;
    }
    let widened = signer.issue(&world.request(&widened), now());
    assert!(matches!(widened, Err(SignerError::Stream(StreamError::Broken { seq: 1 }))));
    let stranger = World::new();
    assert!(matches!(signer.issue(&stranger.request(&records), now()), Err(SignerError::Signature(_))));
    signer.issue(&world.request(&records), now()).unwrap();
    let other = world.history("A-2026-000001", "p9");
    assert!(matches!(signer.issue(&world.request(&other), now()), Err(SignerError::OtherHistory)));
}

#[test]
fn a_revocation_stands_in_every_later_status_and_numbers_only_grow() {
    let world = World::new();
    let signer = world.open();
    let permit = signer.issue(&world.request(&world.history("A-2026-000001", "p1")), now()).unwrap().permit.id;
    let session: policies::SessionId = "0123456789abcdef0123456789abcdef".parse().unwrap();
    world.revoke(&signer, Revoked::Permit(permit.clone())).unwrap();
    world.revoke(&signer, Revoked::Session(session.clone())).unwrap();
    let before = world.status(&signer);
    assert!(before.revoked_permits.contains(&permit) && before.revoked_sessions.contains(&session));
    assert!(world.status(&signer).sequence > before.sequence);
    drop(signer);
    let signer = world.open();
    let after = world.status(&signer);
    assert!(after.sequence > before.sequence);
    assert_eq!(after.revoked_permits, before.revoked_permits);
    let pause = || Pause { application: "A-2020-000009".parse().unwrap(), head: String::new() };
    let unknown = Revoked::Permit("P-2020-000009".parse().unwrap());
    for unknown in [unknown, Revoked::Suspension(pause()), Revoked::Restriction(pause())] {
        assert!(matches!(world.revoke(&signer, unknown), Err(SignerError::NotFound)));
    }
}

#[test]
fn the_portal_hears_which_passkeys_of_a_person_count_and_nobody_else_does() {
    let world = World::new();
    let signer = world.open();
    let asked =
        |world: &World, user: &str| EnrolmentsRequest { user: user.parse().unwrap() }.sign(&world.portal).unwrap();
    let told = signer.enrolments(&asked(&world, "r1"), now()).unwrap();
    let [r1, ..] = world::reviewers();
    assert_eq!(told.iter().map(|enrolment| &enrolment.user).collect::<Vec<_>>(), [&r1.user]);
    assert_eq!(told[0].seats, r1.seats);
    world.enrol(&[office()]);
    assert!(signer.enrolments(&asked(&world, "r1"), now()).unwrap().is_empty());
    let stranger = signer.enrolments(&asked(&World::new(), "office"), now());
    assert!(matches!(stranger, Err(SignerError::Signature(_))));
}

#[test]
fn a_stream_that_was_filled_is_still_taken_and_narrowed() {
    let world = World::new();
    let signer = world.open();
    let mut records = world.judged("A-2026-000001", world::plain("p1"), &world::reviewers(), None);
    let first = signer.issue(&world.request(&records), now()).unwrap().permit.id;
    let shell = || policies::application::Shell {
        title: "表".to_owned(),
        sql: "x".repeat(20_000),
        columns: Vec::new(),
        tried: String::new(),
    };
    let long = || Content { shells: (0..25).map(|_| shell()).collect(), ..world::plain("p1") };
    let steps =
        vec![(office(), Event::PermitIssued { permit: first.clone() }), (pi(), Event::Amended { content: long() })];
    records = world.go_on(&records, steps);
    let mut state = Application::replay(records[0].application.clone(), &records);
    loop {
        let asking = Asking { by: &pi(), at: now() };
        let Ok(mut events) = decide(Rules::current(), &state, &asking, Command::Edit { content: long() }) else {
            break;
        };
        let record =
            EventRecord::after(&state.id, records.last(), Draft { at: now(), by: pi(), event: events.remove(0) });
        state = apply(state, &record.act());
        records.push(record);
    }
    assert!(records.len() > 40);
    let narrowing = Narrowing { limits: vec!["限る".to_owned()], ..Narrowing::default() };
    let restricted = Event::Restricted { narrowing, reason: "指示".to_owned(), answer_by: date(2026, 12, 1) };
    let request = world.request(&world.go_on(&records, vec![(office(), restricted)]));
    assert!(request.len() < crate::serve::BODY_MAX, "{}", request.len());
    assert_eq!(signer.issue(&request, now()).unwrap().permit.conditions, ["限る"]);
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([first]));
}

#[test]
fn another_zones_keys_are_refused() {
    let world = World::new();
    let portal = world.path("portal");
    let opened = Signer::open(&portal, &portal.join("public/sign.pub"), &world.path("store"), &world.path("audit"));
    assert!(matches!(opened, Err(SignerError::Keys(_))));
}
