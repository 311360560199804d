//! The steward's page of doubtful pairs: what it says at each stage, and that nobody but the linkage zone speaks through it.

use jiff::{SignedDuration, Timestamp};
use policies::ReviewSummary;
use policies::durable;
use policies::jws::Document;
use policies::keys::{KeyFolder, SigningKey};
use policies::review::{AnsweredPairs, OpenQuestions, PatternClass, ReviewTurn, Tens, WaitingPairs};
use reqwest::StatusCode;

use super::world::World;

fn waiting(class: PatternClass, turn: ReviewTurn, pairs: u64) -> WaitingPairs {
    WaitingPairs { class, sources: ["ltc".to_owned(), "ndb".to_owned()], turn, pairs: Tens::of(pairs) }
}

fn summary(waiting: Vec<WaitingPairs>, made_at: Timestamp) -> ReviewSummary {
    ReviewSummary { made_at, run: 4, waiting, questions: Vec::new(), answered: Vec::new() }
}

fn zone(world: &World) -> SigningKey {
    KeyFolder::open_any(&world.path("linkage")).unwrap().signing("sign").unwrap()
}

fn hand_over(world: &World, summary: &ReviewSummary, key: &SigningKey) {
    durable::replace(&world.path("review.jws"), summary.sign(key).unwrap().as_bytes()).unwrap();
}

fn holder() -> ReviewTurn {
    ReviewTurn::Holder("ndb".to_owned())
}

/// Hands over a summary with something of everything.
pub(super) fn some_pairs(world: &World) {
    let now = Timestamp::now();
    let mut told = summary(
        vec![
            waiting(PatternClass::SameName, ReviewTurn::Clerk, 123),
            waiting(PatternClass::Conflict, ReviewTurn::Ask("dpc".to_owned()), 3),
            waiting(PatternClass::Composites, holder(), 57),
        ],
        now,
    );
    told.questions =
        vec![OpenQuestions { source: "ndb".to_owned(), since: "2026-11-02".parse().unwrap(), questions: Tens::of(57) }];
    told.answered =
        vec![AnsweredPairs::of(PatternClass::SameName, 200, 160), AnsweredPairs::of(PatternClass::SameChart, 12, 9)];
    hand_over(world, &told, &zone(world));
}

#[tokio::test]
async fn a_steward_sees_what_waits_whose_turn_it_is_and_what_came_of_it() {
    let world = World::new().await;
    let now = Timestamp::now();
    some_pairs(&world);
    let steward = world.person("steward").await;
    let page = steward.read("/linkage").await;
    for word in [
        "LTC + NDB",
        "120–129",
        "10未満",
        "50–59",
        "2026年（令和8年）11月2日",
        "約8割",
        "連結区画の担当者",
        "DPC",
        "同じ氏名",
    ] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("約7割"), "twelve are too few for a share");
    assert!(page.contains("href=\"/linkage\" aria-current=\"page\""));
    let english = steward.read("/linkage?lang=en").await;
    for word in ["&#60;10", "120–129", "about 80 %", "clerk of the linkage zone", "same name", "2 November 2026"] {
        assert!(english.contains(word), "{word}");
    }
    assert!(world.person("auditor").await.read("/linkage").await.contains("120–129"));
    assert!(!world.person("pi").await.read("/").await.contains("href=\"/linkage\""));

    // Only holders are left to act; then nobody.
    hand_over(&world, &summary(vec![waiting(PatternClass::Composites, holder(), 1)], now), &zone(&world));
    let page = steward.read("/linkage?lang=ja").await;
    assert!(page.contains("保有者（NDB）") && page.contains("保有者の回答を待っています"));
    hand_over(&world, &summary(Vec::new(), now), &zone(&world));
    assert!(steward.read("/linkage").await.contains("待っている組はありません"));
}

#[tokio::test]
async fn nobody_but_the_linkage_zone_speaks_and_old_news_say_so() {
    let world = World::new().await;
    let steward = world.person("steward").await;
    assert!(steward.read("/linkage").await.contains("まだ届いていません"));
    let now = Timestamp::now();
    let forged = summary(vec![waiting(PatternClass::SameName, ReviewTurn::Clerk, 990)], now);
    for key in [SigningKey::generate(), KeyFolder::open_any(&world.path("portal")).unwrap().signing("sign").unwrap()] {
        hand_over(&world, &forged, &key);
        let page = steward.read("/linkage").await;
        assert!(page.contains("role=\"alert\"") && !page.contains("990"), "{page}");
    }
    for text in ["", "not a summary", "{}"] {
        durable::replace(&world.path("review.jws"), text.as_bytes()).unwrap();
        assert!(steward.read("/linkage").await.contains("role=\"alert\""));
    }
    let old = now.checked_sub(SignedDuration::from_hours(36 * 24)).unwrap();
    hand_over(&world, &summary(forged.waiting, old), &zone(&world));
    let page = steward.read("/linkage").await;
    assert!(page.contains("35日") && page.contains("990–999"));
    assert_eq!(world.person("office").await.get("/linkage").await.status(), StatusCode::FORBIDDEN);
}
