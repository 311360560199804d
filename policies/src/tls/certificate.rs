//! A service's certificate in its key folder: `tls/server.pem`, `tls/server.key` (mode 0600), `tls/ca.pem`, `tls/server.json`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ServerConfig};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ca::private_text;
use super::{Host, Roots, TlsError, io_at};
use crate::durable;
use crate::keys::KeyFolder;

/// From so long before its end on, a certificate's end is told at each start.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What was issued, for people and for the next renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Names beside those of the machine itself.
    pub hosts: Vec<Host>,
    /// Last moment of validity.
    pub expires_at: Timestamp,
}

impl Issued {
    /// Of the certificate in a key folder; none if it has no certificate of ours.
    pub fn read(keys: &KeyFolder) -> Result<Option<Self>, TlsError> {
        let at = place(keys, "server.json");
        match fs::read(&at) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|cause| io_at(&at)(cause.into())),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(io_at(&at)(cause)),
        }
    }
}

/// A service's certificate and key, checked: they belong together, the CA beside them issued it, it holds now.
pub struct ServerCertificate {
    chain_pem: String,
    key_pem: Zeroizing<String>,
    config: Arc<ServerConfig>,
    ends_soon: Option<Timestamp>,
}

impl ServerCertificate {
    /// What a service needs to listen on an address: none on loopback if TLS is not asked for; everywhere else one that holds, or
    /// the service does not start. One that ends soon is told to the log.
    pub fn for_address(
        address: SocketAddr,
        tls_asked: bool,
        keys: &KeyFolder,
        now: Timestamp,
    ) -> Result<Option<Self>, TlsError> {
        if address.ip().is_loopback() && !tls_asked {
            return Ok(None);
        }
        let certificate = Self::open(keys, now)?;
        if let Some(until) = certificate.ends_soon {
            tracing::warn!(certificate.until = %until, "the TLS certificate ends soon; run `sudare keys certificate`, then start again");
        }
        Ok(Some(certificate))
    }

    /// Reads and checks `tls/` of a key folder.
    pub fn open(keys: &KeyFolder, now: Timestamp) -> Result<Self, TlsError> {
        let missing = || TlsError::Missing { keys: keys.path().to_owned() };
        let (at, folder) = (place(keys, "server.pem"), keys.path().to_owned());
        let wrong = |cause| TlsError::Certificate { path: at.clone(), keys: folder.clone(), cause: Box::new(cause) };
        let not_pem = || TlsError::NotPem { path: at.clone() };
        let chain_pem = fs::read_to_string(&at).map_err(|_| missing())?;
        let key_pem = private_text(&place(keys, "server.key")).map_err(|error| error.unwrap_or_else(missing))?;
        let roots = Roots::read(&place(keys, "ca.pem"))?;
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain_pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| not_pem())?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
            .map_err(|_| TlsError::NotPem { path: place(keys, "server.key") })?;
        let expired = |until| TlsError::Expired { path: at.clone(), keys: folder.clone(), until };
        check(&chain, &roots, now).map_err(|cause| match end(&cause) {
            Some(until) => expired(until),
            None => wrong(cause),
        })?;
        let ends_soon = now.saturating_add(RENEW_BEFORE).ok().and_then(|then| check(&chain, &roots, then).err());
        let ends_soon = ends_soon.as_ref().and_then(end);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.map_err(wrong)?.with_no_client_auth().with_single_cert(chain, key).map_err(wrong)?;
        Ok(Self { chain_pem, key_pem, config: Arc::new(config), ends_soon })
    }

    /// Certificate and key in PEM form, for a server that makes its own configuration.
    pub fn pem(&self) -> (&str, &str) {
        (&self.chain_pem, &self.key_pem)
    }

    /// When it ends, if that is within a month.
    pub fn ends_soon(&self) -> Option<Timestamp> {
        self.ends_soon
    }

    /// For a server over HTTP/1.1.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// Puts a certificate into the key folder. The key goes first: what a crash leaves does not match and is refused.
pub(super) fn write(
    keys: &KeyFolder,
    certificate: &str,
    key: &Zeroizing<String>,
    ca: &str,
    issued: &Issued,
) -> Result<(), TlsError> {
    let folder = keys.path().join("tls");
    fs::create_dir_all(&folder).map_err(io_at(&folder))?;
    let at = place(keys, "server.key");
    durable::replace_private(&at, key.as_bytes()).map_err(io_at(&at))?;
    let json = serde_json::to_string_pretty(issued).map_err(|cause| io_at(&folder)(cause.into()))?;
    for (name, text) in [("ca.pem", ca), ("server.json", &json), ("server.pem", certificate)] {
        let at = place(keys, name);
        durable::replace(&at, text.as_bytes()).map_err(io_at(&at))?;
    }
    Ok(())
}

fn place(keys: &KeyFolder, name: &str) -> PathBuf {
    keys.path().join("tls").join(name)
}

/// As a client would at that time, but for the name.
fn check(chain: &[CertificateDer<'static>], roots: &Roots, now: Timestamp) -> Result<(), rustls::Error> {
    let (leaf, intermediates) =
        chain.split_first().ok_or(rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    verify_server_cert_signed_by_trust_anchor(
        &ParsedCertificate::try_from(leaf)?,
        &roots.store()?,
        intermediates,
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
        rustls::crypto::ring::default_provider().signature_verification_algorithms.all,
    )
}

/// The end of validity, if that is what is wrong.
fn end(cause: &rustls::Error) -> Option<Timestamp> {
    if let rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) = cause {
        Timestamp::from_second(i64::try_from(not_after.as_secs()).ok()?).ok()
    } else {
        None
    }
}
