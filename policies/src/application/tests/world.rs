//! The people of the tests, a complete application, and a stream that they act on as the portal would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::civil::{Date, date};
use jiff::{Span, Timestamp};

pub(crate) use super::paths::*;
use crate::application::*;
use crate::id::{ApplicationId, UserId};
use crate::keys::SecretBytes;
use crate::passkey::{Enrolment, Keyring, RelyingParty, SoftwareAuthenticator};
use crate::permit::{Grade, Tier};
use crate::role::Role;

/// Sign-in name, affiliation, roles, seats, sources.
type Person = (&'static str, &'static str, &'static [Role], &'static [&'static str], &'static [&'static str]);

const SEATS: &[&str] = &["patients", "law", "security", "epidemiology"];

/// The cast of scenario.md; `near` works in another department of the PI's university, `all` holds every role, seat and source.
pub(crate) const CAST: [Person; 15] = [
    ("pi", "A大学 / 医学部", &[Role::Researcher], &[], &[]),
    ("co", "B大学 / 公衆衛生", &[Role::Researcher], &[], &[]),
    ("office", "省 / 事務局", &[Role::Secretariat], &[], &[]),
    ("chair", "E研究所 / 所長室", &[Role::Chair, Role::Reviewer], &["law"], &[]),
    ("r1", "C大学 / 法学部", &[Role::Reviewer], &["patients", "law"], &[]),
    ("r2", "D研究所 / 疫学部", &[Role::Reviewer], &["security", "epidemiology"], &[]),
    ("r3", "a大学 / 医 学部", &[Role::Reviewer], SEATS, &[]),
    ("near", "A大学 / 工学部", &[Role::Reviewer], &[], &[]),
    ("ndb", "省 / 保険局", &[Role::Steward], &[], &["ndb"]),
    ("dpc", "省 / 医療課", &[Role::Steward], &[], &["dpc", "ltc"]),
    ("registry", "がん研 / 登録室", &[Role::Steward], &[], &["registry"]),
    ("checker", "H研究所 / 統計", &[Role::OutputChecker], &[], &[]),
    ("auditor", "監査法人 / 監査", &[Role::Auditor], &[], &[]),
    ("outsider", "F大学 / 文学部", &[Role::Researcher], &[], &[]),
    ("all", "G大学 / 総務", &Role::ALL, SEATS, &["ndb", "dpc", "ltc", "registry"]),
];

/// The day of every first event.
pub(crate) const TODAY: Date = date(2026, 11, 22);

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) fn actor(name: &str) -> Actor {
    let (user, affiliation, roles, seats, holds) = CAST.iter().find(|person| person.0 == name).unwrap();
    Actor {
        user: user.parse().unwrap(),
        affiliation: affiliation.parse().unwrap(),
        roles: roles.iter().copied().collect(),
        seats: words(seats),
        holds: holds.iter().map(|source| source.parse().unwrap()).collect(),
    }
}

pub(crate) fn words(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Noon in Japan.
pub(crate) fn noon(day: Date) -> Timestamp {
    format!("{day}T12:00:00+09:00").parse().unwrap()
}

pub(crate) fn days(count: i32) -> Span {
    Span::new().days(count)
}

fn party() -> RelyingParty {
    RelyingParty::localhost("https", 8443)
}

static PASSKEYS: LazyLock<BTreeMap<&'static str, SoftwareAuthenticator>> = LazyLock::new(|| {
    let seed = SecretBytes::from_slice(&[7; 32]).unwrap();
    CAST.iter().map(|person| (person.0, SoftwareAuthenticator::of(&seed, &user(person.0)))).collect()
});

/// Everybody's passkey, enrolled for just what the person is.
pub(crate) static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let mut keyring = Keyring::default();
    for (name, passkey) in PASSKEYS.iter() {
        let Actor { user, affiliation, roles, seats, holds } = actor(name);
        keyring
            .enrol(Enrolment {
                user,
                roles,
                seats,
                holds,
                affiliation,
                relying_party: party(),
                credential: passkey.credential().clone(),
                key: passkey.key(),
            })
            .unwrap();
    }
    keyring
});

/// The record with the signature of `who`.
pub(crate) fn signed(mut record: EventRecord, who: &str) -> EventRecord {
    let challenge = record.challenge().unwrap();
    record.signature = Some(PASSKEYS.get(who).unwrap().assert(&challenge, &party()));
    record
}

fn member(affiliation: &str, country: &str) -> Member {
    Member {
        affiliation: affiliation.parse().unwrap(),
        place: "研究室".to_owned(),
        country: country.to_owned(),
        networks: BTreeSet::from(["192.0.2.0/24".parse().unwrap()]),
    }
}

pub(crate) fn dataset(tables: &[(&str, &[&str])]) -> DatasetAsk {
    let ask = |(table, columns): &(&str, &[&str])| {
        ((*table).to_owned(), TableAsk { columns: words(columns), reason: "主要評価項目".to_owned() })
    };
    DatasetAsk { release: "2026.1".to_owned(), tables: tables.iter().map(ask).collect() }
}

/// An application for two databases of the Minister that may be submitted.
pub(crate) fn content() -> Content {
    let answer = |field: &FormField| {
        (field.id.clone(), if field.kind == FieldKind::Confirm { "yes" } else { "あり" }.to_owned())
    };
    Content {
        project: Some("fracture-2026".parse().unwrap()),
        title: "大腿骨近位部骨折と要介護認定".to_owned(),
        applicant_kind: Some(ApplicantKind::University),
        answers: Rules::current().form.fields().map(answer).collect(),
        members: BTreeMap::from([
            (user("pi"), member("A大学 / 医学部", "JP")),
            (user("co"), member("B大学 / 公衆衛生", "JP")),
        ]),
        datasets: BTreeMap::from([
            ("ndb".to_owned(), dataset(&[("ndb.claims", &["sex", "municipality"]), ("ndb.drugs", &["code"])])),
            ("dpc".to_owned(), dataset(&[("dpc.stays", &["days"])])),
            ("person".to_owned(), dataset(&[("person", &["birth_month"])])),
        ]),
        tier: Tier::Pseudonymized,
        profile: "ndb-publication-2024".to_owned(),
        grade: Grade::Exact,
        period: Period::new(TODAY, date(2029, 3, 31)),
        ethics: Some(Ethics {
            board: "A大学倫理審査委員会".to_owned(),
            number: "2026-104".to_owned(),
            approved_on: date(2026, 6, 1),
            until: date(2030, 3, 31),
        }),
        shells: vec![Shell {
            title: "骨折の件数".to_owned(),
            sql: "select sex, count(*) from ndb.claims group by sex".to_owned(),
            columns: vec!["sex text".to_owned(), "count int".to_owned()],
            tried: Shell::digest("select sex, count(*) from ndb.claims group by sex"),
        }],
        ..Content::default()
    }
}

pub(crate) fn content_with(change: impl FnOnce(&mut Content)) -> Content {
    let mut content = content();
    change(&mut content);
    content
}

/// A year more: within the secretariat's lane.
pub(crate) fn extended() -> Content {
    content_with(|content| content.period = Period::new(TODAY, date(2030, 3, 31)))
}

/// Another table: for the committee.
pub(crate) fn widened() -> Content {
    content_with(|content| {
        content.datasets.insert("ltc".to_owned(), dataset(&[("ltc.certifications", &["level"])]));
    })
}

pub(crate) fn text(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn accept() -> Command {
    Command::Accept { checklist: Rules::current().checklist.iter().map(|item| item.id.clone()).collect() }
}

pub(crate) fn card(name: &str) -> ReviewerCard {
    let Actor { affiliation, seats, .. } = actor(name);
    ReviewerCard { affiliation, seats, coauthors: BTreeMap::new() }
}

pub(crate) fn assign(names: &[&str]) -> Command {
    Command::AssignReviewers { reviewers: names.iter().map(|name| (user(name), card(name))).collect() }
}

pub(crate) fn no_conflict() -> Command {
    Command::DeclareInterest { conflict: None }
}

pub(crate) fn conflict() -> Command {
    Command::DeclareInterest { conflict: Some(text("共同研究者")) }
}

pub(crate) fn findings() -> FindingsByCriterion {
    let finding = Finding { fulfilment: Fulfilment::Met, reason: text("満たす") };
    Rules::current().criterion_ids().map(|criterion| (criterion.to_owned(), finding.clone())).collect()
}

pub(crate) fn opinion() -> Command {
    Command::GiveOpinion { opinion: Opinion { findings: findings(), text: String::new() } }
}

pub(crate) fn answer(request: &str, consent: Option<bool>) -> Command {
    Command::AnswerHolder { request: text(request), answer: HolderAnswer { consent, text: text("異存なし") } }
}

pub(crate) fn schedule(way: Way, on: Date) -> Command {
    Command::Schedule { sitting: Sitting { on, way } }
}

pub(crate) fn ballot(ballot: Ballot) -> Command {
    Command::Vote { vote: Vote { ballot, comment: String::new() } }
}

pub(crate) fn conclude(decision: Decision) -> Command {
    Command::Decide { decision, findings: findings() }
}

pub(crate) fn grant() -> Command {
    conclude(Decision::Granted {})
}

pub(crate) fn reject() -> Command {
    conclude(Decision::Rejected { reason: text("目的が不明確") })
}

pub(crate) fn condition(excludes: &[&str]) -> Condition {
    Condition {
        text: text("市区町村別の表は作らない"),
        owner: user("co"),
        due: date(2027, 3, 31),
        excludes: words(excludes),
    }
}

pub(crate) fn grant_with(excludes: &[&str]) -> Command {
    conclude(Decision::GrantedWithConditions { conditions: vec![condition(excludes)] })
}

pub(crate) fn join(until: Date) -> Command {
    Command::Join { training: Training { course: text("情報管理研修"), until, sha256: None } }
}

pub(crate) fn pledge() -> Command {
    Command::SignPledge { version: Rules::current().pledge.version.clone() }
}

pub(crate) fn record_permit(number: u32) -> Command {
    Command::RecordPermit { permit: permit_id(number) }
}

pub(crate) fn permit_id(number: u32) -> crate::id::PermitId {
    format!("P-2026-{number:06}").parse().unwrap()
}

pub(crate) fn restrict(narrowing: Narrowing) -> Command {
    Command::Restrict { narrowing, reason: text("大臣の指示"), answer_by: date(2029, 12, 31) }
}

pub(crate) fn incident() -> Command {
    let report = IncidentReport {
        kind: IncidentKind::SuspectedIdentification,
        severity: 2,
        text: text("まれな疾患の表"),
        noticed_on: TODAY,
    };
    Command::ReportIncident { report }
}

pub(crate) fn certify() -> Command {
    Command::CertifyDeletion { certificate: Certificate { text: text("鍵を破棄した"), sha256: None } }
}

pub(crate) struct Stream {
    pub(crate) state: Application,
    pub(crate) records: Vec<EventRecord>,
    pub(crate) now: Timestamp,
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self { state: Application::unwritten(id()), records: Vec::new(), now: noon(TODAY) }
    }

    /// All steps obeyed.
    pub(crate) fn steps(steps: Vec<Step>) -> Self {
        let mut stream = Self::new();
        stream.run(steps);
        stream
    }

    pub(crate) fn run(&mut self, steps: Vec<Step>) {
        for (place, (who, command)) in steps.into_iter().enumerate() {
            let kind = command.kind();
            if let Err(refusal) = self.act(who, command) {
                panic!("step {place}, {who}: {kind}: {refusal:?}");
            }
        }
    }

    pub(crate) fn today(&self) -> Date {
        day_of(self.now)
    }

    pub(crate) fn later(&mut self, count: i32) {
        self.on(self.today().checked_add(days(count)).unwrap());
    }

    pub(crate) fn on(&mut self, day: Date) {
        self.now = noon(day);
    }

    pub(crate) fn stage(&self) -> Stage {
        self.state.stage(Rules::current(), self.today())
    }

    /// Decides, records, signs where the event must be signed, applies.
    pub(crate) fn act(&mut self, who: &str, command: Command) -> Result<(), Refusal> {
        self.act_as(&actor(who), command)
    }

    pub(crate) fn act_as(&mut self, by: &Actor, command: Command) -> Result<(), Refusal> {
        let asking = Asking { by, at: self.now };
        for event in decide(Rules::current(), &self.state, &asking, command)? {
            let draft = Draft { at: self.now, by: by.clone(), event };
            let record = EventRecord::after(&self.state.id, self.records.last(), draft);
            let record = if record.event.must_be_signed() { signed(record, by.user.as_str()) } else { record };
            self.state = apply(std::mem::replace(&mut self.state, Application::unwritten(id())), &record.act());
            self.records.push(record);
        }
        Ok(())
    }

    pub(crate) fn refused(&mut self, who: &str, command: Command) -> Refusal {
        let (before, known) = (self.state.clone(), self.records.len());
        let kind = command.kind();
        let Err(refusal) = self.act(who, command) else { panic!("{who} could: {kind}") };
        assert_eq!((&before, known), (&self.state, self.records.len()));
        refusal
    }

    /// The permit that the signer would sign now; the stream verifies first.
    pub(crate) fn permit(&self) -> Result<crate::permit::Permit, Refusal> {
        let Verified { state, head, unvouched } = Application::verify(&self.records, &*KEYRING).unwrap();
        assert!(unvouched.is_empty());
        assert_eq!(state, self.state);
        state.permit(permit_id(9), &head, self.now, None)
    }
}

pub(crate) fn id() -> ApplicationId {
    "A-2026-000001".parse().unwrap()
}
