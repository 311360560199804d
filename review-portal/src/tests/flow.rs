//! The cast and the steps of the way from draft to permit, to an answer and to the end.

use jiff::Timestamp;
use policies::application::day_of;
use policies::audit;
use reqwest::StatusCode;

use super::world::{Browser, World};

pub(crate) const CONTENT: [(&str, &str); 29] = [
    ("title", "大腿骨近位部骨折と要介護認定 <b>"),
    ("project", "fracture-2026"),
    ("applicant_kind", "university"),
    ("members", "pi\nco"),
    ("place", "解析室"),
    ("country", "JP"),
    ("purpose", "公衆衛生の向上に資する。"),
    ("benefit", "骨折の予防に役立つ。"),
    ("summary", "骨折のあとの暮らしを調べます。"),
    ("funding", "科研費"),
    ("risk", "まれな地域は集計しない。"),
    ("retention", "終了後に消去する。"),
    ("publication", "学会で公表する。"),
    ("no-advertising", "yes"),
    ("no-individual-decisions", "yes"),
    ("table", "ndb/2026.1:ndb.claims"),
    ("column", "ndb/2026.1:ndb.drugs:yj_code"),
    ("table", "person/2026.1:person"),
    ("reason", "骨折と薬と年齢の関連を見るため"),
    ("tier", "pseudonymized"),
    ("profile", "standard"),
    ("grade", "exact"),
    ("period_from", "2026-01-01"),
    ("period_until", "2099-03-31"),
    ("ethics_board", "A大学倫理審査委員会"),
    ("ethics_number", "2026-104"),
    ("ethics_from", "2026-01-01"),
    ("ethics_until", "2099-03-31"),
    ("idempotency", "first-click"),
];

/// The same with other texts, and as a new form: without the key of the first.
pub(crate) fn content_with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = CONTENT.iter().filter(|(name, _)| *name != "idempotency" && changes.iter().all(|(new, _)| new != name));
    kept.chain(changes).copied().collect()
}

pub(crate) const CHECKLIST: [(&str, &str); 5] = [
    ("checklist", "identity"),
    ("checklist", "ethics"),
    ("checklist", "training"),
    ("checklist", "funding"),
    ("checklist", "minimum"),
];

pub(crate) const REVIEWERS: [(&str, &str); 3] = [("reviewer", "r1"), ("reviewer", "r2"), ("reviewer", "r3")];

pub(crate) const NO_CONFLICT: [(&str, &str); 1] = [("interest", "none")];

/// A finding for each criterion.
pub(crate) const FINDINGS: [(&str, &str); 10] = [
    ("finding-public-benefit", "met"),
    ("reason-public-benefit", "公益に当たる"),
    ("finding-minimum", "met"),
    ("reason-minimum", "必要な範囲"),
    ("finding-identification", "partly"),
    ("reason-identification", "市区町村は細かい"),
    ("finding-security", "met"),
    ("reason-security", "解析室で足りる"),
    ("finding-publication", "met"),
    ("reason-publication", "妥当"),
];

/// Some fields with a finding for each criterion.
pub(crate) fn with_findings<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    FINDINGS.iter().chain(fields).copied().collect()
}

/// A meeting today: votes are cast on its day.
pub(crate) fn sitting() -> [(&'static str, &'static str); 2] {
    let today: &'static str = Box::leak(day_of(Timestamp::now()).to_string().into_boxed_str());
    [("on", today), ("way", "meeting")]
}

pub(crate) const CONDITION: [(&str, &str); 5] = [
    ("decision", "granted-with-conditions"),
    ("condition", "市区町村別の表は不可"),
    ("owner", "co"),
    ("due", "2099-01-31"),
    ("excludes", "ndb.claims.prefecture"),
];

pub(crate) const TRAINING: [(&str, &str); 2] = [("course", "情報管理研修"), ("until", "2099-05-31")];

pub(crate) const PLEDGE: [(&str, &str); 2] = [("agree", "yes"), ("version", "2026.1")];

pub(crate) struct Cast {
    pub(crate) pi: Browser,
    pub(crate) co: Browser,
    pub(crate) r1: Browser,
    pub(crate) r2: Browser,
    pub(crate) r3: Browser,
    pub(crate) chair: Browser,
    pub(crate) office: Browser,
    pub(crate) steward: Browser,
}

impl Cast {
    pub(crate) async fn new(world: &World) -> Self {
        Self {
            pi: world.person("pi").await,
            co: world.person("co").await,
            r1: world.person("r1").await,
            r2: world.person("r2").await,
            r3: world.person("r3").await,
            chair: world.person("chair").await,
            office: world.person("office").await,
            steward: world.person("steward").await,
        }
    }

    /// Both members accept, with their training.
    pub(crate) async fn join(&self, at: &str) {
        for member in [&self.pi, &self.co] {
            member.act(&format!("{at}/join"), &TRAINING).await;
        }
    }

    /// Writes, submits, accepts, as do both members; the holder gives its opinion. Returns the application's path.
    pub(crate) async fn to_review(&self, content: &[(&str, &str)]) -> String {
        let at = self.pi.act("/applications", content).await;
        self.pi.act(&format!("{at}/submit"), &[]).await;
        self.join(&at).await;
        self.accept(&at).await;
        at
    }

    /// The secretariat accepts; the holder gives its opinion.
    pub(crate) async fn accept(&self, at: &str) {
        self.office.sign(&format!("{at}/accept"), &CHECKLIST).await;
        let answer = [("request", "H1-ndb"), ("text", "異存ない")];
        self.steward.act(&format!("{at}/answer-holder"), &answer).await;
    }

    /// Assigns R1 to R3, who declare, give their opinions, and are called to the meeting.
    pub(crate) async fn assign_and_schedule(&self, at: &str) {
        self.office.act(&format!("{at}/assign"), &REVIEWERS).await;
        for judge in [&self.r1, &self.r2, &self.chair] {
            judge.act(&format!("{at}/declare-interest"), &NO_CONFLICT).await;
        }
        for reviewer in [&self.r1, &self.r2] {
            reviewer.act(&format!("{at}/give-opinion"), &with_findings(&[("text", "審査の意見")])).await;
        }
        self.office.act(&format!("{at}/schedule"), &sitting()).await;
    }

    pub(crate) async fn to_vote(&self) -> String {
        let at = self.to_review(&CONTENT).await;
        self.assign_and_schedule(&at).await;
        at
    }

    /// Both vote for it, the chair grants it under a condition, which is met; both members pledge.
    pub(crate) async fn to_pledges(&self) -> String {
        let at = self.to_vote().await;
        for reviewer in [&self.r1, &self.r2] {
            reviewer.sign(&format!("{at}/vote"), &[("ballot", "for"), ("comment", "賛成の弁")]).await;
        }
        self.chair.sign(&format!("{at}/decide"), &with_findings(&CONDITION)).await;
        self.co.act(&format!("{at}/report-condition"), &[("condition", "1"), ("text", "設計を改めた")]).await;
        self.office.sign(&format!("{at}/confirm-condition"), &[("condition", "1")]).await;
        for member in [&self.pi, &self.co] {
            member.sign(&format!("{at}/pledge"), &PLEDGE).await;
        }
        at
    }

    pub(crate) async fn to_permit(&self) -> String {
        let at = self.to_pledges().await;
        self.office.act(&format!("{at}/permit"), &[]).await;
        at
    }
}

#[tokio::test]
async fn from_permit_to_answer_to_revocation() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_permit().await;
    let number = world.permit().id;
    // A second click and a second order give the same permit.
    cast.office.act(&format!("{at}/permit"), &[]).await;
    assert_eq!(std::fs::read_dir(world.path("store").join("permits")).unwrap().count(), 1);

    let sql = "/projects/fracture-2026/sql";
    let answer = cast.co.post(sql, &[("sql", "select sex, count(*) from ndb.claims group by sex")]).await;
    let answer = answer.text().await.unwrap();
    assert!(answer.contains("412") && answer.contains("few_persons") && answer.contains("0-9"));
    assert!(!answer.contains("閲覧用・公表不可") && !answer.contains("以前の回答から取りました"));
    let preview = cast.co.post(sql, &[("sql", "select count(*) from ndb.claims -- look around")]).await;
    let preview = preview.text().await.unwrap();
    assert!(preview.contains("閲覧用・公表不可") && preview.contains("ノイズが加えてあります"), "{preview}");
    let snapped = cast.co.post(sql, &[("sql", "select count(*) from ndb.claims -- nearly the same")]).await;
    assert!(snapped.text().await.unwrap().contains("以前の回答から取りました"));
    let refused = cast.pi.post(sql, &[("sql", "select * from ndb.claims")]).await.text().await.unwrap();
    assert!(refused.contains("guard/rows-at-root") && refused.contains("一人ひとりの行"));
    assert!(refused.contains("select * from ndb.claims"), "input is kept");
    assert_eq!(world.person("eve").await.get(sql).await.status(), StatusCode::NOT_FOUND);

    cast.office.refused(&format!("{at}/revoke"), &[("reason", " ")], "application/comment-required").await;
    cast.office.act(&format!("{at}/revoke"), &[("reason", "目的外利用")]).await;
    assert_eq!(cast.pi.get(sql).await.status(), StatusCode::NOT_FOUND);
    cast.pi.refused(&format!("{at}/close"), &[("report", "すべて消去した")], "application/out-of-turn").await;
    assert!(cast.pi.read(&at).await.contains("承諾取消し"));
    let report = audit::verify(&[world.path("portal"), world.path("permit")]).unwrap();
    assert!(report.whole(), "{report:?}");
    assert!(report.crossings.iter().filter(|crossing| crossing.holds == Some(true)).count() >= 2);
    let revoked: serde_json::Value =
        serde_json::from_slice(&std::fs::read(world.path("store").join("state.json")).unwrap()).unwrap();
    assert_eq!(revoked["revoked_permits"][0], number.as_str());
}

#[tokio::test]
async fn a_double_click_is_one_application_and_one_event() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let first = pi.act("/applications", &CONTENT).await;
    assert_eq!(pi.act("/applications", &CONTENT).await, first);
    let click = [("idempotency", "submit-1")];
    for _ in 0..2 {
        assert_eq!(pi.act(&format!("{first}/submit"), &click).await, first);
    }
    pi.refused(&format!("{first}/submit"), &[("idempotency", "submit-2")], "application/out-of-turn").await;
    let list = pi.read("/applications").await;
    assert_eq!(list.matches("/applications/A-").count(), 1);
}

#[tokio::test]
async fn a_return_shows_its_comment_and_input_is_kept() {
    let world = World::new().await;
    let (pi, office) = (world.person("pi").await, world.person("office").await);
    let half = [("title", "途中"), ("profile", "standard"), ("members", "pi")];
    let at = pi.act("/applications", &half).await;
    pi.refused(&format!("{at}/submit"), &[], "application/incomplete").await;
    let wrong = [("title", "題名は残る"), ("profile", "standard"), ("members", "pi\nnobody")];
    let answer = pi.post(&format!("{at}/edit"), &wrong).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = answer.text().await.unwrap();
    assert!(body.contains("題名は残る") && body.contains("nobody") && body.contains("aria-invalid"));
    for (name, value) in [
        ("table", "ndb/2026.1:ndb.nothing"),
        ("column", "ndb/2026.1:ndb.claims:person_key"),
        ("table", "ndb/2099.1:ndb.claims"),
        ("table", "person/2026.1:person.ndb"),
    ] {
        let answer = pi.post(&format!("{at}/edit"), &[("profile", "standard"), (name, value)]).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{value}");
    }
    pi.act(&format!("{at}/edit"), &CONTENT).await;
    pi.act(&format!("{at}/submit"), &[]).await;
    assert_eq!(pi.get(&format!("{at}/edit")).await.status(), StatusCode::OK);
    pi.refused(&format!("{at}/edit"), &half, "application/out-of-turn").await;
    office.act(&format!("{at}/return"), &[("comment", "資金源を書いてください")]).await;
    assert!(pi.read(&format!("{at}/edit")).await.contains("資金源を書いてください"));
    pi.act(&format!("{at}/submit"), &[]).await;
}
