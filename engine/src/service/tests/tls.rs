//! The edge over TLS, on real sockets: who is answered, who is refused, and in which words.

use std::path::PathBuf;

use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt;
use jiff::SignedDuration;
use policies::tls::{Ca, TlsListener};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::super::*;
use super::world::Prepared;
use super::{COUNT, refused};
use crate::client::Engine;

/// An engine that listens beyond loopback, with a certificate for the names of this machine.
struct Served {
    prepared: Prepared,
    port: u16,
    _serving: JoinSet<Result<(), ServeError>>,
}

impl Served {
    async fn start() -> Self {
        Self::at(Timestamp::now(), |_| ()).await
    }

    /// `now`: what the engine's clock shows and when its certificate was issued.
    async fn at(now: Timestamp, change: impl FnOnce(&mut EngineConfig)) -> Self {
        Self::of(prepared(now), change).await
    }

    async fn of(prepared: Prepared, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = beyond(&prepared);
        issue(&config, (config.clock)());
        change(&mut config);
        let (tell, told) = oneshot::channel();
        let guard = prepared.guard();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            serve_with(config, guard, |address| tell.send(address.port()).unwrap(), std::future::pending()).await
        });
        let port = told.await.unwrap();
        Self { prepared, port, _serving: serving }
    }

    fn ca(&self) -> PathBuf {
        self.prepared.config().keys.join("tls/ca.pem")
    }

    fn url(&self, host: &str) -> String {
        format!("grpc+tls://{host}:{}", self.port)
    }

    /// What a researcher is told who asks `server` and believes `ca`.
    async fn told(&self, server: &str, ca: Option<PathBuf>) -> String {
        let engine = match Engine::at(server, ca.as_deref()) {
            Ok(engine) => engine,
            Err(error) => return refused(error),
        };
        match engine.query(&self.prepared.token(), None, COUNT).await {
            Ok(answer) => format!("answered: {}", answer.veil["grade"]),
            Err(error) => refused(error),
        }
    }
}

/// A world whose permit holds at `now`.
fn prepared(now: Timestamp) -> Prepared {
    prepared_in(now, None)
}

/// The same for a member who may query from `network` only.
fn prepared_in(now: Timestamp, network: Option<&str>) -> Prepared {
    let prepared = Prepared::with(4, |permit| {
        let networks = || network.map(|network| network.parse().unwrap()).into_iter().collect();
        permit.members.values_mut().for_each(|terms| terms.networks = networks());
        permit.issued_at = now - SignedDuration::from_hours(24);
        permit.expires_at = now + SignedDuration::from_hours(24);
    });
    prepared.set(now);
    prepared
}

fn beyond(prepared: &Prepared) -> EngineConfig {
    EngineConfig { listen: "0.0.0.0:0".parse().unwrap(), ..prepared.config() }
}

fn issue(config: &EngineConfig, now: Timestamp) {
    let keys = KeyFolder::open(&config.keys, Zone::Enclave).unwrap();
    Ca::create(&config.keys.join("ca"), now).unwrap().issue(&keys, &[], now).unwrap();
}

async fn start_error(prepared: &Prepared, config: EngineConfig) -> String {
    let error = serve_with(config, prepared.guard(), |_| (), std::future::ready(())).await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_loopback_the_engine_answers_over_tls() {
    let served = Served::start().await;
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(served.told(&served.url(host), Some(served.ca())).await, "answered: \"exact\"");
    }
    // The standard client of arrow-flight, without ours between.
    let pem = std::fs::read_to_string(served.ca()).unwrap();
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
    let endpoint = Endpoint::from_shared(format!("https://localhost:{}", served.port)).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    let mut client = FlightSqlServiceClient::new(channel);
    client.set_token(served.prepared.token());
    let info = client.execute(COUNT.to_owned(), None).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let batches: Vec<_> = client.do_get(ticket).await.unwrap().try_collect().await.unwrap();
    assert_eq!(batches[0].num_rows(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_use_is_known_over_tls_too() {
    for (network, expected) in [("127.0.0.0/8", "answered"), ("192.0.2.0/24", "permit/place")] {
        let served = Served::of(prepared_in(Timestamp::now(), Some(network)), |_| ()).await;
        let told = served.told(&served.url("127.0.0.1"), Some(served.ca())).await;
        assert!(told.starts_with(expected), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_researcher_is_told_what_is_wrong_with_the_connection() {
    let (served, other) = (Served::start().await, Served::start().await);
    let told = served.told(&served.url("localhost"), Some(other.ca())).await;
    assert!(told.starts_with("failed: the CA file does not vouch for grpc+tls://localhost"), "{told}");
    let told = served.told(&served.url("127.0.0.2"), Some(served.ca())).await;
    assert!(told.contains("is for another name"), "{told}");
    let told = served.told(&served.url("localhost"), None).await;
    assert!(told.contains("needs the CA file"), "{told}");
    let told = served.told(&format!("grpc://engine.example:{}", served.port), None).await;
    assert!(told.contains("only this machine is spoken to without TLS"), "{told}");
    let told = served.told(&format!("grpc://127.0.0.1:{}", served.port), None).await;
    assert!(told.contains("write grpc+tls:// and name its CA file"), "{told}");
    let told = served.told("grpc+tls://localhost:1", Some(served.ca())).await;
    assert!(told.contains("nothing answers at grpc+tls://localhost:1"), "{told}");
    let told = served.told(&served.url("localhost"), Some(served.ca().with_file_name("server.json"))).await;
    assert!(told.contains("holds no certificate in PEM form"), "{told}");
    assert_eq!(served.told(&served.url("localhost"), Some(served.ca())).await, "answered: \"exact\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_neither_believed_nor_served() {
    let then = Timestamp::now() - SignedDuration::from_hours(400 * 24);
    // An engine whose clock stands still long ago believes its certificate; the researcher's clock does not.
    let served = Served::at(then, |_| ()).await;
    let told = served.told(&served.url("localhost"), Some(served.ca())).await;
    assert!(told.contains("has expired; ask the operator"), "{told}");
    served.prepared.set(Timestamp::now());
    let error = start_error(&served.prepared, beyond(&served.prepared)).await;
    assert!(error.contains("expired at") && error.contains("sudare keys certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_client_on_a_plain_port_is_told_so() {
    let served = Served::at(Timestamp::now(), |config| {
        config.listen = "127.0.0.1:0".parse().unwrap();
        // A CA file beside a signer on this machine that is asked plainly changes nothing.
        config.ca = Some(config.keys.join("tls/ca.pem"));
    });
    let served = served.await;
    let told = served.told(&served.url("127.0.0.1"), Some(served.ca())).await;
    assert!(told.contains("does not speak TLS as it should"), "{told}");
    let plain = served.told(&format!("grpc://127.0.0.1:{}", served.port), None).await;
    assert_eq!(plain, "answered: \"exact\"");
    let asked_for = Served::at(Timestamp::now(), |config| {
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.tls = true;
    });
    let asked_for = asked_for.await;
    assert_eq!(asked_for.told(&asked_for.url("localhost"), Some(asked_for.ca())).await, "answered: \"exact\"");
}

#[tokio::test]
async fn other_machines_are_not_served_without_tls() {
    let prepared = prepared(Timestamp::now());
    let error = start_error(&prepared, beyond(&prepared)).await;
    assert!(
        error.starts_with("0.0.0.0:0 is served over TLS only: ") && error.contains("has no TLS certificate"),
        "{error}"
    );
}

/// Takes TLS off and hands on to the signer, which speaks plain HTTP in these tests.
async fn signer_over_tls(prepared: &Prepared, config: &EngineConfig) -> (u16, JoinSet<()>) {
    let keys = KeyFolder::init(&config.keys.with_file_name("permit"), Zone::Permit, Timestamp::now()).unwrap();
    Ca::create(&keys.path().join("ca"), Timestamp::now()).unwrap().issue(&keys, &[], Timestamp::now()).unwrap();
    let certificate = ServerCertificate::open(&keys, Timestamp::now()).unwrap();
    let mut listener = TlsListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), &certificate);
    let port = listener.local_addr().unwrap().port();
    let behind = prepared.config().signer.replace("http://", "");
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        loop {
            let (mut front, _) = listener.accept().await;
            let mut back = tokio::net::TcpStream::connect(&behind).await.unwrap();
            tokio::io::copy_bidirectional(&mut front, &mut back).await.ok();
        }
    });
    (port, serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_comes_over_tls_from_a_signer_that_the_ca_vouches_for() {
    let prepared = prepared(Timestamp::now());
    let mut config = beyond(&prepared);
    issue(&config, Timestamp::now());
    let (port, _signer) = signer_over_tls(&prepared, &config).await;
    config.signer = format!("https://localhost:{port}");
    let (own, signers) = (config.keys.join("tls/ca.pem"), config.keys.with_file_name("permit").join("tls/ca.pem"));
    for (ca, expected) in [(signers, "answered"), (own.clone(), "refused")] {
        config.ca = Some(ca);
        let (tell, told) = oneshot::channel();
        let (config, guard) = (config.clone(), prepared.guard());
        let mut serving = JoinSet::new();
        let ready = move |address: SocketAddr| tell.send(address.port()).unwrap();
        serving.spawn(async move { serve_with(config, guard, ready, std::future::pending()).await });
        let server = format!("grpc+tls://localhost:{}", told.await.unwrap());
        let engine = Engine::at(&server, Some(&own)).unwrap();
        match engine.query(&prepared.token(), None, COUNT).await {
            Ok(_) => assert_eq!(expected, "answered"),
            Err(error) => assert!(expected == "refused" && refused(error).starts_with("permit/no-status")),
        }
    }
    config.ca = None;
    assert!(start_error(&prepared, config.clone()).await.contains("needs the CA file"));
    config.signer = format!("http://signer.example:{port}");
    assert!(start_error(&prepared, config).await.contains("only this machine is spoken to without TLS"));
}
