//! Whom a client believes: the CA file of the other side. There is no way to believe everybody.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{TlsError, io_at, is_loopback};

/// Certificates of one or more CAs.
#[derive(Clone, Debug)]
pub struct Roots {
    pem: String,
    certificates: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Reads a PEM file with at least one certificate.
    pub fn read(path: &Path) -> Result<Self, TlsError> {
        let not_pem = || TlsError::NotPem { path: path.to_owned() };
        let pem = fs::read_to_string(path).map_err(io_at(path))?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let roots = Self { pem, certificates: certificates.map_err(|_| not_pem())? };
        if roots.certificates.is_empty() || roots.store().is_err() {
            return Err(not_pem());
        }
        Ok(roots)
    }

    /// The file's text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificates in DER form.
    pub fn der(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(AsRef::as_ref)
    }

    pub(super) fn store(&self) -> Result<RootCertStore, rustls::Error> {
        let mut store = RootCertStore::empty();
        for certificate in &self.certificates {
            store.add(certificate.clone())?;
        }
        Ok(store)
    }
}

/// Whether a client of ours may speak to `host`: over TLS with a CA named, or plainly on loopback.
pub fn check_peer(over_tls: bool, host: &str, roots: Option<&Roots>) -> Result<(), TlsError> {
    match (over_tls, roots) {
        (true, None) => Err(TlsError::NoRoots),
        (true, Some(_)) => Ok(()),
        (false, _) if is_loopback(host) => Ok(()),
        (false, _) => Err(TlsError::Plain),
    }
}
