//! A portal whose code was replaced holds the portal's keys and every record, and writes what it likes. It obtains nothing.

use policies::application::{Actor, Ballot, Condition, Decision, Draft, Narrowing, Pause};
use policies::keys::SecretBytes;
use policies::passkey::{RelyingParty, SoftwareAuthenticator};

use super::world::{World, chair, content, decided, office, pi, reviewers, self_styled, sign};
use super::*;

const APPLICATION: &str = "A-2026-000001";

/// The acts of `records` in a chain of their own, with the signatures that they have.
fn rechained(records: &[EventRecord]) -> Vec<EventRecord> {
    let mut chain: Vec<EventRecord> = Vec::new();
    for record in records {
        let draft = Draft { at: record.at, by: record.by.clone(), event: record.event.clone() };
        let signature = record.signature.clone();
        chain.push(EventRecord { signature, ..EventRecord::after(&record.application, chain.last(), draft) });
    }
    chain
}

fn of_kind<'a>(records: &'a mut [EventRecord], kind: &'static str) -> impl Iterator<Item = &'a mut EventRecord> {
    records.iter_mut().filter(move |record| record.event.kind() == kind)
}

fn told(world: &World, records: &[EventRecord]) -> SignerError {
    let signer = world.open();
    let refused = signer.issue(&world.request(records), now()).unwrap_err();
    let state = signer.store().state.clone();
    assert_eq!((state.last_number, state.applications.len()), (0, 0));
    let chain = std::fs::read_to_string(world.path("audit").join("audit.jsonl")).unwrap();
    assert!(chain.contains("permit:refused") && !chain.contains("permit:signed"));
    refused
}

/// An honest history that is changed by `lie`, and refused because of a signature.
fn unsigned(lie: impl FnOnce(&World, &mut Vec<EventRecord>)) {
    let world = World::new();
    let mut records = world.history(APPLICATION, "p1");
    lie(&world, &mut records);
    let refused = told(&world, &records);
    assert!(matches!(refused, SignerError::Stream(StreamError::Unsigned { .. })), "{refused}");
}

#[test]
fn votes_by_keys_that_nobody_enrolled_do_not_count() {
    let own_keys = SecretBytes::generate();
    for kind in ["vote-cast", "decided", "holder-answered", "accepted"] {
        unsigned(|_, records| {
            for record in of_kind(records, kind) {
                sign(record, &SoftwareAuthenticator::of(&own_keys, &record.by.user.clone()));
            }
        });
    }
}

#[test]
fn what_was_signed_where_people_sign_in_is_no_act() {
    // The portal asked for the act's hash as if it were the challenge of a sign-in.
    let portal = RelyingParty::localhost("http", 8080);
    for kind in ["accepted", "vote-cast", "decided", "holder-answered"] {
        unsigned(|world, records| {
            for record in of_kind(records, kind) {
                let passkey = world.passkey(&record.by);
                record.signature = Some(passkey.assert(&record.challenge().unwrap(), &portal));
            }
        });
    }
}

#[test]
fn acts_without_a_signature_do_not_count() {
    for kind in ["vote-cast", "decided", "accepted"] {
        unsigned(|_, records| of_kind(records, kind).for_each(|record| record.signature = None));
    }
    unsigned(|_, records| of_kind(records, "holder-answered").last().unwrap().signature = None);
}

#[test]
fn nobody_signs_for_somebody_else() {
    // The own passkey of a person who is enrolled, for another's act.
    unsigned(|world, records| sign(of_kind(records, "accepted").last().unwrap(), &world.passkey(&pi())));
    unsigned(|world, records| of_kind(records, "vote-cast").for_each(|vote| sign(vote, &world.passkey(&chair()))));
    // One vote's signature under all of them.
    unsigned(|_, records| {
        let first = of_kind(records, "vote-cast").next().unwrap().signature.clone();
        of_kind(records, "vote-cast").for_each(|vote| vote.signature.clone_from(&first));
    });
}

#[test]
fn a_role_or_a_seat_that_the_portal_made_up_does_not_count() {
    // eve is enrolled as a researcher, r5 as a reviewer without a seat; both sign with their own passkeys.
    for user in ["eve", "r5"] {
        let world = World::new();
        let [r1, r2, r3, _] = reviewers();
        let records = world.judged(APPLICATION, content("p1"), &[r1, r2, r3, self_styled(user)], Some(true));
        let refused = told(&world, &records);
        assert!(matches!(refused, SignerError::Stream(StreamError::Unsigned { .. })), "{user}: {refused}");
    }
    // Nor does a role that somebody had: who was taken out of the registry does not vote.
    for gone in ["r1", "chair", "keeper", "office"] {
        let world = World::new();
        let left: Vec<Actor> = World::everybody().into_iter().filter(|one| one.user.as_str() != gone).collect();
        world.enrol(&left);
        let refused = told(&world, &world.history(APPLICATION, "p1"));
        assert!(matches!(refused, SignerError::Stream(StreamError::Unsigned { .. })), "{gone}: {refused}");
    }
}

#[test]
fn a_pledge_by_a_key_that_nobody_enrolled_names_nobody_and_stops_nobody() {
    let own_keys = SecretBytes::generate();
    let world = World::new();
    let mut records = world.history(APPLICATION, "p1");
    for pledge in of_kind(&mut records, "pledge-signed") {
        sign(pledge, &SoftwareAuthenticator::of(&own_keys, &pledge.by.user.clone()));
    }
    let refused = told(&world, &rechained(&records));
    assert!(matches!(refused, SignerError::Conditions(Refusal::PledgesMissing)), "{refused}");

    // Who pledges later so is not named, neither then nor after a restriction, and keeps nobody from either.
    let world = World::new();
    let signer = world.open();
    let mut records = world.history(APPLICATION, "p1");
    let co = records.last_mut().unwrap();
    sign(co, &SoftwareAuthenticator::of(&own_keys, &co.by.user.clone()));
    let first = signer.issue(&world.request(&records), now()).unwrap().permit;
    assert_eq!(first.members.into_keys().collect::<Vec<_>>(), [pi().user]);
    let narrowing = Narrowing { limits: vec!["限る".to_owned()], ..Narrowing::default() };
    let answer_by = date(2026, 12, 1);
    let steps = vec![
        (office(), Event::PermitIssued { permit: first.id }),
        (office(), Event::Restricted { narrowing, reason: "大臣の指示".to_owned(), answer_by }),
    ];
    let second = signer.issue(&world.request(&world.go_on(&records, steps)), now()).unwrap().permit;
    assert_eq!(second.members.into_keys().collect::<Vec<_>>(), [pi().user]);
    assert_eq!(second.conditions, ["限る"]);
}

#[test]
fn a_condition_that_nobody_confirmed_is_open() {
    let condition = Condition {
        text: "表の設計を改める".to_owned(),
        owner: pi().user,
        due: date(2026, 12, 1),
        excludes: BTreeSet::new(),
    };
    let world = World::new();
    let decision = Decision::GrantedWithConditions { conditions: vec![condition] };
    let mut records = world.history(APPLICATION, "p1");
    let end = records.iter().position(|record| record.event.kind() == "decided").unwrap();
    let rest = records.split_off(end);
    let mut steps = vec![(chair(), decided(decision))];
    steps.push((pi(), Event::ConditionReported { condition: 1, text: "改めた".to_owned() }));
    steps.push((office(), Event::ConditionConfirmed { condition: 1 }));
    steps.extend(rest.into_iter().skip(1).map(|record| (record.by, record.event)));
    let mut records = world.go_on(&records, steps);
    let honest = records.clone();
    of_kind(&mut records, "condition-confirmed").for_each(|record| record.signature = None);
    let refused = told(&world, &records);
    assert!(matches!(refused, SignerError::Stream(StreamError::Unsigned { .. })), "{refused}");
    assert!(world.open().issue(&world.request(&honest), now()).is_ok());
}

#[test]
fn nobody_resumes_by_the_portals_word() {
    let world = World::new();
    let signer = world.open();
    let records = world.history(APPLICATION, "p1");
    let permit = signer.issue(&world.request(&records), now()).unwrap().permit.id;
    let head = records.last().unwrap().hash.clone();
    world.revoke(&signer, Revoked::Suspension(Pause { application: APPLICATION.parse().unwrap(), head })).unwrap();
    let reason = || "調査".to_owned();
    let steps = vec![
        (office(), Event::PermitIssued { permit: permit.clone() }),
        (chair(), Event::Suspended { reason: reason() }),
        (office(), Event::Resumed { reason: reason() }),
    ];
    let honest = world.go_on(&records, steps);
    let mut lied = honest.clone();
    lied.last_mut().unwrap().signature = None;
    let refused = signer.issue(&world.request(&lied), now());
    assert!(matches!(refused, Err(SignerError::Stream(StreamError::Unsigned { .. }))));
    // Nor by an office of the portal's own making.
    sign(lied.last_mut().unwrap(), &world.passkey(&chair()));
    assert!(signer.issue(&world.request(&lied), now()).is_err());
    assert_eq!(world.status(&signer).revoked_permits, BTreeSet::from([permit]));
    signer.issue(&world.request(&honest), now()).unwrap();
}

#[test]
fn nothing_happens_tomorrow() {
    // Signed by the right people, but dated after the days of a holder who was not heard.
    let world = World::new();
    let mut records = world.history(APPLICATION, "p1");
    let place = records.iter().position(|record| record.event.kind() == "decided").unwrap();
    for minutes in [6, 60 * 24 * 30] {
        for record in &mut records[place..] {
            record.at = now() + SignedDuration::from_mins(minutes);
        }
        records = rechained(&records);
        for record in records[place..].iter_mut().filter(|record| record.event.must_be_signed()) {
            sign(record, &world.passkey(&record.by.clone()));
        }
        let refused = told(&world, &records);
        assert!(matches!(refused, SignerError::Stream(StreamError::Early { .. })), "{refused}");
    }
    let later = now() + SignedDuration::from_hours(24 * 30);
    assert!(world.open().issue(&world.request(&records), later).is_ok(), "then it has come");
}

#[test]
fn what_was_voted_on_is_what_was_granted() {
    unsigned(|_, records| {
        let mut widened = content("p1");
        widened.grade = policies::Grade::Exact;
        records[0].event = Event::Drafted { content: widened };
        *records = rechained(records);
    });
    unsigned(|_, records| {
        let Event::VoteCast { vote } = &mut of_kind(records, "vote-cast").next().unwrap().event else { panic!() };
        vote.ballot = Ballot::Abstain;
        *records = rechained(records);
    });
    unsigned(|_, records| {
        // The chair granted under a condition that the portal would rather not have, or the other way round.
        let condition = Condition {
            text: "倫理審査の更新".to_owned(),
            owner: pi().user,
            due: date(2026, 12, 1),
            excludes: BTreeSet::new(),
        };
        let decision = Decision::GrantedWithConditions { conditions: vec![condition] };
        of_kind(records, "decided").next().unwrap().event = decided(decision);
        *records = rechained(records);
    });
}

#[test]
fn no_event_can_be_left_out_or_change_places() {
    let world = World::new();
    let records = world.history(APPLICATION, "p1");
    let last = records.len() - 1;
    for left_out in 0..last {
        let mut fewer = records.clone();
        fewer.remove(left_out);
        told(&world, &fewer);
        told(&world, &rechained(&fewer));
        let mut swapped = records.clone();
        swapped.swap(left_out, left_out + 1);
        told(&world, &swapped);
    }
    // Without the last pledge the history is whole, of one member.
    let permit = world.open().issue(&world.request(&records[..last]), now()).unwrap().permit;
    assert_eq!(permit.members.into_keys().collect::<Vec<_>>(), [pi().user]);
}

#[test]
fn without_consent_there_is_no_grant_even_if_all_others_sign() {
    for consent in [None, Some(false)] {
        let world = World::new();
        let refused = told(&world, &world.judged(APPLICATION, content("p1"), &reviewers(), consent));
        let SignerError::Stream(StreamError::Undecided { cause, .. }) = refused else { panic!("{refused}") };
        assert_eq!(cause, Some(Refusal::HolderNotHeard));
    }
    // A refusal that the portal turns round carries the signature of a refusal.
    let world = World::new();
    let mut records = world.judged(APPLICATION, content("p1"), &reviewers(), Some(false));
    let Event::HolderAnswered { answer, .. } = &mut of_kind(&mut records, "holder-answered").last().unwrap().event
    else {
        panic!()
    };
    answer.consent = Some(true);
    let refused = told(&world, &rechained(&records));
    assert!(matches!(refused, SignerError::Stream(StreamError::Unsigned { .. })), "{refused}");
}
