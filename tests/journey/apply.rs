//! Steps 8 to 13: a draft that is kept though a field cannot be read, an invitation, a return with a comment on one field, what was
//! changed side by side.

use super::Study;
use super::desk::{Desk, signed};
use super::installation::{CO, OFFICE, PI};
use super::review::joined;
use crate::browser::Browser;

/// What the applicant wants, told to reviewers who opened the file.
pub(super) const PURPOSE: &str = "骨折で入院した人が、入院の前と後にどのような診療を受けるかを調べる。";

/// An incomplete draft outlives the window; warnings stand where they belong. Gives the application's path.
pub(super) async fn drafted(desk: &mut Desk, study: &Study) -> String {
    let page = desk.sits(&PI).await;
    page.follow("ホーム").await;
    page.see("あなたの番のものはありません").await;
    page.follow("新しい申請を書く").await;
    fill_in(page, study).await;
    page.fill("member-networks-1", "研究室の有線").await;
    page.choose("tier", "anonymized").await;
    page.press("下書きを保存").await;
    page.see("ネットワークとして読み取れません").await;
    let at = page.path().await.trim_end_matches("/edit").to_owned();

    // Somebody else's turn at the machine; then it is all there again, and the warning too.
    desk.sits(&CO).await.go(&at).await;
    let page = desk.sits(&PI).await;
    page.go(&format!("{at}/edit")).await;
    assert_eq!(page.value_of("member-networks-1").await, "研究室の有線");
    assert_eq!(page.value_of("purpose").await, PURPOSE);
    page.see("ネットワークとして読み取れません").await;
    let outside = page.text_of("#outside-tier").await;
    assert!(outside.contains("匿名化では、このままの値で提供されない") && outside.contains("ndb.claims"), "{outside}");
    page.picture("journey-01-draft").await;
    page.fill("member-networks-1", "").await;
    page.choose("tier", "pseudonymized").await;
    page.press("下書きを保存").await;
    page.see("次に動く人: 申出者").await;
    at
}

/// The whole form, of a new application.
pub(super) async fn fill_in(page: &Browser, study: &Study) {
    page.fill("研究課題名", study.title).await;
    for (member, row) in [(&PI, 0), (&CO, 1)] {
        page.press("保存して取扱者を増やす").await;
        page.fill(&format!("member-{row}"), member.user).await;
        page.fill(&format!("member-place-{row}"), "解析室").await;
    }
    for (field, words) in [
        ("研究課題の略称", study.project),
        ("purpose", PURPOSE),
        ("benefit", "高齢者の骨折の予防と、退院後の支えに役立つ。"),
        ("summary", "骨折で入院した人の診療がどう変わるかを調べます。"),
        ("funding", "あとで書く"),
        ("risk", "まれな地域は集計しない。"),
        ("retention", "解析環境の外に持ち出さない。"),
        ("publication", "学会と論文で公表する。"),
        ("ethics-board", "A大学倫理審査委員会"),
        ("ethics-number", "2026-104"),
    ] {
        page.fill(field, words).await;
    }
    for (day, when) in [
        ("利用開始日", "2026-01-01"),
        ("利用終了日", "2099-03-31"),
        ("ethics-from", "2026-01-01"),
        ("ethics-until", "2099-03-31"),
    ] {
        page.date(day, when).await;
    }
    for table in ["ndb.claims", "dpc.stays"] {
        page.unfold(table).await;
        page.fill(&format!("reason:{table}"), "入院と受診を数えるため").await;
        let dataset = table.split('.').next().unwrap();
        page.choose("table", &format!("{dataset}/2026.1:{table}")).await;
    }
    for (name, value) in [
        ("applicant_kind", "university"),
        ("no-advertising", "yes"),
        ("no-individual-decisions", "yes"),
        ("grade", "exact"),
    ] {
        page.choose(name, value).await;
    }
}

/// The co-researcher finds the invitation among her notices, in English; nobody else can use it.
pub(super) async fn invited(desk: &mut Desk, at: &str) {
    let page = desk.sits(&PI).await;
    page.go(&format!("{at}/invitations")).await;
    page.press(&format!("招待を送る: {}", CO.user)).await;
    page.see("招待中").await;
    let page = desk.sits(&CO).await;
    page.go("/?lang=en").await;
    page.follow("Notices").await;
    page.follow_to("/invitations/").await;
    page.see("Taking part as a member").await;
    let invitation = page.path().await;
    page.picture("journey-02-invitation-english").await;
    page.fill("Course", "Handling of health data").await;
    page.date("Training holds until", "2099-05-31").await;
    let stranger = desk.sits(&PI).await;
    stranger.go(&invitation).await;
    stranger.see("この招待は使えません").await;
    let page = desk.sits(&CO).await;
    page.go(&invitation).await;
    page.fill("Course", "Handling of health data").await;
    page.date("Training holds until", "2099-05-31").await;
    page.press("Take part").await;
    page.see("Whose turn").await;
    page.go(&invitation).await;
    page.see("This invitation cannot be used").await;
}

/// The secretariat misses a declaration and says so at its field; a word among themselves stays there.
pub(super) async fn returned_and_mended(desk: &mut Desk, at: &str) {
    submitted(desk, at).await;
    joined(desk, at, &PI).await;
    assert!(!desk.sits(&PI).await.text().await.contains("申請を編集"), "what is handed in is not changed");
    let page = desk.sits(&OFFICE).await;
    page.follow("ホーム").await;
    page.see("記載の漏れを確かめてください").await;
    page.follow_to(at).await;
    for (audience, words) in [("internal", "前にも同じ漏れ"), ("applicant", "資金源を書いてください")]
    {
        page.unfold("コメントする").await;
        page.choose("field", "funding").await;
        page.fill("comment-text", words).await;
        page.choose("audience", audience).await;
        page.press("コメントする").await;
        page.see(words).await;
    }
    page.unfold("差し戻す").await;
    page.fill("comment", "一点だけ直してください").await;
    page.press("差し戻す").await;
    page.see("次に動く人: 申出者").await;

    let page = desk.sits(&PI).await;
    page.follow("ホーム").await;
    page.see("差戻しの点を直してください").await;
    page.follow_to(at).await;
    let said = page.text().await;
    assert!(said.contains("資金源を書いてください") && said.contains("一点だけ直してください"), "{said}");
    assert!(!said.contains("前にも同じ漏れ"), "{said}");
    page.picture("journey-03-returned").await;
    page.go(&format!("{at}/edit")).await;
    page.see("資金源を書いてください").await;
    page.fill("funding", "科研費 24K00000").await;
    page.press("下書きを保存").await;
    submitted(desk, at).await;

    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    let changed =
        page.script("return [...document.querySelectorAll('#changes .change')].map(it => it.innerText)", vec![]).await;
    let [change] = changed.as_array().unwrap().as_slice() else { panic!("one field was changed: {changed}") };
    let change = change.as_str().unwrap();
    for words in ["資金源と利益相反", "変更前", "あとで書く", "変更後", "科研費 24K00000"] {
        assert!(change.contains(words), "{words}: {change}");
    }
    page.picture("journey-04-changed-fields").await;
}

pub(super) async fn submitted(desk: &mut Desk, at: &str) {
    let page = desk.sits(&PI).await;
    page.go(at).await;
    page.press("提出する").await;
    page.see("次に動く人: 事務局").await;
}

pub(super) async fn accepted(desk: &mut Desk, at: &str) {
    let page = desk.sits(&OFFICE).await;
    page.go(at).await;
    let boxes = page.script("return document.querySelectorAll('input[name=checklist]').length", vec![]).await;
    assert_eq!(boxes, 5);
    for item in ["identity", "ethics", "training", "funding", "minimum"] {
        page.choose("checklist", item).await;
    }
    page.press("受理して審査へ").await;
    signed(page).await;
    page.see("審査中").await;
}
