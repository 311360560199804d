//! The portal on a socket, browsers with cookies, and every page of its router.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use policies::keys::SecretBytes;
use policies::passkey::{ActSignature, Challenge, Registration, RelyingParty, SoftwareAuthenticator};
use policies::{ProjectId, UserId};
use reqwest::{Client, StatusCode};
use review_portal::{DatabaseUrl, DemoAuthenticator, PortalAnswer, PortalConfig, PortalRefusal, QueryRunner, Watch};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::filled::Filled;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Whom passkeys are made for.
pub(crate) fn party() -> RelyingParty {
    RelyingParty::localhost("http", 8080)
}

/// Everybody's passkeys in software, as in the demo.
#[derive(Debug)]
pub(crate) struct Passkeys;

impl Passkeys {
    pub(crate) fn of(user: &UserId) -> SoftwareAuthenticator {
        SoftwareAuthenticator::of(&SecretBytes::from_slice(&[5; 32]).unwrap(), user)
    }
}

impl DemoAuthenticator for Passkeys {
    fn assert(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> ActSignature {
        Self::of(user).assert(challenge, party)
    }

    fn register(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> Registration {
        Self::of(user).register(challenge, party)
    }
}

/// No query is run here.
struct NoEngine;

#[async_trait::async_trait]
impl QueryRunner for NoEngine {
    async fn run(&self, _: &str, _: Option<&ProjectId>, _: &str, _: &Watch<'_>) -> Result<PortalAnswer, PortalRefusal> {
        std::future::pending().await
    }
}

/// A portal that serves until it is dropped.
pub(crate) struct Served {
    address: SocketAddr,
    _running: JoinSet<()>,
}

pub(crate) async fn serve(folder: &Path, database: &DatabaseUrl) -> Served {
    let config = PortalConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        database: database.clone(),
        keys: folder.join("portal"),
        signer_url: "http://127.0.0.1:9".to_owned(),
        ca: None,
        tls: false,
        audit: folder.join("portal"),
        review: None,
        mail: None,
        webhook: None,
        synthetic: true,
        https: false,
        relying_party: Some(party()),
        desk: None,
        institutions: Vec::new(),
        dummy: None,
        demo_authenticator: Some(Arc::new(Passkeys)),
        clock: Timestamp::now,
    };
    let (ready, address) = oneshot::channel();
    let mut running = JoinSet::new();
    running.spawn(async move {
        let serving =
            review_portal::serve(config, Arc::new(NoEngine), |at| ready.send(at).unwrap(), std::future::pending());
        serving.await.unwrap();
    });
    Served { address: address.await.unwrap(), _running: running }
}

impl Served {
    /// A browser in which this person is signed in; nobody for the empty name.
    pub(crate) async fn browser(&self, person: &str) -> Browser {
        let http = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).no_proxy();
        let browser = Browser { http: http.build().unwrap(), base: format!("http://{}", self.address) };
        if !person.is_empty() {
            browser.post("/sign-in", &[("user", person), ("password", PASSWORD), ("next", "/")]).await;
            browser.post("/sign-in/second", &[("with", "passkey"), ("demo", "yes"), ("next", "/")]).await;
        }
        browser
    }
}

pub(crate) struct Browser {
    http: Client,
    base: String,
}

impl Browser {
    /// The page's length; none if this person does not get it.
    pub(crate) async fn get(&self, path: &str) -> Option<usize> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.unwrap();
        let status = answer.status();
        let length = answer.bytes().await.unwrap().len();
        assert!(!status.is_server_error(), "{path}: {status}");
        (status == StatusCode::OK).then_some(length)
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) {
        let page = self.http.get(format!("{}{path}", self.base)).send().await.unwrap().text().await.unwrap();
        let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let mut all = vec![("csrf", token.as_str())];
        all.extend(fields);
        let answer = self.http.post(format!("{}{path}", self.base)).form(&all).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
    }
}

/// Every page of the router, its places filled in for this person, and pages in the middle of long lists.
pub(crate) fn paths(filled: &Filled, person: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for part in include_str!("../../src/pages.rs").split(".route(\"").skip(1) {
        let (path, rest) = part.split_once('"').unwrap();
        if rest.split('\n').next().unwrap().contains("get(") {
            paths.extend(places(filled, person, path));
        }
    }
    paths.push("/static/portal.css".to_owned());
    paths.push(format!("/applications?before={}", filled.middle));
    paths.push(format!("/applications?after={}", filled.middle));
    paths.push("/use?page=200&refusals=40&incidents=9".to_owned());
    paths
}

fn places(filled: &Filled, person: &str, path: &str) -> Vec<String> {
    let applications = if person == "ap" { &filled.own } else { &filled.applications };
    let path = path.replace("{dataset}", "ndb").replace("{project}", &filled.project);
    if path.contains("{application}") {
        applications.iter().map(|application| path.replace("{application}", application)).collect()
    } else if path.contains("{date}") {
        filled.meetings.iter().map(|day| path.replace("{date}", &day.to_string())).collect()
    } else {
        vec![path]
    }
}
