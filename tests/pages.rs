//! The portal as people use it: a real browser, by words, by keyboard, at two widths.

use fantoccini::key::Key;
use serde_json::Value;

use crate::browser::{Browser, DESK, PHONE, Size};
use crate::world::World;

const SYNTHETIC: &str = "合成データ（実在の個人・医療機関ではありません）";

/// The worked example's kind of question: claims joined with care and hospital stays, by age and sex.
const QUESTION: &str = "\
WITH n AS (SELECT person_key, max(age) AS age, min(sex) AS sex FROM ndb.claims GROUP BY person_key),
l AS (SELECT DISTINCT person_key FROM ltc.claims),
d AS (SELECT DISTINCT person_key FROM dpc.stays)
SELECT CASE WHEN n.age >= 75 THEN '75+' WHEN n.age >= 65 THEN '65-74' ELSE '0-64' END AS age_group, n.sex,
count(*) AS persons, count(l.person_key) AS in_care, count(d.person_key) AS in_hospital
FROM n LEFT JOIN l ON l.person_key = n.person_key LEFT JOIN d ON d.person_key = n.person_key
GROUP BY 1, 2 ORDER BY 1, 2";

const ROWS: &str = "SELECT * FROM ndb.claims";

#[tokio::test]
async fn the_public_pages_are_japanese_and_at_the_switch_english() {
    let world = World::start();
    let page = Browser::open(&world.address("portal"), DESK).await;
    for path in ["/", "/use", "/use/decisions", "/profiles", "/catalog", "/catalog/ndb", "/sign-in", "/no-such-page"] {
        page.go(path).await;
        let language = page.script("return document.documentElement.lang", vec![]).await;
        let text = page.text().await;
        assert_eq!(language, "ja", "{path}");
        assert!(text.contains(SYNTHETIC) && text.contains("公式システムではなく"), "{path}: {text}");
    }
    page.go("/").await;
    page.follow("データカタログ").await;
    for dataset in ["ndb", "ltc", "dpc", "ehr", "person"] {
        assert!(page.text_of(&format!("main a[href='/catalog/{dataset}']")).await.chars().count() > 2, "{dataset}");
    }
    page.follow_to("/catalog/ndb").await;
    page.see("ndb/2026.1").await;
    let tables = page.table("main table").await;
    let claims = tables.iter().find(|row| row[0] == "ndb.claims").expect("ndb.claims is listed");
    assert!(claims[1].replace(',', "").parse::<u64>().unwrap() > 1000, "{claims:?}");
    let variables = page.table("main details[open] table.stack").await;
    let class =
        |name: &str| variables.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("no {name}"))[2].clone();
    assert_eq!(["person_key", "sex", "points"].map(class), ["個人キー", "準識別子", "測定値"]);

    page.follow("English").await;
    let text = page.text().await;
    for words in
        [SYNTHETIC, "no real persons or institutions", "quasi-identifier", "nor endorsed by it", "Data catalog"]
    {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
    page.go("/").await;
    assert!(page.text().await.contains("Rows never leave"), "the choice is remembered");
    page.follow("日本語").await;
    page.see("データカタログ").await;
}

#[tokio::test]
async fn a_researcher_gets_figures_and_a_refusal_with_its_reason_but_no_audit_log() {
    let world = World::start();
    let page = Browser::open(&world.address("portal"), DESK).await;
    page.go("/projects").await;
    assert!(page.path().await.starts_with("/sign-in"), "nobody is signed in yet");
    sign_in(&page, &world, "researcher").await;
    page.follow("研究課題").await;
    page.follow_to(&format!("/projects/{}", world.project("exact"))).await;
    page.fill("SQL", QUESTION).await;
    page.press("実行").await;
    page.see("結果").await;

    let shown = page.table("section[aria-labelledby=answer] table").await;
    assert_eq!(shown, cells(&world.answer(QUESTION)), "the page shows what the command line shows");
    assert_eq!(shown[0], ["age_group", "sex", "persons", "in_care", "in_hospital"]);
    assert!(shown[1..].iter().any(|row| row[2].parse::<u64>().is_ok_and(|persons| persons >= 10)), "{shown:?}");
    let aligned =
        "return getComputedStyle(document.querySelector('section[aria-labelledby=answer] td:nth-child(3)')).textAlign";
    assert_eq!(page.script(aligned, vec![]).await, "right");
    let said = page.text_of("section[aria-labelledby=answer]").await;
    assert!(["0-9", "10-49", "50+"].iter().any(|band| said.contains(&format!("隠したセル {band}"))), "{said}");
    assert!(said.contains("確定集計値") && said.contains("人数が少ない"), "{said}");

    page.fill("SQL", ROWS).await;
    page.press("実行").await;
    page.see("この問い合わせには答えられません").await;
    let said = page.text_of("[role=alert]").await;
    assert!(
        said.contains("一人ひとりの行") && said.contains("GROUP BY") && said.contains("guard/rows-at-root"),
        "{said}"
    );
    assert!(page.value_of("SQL").await.contains(ROWS), "what was written is kept");

    assert!(!page.text_of("header nav").await.contains("監査記録"));
    page.go("/audit").await;
    assert!(page.text_of("main").await.contains("この操作に必要な役割がありません。"));
}

#[tokio::test]
async fn everything_is_in_reach_of_the_keyboard() {
    let world = World::start();
    let page = Browser::open(&world.address("portal"), DESK).await;
    page.go("/").await;
    let stops = page.tab_to("サインイン").await;
    assert_eq!(stops.first().map(String::as_str), Some("本文へ"), "the first stop skips the menu: {stops:?}");
    page.enter().await;
    page.see("パスワード").await;
    // The first field has the focus already.
    page.keys(&world.account("researcher", "user")).await;
    page.tab_to("パスワード").await;
    page.keys(&world.account("researcher", "password")).await;
    page.tab_to("サインイン").await;
    page.enter().await;
    page.see("二段階目の本人確認").await;
    page.tab_to("デモ専用のソフトウェア認証器で署名する").await;
    page.enter().await;
    page.see("サインアウト").await;
    page.tab_to("研究課題").await;
    page.enter().await;
    page.see("承諾通知書").await;
    page.tab_to(&world.project("exact")).await;
    page.enter().await;
    page.see("実行").await;
    page.until(".cm-content").await;
    // The page's tab has the same name as the editor behind it.
    page.tab_to("SQL").await;
    page.tab_to("SQL").await;
    page.holds("return document.activeElement.matches('.cm-content')", vec![]).await;
    page.keys("SELECT sex, count(*) FROM ndb.claims GROUP BY sex").await;
    page.chord(&[Key::Escape]).await;
    page.tab_to("実行").await;
    page.enter().await;
    page.until("#cells").await;
}

#[tokio::test]
async fn an_application_says_whose_turn_it_is_and_nobody_judges_their_own() {
    let world = World::start();
    let page = Browser::open(&world.address("portal"), DESK).await;
    sign_in(&page, &world, "researcher2").await;
    let application = apply(&page, &world).await;
    page.sign_out().await;

    sign_in(&page, &world, "secretariat").await;
    page.follow("利用申請").await;
    let list = page.table("main table").await;
    let line = list.iter().find(|row| application.ends_with(&row[0])).expect("the secretariat sees the application");
    assert!(line.iter().any(|cell| cell == "受付確認中") && line.iter().any(|cell| cell == "事務局"), "{line:?}");
    page.go(&application).await;
    for line in CHECKLIST {
        page.tick(line).await;
    }
    page.press("受理して審査へ").await;
    page.press("デモ専用のソフトウェア認証器で署名する").await;
    page.see("審査中").await;
    let candidates = page.text_of("form[action$='/assign']").await;
    assert!(!candidates.contains("審査 花"), "a member is no candidate: {candidates}");
    assert!(candidates.contains("審査 月") && candidates.contains("利益相反"), "{candidates}");
    page.picture("application-review").await;
    page.tick("審査 月").await;
    page.press("審査委員を指名する").await;
    page.see("審査委員の指名").await;
    assert!(!page.has_button("審査会の日程を決める").await, "one reviewer, in conflict, is no quorum");
    post(&page, &format!("{application}/schedule"), &[("way", "meeting"), ("on", "2099-01-31")]).await;
    page.see("審査委員が定足数に足りません").await;
    page.sign_out().await;

    // Of the same organisation as a member: the file is closed.
    sign_in(&page, &world, "reviewer2").await;
    page.go(&application).await;
    assert!(page.text_of("main").await.contains("ページがないか、閲覧できません。"));
    post(&page, &format!("{application}/vote"), &[("ballot", "for")]).await;
    page.see("portal/not-found").await;
    page.sign_out().await;
    // A member, who reads it, has no vote, not even by a form of their own making.
    sign_in(&page, &world, "reviewer1").await;
    page.go(&application).await;
    page.see("透析患者の介護サービス利用").await;
    assert!(!page.has_button("投票する").await);
    post(&page, &format!("{application}/vote"), &[("ballot", "for")]).await;
    page.see("この操作に必要な役割がありません。").await;
}

/// Signs in as an account of the demo.
async fn sign_in(page: &Browser, world: &World, who: &str) {
    page.sign_in(&world.account(who, "user"), &world.account(who, "password")).await;
}

/// What the secretariat confirms, `policies/committee/2026.1.toml`.
const CHECKLIST: [&str; 5] = [
    "取扱者全員の所属と本人確認",
    "倫理審査の承認書と有効期間",
    "取扱者の研修修了証と有効期限",
    "資金源と利益相反の申告",
    "変数ごとの必要理由",
];

/// Writes an application, hands it in half empty, completes it and hands it in. Gives its path.
async fn apply(page: &Browser, world: &World) -> String {
    page.follow("利用申請").await;
    page.follow("新しい申請を書く").await;
    page.fill("研究課題名", "透析患者の介護サービス利用").await;
    page.press("下書きを保存").await;
    page.see("次に動く人").await;
    let said = page.text_of(".state").await;
    assert!(said.contains("下書き") && said.contains("次に動く人: 申出者"), "{said}");
    let application = page.path().await;
    page.press("提出する").await;
    page.see("「利用目的」を入力してください。").await;
    page.go(&format!("{application}/edit")).await;
    assert_eq!(page.value_of("研究課題名").await, "透析患者の介護サービス利用");
    write_application(page, world, &application).await;
    page.go(&application).await;
    page.press("提出する").await;
    page.see("受付確認中").await;
    let said = page.text_of(".state").await;
    assert!(said.contains("次に動く人: 事務局") && said.contains("事務局が記載の漏れを確かめ"), "{said}");
    assert_eq!(page.text_of(".progress [aria-current=step]").await, "受付確認");
    assert!(!page.has_button("受理して審査へ").await, "who asks does not accept");
    page.picture("application-submitted").await;
    let training = [("course", "データ利用者研修"), ("until", "2099-03-31")];
    post(page, &format!("{application}/join"), &training).await;
    page.see("研修修了証を更新する").await;
    page.sign_out().await;
    // The other member accepts as well: nobody is named to the committee who did not.
    sign_in(page, world, "reviewer1").await;
    page.go(&application).await;
    post(page, &format!("{application}/join"), &training).await;
    page.see("研修修了証を更新する").await;
    application
}

/// Fills the application's form; a reviewer is among the members.
async fn write_application(page: &Browser, world: &World, application: &str) {
    let members = format!("{} {}", world.account("researcher2", "user"), world.account("reviewer1", "user"));
    let fields = [
        ("title", "透析患者の介護サービス利用"),
        ("project", "dialysis-and-care"),
        ("applicant_kind", "university"),
        ("purpose", "透析患者の介護サービスの利用を集計し、地域の計画に資する。"),
        ("benefit", "地域の計画の根拠となる。"),
        ("summary", "透析を受ける人がどのような介護を使っているかを調べます。"),
        ("funding", "なし"),
        ("risk", "少数の地域は表にしない。"),
        ("retention", "研究室の金庫に置き、終了時に消去する。"),
        ("publication", "学会で発表する。"),
        ("no-advertising", "yes"),
        ("no-individual-decisions", "yes"),
        ("members", members.as_str()),
        ("place", "第一研究室"),
        ("country", "JP"),
        ("ethics_board", "倫理審査委員会"),
        ("ethics_number", "E-1"),
        ("ethics_from", "2026-04-01"),
        ("ethics_until", "2099-03-31"),
        ("period_from", "2026-04-01"),
        ("period_until", "2099-03-31"),
        ("profile", "standard"),
        ("grade", "exact"),
        ("tier", "pseudonymized"),
        ("reason", "利用の状況を数えるため"),
        ("table", "ltc/2026.1:ltc.claims"),
        ("column", "ndb/2026.1:ndb.procedures:procedure_code"),
    ];
    post(page, &format!("{application}/edit"), &fields).await;
    page.see("第一研究室").await;
}

/// Sends a form that the page does not offer, with the session's own token.
async fn post(page: &Browser, action: &str, fields: &[(&str, &str)]) {
    let fields: Value = fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let script = "
        const form = document.querySelector('form[action=\"/sign-out\"]');
        form.action = arguments[0];
        for (const [name, value] of Object.entries(arguments[1]))
            form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
        form.submit()";
    page.script(script, vec![action.into(), fields]).await;
}

#[tokio::test]
async fn every_page_fits_a_phone_and_asks_nothing_of_other_machines() {
    let world = World::start();
    for size in [DESK, PHONE] {
        let page = Browser::open(&world.address("portal"), size).await;
        for (name, path) in [
            ("home", "/"),
            ("use", "/use"),
            ("decisions", "/use/decisions"),
            ("profiles", "/profiles"),
            ("catalog", "/catalog"),
            ("dataset", "/catalog/ndb"),
            ("sign-in", "/sign-in"),
            ("not-found", "/nothing"),
        ] {
            page.go(path).await;
            look(&page, name, size).await;
        }
        sign_in(&page, &world, "researcher").await;
        for (name, path) in [
            ("start", "/"),
            ("applications", "/applications"),
            ("application-form", "/applications/new"),
            ("projects", "/projects"),
        ] {
            page.go(path).await;
            look(&page, name, size).await;
        }
        page.go("/applications").await;
        page.follow_to("/applications/A-").await;
        page.see("申請の内容").await;
        look(&page, "application", size).await;
        page.go(&format!("/projects/{}/sql", world.project("exact"))).await;
        look(&page, "sql", size).await;
        for (name, sql, words) in [("answer", QUESTION, "結果"), ("refusal", ROWS, "この問い合わせには答えられません")]
        {
            page.fill("SQL", sql).await;
            page.press("実行").await;
            page.see(words).await;
            look(&page, name, size).await;
        }
        look_at_a_preview(&page, &world, size).await;
        page.sign_out().await;
        sign_in(&page, &world, "auditor").await;
        page.go("/audit").await;
        look(&page, "audit", size).await;
    }
}

/// The mark stands on the figures themselves, in both languages, and can be seen where a wide table is scrolled.
async fn look_at_a_preview(page: &Browser, world: &World, size: Size) {
    let place = format!("/projects/{}/sql", world.project("preview"));
    for (lang, name, button, words) in [
        ("ja", "preview", "実行", "閲覧用・公表不可"),
        ("en", "preview-english", "Run", "Preview – not for publication"),
    ] {
        page.go(&format!("{place}?lang={lang}")).await;
        page.fill("SQL", QUESTION).await;
        page.press(button).await;
        page.see(words).await;
        assert!(page.text_of("section[aria-labelledby=answer] caption").await.contains(words));
        page.script("document.querySelector('section[aria-labelledby=answer] .scroll').scrollLeft = 1000", vec![])
            .await;
        let inside = "const box = document.querySelector('caption.preview span').getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth";
        assert_eq!(page.script(inside, vec![]).await, true, "the mark of {name} is cut off");
        look(page, name, size).await;
    }
    page.go("/?lang=ja").await;
}

/// One page: a picture, nothing wider than the window, every field labelled, every byte from the portal, no script but the portal's own files.
async fn look(page: &Browser, name: &str, size: Size) {
    page.picture(name).await;
    let facts = page.script(FACTS, vec![]).await;
    assert!(facts["width"].as_u64().unwrap() <= u64::from(size.0), "{name} is wider than {}: {facts}", size.0);
    assert_eq!(facts["elsewhere"], serde_json::json!([]), "{name}");
    assert_eq!(facts["unlabelled"], 0, "{name} has a field without a label");
    assert_eq!(facts["headings"], 1, "{name}");
    assert_eq!(facts["scripts"], 0, "{name}");
    let violated = page.script_later(VIOLATION).await;
    assert_eq!(
        violated,
        serde_json::json!(["img-src", "script-src-elem"]),
        "{name}: the content security policy holds"
    );
}

const FACTS: &str = "
    const loaded = performance.getEntriesByType('resource').map(entry => entry.name);
    return {
        width: document.documentElement.scrollWidth,
        elsewhere: loaded.filter(name => new URL(name).origin != location.origin),
        unlabelled: [...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(field => !field.labels.length).length,
        headings: document.querySelectorAll('h1').length,
        scripts: [...document.scripts].filter(script => !script.src.startsWith(location.origin + '/static/')).length,
    }";

/// What a planted picture from elsewhere and a planted inline script run into; in order of name.
const VIOLATION: &str = "
    const done = arguments[0], seen = new Set();
    document.addEventListener('securitypolicyviolation', event => {
        seen.add(event.effectiveDirective);
        if (seen.size == 2) done([...seen].sort());
    });
    document.body.append(Object.assign(document.createElement('img'), { src: 'https://elsewhere.example/x.png' }));
    document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = \"run\"' }));";

/// An answer of `sudare sql --format json` as the page writes it.
fn cells(answer: &Value) -> Vec<Vec<String>> {
    let names = answer["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap().to_owned());
    let text = |cell: &Value| match cell {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => cell.to_string(),
    };
    let rows = answer["rows"].as_array().unwrap().iter();
    std::iter::once(names.collect()).chain(rows.map(|row| row.as_array().unwrap().iter().map(text).collect())).collect()
}
