//! What people find first: start pages that say whose turn it is, the public register, the files that pages stand on.

use reqwest::StatusCode;

use super::flow::Cast;
use super::world::World;

#[tokio::test]
async fn a_start_page_says_what_waits_for_whom() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let nothing = "あなたの番のものはありません。";
    let people = [&cast.pi, &cast.co, &cast.office, &cast.r1, &cast.r3, &cast.chair];
    for person in people {
        assert!(person.read("/").await.contains(nothing));
    }
    let at = cast.to_vote().await;
    let vote = "投票してください";
    assert!(cast.r1.read("/").await.contains(vote) && cast.r2.read("/").await.contains(vote));
    assert!(cast.r3.read("/").await.contains(nothing), "a reviewer of a member's institution has no part");
    assert!(!cast.r3.read("/").await.contains(&at), "and does not learn of it");
    let waits = cast.pi.read("/").await;
    assert!(waits.contains(nothing) && waits.contains("ほかの人の番") && waits.contains("審査委員・委員長"));
    assert!(waits.contains("今日から") && waits.contains("（令和"), "since when, in both calendars");
    for reviewer in [&cast.r1, &cast.r2] {
        assert!(cast.chair.read("/").await.contains(nothing), "no decision before the quorum");
        reviewer.act(&format!("{at}/vote"), &[("ballot", "for")]).await;
        assert!(reviewer.read("/").await.contains(nothing), "a vote is given once");
    }
    assert!(cast.chair.read("/").await.contains("委員会の決定を記録してください"));
    cast.chair.act(&format!("{at}/decide"), &[("decision", "granted"), ("text", "")]).await;
    let pledge = "誓約書に署名してください";
    for member in [&cast.pi, &cast.co] {
        assert!(member.read("/").await.contains(pledge) && cast.office.read("/").await.contains(nothing));
        member.act(&format!("{at}/pledge"), &[("agree", "yes")]).await;
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
        "University A、University B",
        "市区町村別の表は不可",
        "承諾取消し",
        "目的外の利用",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    for secret in ["公衆衛生の向上に資する", "piさん", "coさん", "r1さん", "妥当", "<script", "<b>"]
    {
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
