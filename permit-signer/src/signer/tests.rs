//! The signer believes only a whole, rule-abiding, portal-signed history, in which each act that counts is its actor's own.

mod lies;
mod longer;
mod world;

use std::collections::BTreeSet;

use super::*;
use world::{World, now};

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
    for unknown in [Revoked::Permit, Revoked::Suspension] {
        let unknown = unknown("P-2020-000009".parse().unwrap());
        assert!(matches!(world.revoke(&signer, unknown), Err(SignerError::NotFound)));
    }
}

#[test]
fn another_zones_keys_are_refused() {
    let world = World::new();
    let portal = world.path("portal");
    let opened = Signer::open(&portal, &portal.join("public/sign.pub"), &world.path("store"), &world.path("audit"));
    assert!(matches!(opened, Err(SignerError::Keys(_))));
}
