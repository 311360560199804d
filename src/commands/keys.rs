//! `sudare keys`: a zone's secrets a folder, public halves in `public/`; listed by fingerprint, never printed.

mod epoch;
mod root;
mod run_key;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::durable;
use policies::keys::{KeyFolder, VerifyingKey};
use policies::tls::{self, Ca, Host, Issued, TlsError};

use crate::cli::Keys;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(crate) fn run(arguments: Keys, lang: Lang) -> Result<Outcome> {
    match arguments {
        Keys::Certificate { keys, host, ca } => certificate(&keys, &host, ca.as_deref(), lang),
        Keys::Epoch(arguments) => epoch::run(arguments, lang),
        Keys::Init { zone, out, host, ca, root: None, epoch: _ } => init(zone, &out, &Tls { hosts: host, ca }, lang),
        Keys::Init { zone, out, host, ca, root: Some(root), epoch } => {
            let derived = root::derive(zone, &root, epoch)?;
            init(zone, &out, &Tls { hosts: host, ca }, lang)?;
            epoch::found(&out, derived, lang)
        }
        Keys::JoinEpoch { keys, wrapped, from } => epoch::join(&keys, &wrapped, from.as_deref(), lang),
        Keys::Root(arguments) => root::run(arguments, lang),
        Keys::RunKey(arguments) => run_key::run(arguments, lang),
        Keys::ShareEpoch { keys, to, out, next } => epoch::share(&keys, &to, &out, next, lang),
        Keys::Show { keys } => show(&keys),
        Keys::Trust { keys, source, holder, replace } => trust(&keys, &source, &holder, replace, lang),
        Keys::Verify { keys, out, against } => verify::run(&keys, out.as_deref(), against.as_deref(), lang),
    }
}

/// What the command line says about TLS.
struct Tls {
    hosts: Vec<Host>,
    ca: Option<PathBuf>,
}

fn init(zone: Zone, out: &Path, tls: &Tls, lang: Lang) -> Result<Outcome> {
    let now = clock::now();
    if !tls::serves(zone) {
        if tls.ca.is_some() || !tls.hosts.is_empty() {
            return Err(TlsError::Zone { zone }.into());
        }
        let folder = KeyFolder::init(out, zone, now)?;
        output::note(&lang.with("keys-made", &[("zone", zone.as_str()), ("path", &out.display().to_string())]));
        return list(&folder);
    }
    // A CA that cannot be used is told before anything is made.
    let named = tls.ca.as_deref().map(|ca| ca_of(ca, lang)).transpose()?;
    let folder = KeyFolder::init(out, zone, now)?;
    output::note(&lang.with("keys-made", &[("zone", zone.as_str()), ("path", &out.display().to_string())]));
    let ca = match named {
        Some(ca) => ca,
        None => ca_of(&own_ca(out), lang)?,
    };
    tell(&folder, &ca.issue(&folder, &tls.hosts, now)?, tls.ca.as_deref(), lang);
    list(&folder)
}

fn certificate(keys: &Path, hosts: &[Host], ca: Option<&Path>, lang: Lang) -> Result<Outcome> {
    let folder = KeyFolder::open_any(keys)?;
    let issued = tls::renew(ca.unwrap_or(&own_ca(keys)), &folder, hosts, clock::now())?;
    tell(&folder, &issued, ca, lang);
    Ok(Outcome::Done)
}

/// Opens the CA, or makes it and says so.
fn ca_of(path: &Path, lang: Lang) -> Result<Ca> {
    let (ca, made) = Ca::open_or_create(path, clock::now())?;
    if made {
        output::note(&lang.with("ca-made", &[("path", &path.display().to_string())]));
    }
    Ok(ca)
}

/// The CA of a zone that was given no other.
fn own_ca(keys: &Path) -> PathBuf {
    keys.join("ca")
}

/// Until when the certificate holds, whom clients are to believe, what renews it.
fn tell(folder: &KeyFolder, issued: &Issued, ca: Option<&Path>, lang: Lang) {
    let path = folder.path().display().to_string();
    let until = issued.expires_at.strftime("%Y-%m-%d").to_string();
    let hosts: Vec<&str> = ["localhost"].into_iter().chain(issued.hosts.iter().map(Host::as_str)).collect();
    let ca = ca.map(|ca| format!(" --ca {}", ca.display())).unwrap_or_default();
    let command = format!("sudare keys certificate --keys {path}{ca}");
    let pem = folder.path().join("tls").join("ca.pem").display().to_string();
    let words = [("hosts", &*hosts.join(", ")), ("until", &until), ("ca", &pem), ("command", &command)];
    output::note(&lang.with("tls-issued", &words));
}

fn show(keys: &Path) -> Result<Outcome> {
    list(&KeyFolder::open_any(keys)?)
}

fn list(folder: &KeyFolder) -> Result<Outcome> {
    let lines = folder.list()?.into_iter();
    let rows: Vec<_> = lines.map(|line| vec![line.name.to_owned(), line.kind.to_owned(), line.fingerprint]).collect();
    output::line(&output::table(&["key", "kind", "fingerprint"], &rows));
    Ok(Outcome::Done)
}

fn trust(keys: &Path, source: &str, holder: &Path, replace: bool, lang: Lang) -> Result<Outcome> {
    let folder = KeyFolder::open_any(keys)?;
    let audit = chain(&folder)?;
    let file = if holder.is_dir() { holder.join("sign.pub") } else { holder.to_owned() };
    let key = VerifyingKey::read(&file)?;
    if replace {
        folder.replace_trusted(source, &key)?;
    } else {
        folder.trust(source, &key)?;
    }
    let fingerprint = key.fingerprint();
    audit.append(clock::now(), &Act::new("keys", "key:trusted", source).with("fingerprint", fingerprint.clone()))?;
    output::note(&lang.with("key-trusted", &[("source", source), ("fingerprint", &fingerprint)]));
    Ok(Outcome::Done)
}

/// The audit chain of a zone's folder. Opened before the act: what cannot be recorded does not happen.
fn chain(folder: &KeyFolder) -> Result<AuditLog> {
    Ok(AuditLog::open(folder.path(), folder.zone(), folder.signing("sign")?)?)
}

fn read_file(path: &Path, lang: Lang) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| lang.with("cannot-read", &[("path", &path.display().to_string())]))
}

fn write_file(path: &Path, bytes: &[u8], lang: Lang) -> Result<()> {
    durable::replace(path, bytes).with_context(|| lang.with("cannot-write", &[("path", &path.display().to_string())]))
}
