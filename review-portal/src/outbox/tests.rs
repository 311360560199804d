//! The outbox against a mail server of the test's own, over a real socket: what arrives, how often, and what comes of refusals.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing};
use jiff::{SignedDuration, Timestamp};
use policies::audit::AuditLog;
use policies::keys::KeyFolder;
use policies::tls::{Ca, ServerCertificate, TlsListener};
use policies::{Zone, jws};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::worker::wait_after;
use super::{
    Fate, Kind, MailError, NOTICE, Post, Smtp, SmtpConfig, SmtpTls, Webhook, WebhookConfig, WebhookError, Worker, post,
    to,
};
use crate::contact;
use crate::database::Database;
use crate::database::tests::opened;
use crate::language::Language;

/// What the server does with one connection.
#[derive(Clone, Copy)]
enum Verdict {
    /// Takes the mail and never says so.
    Silent,
    /// Answers so to the recipient.
    Say(&'static str),
    Take,
}

/// A mail server that keeps what it takes.
#[derive(Clone, Default)]
struct Server {
    took: Arc<Mutex<Vec<String>>>,
    verdicts: Arc<Mutex<VecDeque<Verdict>>>,
}

impl Server {
    /// Talks SMTP (RFC 5321) with one client.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) {
        let verdict = self.verdicts.lock().unwrap().pop_front().unwrap_or(Verdict::Take);
        let (read, mut write) = tokio::io::split(stream);
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 test ESMTP\r\n").await.unwrap();
        let (mut letter, mut inside) = (String::new(), false);
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match (inside, line.split([' ', ':']).next().unwrap(), verdict) {
                (true, ".", Verdict::Silent) => {
                    self.took.lock().unwrap().push(letter);
                    return std::future::pending().await;
                }
                (true, ".", _) => {
                    self.took.lock().unwrap().push(std::mem::take(&mut letter));
                    inside = false;
                    "250 taken"
                }
                (true, ..) => {
                    letter.push_str(&line);
                    letter.push('\n');
                    continue;
                }
                (_, "EHLO", _) => "250 test",
                (_, "RCPT", Verdict::Say(answer)) => answer,
                (_, "DATA", _) => {
                    inside = true;
                    "354 go on"
                }
                (_, "QUIT", _) => "221 bye",
                _ => "250 ok",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
    }

    async fn listen(&self, running: &mut JoinSet<()>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server) = (listener.local_addr().unwrap(), self.clone());
        running.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                clients.spawn(server.clone().talk(stream));
            }
        });
        address
    }

    fn took(&self) -> Vec<String> {
        self.took.lock().unwrap().clone()
    }
}

struct Scene {
    dir: tempfile::TempDir,
    db: Database,
    server: Server,
    address: SocketAddr,
    _running: JoinSet<()>,
    stop: (watch::Sender<()>, watch::Receiver<()>),
}

impl Scene {
    async fn new(verdicts: &[Verdict]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = opened(dir.path()).await;
        for user in ["pi", "co"] {
            let insert = sqlx::query(
                "insert into account (id, name_ja, name_en, organisation, roles, password, created_at)
                 values ($1, 'x', 'x', 'x', 'researcher', 'x', '')",
            );
            insert.bind(user).execute(db.pool()).await.unwrap();
        }
        let keys = KeyFolder::init(&dir.path().join("portal"), Zone::Portal, Timestamp::now()).unwrap();
        let audit = AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign").unwrap()).unwrap();
        let (audit, user) = (Arc::new(audit), "pi".parse().unwrap());
        contact::set(&db, &audit, &user, (Some("pi@univ.example"), true), Timestamp::now()).await.unwrap();
        assert!(contact::set(&db, &audit, &user, (Some("pi@univ\r\nBcc: x"), true), Timestamp::now()).await.is_err());
        let server = Server { verdicts: Arc::new(Mutex::new(verdicts.to_vec().into())), ..Server::default() };
        let mut running = JoinSet::new();
        let address = server.listen(&mut running).await;
        Self { dir, db, server, address, _running: running, stop: watch::channel(()) }
    }

    fn config(&self) -> SmtpConfig {
        SmtpConfig {
            server: "127.0.0.1".to_owned(),
            port: Some(self.address.port()),
            tls: SmtpTls::None,
            ca: None,
            user: None,
            password_file: None,
            from: "Sudare <no-reply@portal.example>".to_owned(),
            portal: "https://portal.example".to_owned(),
        }
    }

    fn worker(&self, config: &SmtpConfig) -> Worker {
        Worker { db: self.db.clone(), smtp: Some(Smtp::new(config).unwrap()), webhook: None, clock: Timestamp::now }
    }

    async fn round(&self) -> usize {
        self.worker(&self.config()).round(&self.stop.1).await.unwrap()
    }

    async fn post(&self, dedup: &str, recipient: &str, subject: &str, now: Timestamp) {
        let mut work = self.db.begin().await.unwrap();
        let (dedup, language, kind) = (dedup.to_owned(), Language::En, Kind::Mail);
        let (subject, body) = (subject.to_owned(), "Please read.\n\n.\n簾".to_owned());
        post(&mut work, Post { dedup, kind, recipient, language, subject, body }, now).await.unwrap();
        work.commit().await.unwrap();
    }

    /// As if the wait were over.
    async fn due(&self) {
        sqlx::query("update outbox set next_try_at = 0").execute(self.db.pool()).await.unwrap();
    }

    async fn fates(&self, user: &str) -> Vec<Fate> {
        to(&self.db, user).await.unwrap().into_iter().map(|mail| mail.fate).collect()
    }
}

#[tokio::test]
async fn a_mail_arrives_once_with_its_words() {
    let scene = Scene::new(&[]).await;
    let now = Timestamp::now();
    scene.post("A-1/1/pi", "pi", "Decided\r\nBcc: eve@example.org", now).await;
    scene.post("A-1/1/pi", "pi", "The same again", now).await;
    assert_eq!(scene.fates("pi").await, [Fate::Waiting]);
    assert_eq!((scene.round().await, scene.round().await), (1, 0));
    let took = scene.server.took();
    let [letter] = took.as_slice() else { panic!("{took:?}") };
    let header = |name: &str| line(letter, name);
    assert_eq!(header("From:"), "Sudare <no-reply@portal.example>");
    assert_eq!(header("To:"), "pi@univ.example");
    assert_eq!(header("Subject:"), "DecidedBcc: eve@example.org", "no header of its own");
    assert!(header("Bcc:").is_empty() && letter.contains("text/plain; charset=utf-8") && !header("Date:").is_empty());
    assert!(header("Message-ID:").ends_with("@portal.example>"));
    // Not ASCII, so quoted-printable (RFC 2045, 6.7); a dot alone is doubled, or the mail would end there (RFC 5321, 4.5.2).
    assert!(letter.ends_with("\nPlease read.\n\n..\n=E7=B0=BE\n"), "{letter}");
    assert_eq!(scene.fates("pi").await, [Fate::Sent]);
    assert!(scene.fates("co").await.is_empty());
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_later_and_one_for_good_is_not() {
    let scene = Scene::new(&[Verdict::Say("451 later"), Verdict::Take, Verdict::Say("550 no such mailbox")]).await;
    scene.post("A-1/1/pi", "pi", "one", Timestamp::now()).await;
    assert_eq!((scene.round().await, scene.round().await), (0, 0), "not before its time");
    assert_eq!(scene.fates("pi").await, [Fate::Waiting]);
    scene.due().await;
    assert_eq!(scene.round().await, 1);
    scene.post("A-1/2/pi", "pi", "two", Timestamp::now()).await;
    assert_eq!(scene.round().await, 0);
    scene.due().await;
    assert_eq!((scene.round().await, scene.server.took().len()), (0, 1));
    assert_eq!(scene.fates("pi").await, [Fate::Failed, Fate::Sent]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_given_up_and_kept_for_its_reader() {
    let scene = Scene::new(&[]).await;
    let now = Timestamp::now();
    scene.post("A-1/1/co", "co", "no address", now).await;
    scene.post("A-1/1/pi", "pi", "four days old", now - SignedDuration::from_hours(96)).await;
    assert_eq!((scene.round().await, scene.server.took().len()), (0, 0));
    assert_eq!((scene.fates("co").await, scene.fates("pi").await), (vec![Fate::Failed], vec![Fate::Failed]));
    // A server that is not there: after the last try it ends.
    scene.post("A-1/2/pi", "pi", "nobody listens", now).await;
    let config = SmtpConfig { port: Some(1), ..scene.config() };
    for _ in 0..16 {
        assert_eq!(scene.fates("pi").await.first(), Some(&Fate::Waiting));
        scene.due().await;
        assert_eq!(scene.worker(&config).round(&scene.stop.1).await.unwrap(), 0);
    }
    assert_eq!(scene.fates("pi").await.first(), Some(&Fate::Failed));
}

#[tokio::test]
async fn a_killed_worker_loses_nothing_and_doubles_only_what_the_server_had_taken() {
    let scene = Scene::new(&[Verdict::Silent]).await;
    scene.post("A-1/1/pi", "pi", "one", Timestamp::now()).await;
    let config = scene.config();
    let worker = scene.worker(&config);
    let took = Arc::clone(&scene.server.took);
    let taken = async move {
        while took.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    // Ends the worker after the server took the mail, before the row says so.
    tokio::select! {
        _ = worker.round(&scene.stop.1) => panic!("the server never answers"),
        () = taken => {}
    }
    drop(worker);
    assert_eq!(scene.round().await, 0, "claimed: another process leaves it alone for now");
    scene.due().await;
    assert_eq!((scene.round().await, scene.round().await), (1, 0));
    let ids: Vec<String> = scene.server.took().iter().map(|letter| line(letter, "Message-ID:")).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1] && !ids[0].is_empty(), "{ids:?}");
}

/// Two processes on one table.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_workers_send_each_mail_once() {
    let scene = Scene::new(&[]).await;
    for number in 0..12 {
        scene.post(&format!("A-1/{number}/pi"), "pi", "one", Timestamp::now()).await;
    }
    let (first, second) = tokio::join!(scene.round(), scene.round());
    assert_eq!((first + second, scene.server.took().len()), (12, 12));
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_ends() {
    let scene = Scene::new(&[]).await;
    scene.post("A-1/1/pi", "pi", "one", Timestamp::now()).await;
    let (stop, stopped) = watch::channel(());
    let mut working = JoinSet::new();
    working.spawn(scene.worker(&scene.config()).run(stopped));
    while scene.fates("pi").await != [Fate::Sent] {
        tokio::task::yield_now().await;
    }
    drop(stop);
    working.join_all().await;
}

#[tokio::test]
async fn over_tls_to_the_server_whose_ca_is_known_and_to_no_other() {
    let scene = Scene::new(&[]).await;
    let now = Timestamp::now();
    let keys = KeyFolder::open(&scene.dir.path().join("portal"), Zone::Portal).unwrap();
    let ca = scene.dir.path().join("ca");
    Ca::create(&ca, now).unwrap().issue(&keys, &[], now).unwrap();
    let certificate = ServerCertificate::open(&keys, now).unwrap();
    let mut listener = TlsListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), &certificate);
    let (port, server) = (listener.local_addr().unwrap().port(), scene.server.clone());
    let mut running = JoinSet::new();
    running.spawn(async move {
        let mut clients = JoinSet::new();
        loop {
            clients.spawn(server.clone().talk(listener.accept().await.0));
        }
    });
    let config = |ca| SmtpConfig {
        server: "localhost".to_owned(),
        port: Some(port),
        tls: SmtpTls::Implicit,
        ca,
        ..scene.config()
    };
    scene.post("A-1/1/pi", "pi", "one", now).await;
    assert_eq!(scene.worker(&config(None)).round(&scene.stop.1).await.unwrap(), 0);
    scene.due().await;
    assert_eq!(scene.worker(&config(Some(ca.join("ca.pem")))).round(&scene.stop.1).await.unwrap(), 1);
    // A server that offers no STARTTLS gets nothing in plain.
    scene.post("A-1/2/pi", "pi", "two", now).await;
    let plain = SmtpConfig { tls: SmtpTls::Starttls, server: "localhost".to_owned(), ..scene.config() };
    assert_eq!(scene.worker(&plain).round(&scene.stop.1).await.unwrap(), 0);
    assert_eq!(scene.server.took().len(), 1);
}

#[tokio::test]
async fn a_configuration_that_would_not_hold_is_refused_at_once() {
    let scene = Scene::new(&[]).await;
    let refused = |change: fn(&mut SmtpConfig)| {
        let mut config = scene.config();
        change(&mut config);
        Smtp::new(&config).map(drop).unwrap_err()
    };
    assert!(matches!(refused(|config| config.server = "mail.example".to_owned()), MailError::Plain));
    assert!(matches!(refused(|config| config.from = "nobody".to_owned()), MailError::From));
    assert!(matches!(refused(|config| config.portal = "portal.example".to_owned()), MailError::Link));
    assert!(matches!(refused(|config| config.user = Some("u".to_owned())), MailError::PasswordMissing));
    let nowhere = |config: &mut SmtpConfig| {
        (config.tls, config.ca) = (SmtpTls::Implicit, Some("/nowhere".into()));
    };
    assert!(matches!(refused(nowhere), MailError::Ca { .. }));
}

/// What another system gets: a document that the portal has signed, again under the same key until it is taken.
#[tokio::test]
async fn another_system_is_told_in_documents_that_the_portal_has_signed() {
    let scene = Scene::new(&[]).await;
    let keys = KeyFolder::open(&scene.dir.path().join("portal"), Zone::Portal).unwrap();
    let heard: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let hear = {
        let heard = Arc::clone(&heard);
        async move |headers: HeaderMap, body: String| {
            let mut heard = heard.lock().unwrap();
            heard.push((headers["idempotency-key"].to_str().unwrap().to_owned(), body));
            if heard.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let mut running = JoinSet::new();
    running
        .spawn(async move { axum::serve(listener, Router::new().route("/hook", routing::post(hear))).await.unwrap() });
    let hook =
        |url: &str| Webhook::new(&WebhookConfig { url: url.to_owned(), ca: None }, keys.signing("sign").unwrap());
    let worker = Worker { db: scene.db.clone(), smtp: None, webhook: Some(hook(&url).unwrap()), clock: Timestamp::now };
    scene.post("A-1/1/pi", "pi", "a mail, for which there is no server", Timestamp::now()).await;
    let mut work = scene.db.begin().await.unwrap();
    let (dedup, kind, language) = ("A-1/1//webhook".to_owned(), Kind::Webhook, Language::En);
    let (subject, body) = (String::new(), "{\"event\":\"decided\"}".to_owned());
    post(&mut work, Post { dedup, kind, recipient: "webhook", language, subject, body }, Timestamp::now())
        .await
        .unwrap();
    work.commit().await.unwrap();
    assert_eq!(worker.round(&scene.stop.1).await.unwrap(), 0);
    scene.due().await;
    assert_eq!(worker.round(&scene.stop.1).await.unwrap() + worker.round(&scene.stop.1).await.unwrap(), 1);
    let heard = heard.lock().unwrap().clone();
    assert!(heard.len() == 2 && heard[0].0 == heard[1].0, "{heard:?}");
    let claims: serde_json::Value =
        jws::verify(NOTICE, &heard[1].1, &keys.signing("sign").unwrap().verifying()).unwrap();
    assert_eq!(claims["event"], "decided");
    assert_eq!(scene.fates("pi").await, [Fate::Waiting]);
    assert!(matches!(hook("http://elsewhere.example/"), Err(WebhookError::Tls(_))));
    assert!(matches!(hook("https://elsewhere.example/"), Err(WebhookError::Tls(_))), "without its CA");
    assert!(matches!(hook("nowhere"), Err(WebhookError::Address)));
}

#[test]
fn waits_double_up_to_six_hours() {
    let minutes = |tries| wait_after(tries).as_secs() / 30;
    assert_eq!([minutes(0), minutes(1), minutes(2), minutes(5)], [1, 1, 2, 16]);
    assert_eq!((wait_after(16), wait_after(i64::MAX)), (SignedDuration::from_hours(6), SignedDuration::from_hours(6)));
}

fn line(letter: &str, name: &str) -> String {
    letter.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
}
