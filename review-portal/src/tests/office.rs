//! What the secretariat, the chair and the committee see: board, meetings, letters, review sheets, reminders.

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use super::flow::{CONTENT, Cast, content_with};
use super::world::World;
use crate::Database;
use crate::reminders::remind;

#[tokio::test]
async fn the_board_says_whose_turn_it_is_and_not_to_everybody() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    assert!(cast.office.read("/board").await.contains("待っていることはありません"));
    let at = cast.pi.act("/applications", &CONTENT).await;
    assert!(!cast.office.read("/board").await.contains(&at), "a draft is its writer's");
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    let board = cast.office.read("/board").await;
    assert!(board.contains(&at) && board.contains("受付確認") && board.contains("あと7日"), "{board}");
    assert!(board.contains("&#60;b&#62;") || board.contains("&lt;b&gt;"), "titles are text");
    assert!(cast.office.read("/board?lang=en").await.contains("Check completeness"));
    for other in [&cast.pi, &cast.r1, &cast.steward] {
        assert_eq!(other.get("/board").await.status(), StatusCode::FORBIDDEN);
        assert_eq!(other.get("/meetings").await.status(), StatusCode::FORBIDDEN);
        assert!(!other.read("/").await.contains("href=\"/board\""));
    }
    assert!(world.person("auditor").await.read("/board").await.contains(&at));
}

#[tokio::test]
async fn agenda_before_minutes_after_and_a_letter() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_vote().await;
    let meeting = format!("/meetings/{}", super::flow::sitting()[0].1);
    let meeting = meeting.as_str();
    assert!(cast.office.read("/meetings").await.contains(meeting));
    let agenda = cast.office.read(meeting).await;
    for words in ["議題", "r1さん", "退席（利益相反）", "r3さん", "異存ない", "利益相反のない委員"]
    {
        assert!(agenda.contains(words), "{words}: {agenda}");
    }
    assert!(!agenda.contains("審査の意見"), "opinions stand on no agenda");
    assert_eq!(cast.office.get("/meetings/tomorrow").await.status(), StatusCode::NOT_FOUND);
    assert!(cast.office.read("/meetings/2098-01-01").await.contains("この日の審査会はありません"));
    assert_eq!(cast.pi.get(&format!("{at}/letter")).await.status(), StatusCode::NOT_FOUND, "nothing is decided");

    let ballots = [(&cast.r1, "for"), (&cast.r2, "for")];
    for (reviewer, ballot) in ballots {
        reviewer.sign(&format!("{at}/vote"), &[("ballot", ballot), ("comment", "賛成の弁")]).await;
    }
    let decision = super::flow::with_findings(&super::flow::CONDITION);
    cast.chair.sign(&format!("{at}/decide"), &decision).await;
    let minutes = cast.office.read(meeting).await;
    for words in ["議事録", "賛成2、反対0、棄権0", "条件付き承認", "市区町村別の表は不可", "市区町村は細かい"]
    {
        assert!(minutes.contains(words), "{words}: {minutes}");
    }
    assert!(!minutes.contains("賛成の弁"), "votes stand in minutes as counts");

    let letter = cast.pi.read(&format!("{at}/letter")).await;
    for words in ["審査結果通知書", "市区町村別の表は不可", "coさん", "2099年（令和81年）1月31日", "市区町村は細かい"]
    {
        assert!(letter.contains(words), "{words}: {letter}");
    }
    assert!(!letter.contains("賛成の弁") && !letter.contains("r1さん"), "who votes how is not in the letter");
    assert!(cast.co.read(&format!("{at}/letter?lang=en")).await.contains("Letter of decision"));
    assert_eq!(world.person("eve").await.get(&format!("{at}/letter")).await.status(), StatusCode::NOT_FOUND);
    assert!(cast.pi.read(&at).await.contains(&format!("{at}/letter")));
}

#[tokio::test]
async fn the_sheet_shows_variables_and_precedents_to_those_who_judge() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let first = cast.to_pledges().await;
    let again = content_with(&[("title", "二つめの研究"), ("project", "second-2026")]);
    let at = cast.to_review(&again).await;
    let sheet = cast.office.read(&format!("{at}/sheet")).await;
    let number = first.rsplit('/').next().unwrap();
    for words in ["審査概要票", "二つめの研究", "解析室", number, "条件付き承認", "市区町村別の表は不可", "異存ない"]
    {
        assert!(sheet.contains(words), "{words}: {sheet}");
    }
    assert!(sheet.contains("識別につながる変数") && sheet.contains("最初の版です"));
    assert_eq!(cast.pi.get(&format!("{at}/sheet")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(cast.r1.get(&format!("{at}/sheet")).await.status(), StatusCode::NOT_FOUND, "not asked");
}

#[tokio::test]
async fn reminders_are_written_once() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.pi.act("/applications", &CONTENT).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    let db = Database::open(&world.database).await.unwrap();
    let later = |days: i64| Timestamp::now().checked_add(SignedDuration::from_hours(24 * days)).unwrap();
    let told = async || {
        let rows = sqlx::query_as::<_, (String, String)>(
            "select recipient, body from outbox where dedup like '%/reminder/%' order by recipient",
        );
        rows.fetch_all(db.pool()).await.unwrap()
    };
    remind(&db, "https://sudare.example/", later(7)).await.unwrap();
    assert!(told().await.is_empty(), "the last day is not over");
    for days in [8, 8, 20] {
        remind(&db, "https://sudare.example/", later(days)).await.unwrap();
        let rows = told().await;
        let [(recipient, body)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(recipient, "office");
        assert!(body.contains("受付確認") && body.contains(&format!("https://sudare.example{at}\n")), "{body}");
    }
    db.close().await;
}

#[tokio::test]
async fn how_decisions_are_made_stands_open_and_follows_the_rules() {
    let world = World::new().await;
    let page = world.visitor().read("/use/decisions").await;
    let rules = policies::application::Rules::current();
    for item in rules.criteria.iter().chain(&rules.checklist) {
        assert!(page.contains(&item.ja), "{}", item.ja);
    }
    assert!(page.contains("患者代表") && page.contains("照合禁止") && page.contains("60、30、7"), "{page}");
    let page = world.visitor().read("/use/decisions?lang=en").await;
    assert!(page.contains("Substantial public benefit") && page.contains("1/2"));
}
