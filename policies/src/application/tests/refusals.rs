//! Every refusal, by somebody who runs into it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;

use super::world::*;
use crate::application::*;

type Case = (&'static str, Vec<Step>, &'static str, Command, Refusal);

fn check(cases: Vec<Case>) -> BTreeSet<&'static str> {
    let try_one = |(name, steps, who, command, expected): Case| {
        let mut stream = Stream::steps(steps);
        assert_eq!(stream.refused(who, command), expected, "{name}");
        expected.code()
    };
    cases.into_iter().map(try_one).collect()
}

fn draft() -> Vec<Step> {
    to_review().into_iter().take(1).collect()
}

fn submitted() -> Vec<Step> {
    to_review().into_iter().take(4).collect()
}

fn after(steps: Vec<Step>, more: &[(&'static str, Command)]) -> Vec<Step> {
    [steps, more.to_vec()].concat()
}

/// A review in which nobody has declared anything yet.
fn asked() -> Vec<Step> {
    after(to_review(), &[("office", assign(&["r1", "r2", "r3"]))])
}

/// Handed in while a member has not answered the invitation.
fn unanswered() -> Vec<Step> {
    submitted().into_iter().filter(|(who, command)| *who != "co" || command.kind() != "member-joined").collect()
}

fn handing_in() -> Vec<Case> {
    let long = || "あ".repeat(10_001);
    let blank = Command::Return { comment: text(" 　\n") };
    let comment = |text: String| Command::Comment { field: String::new(), text, audience: Audience::Applicant };
    let inner = Command::Comment { field: String::new(), text: text("内部"), audience: Audience::Internal };
    vec![
        (
            "nothing confirmed",
            submitted(),
            "office",
            Command::Accept { checklist: BTreeSet::new() },
            Refusal::ChecklistIncomplete,
        ),
        ("a member has not accepted", unanswered(), "office", accept(), Refusal::MembersNotJoined),
        ("a return says why", submitted(), "office", blank, Refusal::CommentRequired),
        ("a member edits", draft(), "co", Command::Edit { content: content() }, Refusal::NotApplicant),
        ("the secretariat submits", draft(), "office", Command::Submit {}, Refusal::NotApplicant),
        ("joining uninvited", draft(), "outsider", join(date(2027, 1, 1)), Refusal::NotMember),
        ("submitted twice", submitted(), "pi", Command::Submit {}, Refusal::OutOfTurn),
        ("drafted twice", draft(), "pi", Command::Draft { content: content() }, Refusal::OutOfTurn),
        ("comments on a draft that was never handed in", draft(), "office", comment(text("?")), Refusal::OutOfTurn),
        ("a long comment", to_review(), "office", comment(long()), Refusal::TextTooLong),
        (
            "a long name of a field",
            to_review(),
            "office",
            Command::Comment { field: long(), text: text("長い"), audience: Audience::Internal },
            Refusal::TextTooLong,
        ),
        ("a steward drafts", Vec::new(), "ndb", Command::Draft { content: content() }, Refusal::WrongRole),
        ("the applicant among themselves", to_review(), "pi", inner, Refusal::WrongRole),
        ("an outsider comments", to_review(), "outsider", comment(text("見たい")), Refusal::WrongRole),
    ]
}

fn before_the_sitting() -> Vec<Step> {
    let mut steps = to_vote();
    steps.pop();
    steps
}

fn hearing() -> Vec<Case> {
    let outsider_card = || Command::AssignReviewers { reviewers: BTreeMap::from([(user("co"), card("r1"))]) };
    let unheld = || {
        let card = ReviewerCard { seats: words(&["patients"]), ..card("near") };
        let reviewers = Command::AssignReviewers { reviewers: BTreeMap::from([(user("near"), card)]) };
        after(to_review(), &[("office", reviewers), ("near", no_conflict())])
    };
    let unseated = || {
        let declared = [("office", assign(&["r1", "near"])), ("r1", no_conflict()), ("near", no_conflict())];
        after(to_review(), &declared)
    };
    let yesterday = date(2026, 11, 21);
    let answered = after(to_review(), &[("ndb", answer("H1-ndb", None))]);
    vec![
        ("the holder answered", answered, "ndb", answer("H1-ndb", None), Refusal::AlreadyAnswered),
        ("the opinion is in", to_vote(), "r1", opinion(), Refusal::AlreadyAnswered),
        ("declared", to_vote(), "r3", ballot(Ballot::For), Refusal::ConflictOfInterest),
        ("undoing a declaration", to_vote(), "r3", no_conflict(), Refusal::ConflictOfInterest),
        ("found by the department", asked(), "r3", no_conflict(), Refusal::ConflictOfInterest),
        (
            "a sitting yesterday",
            before_the_sitting(),
            "office",
            schedule(Way::Meeting, yesterday),
            Refusal::DateInThePast,
        ),
        ("not declared", asked(), "r1", opinion(), Refusal::InterestNotDeclared),
        ("the chair has not declared", asked(), "chair", schedule(Way::Meeting, TODAY), Refusal::InterestNotDeclared),
        ("no such request", to_review(), "ndb", answer("H2-ndb", None), Refusal::NoSuchEntry),
        (
            "a circulation of a month",
            before_the_sitting(),
            "office",
            schedule(Way::Circulation, date(2026, 12, 22)),
            Refusal::NoSuchEntry,
        ),
        ("consent instead of an opinion", to_review(), "ndb", answer("H1-ndb", Some(true)), Refusal::NotAsked),
        ("not named", asked(), "near", no_conflict(), Refusal::NotAssigned),
        ("another's database", to_review(), "dpc", answer("H1-ndb", None), Refusal::NotTheHolder),
        ("a member as reviewer", to_review(), "office", outsider_card(), Refusal::OwnApplication),
        ("seats missing at the scheduling", unseated(), "office", schedule(Way::Meeting, TODAY), Refusal::SeatMissing),
        ("a seat by the secretariat's word alone", unheld(), "near", opinion(), Refusal::SeatNotHeld),
        ("nobody named", to_review(), "office", assign(&[]), Refusal::TooFewReviewers),
        ("nobody has declared", asked(), "office", schedule(Way::Meeting, TODAY), Refusal::TooFewReviewers),
    ]
}

fn voting() -> Vec<Case> {
    let one_for = || after(to_vote(), &[("r1", ballot(Ballot::For))]);
    let unheard = [to_vote(), votes()].concat().into_iter().filter(|(who, _)| *who != "ndb").collect();
    let unreasoned = Command::Decide { decision: Decision::Granted {}, findings: BTreeMap::new() };
    vec![
        (
            "a vote on the eve of the meeting",
            after(before_the_sitting(), &[("office", schedule(Way::Meeting, date(2026, 11, 23)))]),
            "r1",
            ballot(Ballot::For),
            Refusal::TooEarly,
        ),
        ("one vote each", one_for(), "r1", ballot(Ballot::Against), Refusal::AlreadyVoted),
        (
            "a condition says what",
            one_for(),
            "chair",
            conclude(Decision::GrantedWithConditions { conditions: Vec::new() }),
            Refusal::CommentRequired,
        ),
        ("no findings", after(to_vote(), &votes()), "chair", unreasoned, Refusal::FindingsMissing),
        ("the holders have days left", unheard, "chair", grant(), Refusal::HolderNotHeard),
        ("one short", one_for(), "chair", grant(), Refusal::NoQuorum),
        ("one short of a rejection", one_for(), "chair", reject(), Refusal::NoQuorum),
        (
            "a column nobody asked for",
            after(to_vote(), &votes()),
            "chair",
            grant_with(&["ndb.claims.name"]),
            Refusal::NoSuchEntry,
        ),
        ("the chair does not vote unless named", to_vote(), "chair", ballot(Ballot::For), Refusal::NotAssigned),
        ("for, and rejected", after(to_vote(), &votes()), "chair", reject(), Refusal::NotByMajority),
        (
            "votes that carry are a decision",
            after(to_vote(), &votes()),
            "chair",
            conclude(Decision::Undecided {}),
            Refusal::NotByMajority,
        ),
        ("a vote before the sitting", asked(), "r1", ballot(Ballot::For), Refusal::OutOfTurn),
        ("a reviewer decides", after(to_vote(), &votes()), "r1", grant(), Refusal::WrongRole),
        ("the secretariat decides", after(to_vote(), &votes()), "office", grant(), Refusal::WrongRole),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn after_the_grant() -> Vec<Case> {
    let stop = Command::Suspend { reason: text("調査") };
    let stopped = || after(to_permit(), &[("chair", Command::Suspend { reason: text("調査") })]);
    let confirm = |condition| Command::ConfirmCondition { condition };
    let narrowing = |column: &str| Narrowing { columns: words(&[column]), ..Narrowing::default() };
    let renamed = content_with(|content| content.project = Some("other-2026".parse().unwrap()));
    let answered = Command::AnswerRestriction { restriction: 1, text: text("承知した") };
    let severity = |severity, noticed_on| {
        let report = IncidentReport { kind: IncidentKind::Loss, severity, text: text("紛失"), noticed_on };
        Command::ReportIncident { report }
    };
    let met = Command::ReportCondition { condition: 1, text: text("済") };
    let unpledged = after(to_vote(), &[("r1", ballot(Ballot::For)), ("r2", ballot(Ballot::For)), ("chair", grant())]);
    let met_unpledged = after(to_grant(), &[("pi", met.clone()), ("office", confirm(1))]);
    vec![
        ("confirmed twice", to_pledges(), "office", confirm(1), Refusal::AlreadyAnswered),
        ("reported after it is met", met_unpledged, "pi", met, Refusal::AlreadyAnswered),
        ("the same permit twice", to_permit(), "office", record_permit(1), Refusal::AlreadyAnswered),
        ("pledged twice", to_pledges(), "pi", pledge(), Refusal::AlreadyPledged),
        (
            "a condition is open",
            after(to_grant(), &[("pi", pledge())]),
            "office",
            record_permit(1),
            Refusal::ConditionsOpen,
        ),
        ("no such condition", to_grant(), "office", confirm(2), Refusal::NoSuchEntry),
        ("no condition of number nought", to_grant(), "office", confirm(0), Refusal::NoSuchEntry),
        ("not reported as met", to_grant(), "office", confirm(1), Refusal::NotReported),
        ("no restriction to answer", to_permit(), "pi", answered, Refusal::NoSuchEntry),
        ("a misspelt column", to_permit(), "office", restrict(narrowing("ndb.claims.sexx")), Refusal::NoSuchEntry),
        ("an incident without measure", to_permit(), "pi", severity(4, TODAY), Refusal::NoSuchEntry),
        ("an incident of tomorrow", to_permit(), "pi", severity(1, date(2026, 11, 23)), Refusal::NoSuchEntry),
        ("a narrowing of nothing", to_permit(), "office", restrict(Narrowing::default()), Refusal::NothingChanged),
        (
            "an amendment of nothing",
            after(to_permit(), &[("pi", Command::Amend { content: content() })]),
            "pi",
            Command::Submit {},
            Refusal::NothingChanged,
        ),
        ("an outsider pledges", to_pledges(), "outsider", pledge(), Refusal::NotMember),
        ("an old text", to_grant(), "pi", Command::SignPledge { version: text("2025.1") }, Refusal::OldPledge),
        ("a renamed project", to_permit(), "pi", Command::Amend { content: renamed }, Refusal::ProjectFixed),
        ("nobody pledged", unpledged, "office", record_permit(1), Refusal::PledgesMissing),
        ("stopped already", stopped(), "office", stop, Refusal::OutOfTurn),
        ("no permit while it is stopped", stopped(), "office", record_permit(2), Refusal::OutOfTurn),
        (
            "no permit after a use ended",
            after(to_permit(), &[("pi", Command::Close { report: text("消去した") })]),
            "office",
            record_permit(2),
            Refusal::OutOfTurn,
        ),
        (
            "closed before the final report",
            after(to_permit(), &[("co", incident())]),
            "office",
            Command::FollowIncident { incident: 1, step: IncidentStep::Closed { text: text("再発防止") } },
            Refusal::FinalReportMissing,
        ),
        ("resumed without a stop", to_permit(), "office", Command::Resume { reason: text("済") }, Refusal::OutOfTurn),
        ("nothing to certify", to_permit(), "office", certify(), Refusal::OutOfTurn),
        ("the chair narrows", to_permit(), "chair", restrict(narrowing("ndb.claims.sex")), Refusal::WrongRole),
    ]
}

#[test]
fn each_refusal_has_somebody_who_meets_it() {
    let mut met = check([handing_in(), hearing(), voting(), after_the_grant()].concat());
    let mut stream = Stream::steps(Vec::new());
    stream.act("pi", Command::Draft { content: Content::default() }).unwrap();
    let refusal = stream.refused("pi", Command::Submit {});
    assert!(!refusal.problems().is_empty());
    met.insert(refusal.code());
    // It takes megabytes: see `size.rs`.
    stream.state.bytes = STREAM_MAX;
    met.insert(stream.refused("pi", Command::Edit { content: Content::default() }).code());
    let all: BTreeSet<_> = Refusal::ALL.iter().chain([&refusal]).map(Refusal::code).collect();
    assert_eq!(met, all, "left: met here, right: known");
}

#[test]
fn no_text_is_endless() {
    let long = || "あ".repeat(10_001);
    let long_findings = || {
        let finding = Finding { fulfilment: Fulfilment::Met, reason: long() };
        findings().into_keys().map(|criterion| (criterion, finding.clone())).collect::<FindingsByCriterion>()
    };
    let answer = HolderAnswer { consent: None, text: long() };
    let vote = Vote { ballot: Ballot::For, comment: long() };
    let opinion = |findings, text| Command::GiveOpinion { opinion: Opinion { findings, text } };
    let training = |course: String, sha256: Option<String>| Command::Join {
        training: Training { course, until: date(2027, 5, 22), sha256 },
    };
    let wordy = Condition { text: long(), ..condition(&[]) };
    let certificate = |text, sha256| Command::CertifyDeletion { certificate: Certificate { text, sha256 } };
    let closed = || after(to_permit(), &[("pi", Command::Close { report: text("消去した") })]);
    let reviewed = || after(asked(), &[("r1", no_conflict())]);
    let cases = vec![
        (to_review(), "ndb", Command::AnswerHolder { request: text("H1-ndb"), answer }),
        (reviewed(), "r1", opinion(long_findings(), String::new())),
        (reviewed(), "r1", opinion(findings(), long())),
        (reviewed(), "r1", Command::DeclareInterest { conflict: Some(long()) }),
        (to_vote(), "r1", Command::Vote { vote }),
        (after(to_vote(), &votes()), "chair", conclude(Decision::GrantedWithConditions { conditions: vec![wordy] })),
        (after(to_vote(), &votes()), "chair", conclude(Decision::Rejected { reason: long() })),
        (
            after(to_vote(), &votes()),
            "chair",
            Command::Decide { decision: Decision::Granted {}, findings: long_findings() },
        ),
        (draft(), "co", training(long(), None)),
        (draft(), "co", training(text("研修"), Some(long()))),
        (closed(), "office", certificate(long(), None)),
        (closed(), "office", certificate(text("消去"), Some(long()))),
        (to_permit(), "pi", Command::FileResults { summary: long() }),
        (to_permit(), "chair", Command::Suspend { reason: long() }),
        (to_grant(), "pi", Command::ReportCondition { condition: 1, text: long() }),
    ];
    for (steps, who, command) in cases {
        let kind = command.kind();
        assert_eq!(Stream::steps(steps).refused(who, command), Refusal::TextTooLong, "{kind}");
    }
}

#[test]
fn each_refusal_is_said_in_both_languages() {
    let shown: Vec<_> = Refusal::ALL.iter().map(|refusal| (refusal.ja(), refusal.to_string())).collect();
    assert!(shown.iter().all(|(ja, en)| ja.ends_with('。') && !en.is_empty() && en.is_ascii()));
    let distinct: BTreeSet<_> = shown.iter().collect();
    assert_eq!(distinct.len(), shown.len());
}
