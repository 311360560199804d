//! What must not work: guessing, forging, judging one's own.

use policies::UserId;
use reqwest::StatusCode;

use super::flow::{CONTENT, Cast, NO_CONFLICT, PLEDGE, with_findings};
use super::world::{PASSWORD, World};
use crate::Database;

#[tokio::test]
async fn a_conflicted_reviewer_neither_reads_nor_votes() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_vote().await;
    // R3 works in the principal investigator's department: the file is closed, also by direct address.
    for path in [at.clone(), format!("{at}/interest"), format!("{at}/edit")] {
        assert_eq!(cast.r3.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for (act, fields) in [("vote", &[("ballot", "for")]), ("declare-interest", &NO_CONFLICT)] {
        cast.r3.refused(&format!("{at}/{act}"), fields, "portal/not-found").await;
    }
    cast.r1.sign(&format!("{at}/vote"), &[("ballot", "for")]).await;
    cast.r1.refused(&format!("{at}/vote"), &[("ballot", "against")], "application/already-voted").await;
    let granted = with_findings(&[("decision", "granted")]);
    cast.chair.refused(&format!("{at}/decide"), &granted, "application/no-quorum").await;
    // R2 declares a conflict: gone at once.
    assert_eq!(cast.r2.get(&at).await.status(), StatusCode::OK);
    let conflict = [("interest", "conflict"), ("text", "共同研究")];
    cast.r2.act(&format!("{at}/declare-interest"), &conflict).await;
    for path in [at.clone(), format!("{at}/interest")] {
        assert_eq!(cast.r2.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    cast.r2.refused(&format!("{at}/vote"), &[("ballot", "for")], "portal/not-found").await;
    cast.r2.refused(&format!("{at}/declare-interest"), &NO_CONFLICT, "portal/not-found").await;
    // The chair was not named as a reviewer: presides, and does not vote.
    cast.chair.refused(&format!("{at}/vote"), &[("ballot", "for")], "application/not-assigned").await;
    cast.pi.refused(&format!("{at}/decide"), &granted, "portal/forbidden").await;
    cast.office.refused(&format!("{at}/decide"), &granted, "application/").await;
    cast.office.refused(&format!("{at}/permit"), &[], "application/out-of-turn").await;
    // One short is no decision, and the committee may vote again.
    cast.chair.sign(&format!("{at}/decide"), &with_findings(&[("decision", "no-decision")])).await;
}

#[tokio::test]
async fn who_has_not_pledged_or_is_not_trained_is_not_in_the_permit() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.to_vote().await;
    for reviewer in [&cast.r1, &cast.r2] {
        reviewer.sign(&format!("{at}/vote"), &[("ballot", "for")]).await;
    }
    let rejected = with_findings(&[("decision", "rejected"), ("text", "否")]);
    cast.chair.refused(&format!("{at}/decide"), &rejected, "not-by-majority").await;
    cast.chair.refused(&format!("{at}/decide"), &[("decision", "granted")], "application/findings-missing").await;
    cast.chair.sign(&format!("{at}/decide"), &with_findings(&[("decision", "granted")])).await;
    cast.pi.sign(&format!("{at}/pledge"), &PLEDGE).await;
    let past = [("course", "情報管理研修"), ("until", "2020-01-01")];
    cast.pi.refused(&format!("{at}/join"), &past, "application/date-in-the-past").await;
    cast.r1.refused(&format!("{at}/pledge"), &PLEDGE, "portal/forbidden").await;
    cast.co.refused(&format!("{at}/pledge"), &[], "portal/bad-form").await;
    cast.co
        .refused(&format!("{at}/pledge"), &[("agree", "yes"), ("version", "2020.1")], "application/old-pledge")
        .await;
    cast.office.act(&format!("{at}/permit"), &[]).await;
    let permit = world.permit();
    assert_eq!(permit.members.keys().map(UserId::as_str).collect::<Vec<_>>(), ["pi"]);
    let sql = "/projects/fracture-2026/sql";
    assert_eq!(cast.co.get(sql).await.status(), StatusCode::NOT_FOUND);
    // The other member pledges later: the next permit names both at once, and nothing is reviewed or asked for again.
    assert!(!cast.office.read(&at).await.contains(&format!("{at}/permit")), "nothing to issue");
    cast.co.sign(&format!("{at}/pledge"), &PLEDGE).await;
    assert_eq!(world.permit().members.len(), 2);
    assert_eq!(cast.co.get(sql).await.status(), StatusCode::OK);
    assert!(!cast.office.read(&at).await.contains(&format!("{at}/permit")));
    // A training that lasts longer is in the permit at once, too.
    let co: UserId = "co".parse().unwrap();
    let until = world.permit().members[&co].until;
    cast.co.act(&format!("{at}/join"), &[("course", "情報管理研修"), ("until", "2099-08-31")]).await;
    assert!(world.permit().members[&co].until > until);
    let chain = world.person("auditor").await.read("/audit").await;
    assert!(chain.contains("permit-issued") && chain.contains("application:pledge"), "{chain}");
    assert_eq!(cast.co.get(sql).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn forms_without_the_sessions_token_change_nothing() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let at = pi.act("/applications", &CONTENT).await;
    let others = world.person("co").await.token().await;
    for path in
        ["/applications", "/sign-out", &format!("{at}/submit"), &format!("{at}/edit"), &format!("{at}/withdraw")]
    {
        for fields in [&[][..], &[("csrf", "")], &[("csrf", others.as_str())]] {
            let answer = pi.post_raw(path, fields).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
            assert!(answer.text().await.unwrap().contains("portal/csrf"));
        }
    }
    assert!(pi.read(&at).await.contains("下書き"));
    let stranger = world.visitor();
    let answer = stranger.post_raw("/sign-in", &[("user", "pi"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn guessing_passwords_makes_wait_and_names_are_not_told() {
    let world = World::new().await;
    let browser = world.visitor();
    let unknown = browser.sign_in("nobody", "x").await.text().await.unwrap();
    let known = browser.sign_in("pi", "x").await.text().await.unwrap();
    for page in [&unknown, &known] {
        assert!(page.contains("サインイン名またはパスワードが違います。"));
    }
    for _ in 0..4 {
        assert_eq!(browser.sign_in("pi", "wrong").await.status(), StatusCode::UNAUTHORIZED);
    }
    // The right password, too early.
    let answer = browser.sign_in("pi", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.text().await.unwrap().contains("しばらくサインインできません"));
}

#[tokio::test]
async fn events_are_only_ever_added_and_signing_out_ends_the_session() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let at = pi.act("/applications", &CONTENT).await;
    let db = Database::open(&world.database).await.unwrap();
    for sql in ["update event set kind = 'submitted'", "delete from event"] {
        let changed = sqlx::query(sql).execute(db.pool()).await;
        assert!(changed.unwrap_err().to_string().contains("append-only"));
    }
    let stored = sqlx::query_scalar::<_, String>("select state from application").fetch_one(db.pool()).await.unwrap();
    let stored: policies::application::Application = serde_json::from_str(&stored).unwrap();
    assert_eq!(crate::application::load(db.pool(), &stored.id).await.unwrap().unwrap(), stored);
    pi.act("/sign-out", &[]).await;
    assert_eq!(pi.get(&at).await.status(), StatusCode::SEE_OTHER);
    let signer: serde_json::Value =
        serde_json::from_slice(&std::fs::read(world.path("store").join("state.json")).unwrap()).unwrap();
    assert_eq!(signer["revoked_sessions"].as_array().unwrap().len(), 1, "the engine will hear of it");
    let status = reqwest::get(format!("http://{}/audit", world.address)).await.unwrap();
    assert!(status.url().path().ends_with("/sign-in"));
}

#[tokio::test]
async fn pages_carry_the_walls_in_their_headers() {
    let world = World::new().await;
    let answer = world.visitor().get("/catalog").await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let csp = header("content-security-policy");
    assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe") && csp.contains("frame-ancestors 'none'"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    let browser = world.visitor();
    let answer = browser.get("/sign-in?lang=en").await;
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("sudare=")).unwrap();
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Lax"));
    let page = answer.text().await.unwrap();
    assert!(page.contains("lang=\"en\"") && page.contains("Password") && page.contains("合成データ"));
    assert!(!page.contains("style=") && !page.contains("<script>") && !page.contains(" onclick"));
    assert!(browser.read("/catalog").await.contains("Data catalog"), "the choice is kept");
}

#[tokio::test]
async fn the_catalog_is_open_and_exported() {
    let world = World::new().await;
    let visitor = world.visitor();
    assert!(visitor.read("/catalog").await.contains("NDB"));
    let ndb = visitor.read("/catalog/ndb").await;
    assert!(ndb.contains("12,345") && ndb.contains("service_month") && ndb.contains("準識別子"));
    assert!(ndb.contains("申請ごとに意見") && ndb.contains("制度なし"));
    let person = visitor.read("/catalog/person").await;
    assert!(!person.contains("データ保有者の関与"), "no source of its own");
    assert!(person.contains("person.ndb") && person.contains("birth_month"));
    assert_eq!(visitor.get("/catalog/nothing").await.status(), StatusCode::NOT_FOUND);
    let json: serde_json::Value = serde_json::from_str(&visitor.read("/catalog.json").await).unwrap();
    assert_eq!(json["datasets"][0]["releases"][0]["tables"][0]["rows"], 12345);
    assert_eq!(
        (&json["datasets"][0]["person_say"], &json["datasets"][0]["holder_say"]),
        (&"none".into(), &"opinion".into())
    );
}
