//! One application's way, decided and applied by the rules as the portal would.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use policies::application::{
    Actor, Affiliation, ApplicantKind, Application, Asking, Audience, Ballot, Certificate, Command, Condition, Content,
    DatasetAsk, Decision, Draft, Ethics, EventRecord, FieldKind, Finding, Fulfilment, HolderAnswer, IncidentKind,
    IncidentReport, IncidentStep, Member, Opinion, Period, Refusal, ReviewerCard, Rules, Sitting, TableAsk, Training,
    Vote, Way, apply, decide,
};
use policies::permit::{Grade, Tier};
use policies::{Role, UserId};

/// How far an application has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Draft,
    Submitted,
    UnderReview,
    Scheduled,
    Conditions,
    Rejected,
    Withdrawn,
    Active,
    Certified,
}

/// An application with its events.
pub(crate) struct Life {
    pub(crate) state: Application,
    pub(crate) records: Vec<EventRecord>,
    number: u32,
    now: Timestamp,
}

/// The reviewers' seats: even numbers hold two of them, odd ones the other two.
pub(crate) const SEATS: [&[&str]; 2] = [&["patients", "law"], &["security", "epidemiology"]];

/// Reviewers of the committee's pool.
pub(crate) const REVIEWERS: u32 = 12;

pub(crate) fn actor(name: &str) -> Actor {
    let seats = name.strip_prefix('r').and_then(|number| number.parse::<usize>().ok());
    let (role, at) = match name {
        "office" => (Role::Secretariat, "省 / 事務局".to_owned()),
        "chair" => (Role::Chair, "E研究所 / 所長室".to_owned()),
        "ndb" | "dpc" => (Role::Steward, format!("省 / {name}課")),
        "auditor" => (Role::Auditor, "監査法人 / 監査".to_owned()),
        _ if seats.is_some() => (Role::Reviewer, format!("審査委員{name}の研究所 / 研究部")),
        _ => (Role::Researcher, format!("大学{name} / 医学部")),
    };
    let holds = [name].into_iter().filter(|_| role == Role::Steward);
    Actor {
        user: user(name),
        affiliation: at.parse::<Affiliation>().unwrap(),
        roles: BTreeSet::from([role]),
        seats: seats.map(|number| SEATS[number % 2].iter().map(|&seat| seat.to_owned()).collect()).unwrap_or_default(),
        holds: holds.map(|source| source.parse().unwrap()).collect(),
    }
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

impl Life {
    /// The application of that number, begun on `first` by `applicant`, brought to `end` and to so many events.
    pub(crate) fn new(number: u32, applicant: &str, first: Date, end: End, events: usize) -> Self {
        let id = format!("A-{:04}-{number:06}", first.year()).parse().unwrap();
        let mut life = Self { state: Application::unwritten(id), records: Vec::new(), number, now: noon(first) };
        let fellow = format!("s{}", (number + 1) % 1500);
        life.act(applicant, Command::Draft { content: content(number, applicant, &fellow, first) });
        let edits = if end == End::Draft { events } else { 12 };
        for edit in 1..edits {
            let mut content = content(number, applicant, &fellow, first);
            content.answers.insert("funding".to_owned(), format!("科研費、{edit}回目の書き直し"));
            life.act(applicant, Command::Edit { content });
        }
        if end != End::Draft {
            life.go_on(applicant, &fellow, end, events);
        }
        life
    }

    fn go_on(&mut self, applicant: &str, fellow: &str, end: End, events: usize) {
        for member in [applicant, fellow] {
            let training = Training { course: "情報管理研修".to_owned(), until: self.day(900), sha256: None };
            self.act(member, Command::Join { training });
        }
        self.act(applicant, Command::Submit {});
        self.act("office", Command::Return { comment: "資金の出所をお書きください。".to_owned() });
        self.later(3);
        self.act(applicant, Command::Submit {});
        // The rest of the way is known in its length, and nobody comments on what is over.
        let ahead = match end {
            End::Certified => 22,
            End::Rejected => 16,
            End::Withdrawn => 1,
            _ => events,
        };
        self.talk(events.saturating_sub(ahead));
        match end {
            End::Submitted => return self.talk(events),
            End::Withdrawn => return self.act(applicant, Command::Withdraw {}),
            _ => self.review(),
        }
        if matches!(end, End::UnderReview | End::Scheduled) {
            if end == End::Scheduled {
                self.schedule(3);
            }
            return self.talk(events);
        }
        self.schedule(5);
        self.decide(end);
        if !matches!(end, End::Rejected | End::Conditions) {
            self.use_it(applicant, fellow, end);
        }
        if !matches!(end, End::Certified | End::Rejected) {
            self.talk(events);
        }
    }

    fn review(&mut self) {
        self.later(2);
        let checklist = Rules::current().checklist.iter().map(|item| item.id.clone()).collect();
        self.act("office", Command::Accept { checklist });
        self.later(3);
        for holder in ["ndb", "dpc"] {
            let answer = HolderAnswer { consent: None, text: "異存ありません。".to_owned() };
            self.act(holder, Command::AnswerHolder { request: format!("H1-{holder}"), answer });
        }
        let card = |name: &String| {
            let Actor { user, affiliation, seats, .. } = actor(name);
            (user, ReviewerCard { affiliation, seats, coauthors: BTreeMap::new() })
        };
        let reviewers = self.reviewers();
        self.act("office", Command::AssignReviewers { reviewers: reviewers.iter().map(card).collect() });
        self.later(4);
        for judge in reviewers.iter().map(String::as_str).chain(["chair"]) {
            self.act(judge, Command::DeclareInterest { conflict: None });
        }
        for reviewer in &reviewers {
            let text = "公益性は十分にあり、求める列も目的に見合う。".to_owned();
            self.act(reviewer, Command::GiveOpinion { opinion: Opinion { findings: findings(), text } });
        }
    }

    fn reviewers(&self) -> [String; 3] {
        let [one, two, three] = [self.number % REVIEWERS, (self.number + 1) % REVIEWERS, (self.number + 5) % REVIEWERS];
        [one, two, three].map(|number| format!("r{number}"))
    }

    /// On the 15th after so many days: the committee sits once a month.
    fn schedule(&mut self, days: i32) {
        let soon = self.day(days);
        let on = if soon.day() <= 15 { soon } else { soon.last_of_month().tomorrow().unwrap() };
        let on = on.with().day(15).build().unwrap();
        self.act("office", Command::Schedule { sitting: Sitting { on, way: Way::Meeting } });
    }

    fn decide(&mut self, end: End) {
        self.later(35);
        for reviewer in self.reviewers() {
            let ballot = if end == End::Rejected { Ballot::Against } else { Ballot::For };
            self.act(&reviewer, Command::Vote { vote: Vote { ballot, comment: "意見のとおり".to_owned() } });
        }
        let condition = Condition {
            text: "市区町村別の表は作らない".to_owned(),
            owner: user("office"),
            due: self.day(30),
            excludes: BTreeSet::new(),
        };
        let decision = match end {
            End::Rejected => Decision::Rejected { reason: "目的が明らかでない。".to_owned() },
            End::Conditions => Decision::GrantedWithConditions { conditions: vec![condition] },
            _ => Decision::Granted {},
        };
        self.act("chair", Command::Decide { decision, findings: findings() });
    }

    fn use_it(&mut self, applicant: &str, fellow: &str, end: End) {
        for member in [applicant, fellow] {
            let version = Rules::current().pledge.version.clone();
            self.act(member, Command::SignPledge { version });
        }
        let permit = format!("P-{:04}-{:06}", self.state.id.as_str().get(2..6).unwrap(), self.number).parse().unwrap();
        self.act("office", Command::RecordPermit { permit });
        if self.number.is_multiple_of(50) {
            let report = IncidentReport {
                kind: IncidentKind::Loss,
                severity: 1,
                text: "記録媒体を一時見失った。".to_owned(),
                noticed_on: self.day(0),
            };
            self.act(applicant, Command::ReportIncident { report });
            if end == End::Certified {
                let [addressee, text] = ["厚生労働省", "見つかった。"].map(str::to_owned);
                for step in [IncidentStep::FinalReport { addressee }, IncidentStep::Closed { text }] {
                    self.act("office", Command::FollowIncident { incident: 1, step });
                }
            }
        }
        if end == End::Certified {
            self.later(150);
            if self.number.is_multiple_of(40) {
                self.act("chair", Command::Revoke { reason: "目的外の利用".to_owned() });
            } else {
                self.act(applicant, Command::Close { report: "すべて消去した。".to_owned() });
                let summary = "骨折のあとの暮らしについて、地域の差が分かりました。".to_owned();
                self.act(applicant, Command::FileResults { summary });
                self.act("office", Command::PublishResults { filing: 1 });
            }
            self.later(5);
            let certificate = Certificate { text: "鍵を破棄した。".to_owned(), sha256: None };
            self.act("office", Command::CertifyDeletion { certificate });
        }
    }

    /// Comments of the office until there are so many events.
    fn talk(&mut self, events: usize) {
        while self.records.len() < events {
            let text = format!("{}件目の確認です。表のひな形の列をご確認ください。", self.records.len());
            self.act("office", Command::Comment { field: "shells".to_owned(), text, audience: Audience::Applicant });
        }
    }

    fn act(&mut self, who: &str, command: Command) {
        let by = actor(who);
        let kind = command.kind();
        let decided: Result<_, Refusal> =
            decide(Rules::current(), &self.state, &Asking { by: &by, at: self.now }, command);
        let events = decided.unwrap_or_else(|refusal| panic!("{who}: {kind}: {refusal:?}"));
        for event in events {
            let draft = Draft { at: self.now, by: by.clone(), event };
            let record = EventRecord::after(&self.state.id, self.records.last(), draft);
            let state = std::mem::replace(&mut self.state, Application::unwritten(record.application.clone()));
            self.state = apply(state, &record.act());
            self.records.push(record);
        }
        self.now = self.now.checked_add(Span::new().minutes(7)).unwrap();
    }

    fn later(&mut self, days: i64) {
        self.now = self.now.checked_add(Span::new().hours(24 * days)).unwrap();
    }

    fn day(&self, days: i32) -> Date {
        policies::application::day_of(self.now).checked_add(Span::new().days(days)).unwrap()
    }
}

fn noon(day: Date) -> Timestamp {
    format!("{day}T12:00:00+09:00").parse().unwrap()
}

fn findings() -> BTreeMap<String, Finding> {
    let finding = || Finding {
        fulfilment: Fulfilment::Met, reason: "申請の記載のとおりで、基準を満たす。".to_owned()
    };
    Rules::current().criterion_ids().map(|criterion| (criterion.to_owned(), finding())).collect()
}

/// Columns that there are: so many tables of two datasets, with as many columns each.
pub(crate) const TABLES: [(&str, &str); 6] = [
    ("ndb", "ndb.claims"),
    ("ndb", "ndb.drugs"),
    ("ndb", "ndb.procedures"),
    ("dpc", "dpc.stays"),
    ("dpc", "dpc.procedures"),
    ("person", "person"),
];
pub(crate) const COLUMNS: u32 = 15;

fn content(number: u32, applicant: &str, fellow: &str, first: Date) -> Content {
    let long =
        "高齢者の大腿骨近位部骨折のあとに要介護認定がどのように変わるかを、地域と年齢ごとに明らかにする。".repeat(3);
    let answer = |kind: FieldKind| if kind == FieldKind::Confirm { "yes".to_owned() } else { long.clone() };
    let member = |name: &str| Member {
        affiliation: actor(name).affiliation,
        place: "解析室".to_owned(),
        country: "JP".to_owned(),
        networks: BTreeSet::new(),
    };
    let mut datasets: BTreeMap<String, DatasetAsk> = BTreeMap::new();
    for (place, (dataset, table)) in (0..).zip(TABLES) {
        if place > 0 && (number + place).is_multiple_of(2) && table != "dpc.stays" {
            continue;
        }
        let columns = (0..COLUMNS).filter(|column| (number / 3 + column * 7 + place) % 5 < 2);
        let columns = columns.map(|column| format!("column_{column}")).collect();
        let empty = || DatasetAsk { release: "2026.1".to_owned(), tables: BTreeMap::new() };
        let ask = datasets.entry(dataset.to_owned()).or_insert_with(empty);
        ask.tables.insert(table.to_owned(), TableAsk { columns, reason: "主要な評価項目に要る".to_owned() });
    }
    let last = first.checked_add(Span::new().days(800)).unwrap();
    let approved_on = first.checked_sub(Span::new().days(60)).unwrap();
    Content {
        project: Some(format!("project-{number}").parse().unwrap()),
        title: format!("大腿骨近位部骨折と要介護認定の研究 その{number}"),
        applicant_kind: Some(ApplicantKind::University),
        answers: Rules::current().form.fields().map(|field| (field.id.clone(), answer(field.kind))).collect(),
        members: [applicant, fellow].map(|name| (user(name), member(name))).into(),
        datasets,
        tier: Tier::Pseudonymized,
        profile: "standard".to_owned(),
        grade: Grade::Exact,
        period: Period::new(first, last),
        ethics: Some(Ethics {
            board: "大学倫理審査委員会".to_owned(),
            number: format!("{number}"),
            approved_on,
            until: last,
        }),
        ..Content::default()
    }
}
