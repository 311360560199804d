//! Who lost telephone, passkeys and recovery codes: what the operator's code opens, and what it does not.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use policies::Zone;
use policies::audit::AuditLog;
use policies::keys::KeyFolder;
use reqwest::StatusCode;

use super::factors::{Totp, half, with_totp};
use super::world::{FRESH, World};
use crate::factors::totp::tests::code;
use crate::{Database, accounts};

/// The operator's reset, as the command does it.
async fn reset(world: &World, user: &str) -> String {
    let keys = KeyFolder::open(&world.path("portal"), Zone::Portal).unwrap();
    let audit = Arc::new(AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign").unwrap()).unwrap());
    let db = Database::open(&world.database).await.unwrap();
    let user = user.parse().unwrap();
    let handed = accounts::reset_factors(&db, &audit, &user, "電話と回復コードの紛失", Timestamp::now()).await.unwrap();
    assert!(!format!("{handed:?}").contains(handed.expose()));
    handed.expose().to_owned()
}

#[tokio::test]
async fn who_lost_everything_sets_up_anew_with_a_code_that_was_handed_over() {
    let world = World::new().await;
    let Totp { browser: signed_in, secret, recovery, .. } = with_totp(&world).await;
    assert_eq!(signed_in.get("/applications").await.status(), StatusCode::OK);
    let first = reset(&world, FRESH).await;
    assert_eq!(signed_in.get("/applications").await.status(), StatusCode::SEE_OTHER, "all sessions are over");
    // Who has the password alone gets nowhere: neither by the set-up page nor by what was known before.
    let thief = half(&world, FRESH).await;
    assert!(thief.read("/sign-in/second").await.contains("事務局から受け取ったコード"));
    let page = thief.get("/account/second-factor").await;
    assert!(page.headers()["location"].to_str().unwrap().starts_with("/sign-in"));
    let now = code(&secret, Timestamp::now() + SignedDuration::from_secs(30));
    for (with, tried) in [("reset", "aaaa-bbbb-cccc-dddd"), ("recovery", recovery[0].as_str()), ("totp", now.as_str())]
    {
        let answer = thief.post("/sign-in/second", &[("with", with), ("code", tried)]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{with}");
    }
    assert_eq!(thief.post("/account/totp", &[("code", &now)]).await.status(), StatusCode::UNAUTHORIZED);
    // A second reset ends the first code.
    let second = reset(&world, FRESH).await;
    let owner = half(&world, FRESH).await;
    let old = owner.post("/sign-in/second", &[("with", "reset"), ("code", &first)]).await;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
    let typed = second.to_uppercase();
    assert_eq!(owner.act("/sign-in/second", &[("with", "reset"), ("code", &typed)]).await, "/account/second-factor");
    assert_eq!(owner.get("/applications").await.status(), StatusCode::SEE_OTHER, "not signed in yet");
    // It is used up by the new factor, not before: a closed window loses nothing.
    let again = half(&world, FRESH).await;
    again.act("/sign-in/second", &[("with", "reset"), ("code", &second)]).await;
    again.read("/account/second-factor").await;
    let made = again.post("/account/passkey", &[("demo", "yes"), ("label", "新しい鍵")]).await;
    assert_eq!(made.status(), StatusCode::OK, "with fresh recovery codes");
    assert!(again.read("/mails").await.contains("本人確認の方法がすべて無効になりました"));
    let late = half(&world, FRESH).await;
    let used = late.post("/sign-in/second", &[("with", "reset"), ("code", &second)]).await;
    assert_eq!(used.status(), StatusCode::UNAUTHORIZED, "once");
    assert_eq!(
        owner.get("/account/second-factor").await.status(),
        StatusCode::SEE_OTHER,
        "the other window is too late"
    );
    let chain = world.person("auditor").await.read("/audit").await;
    assert!(chain.contains("account:factors-reset") && chain.contains("電話と回復コードの紛失"), "{chain}");
    assert!(!chain.contains(&second));
}
