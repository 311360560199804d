//! Streams that a portal with other code might hand to the permit signer: none is believed.

use super::world::*;
use crate::application::*;
use crate::passkey::Keyring;
use crate::role::Role;

fn verify(records: &[EventRecord]) -> Result<Application, StreamError> {
    Application::verify(records, &*KEYRING).map(|verified| verified.state)
}

/// Whether the records are believed, pledges and all.
fn is_believed(records: &[EventRecord]) -> bool {
    Application::verify(records, &*KEYRING).is_ok_and(|verified| verified.unvouched.is_empty())
}

/// Makes numbers, links and hashes of the records whole again, as a forger would.
fn chained(records: &[EventRecord]) -> Vec<EventRecord> {
    let mut chain: Vec<EventRecord> = Vec::new();
    for record in records {
        let EventRecord { application, at, by, event, signature, .. } = record.clone();
        let next = EventRecord::after(&application, chain.last(), Draft { at, by, event });
        chain.push(EventRecord { signature, ..next });
    }
    chain
}

fn whole() -> Vec<EventRecord> {
    Stream::steps([to_permit(), amendment(), vec![("chair", grant()), ("office", record_permit(2))]].concat()).records
}

#[test]
fn an_unbroken_stream_is_believed_at_each_of_its_heads() {
    let records = whole();
    for length in 1..=records.len() {
        let Verified { state, head, .. } = Application::verify(&records[..length], &*KEYRING).unwrap();
        assert_eq!(state, Application::replay(id(), &records[..length]));
        assert_eq!(Some(head), records.get(length - 1).map(|record| record.hash.clone()));
    }
    assert_eq!(chained(&records), records);
    assert!(matches!(verify(&[]), Err(StreamError::Empty)));
}

#[test]
fn a_record_left_out_swapped_or_doubled_is_noticed() {
    let records = whole();
    let last_signed = records.iter().rposition(|record| record.signature.is_some()).unwrap();
    for place in 0..records.len() - 1 {
        let mut without = records.clone();
        without.remove(place);
        let mut swapped = records.clone();
        swapped.swap(place, place + 1);
        let mut doubled = records.clone();
        doubled.insert(place, records[place].clone());
        for forged in [without, swapped, doubled] {
            assert!(matches!(verify(&forged), Err(StreamError::Broken { .. })), "{place}");
            // With every hash made anew the next signature does not fit.
            if place < last_signed {
                assert!(verify(&chained(&forged)).is_err(), "{place}");
            }
        }
    }
}

#[test]
fn a_changed_record_is_noticed_with_and_without_new_hashes() {
    let records = Stream::steps(to_permit()).records;
    let changes: [fn(&mut EventRecord); 7] = [
        |record| record.at += jiff::SignedDuration::from_nanos(1),
        |record| record.by.affiliation = "Z大学".parse().unwrap(),
        |record| {
            record.by.roles.insert(Role::Auditor);
        },
        |record| {
            record.by.seats.insert(text("chair"));
        },
        |record| record.by.user = user("outsider"),
        |record| {
            record.by.holds.insert("ehr".parse().unwrap());
        },
        |record| record.event = Event::Withdrawn {},
    ];
    let last_signed = records.iter().rposition(|record| record.signature.is_some()).unwrap();
    for place in 0..records.len() {
        for (number, change) in changes.iter().enumerate() {
            let mut forged = records.clone();
            change(&mut forged[place]);
            assert!(matches!(verify(&forged), Err(StreamError::Broken { .. })), "{place} {number}");
            if place <= last_signed {
                assert!(!is_believed(&chained(&forged)), "{place} {number}");
            }
        }
        let mut other = records.clone();
        other[place].application = "A-2026-000002".parse().unwrap();
        assert!(verify(&other).is_err());
        let mut renumbered = records.clone();
        renumbered[place].seq = u64::MAX;
        assert!(verify(&renumbered).is_err());
        let mut unknown = records.clone();
        unknown[place].policy = text("1999.1");
        assert!(matches!(verify(&unknown), Err(StreamError::Broken { .. })));
    }
}

#[test]
fn time_does_not_go_backwards() {
    let mut records = Stream::steps(to_review()).records;
    let last = records.last_mut().unwrap();
    last.at -= jiff::SignedDuration::from_secs(1);
    assert!(matches!(verify(&chained(&records)), Err(StreamError::Broken { seq: 5 })));
}

#[test]
fn an_edition_that_nobody_knows_is_refused() {
    let mut records = Stream::steps(to_review()).records;
    let record = records.last_mut().unwrap();
    record.policy = text("2099.1");
    // Its own hash, over the whole record with an empty hash, as the field's description says.
    let bare = EventRecord { hash: String::new(), signature: None, ..record.clone() };
    record.hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(serde_json::to_vec(&bare).unwrap()));
    assert!(matches!(verify(&records), Err(StreamError::UnknownRules { seq: 5 })));
}

/// The stream with one more record, signed by the passkey of `signer`.
fn with(steps: Vec<Step>, by: Actor, signer: &str, event: Event) -> Vec<EventRecord> {
    let stream = Stream::steps(steps);
    let record = EventRecord::after(&id(), stream.records.last(), Draft { at: stream.now, by, event });
    let mut records = stream.records;
    records.push(signed(record, signer));
    records
}

fn vote_for() -> Event {
    Event::VoteCast { vote: Vote { ballot: Ballot::For, comment: String::new() } }
}

#[test]
fn votes_decisions_pledges_and_consents_carry_their_actors_signature() {
    let records = whole();
    for (place, record) in records.iter().enumerate() {
        assert_eq!(record.signature.is_some(), record.event.must_be_signed());
        if record.event.must_be_signed() && !matches!(record.event, Event::PledgeSigned { .. }) {
            let mut unsigned = records.clone();
            unsigned[place].signature = None;
            assert!(matches!(verify(&unsigned), Err(StreamError::Unsigned { .. })), "{place}");
            // Somebody else's, and the own one of another act.
            let mut other = records.clone();
            other[place] = signed(record.clone(), "outsider");
            assert!(matches!(verify(&other), Err(StreamError::Unsigned { .. })), "{place}");
            let mut moved = records.clone();
            let elsewhere = records.iter().rev().find(|known| known.by == record.by && known.hash != record.hash);
            let mut elsewhere = elsewhere.cloned().unwrap();
            elsewhere = signed(elsewhere, record.by.user.as_str());
            moved[place].signature = elsewhere.signature;
            assert!(matches!(verify(&moved), Err(StreamError::Unsigned { .. })), "{place}");
        }
        // A signature where none is needed has to be a good one.
        let mut false_mark = records.clone();
        false_mark[place] = signed(record.clone(), "auditor");
        assert!(!is_believed(&false_mark));
    }
    let nobody = Application::verify(&records, &Keyring::default());
    assert!(matches!(nobody, Err(StreamError::Unsigned { .. })));
}

#[test]
fn a_pledge_that_nobody_vouches_for_is_nobody_elses_trouble() {
    let records = whole();
    let of = |name: &str| {
        let pledged = |record: &&EventRecord| matches!(record.event, Event::PledgeSigned { .. });
        records.iter().filter(pledged).find(|record| record.by.user == user(name)).unwrap().clone()
    };
    for forged in [EventRecord { signature: None, ..of("co") }, signed(of("co"), "outsider")] {
        let mut records = records.clone();
        let place = usize::try_from(forged.seq).unwrap() - 1;
        records[place] = forged.clone();
        let Verified { state, unvouched, .. } = Application::verify(&records, &*KEYRING).unwrap();
        assert_eq!(unvouched, [forged.hash].into());
        let permit = state.permit(permit_id(9), "", noon(TODAY), None).unwrap();
        assert_eq!(permit.members.into_keys().collect::<Vec<_>>(), [user("pi")]);
    }
    // Where nobody is left, there is no permit.
    let mut nobody = Stream::steps(to_pledges()).records;
    nobody.retain(|record| !matches!(record.event, Event::PledgeSigned { .. }) || record.by.user == user("co"));
    let mut nobody = chained(&nobody);
    nobody.last_mut().unwrap().signature = None;
    let state = Application::verify(&nobody, &*KEYRING).unwrap().state;
    assert_eq!(state.check_permittable(noon(TODAY)), Err(Refusal::PledgesMissing));
}

#[test]
fn what_a_person_is_not_enrolled_for_is_not_believed() {
    let granted = || Event::Decided { decision: Decision::Granted {}, findings: findings() };
    let decided = || [to_vote(), votes()].concat();
    assert!(verify(&with(decided(), actor("chair"), "chair", granted())).is_ok());
    // The chair declared no conflict and votes carry the grant, but this person is no chair by enrolment.
    let declared = [decided(), vec![("all", no_conflict())]].concat();
    let all = with(declared.clone(), actor("all"), "all", granted());
    assert!(verify(&all).is_ok());
    let as_chair = |name: &str| Actor { roles: [Role::Chair].into(), ..actor(name) };
    let mut invented = Stream::steps(decided());
    invented.act_as(&as_chair("outsider"), no_conflict()).unwrap();
    invented.act_as(&as_chair("outsider"), grant()).unwrap();
    assert!(matches!(verify(&invented.records), Err(StreamError::Unsigned { .. })));
    // A seat by the portal's word alone.
    let mut seated = Stream::steps(to_review());
    let card = ReviewerCard { seats: words(&["patients", "law", "security", "epidemiology"]), ..card("near") };
    let reviewers = [(user("near"), card), (user("r1"), super::world::card("r1"))].into();
    seated.run(vec![
        ("office", Command::AssignReviewers { reviewers }),
        ("near", no_conflict()),
        ("r1", no_conflict()),
    ]);
    seated.run(vec![("office", schedule(Way::Meeting, TODAY))]);
    let by = Actor { seats: words(&["patients", "law", "security", "epidemiology"]), ..actor("near") };
    seated.act_as(&by, ballot(Ballot::For)).unwrap();
    assert!(matches!(verify(&seated.records), Err(StreamError::Unsigned { .. })));
    // An institution by the portal's word alone: r3 is the applicant's colleague.
    let mut moved = Stream::steps(to_review());
    let away = Actor { affiliation: "Z大学 / 法学部".parse().unwrap(), ..actor("r3") };
    let card = ReviewerCard { affiliation: away.affiliation.clone(), ..super::world::card("r3") };
    moved.run(vec![
        (
            "office",
            Command::AssignReviewers { reviewers: [(user("r3"), card), (user("r1"), super::world::card("r1"))].into() },
        ),
        ("r1", no_conflict()),
    ]);
    moved.act_as(&away, no_conflict()).unwrap();
    moved.run(vec![("office", schedule(Way::Meeting, TODAY))]);
    moved.act_as(&away, ballot(Ballot::For)).unwrap();
    assert!(matches!(verify(&moved.records), Err(StreamError::Unsigned { .. })));
    // A department: r3 works in another one of the applicant's university by the portal's word alone.
    let away = Actor { affiliation: "A大学 / 法学部".parse().unwrap(), ..actor("r3") };
    assert!(KEYRING.knows(&actor("r3"), &KEYRING.iter().find(|known| known.user == away.user).unwrap().credential));
    assert!(!KEYRING.iter().any(|known| KEYRING.knows(&away, &known.credential)));
    // A consent for a source that the steward does not hold.
    let registry = content_with(|content| {
        content.datasets.insert(text("registry"), dataset(&[("registry.cases", &["site"])]));
    });
    let mut steps = to_review();
    steps[0].1 = Command::Draft { content: registry };
    let mut consented = Stream::steps(steps);
    let holder = Actor { holds: ["registry".parse().unwrap()].into(), ..actor("ndb") };
    consented.act_as(&holder, answer("H1-registry", Some(true))).unwrap();
    assert!(matches!(verify(&consented.records), Err(StreamError::Unsigned { .. })));
}

#[test]
fn whoever_signs_the_rules_still_decide() {
    let granted = Event::Decided { decision: Decision::Granted {}, findings: findings() };
    let refused = |records: &[EventRecord]| match verify(records) {
        Err(StreamError::Undecided { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&with(to_vote(), actor("chair"), "chair", granted.clone())), Some(Refusal::NoQuorum));
    assert_eq!(refused(&with(to_vote(), actor("r3"), "r3", vote_for())), Some(Refusal::ConflictOfInterest));
    assert_eq!(refused(&with(to_review(), actor("r1"), "r1", vote_for())), Some(Refusal::OutOfTurn));
    assert_eq!(refused(&with(to_review(), actor("chair"), "chair", granted)), Some(Refusal::OutOfTurn));
    let pledged = Event::PledgeSigned { version: Rules::current().pledge.version.clone() };
    assert_eq!(refused(&with(to_grant(), actor("outsider"), "outsider", pledged)), Some(Refusal::NotMember));
    let issued = Event::PermitIssued { permit: permit_id(1) };
    assert_eq!(refused(&with(to_grant(), actor("office"), "office", issued)), Some(Refusal::ConditionsOpen));
    let drafted = |stream: Vec<Step>| with(stream, actor("pi"), "pi", Event::Drafted { content: content() });
    assert_eq!(refused(&drafted(to_review())), Some(Refusal::OutOfTurn));
    assert!(verify(&drafted(Vec::new())).is_ok());
}
