//! A provider that answers what it is told to: tokens that are nearly right open nothing.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::institution::{config, query};
use super::{UNIV_A, leave, location, refused};
use crate::InstitutionConfig;
use crate::oidc::{Institutions, OidcError, Purpose};
use crate::tests::world::{Browser, Passkeys, World};

/// The private key of RFC 8410, section 10.3.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

/// Another one.
const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

fn key(pem: &str, id: &str) -> CoreEdDsaPrivateSigningKey {
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(pem, Some(JsonWebKeyId::new(id.to_owned()))).unwrap()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token of these claims, signed by `key` under the name `id`.
fn token(claims: &Value, pem: &str, id: &str) -> String {
    let text = format!("{}.{}", part(&json!({ "alg": "EdDSA", "kid": id })), part(claims));
    let signature = key(pem, id).sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

struct Liar {
    issuer: String,
    token: Arc<Mutex<String>>,
    keys: Arc<Mutex<Value>>,
    dir: tempfile::TempDir,
    _running: JoinSet<()>,
}

#[derive(Clone)]
struct Says {
    issuer: String,
    token: Arc<Mutex<String>>,
    keys: Arc<Mutex<Value>>,
}

async fn describe(State(says): State<Says>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", says.issuer);
    Json(json!({
        "issuer": says.issuer, "authorization_endpoint": at("/auth"), "token_endpoint": at("/token"), "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
    }))
}

async fn redeem(State(says): State<Says>) -> Json<Value> {
    Json(json!({ "access_token": "any", "token_type": "Bearer", "id_token": *says.token.lock().unwrap() }))
}

async fn keys(State(says): State<Says>) -> Json<Value> {
    Json(json!({ "keys": [*says.keys.lock().unwrap()] }))
}

fn public(pem: &str, id: &str) -> Value {
    serde_json::to_value(key(pem, id).as_verification_key()).unwrap()
}

impl Liar {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (token, known) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(public(KEY, "k1"))));
        let says = Says { issuer: issuer.clone(), token: Arc::clone(&token), keys: Arc::clone(&known) };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/token", post(redeem))
            .route("/jwks", get(keys))
            .with_state(says);
        let mut running = JoinSet::new();
        running.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { issuer, token, keys: known, dir: tempfile::tempdir().unwrap(), _running: running }
    }

    fn config(&self) -> InstitutionConfig {
        config(UNIV_A, &self.issuer, self.dir.path())
    }

    /// Right claims, in answer to what the portal asked.
    fn claims(&self, address: &str) -> Value {
        let now = Timestamp::now().as_second();
        json!({ "iss": self.issuer, "sub": "hanako", "aud": "sudare", "iat": now, "exp": now + 60, "nonce": query(address, "nonce") })
    }

    /// Answers with this token to what was asked at `address`; gives the path back to the portal.
    fn answer(&self, address: &str, token: String) -> String {
        *self.token.lock().unwrap() = token;
        format!("/sign-in/institution/{UNIV_A}?code=any&state={}", query(address, "state"))
    }
}

async fn linked(world: &World, liar: &Liar) -> Browser {
    let pi = world.person("pi").await;
    let address = leave(&pi, "/account/institution", UNIV_A).await;
    let mut claims = liar.claims(&address);
    claims["amr"] = json!(["pwd", "mfa"]);
    let back = liar.answer(&address, token(&claims, KEY, "k1"));
    assert_eq!(location(pi.get(&back).await), "/account");
    pi
}

#[tokio::test]
async fn a_token_that_is_not_quite_right_opens_nothing() {
    let liar = Liar::start().await;
    let world = World::at_institutions(Some(Arc::new(Passkeys)), vec![liar.config()]).await;
    linked(&world, &liar).await;
    let now = Timestamp::now().as_second();
    let wrong = [
        ("iss", json!("http://127.0.0.1:1"), "oidc/issuer"),
        ("aud", json!("another"), "oidc/audience"),
        ("aud", json!(["sudare", "another"]), "oidc/audience"),
        ("azp", json!("another"), "oidc/audience"),
        ("nonce", json!("of another sign-in"), "oidc/nonce"),
        ("nonce", Value::Null, "oidc/nonce"),
        ("exp", json!(now - 1), "oidc/expired"),
        ("iat", json!(now - 3600), "oidc/expired"),
        ("iat", json!(now + 3600), "oidc/expired"),
        ("sub", json!("somebody else"), "oidc/unknown-person"),
        ("sub", json!(7), "oidc/token"),
    ];
    for (name, value, code) in wrong {
        let browser = world.visitor();
        let address = leave(&browser, "/sign-in/institution", UNIV_A).await;
        let mut claims = liar.claims(&address);
        claims[name] = value;
        refused(&browser, &liar.answer(&address, token(&claims, KEY, "k1")), code).await;
    }
    let browser = world.visitor();
    let address = leave(&browser, "/sign-in/institution", UNIV_A).await;
    let back = liar.answer(&address, token(&liar.claims(&address), KEY, "k1"));
    assert_eq!(location(browser.get(&back).await), "/sign-in/second?next=/projects", "the same, with nothing wrong");
}

#[tokio::test]
async fn a_token_that_the_provider_did_not_sign_opens_nothing() {
    let liar = Liar::start().await;
    let world = World::at_institutions(Some(Arc::new(Passkeys)), vec![liar.config()]).await;
    linked(&world, &liar).await;
    for forged in 0..5 {
        let browser = world.visitor();
        let address = leave(&browser, "/sign-in/institution", UNIV_A).await;
        let claims = liar.claims(&address);
        let good = token(&claims, KEY, "k1");
        let signed = good.rsplit_once('.').unwrap().1;
        let token = match forged {
            0 => token(&claims, OTHER_KEY, "k1"),
            1 => token(&claims, OTHER_KEY, "k2"),
            2 => format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims)),
            3 => format!("{}.{}.{signed}", part(&json!({ "alg": "HS256", "kid": "k1" })), part(&claims)),
            _ => format!("{}.{}.{signed}", good.split('.').next().unwrap(), part(&json!({ "sub": "x" }))),
        };
        let answer = browser.get(&liar.answer(&address, token)).await.text().await.unwrap();
        assert!(answer.contains("oidc/signature") || answer.contains("oidc/token"), "{forged}: {answer}");
        assert_eq!(location(browser.get("/sign-in/second").await), "/sign-in", "{forged}");
    }
}

#[tokio::test]
async fn new_keys_of_a_provider_are_asked_for_again() {
    let liar = Liar::start().await;
    let institutions = Institutions::open(&[liar.config()], "http://localhost:8080").unwrap();
    let provider = institutions.find(UNIV_A).unwrap();
    let now = Timestamp::now();
    let hear = async |at: Timestamp| {
        let (address, pending) = provider.ask(Purpose::SignIn { next: "/".to_owned() }, now).await.unwrap();
        *liar.token.lock().unwrap() = token(&liar.claims(address.as_str()), OTHER_KEY, "k2");
        let answer = serde_json::from_value(json!({ "code": "any", "state": "checked by the caller" })).unwrap();
        provider.hear(&pending, &answer, at).await.map(|who| who.subject)
    };
    assert_eq!(hear(now).await, Err(OidcError::Signature));
    *liar.keys.lock().unwrap() = public(OTHER_KEY, "k2");
    assert_eq!(hear(now).await, Err(OidcError::Signature), "not with every token that does not fit");
    assert_eq!(hear(now + SignedDuration::from_secs(31)).await, Ok("hanako".to_owned()));
}

#[tokio::test]
async fn demanded_factors_count_and_the_portals_own_still_follows() {
    let liar = Liar::start().await;
    let mut config = liar.config();
    config.amr = vec!["mfa".to_owned()];
    let world = World::at_institutions(Some(Arc::new(Passkeys)), vec![config]).await;
    linked(&world, &liar).await;
    for (amr, opens) in [(Value::Null, false), (json!(["pwd"]), false), (json!(["otp", "mfa"]), true)] {
        let browser = world.visitor();
        let address = leave(&browser, "/sign-in/institution", UNIV_A).await;
        let mut claims = liar.claims(&address);
        claims["amr"] = amr;
        let back = liar.answer(&address, token(&claims, KEY, "k1"));
        if opens {
            assert_eq!(location(browser.get(&back).await), "/sign-in/second?next=/projects");
            assert_ne!(browser.get("/projects").await.status(), 200);
        } else {
            refused(&browser, &back, "oidc/too-weak").await;
        }
    }
}
