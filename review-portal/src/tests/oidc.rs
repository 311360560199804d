//! Signing in at an institution: over real sockets, at a certified OpenID provider, and at one that lies.

pub(super) mod institution;
mod liar;

use std::sync::Arc;

use reqwest::StatusCode;

use self::institution::{Institution, query};
use super::world::{Browser, Passkeys, World};
use crate::{Database, PortalError};

const UNIV_A: &str = "univ-a";
const UNIV_B: &str = "univ-b";

async fn world(institutions: &[&Institution]) -> World {
    let configs = institutions.iter().map(|institution| institution.config()).collect();
    World::at_institutions(Some(Arc::new(Passkeys)), configs).await
}

/// A browser in which `user` is signed in, and the account linked to `login` at the institution.
async fn linked(world: &World, institution: &Institution, user: &str, login: &str) -> Browser {
    let browser = world.person(user).await;
    let address = leave(&browser, "/account/institution", institution.id).await;
    let back = institution.sign_in(&address, login).await;
    assert_eq!(location(browser.get(&back).await), "/account");
    browser
}

/// Chooses the institution on the page and gives the address to which the page in between leads.
async fn leave(browser: &Browser, path: &str, institution: &str) -> String {
    let answer = browser.post(path, &[("institution", institution), ("next", "/projects")]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    address(&answer.text().await.unwrap())
}

/// Where the page in between leads: the same by itself and by its link.
fn address(page: &str) -> String {
    let to = page.split("content=\"0;url=").nth(1).unwrap().split('"').next().unwrap();
    assert!(page.contains(&format!("class=\"button\" href=\"{to}\"")));
    to.replace("&#38;", "&").replace("&amp;", "&")
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is read once")]
fn location(answer: reqwest::Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Opens the address that an institution sent the browser back to; it must be refused with that code, and open nothing.
async fn refused(browser: &Browser, back: &str, code: &str) -> String {
    let answer = browser.get(back).await;
    let (status, page) = (answer.status(), answer.text().await.unwrap());
    assert!(!status.is_success() && !status.is_redirection() && page.contains(code), "{status} {page}");
    assert_ne!(browser.get("/applications").await.status(), StatusCode::OK, "{code}");
    assert!(location(browser.get("/sign-in/second").await) == "/sign-in", "{code}");
    page
}

async fn audit(world: &World) -> String {
    world.person("auditor").await.read("/audit").await
}

#[tokio::test]
async fn an_institution_takes_the_place_of_the_password_and_the_second_step_follows() {
    let univ_a = Institution::start(UNIV_A).await;
    let world = world(&[&univ_a]).await;
    let browser = world.visitor();
    let page = browser.read("/sign-in").await;
    assert!(page.contains("所属機関でサインイン") && page.contains("value=\"univ-a\" class=\"quiet\">A大学</button>"));
    assert!(world.visitor().read("/sign-in?lang=en").await.contains(">University A</button>"));
    let pi = linked(&world, &univ_a, "pi", "hanako@univ-a.example").await;
    let account = pi.read("/account").await;
    assert!(account.contains("A大学") && account.contains("まだ使っていません"));
    assert!(pi.read("/mails").await.contains("所属機関とのつながりが変わりました"));

    let address = leave(&browser, "/sign-in/institution", UNIV_A).await;
    for part in ["code_challenge_method=S256", "scope=openid&", "response_type=code", "nonce=", "state="] {
        assert!(format!("{address}&").contains(part), "{part}: {address}");
    }
    let back = univ_a.sign_in(&address, "hanako@univ-a.example").await;
    assert_eq!(location(browser.get(&back).await), "/sign-in/second?next=/projects");
    // Half a session opens nothing.
    assert_eq!(browser.get("/projects").await.status(), StatusCode::SEE_OTHER);
    assert!(!browser.read("/catalog").await.contains("サインアウト"));
    let token = browser.token().await;
    browser.act("/sign-in/second", &[("with", "passkey"), ("demo", "yes"), ("next", "/projects")]).await;
    assert_eq!(browser.get("/projects").await.status(), StatusCode::OK);
    assert_ne!(browser.token().await, token, "the session is another one");
    assert!(browser.read("/projects").await.contains("piさん"));
    assert!(!browser.read("/account").await.contains("まだ使っていません"));
    let chain = audit(&world).await;
    for word in ["account:institution-linked", "account:signed-in", "univ-a"] {
        assert!(chain.contains(word), "{word}");
    }
    assert!(!chain.contains("hanako"), "nobody's name at the institution");
}

#[tokio::test]
async fn an_answer_works_once_and_in_its_own_session() {
    let univ_a = Institution::start(UNIV_A).await;
    let world = world(&[&univ_a]).await;
    linked(&world, &univ_a, "pi", "hanako").await;
    let (browser, other) = (world.visitor(), world.visitor());
    let back = univ_a.sign_in(&leave(&browser, "/sign-in/institution", UNIV_A).await, "hanako").await;
    // Somebody else's browser, which waits for an answer of its own.
    leave(&other, "/sign-in/institution", UNIV_A).await;
    let page = refused(&other, &back, "oidc/state").await;
    assert!(page.contains("このブラウザにはありません") && page.contains("10分以内"));
    refused(&world.visitor(), &back, "oidc/state").await;
    assert_eq!(location(browser.get(&back).await), "/sign-in/second?next=/projects");
    // Once more: the code is spent, and nothing waits for it.
    let again = browser.get(&back).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    assert!(again.text().await.unwrap().contains("oidc/state"));
    // The state of one's own, with a code that was used up.
    let fresh = leave(&browser, "/sign-in/institution", UNIV_A).await;
    let (state, code) = (query(&fresh, "state"), query(&back, "code"));
    let forged = format!("/sign-in/institution/univ-a?code={code}&state={state}&iss={}", univ_a.issuer);
    let answer = browser.get(&forged).await;
    assert!(answer.text().await.unwrap().contains("oidc/refused"));
    assert!(audit(&world).await.contains("oidc/refused"));
}

#[tokio::test]
async fn a_code_for_another_institution_is_refused() {
    let (univ_a, univ_b) = (Institution::start(UNIV_A).await, Institution::start(UNIV_B).await);
    let world = world(&[&univ_a, &univ_b]).await;
    linked(&world, &univ_a, "pi", "hanako").await;
    // The same login at the other institution is another person.
    let browser = world.visitor();
    let back = univ_b.sign_in(&leave(&browser, "/sign-in/institution", UNIV_B).await, "hanako").await;
    let page = refused(&browser, &back, "oidc/unknown-person").await;
    assert!(page.contains("アカウントのページで所属機関をつないでください"));
    // A began it, B's answer comes: at B's address, at A's with B's name, at A's with A's name, and without a name.
    for (path, iss, code) in [
        (UNIV_B, univ_b.issuer.as_str(), "oidc/issuer"),
        (UNIV_A, univ_b.issuer.as_str(), "oidc/issuer"),
        (UNIV_A, univ_a.issuer.as_str(), "oidc/refused"),
        (UNIV_A, "", "oidc/issuer"),
    ] {
        let browser = world.visitor();
        let theirs = univ_b.sign_in(&leave(&browser, "/sign-in/institution", UNIV_B).await, "hanako").await;
        let state = query(&leave(&browser, "/sign-in/institution", UNIV_A).await, "state");
        let iss = if iss.is_empty() { String::new() } else { format!("&iss={iss}") };
        let back = format!("/sign-in/institution/{path}?code={}&state={state}{iss}", query(&theirs, "code"));
        refused(&browser, &back, code).await;
    }
}

#[tokio::test]
async fn who_is_not_linked_or_says_no_stays_outside() {
    let univ_a = Institution::start(UNIV_A).await;
    let world = world(&[&univ_a]).await;
    // A mail address that is a sign-in name opens nothing.
    for login in ["pi", "pi@univ-a.example"] {
        let browser = world.visitor();
        let back = univ_a.sign_in(&leave(&browser, "/sign-in/institution", UNIV_A).await, login).await;
        refused(&browser, &back, "oidc/unknown-person").await;
    }
    let browser = world.visitor();
    let back = univ_a.deny(&leave(&browser, "/sign-in/institution", UNIV_A).await).await;
    assert!(back.contains("error=access_denied"), "{back}");
    refused(&browser, &back, "oidc/denied").await;
    // An address that is opened by hand leads to the sign-in page; an institution that is none is no page.
    assert_eq!(location(browser.get("/sign-in/institution/univ-a").await), "/sign-in");
    assert_eq!(browser.get("/sign-in/institution/univ-x?code=1&state=1").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        browser.post("/sign-in/institution", &[("institution", "univ-x")]).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_link_is_one_accounts_and_ends_with_its_sessions() {
    let univ_a = Institution::start(UNIV_A).await;
    let world = world(&[&univ_a]).await;
    let pi = linked(&world, &univ_a, "pi", "hanako").await;
    // Neither the person at the institution nor the account twice.
    let co = world.person("co").await;
    let back = univ_a.sign_in(&leave(&co, "/account/institution", UNIV_A).await, "hanako").await;
    assert!(co.get(&back).await.text().await.unwrap().contains("oidc/linked"));
    let back = univ_a.sign_in(&leave(&pi, "/account/institution", UNIV_A).await, "taro").await;
    assert!(pi.get(&back).await.text().await.unwrap().contains("oidc/linked"));
    // Begun in one session, brought back in another one of the same person.
    let back = univ_a.sign_in(&leave(&co, "/account/institution", UNIV_A).await, "jiro").await;
    let again = world.person("co").await;
    assert!(again.get(&back).await.text().await.unwrap().contains("oidc/state"));
    co.act("/sign-out", &[]).await;
    refused(&co, &back, "oidc/state").await;

    let elsewhere = world.person("pi").await;
    pi.refused("/account/institution/remove", &[("issuer", "https://other.example")], "portal/not-found").await;
    assert_eq!(pi.act("/account/institution/remove", &[("issuer", &univ_a.issuer)]).await, "/account");
    assert_eq!(elsewhere.get("/account").await.status(), StatusCode::SEE_OTHER, "other sessions are over");
    assert_eq!(pi.read("/mails").await.matches("所属機関とのつながりが変わりました").count(), 2);
    let browser = world.visitor();
    let back = univ_a.sign_in(&leave(&browser, "/sign-in/institution", UNIV_A).await, "hanako").await;
    refused(&browser, &back, "oidc/unknown-person").await;
    assert!(audit(&world).await.contains("account:institution-unlinked"));
    let db = Database::open(&world.database).await.unwrap();
    let left = sqlx::query_scalar::<_, i64>("select count(*) from institution_link");
    assert_eq!(left.fetch_one(db.pool()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_provider_that_is_down_is_said_so_and_the_password_still_works() {
    let mut univ_a = Institution::start(UNIV_A).await;
    let mut univ_b = Institution::start(UNIV_B).await;
    let world = world(&[&univ_a, &univ_b]).await;
    linked(&world, &univ_a, "pi", "hanako").await;
    univ_b.stop().await;
    let browser = world.visitor();
    let answer = browser.post("/sign-in/institution", &[("institution", UNIV_B)]).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let page = answer.text().await.unwrap();
    assert!(page.contains("oidc/unreachable") && page.contains("所属機関のサインインが答えません"));
    // It goes away between the person's sign-in and ours.
    let back = univ_a.sign_in(&leave(&browser, "/sign-in/institution", UNIV_A).await, "hanako").await;
    univ_a.stop().await;
    refused(&browser, &back, "oidc/unreachable").await;
    world.person("pi").await.read("/applications").await;
}

#[tokio::test]
async fn what_the_operator_demands_must_be_confirmed() {
    let univ_a = Institution::start(UNIV_A).await;
    let classes = ["https://refeds.org/profile/mfa".to_owned()];
    let mut config = univ_a.config();
    config.acr = classes.to_vec();
    let world = World::at_institutions(Some(Arc::new(Passkeys)), vec![config]).await;
    let pi = world.person("pi").await;
    let address = leave(&pi, "/account/institution", UNIV_A).await;
    assert!(address.contains("acr_values=https%3A%2F%2Frefeds.org%2Fprofile%2Fmfa"), "{address}");
    // This provider knows of no second factor.
    let back = univ_a.sign_in(&address, "hanako").await;
    let page = pi.get(&back).await.text().await.unwrap();
    assert!(page.contains("oidc/too-weak") && page.contains("多要素認証"));
    assert!(pi.read("/account").await.contains("name=\"institution\" value=\"univ-a\""), "not linked");
}

#[tokio::test]
async fn answers_that_open_nothing_are_counted_by_address() {
    let univ_a = Institution::start(UNIV_A).await;
    let world = world(&[&univ_a]).await;
    let browser = world.visitor();
    for _ in 0..=40 {
        let answer = browser.get("/sign-in/institution/univ-a?code=guess&state=guess").await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    let answer = browser.get("/sign-in/institution/univ-a?code=guess&state=guess").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text().await.unwrap().contains("oidc/wait"));
}

#[tokio::test]
async fn institutions_that_cannot_be_used_keep_the_portal_from_starting() {
    let univ_a = Institution::start(UNIV_A).await;
    let config = univ_a.config();
    let open = |configs: &[crate::InstitutionConfig]| {
        crate::oidc::Institutions::open(configs, "http://localhost:8080").map(drop).map_err(PortalError::Institution)
    };
    open(std::slice::from_ref(&config)).unwrap();
    let with = |change: &dyn Fn(&mut crate::InstitutionConfig)| {
        let mut changed = config.clone();
        change(&mut changed);
        changed
    };
    let broken = [
        vec![with(&|it| it.issuer = "http://idp.example".to_owned())],
        vec![with(&|it| it.issuer = "no address".to_owned())],
        vec![with(&|it| it.issuer = "https://idp.example/?tenant=1".to_owned())],
        vec![with(&|it| it.ca = Some("/nowhere/ca.pem".into()))],
        vec![with(&|it| it.client_secret_file = "/nowhere/secret".into())],
        vec![config.clone(), with(&|it| it.id = UNIV_B.parse().unwrap())],
        vec![config.clone(), with(&|it| it.issuer = "https://idp.example".to_owned())],
    ];
    for configs in broken {
        assert_eq!(open(&configs).unwrap_err().code(), "portal/institution");
    }
    for bad in ["", "Univ", "univ a", "-a", "a/b", &"a".repeat(41)] {
        assert!(bad.parse::<crate::InstitutionId>().is_err(), "{bad}");
    }
    assert!(!format!("{config:?}").contains(institution::SECRET), "the secret is in its file alone");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&config.client_secret_file, everybody).unwrap();
    assert_eq!(open(&[config]).unwrap_err().code(), "portal/institution");
}
