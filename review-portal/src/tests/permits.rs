//! Restriction, suspension and end against the permit signer: whatever fails on the way, no permit holds that should not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use policies::Zone;
use policies::audit::AuditLog;
use policies::keys::KeyFolder;
use reqwest::StatusCode;

use super::flow::{CHECKLIST, CONTENT, Cast, PLEDGE, TRAINING, with_findings};
use super::world::{Browser, World};
use crate::Database;
use crate::application::records;
use crate::signer::SignerClient;

const SQL: &str = "/projects/fracture-2026/sql";
const TERMS: [(&str, &str); 2] = [("reason", "大臣の指示"), ("answer_by", "2099-01-31")];
const WAITS: &str = "承諾通知書が発行されるまで、だれもデータを利用できません";

async fn opens(person: &Browser) -> bool {
    person.get(SQL).await.status() == StatusCode::OK
}

/// Has the signer sign what is recorded now; the portal never hears of it.
async fn sign_behind(world: &World, at: &str) -> policies::PermitId {
    let folder = KeyFolder::open(&world.path("portal"), Zone::Portal).unwrap();
    let key = || folder.signing("sign").unwrap();
    let db = Database::open(&world.database).await.unwrap();
    let records = records(db.pool(), &at.rsplit('/').next().unwrap().parse().unwrap()).await.unwrap();
    db.close().await;
    let head = AuditLog::open(&world.path("portal"), Zone::Portal, key()).unwrap().head().unwrap();
    let signer = SignerClient::new(&format!("http://{}", world.signer), None, key()).unwrap();
    signer.permit(records, head).await.unwrap().permit.id
}

/// Waits until the worker has done its part.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let last = Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(Instant::now() < last, "{what}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn a_restriction_that_leaves_nobody_stops_the_use() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_permit().await;
    let wide = world.permit().id;
    assert!(opens(&cast.pi).await && world.over().await.is_empty());
    let everybody = [&TERMS[..], &[("member", "pi"), ("member", "co")]].concat();
    cast.office.act(&format!("{at}/restrict"), &everybody).await;
    assert_eq!(world.over().await, BTreeSet::from([wide.clone()]));
    assert!(!opens(&cast.pi).await && !opens(&cast.co).await);
    for person in [&cast.office, &cast.pi] {
        let page = person.read(&at).await;
        assert!(page.contains(WAITS) && !page.contains(SQL), "{page}");
    }
    cast.office.refused(&format!("{at}/permit"), &[], "application/pledges-missing").await;
    assert_eq!(world.over().await, BTreeSet::from([wide]));
}

#[tokio::test]
async fn a_restriction_without_the_signer_stops_the_use_and_comes_through_when_it_is_back() {
    let mut world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_permit().await;
    let wide = world.permit().id;
    world.without_signer().await;
    cast.office.act(&format!("{at}/restrict"), &[&TERMS[..], &[("member", "co")]].concat()).await;
    assert!(!opens(&cast.pi).await && !opens(&cast.co).await);
    let page = cast.office.read(&at).await;
    assert!(page.contains(WAITS) && page.contains(&format!("action=\"{at}/permit\"")), "{page}");
    cast.office.refused(&format!("{at}/permit"), &[], "portal/signer-unreachable").await;

    world.with_signer().await;
    until("nobody has to press a button", async || opens(&cast.pi).await).await;
    assert_eq!(world.over().await, BTreeSet::from([wide]));
    assert_eq!(world.permit().members.into_keys().map(String::from).collect::<Vec<_>>(), ["pi"]);
    assert!(!opens(&cast.co).await && !cast.office.read(&at).await.contains(WAITS));
}

#[tokio::test]
async fn without_the_signer_nothing_is_resumed() {
    let mut world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_permit().await;
    let first = world.permit().id;
    cast.chair.act(&format!("{at}/suspend"), &[("reason", "調査のため")]).await;
    assert_eq!(world.over().await, BTreeSet::from([first.clone()]));
    assert!(!cast.office.read(&at).await.contains(WAITS), "a suspension says so itself");
    world.without_signer().await;
    let reason = [("reason", "調査を終えた")];
    cast.office.refused(&format!("{at}/resume"), &reason, "portal/signer-unreachable").await;
    world.with_signer().await;
    assert!(!opens(&cast.pi).await);
    cast.office.sign(&format!("{at}/resume"), &reason).await;
    assert!(opens(&cast.pi).await);
    assert_eq!(world.over().await, BTreeSet::from([first]));
}

#[tokio::test]
async fn an_end_reaches_the_permit_that_the_portal_does_not_know_of() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    // Granted, and signed a moment before: the portal has recorded no permit.
    let at = cast.to_pledges().await;
    let unknown = sign_behind(&world, &at).await;
    cast.office.act(&format!("{at}/revoke"), &[("reason", "目的外利用")]).await;
    assert_eq!(world.over().await, BTreeSet::from([unknown]));
    cast.office.refused(&format!("{at}/permit"), &[], "application/out-of-turn").await;
}

#[tokio::test]
async fn a_suspension_and_an_end_reach_the_permit_that_replaced_the_known_one() {
    for (act, fields) in [("suspend", ("reason", "調査のため")), ("close", ("report", "すべて消去した"))] {
        let world = World::new().await;
        let cast = Cast::new(&world).await;
        let at = cast.to_permit().await;
        let known = world.permit().id;
        let comment = [("field", ""), ("text", "覚え"), ("audience", "applicant")];
        cast.office.act(&format!("{at}/comment"), &comment).await;
        let unknown = sign_behind(&world, &at).await;
        assert_ne!(unknown, known);
        cast.office.act(&format!("{at}/{act}"), &[fields]).await;
        assert_eq!(world.over().await, BTreeSet::from([known, unknown]), "{act}");
    }
}

#[tokio::test]
async fn a_permit_of_an_earlier_history_is_not_recorded() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_pledges().await;
    let unknown = sign_behind(&world, &at).await;
    let comment = [("field", ""), ("text", "覚え"), ("audience", "applicant")];
    cast.office.act(&format!("{at}/comment"), &comment).await;
    cast.office.act(&format!("{at}/permit"), &[]).await;
    let recorded = world.permit().id;
    assert!(cast.pi.read(&at).await.contains(recorded.as_str()) && recorded != unknown);
    assert_eq!(world.over().await, BTreeSet::from([unknown]));
}

#[tokio::test]
async fn a_passkey_that_the_signer_does_not_know_pledges_nothing_and_stops_nobody() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    world.unenrol("co");
    let at = cast.to_vote().await;
    for reviewer in [&cast.r1, &cast.r2] {
        reviewer.sign(&format!("{at}/vote"), &[("ballot", "for")]).await;
    }
    cast.chair.sign(&format!("{at}/decide"), &with_findings(&[("decision", "granted")])).await;
    for member in [&cast.pi, &cast.co] {
        member.act(&format!("{at}/join"), &TRAINING).await;
    }
    cast.pi.sign(&format!("{at}/pledge"), &PLEDGE).await;
    cast.office.act(&format!("{at}/permit"), &[]).await;
    let pledge = format!("{at}/pledge");
    let answer = cast.co.post(&pledge, &PLEDGE).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let page = answer.text().await.unwrap();
    for said in ["portal/passkey-not-enrolled", "署名用の登録を申し込む", "何も記録していません"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let db = Database::open(&world.database).await.unwrap();
    let id = at.rsplit('/').next().unwrap().parse().unwrap();
    let state = crate::application::load(db.pool(), &id).await.unwrap().unwrap();
    assert_eq!(state.pledges.keys().map(policies::UserId::as_str).collect::<Vec<_>>(), ["pi"], "nothing was recorded");
    cast.office.act(&format!("{at}/restrict"), &[&TERMS[..], &[("limits", "都道府県別まで")]].concat()).await;
    assert_eq!(world.permit().conditions, ["都道府県別まで"]);
    assert!(opens(&cast.pi).await);
}

#[tokio::test]
async fn who_is_taken_out_of_the_registry_while_the_act_waits_signs_nothing() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_vote().await;
    let vote = format!("{at}/vote");
    let waiting = cast.r1.unsigned(&vote, &[("ballot", "for")]).await;
    world.unenrol("r1");
    let signed = [("act", waiting.as_str()), ("demo", "yes")];
    cast.r1.refused(&vote, &signed, "portal/passkey-not-enrolled").await;
    cast.r1.refused(&vote, &[("ballot", "for")], "portal/passkey-not-enrolled").await;
    // The request to be enrolled is signed by a passkey that is not enrolled yet.
    let page = cast.r1.read("/account").await;
    let credential = page.split("name=\"credential\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = cast.r1.post("/account/enrolment", &[("credential", credential)]).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_the_secretariat_does_for_a_permit_is_signed() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.pi.act("/applications", &CONTENT).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    cast.join(&at).await;
    assert!(cast.office.read(&at).await.contains("次の画面でパスキーによる署名をします"));
    world.unenrol("office");
    cast.office.refused(&format!("{at}/accept"), &CHECKLIST, "portal/passkey-not-enrolled").await;
    assert!(cast.pi.read(&at).await.contains("受付確認中"));
}
