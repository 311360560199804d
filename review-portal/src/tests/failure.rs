//! When something else fails: nothing is half done.

use std::fs::OpenOptions;
use std::io::Write;

use reqwest::StatusCode;

use super::flow::{CONTENT, Cast};
use super::world::World;

#[tokio::test]
async fn no_audit_entry_no_change() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let at = pi.act("/applications", &CONTENT).await;
    let token = pi.token().await;
    // Somebody wrote into the chain: nothing is appended to it any more.
    let mut chain = OpenOptions::new().append(true).open(world.path("portal").join("audit.jsonl")).unwrap();
    chain.write_all(b"{\"seq\":1}\n").unwrap();
    for path in ["/applications".to_owned(), format!("{at}/submit"), format!("{at}/withdraw")] {
        let answer =
            pi.post_raw(&path, &[("csrf", token.as_str()), ("profile", "standard"), ("title", "二つ目")]).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(answer.text().await.unwrap().contains("portal/audit"));
    }
    let list = pi.read("/applications").await;
    assert_eq!(list.matches("/applications/A-").count(), 1);
    assert!(pi.read(&at).await.contains("下書き"));
}

#[tokio::test]
async fn without_the_signer_there_is_no_permit_and_no_change() {
    let mut world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_pledges().await;
    world.without_signer().await;
    cast.office.refused(&format!("{at}/permit"), &[], "portal/signer-unreachable").await;
    assert!(cast.office.read(&at).await.contains("誓約済み"));
    assert!(!world.path("store").join("permits/P-2026-000001.jws").exists());
    // Signing out must not depend on it.
    cast.pi.act("/sign-out", &[]).await;
    assert_eq!(cast.pi.get(&at).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn two_at_the_same_moment_are_one_event() {
    let world = World::new().await;
    let (pi, again) = (world.person("pi").await, world.person("pi").await);
    let at = pi.act("/applications", &CONTENT).await;
    let path = format!("{at}/submit");
    let (first, second) = tokio::join!(pi.post(&path, &[]), again.post(&path, &[]));
    let mut statuses = [first.status().as_u16(), second.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
}
