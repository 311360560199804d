//! TLS between machines: the installation's own CA, a service's certificate, whom a client believes. Plain stays on loopback.

mod ca;
mod certificate;
mod listener;
mod roots;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};

pub use ca::{Ca, renew, serves};
pub use certificate::{Issued, ServerCertificate};
pub use listener::TlsListener;
pub use roots::{Roots, check_peer};
pub use tokio_rustls::server::TlsStream;

use crate::zone::Zone;

/// Why TLS cannot be set up or used. Never carries key material.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A CA is not made over another.
    #[error("{} holds a part of a CA; choose another folder, a CA is never overwritten", path.display())]
    CaExists {
        /// The folder.
        path: PathBuf,
    },
    /// The CA's own certificate is out of date.
    #[error("the CA expired at {until}; make another in another folder and hand its ca.pem out")]
    CaExpired {
        /// Last moment of its validity.
        until: Timestamp,
    },
    /// No CA there.
    #[error("{} holds no CA (ca.pem, ca.key, ca.json); name with --ca the folder that `sudare keys init` made it in", path.display())]
    CaMissing {
        /// The folder.
        path: PathBuf,
    },
    /// The certificate does not belong to its key or its CA.
    #[error("{} is not a server certificate that belongs to server.key and was issued by ca.pem beside it; run `sudare keys certificate --keys {}`", path.display(), keys.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The key folder.
        keys: PathBuf,
        /// What rustls said.
        #[source]
        cause: Box<rustls::Error>,
    },
    /// The clock is far off.
    #[error("the clock shows a time that no certificate can carry; set the clock")]
    Clock,
    /// Out of date.
    #[error("the TLS certificate {} expired at {until}; run `sudare keys certificate --keys {}` and start the service again", path.display(), keys.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// The key folder.
        keys: PathBuf,
        /// Last moment of its validity.
        until: Timestamp,
    },
    /// Input or output failed.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The certificate could not be made.
    #[error("the certificate could not be made")]
    Make(#[source] rcgen::Error),
    /// A service without a certificate.
    #[error("{} has no TLS certificate (tls/server.pem); run `sudare keys certificate --keys {} --host NAME`", keys.display(), keys.display())]
    Missing {
        /// The key folder.
        keys: PathBuf,
    },
    /// Nobody named whom to believe.
    #[error("an address that begins with https or grpc+tls needs the CA file of the other side (ca.pem); name it")]
    NoRoots,
    /// A file without certificates.
    #[error("{} holds no certificate in PEM form; the file to name is the ca.pem that the operator hands out", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// The file can be read by others.
    #[error("{} can be read by other users; run `chmod 600` on it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// Plain text to another machine.
    #[error(
        "only this machine is spoken to without TLS; write https or grpc+tls, and name the CA file of the other side"
    )]
    Plain,
    /// The zone has no service.
    #[error("the {zone} zone serves nobody and has no certificate; leave --host and --ca out")]
    Zone {
        /// Which one.
        zone: Zone,
    },
}

impl TlsError {
    /// Stable code, safe in logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CaExists { .. } => "tls/ca-exists",
            Self::CaExpired { .. } => "tls/ca-expired",
            Self::CaMissing { .. } => "tls/ca-missing",
            Self::Certificate { .. } => "tls/certificate",
            Self::Clock => "tls/clock",
            Self::Expired { .. } => "tls/expired",
            Self::Io { .. } => "tls/file",
            Self::Make(_) => "tls/make",
            Self::Missing { .. } => "tls/missing",
            Self::NoRoots => "tls/no-ca-named",
            Self::NotPem { .. } => "tls/not-pem",
            Self::Open { .. } => "tls/open",
            Self::Plain => "tls/plain",
            Self::Zone { .. } => "tls/zone",
        }
    }
}

/// A name or address under which a service is reached: DNS name, IPv4 or IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

/// The text is no host.
#[derive(Debug, thiserror::Error)]
#[error("not a host: a DNS name or an IP address, without scheme and port")]
pub struct InvalidHost;

impl FromStr for Host {
    type Err = InvalidHost;
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        ServerName::try_from(text).map(|_| Self(text.to_owned())).map_err(|_| InvalidHost)
    }
}

impl TryFrom<String> for Host {
    type Error = InvalidHost;
    fn try_from(text: String) -> Result<Self, InvalidHost> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

impl Host {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a host is this machine's loopback: `localhost`, `127.0.0.0/8`, `::1`. Nothing is looked up.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> TlsError + use<> {
    let path = path.to_owned();
    move |cause| TlsError::Io { path, cause }
}

#[cfg(test)]
mod tests;
