//! Steps 14 to 18: holders, a conflict, opinions, votes, a decision with a condition, pledges, the permit.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::Study;
use super::apply::PURPOSE;
use super::desk::{Desk, signed};
use super::installation::{CHAIR, CO, DPC, NDB, OFFICE, PI, Person, R1, R2, R3};
use crate::browser::Browser;

/// The day of the meeting: today in Japan, for votes are cast on the day.
fn sitting() -> String {
    Timestamp::now().to_zoned(Offset::constant(9).to_time_zone()).date().to_string()
}

/// What the grant asks for.
pub(super) const CONDITION: &str = "市区町村別の表は作らない";

/// Both stewards are heard about their own data.
pub(super) async fn holders_answer(desk: &mut Desk, at: &str) {
    for (steward, dataset) in [(&NDB, "ndb"), (&DPC, "dpc")] {
        let page = desk.sits(steward).await;
        page.follow("ホーム").await;
        page.see("データ保有者として回答してください").await;
        page.follow_to(at).await;
        page.see("技術的な意見を述べてください").await;
        page.fill(&format!("holder-H1-{dataset}"), "技術的な支障はない。").await;
        page.press("保有者として回答する").await;
        page.see("技術的な支障はない。").await;
        assert!(!page.has_button("保有者として回答する").await, "once, and for the own data alone");
    }
}

/// Who declares a conflict sees nothing more, at whatever address.
pub(super) async fn a_conflict_closes_the_file(desk: &mut Desk, at: &str, study: &Study) {
    assigned(desk, at, &[&R1, &R2, &R3]).await;
    for judge in [&R1, &R2, &CHAIR] {
        declared(desk, at, judge).await;
    }
    let page = desk.sits(&R3).await;
    page.follow("ホーム").await;
    page.see("利益相反の有無を申告してください").await;
    page.go(at).await;
    page.see(study.title).await;
    page.picture("journey-05-interest").await;
    page.choose("interest", "conflict").await;
    page.fill("text", "申出者と共同の講座を持つ。").await;
    page.press("利益相反の有無を申告する").await;
    page.see("表示できる申請はありません").await;
    for part in ["", "/interest", "/sheet", "/letter"] {
        page.go(&format!("{at}{part}")).await;
        page.see("ページがないか、閲覧できません。").await;
        assert!(!page.text().await.contains(study.title), "{part}");
    }
    page.go("/").await;
    page.see("あなたの番のものはありません").await;
}

pub(super) async fn assigned(desk: &mut Desk, at: &str, reviewers: &[&Person]) {
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    for reviewer in reviewers {
        page.tick(reviewer.name).await;
    }
    page.press("審査委員を指名する").await;
    page.see("申告待ち").await;
}

/// The file opens after the declaration, not before.
pub(super) async fn declared(desk: &mut Desk, at: &str, judge: &Person) {
    let page = desk.sits(judge).await;
    page.go(at).await;
    page.see("利益相反の確認").await;
    assert!(!page.text().await.contains(PURPOSE), "closed before the declaration");
    page.choose("interest", "none").await;
    page.press("利益相反の有無を申告する").await;
    page.see(PURPOSE).await;
}

/// Nobody reads another's opinion before all have given theirs.
pub(super) async fn opinions_are_hidden_until_all_are_in(desk: &mut Desk, at: &str) {
    opined(desk, at, &R1, "北の意見").await;
    for other in [&R2, &CHAIR] {
        let page = desk.sits(other).await;
        page.go(at).await;
        assert!(!page.source().await.contains("北の意見"), "{} reads it too early", other.user);
    }
    opined(desk, at, &R2, "中の意見").await;
    let page = desk.sits(&R1).await;
    page.go(at).await;
    let source = page.source().await;
    assert!(source.contains("北の意見") && source.contains("中の意見"));
    let page = desk.sits(&PI).await;
    page.go(at).await;
    assert!(!page.source().await.contains("の意見</"), "not for who asks");
    scheduled(desk, at).await;
    let page = desk.sits(&OFFICE).await;
    page.go(&format!("/meetings/{}", sitting())).await;
    let said = page.text_of("main").await;
    assert!(said.contains("退席（利益相反）") && said.contains(R3.name), "{said}");
    page.picture("journey-06-agenda").await;
}

pub(super) async fn opined(desk: &mut Desk, at: &str, reviewer: &Person, words: &str) {
    let page = desk.sits(reviewer).await;
    page.go(at).await;
    findings(page).await;
    page.fill("opinion-text", words).await;
    page.press("審査意見を出す").await;
    page.see("意見提出済み").await;
}

/// A finding and a reason for each criterion.
async fn findings(page: &Browser) {
    for criterion in ["public-benefit", "minimum", "identification", "security", "publication"] {
        page.choose(&format!("finding-{criterion}"), "met").await;
        page.fill(&format!("reason-{criterion}"), "支障はない。").await;
    }
}

pub(super) async fn scheduled(desk: &mut Desk, at: &str) {
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    page.date("期日", &sitting()).await;
    page.press("審査会の日程を決める").await;
    page.see("次に動く人: 審査委員・委員長").await;
}

/// Signed votes, a signed decision with a condition, its letter in both languages, the condition met.
pub(super) async fn granted_with_a_condition(desk: &mut Desk, at: &str) {
    for reviewer in [&R1, &R2] {
        voted(desk, at, reviewer).await;
    }
    let page = desk.signs_in_again(&CHAIR).await;
    page.go(at).await;
    page.choose("decision", "granted-with-conditions").await;
    for (field, words) in [("condition-1", CONDITION), ("owner-1", CO.user), ("excludes-1", "ndb.claims.prefecture")] {
        page.fill(field, words).await;
    }
    page.date("due-1", "2099-01-31").await;
    decided(page).await;
    page.see("条件付き承認").await;

    let page = desk.sits(&PI).await;
    page.go(at).await;
    page.follow("審査結果通知書を開く").await;
    let letter = page.text_of("article").await;
    assert!(letter.contains("東 一郎 様") && letter.contains(CONDITION) && letter.contains("1月31日"), "{letter}");
    page.picture("journey-07-letter").await;
    let page = desk.sits(&CO).await;
    page.go(at).await;
    page.follow("Open the letter of decision").await;
    page.see("Granted with conditions").await;
    page.picture("journey-08-letter-english").await;
    page.go(at).await;
    page.fill("How it was met", "The plan of tables was changed.").await;
    page.press("Report it as met").await;
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    page.press("満たされたことを確認する").await;
    signed(page).await;
    page.see("確認済み").await;
}

pub(super) async fn voted(desk: &mut Desk, at: &str, reviewer: &Person) {
    let page = desk.sits(reviewer).await;
    page.go(at).await;
    page.choose("ballot", "for").await;
    page.fill("vote-comment", "賛成する。").await;
    page.press("投票する").await;
    signed(page).await;
    page.see("投票済み").await;
}

/// The chair's findings, and the signature on the decision.
pub(super) async fn decided(page: &Browser) {
    findings(page).await;
    page.press("決定を記録する").await;
    signed(page).await;
}

/// The pledge of both, each for themselves; the permit.
pub(super) async fn permitted(desk: &mut Desk, at: &str) {
    pledged(desk, at).await;
    issued(desk, at).await;
}

/// A member's training certificate, who was not invited by mail.
pub(super) async fn joined(desk: &mut Desk, at: &str, member: &Person) {
    let page = desk.sits(member).await;
    page.go(at).await;
    page.fill("course", "情報管理研修").await;
    page.date("trained-until", "2099-05-31").await;
    page.press(if page.lang().await == "ja" { "取扱者として参加する" } else { "Join as a member" }).await;
    page.see(if page.lang().await == "ja" {
        "研修修了証を更新する"
    } else {
        "Renew the training certificate"
    })
    .await;
}

pub(super) async fn pledged(desk: &mut Desk, at: &str) {
    for (member, [agree, sign, done]) in [
        (&PI, ["上記を誓約します", "誓約書に署名する", "誓約済み"]),
        (&CO, ["I pledge this", "Sign the pledge", "pledge signed"]),
    ] {
        let page = desk.sits(member).await;
        page.go(at).await;
        page.tick(agree).await;
        page.press(sign).await;
        page.until("form[action$='/sign']").await;
        page.picture(&format!("journey-09-sign-{}", page.lang().await)).await;
        signed(page).await;
        page.see(done).await;
    }
}

pub(super) async fn issued(desk: &mut Desk, at: &str) {
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    page.press("承諾通知書を発行する").await;
    page.see("利用中").await;
}
