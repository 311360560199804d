//! The desk as a browser meets it, over a socket.

use std::collections::BTreeSet;

use policies::application::{Actor, Draft, Event, EventRecord, Vote};
use policies::keys::SecretBytes;
use policies::passkey::{Enrolment, EnrolmentRequest, SoftwareAuthenticator};
use reqwest::{Client, Response};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::*;

const HOUR: &str = "2026-11-22T03:00:00Z";

struct Desk {
    base: String,
    http: Client,
    _stop: oneshot::Sender<()>,
    _running: JoinSet<()>,
    _keys: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let keys = tempfile::tempdir().unwrap();
        KeyFolder::init(&keys.path().join("permit"), Zone::Permit, HOUR.parse().unwrap()).unwrap();
        let config = DeskConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            keys: keys.path().join("permit"),
            tls: false,
            portal: RelyingParty::localhost("http", 8080),
            clock: Timestamp::now,
        };
        let (ready, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = async { drop(stopped.await) };
        let mut running = JoinSet::new();
        running.spawn(async move { serve_desk(config, |at| ready.send(at).unwrap(), ended).await.unwrap() });
        // The client wants one, also for plain connections. Already there: the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let base = format!("http://{}", address.await.unwrap());
        Self { base, http: Client::new(), _stop: stop, _running: running, _keys: keys }
    }

    async fn hand(&self, paper: &str, document: &str, action: &str) -> Response {
        let fields = [
            ("paper", paper),
            ("document", document),
            ("credentials", "AAAA \"><b>"),
            ("action", action),
            ("act", "0123"),
            ("csrf", "token"),
            ("lang", "ja"),
        ];
        self.http.post(format!("{}/sign", self.base)).form(&fields).send().await.unwrap()
    }
}

fn vote(ballot: &str, comment: &str) -> EventRecord {
    let vote: Vote = serde_json::from_value(json!({ "ballot": ballot, "comment": comment })).unwrap();
    let by = Actor {
        user: "r1".parse().unwrap(),
        affiliation: "B大学/公衆衛生".parse().unwrap(),
        roles: BTreeSet::from(["reviewer".parse().unwrap()]),
        seats: BTreeSet::new(),
        holds: BTreeSet::new(),
    };
    let draft = Draft { at: HOUR.parse().unwrap(), by, event: Event::VoteCast { vote } };
    EventRecord::after(&"A-2026-000001".parse().unwrap(), None, draft)
}

#[tokio::test]
async fn what_is_signed_is_what_is_read() {
    let desk = Desk::new().await;
    let record = vote("against", "<script>alert(1)</script> \u{202e}");
    let answer =
        desk.hand("record", &serde_json::to_string(&record).unwrap(), "/applications/A-2026-000001/vote").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action http://localhost:8080;") && policy.contains("frame-ancestors 'none'"));
    let page = answer.text().await.unwrap();
    for said in ["投票する", "A-2026-000001", "r1", "against", "reviewer"] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("<script>alert") && !page.contains("\"><b>"), "shown inert");
    let challenge = policies::passkey::Base64Url::of(record.challenge().unwrap());
    assert!(page.contains(&format!("data-challenge=\"{challenge}\"")));
    assert!(page.contains("action=\"http://localhost:8080/applications/A-2026-000001/vote\""));
    assert!(page.contains("data-rp-id=\"localhost\""));
}

#[tokio::test]
async fn a_hash_that_is_not_the_records_own_is_not_signed() {
    let desk = Desk::new().await;
    // The portal shows one vote and would have another one signed.
    let record = EventRecord { hash: vote("for", "").hash, ..vote("against", "") };
    let text = serde_json::to_string(&record).unwrap();
    for (paper, document) in
        [("record", text.as_str()), ("record", "{}"), ("enrolment", &text), ("other", &text), ("", "")]
    {
        let answer = desk.hand(paper, document, "/applications/A-2026-000001/vote").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{paper}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("desk/paper") && !page.contains("data-passkey"), "{paper}");
    }
}

#[tokio::test]
async fn signatures_go_to_the_portal_alone() {
    let desk = Desk::new().await;
    let text = serde_json::to_string(&vote("for", "")).unwrap();
    for action in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\tevil",
        "",
        "@evil.example/",
        "/a?b=c",
        ".evil",
    ] {
        let answer = desk.hand("record", &text, action).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{action}");
    }
    let bare = desk.http.get(&desk.base).send().await.unwrap();
    assert!(bare.text().await.unwrap().contains("署名するものがありません"));
}

#[tokio::test]
async fn an_enrolment_shows_what_the_passkey_will_stand_for() {
    let desk = Desk::new().await;
    let user: policies::UserId = "chair".parse().unwrap();
    let passkey = SoftwareAuthenticator::of(&SecretBytes::from_slice(&[5; 32]).unwrap(), &user);
    let enrolment = Enrolment {
        user,
        roles: BTreeSet::from(["chair".parse().unwrap()]),
        seats: BTreeSet::from(["law".to_owned()]),
        holds: BTreeSet::new(),
        affiliation: "C大学/医学部".parse().unwrap(),
        relying_party: RelyingParty::localhost("http", 8080).elsewhere("http://localhost:8091").unwrap(),
        credential: passkey.credential().clone(),
        key: passkey.key(),
    };
    let made_at: Timestamp = HOUR.parse().unwrap();
    let wanted = json!({ "enrolment": enrolment, "made_at": made_at }).to_string();
    let page = desk.hand("enrolment", &wanted, "/account/enrolment/signed").await.text().await.unwrap();
    for said in ["署名用のパスキーの登録を申し込む", "chair", "law", "C大学"] {
        assert!(page.contains(said), "{said}");
    }
    let challenge = policies::passkey::Base64Url::of(EnrolmentRequest::challenge(&enrolment, made_at).unwrap());
    assert!(page.contains(&format!("data-challenge=\"{challenge}\"")));
}
