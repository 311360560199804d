//! The demo's TLS: one CA for the installation, a certificate for each service, renewed at a start when it is due.

use std::fs;
use std::net::SocketAddr;

use anyhow::Result;
use policies::Zone;
use policies::keys::KeyFolder;
use policies::tls::{Ca, Host, Issued, ServerCertificate};

use super::folder::Folder;
use crate::clock;

/// Sees to it that each service has a certificate that holds for the addresses it listens on.
pub(super) fn renew(folder: &Folder, listen: &[SocketAddr]) -> Result<()> {
    let now = clock::now();
    let named = listen.iter().map(SocketAddr::ip).filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    let hosts: Vec<Host> = named.map(|ip| ip.to_string().parse()).collect::<Result<_, _>>()?;
    if folder.ca().exists() && !folder.ca_file().exists() {
        // Left by a run that ended while making the CA; its certificate comes last, so nobody believes it yet.
        fs::remove_dir_all(folder.ca())?;
    }
    let (ca, _) = Ca::open_or_create(&folder.ca(), now)?;
    let dummy = folder.dummy().join("keys");
    for (keys, zone) in [
        (folder.keys("enclave"), Zone::Enclave),
        (folder.keys("permit"), Zone::Permit),
        (folder.keys("portal"), Zone::Portal),
        (dummy, Zone::Enclave),
    ] {
        let keys = KeyFolder::open(&keys, zone)?;
        let held = Issued::read(&keys)?.is_some_and(|issued| hosts.iter().all(|host| issued.hosts.contains(host)));
        let holds = ServerCertificate::open(&keys, now).is_ok_and(|certificate| certificate.ends_soon().is_none());
        if !(held && holds) {
            ca.issue(&keys, &hosts, now)?;
        }
    }
    Ok(())
}
