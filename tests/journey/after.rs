//! Steps 19, 20, 38 and 39: queries in the editor, a revocation with its reason, a second project's way to its closure, and what the
//! public sees of both.

use fantoccini::key::Key;

use super::Study;
use super::apply;
use super::desk::Desk;
use super::installation::{CHAIR, CO, OFFICE, PI, R1, R2};
use super::review;

const BY_SEX: &str = "SELECT sex, count(DISTINCT person_key) AS persons FROM ndb.claims GROUP BY sex ORDER BY sex";

/// Why the permit is taken away.
const REASON: &str = "承認された目的の外で使われた";

/// What came of the other project.
const RESULTS: &str = "冬に入院が多いことが分かりました。";

/// Persons of both sources.
const LINKED: &str = "SELECT n.sex, count(DISTINCT d.person_key) AS in_hospital FROM ndb.claims n JOIN dpc.stays d \
                      ON d.person_key = n.person_key GROUP BY n.sex";

/// By passkey alone into the portal, by keyboard alone to an answer of the engine.
pub(super) async fn the_investigator_asks(desk: &mut Desk, study: &Study) {
    let page = desk.sits(&PI).await;
    page.sign_out().await;
    page.go("/sign-in").await;
    page.press("パスキーで確認する").await;
    page.see("サインアウト").await;
    page.follow("研究課題").await;
    page.follow_to(&format!("/projects/{}", study.project)).await;
    page.until(".cm-content").await;
    // The page's tab has the same name as the editor behind it.
    page.tab_to("SQL").await;
    page.tab_to("SQL").await;
    page.holds("return document.activeElement.matches('.cm-content')", vec![]).await;
    page.keys(BY_SEX).await;
    assert_eq!(page.value_of("SQL").await, BY_SEX, "what is typed is what is sent");
    page.chord(&[Key::Control, Key::Enter]).await;
    page.until("#cells").await;
    let answer = page.table("#cells").await;
    assert_eq!(answer[0], ["sex", "persons"]);
    assert!(answer[1..].iter().all(|row| row[1].parse::<u32>().is_ok_and(|persons| persons >= 10)), "{answer:?}");
    page.picture("journey-11-answer").await;

    page.fill("SQL", LINKED).await;
    page.press("実行").await;
    let linked = page.table("#cells").await;
    assert!(linked[0] == ["sex", "in_hospital"] && linked.len() > 1, "{linked:?}");
    for (sql, code) in [
        ("SELECT prefecture, count(*) FROM ndb.claims GROUP BY prefecture", "guard/no-such-column"),
        ("SELECT count(*) FROM ltc.claims", "guard/no-such-table"),
        ("SELECT * FROM ndb.claims", "guard/rows-at-root"),
    ] {
        page.fill("SQL", sql).await;
        page.press("実行").await;
        page.see("この問い合わせには答えられません").await;
        let said = page.text_of("#outcome").await;
        assert!(said.contains(code), "{sql}: {said}");
    }
    page.picture("journey-12-refusal").await;
    page.press("この例を入れて実行").await;
    page.until("#cells").await;

    let page = desk.sits(&CO).await;
    page.go(&format!("/projects/{}/sql", study.project)).await;
    page.fill("SQL", BY_SEX).await;
    page.press("Run").await;
    page.until("#cells").await;
    page.picture("journey-13-answer-english").await;
}

/// Access ends at once, for everybody, and the reason is there to read.
pub(super) async fn revoked(desk: &mut Desk, at: &str, study: &Study) {
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    page.unfold("承諾を取り消す").await;
    page.fill("reason-revoke", REASON).await;
    page.press("承諾を取り消す").await;
    page.see(REASON).await;

    for (member, words) in [(&CO, "Permit revoked"), (&PI, "承諾取消し")] {
        let page = desk.sits(member).await;
        page.go(&format!("/projects/{}/sql", study.project)).await;
        assert!(!page.has_button("実行").await && !page.has_button("Run").await);
        page.go(at).await;
        let said = page.text_of("main").await;
        assert!(said.contains(words) && said.contains(REASON), "{said}");
    }
    desk.sits(&PI).await.picture("journey-14-revoked").await;
    certified(desk, at).await;
}

/// Another project, without a stumble.
pub(super) async fn a_second_way(desk: &mut Desk, study: &Study) -> String {
    let page = desk.sits(&PI).await;
    page.go("/applications/new").await;
    apply::fill_in(page, study).await;
    page.press("下書きを保存").await;
    page.see("次に動く人: 申出者").await;
    let at = page.path().await;
    apply::submitted(desk, &at).await;
    review::joined(desk, &at, &PI).await;
    review::joined(desk, &at, &CO).await;
    apply::accepted(desk, &at).await;
    review::holders_answer(desk, &at).await;
    review::assigned(desk, &at, &[&R1, &R2]).await;
    for judge in [&R1, &R2, &CHAIR] {
        review::declared(desk, &at, judge).await;
    }
    for reviewer in [&R1, &R2] {
        review::opined(desk, &at, reviewer, "支障はない。").await;
    }
    review::scheduled(desk, &at).await;
    for reviewer in [&R1, &R2] {
        review::voted(desk, &at, reviewer).await;
    }
    let page = desk.sits(&CHAIR).await;
    page.go(&at).await;
    page.choose("decision", "granted").await;
    review::decided(page).await;
    page.see("承認（誓約待ち）").await;
    review::pledged(desk, &at).await;
    review::issued(desk, &at).await;
    at
}

/// The investigator reports the end, the secretariat certifies it, the results are public.
pub(super) async fn closed(desk: &mut Desk, at: &str, study: &Study) {
    let page = desk.sits(&PI).await;
    page.go(&format!("/projects/{}/sql", study.project)).await;
    page.fill("SQL", BY_SEX).await;
    page.press("実行").await;
    page.until("#cells").await;
    page.go(at).await;
    page.unfold("利用終了を報告する").await;
    page.fill("close-report", "手元には何も残していない。").await;
    page.press("利用終了を報告する").await;
    page.see("次に動く人: 事務局").await;
    page.go(&format!("/projects/{}/sql", study.project)).await;
    page.see("ページがないか、閲覧できません。").await;
    certified(desk, at).await;
    let page = desk.sits(&PI).await;
    page.go(at).await;
    page.see("データ消去確認済み").await;
    page.unfold("成果の概要を届け出る").await;
    page.fill("results", RESULTS).await;
    page.press("成果の概要を届け出る").await;
    page.see("まだ公開されていません").await;
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    page.see(RESULTS).await;
    page.press("成果を公表する").await;
    page.see("成果の公表").await;
    page.picture("journey-15-closed").await;
}

/// The public register tells of both projects, and of nobody by name.
pub(super) async fn public(desk: &mut Desk, revoked: &Study, closed: &Study) {
    let page = desk.sits(&OFFICE).await;
    page.sign_out().await;
    page.go("/use").await;
    let register = page.text_of("main").await;
    let summary = "骨折で入院した人の診療がどう変わるかを調べます。";
    for words in [revoked.title, closed.title, summary, review::CONDITION, REASON, RESULTS, "承諾取消し", "univ-a"]
    {
        assert!(register.contains(words), "{words}: {register}");
    }
    for secret in [PI.name, CO.user, "解析室", "24K00000", "賛成する", "支障はない"] {
        assert!(!register.contains(secret), "{secret} is public");
    }
    page.picture("journey-16-register").await;
}

async fn certified(desk: &mut Desk, at: &str) {
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    page.fill("certificate", "課題の鍵を破棄した。").await;
    page.press("データ消去を確認する").await;
    page.see("課題の鍵を破棄した。").await;
}
