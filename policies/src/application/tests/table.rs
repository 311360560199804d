//! Who may do what at which stage, as a page for people: made by the rules, compared with `docs/application.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::LazyLock;

use jiff::civil::date;

use super::laws::prefixes;
use super::samples::SAMPLES;
use super::world::*;
use crate::application::*;

/// Begins the part of the page that this test makes.
const MARK: &str = "<!-- made by the rules: policies/src/application/tests/table.rs -->\n";

/// How the tables call the cast, and what stands for them.
const PARTS: [(&str, &str, &str, &str); 12] = [
    ("申", "pi", "申出者（取扱者でもある）", "applicant, who is a member too"),
    ("取", "co", "その他の取扱者", "another member"),
    ("事", "office", "事務局", "secretariat"),
    ("長", "chair", "委員長", "chair"),
    ("委", "r1", "審査委員（指名され、利益相反なし）", "reviewer who is named, without conflict"),
    ("反", "r3", "審査委員（指名され、利益相反あり）", "reviewer who is named, with a conflict"),
    ("他", "near", "指名されていない審査委員", "reviewer who is not named"),
    ("保", "ndb", "申請されたデータの保有者", "steward of a dataset that is asked for"),
    ("外", "registry", "別のデータの保有者", "steward of another"),
    ("持", "checker", "持出審査者", "output checker"),
    ("監", "auditor", "監査者", "auditor"),
    ("無", "outsider", "この申請と関わりのない研究者", "researcher without a part in it"),
];

/// Stages by table.
const GROUPS: [(&str, &[(Stage, &str)]); 3] = [
    (
        "申請から承諾まで / From draft to permit",
        &[
            (Stage::Unwritten, "未作成"),
            (Stage::Draft, "下書き"),
            (Stage::Submitted, "受付確認中"),
            (Stage::Returned, "差戻し"),
            (Stage::UnderReview, "審査中"),
            (Stage::MeetingScheduled, "審査会の予定あり"),
            (Stage::Deferred, "継続審査"),
            (Stage::GrantedWithConditions, "条件付き承認"),
            (Stage::Granted, "承認"),
            (Stage::Pledged, "誓約済み"),
        ],
    ),
    (
        "利用中 / In use",
        &[
            (Stage::Active, "利用中"),
            (Stage::AmendmentRequested, "変更申出中"),
            (Stage::Expiring, "まもなく終了"),
            (Stage::Suspended, "利用停止"),
        ],
    ),
    (
        "終わり / Over",
        &[
            (Stage::Closed, "利用終了"),
            (Stage::Revoked, "承諾取消し"),
            (Stage::DeletionCertified, "消去確認済み"),
            (Stage::Rejected, "不承認"),
            (Stage::Withdrawn, "取下げ"),
        ],
    ),
];

/// Japanese words of the commands, by the word of their event.
const WORDS: [(&str, &str); 33] = [
    ("drafted", "下書きを始める"),
    ("edited", "書き直す"),
    ("submitted", "提出する"),
    ("withdrawn", "取り下げる"),
    ("member-joined", "取扱者として参加する"),
    ("commented", "コメントする"),
    ("returned", "差し戻す"),
    ("accepted", "受け付ける"),
    ("holder-answered", "保有者として答える"),
    ("reviewers-assigned", "審査委員を指名する"),
    ("interest-declared", "利益相反を申告する"),
    ("opinion-given", "意見を書く"),
    ("scheduled", "審査会にかける"),
    ("vote-cast", "投票する"),
    ("decided", "決定する"),
    ("reported-to-meeting", "緊急審査を報告する"),
    ("condition-reported", "条件の充足を報告する"),
    ("condition-confirmed", "条件の充足を確認する"),
    ("pledge-signed", "誓約する"),
    ("permit-issued", "承諾通知書を記録する"),
    ("amended", "変更を申し出る"),
    ("restricted", "利用を制限する"),
    ("restriction-answered", "制限に答える"),
    ("suspended", "停止する"),
    ("resumed", "再開する"),
    ("incident-reported", "事故を報告する"),
    ("incident-followed", "事故を処理する"),
    ("revoked", "承諾を取り消す"),
    ("closed", "終了する"),
    ("deletion-certified", "消去を証明する"),
    ("results-filed", "成果を届け出る"),
    ("results-returned", "成果の書き直しを求める"),
    ("results-published", "成果を公表する"),
];

/// Ways through all stages; what is allowed anywhere at a stage is allowed at that stage.
fn paths() -> Vec<Vec<Step>> {
    let deferred = vec![("chair", conclude(Decision::Deferred { reason: text("次回") }))];
    let against = vec![("r1", ballot(Ballot::Against)), ("r2", ballot(Ballot::Against)), ("chair", reject())];
    let returned = vec![("office", Command::Return { comment: text("資金源を") })];
    let submitted: Vec<Step> = to_review().into_iter().take(4).collect();
    let granted_at_once: Vec<Step> = [to_vote(), votes(), vec![("chair", grant())]].concat();
    let narrowing = Narrowing { columns: words(&["ndb.drugs"]), ..Narrowing::default() };
    let filed = ("pi", Command::FileResults { summary: text("分かったこと") });
    let restricted = vec![("office", restrict(narrowing)), ("co", incident()), filed];
    let suspended = vec![("chair", Command::Suspend { reason: text("調査") })];
    let in_lane = vec![("pi", Command::Amend { content: extended() }), ("pi", Command::Submit {})];
    let closed = vec![("pi", Command::Close { report: text("消去した") }), ("office", certify())];
    let revoked = vec![("office", Command::Revoke { reason: text("違反") })];
    let urgent = content_with(|content| {
        content.urgent = true;
        content.applicant_kind = Some(ApplicantKind::PublicBody);
    });
    let mut urgently = [to_pledges(), vec![("office", record_permit(1))]].concat();
    urgently[0].1 = Command::Draft { content: urgent };
    let met = Command::ReportCondition { condition: 1, text: text("済") };
    let confirmed = vec![("pi", met), ("office", Command::ConfirmCondition { condition: 1 })];
    let amended =
        [amendment(), vec![("chair", grant_with(&[]))], confirmed, vec![("office", record_permit(2))]].concat();
    let unheard = |steps: Vec<Step>| -> Vec<Step> {
        steps
            .into_iter()
            .filter(|(_, command)| !["holder-answered", "opinion-given"].contains(&command.kind()))
            .collect()
    };
    let is_pledge_of_co = |(who, command): &Step| *who == "co" && command.kind() == "pledge-signed";
    let unpledged_member: Vec<Step> = to_permit().into_iter().filter(|step| !is_pledge_of_co(step)).collect();
    let suspended_amendment = [vec![("pi", Command::Amend { content: widened() })], suspended.clone()].concat();
    vec![
        unheard([to_vote(), deferred.clone()].concat()),
        [unpledged_member.clone(), vec![("co", pledge())]].concat(),
        [unpledged_member, suspended_amendment.clone()].concat(),
        [urgently.clone(), suspended_amendment, closed.clone()].concat(),
        [urgently, revoked.clone()].concat(),
        [to_vote(), deferred].concat(),
        [to_vote(), against].concat(),
        [submitted.clone(), returned].concat(),
        [submitted, vec![("pi", Command::Withdraw {})]].concat(),
        [granted_at_once, vec![("pi", pledge())], revoked.clone()].concat(),
        [to_permit(), restricted.clone(), amended].concat(),
        [to_permit(), restricted.clone(), suspended].concat(),
        [to_permit(), in_lane].concat(),
        [to_permit(), restricted.clone(), closed].concat(),
        [to_permit(), restricted, revoked].concat(),
    ]
}

type Cells = BTreeMap<(Stage, &'static str), BTreeSet<usize>>;

fn add(cells: &mut Cells, stream: &Stream) {
    let stage = stream.stage();
    for (place, (_, name, ..)) in PARTS.iter().enumerate() {
        let by = actor(name);
        let asking = Asking { by: &by, at: stream.now };
        let may = |command: &Command| decide(Rules::current(), &stream.state, &asking, command.clone()).is_ok();
        for command in SAMPLES.iter().filter(|command| may(command)) {
            cells.entry((stage, command.kind())).or_default().insert(place);
        }
    }
}

/// Who may, and which stages the paths come through.
static REACHED: LazyLock<(Cells, BTreeSet<Stage>)> = LazyLock::new(reached);

fn reached() -> (Cells, BTreeSet<Stage>) {
    let (mut cells, mut stages) = (Cells::new(), BTreeSet::new());
    for path in paths() {
        for mut stream in prefixes(&path) {
            stages.insert(stream.stage());
            add(&mut cells, &stream);
            if stream.stage() == Stage::Active {
                stream.on(date(2029, 3, 1));
                stages.insert(stream.stage());
                add(&mut cells, &stream);
            }
        }
    }
    (cells, stages)
}

fn table(cells: &Cells, stages: &[(Stage, &str)]) -> String {
    let mut page = String::from("| |");
    for (stage, ja) in stages {
        write!(page, " {ja} `{}` |", stage.as_str()).unwrap();
    }
    write!(page, "\n|---|{}\n", "---|".repeat(stages.len())).unwrap();
    for (kind, ja) in WORDS {
        let cell = |stage: Stage| match cells.get(&(stage, kind)) {
            Some(parts) => parts.iter().map(|part| PARTS[*part].0).collect::<String>(),
            None => String::new(),
        };
        let row: Vec<_> = stages.iter().map(|(stage, _)| cell(*stage)).collect();
        if row.iter().any(|cell| !cell.is_empty()) {
            writeln!(page, "| {ja} `{kind}` | {} |", row.join(" | ")).unwrap();
        }
    }
    page
}

fn page() -> String {
    let (cells, _) = &*REACHED;
    let mut page = String::from("\n| | だれ | who |\n|---|---|---|\n");
    for (mark, _, ja, en) in PARTS {
        writeln!(page, "| {mark} | {ja} | {en} |").unwrap();
    }
    for (heading, stages) in GROUPS {
        write!(page, "\n### {heading}\n\n{}", table(cells, stages)).unwrap();
    }
    page
}

#[test]
fn the_table_is_the_reviewed_one() {
    let now = page();
    let reviewed = include_str!("../../../../docs/application.md");
    let (_, reviewed) = reviewed.split_once(MARK).unwrap();
    assert!(now == reviewed, "docs/application.md differs; if the change is wanted, put this after its mark:\n{now}");
}

#[test]
fn the_table_knows_every_stage_and_every_command() {
    let stages: Vec<Stage> = GROUPS.iter().flat_map(|(_, stages)| stages.iter().map(|(stage, _)| *stage)).collect();
    assert_eq!(stages.iter().collect::<BTreeSet<_>>(), Stage::ALL.iter().collect());
    let kinds: BTreeSet<_> = WORDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, Event::KINDS.iter().copied().collect());
    let (cells, reached) = &*REACHED;
    assert_eq!(*reached, stages.into_iter().collect());
    // Each command is somebody's at some stage.
    let allowed: BTreeSet<_> = cells.keys().map(|(_, kind)| *kind).collect();
    assert_eq!(allowed, kinds);
}
