//! Certificates made, renewed, damaged, mixed up; handshakes over real sockets.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use jiff::SignedDuration;
use rustls::ClientConfig;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;
use crate::keys::KeyFolder;

struct Place {
    dir: TempDir,
    keys: KeyFolder,
    now: Timestamp,
}

impl Place {
    /// A zone's folder with a certificate of its own CA, issued now.
    fn new() -> Self {
        Self::issued(Timestamp::now())
    }

    fn issued(now: Timestamp) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyFolder::init(&dir.path().join("k"), Zone::Enclave, now).unwrap();
        Ca::create(&dir.path().join("ca"), now).unwrap().issue(&keys, &hosts(&["engine.example"]), now).unwrap();
        Self { dir, keys, now }
    }

    fn ca(&self) -> PathBuf {
        self.dir.path().join("ca")
    }

    fn tls(&self, name: &str) -> PathBuf {
        self.keys.path().join("tls").join(name)
    }

    fn open(&self) -> Result<ServerCertificate, TlsError> {
        ServerCertificate::open(&self.keys, self.now)
    }

    /// One connection: what the server heard, or what the client said was wrong.
    async fn greet(&self, ca: &Path, name: &str) -> Result<String, String> {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut listener = TlsListener::new(socket, &self.open().unwrap());
        let address = listener.local_addr().unwrap();
        let serving = async move {
            let (mut stream, _) = listener.accept().await;
            let mut heard = [0; 5];
            stream.read_exact(&mut heard).await.unwrap();
            String::from_utf8(heard.to_vec()).unwrap()
        };
        let store = Roots::read(ca).unwrap().store().unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(store).with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let asking = async {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
            stream.write_all(b"hello").await?;
            stream.flush().await?;
            Ok::<_, io::Error>(stream)
        };
        tokio::pin!(serving);
        tokio::select! {
            heard = &mut serving => Ok(heard),
            asked = asking => match asked {
                Ok(_stream) => Ok(serving.await),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

fn hosts(names: &[&str]) -> Vec<Host> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_client_that_believes_the_ca_is_served_under_every_name_of_the_certificate() {
    let place = Place::new();
    for name in ["engine.example", "localhost", "127.0.0.1", "::1"] {
        assert_eq!(place.greet(&place.ca().join("ca.pem"), name).await.as_deref(), Ok("hello"), "{name}");
    }
    let other = place.greet(&place.tls("ca.pem"), "portal.example").await.unwrap_err();
    assert!(other.contains("not valid for name"), "{other}");
}

#[tokio::test]
async fn another_ca_is_not_believed() {
    let (place, other) = (Place::new(), Place::new());
    let error = place.greet(&other.tls("ca.pem"), "localhost").await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn a_silent_client_holds_nobody_up() {
    let place = Place::new();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut listener = TlsListener::new(socket, &place.open().unwrap());
    let address = listener.local_addr().unwrap();
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(Roots::read(&place.tls("ca.pem")).unwrap().store().unwrap())
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let (served, asked) =
        tokio::join!(tokio::time::timeout(std::time::Duration::from_secs(5), listener.accept()), async {
            connector.connect(name, TcpStream::connect(address).await.unwrap()).await
        });
    assert!(served.is_ok() && asked.is_ok());
    // The plain client was told with an alert, not with silence.
    let mut told = Vec::new();
    plain.read_to_end(&mut told).await.ok();
    assert_eq!(told.first(), Some(&21), "a TLS alert (RFC 8446, content type 21)");
}

#[test]
fn an_expired_certificate_is_named_with_its_end_and_the_remedy() {
    let place = Place::issued(Timestamp::now() - SignedDuration::from_hours(398 * 24));
    let error = ServerCertificate::open(&place.keys, Timestamp::now()).err().unwrap();
    assert_eq!(error.code(), "tls/expired");
    let said = error.to_string();
    assert!(said.contains("expired at 20") && said.contains("sudare keys certificate --keys"), "{said}");
    renew(&place.ca(), &place.keys, &[], Timestamp::now()).unwrap();
    let renewed = ServerCertificate::open(&place.keys, Timestamp::now()).unwrap();
    assert_eq!(renewed.ends_soon(), None);
    assert_eq!(Issued::read(&place.keys).unwrap().unwrap().hosts, hosts(&["engine.example"]));
}

#[test]
fn the_end_is_told_a_month_before() {
    let place = Place::new();
    let issued = Issued::read(&place.keys).unwrap().unwrap();
    assert_eq!(place.open().unwrap().ends_soon(), None);
    let late = issued.expires_at - SignedDuration::from_hours(29 * 24);
    let soon = ServerCertificate::open(&place.keys, late).unwrap().ends_soon().unwrap();
    assert_eq!(soon.as_second(), issued.expires_at.as_second());
}

#[test]
fn a_certificate_never_outlives_its_ca() {
    let place = Place::new();
    let late = place.now + SignedDuration::from_hours(3600 * 24);
    let issued = renew(&place.ca(), &place.keys, &[], late).unwrap();
    assert!(issued.expires_at.duration_since(late) < SignedDuration::from_hours(60 * 24), "{issued:?}");
    let over = place.now + SignedDuration::from_hours(3654 * 24);
    assert_eq!(renew(&place.ca(), &place.keys, &[], over).err().unwrap().code(), "tls/ca-expired");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (place, other) = (Place::new(), Place::new());
    std::fs::copy(other.tls("ca.pem"), place.tls("ca.pem")).unwrap();
    assert_eq!(place.open().err().unwrap().code(), "tls/certificate");
    let place = Place::new();
    std::fs::copy(other.tls("server.key"), place.tls("server.key")).unwrap();
    assert_eq!(place.open().err().unwrap().code(), "tls/certificate");
    std::fs::set_permissions(place.tls("server.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(place.open().err().unwrap().code(), "tls/open");
    std::fs::remove_file(place.tls("server.key")).unwrap();
    assert_eq!(place.open().err().unwrap().code(), "tls/missing");
    let place = Place::new();
    durable(&place.tls("ca.pem"), "nothing");
    assert_eq!(place.open().err().unwrap().code(), "tls/not-pem");
    durable(&place.tls("server.pem"), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    assert!(place.open().is_err());
}

fn durable(path: &Path, text: &str) {
    crate::durable::replace(path, text.as_bytes()).unwrap();
}

#[test]
fn private_keys_are_the_owners_alone_and_a_ca_is_not_overwritten() {
    let place = Place::new();
    for file in [place.tls("server.key"), place.ca().join("ca.key")] {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(Ca::create(&place.ca(), place.now).err().unwrap().code(), "tls/ca-exists");
    assert_eq!(Ca::open(place.dir.path()).err().unwrap().code(), "tls/ca-missing");
    let (_, made) = Ca::open_or_create(&place.dir.path().join("other"), place.now).unwrap();
    assert!(made);
    std::fs::set_permissions(place.ca().join("ca.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Ca::open(&place.ca()).err().unwrap().code(), "tls/open");
}

#[test]
fn a_zone_that_serves_nobody_gets_no_certificate() {
    let place = Place::new();
    let keys = KeyFolder::init(&place.dir.path().join("h"), Zone::Holder, place.now).unwrap();
    let error = Ca::open(&place.ca()).unwrap().issue(&keys, &[], place.now).err().unwrap();
    assert_eq!(error.code(), "tls/zone");
}

#[test]
fn plain_stays_on_loopback() {
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
        assert!(check_peer(false, host, None).is_ok(), "{host}");
    }
    for host in ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example", "", "[::ffff:10.0.0.1]"] {
        assert_eq!(check_peer(false, host, None).err().unwrap().code(), "tls/plain", "{host}");
    }
    assert_eq!(check_peer(true, "localhost", None).err().unwrap().code(), "tls/no-ca-named");
    for text in ["https://a", "a:1", "a b", "", "127.0.0.1:5"] {
        assert!(text.parse::<Host>().is_err(), "{text}");
    }
}
