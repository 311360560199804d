//! The signer believes only a whole, rule-abiding, portal-signed history.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::civil::date;
use policies::application::{
    Actor, Ballot, Command, Content, Decision, Draft, Event, EventRecord, Period, apply, decide,
};
use policies::{DatasetGrant, Grade, Role};

use super::*;

struct World {
    dir: tempfile::TempDir,
    portal: SigningKey,
}

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        KeyFolder::init(&dir.path().join("permit"), Zone::Permit, now()).unwrap();
        let portal = KeyFolder::init(&dir.path().join("portal"), Zone::Portal, now()).unwrap().signing("sign").unwrap();
        Self { dir, portal }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn open(&self) -> Signer {
        let portal = self.path("portal").join("public/sign.pub");
        Signer::open(&self.path("permit"), &portal, &self.path("store"), &self.path("audit")).unwrap()
    }

    fn request(&self, records: &[EventRecord]) -> String {
        let request = PermitRequest { records: records.to_vec(), until: None, portal_head: None };
        jws::sign(jws::EVENTS, &request, &self.portal).unwrap()
    }
}

fn actor(user: &str, role: Role) -> Actor {
    let organisation = format!("{user}'s").parse().unwrap();
    Actor { user: user.parse().unwrap(), organisation, roles: BTreeSet::from([role]) }
}

fn history(application: &str, project: &str) -> Vec<EventRecord> {
    let pi = || actor("pi", Role::Researcher);
    let office = || actor("office", Role::Secretariat);
    let (r1, r2) = (actor("r1", Role::Reviewer), actor("r2", Role::Reviewer));
    let tables = BTreeMap::from([("ndb.claims".to_owned(), BTreeSet::from(["sex".to_owned()]))]);
    let content = Content {
        project: Some(project.parse().unwrap()),
        title: "t".to_owned(),
        purpose: "p".to_owned(),
        members: BTreeMap::from([(pi().user, pi().organisation)]),
        datasets: BTreeMap::from([("ndb".to_owned(), DatasetGrant { release: "2026.1".to_owned(), tables })]),
        grade: Grade::Exact,
        period: Period::new(date(2026, 11, 1), date(2027, 10, 31)),
        ..Content::default()
    };
    let reviewers = [&r1, &r2].map(|reviewer| (reviewer.user.clone(), reviewer.organisation.clone())).into();
    let yes = || Command::Vote { ballot: Ballot::For, comment: String::new() };
    let steps = [
        (pi(), Command::Draft(content)),
        (pi(), Command::Submit { at: now() }),
        (office(), Command::Accept),
        (office(), Command::AssignReviewers(reviewers)),
        (office(), Command::OpenVoting),
        (r1, yes()),
        (r2, yes()),
        (actor("chair", Role::Chair), Command::Decide(Decision::Granted {})),
        (pi(), Command::SignPledge),
    ];
    let id = application.parse().unwrap();
    let mut state = Application::unwritten(application.parse().unwrap());
    let mut records: Vec<EventRecord> = Vec::new();
    for (by, command) in steps {
        for event in decide(&state, &by, command).unwrap() {
            state = apply(state, &event);
            records.push(EventRecord::after(&id, records.last(), Draft { at: now(), by: by.clone(), event }));
        }
    }
    records
}

#[test]
fn a_granted_application_gets_one_permit_however_often_it_asks() {
    let world = World::new();
    let signer = world.open();
    let request = world.request(&history("A-2026-000001", "p1"));
    let first = signer.issue(&request, now()).unwrap();
    assert_eq!(first.permit.id.as_str(), "P-2026-000001");
    let key = VerifyingKey::read(&world.path("permit").join("public/permit.pub")).unwrap();
    assert_eq!(jws::verify::<Permit>(jws::PERMIT, &first.jws, &key).unwrap(), first.permit);
    drop(signer);
    let signer = world.open();
    assert_eq!(signer.issue(&request, now()).unwrap().jws, first.jws);
    assert_eq!(signer.permit(&first.permit.id).unwrap(), first.jws);
    let second = signer.issue(&world.request(&history("A-2026-000002", "p2")), now()).unwrap();
    assert_eq!(second.permit.id.as_str(), "P-2026-000002");
    let taken = signer.issue(&world.request(&history("A-2026-000003", "p2")), now());
    assert!(matches!(taken, Err(SignerError::ProjectTaken)));
    drop(signer);
    assert!(policies::audit::verify(&[world.path("audit")]).unwrap().whole());
}

#[test]
fn no_permit_without_a_whole_history_and_the_portals_signature() {
    let world = World::new();
    let signer = world.open();
    let records = history("A-2026-000001", "p1");
    for length in 0..records.len() {
        assert!(signer.issue(&world.request(&records[..length]), now()).is_err(), "{length}");
    }
    let mut widened = records.clone();
    if let Event::Drafted { content, .. } = &mut widened[0].event {
        content.members.insert("eve".parse().unwrap(), "Elsewhere".parse().unwrap());
    }
    assert!(matches!(signer.issue(&world.request(&widened), now()), Err(SignerError::Stream(_))));
    let stranger = World::new();
    assert!(matches!(signer.issue(&stranger.request(&records), now()), Err(SignerError::Signature(_))));
    signer.issue(&world.request(&records), now()).unwrap();
    let other = history("A-2026-000001", "p9");
    assert!(matches!(signer.issue(&world.request(&other), now()), Err(SignerError::OtherHistory)));
}

#[test]
fn a_revocation_stands_in_every_later_status_and_numbers_only_grow() {
    let world = World::new();
    let signer = world.open();
    let permit = signer.issue(&world.request(&history("A-2026-000001", "p1")), now()).unwrap().permit.id;
    let revocation = |what| Revocation { what, reason: "違反".to_owned(), by: "office".parse().unwrap() };
    let sign = |revocation| jws::sign(REVOCATION, &revocation, &world.portal).unwrap();
    let session: policies::SessionId = "0123456789abcdef0123456789abcdef".parse().unwrap();
    signer.revoke(&sign(revocation(Revoked::Permit(permit.clone()))), now()).unwrap();
    signer.revoke(&sign(revocation(Revoked::Session(session.clone()))), now()).unwrap();
    let key = VerifyingKey::read(&world.path("permit").join("public/permit.pub")).unwrap();
    let status =
        |signer: &Signer| -> StatusDocument { jws::verify(jws::STATUS, &signer.status(now()).unwrap(), &key).unwrap() };
    let before = status(&signer);
    assert!(before.revoked_permits.contains(&permit) && before.revoked_sessions.contains(&session));
    assert!(status(&signer).sequence > before.sequence);
    drop(signer);
    let signer = world.open();
    let after = status(&signer);
    assert!(after.sequence > before.sequence);
    assert_eq!(after.revoked_permits, before.revoked_permits);
    let unknown = revocation(Revoked::Permit("P-2020-000009".parse().unwrap()));
    assert!(matches!(signer.revoke(&sign(unknown), now()), Err(SignerError::NotFound)));
}

#[test]
fn another_zones_keys_are_refused() {
    let world = World::new();
    let portal = world.path("portal");
    let opened = Signer::open(&portal, &portal.join("public/sign.pub"), &world.path("store"), &world.path("audit"));
    assert!(matches!(opened, Err(SignerError::Keys(_))));
}

/// What a longer history of the same application leads to, with the permit that the rules would give.
fn settled(signer: &Signer, records: &[EventRecord], from: &Permit, widen: bool) -> Result<PermitAnswer, SignerError> {
    let request = PermitRequest { records: records.to_vec(), until: None, portal_head: None };
    let head = records.last().unwrap().hash.clone();
    let history = History { application: &from.application, head: &head, request: &request };
    signer.settle(&history, now(), |id| {
        let mut permit = Permit { id, application_head: head.clone(), ..from.clone() };
        if widen {
            permit.members.insert("co".parse().unwrap());
        } else {
            permit.members.clear();
        }
        Ok(permit)
    })
}

#[test]
fn a_longer_history_replaces_the_permit_in_one_step() {
    let world = World::new();
    let signer = world.open();
    let mut records = history("A-2026-000001", "p1");
    let first = signer.issue(&world.request(&records), now()).unwrap().permit;
    let event = Event::PermitIssued { permit: first.id.clone() };
    let draft = Draft { at: now(), by: actor("office", Role::Secretariat), event };
    records.push(EventRecord::after(&first.application, records.last(), draft));
    let second = settled(&signer, &records, &first, false).unwrap();
    assert_eq!(second.permit.id.as_str(), "P-2026-000002");
    assert!(second.permit.members.is_empty());
    let state = signer.store().state.clone();
    assert_eq!(state.revoked_permits, BTreeSet::from([first.id.clone()]));
    assert_eq!(state.applications[&first.application].permit, second.permit.id);
    // Asked again: the same; shorter, or another history: refused; also after a restart.
    assert_eq!(settled(&signer, &records, &first, true).unwrap().jws, second.jws);
    drop(signer);
    let signer = world.open();
    assert_eq!(settled(&signer, &records, &first, true).unwrap().jws, second.jws);
    let shorter = signer.issue(&world.request(&records[..records.len() - 1]), now());
    assert!(matches!(shorter, Err(SignerError::OtherHistory)), "the first permit does not come back");
    let other = history("A-2026-000001", "p1");
    let draft = Draft { at: now(), by: actor("r1", Role::Reviewer), event: Event::Submitted {} };
    let forked = [&other[..], &[EventRecord::after(&first.application, other.last(), draft)]].concat();
    assert!(matches!(settled(&signer, &forked, &first, true), Err(SignerError::OtherHistory)));
    let chain = std::fs::read_to_string(world.path("audit").join("audit.jsonl")).unwrap();
    assert!(chain.contains("\"replaces\":\"P-2026-000001\"") && chain.contains("\"replaced_by\":\"P-2026-000002\""));
}

#[test]
fn what_was_ended_does_not_come_back_by_a_longer_history() {
    let world = World::new();
    let signer = world.open();
    let mut records = history("A-2026-000001", "p1");
    let first = signer.issue(&world.request(&records), now()).unwrap().permit;
    let what = Revoked::Permit(first.id.clone());
    let revocation = Revocation { what, reason: "違反".to_owned(), by: "office".parse().unwrap() };
    signer.revoke(&jws::sign(REVOCATION, &revocation, &world.portal).unwrap(), now()).unwrap();
    let event = Event::PermitIssued { permit: first.id.clone() };
    let draft = Draft { at: now(), by: actor("office", Role::Secretariat), event };
    records.push(EventRecord::after(&first.application, records.last(), draft));
    assert!(matches!(settled(&signer, &records, &first, true), Err(SignerError::Ended)));
    assert_eq!(signer.store().state.last_number, 1);
}
