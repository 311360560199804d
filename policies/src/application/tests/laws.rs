//! Laws: whatever anybody tries from wherever on the way. They are counted anew from the records, not asked of the rules.

#![expect(clippy::wildcard_enum_match_arm, reason = "a law speaks of some events and not of the others")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::civil::Date;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::samples::SAMPLES;
use super::world::*;
use crate::application::*;
use crate::id::UserId;

/// Both first rounds and amendments, each in its lane.
static PATHS: LazyLock<Vec<Vec<Step>>> = LazyLock::new(|| {
    let whole = [to_permit(), amendment(), vec![("chair", grant()), ("office", record_permit(2))]].concat();
    let alone = vec![
        ("pi", Command::Amend { content: extended() }),
        ("pi", Command::Submit {}),
        ("office", grant()),
        ("office", record_permit(3)),
    ];
    vec![whole, [to_permit(), alone].concat()]
});

/// Each path's streams by the number of steps gone.
static WAYS: LazyLock<Vec<Vec<Stream>>> = LazyLock::new(|| PATHS.iter().map(|path| prefixes(path)).collect());

pub(crate) fn prefixes(path: &[Step]) -> Vec<Stream> {
    let mut streams = vec![Stream::new()];
    let mut stream = Stream::new();
    for step in path {
        stream.run(vec![step.clone()]);
        streams.push(Stream { state: stream.state.clone(), records: stream.records.clone(), now: stream.now });
    }
    streams
}

/// A path, how far it was gone, and what is tried between its next steps: who, which sample, after how many days.
type Tries = (usize, usize, Vec<Vec<(usize, usize, i32)>>);

fn tries() -> impl Strategy<Value = Tries> {
    let later = prop_oneof![12 => Just(0), 2 => 1..20, 1 => 200..400];
    let one = (0..CAST.len(), 0..SAMPLES.len(), later);
    (0..PATHS.len(), 0..PATHS[0].len(), vec(vec(one, 0..3), 0..25))
}

fn signed_by(records: &[EventRecord], kind: &str) -> BTreeMap<UserId, usize> {
    let mine = records.iter().enumerate().filter(|(_, record)| record.event.kind() == kind);
    mine.map(|(place, record)| (record.by.user.clone(), place)).collect()
}

/// Whether the person may judge at this place of the round: said so, never said the contrary, works elsewhere.
fn may_judge(round: &[EventRecord], user: &UserId, content: &Content) -> bool {
    let said = |record: &&EventRecord| record.by.user == *user && record.event.kind() == "interest-declared";
    let is_free = |record: &EventRecord| matches!(&record.event, Event::InterestDeclared { conflict: None });
    let mut sayings = round.iter().filter(said).peekable();
    sayings.peek().is_some()
        && sayings.all(is_free)
        && !content.members.contains_key(user)
        && !["pi", "co", "r3"].contains(&user.as_str())
}

fn accepted_and_heard(round: &[EventRecord], decided: usize, content: &Content) {
    let accepted = round.iter().rposition(|record| record.event.kind() == "accepted").expect("accepted in this round");
    let handed_in = round.iter().rposition(|record| record.event.kind() == "submitted").unwrap();
    assert!(handed_in < accepted && accepted < decided);
    let since = day_of(round[accepted].at);
    for dataset in content.datasets.keys().filter(|dataset| *dataset != "person") {
        let answer = round[accepted..decided].iter().find_map(|record| match &record.event {
            Event::HolderAnswered { request, answer } if request.ends_with(&format!("-{dataset}")) => {
                assert!(record.by.holds.iter().any(|source| source.as_str() == dataset));
                Some(answer)
            }
            _ => None,
        });
        if dataset == "registry" {
            assert_eq!(answer.and_then(|answer| answer.consent), Some(true));
        } else {
            assert!(answer.is_some() || day_of(round[decided].at) > since.checked_add(days(14)).unwrap());
        }
    }
}

fn carried(round: &[EventRecord], decided: usize, content: &Content) {
    let chair = &round[decided].by;
    assert!(chair.is(crate::role::Role::Chair) && may_judge(&round[..decided], &chair.user, content));
    let sitting = round[..decided].iter().rposition(|record| record.event.kind() == "scheduled").unwrap();
    let Event::Scheduled { sitting: called } = &round[sitting].event else { panic!("of another kind") };
    let begins = if called.way == Way::Meeting { called.on } else { day_of(round[sitting].at) };
    assert!(round[sitting..=decided].iter().all(|record| match &record.event {
        Event::VoteCast { .. } | Event::Decided { .. } => day_of(record.at) >= begins,
        _ => true,
    }));
    let (mut approvals, mut against, mut seats) = (0, 0, BTreeSet::new());
    for (user, place) in signed_by(&round[sitting..decided], "vote-cast") {
        let record = &round[sitting + place];
        if !may_judge(&round[..decided], &user, content) {
            continue;
        }
        seats.extend(record.by.seats.iter().cloned());
        match &record.event {
            Event::VoteCast { vote } if vote.ballot == Ballot::For => approvals += 1,
            Event::VoteCast { vote } if vote.ballot == Ballot::Against => against += 1,
            _ => {}
        }
    }
    assert!(approvals + against >= 2, "quorum");
    assert!(approvals >= against, "majority, or the chair's casting vote");
    assert!(seats.is_superset(&words(&["patients", "law", "security", "epidemiology"])), "seats");
}

/// What must have happened before a permit is made of a round.
fn a_round_was_granted(records: &[EventRecord], before: &Application, content: &Content) {
    let begins = |record: &EventRecord| matches!(record.event, Event::Drafted { .. } | Event::Amended { .. });
    let round = &records[records.iter().rposition(begins).unwrap()..];
    let decided = round.iter().rposition(|record| record.event.kind() == "decided").expect("decided in this round");
    let Event::Decided { decision, findings } = &round[decided].event else { panic!("of another kind") };
    assert!(decision.is_grant() && findings.len() == Rules::current().criteria.len());
    let alone = round[decided].by.is(crate::role::Role::Secretariat) && signed_by(round, "accepted").is_empty();
    if alone {
        let usage = before.usage.as_ref().unwrap();
        assert!(usage.content.changes(content).is_subset(&words(&["period", "ethics", "funding"])));
        assert!(!content.datasets.contains_key("registry"));
    } else {
        accepted_and_heard(round, decided, content);
        carried(round, decided, content);
    }
    if let Decision::GrantedWithConditions { conditions } = decision {
        for (number, _) in (1..).zip(conditions) {
            let met = |record: &EventRecord| matches!(record.event, Event::ConditionConfirmed { condition } if condition == number);
            assert!(round[decided..].iter().any(met), "condition {number}");
        }
    }
}

/// Each named member pledged, is trained and was not taken out; nothing that was taken out is there.
fn a_permit_names_only_who_and_what_it_may(records: &[EventRecord], state: &Application, at: Timestamp) {
    let Ok(permit) = state.permit(permit_id(9), "", at, None) else { return };
    let (pledged, joined) = (signed_by(records, "pledge-signed"), signed_by(records, "member-joined"));
    assert!(!permit.members.is_empty());
    for user in permit.members.keys() {
        assert!(pledged.contains_key(user), "pledged");
        let Event::MemberJoined { training } = &records[joined[user]].event else { panic!("of another kind") };
        assert!(training.until >= day_of(at), "trained");
    }
    let mut taken = Vec::new();
    for record in records {
        match &record.event {
            Event::Restricted { narrowing, .. } => {
                assert!(permit.members.keys().all(|user| !narrowing.members.contains(user)));
                taken.extend(&narrowing.columns);
            }
            Event::Closed { .. } | Event::Revoked { .. } => panic!("a permit after the end"),
            _ => {}
        }
    }
    for (table, columns) in permit.datasets.values().flat_map(|grant| &grant.tables) {
        assert!(!taken.contains(&table) && !columns.is_empty());
        assert!(columns.iter().all(|column| !taken.contains(&&format!("{table}.{column}"))));
    }
    let content = state
        .round
        .as_ref()
        .map(|round| &round.content)
        .into_iter()
        .chain(state.usage.as_ref().map(|usage| &usage.content));
    let ethics = content.filter_map(|content| content.ethics.as_ref()).map(|ethics| ethics.until).max().unwrap();
    assert!(day_of(permit.expires_at) <= ethics.checked_add(days(1)).unwrap() && permit.expires_at > permit.issued_at);
}

fn check_record(before: &Application, stream: &Stream) {
    let (record, earlier) = stream.records.split_last().unwrap();
    let begins = |record: &EventRecord| matches!(record.event, Event::Drafted { .. } | Event::Amended { .. });
    let round = earlier.iter().rposition(begins).map_or(earlier, |place| &earlier[place..]);
    match &record.event {
        Event::VoteCast { .. } | Event::OpinionGiven { .. } => {
            let content = before.content().unwrap();
            assert!(may_judge(round, &record.by.user, content), "{} judged", record.by.user);
        }
        Event::Accepted { .. } => {
            let joined = signed_by(earlier, "member-joined");
            assert!(before.content().unwrap().members.keys().all(|member| joined.contains_key(member)), "all accepted");
        }
        Event::PermitIssued { .. } => {
            let usage = stream.state.usage.as_ref().unwrap();
            assert!(usage.suspended.is_none() && usage.ending.is_none());
            if before.round.is_some() && stream.state.round.is_none() {
                a_round_was_granted(earlier, before, &usage.content);
                PERMITS.fetch_add(1, Ordering::Relaxed);
            } else {
                assert_eq!(before.usage.as_ref().map(|usage| &usage.content), Some(&usage.content));
            }
        }
        _ => {}
    }
    a_permit_names_only_who_and_what_it_may(&stream.records, &stream.state, record.at);
}

static PERMITS: AtomicUsize = AtomicUsize::new(0);

fn tried(stream: &mut Stream, who: &str, command: Command) {
    let (before, known) = (stream.state.clone(), stream.records.len());
    if stream.act(who, command).is_ok() {
        check_record(&before, stream);
    } else {
        assert_eq!((&before, known), (&stream.state, stream.records.len()));
    }
}

#[test]
fn laws_hold_for_any_history() {
    let config = ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&tries(), |(path, gone, between)| {
        let gone = gone.min(PATHS[path].len());
        let begin = &WAYS[path][gone];
        let mut stream = Stream { state: begin.state.clone(), records: begin.records.clone(), now: begin.now };
        let mut rest = PATHS[path][gone..].iter();
        for tries in between {
            for (person, sample, later) in tries {
                stream.later(later);
                tried(&mut stream, CAST[person].0, SAMPLES[sample].clone());
            }
            if let Some((who, command)) = rest.next() {
                tried(&mut stream, who, command.clone());
            }
        }
        prop_assert_eq!(&Application::replay(id(), &stream.records), &stream.state);
        if !stream.records.is_empty() {
            let verified = Application::verify(&stream.records, &*KEYRING).unwrap().state;
            prop_assert_eq!(&verified, &stream.state);
        }
        let text = serde_json::to_string(&stream.records).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Vec<EventRecord>>(&text).unwrap(), &stream.records);
        let text = serde_json::to_string(&stream.state).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Application>(&text).unwrap(), &stream.state);
        Ok(())
    });
    outcome.unwrap();
    assert!(PERMITS.load(Ordering::Relaxed) > 0, "no try came as far as a permit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is recorded has happened, even if no rule would have let it: nothing panics, also at the ends of the calendar.
    #[test]
    fn any_event_happens_to_any_state(
        place in (0..PATHS.len(), 0..PATHS[0].len()),
        events in vec((0..CAST.len(), 0..SAMPLES.len()), 0..30),
    ) {
        let (path, gone) = place;
        let begin = &WAYS[path][gone.min(PATHS[path].len())];
        let mut state = Application { rounds: u32::MAX - 1, ..begin.state.clone() };
        for (person, sample) in events {
            let (by, event) = (actor(CAST[person].0), SAMPLES[sample].clone().obeyed());
            for at in [Timestamp::MIN, begin.now, Timestamp::MAX] {
                let rules = Rules::current();
                state = apply(state, &Act { by: &by, at, rules, event: &event });
                drop(decide(rules, &state, &Asking { by: &by, at }, event.clone().asked()));
                drop(state.permit(permit_id(9), "", at, Some(at)));
                for day in [Date::MIN, TODAY, Date::MAX] {
                    state.stage(rules, day);
                    state.tally(rules, day);
                    state.has_lapsed(day);
                    state.is_conflicted(rules, &by.user, day);
                }
            }
        }
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Application>(&text).unwrap(), &state);
    }
}
