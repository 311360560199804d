//! Two factors: what opens a session, what does not, and what an act's signature takes.

use jiff::{SignedDuration, Timestamp};
use permit_signer::Registrar;
use policies::passkey::{
    ActSignature, Challenge, EnrolmentCode, EnrolmentRequest, RelyingParty, SoftwareAuthenticator,
};
use reqwest::{Response, StatusCode};

use super::flow::{Cast, PLEDGE, TRAINING, content_with, with_findings};
use super::routes::{PUBLIC, ROUTES};
use super::world::{Browser, FRESH, PASSWORD, Passkeys, World, desk, party};
use crate::factors::totp::tests::code;

/// What stands between `before` and the next quote.
fn between(page: &str, before: &str, after: char) -> String {
    page.split(before).nth(1).unwrap().split(after).next().unwrap().to_owned()
}

fn csrf(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", '"')
}

fn challenge(page: &str) -> Challenge {
    let text: policies::passkey::Base64Url = between(page, "data-challenge=\"", '"').parse().unwrap();
    text.as_bytes().try_into().unwrap()
}

/// What the desk asks a passkey to sign for the enrolment that the page hands over.
fn enrolment_challenge(page: &str) -> Challenge {
    let document = between(page, "name=\"document\" value=\"", '"').replace("&#34;", "\"");
    let wanted: serde_json::Value = serde_json::from_str(&document).unwrap();
    let enrolment = serde_json::from_value(wanted["enrolment"].clone()).unwrap();
    EnrolmentRequest::challenge(&enrolment, wanted["made_at"].as_str().unwrap().parse().unwrap()).unwrap()
}

fn passkey(user: &str) -> SoftwareAuthenticator {
    Passkeys::of(&user.parse().unwrap())
}

/// Posts an assertion as the script of the page would.
async fn post_assertion(browser: &Browser, path: &str, csrf: &str, act: &ActSignature, id: &str) -> Response {
    let parts = [&act.credential, &act.client_data, &act.authenticator_data, &act.signature].map(ToString::to_string);
    let names = ["credential", "client_data", "authenticator_data", "signature"];
    let mut fields = vec![("csrf", csrf), ("with", "passkey"), ("act", id), ("next", "/projects")];
    fields.extend(names.into_iter().zip(parts.iter().map(String::as_str)));
    browser.post_raw(path, &fields).await
}

/// A browser in which `user` gave the password.
pub(super) async fn half(world: &World, user: &str) -> Browser {
    let browser = world.visitor();
    assert_eq!(browser.sign_in(user, PASSWORD).await.status(), StatusCode::SEE_OTHER);
    browser
}

/// Codes by time set up for the fresh account.
pub(super) struct Totp {
    pub(super) browser: Browser,
    pub(super) secret: String,
    pub(super) recovery: Vec<String>,
    /// When the first code was used.
    at: Timestamp,
}

pub(super) async fn with_totp(world: &World) -> Totp {
    let browser = half(world, FRESH).await;
    let page = browser.read("/account/second-factor").await;
    let secret = between(&page, "<code>", '<');
    assert!(page.contains("<svg") && !page.contains("style="));
    assert_eq!(
        between(&browser.read("/account/second-factor").await, "<code>", '<'),
        secret,
        "the same until it is used"
    );
    let wrong = browser.post("/account/totp", &[("code", "000000")]).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert_eq!(browser.get("/applications").await.status(), StatusCode::SEE_OTHER);
    let at = Timestamp::now();
    let right = browser.post("/account/totp", &[("code", &code(&secret, at))]).await;
    assert_eq!(right.status(), StatusCode::OK);
    let page = right.text().await.unwrap();
    let recovery = page.split("<code>").skip(1).map(|part| part.split('<').next().unwrap().to_owned()).collect();
    Totp { browser, secret, recovery, at }
}

#[tokio::test]
async fn a_password_alone_opens_nothing() {
    let world = World::new().await;
    let browser = half(&world, "chair").await;
    let token = browser.token().await;
    for (method, route, _) in ROUTES.iter().copied() {
        if PUBLIC.contains(&route) || route == "/sign-in/second" || (method, route) == ("post", "/audit") {
            continue;
        }
        let path = route
            .replace("{application}", "A-2026-000001")
            .replace("{project}", "x")
            .replace("{dataset}", "ndb")
            .replace("{act}", "vote");
        if method == "get" {
            let answer = browser.get(&path).await;
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{route}");
            assert!(answer.headers()["location"].to_str().unwrap().starts_with("/sign-in"), "{route}");
        } else {
            let answer = browser.post_raw(&path, &[("csrf", token.as_str())]).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{route}");
        }
    }
    assert!(!browser.read("/catalog").await.contains("サインアウト"));
    browser.act("/sign-in/second", &[("with", "passkey"), ("demo", "yes"), ("next", "/applications")]).await;
    assert_eq!(browser.get("/applications").await.status(), StatusCode::OK);
    // Without the password there is no second step.
    assert_eq!(world.visitor().get("/sign-in/second").await.status(), StatusCode::SEE_OTHER);
    let answer = world.visitor().post("/sign-in/second", &[("with", "passkey"), ("demo", "yes")]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_code_works_once_and_the_next_one_after_it() {
    let world = World::new().await;
    let Totp { secret, recovery: codes, at, .. } = with_totp(&world).await;
    assert_eq!(codes.len(), 10);
    let browser = half(&world, FRESH).await;
    let enter = async |browser: &Browser, with: &str, code: &str| {
        browser.post("/sign-in/second", &[("with", with), ("code", code)]).await.status()
    };
    // Used at set-up: this step and earlier ones are gone.
    assert_eq!(enter(&browser, "totp", &code(&secret, at)).await, StatusCode::UNAUTHORIZED);
    let next = code(&secret, at + SignedDuration::from_secs(30));
    assert_eq!(enter(&browser, "totp", &next).await, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/applications").await.status(), StatusCode::OK);
    let again = half(&world, FRESH).await;
    assert_eq!(enter(&again, "totp", &next).await, StatusCode::UNAUTHORIZED, "replayed");
    assert_eq!(enter(&again, "recovery", "aaaa-bbbb-cccc-dddd").await, StatusCode::UNAUTHORIZED);
    assert_eq!(enter(&again, "recovery", &codes[3].to_uppercase()).await, StatusCode::SEE_OTHER);
    assert!(again.read("/account").await.contains("残りの数: 9"));
    assert!(again.read("/mails").await.contains("回復コードでサインインがありました"));
    let third = half(&world, FRESH).await;
    assert_eq!(enter(&third, "recovery", &codes[3]).await, StatusCode::UNAUTHORIZED, "once");
    assert_eq!(enter(&third, "recovery", &codes[4]).await, StatusCode::SEE_OTHER);
    // Fresh ones end the old ones.
    third.post("/account/recovery", &[]).await;
    let last = half(&world, FRESH).await;
    assert_eq!(enter(&last, "recovery", &codes[5]).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_has_codes_only_drafts_and_reads() {
    let world = World::new().await;
    let fresh = with_totp(&world).await.browser;
    let cast = Cast::new(&world).await;
    fresh.act("/applications", &[("title", "下書き"), ("profile", "standard")]).await;
    let at = cast.pi.act("/applications", &content_with(&[("members", "pi\nfresh")])).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    for member in [&cast.pi, &fresh] {
        member.act(&format!("{at}/join"), &TRAINING).await;
    }
    cast.accept(&at).await;
    cast.assign_and_schedule(&at).await;
    for reviewer in [&cast.r1, &cast.r2] {
        reviewer.sign(&format!("{at}/vote"), &[("ballot", "for")]).await;
    }
    cast.chair.sign(&format!("{at}/decide"), &with_findings(&[("decision", "granted")])).await;
    assert_eq!(fresh.get(&at).await.status(), StatusCode::OK);
    fresh.refused(&format!("{at}/pledge"), &PLEDGE, "portal/passkey-needed").await;
    // A passkey beside the codes counts once the signer's operator has enrolled it.
    fresh.read("/account/second-factor").await;
    fresh.act("/account/passkey", &[("demo", "yes"), ("label", "鍵")]).await;
    fresh.refused(&format!("{at}/pledge"), &PLEDGE, "portal/passkey-not-enrolled").await;
}

#[tokio::test]
async fn a_passkey_answers_its_own_challenge_once() {
    let world = World::new().await;
    let path = "/sign-in/second";
    let elsewhere = RelyingParty::localhost("http", 8081);
    let browser = half(&world, "pi").await;
    for (user, other, place, sentence) in [
        ("pi", true, party(), "パスキーの署名は、ここで求めたものではありません。"),
        ("pi", false, elsewhere, "別のサイトのための署名です。"),
        ("co", false, party(), "このパスキーは登録されていません。"),
    ] {
        let page = browser.read(path).await;
        let asked = if other { [1; 32] } else { challenge(&page) };
        let answer = post_assertion(&browser, path, &csrf(&page), &passkey(user).assert(&asked, &place), "").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{sentence}");
        assert!(answer.text().await.unwrap().contains(sentence), "{sentence}");
    }
    let page = browser.read(path).await;
    let act = passkey("pi").assert(&challenge(&page), &party());
    let answer = post_assertion(&browser, path, &csrf(&page), &act, "").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/projects");
    // The same answer in another session, and in one that never asked.
    let again = half(&world, "pi").await;
    let page = again.read(path).await;
    let answer = post_assertion(&again, path, &csrf(&page), &act, "").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_the_demo_nobody_signs_by_a_click() {
    let world = World::with(None).await;
    let browser = half(&world, "pi").await;
    let page = browser.read("/sign-in/second").await;
    assert!(page.contains("data-passkey") && !page.contains("デモ専用"));
    let answer = browser.post("/sign-in/second", &[("with", "passkey"), ("demo", "yes")]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let fresh = half(&world, FRESH).await;
    assert!(!fresh.read("/account/second-factor").await.contains("デモ専用"));
    fresh.refused("/account/passkey", &[("demo", "yes")], "passkey/form").await;
}

/// Neither the portal nor the signer names the authenticator in software outside tests.
#[test]
fn the_services_have_no_authenticator() {
    let mut folders = vec![format!("{}/src", env!("CARGO_MANIFEST_DIR"))];
    folders.push(format!("{}/../permit-signer/src", env!("CARGO_MANIFEST_DIR")));
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "tests" {
                folders.push(path.display().to_string());
            } else if path.extension().is_some_and(|ending| ending == "rs") && path.file_name().unwrap() != "tests.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                let served = text.split("#[cfg(test)]").next().unwrap();
                assert!(!served.contains("SoftwareAuthenticator"), "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 40);
    for manifest in [include_str!("../../Cargo.toml"), include_str!("../../../permit-signer/Cargo.toml")] {
        let served = manifest.split("[dev-dependencies]").next().unwrap();
        assert!(!served.contains("software-authenticator"));
    }
}

#[tokio::test]
async fn a_passkey_alone_is_two_factors() {
    let world = World::new().await;
    let browser = world.visitor();
    let page = browser.read("/sign-in").await;
    let act = passkey("auditor").assert(&challenge(&page), &party());
    let forged = ActSignature { credential: passkey("chair").credential().clone(), ..act.clone() };
    let answer = post_assertion(&browser, "/sign-in/passkey", &csrf(&page), &forged, "").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.text().await.unwrap().contains("passkey/signature"));
    let answer = post_assertion(&browser, "/sign-in/passkey", &csrf(&page), &act, "").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "the challenge is used up");
    let page = browser.read("/sign-in").await;
    let act = passkey("auditor").assert(&challenge(&page), &party());
    let answer = post_assertion(&browser, "/sign-in/passkey", &csrf(&page), &act, "").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let chain = browser.read("/audit").await;
    assert!(chain.contains("account:signed-in") && chain.contains("account:sign-in-refused"));
}

#[tokio::test]
async fn guessing_at_the_second_step_locks_and_is_told() {
    let world = World::new().await;
    let Totp { browser: fresh, secret, .. } = with_totp(&world).await;
    let browser = half(&world, FRESH).await;
    for turn in 0..5 {
        let answer = browser.post("/sign-in/second", &[("with", "totp"), ("code", "123456")]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{turn}");
    }
    // The half session is over; with the password again, even the right code is too early.
    let next = code(&secret, Timestamp::now() + SignedDuration::from_secs(30));
    let answer = browser.post("/sign-in/second", &[("with", "totp"), ("code", &next)]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.text().await.unwrap().contains("portal/not-signed-in"));
    let again = half(&world, FRESH).await;
    let answer = again.post("/sign-in/second", &[("with", "totp"), ("code", &next)]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.text().await.unwrap().contains("しばらくサインインできません"));
    let chain = world.person("auditor").await.read("/audit").await;
    assert!(chain.contains("account:locked-out"));
    assert!(fresh.read("/mails").await.contains("サインインの失敗が続いています"));
}

#[tokio::test]
async fn an_enrolment_is_signed_by_the_passkey_and_counts_with_the_operator_alone() {
    let world = World::new().await;
    let browser = world.person("eve").await;
    let credential = passkey("eve").credential().to_string();
    let begin = async |browser: &Browser| {
        let answer = browser.post("/account/enrolment", &[("credential", &credential)]).await;
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, _) = begin(&world.person("r2").await).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "another person's passkey");
    let (status, page) = begin(&browser).await;
    assert_eq!(status, StatusCode::OK);
    let (id, path) = (between(&page, "name=\"act\" value=\"", '"'), "/account/enrolment/signed");
    assert!(page.contains("action=\"http://localhost:8091/sign\"") && !page.contains("data-challenge"));
    let challenge = enrolment_challenge(&page);
    let good = passkey("eve").assert(&challenge, &desk());
    let token = csrf(&page);
    // Signed for something else, or where people sign in.
    for (signed, at, code) in [([9; 32], desk(), "passkey/challenge"), (challenge, party(), "passkey/origin")] {
        let wrong = passkey("eve").assert(&signed, &at);
        let answer = post_assertion(&browser, path, &token, &wrong, &id).await;
        assert!(answer.text().await.unwrap().contains(code), "{code}");
    }
    // Another person, another session of the same person, another act.
    for other in [world.person("r2").await, world.person("eve").await] {
        let token = other.token().await;
        let answer = post_assertion(&other, path, &token, &good, &id).await;
        assert!(answer.text().await.unwrap().contains("portal/pending-act"));
    }
    assert_eq!(post_assertion(&browser, path, &token, &good, &id).await.status(), StatusCode::OK);
    let replayed = post_assertion(&browser, path, &token, &good, &id).await;
    assert_eq!(replayed.status(), StatusCode::CONFLICT);
    let (_, page) = begin(&browser).await;
    let id = between(&page, "name=\"act\" value=\"", '"');
    let answer = browser.post(path, &[("act", &id), ("demo", "yes")]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let shown = answer.text().await.unwrap();
    browser.refused(path, &[("act", &id), ("demo", "yes")], "portal/pending-act").await;
    let request = between(&shown, "readonly>", '<');
    let code: EnrolmentCode = between(&shown, " <strong>", '<').parse().unwrap();
    let portal = world.path("portal").join("public/sign.pub");
    let registrar = Registrar::open(&world.path("permit"), &portal, &world.path("store")).unwrap();
    let enrolment = registrar.enrol(&request, &code, Timestamp::now()).unwrap();
    assert_eq!((enrolment.user.as_str(), enrolment.roles.len()), ("eve", 1));
    assert_eq!(enrolment.credential.to_string(), credential);
}

#[tokio::test]
async fn passwords_are_changed_with_the_old_one_and_not_to_a_common_one() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let change = async |current: &str, new: &str| {
        let answer = pi.post("/account/password", &[("current", current), ("new", new)]).await;
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, page) = change("not this one", "夏の夜に風が吹く、静かな庭").await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("今のパスワードが違います。"));
    let (status, page) = change(PASSWORD, "Password1234").await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("流出した一覧"));
    let elsewhere = world.person("pi").await;
    let between = half(&world, "pi").await;
    let (status, _) = change(PASSWORD, "夏の夜に風が吹く、静かな庭").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    // Every other session is over, also those that are open by half.
    assert_eq!(elsewhere.get("/applications").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(between.get("/sign-in/second").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(pi.get("/applications").await.status(), StatusCode::OK);
    assert_eq!(world.visitor().sign_in("pi", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(world.visitor().sign_in("pi", "夏の夜に風が吹く、静かな庭").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_cookie_changes_at_each_step_and_ends_when_idle() {
    let world = World::new().await;
    let browser = world.visitor();
    let cookie = |answer: &Response| {
        let cookies = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
        cookies.into_iter().find(|cookie| cookie.starts_with("sudare=")).unwrap()
    };
    let value = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
    let first = cookie(&browser.get("/sign-in").await);
    assert!(first.contains("Max-Age=1800"), "{first}");
    let second = cookie(&browser.sign_in("pi", PASSWORD).await);
    browser.read("/sign-in/second").await;
    let third = cookie(&browser.post("/sign-in/second", &[("with", "passkey"), ("demo", "yes")]).await);
    assert!(value(&first) != value(&second) && value(&second) != value(&third));
}

#[tokio::test]
async fn the_last_factor_stays() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let credential = passkey("pi").credential().to_string();
    pi.refused("/account/passkey/remove", &[("credential", &credential)], "portal/forbidden").await;
    let others = passkey("co").credential().to_string();
    assert!(!pi.post("/account/passkey/remove", &[("credential", &others)]).await.status().is_redirection());
    // A passkey of somebody cannot be registered for somebody else.
    let eve = world.person("eve").await;
    let page = eve.read("/account/second-factor").await;
    let made = passkey("pi").register(&challenge(&page), &party());
    let fields = [("client_data", made.client_data.to_string()), ("attestation", made.attestation.to_string())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    eve.refused("/account/passkey", &fields, "passkey/other-person").await;
}
