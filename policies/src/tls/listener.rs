//! Connections over TLS: handshakes side by side, so that a slow or silent client holds nobody up.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ServerCertificate;

/// How long a client may take to agree on keys.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Handshakes at a time; further clients wait in the system's queue.
const HANDSHAKES_MAX: usize = 256;
/// A pause when the system has no sockets left.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that gives connections after their handshake. A handshake that fails is dropped in silence.
pub struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// On a bound socket.
    pub fn new(listener: TcpListener, certificate: &ServerCertificate) -> Self {
        Self { listener, acceptor: certificate.config().into(), handshakes: JoinSet::new() }
    }

    /// The next connection.
    pub async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.handshakes.len() < HANDSHAKES_MAX => match accepted {
                    Ok((stream, peer)) => self.greet(stream, peer),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(done) = self.handshakes.join_next() => if let Ok(Some(ready)) = done {
                    return ready;
                },
            }
        }
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    fn greet(&mut self, stream: TcpStream, peer: SocketAddr) {
        let handshake = self.acceptor.accept(stream);
        self.handshakes.spawn(async move {
            let greeted = tokio::time::timeout(HANDSHAKE_MAX, handshake).await;
            greeted.ok()?.ok().map(|stream| (stream, peer))
        });
    }
}
