//! For whom the demo's passkeys sign: the portal and the signing desk, at the addresses where the folder's demo was served first.
//! Passkeys in software answer at other addresses too; those of a browser would not.

use std::net::{SocketAddr, TcpListener};

use anyhow::Result;
use policies::durable;
use policies::passkey::RelyingParty;
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use crate::cli;

/// The desk's port, unless the portal takes any that is free.
const DESK_PORT: u16 = 8091;

/// Whom people sign for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parties {
    /// Where they sign in.
    pub(super) portal: RelyingParty,
    /// Where they sign what they do.
    pub(super) desk: RelyingParty,
}

impl Parties {
    /// Those of the folder, made at its first start.
    pub(super) fn of(folder: &Folder, arguments: &cli::Demo) -> Result<Self> {
        let path = folder.relying_parties();
        if let Ok(bytes) = std::fs::read(&path) {
            return Ok(serde_json::from_slice(&bytes)?);
        }
        let scheme = if arguments.portal.ip().is_loopback() { "http" } else { "https" };
        let here = |address| Ok::<_, anyhow::Error>(RelyingParty::localhost(scheme, port(address)?));
        let portal = here(arguments.portal)?;
        let desk = portal.elsewhere(&here(desk_address(arguments))?.origin)?;
        let parties = Self { portal, desk };
        durable::replace(&path, &serde_json::to_vec_pretty(&parties)?)?;
        Ok(parties)
    }
}

/// Where the desk listens: beside the portal.
pub(super) fn desk_address(arguments: &cli::Demo) -> SocketAddr {
    let port = if arguments.portal.port() == 0 { 0 } else { DESK_PORT };
    arguments.desk.unwrap_or_else(|| SocketAddr::new(arguments.portal.ip(), port))
}

/// The port, or one that is free now.
fn port(address: SocketAddr) -> Result<u16> {
    if address.port() == 0 { Ok(TcpListener::bind(address)?.local_addr()?.port()) } else { Ok(address.port()) }
}
