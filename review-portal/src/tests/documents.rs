//! Letters, incident reports, sheets and minutes, as a person saves them: the PDF says what the page says.

use reqwest::StatusCode;

use super::flow::{CONDITION, Cast, content_with, with_findings};
use super::world::{Browser, World};
use crate::documents::tests::{dense, pages_of, text_of};

/// Saves a document and looks at how it comes.
async fn save(browser: &Browser, path: &str, name: &str) -> Vec<u8> {
    let answer = browser.get(path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(header("content-disposition"), format!("attachment; filename=\"{name}\""));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"));
    let bytes = answer.bytes().await.unwrap().to_vec();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    bytes
}

/// Where the page's button leads.
async fn button(browser: &Browser, page: &str) -> String {
    let body = browser.read(page).await;
    let link = body.split("<a class=\"button secondary\" href=\"").nth(1).unwrap();
    assert!(link.contains("PDFで保存") || link.contains("Save as PDF"), "{link}");
    link.split('"').next().unwrap().to_owned()
}

#[expect(clippy::too_many_lines, reason = "a list of what stands in a letter")]
#[tokio::test]
async fn the_letter_is_saved_in_both_languages_and_by_nobody_else() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_vote().await;
    let id = at.rsplit('/').next().unwrap();
    assert_eq!(cast.pi.get(&format!("{at}/letter.pdf")).await.status(), StatusCode::NOT_FOUND, "nothing is decided");
    for reviewer in [&cast.r1, &cast.r2] {
        reviewer.sign(&format!("{at}/vote"), &[("ballot", "for"), ("comment", "賛成の弁")]).await;
    }
    cast.chair.sign(&format!("{at}/decide"), &with_findings(&CONDITION)).await;

    let paper = button(&cast.pi, &format!("{at}/letter")).await;
    let pdf = save(&cast.pi, &paper, &format!("decision-{id}-ja.pdf")).await;
    let text = text_of(&pdf);
    let day = |now: jiff::Timestamp| crate::dates::formal(crate::dates::today(now), crate::language::Language::Ja).text;
    for words in [
        "審査結果通知書",
        id,
        "UniversityA/Medicine",
        "piさん様",
        "データ利用審査委員会",
        "条件付き承認",
        "市区町村別の表は不可",
        "ndb.claims.prefecture",
        "coさん",
        "2099年（令和81年）1月31日",
        "市区町村は細かい",
        "大腿骨近位部骨折と要介護認定<b>",
        "問い合わせ先",
        "合成データ（実在の個人・医療機関ではありません）",
        &day(jiff::Timestamp::now()),
    ] {
        assert!(text.contains(&dense(words)), "{words}: {text}");
    }
    assert!(!text.contains("賛成の弁") && !text.contains("r1さん"), "who votes how is not in the letter");
    assert!(pages_of(&pdf) <= 2, "a letter, no book");

    let pdf = save(&cast.co, &format!("{at}/letter.pdf?lang=en"), &format!("decision-{id}-en.pdf")).await;
    let text = text_of(&pdf);
    for words in [
        "Letter of decision",
        "Data Use Review Committee",
        "31 January 2099",
        "Reiwa",
        "Findings by criterion",
        "市区町村別の表は不可",
        "Substantial public benefit",
        "What to do next",
    ] {
        assert!(text.contains(&dense(words)), "{words}: {text}");
    }
    for (other, status) in [("eve", StatusCode::NOT_FOUND), ("r3", StatusCode::NOT_FOUND)] {
        let answer = world.person(other).await.get(&format!("{at}/letter.pdf")).await;
        assert_ne!(answer.headers()["content-type"], "application/pdf");
        assert_eq!(answer.status(), status, "{other}");
    }
    assert_eq!(world.visitor().get(&format!("{at}/letter.pdf")).await.status(), StatusCode::SEE_OTHER);

    let day = super::flow::sitting()[0].1.to_owned();
    let paper = button(&cast.office, &format!("/meetings/{day}")).await;
    let pdf = save(&cast.office, &paper, &format!("meeting-{day}-ja.pdf")).await;
    let text = text_of(&pdf);
    for words in ["議事録", "賛成2、反対0、棄権0", "退席（利益相反）", "r3さん", "市区町村別の表は不可", "異存ない"]
    {
        assert!(text.contains(&dense(words)), "{words}: {text}");
    }
    assert_eq!(cast.pi.get(&paper).await.status(), StatusCode::FORBIDDEN);
    let nobody = cast.office.get("/meetings/-000001-01-01/minutes.pdf").await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
}

#[expect(clippy::too_many_lines, reason = "a list of what stands in a report")]
#[tokio::test]
async fn an_incident_is_one_page_with_deadlines_times_and_addressees() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_permit().await;
    let id = at.rsplit('/').next().unwrap();
    let today = crate::dates::today(jiff::Timestamp::now());
    let report = [
        ("incident-kind", "loss"),
        ("severity", "3"),
        ("noticed_on", &today.to_string()),
        ("text", "#eval(\"1\") 解析室の記録票を紛失した <script>alert(1)</script>"),
    ];
    cast.co.act(&format!("{at}/report-incident"), &report).await;
    let page = format!("{at}/incidents/1");
    assert!(cast.co.read(&at).await.contains(&format!("href=\"{page}\"")));
    let body = cast.co.read(&page).await;
    assert!(body.contains("事故等報告書") && body.contains("未提出") && !body.contains("<script>alert"), "{body}");
    for (step, text) in [
        ("note", "入退室の記録を確かめた"),
        ("first-report", "厚生労働省 保険局"),
        ("final-report", "厚生労働省 大臣官房"),
        ("closed", "記録票は金庫で保管する"),
    ] {
        let fields = [("incident", "1"), ("step", step), ("text", text)];
        cast.office.act(&format!("{at}/follow-incident"), &fields).await;
    }
    let due = |days: i64| {
        let day = today.saturating_add(jiff::Span::new().days(days));
        crate::dates::day(day, crate::language::Language::Ja)
    };
    let paper = button(&cast.office, &page).await;
    let pdf = save(&cast.office, &paper, &format!("incident-{id}-1-ja.pdf")).await;
    let text = text_of(&pdf);
    for words in [
        "事故等報告書",
        "厚生労働省 御中",
        "紛失・漏えい",
        "3（重大）",
        "解析室の記録票を紛失した",
        "#eval(\"1\")",
        "<script>",
        "第一報",
        "最終報告",
        &due(3),
        &due(30),
        "厚生労働省 保険局",
        "厚生労働省 大臣官房",
        "入退室の記録を確かめた",
        "金庫で保管する",
        "対応済み",
        "coさん",
        "P-",
        "合成データ",
    ] {
        assert!(text.contains(&dense(words)), "{words}: {text}");
    }
    assert!(!text.contains("未提出") && !text.contains("期限超過"), "{text}");
    assert_eq!(pages_of(&pdf), 1);
    let pdf = save(&cast.office, &format!("{paper}?lang=en"), &format!("incident-{id}-1-en.pdf")).await;
    assert!(text_of(&pdf).contains(&dense("Reports to the ministry")));
    assert_eq!(pages_of(&pdf), 1);
    for path in [format!("{at}/incidents/2"), format!("{at}/incidents/0"), format!("{at}/incidents/2/report.pdf")] {
        assert_eq!(cast.office.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(world.person("eve").await.get(&paper).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_sheet_is_saved_by_those_who_judge() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    cast.to_pledges().await;
    let shell = [("shell_title", "年齢別の件数"), ("shell_sql", "select count(*)\nfrom ndb.claims -- #eval")];
    let second = [[("title", "二つめの研究"), ("project", "second-2026")], shell].concat();
    let at = cast.to_review(&content_with(&second)).await;
    let id = at.rsplit('/').next().unwrap();
    let paper = button(&cast.office, &format!("{at}/sheet")).await;
    let pdf = save(&cast.office, &paper, &format!("sheet-{id}-ja.pdf")).await;
    let text = text_of(&pdf);
    for words in [
        "審査概要票",
        "二つめの研究",
        "識別につながる変数",
        "from ndb.claims -- #eval",
        "先例",
        "条件付き承認",
        "異存ない",
    ] {
        assert!(text.contains(&dense(words)), "{words}: {text}");
    }
    assert_eq!(cast.pi.get(&paper).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(cast.r1.get(&paper).await.status(), StatusCode::NOT_FOUND, "not asked");
}
