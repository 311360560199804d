//! From where a request comes, for the limits on guessing.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::request::Parts;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;

use crate::error::PortalError;
use crate::portal::Portal;
use crate::serve::Connections;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(IpAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(stream.remote_addr().ip())
    }
}

impl Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        Self(stream.remote_addr().ip())
    }
}

/// Who is counted as one guesser: an IPv4 address, or the 64 bits of an IPv6 network, where one host has all addresses.
#[derive(Clone, Debug)]
pub(crate) struct Address(pub(crate) String);

impl FromRequestParts<Portal> for Address {
    type Rejection = PortalError;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, PortalError> {
        Ok(Self(visitor(parts, portal).map_or_else(String::new, network)))
    }
}

/// The visitor's address: the connection's or, behind a proxy, what the proxy says.
pub(crate) fn visitor(parts: &Parts, portal: &Portal) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.0);
    // The proxy before the portal adds who it heard from at the end; what stands before that, anybody may have written.
    let told = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let told = told.and_then(|value| value.to_str().ok()).and_then(|line| line.rsplit(',').next());
    let told = told.and_then(|last| last.trim().parse().ok()).filter(|_| portal.behind_proxy);
    told.or(peer)
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_one_host_is_one_guesser() {
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::"),
            ("2001:db8::ffff:ffff:ffff:ffff", "2001:db8::"),
            ("2001:db8:0:1::1", "2001:db8:0:1::"),
        ] {
            assert_eq!(network(address.parse().unwrap()), counted, "{address}");
        }
    }
}
