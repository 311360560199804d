//! Laws of the application's rules, tried with arbitrary commands by arbitrary people.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::date;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::permit::{DatasetGrant, Grade, Tier};
use crate::role::Role;

const PEOPLE: [(&str, &str, &[Role]); 8] = [
    ("pi", "University A", &[Role::Researcher]),
    ("co", "University B", &[Role::Researcher]),
    ("r1", "Institute C", &[Role::Reviewer]),
    ("r2", "Institute D", &[Role::Reviewer]),
    ("r3", "university  a", &[Role::Reviewer]),
    ("chair", "Institute E", &[Role::Chair, Role::Reviewer]),
    ("office", "Ministry", &[Role::Secretariat]),
    ("all", "University B", &Role::ALL),
];

fn actor(name: &str) -> Actor {
    let (user, organisation, roles) = PEOPLE.iter().find(|person| person.0 == name).unwrap();
    Actor {
        user: user.parse().unwrap(),
        organisation: organisation.parse().unwrap(),
        roles: roles.iter().copied().collect(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + second, 0).unwrap()
}

fn content() -> Content {
    let columns = BTreeSet::from(["sex".to_owned()]);
    let tables = BTreeMap::from([("ndb.claims".to_owned(), columns)]);
    Content {
        project: Some("fracture-2026".parse().unwrap()),
        title: "大腿骨近位部骨折と要介護認定".to_owned(),
        purpose: "公衆衛生の向上".to_owned(),
        members: BTreeMap::from([
            ("pi".parse().unwrap(), "University A".parse().unwrap()),
            ("co".parse().unwrap(), "University B".parse().unwrap()),
        ]),
        datasets: BTreeMap::from([("ndb".to_owned(), DatasetGrant { release: "2026.1".to_owned(), tables })]),
        tier: Tier::Pseudonymized,
        profile: "standard".to_owned(),
        grade: Grade::Exact,
        period: Period::new(date(2026, 1, 1), date(2029, 3, 31)),
    }
}

fn reviewers(names: &[&str]) -> Command {
    let entry = |name: &&str| (name.parse().unwrap(), actor(name).organisation);
    Command::AssignReviewers(names.iter().map(entry).collect())
}

fn ballot(ballot: Ballot) -> Command {
    Command::Vote { ballot, comment: String::new() }
}

struct Stream {
    state: Application,
    records: Vec<EventRecord>,
}

impl Stream {
    fn new() -> Self {
        Self { state: Application::unwritten("A-2026-000001".parse().unwrap()), records: Vec::new() }
    }

    fn act(&mut self, who: &str, command: Command) -> Result<(), Refusal> {
        let by = actor(who);
        for event in decide(&self.state, &by, command)? {
            self.state = apply(self.state.clone(), &event);
            let draft = Draft { at: at(0), by: by.clone(), event };
            self.records.push(EventRecord::after(&self.state.id, self.records.last(), draft));
        }
        Ok(())
    }

    fn steps(steps: Vec<(&str, Command)>) -> Self {
        let mut stream = Self::new();
        for (who, command) in steps {
            stream.act(who, command).unwrap();
        }
        stream
    }
}

fn to_vote() -> Vec<(&'static str, Command)> {
    vec![
        ("pi", Command::Draft(content())),
        ("pi", Command::Submit { at: at(0) }),
        ("office", Command::Accept),
        ("office", reviewers(&["r1", "r2", "r3"])),
        ("office", Command::OpenVoting),
    ]
}

fn to_permit() -> Vec<(&'static str, Command)> {
    let mut steps = to_vote();
    steps.extend([
        ("r1", ballot(Ballot::For)),
        ("r2", ballot(Ballot::For)),
        (
            "chair",
            Command::Decide(Decision::GrantedWithConditions {
                conditions: "市区町村別の表は不可".to_owned()
            }),
        ),
        ("pi", Command::SignPledge),
        ("co", Command::SignPledge),
    ]);
    steps
}

#[test]
fn the_whole_way_leads_to_a_permit() {
    let mut stream = Stream::steps(to_permit());
    let (state, head) = Application::verify(&stream.records).unwrap();
    let id: PermitId = "P-2026-000001".parse().unwrap();
    let permit = state.permit(id.clone(), &head, at(100), None).unwrap();
    assert_eq!(permit.members.len(), 2);
    assert_eq!(permit.expires_at.to_string(), "2029-03-31T15:00:00Z");
    stream.act("office", Command::RecordPermit(id)).unwrap();
    assert!(stream.state.is_permitted());
    assert_eq!(stream.act("pi", Command::Edit(content())), Err(Refusal::OutOfTurn));
}

#[test]
fn quorum_majority_and_conflicts() {
    let mut stream = Stream::steps(to_vote());
    let grant = || Command::Decide(Decision::Granted {});
    assert_eq!(stream.act("r3", ballot(Ballot::For)), Err(Refusal::ConflictOfInterest));
    assert_eq!(stream.act("chair", ballot(Ballot::For)), Err(Refusal::NotAssigned));
    stream.act("r1", ballot(Ballot::For)).unwrap();
    assert_eq!(stream.act("r1", ballot(Ballot::For)), Err(Refusal::AlreadyVoted));
    assert_eq!(stream.act("chair", grant()), Err(Refusal::NoQuorum));
    stream.act("r2", ballot(Ballot::Against)).unwrap();
    assert_eq!(stream.act("chair", grant()), Err(Refusal::NotByMajority));
    assert_eq!(stream.act("r1", grant()), Err(Refusal::WrongRole));
    let reject = |reason: &str| Command::Decide(Decision::Rejected { reason: reason.to_owned() });
    assert_eq!(stream.act("chair", reject(" ")), Err(Refusal::CommentRequired));
    stream.act("chair", reject("目的が不明確")).unwrap();
    assert_eq!(stream.state.stage, Stage::Rejected);
}

#[test]
fn a_declared_conflict_takes_the_vote_away() {
    let mut stream = Stream::steps(to_vote());
    stream.act("r1", ballot(Ballot::For)).unwrap();
    stream.act("r2", ballot(Ballot::For)).unwrap();
    stream.act("r2", Command::DeclareConflict).unwrap();
    assert_eq!(stream.state.tally(), (1, 1));
    assert_eq!(stream.act("chair", Command::Decide(Decision::Granted {})), Err(Refusal::NoQuorum));
}

#[test]
fn a_return_needs_a_comment_and_opens_the_draft_again() {
    let mut stream = Stream::steps(to_vote().into_iter().take(2).collect());
    assert_eq!(stream.act("pi", Command::Edit(content())), Err(Refusal::OutOfTurn));
    assert_eq!(stream.act("office", Command::Return(String::new())), Err(Refusal::CommentRequired));
    stream.act("office", Command::Return("資金源を書いてください".to_owned())).unwrap();
    assert_eq!(stream.act("co", Command::Edit(content())), Err(Refusal::NotApplicant));
    stream.act("pi", Command::Edit(content())).unwrap();
    stream.act("pi", Command::Submit { at: at(0) }).unwrap();
    assert_eq!(stream.state.stage, Stage::Submitted);
}

#[test]
fn what_is_missing_is_named() {
    let mut stream = Stream::steps(vec![("pi", Command::Draft(Content::default()))]);
    let refused = stream.act("pi", Command::Submit { at: at(0) }).unwrap_err();
    assert_eq!(refused.field(), Some(Field::Title));
    let late = Content { period: Period::new(date(2020, 1, 1), date(2020, 1, 2)), ..content() };
    stream.act("pi", Command::Edit(late)).unwrap();
    assert_eq!(stream.act("pi", Command::Submit { at: at(0) }), Err(Refusal::Incomplete(Field::Period)));
}

#[test]
fn a_changed_left_out_or_invented_event_is_noticed() {
    let records = Stream::steps(to_permit()).records;
    for place in 0..records.len() - 1 {
        let mut shorter = records.clone();
        shorter.remove(place);
        assert!(Application::verify(&shorter).is_err(), "without {place}");
    }
    let mut changed = records;
    changed[3].by.organisation = "Elsewhere".parse().unwrap();
    assert!(matches!(Application::verify(&changed), Err(StreamError::Broken { seq: 4 })));
    // A forger who recomputes every hash still has to follow the rules.
    let forged = [
        ("pi", Event::Drafted { applicant: "pi".parse().unwrap(), content: content() }),
        ("chair", Event::Decided { decision: Decision::Granted {} }),
    ];
    let mut stream: Vec<EventRecord> = Vec::new();
    for (who, event) in forged {
        let draft = Draft { at: at(0), by: actor(who), event };
        stream.push(EventRecord::after(&"A-2026-000001".parse().unwrap(), stream.last(), draft));
    }
    assert!(matches!(Application::verify(&stream), Err(StreamError::Undecided { seq: 2, .. })));
}

fn commands() -> impl Strategy<Value = Vec<(usize, Command)>> {
    let user = || (0..PEOPLE.len()).prop_map(|person| PEOPLE[person].0);
    let one = prop_oneof![
        Just(Command::Accept),
        vec(user(), 0..5).prop_map(|names| reviewers(&names)),
        Just(Command::Close("消去した".to_owned())),
        Just(Command::Decide(Decision::Granted {})),
        Just(Command::Decide(Decision::Deferred { reason: "次回".to_owned() })),
        Just(Command::Decide(Decision::Rejected { reason: "不可".to_owned() })),
        Just(Command::Decide(Decision::GrantedWithConditions { conditions: String::new() })),
        Just(Command::DeclareConflict),
        Just(Command::Edit(content())),
        Just(Command::OpenVoting),
        Just(Command::RecordPermit("P-2026-000001".parse().unwrap())),
        Just(Command::Return("直してください".to_owned())),
        Just(Command::Revoke("違反".to_owned())),
        Just(Command::SignPledge),
        Just(Command::Submit { at: at(0) }),
        Just(ballot(Ballot::For)),
        Just(ballot(Ballot::Against)),
        Just(Command::Withdraw),
    ];
    vec((0..PEOPLE.len(), one), 0..40)
}

proptest! {
    /// Whatever anybody tries from wherever on the way: no vote of a conflicted reviewer is recorded, none is decided without
    /// quorum, no permit without a grant and all pledges, and the stream replays to the state.
    #[test]
    fn laws_hold_for_any_history(prefix in 0..=10_usize, tries in commands()) {
        let mut stream = Stream::steps(to_permit().into_iter().take(prefix).collect());
        for (person, command) in tries {
            let before = stream.state.clone();
            let known = stream.records.len();
            if stream.act(PEOPLE[person].0, command).is_err() {
                prop_assert_eq!(&before, &stream.state);
            }
            for record in &stream.records[known..] {
                if let Event::VoteCast { reviewer, .. } = &record.event {
                    prop_assert!(!before.is_conflicted(reviewer));
                    prop_assert!(!before.is_members_organisation(&record.by.organisation));
                }
                if stream.state.stage.is_granted() && !before.stage.is_granted() {
                    let (votes, approvals) = before.tally();
                    prop_assert!(votes >= QUORUM && approvals * 2 > votes);
                }
                if let Event::PermitIssued { .. } = &record.event {
                    prop_assert!(before.stage.is_granted());
                    prop_assert_eq!(before.missing_pledges().count(), 0);
                }
            }
        }
        let id = stream.state.id.clone();
        prop_assert_eq!(&Application::replay(id, stream.records.iter().map(|record| &record.event)), &stream.state);
        if !stream.records.is_empty() {
            let (verified, _) = Application::verify(&stream.records).unwrap();
            prop_assert_eq!(&verified, &stream.state);
            let text = serde_json::to_string(&stream.records).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Vec<EventRecord>>(&text).unwrap(), &stream.records);
        }
    }
}
