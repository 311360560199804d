//! What people find first: start pages that say whose turn it is, the public register, the files that pages stand on.

use reqwest::StatusCode;

use super::flow::{CHECKLIST, CONTENT, Cast, NO_CONFLICT, PLEDGE, REVIEWERS, TRAINING, sitting, with_findings};
use super::world::World;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one day of several people")]
async fn a_start_page_says_what_waits_for_whom() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let nothing = "あなたの番のものはありません。";
    let people = [&cast.pi, &cast.co, &cast.office, &cast.r1, &cast.r3, &cast.chair, &cast.steward];
    for person in people {
        assert!(person.read("/").await.contains(nothing));
    }
    let at = cast.pi.act("/applications", &CONTENT).await;
    assert!(cast.pi.read("/").await.contains("書き終えて提出してください"));
    let training = "研修修了証を登録してください";
    assert!(cast.co.read("/").await.contains(training));
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    for member in [&cast.pi, &cast.co] {
        assert!(member.read("/").await.contains(training));
        member.act(&format!("{at}/join"), &TRAINING).await;
        assert!(member.read("/").await.contains(nothing));
    }
    assert!(cast.office.read("/").await.contains("記載の漏れを確かめてください"));
    assert!(cast.steward.read("/").await.contains(nothing), "asked when the application is complete");
    cast.office.sign(&format!("{at}/accept"), &CHECKLIST).await;
    assert!(cast.office.read("/").await.contains("審査委員を指名してください"));
    assert!(cast.steward.read("/").await.contains("データ保有者として回答してください"));
    cast.steward.act(&format!("{at}/answer-holder"), &[("request", "H1-ndb"), ("text", "異存ない")]).await;
    assert!(cast.steward.read("/").await.contains(nothing));
    cast.office.act(&format!("{at}/assign"), &REVIEWERS).await;
    let declare = "利益相反の有無を申告してください";
    assert!(cast.r3.read("/").await.contains(nothing), "a reviewer of a member's department has no part");
    assert!(!cast.r3.read("/").await.contains(&at), "and does not learn of it");
    for judge in [&cast.r1, &cast.r2, &cast.chair] {
        assert!(judge.read("/").await.contains(declare));
        judge.act(&format!("{at}/declare-interest"), &NO_CONFLICT).await;
    }
    for reviewer in [&cast.r1, &cast.r2] {
        assert!(reviewer.read("/").await.contains("審査意見を出してください"));
        reviewer.act(&format!("{at}/give-opinion"), &with_findings(&[])).await;
        assert!(reviewer.read("/").await.contains(nothing));
    }
    assert!(cast.office.read("/").await.contains("審査会の日程を決められます"), "all opinions are in");
    cast.office.act(&format!("{at}/schedule"), &sitting()).await;
    let vote = "投票してください";
    assert!(cast.r1.read("/").await.contains(vote) && cast.r2.read("/").await.contains(vote));
    let waits = cast.pi.read("/").await;
    assert!(waits.contains(nothing) && waits.contains("ほかの人の番") && waits.contains("審査委員・委員長"));
    assert!(waits.contains("今日から") && waits.contains("（令和"), "since when, in both calendars");
    for reviewer in [&cast.r1, &cast.r2] {
        assert!(cast.chair.read("/").await.contains(nothing), "no decision before the quorum");
        reviewer.sign(&format!("{at}/vote"), &[("ballot", "for")]).await;
        assert!(reviewer.read("/").await.contains(nothing), "a vote is given once");
    }
    assert!(cast.chair.read("/").await.contains("委員会の決定を記録してください"));
    cast.chair.sign(&format!("{at}/decide"), &with_findings(&[("decision", "granted")])).await;
    assert!(cast.office.read("/").await.contains(nothing));
    let pledge = "誓約書に署名してください";
    for member in [&cast.pi, &cast.co] {
        assert!(member.read("/").await.contains(pledge));
        member.sign(&format!("{at}/pledge"), &PLEDGE).await;
        assert!(!member.read("/").await.contains(pledge));
    }
    assert!(cast.office.read("/").await.contains("承諾通知書を発行できます"));
    cast.office.act(&format!("{at}/permit"), &[]).await;
    let home = cast.co.read("/").await;
    assert!(home.contains("解析できる研究課題") && home.contains("/projects/fracture-2026/sql"));
    let visitor = world.visitor().read("/").await;
    assert!(!visitor.contains("fracture-2026") && visitor.contains("行は外に出ません"));
}

#[tokio::test]
async fn the_register_tells_everybody_what_is_public_and_nothing_else() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_permit().await;
    cast.office.act(&format!("{at}/revoke"), &[("reason", "目的外の利用 <script>")]).await;
    let shown = world.visitor().read("/use").await;
    for word in [
        "大腿骨近位部骨折と要介護認定 &#60;b&#62;",
        "骨折のあとの暮らしを調べます。",
        "University A、University B",
        "市区町村別の表は不可",
        "承諾取消し",
        "目的外の利用",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    for secret in [
        "公衆衛生の向上に資する",
        "piさん",
        "coさん",
        "r1さん",
        "解析室",
        "賛成の弁",
        "異存ない",
        "科研費",
        "Medicine",
        "<script",
        "<b>",
    ] {
        assert!(!shown.contains(secret), "{secret}");
    }
    for path in ["/use/decisions", "/profiles", "/use?page=0", "/use?page=999999", "/use?page=18446744073709551615"] {
        let page = world.visitor().read(path).await;
        assert!(page.contains("公式システムではなく"), "{path}");
    }
    assert_eq!(world.visitor().get("/use?page=many").await.status(), StatusCode::BAD_REQUEST);
    let profiles = world.visitor().read("/profiles?lang=en").await;
    assert_eq!(profiles.matches("Not yet checked by a lawyer").count(), policies::Profile::names().count());
}

#[tokio::test]
async fn files_are_kept_by_their_content_and_belong_to_nobody() {
    let world = World::new().await;
    let person = world.person("pi").await;
    let page = person.read("/").await;
    let style = page.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = person.get(style).await;
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!((header("content-type"), header("set-cookie")), ("text/css; charset=utf-8".to_owned(), String::new()));
    assert_eq!(header("x-content-type-options"), "nosniff");
    let style = answer.text().await.unwrap();
    let slice = style.split("url(").nth(1).unwrap().split(')').next().unwrap();
    let letters = person.get(&format!("/static/{slice}")).await;
    assert_eq!(letters.headers()["content-type"], "font/woff2");
    assert!(letters.bytes().await.unwrap().starts_with(b"wOF2"));
    for (path, status, keep) in [
        ("/static/portal.css?v=0123456789abcdef", StatusCode::OK, "no-cache"),
        ("/static/portal.css", StatusCode::OK, "no-cache"),
        ("/static/../Cargo.toml", StatusCode::NOT_FOUND, ""),
        ("/static/VENDORED.md", StatusCode::NOT_FOUND, "no-store"),
    ] {
        let answer = person.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(keep.is_empty() || answer.headers()["cache-control"] == keep, "{path}");
    }
}
