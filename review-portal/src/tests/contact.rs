//! Where a person is written to: what is asked for on the account page, what confirms it, and what does not.

use reqwest::StatusCode;

use super::world::{Browser, World};
use crate::Database;

const CONTACT: &str = "/account/contact";

async fn stored(db: &Database, user: &str) -> Option<String> {
    let find = sqlx::query_scalar::<_, Option<String>>("select mail from contact where account = $1");
    find.bind(user).fetch_optional(db.pool()).await.unwrap().flatten()
}

/// What was said to it, which changed nothing.
async fn refused(person: &Browser, fields: &[(&str, &str)]) -> String {
    let answer = person.post(CONTACT, fields).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    answer.text().await.unwrap()
}

/// The code of the mail that waits for this person's new address.
async fn mailed(db: &Database, user: &str) -> String {
    let find = sqlx::query_scalar::<_, String>("select body from outbox where recipient = $1 order by id desc");
    let body = find.bind(format!("unconfirmed:{user}")).fetch_one(db.pool()).await.unwrap();
    body.split("\n\n").nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_new_address_is_used_once_its_code_came_back() {
    let world = World::mailing().await;
    let (co, pi) = (world.person("co").await, world.person("pi").await);
    let db = Database::open(&world.database).await.unwrap();
    for wrong in ["co", "co@univ.example, eve@univ.example", "co@univ\r\nBcc: x"] {
        let page = refused(&co, &[("mail", wrong), ("language", "ja")]).await;
        assert!(page.contains("メールアドレスの形ではありません"), "{wrong}");
    }
    co.act(CONTACT, &[("mail", "old@univ.example"), ("language", "ja")]).await;
    let old = mailed(&db, "co").await;
    co.act(CONTACT, &[("mail", "co@univ.example"), ("language", "ja")]).await;
    let code = mailed(&db, "co").await;
    let page = co.read("/account").await;
    assert!(page.contains("co@univ.example") && !page.contains("old@univ.example"));
    assert_eq!(stored(&db, "co").await, None, "not before it is confirmed");
    // Who sits at the open session, and has not the mail, learns the code nowhere.
    for path in ["/account", "/mails"] {
        assert!(!co.read(path).await.contains(&code), "{path}");
    }
    for (person, tried) in [(&co, "aaaa-bbbb-cccc-dddd"), (&co, old.as_str()), (&pi, code.as_str())] {
        assert!(refused(person, &[("code", tried)]).await.contains("コードが違うか"), "{tried}");
    }
    co.act(CONTACT, &[("code", &code.to_uppercase())]).await;
    assert_eq!(stored(&db, "co").await.as_deref(), Some("co@univ.example"));
    assert!(co.read("/mails").await.contains("連絡先が変わりました"));
    refused(&co, &[("code", &code)]).await;
    // The language alone needs no code; an empty address ends the mails.
    co.act(CONTACT, &[("mail", "co@univ.example"), ("language", "en")]).await;
    assert_eq!(stored(&db, "co").await.as_deref(), Some("co@univ.example"));
    assert!(co.read("/mails").await.contains("Your contact has changed"));
    co.act(CONTACT, &[("mail", ""), ("language", "en")]).await;
    assert_eq!(stored(&db, "co").await, None);
}

#[tokio::test]
async fn a_code_that_waited_too_long_confirms_nothing() {
    let world = World::mailing().await;
    let co = world.person("co").await;
    let db = Database::open(&world.database).await.unwrap();
    co.act(CONTACT, &[("mail", "co@univ.example"), ("language", "ja")]).await;
    let code = mailed(&db, "co").await;
    sqlx::query("update contact_change set expires_at = '2026-01-01T00:00:00Z'").execute(db.pool()).await.unwrap();
    refused(&co, &[("code", &code)]).await;
    assert!(!co.read("/account").await.contains("co@univ.example"));
    assert_eq!(stored(&db, "co").await, None);
}

#[tokio::test]
async fn without_a_mail_server_no_address_can_be_confirmed() {
    let world = World::new().await;
    let co = world.person("co").await;
    let page = refused(&co, &[("mail", "co@univ.example"), ("language", "ja")]).await;
    assert!(page.contains("このポータルはメールを送らない"));
    co.act(CONTACT, &[("mail", ""), ("language", "en")]).await;
    assert!(co.read("/mails").await.contains("Your contact has changed"));
}
