//! Acts that are replayed, borrowed, bent or raced; input that is no input.

use policies::application::Application;
use reqwest::StatusCode;

use super::flow::{CHECKLIST, Cast, NO_CONFLICT, TRAINING, content_with, with_findings};
use super::world::World;
use crate::Database;

async fn stored(world: &World, at: &str) -> Application {
    let db = Database::open(&world.database).await.unwrap();
    let id = at.rsplit('/').next().unwrap().parse().unwrap();
    crate::application::load(db.pool(), &id).await.unwrap().unwrap()
}

async fn votes(world: &World, at: &str) -> usize {
    stored(world, at).await.round.unwrap().votes.len()
}

#[tokio::test]
async fn a_signature_is_for_one_act_of_one_person_in_one_session_once() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_vote().await;
    let vote = format!("{at}/vote");
    let waiting = cast.r1.unsigned(&vote, &[("ballot", "for")]).await;
    let signed = [("act", waiting.as_str()), ("demo", "yes")];
    assert_eq!(votes(&world, &at).await, 0, "not before it is signed");
    // Another person, another session of the same person, another application's address.
    cast.r2.refused(&vote, &signed, "portal/pending-act").await;
    world.person("r1").await.refused(&vote, &signed, "portal/pending-act").await;
    let other = cast.to_review(&content_with(&[("project", "other-2026")])).await;
    cast.office.act(&format!("{other}/assign"), &[("reviewer", "r1")]).await;
    cast.r1.act(&format!("{other}/declare-interest"), &NO_CONFLICT).await;
    cast.r1.refused(&format!("{other}/vote"), &signed, "portal/pending-act").await;
    cast.r1.act(&vote, &signed).await;
    cast.r1.refused(&vote, &signed, "portal/pending-act").await;
    assert_eq!(votes(&world, &at).await, 1);
    // A vote is no opinion, whatever the address says.
    let waiting = cast.r2.unsigned(&vote, &[("ballot", "against")]).await;
    let bent = [("act", waiting.as_str()), ("demo", "yes")];
    cast.r2.refused(&format!("{at}/give-opinion"), &bent, "portal/bad-form").await;
    assert_eq!(votes(&world, &at).await, 1);
    let chain = world.person("auditor").await.read("/audit").await;
    assert!(chain.contains("記録の連鎖は完全です"));
}

#[tokio::test]
async fn two_votes_at_the_same_instant_count_both_and_once() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_vote().await;
    let vote = format!("{at}/vote");
    let [first, second] =
        [cast.r1.unsigned(&vote, &[("ballot", "for")]).await, cast.r2.unsigned(&vote, &[("ballot", "for")]).await];
    let (one, other) = ([("act", first.as_str()), ("demo", "yes")], [("act", second.as_str()), ("demo", "yes")]);
    let (one, other) = tokio::join!(cast.r1.post(&vote, &one), cast.r2.post(&vote, &other));
    let late = if one.status() == StatusCode::SEE_OTHER { (&cast.r2, other) } else { (&cast.r1, one) };
    assert_eq!((votes(&world, &at).await, late.1.status()), (1, StatusCode::CONFLICT));
    // The same vote is shown again, to be signed after the other.
    let page = late.1.text().await.unwrap();
    let again = page.split("name=\"act\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    late.0.act(&vote, &[("act", again), ("demo", "yes")]).await;
    assert_eq!(votes(&world, &at).await, 2);
    let votes = stored(&world, &at).await.round.unwrap().votes;
    assert!(votes.values().all(|vote| vote.ballot.as_str() == "for"));
}

#[tokio::test]
async fn without_a_holders_consent_nothing_is_granted() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let keeper = world.person("keeper").await;
    let at = cast.to_review(&content_with(&[("column", "registry/2026.1:registry.cases:severity")])).await;
    cast.assign_and_schedule(&at).await;
    for reviewer in [&cast.r1, &cast.r2] {
        reviewer.sign(&format!("{at}/vote"), &[("ballot", "for")]).await;
    }
    let decide = format!("{at}/decide");
    let granted = with_findings(&[("decision", "granted")]);
    cast.chair.refused(&decide, &granted, "application/holder-not-heard").await;
    let request = ("request", "H1-registry");
    let opinion = [request, ("text", "意見だけ")];
    keeper.refused(&format!("{at}/answer-holder"), &opinion, "application/not-asked").await;
    let forged = [request, ("consent", "yes"), ("text", "同意する")];
    cast.steward.refused(&format!("{at}/answer-holder"), &forged, "application/not-the-holder").await;
    cast.pi.refused(&format!("{at}/answer-holder"), &forged, "portal/forbidden").await;
    keeper.sign(&format!("{at}/answer-holder"), &[request, ("consent", "no"), ("text", "同意しない")]).await;
    cast.chair.refused(&decide, &granted, "application/holder-not-heard").await;
    for forger in [&cast.pi, &cast.r1] {
        forger.refused(&decide, &granted, "portal/forbidden").await;
    }
    assert!(stored(&world, &at).await.outcomes.is_empty());
    cast.chair.sign(&decide, &with_findings(&[("decision", "deferred"), ("text", "保有者の同意を待つ")])).await;
}

#[tokio::test]
async fn script_is_text_and_what_is_no_text_is_refused() {
    let world = World::new().await;
    let (pi, office) = (world.person("pi").await, world.person("office").await);
    let script = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let texts = [
        "title",
        "place",
        "purpose",
        "benefit",
        "summary",
        "funding",
        "risk",
        "retention",
        "publication",
        "reason",
        "ethics_board",
        "ethics_number",
    ];
    let changes = texts.map(|field| (field, script));
    let at = pi.act("/applications", &content_with(&changes)).await;
    pi.act(&format!("{at}/submit"), &[]).await;
    let comment = [("field", script), ("text", script), ("audience", "applicant")];
    office.act(&format!("{at}/comment"), &comment).await;
    let pages = [pi.read(&at).await, pi.read(&format!("{at}/edit")).await, office.read(&at).await];
    for page in pages.into_iter().chain([office.read("/").await, pi.read("/mails").await]) {
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    }
    let before = stored(&world, &at).await;
    for (path, field, text) in [
        ("/applications".to_owned(), "title", "a\0b".to_owned()),
        (format!("{at}/comment"), "text", "\0".to_owned()),
        (format!("{at}/comment"), "text", "長".repeat(3_500_000)),
        (format!("{at}/comment"), "text", "長".repeat(10_001)),
    ] {
        let answer = pi.post(&path, &[("profile", "standard"), (field, &text), ("audience", "applicant")]).await;
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
    let body = format!("csrf={}&text=%FF%FE&audience=applicant", pi.token().await);
    assert!(pi.post_bytes(&format!("{at}/comment"), body).await.status().is_client_error(), "no UTF-8");
    assert_eq!(stored(&world, &at).await, before);
    for member in [&pi, &world.person("co").await] {
        member.act(&format!("{at}/join"), &TRAINING).await;
    }
    office.sign(&format!("{at}/accept"), &CHECKLIST).await;
}
