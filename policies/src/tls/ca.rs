//! The installation's own CA, a folder: `ca.pem` to hand out, `ca.key` (mode 0600), `ca.json`. It signs server certificates alone.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::certificate::{self, Issued};
use super::{Host, TlsError, io_at};
use crate::durable;
use crate::keys::{KeyFolder, fingerprint};
use crate::zone::Zone;

/// A CA lasts longer than an installation keeps its machines.
const CA_VALID: SignedDuration = SignedDuration::from_hours(3653 * 24); // ten years
/// A certificate lasts a year and a month, so that a yearly renewal is never late (browsers take up to 398 days).
const SERVER_VALID: SignedDuration = SignedDuration::from_hours(397 * 24);
/// Clocks of other machines may be this much behind.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(1);

/// The names under which every service is reached on its own machine.
const THIS_MACHINE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An opened CA. The private key stays in here.
pub struct Ca {
    key: KeyPair,
    pem: String,
    about: CaFile,
}

#[derive(Serialize, Deserialize)]
struct CaFile {
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Ca {
    /// Makes a CA in an empty folder.
    pub fn create(path: &Path, now: Timestamp) -> Result<Self, TlsError> {
        let [pem_at, key_at, about_at] = files(path);
        if pem_at.exists() || key_at.exists() || about_at.exists() {
            return Err(TlsError::CaExists { path: path.to_owned() });
        }
        fs::DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(io_at(path))?;
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let about = CaFile { created_at: now, expires_at: now.saturating_add(CA_VALID).map_err(|_| TlsError::Clock)? };
        let mut params = params_of(&key);
        params.not_before = date(now - CLOCK_SKEW)?;
        params.not_after = date(about.expires_at)?;
        let certificate = params.self_signed(&key).map_err(TlsError::Make)?;
        let pem = certificate_pem(certificate.der());
        let json = serde_json::to_vec_pretty(&about).map_err(|cause| io_at(&about_at)(cause.into()))?;
        durable::replace_private(&key_at, key_pem(&key).as_bytes()).map_err(io_at(&key_at))?;
        durable::replace(&about_at, &json).map_err(io_at(&about_at))?;
        durable::replace(&pem_at, pem.as_bytes()).map_err(io_at(&pem_at))?;
        Ok(Self { key, pem, about })
    }

    /// Opens a CA that was made before.
    pub fn open(path: &Path) -> Result<Self, TlsError> {
        let missing = || TlsError::CaMissing { path: path.to_owned() };
        let [pem_at, key_at, about_at] = files(path);
        let key_text = private_text(&key_at).map_err(|error| error.unwrap_or_else(missing))?;
        let pem = fs::read_to_string(&pem_at).map_err(|_| missing())?;
        let about = fs::read(&about_at).map_err(|_| missing())?;
        let about = serde_json::from_slice(&about).map_err(|cause| io_at(&about_at)(cause.into()))?;
        let der = PrivateKeyDer::from_pem_slice(key_text.as_bytes()).map_err(|_| missing())?;
        let key = KeyPair::try_from(&der).map_err(TlsError::Make)?;
        Ok(Self { key, pem, about })
    }

    /// Opens the CA of a folder, or makes it there if the folder has none. Says whether it is new.
    pub fn open_or_create(path: &Path, now: Timestamp) -> Result<(Self, bool), TlsError> {
        if files(path).iter().any(|file| file.exists()) {
            Self::open(path).map(|ca| (ca, false))
        } else {
            Self::create(path, now).map(|ca| (ca, true))
        }
    }

    /// Issues a certificate with a fresh key for the service of a zone and puts it into `tls/` of its key folder.
    /// It holds for `hosts` and for the names of the machine itself.
    pub fn issue(&self, keys: &KeyFolder, hosts: &[Host], now: Timestamp) -> Result<Issued, TlsError> {
        if !serves(keys.zone()) {
            return Err(TlsError::Zone { zone: keys.zone() });
        }
        if self.about.expires_at <= now {
            return Err(TlsError::CaExpired { until: self.about.expires_at });
        }
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let mut names: Vec<String> = THIS_MACHINE.map(ToOwned::to_owned).to_vec();
        names.extend(hosts.iter().map(|host| host.as_str().to_owned()).filter(|host| !THIS_MACHINE.contains(&&**host)));
        let mut params = CertificateParams::new(names).map_err(TlsError::Make)?;
        let ends = now.saturating_add(SERVER_VALID).map_err(|_| TlsError::Clock)?.min(self.about.expires_at);
        params.not_before = date(now - CLOCK_SKEW)?;
        params.not_after = date(ends)?;
        params.distinguished_name.push(DnType::CommonName, format!("Sudare {}", keys.zone()));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::new(params_of(&self.key), &self.key);
        let signed = params.signed_by(&key, &issuer).map_err(TlsError::Make)?;
        let issued = Issued { hosts: hosts.to_vec(), expires_at: ends };
        certificate::write(keys, &certificate_pem(signed.der()), &key_pem(&key), &self.pem, &issued)?;
        Ok(issued)
    }
}

/// Issues a zone's certificate anew: for `hosts`, or for those of the last one if none are named.
pub fn renew(ca: &Path, keys: &KeyFolder, hosts: &[Host], now: Timestamp) -> Result<Issued, TlsError> {
    let ca = Ca::open(ca)?;
    match Issued::read(keys)? {
        Some(last) if hosts.is_empty() => ca.issue(keys, &last.hosts, now),
        Some(_) | None => ca.issue(keys, hosts, now),
    }
}

/// A private text, or nothing if the file is not there; others may not read it.
pub(super) fn private_text(path: &Path) -> Result<Zeroizing<String>, Option<TlsError>> {
    let meta = fs::metadata(path).map_err(|_| None)?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(Some(TlsError::Open { path: path.to_owned() }));
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(|cause| Some(io_at(path)(cause)))
}

/// Zones with a service that others reach.
pub fn serves(zone: Zone) -> bool {
    match zone {
        Zone::Enclave | Zone::Permit | Zone::Portal => true,
        Zone::Holder | Zone::Linkage => false,
    }
}

fn files(path: &Path) -> [PathBuf; 3] {
    ["ca.pem", "ca.key", "ca.json"].map(|name| path.join(name))
}

/// What a CA's certificate says but for its dates. All of it follows from the key, so that an opened CA signs by the same name.
fn params_of(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = fingerprint(b"sudare ca", key.public_key_raw());
    params.distinguished_name.push(DnType::CommonName, format!("Sudare CA {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn date(at: Timestamp) -> Result<OffsetDateTime, TlsError> {
    OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|_| TlsError::Clock)
}

fn certificate_pem(der: &[u8]) -> String {
    pem("CERTIFICATE", der).to_string()
}

fn key_pem(key: &KeyPair) -> Zeroizing<String> {
    pem("PRIVATE KEY", key.serialized_der())
}

/// RFC 7468: lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    // Large enough at once: a grown string would leave a copy behind that nobody wipes.
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 64));
    text.extend(["-----BEGIN ", label, "-----\n"]);
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.extend(["-----END ", label, "-----\n"]);
    text
}
